"""What a rule says about whom and when it may call: its `policy`, as values."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from connector.policy.kinds import CALLED, NumberType
from connector.policy.windows import Window, parse_hours


class Outside(StrEnum):
    """What becomes of a call outside its calling window."""

    HOLD = "hold"
    """It waits until the window opens."""
    SKIP = "skip"


class OncePer(StrEnum):
    """What a rule calls once."""

    STAGE_ENTRY = "stage_entry"
    """Each entry of a record into the stage."""
    RECORD = "record"
    NUMBER = "number"


USUAL_WINDOW: Final = Window(parse_hours({"mon-sat": ["09:00-20:00"]}))
"""For rules that name none. Within 08:00-21:00 of US federal law (47 CFR 64.1200(c)(1)) and what stricter states
make of it, and no Sunday, on which several states and countries forbid sales calls."""
USUAL_EXPIRY: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one rule; the defaults are those of a rule that says nothing."""

    window: Window | None = USUAL_WINDOW
    """None: at any time, which a rule must say itself (`window: always`)."""
    zone: str | None = None
    """An IANA time zone in which the window is judged; None: the lead's own."""
    otherwise: str | None = None
    """The zone where nobody knows the lead's; None: then there is no call."""
    outside: Outside = Outside.HOLD
    once_per: OncePer = OncePer.STAGE_ENTRY
    cool_down: timedelta | None = None
    """How long after a call, of whichever rule, none goes to the same record or number."""
    expires: timedelta = USUAL_EXPIRY
    """How long after the stage was entered a call is still wanted."""
    max_per_hour: int | None = None
    max_per_day: int | None = None
    countries: frozenset[str] | None = None
    """ISO 3166 alpha-2; None: those of the connection."""
    number_types: frozenset[NumberType] = CALLED
    dry_run: bool = False
    """Decide everything, call nobody."""
