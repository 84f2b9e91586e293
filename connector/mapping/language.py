"""The keys of a rule file: the frozen values that they become, with what people and editors are told of each.

The one source of the language's keys. rules.schema.json is made of it (`stagecall rules schema`), a file's shape
is checked by it, `stagecall rules docs` prints it. What a key means is read in reading.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from connector.errors import Mistake
from connector.mapping.keys import FILLED, FLAG, TEXT, WORD, WORDS, Key, Shape, one_of, schema_of, some_of
from connector.mapping.merge import Condition, MergeField
from connector.mapping.policy_keys import OF_CONNECTION, Policy
from connector.mapping.write_back_keys import WriteBacks
from connector.model import EventKind, Source

Tree = Any
"""Metadata: a MergeField, a constant, or a mapping or list of these."""

ANY: Final = "any"
"""In `enters`: whichever stage it is; so too in the other conditions that name stages or ways."""
ANYONE: Final = "anyone"
"""In `only_source`: whoever changed the record."""
DEFAULT_AGENT: Final = "default"
"""As an agent: the one that the Trigger Call API takes by itself."""

_TABLES: Final[Shape] = {
    "type": "object",
    "additionalProperties": {
        "title": "Table",
        "description": "What is looked up, and what it gives. Capitals and blanks around make no difference.",
        "examples": [{"71": "Lead Qualifier", "72": "Senior Closer"}],
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {
            "title": "What it gives",
            "description": "What `map` returns for this word: a text, a number, true or false.",
            "examples": ["Lead Qualifier", 30, True],
            "type": ["string", "number", "boolean"],
        },
    },
}
_CANDIDATES: Final[Shape] = {
    "type": ["string", "array"],
    "pattern": "\\S",
    "minItems": 1,
    "maxItems": 10,
    "items": FILLED,
}


@dataclass(frozen=True, slots=True)
class When:
    """Which events the rule is for. Every key that is given must be true of the event."""

    enters: Annotated[
        tuple[str, ...],
        Key(
            "Stage entered",
            f"Label or id of the stage, a list of several, or {ANY}: whichever stage. Capitals make no difference;"
            f' a stage that is called "{ANY}" goes by its id.',
            WORDS,
            ["Demo requested", ["Demo requested", "Trial started"], ANY],
            required=True,
        ),
    ]
    pipeline: Annotated[
        str | None,
        Key(
            "Pipeline",
            f"Label or id of the pipeline, or {ANY}: a stage of that name in any pipeline.",
            WORD,
            ["Sales Pipeline", "default"],
            default=ANY,
        ),
    ] = None
    came_from: Annotated[
        tuple[str, ...],
        Key(
            "Stage left",
            f"Label or id of the stage that the record comes from, a list of several, or {ANY}: wherever it comes"
            " from, created records too. Only for CRMs that tell it.",
            WORDS,
            ["New", ["New", "Contacted"]],
            default=ANY,
            name="from",
        ),
    ] = ()
    how: Annotated[
        EventKind | None,
        Key(
            "How it came there",
            f"moved: from another stage; created: the record began in this one; {ANY}: both.",
            one_of(EventKind, ANY),
            ["moved", "created"],
            default=ANY,
        ),
    ] = None
    only_source: Annotated[
        frozenset[Source],
        Key(
            "Only if changed by",
            "Who must have put the record into the stage, or a list: person (by hand), bulk_edit (by hand, many"
            f" at once), import, integration (another program), workflow, unknown; {ANYONE}: whoever it was.",
            some_of(Source, ANYONE),
            ["person", ["person", "workflow"]],
            default=ANYONE,
        ),
    ] = frozenset()
    not_source: Annotated[
        frozenset[Source],
        Key(
            "Unless changed by",
            "Who must not have put the record into the stage: the words of only_source.",
            some_of(Source),
            ["import", ["import", "bulk_edit"]],
            default=[],
        ),
    ] = frozenset()
    condition: Annotated[
        Condition | None,
        Key(
            "Condition",
            "An expression, without {{ }}. The call is placed only if it is true.",
            FILLED,
            [
                "deal.amount >= 1000 and not contact.do_not_call",
                "contact.hs_country_region_code in ['US', 'CA']",
            ],
            default="true",
            name="if",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Call:
    """The call to place: texts with merge fields, such as {{ contact.firstname }}."""

    phone_number: Annotated[
        tuple[MergeField, ...],
        Key(
            "Phone number",
            "The number to call, as the CRM has it: a text with merge fields, or a list of expressions (without"
            " {{ }}), tried in order until one gives a number that can be dialled, and is of a type that the rule calls.",
            _CANDIDATES,
            ["{{ contact.mobilephone or contact.phone }}", ["contact.mobilephone", "contact.phone"]],
            required=True,
        ),
    ]
    agent: Annotated[
        MergeField | None,
        Key(
            "Agent",
            f"Name or UUID of the voice agent, or {DEFAULT_AGENT}: the default agent (an agent of that name goes by"
            " its UUID). Given and empty: no call.",
            FILLED,
            ["Lead Qualifier", "{{ 'Closer' if deal.amount >= 10000 else 'Lead Qualifier' }}"],
            default=DEFAULT_AGENT,
        ),
    ] = None
    region: Annotated[
        MergeField | None,
        Key(
            "Region",
            f"Country, by its two letters, of numbers written without a country code. {OF_CONNECTION}, or a merge"
            " field that is empty: the connection's default_region.",
            FILLED,
            ["US", "{{ contact.hs_country_region_code }}"],
            default=OF_CONNECTION,
        ),
    ] = None
    name: Annotated[
        MergeField | None,
        Key(
            "Name",
            "The person's name, told to the agent.",
            TEXT,
            ["{{ contact.firstname }} {{ contact.lastname }}"],
            default="",
        ),
    ] = None
    email: Annotated[
        MergeField | None,
        Key(
            "Email",
            "The person's email address, told to the agent.",
            TEXT,
            ["{{ contact.email }}"],
            default="",
        ),
    ] = None
    metadata: Annotated[
        Mapping[str, Tree],
        Key(
            "Metadata",
            "Anything else that should travel with the call: texts, numbers, lists, mappings. A lone merge field"
            " keeps its type.",
            {"type": "object"},
            [{"deal_id": "{{ deal.id }}", "amount": "{{ deal.amount | number }}"}],
            default={},
        ),
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """When this happens, place that call, and write this back."""

    name: Annotated[
        str,
        Key(
            "Name",
            "What people call this rule. It is shown with every call, and no two rules may have the same.",
            {**FILLED, "maxLength": 200},
            ["Call people who ask for a demo"],
            required=True,
        ),
    ]
    when: Annotated[
        When,
        Key(
            "When",
            "Which events the rule is for.",
            {},
            [{"pipeline": "Sales Pipeline", "enters": "Demo requested"}],
            section=When,
            required=True,
        ),
    ]
    call: Annotated[
        Call,
        Key(
            "Call",
            "The call to place.",
            {},
            [{"phone_number": "{{ contact.phone }}", "name": "{{ contact.firstname }}"}],
            section=Call,
            required=True,
        ),
    ]
    policy: Annotated[
        Policy,
        Key(
            "Policy",
            "Whom the rule may call, when, and how often. Left out: by day, mon-sat 09:00-20:00 where people are.",
            {},
            [{"window": {"days": "mon-fri", "from": "09:00", "until": "18:00"}, "cool_down": "24h"}],
            default={},
            section=Policy,
        ),
    ] = field(default_factory=Policy)
    write_back: Annotated[
        WriteBacks,
        Key(
            "Write-back",
            "What to write in the CRM afterwards.",
            {},
            [{"ended": {"deal": {"ai_call_outcome": "{{ call.outcome }}"}}}],
            default={},
            section=WriteBacks,
        ),
    ] = field(default_factory=WriteBacks)
    stop: Annotated[
        bool,
        Key(
            "Stop here",
            "true: if this rule's `when` is true of an event, the rules below it in this file are not asked about"
            " that event, whether or not a call comes of it.",
            FLAG,
            [True],
            default=False,
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file: for the events of one connection, whom to call when, with what, and what to write back."""

    file: str
    version: str
    """What the file says, as a digest: the same text has the same version."""
    language: Annotated[
        int,
        Key(
            "Version of the rule language",
            "Always 1.",
            {"const": 1},
            [1],
            name="version",
            required=True,
        ),
    ] = field(kw_only=True)
    connection: Annotated[
        str,
        Key(
            "Connection",
            "The CRM account these rules are for: the name of a connection in stagecall.yaml.",
            FILLED,
            ["sales-hubspot"],
            required=True,
        ),
    ]
    rules: Annotated[
        tuple[Rule, ...],
        Key(
            "Rules",
            "Every rule is asked about every event, in this order; several may make a call.",
            {"type": "array", "minItems": 1},
            [
                [
                    {
                        "name": "Call people who ask for a demo",
                        "when": {"enters": "Demo requested"},
                        "call": {"phone_number": "{{ contact.phone }}"},
                    }
                ]
            ],
            section=Rule,
            required=True,
        ),
    ]
    tables: Annotated[
        Mapping[str, Mapping[str, str | float | bool]],
        Key(
            "Tables",
            "Look-up tables for the filter map, by name: {{ deal.hubspot_owner_id | map('agents') }}.",
            _TABLES,
            [{"agents": {"71": "Lead Qualifier", "72": "Senior Closer"}}],
            default={},
        ),
    ] = field(default_factory=dict)
    warnings: tuple[Mistake, ...] = ()
    """What may be right and probably is not, in the order of the file."""

    def stops_above(self, rule: Rule) -> tuple[str, ...]:
        """Return the names of the rules above one that say `stop: true`."""
        above = self.rules[: self.rules.index(rule)] if any(each.stop for each in self.rules) else ()
        return tuple(each.name for each in above if each.stop)


def schema() -> dict[str, Any]:
    """Return the published JSON Schema of rule files."""
    return schema_of(RuleFile, "Stagecall rules")
