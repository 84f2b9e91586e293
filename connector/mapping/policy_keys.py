"""The keys below `policy`: whom and when a rule may call, and how often. What they mean is connector/policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any, Final

from connector.mapping.keys import FILLED, FLAG, Key, Shape, one_of
from connector.mapping.merge import MergeField
from connector.policy.kinds import CALLED, NEVER_CALLED, NumberType
from connector.policy.terms import USUAL_EXPIRY, OncePer, Outside, Terms
from connector.policy.windows import Window, parse_hours

ALWAYS: Final = "always"
"""In place of a window: at any time."""
LEAD: Final = "lead"
"""As a zone: where the person called is."""
NOBODY: Final = "skip"
"""As the zone otherwise: who cannot be placed is not called."""
NO_PAUSE: Final = "none"
"""As a cool-down."""
UNLIMITED: Final = "unlimited"
"""As a cap."""
OF_CONNECTION: Final = "connection"
"""As countries or a region: what the connection says."""
NAMEABLE: Final = sorted(each.value for each in NumberType if each not in NEVER_CALLED)

_LIST: Final[Shape] = {"type": ["string", "array"], "pattern": "\\S", "items": FILLED}
_WORDS: Final[Shape] = {**_LIST, "minItems": 1}
_HOURS: Final[Shape] = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {
        "title": "Hours",
        "description": "For these days, such as mon-fri or sat: ranges of the day such as 09:00-12:00; none: [].",
        "examples": ["09:00-18:00", ["09:00-12:00", "13:00-18:00"], []],
        **_LIST,
    },
}
_TYPES: Final[Shape] = {
    "anyOf": [
        {"enum": NAMEABLE},
        {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": NAMEABLE}},
    ]
}
_CAP: Final[Shape] = {"type": ["integer", "string"], "minimum": 1, "pattern": f"^{UNLIMITED}$"}


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """When people may be called, by the clock of the place where they are."""

    days: Annotated[
        str,
        Key(
            "Days",
            "Days of the week: mon-fri, or mon,wed,fri. With from and until; not together with hours.",
            _WORDS,
            ["mon-fri", "mon,wed,fri"],
            default="mon-sat",
        ),
    ] = "mon-sat"
    start: Annotated[
        str,
        Key(
            "From",
            "When it opens, as 09:00 on a clock of 24 hours.",
            FILLED,
            ["09:00"],
            default="09:00",
            name="from",
        ),
    ] = "09:00"
    until: Annotated[
        str,
        Key(
            "Until",
            "When it closes; before `from` it is a night that ends on the next day. 24:00 is midnight.",
            FILLED,
            ["18:00", "24:00"],
            default="20:00",
        ),
    ] = "20:00"
    hours: Annotated[
        Mapping[str, Sequence[str]],
        Key(
            "Hours",
            "Several ranges of the day, or other ones on other days; in place of days, from and until.",
            _HOURS,
            [{"mon-fri": ["09:00-12:00", "13:00-18:00"], "sat": "10:00-14:00"}],
            default={"mon-sat": "09:00-20:00"},
        ),
    ] = field(default_factory=dict)
    zone: Annotated[
        str | MergeField,
        Key(
            "Time zone",
            "Whose clock: lead (the zone that the CRM has for the person, else that of the number; of a number"
            " that may be in several zones all must be open), a merge field with a zone (else the number's), or a"
            " fixed zone such as America/New_York.",
            FILLED,
            ["lead", "{{ contact.timezone }}", "America/New_York"],
            default=LEAD,
        ),
    ] = LEAD
    otherwise: Annotated[
        str | None,
        Key(
            "Time zone otherwise",
            "The zone where neither the CRM nor the number tells the lead's."
            f" {NOBODY}: such a person is not called.",
            FILLED,
            ["America/New_York"],
            default=NOBODY,
        ),
    ] = None
    holidays: Annotated[
        frozenset[str],
        Key(
            "Public holidays",
            "Countries on whose public holidays nobody is called, or parts of countries: US, US-CA, GB-ENG. None:"
            " holidays are days like others.",
            _LIST,
            ["US", ["US-CA", "GB-ENG"]],
            default=[],
        ),
    ] = frozenset()
    closed_dates: Annotated[
        frozenset[date],
        Key(
            "Closed dates",
            "Days on which nobody is called, as 2026-12-24.",
            {"type": "array", "items": FILLED},
            [["2026-12-24", "2026-12-31"]],
            default=[],
        ),
    ] = frozenset()

    @property
    def window(self) -> Window:
        """The same as the judge wants it. ValueError for days and hours that are none."""
        hours = self.hours or {self.days: [f"{self.start}-{self.until}"]}
        return Window(parse_hours(hours), self.holidays, self.closed_dates)


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom the rule may call, when, and how often. It is judged when the event is read and again before the call."""

    window: Annotated[
        CallingWindow | None,
        Key(
            "Calling window",
            f"When people may be called. Left out: mon-sat 09:00-20:00 where they are. {ALWAYS}: at any time, for"
            " tests.",
            {},
            [{"days": "mon-fri", "from": "09:00", "until": "18:00", "zone": "lead"}, ALWAYS],
            default={},
            section=CallingWindow,
            instead=ALWAYS,
        ),
    ] = field(default_factory=CallingWindow)
    outside: Annotated[
        Outside,
        Key(
            "Outside the window",
            "hold: wait until it opens; skip: make no call.",
            one_of(Outside),
            ["hold", "skip"],
            default=Outside.HOLD.value,
        ),
    ] = Outside.HOLD
    once_per: Annotated[
        OncePer,
        Key(
            "Once per",
            "What this rule calls once, and never again: each stage_entry of a record, each record, or each number. For once"
            " within a time there is cool_down.",
            one_of(OncePer),
            ["stage_entry", "record", "number"],
            default=OncePer.STAGE_ENTRY.value,
        ),
    ] = OncePer.STAGE_ENTRY
    cool_down: Annotated[
        timedelta | None,
        Key(
            "Cool-down",
            "How long after a call, of whichever rule, this rule calls neither that record nor that number: 90m,"
            f" 24h, 30d. An event in that time makes no call. {NO_PAUSE}: any number of calls, one for each event.",
            FILLED,
            ["24h", "30d"],
            default=NO_PAUSE,
        ),
    ] = None
    expires: Annotated[
        timedelta,
        Key(
            "Expires",
            "How long after the stage was entered a call is still wanted: 4h, 3d.",
            FILLED,
            ["3d", "4h"],
            default="3d",
        ),
    ] = USUAL_EXPIRY
    max_per_hour: Annotated[
        int | None,
        Key(
            "Calls an hour",
            f"Calls of this rule in any 60 minutes; more wait for their turn. {UNLIMITED}: any number.",
            _CAP,
            [20],
            default=UNLIMITED,
        ),
    ] = None
    max_per_day: Annotated[
        int | None,
        Key(
            "Calls a day",
            f"Calls of this rule in any 24 hours; more wait for their turn. {UNLIMITED}: any number.",
            _CAP,
            [100],
            default=UNLIMITED,
        ),
    ] = None
    countries: Annotated[
        frozenset[str] | None,
        Key(
            "Countries",
            "Countries, by their two letters, whose numbers are called."
            f" {OF_CONNECTION}: those that the connection allows.",
            _WORDS,
            ["US", ["US", "CA"]],
            default=OF_CONNECTION,
        ),
    ] = None
    number_types: Annotated[
        frozenset[NumberType],
        Key(
            "Types of numbers",
            "Types of numbers that are called. Emergency and short numbers are never called.",
            _TYPES,
            ["mobile", ["mobile", "landline", "toll_free"]],
            default=sorted(each.value for each in CALLED),
        ),
    ] = CALLED
    dry_run: Annotated[
        bool,
        Key(
            "Dry run",
            "true: decide everything, call nobody, and say with each record what would have happened.",
            FLAG,
            [True],
            default=False,
        ),
    ] = False
    terms: Terms = field(init=False, repr=False, compare=False)
    """The same as the judge wants it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", self._terms())

    def zone_said(self, values: Mapping[str, Any]) -> str | None:
        """What the rule's own merge field says of a person's time zone; None where the rule has none."""
        zone = self.window.zone if self.window else None
        return zone.text(values, []) if isinstance(zone, MergeField) else None

    def _terms(self) -> Terms:
        window = self.window
        zone = window.zone if window and isinstance(window.zone, str) and window.zone != LEAD else None
        return Terms(
            window=window.window if window else None,
            zone=zone,
            otherwise=window.otherwise if window else None,
            outside=self.outside,
            once_per=self.once_per,
            cool_down=self.cool_down,
            expires=self.expires,
            max_per_hour=self.max_per_hour,
            max_per_day=self.max_per_day,
            countries=self.countries,
            number_types=self.number_types,
            dry_run=self.dry_run,
        )
