"""What is known at the moment when a call is judged: values that others have looked up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OptOut:
    """A person's wish not to be called."""

    by: str
    """What it is noted by: a number in E.164, or a record (`deal 9001`)."""
    since: datetime
    why: str
    """Where the wish comes from, for a person to read."""


@dataclass(frozen=True, slots=True)
class Pause:
    """An operator's word that no calls are let go for now."""

    what: str
    """`everything`, `the rule "..."`, `the connection ...`."""
    since: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Cap:
    """So many calls in an hour or a day, of a rule or of a connection, and those that were let go."""

    word: str
    """The reason's word: `rule_hourly_cap`, `connection_daily_cap`."""
    of: str
    """Whose: `the rule "..."`, `the connection ...`."""
    most: int
    span: timedelta
    let_go: Sequence[datetime] = ()
    """When calls were let go, oldest first; what is older than `span` does not matter."""
    in_line: int = 0
    """How many calls wait for this cap already; they go first."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the policies of one call look at. Times are aware."""

    at: datetime
    """The moment it is judged for."""
    phone_number: str
    """E.164."""
    entered_at: datetime
    """When the record entered the stage."""
    countries: frozenset[str]
    """Those of the connection, ISO 3166 alpha-2."""
    zone: str = ""
    """The lead's time zone as the CRM says it; empty or no zone: the number tells."""
    do_not_call: str | None = None
    """The CRM's own word that this person must not be called, as a sentence."""
    opt_outs: Sequence[OptOut] = ()
    pauses: Sequence[Pause] = ()
    rule_called_record_at: datetime | None = None
    """When this rule last called this record; None: never."""
    rule_called_number_at: datetime | None = None
    record_called_at: datetime | None = None
    """When any rule last called this record."""
    number_called_at: datetime | None = None
    caps: Sequence[Cap] = field(default_factory=tuple)
