"""The contract for a carrier: who makes the phone ring.

`place` is called once for a call, ever. Whatever went wrong after the request may have left us is
`Unknown`, and the call is then looked up, never placed again.

What became of a call reaches us on two ways that say the same: we look it up, or the carrier sends events
to POST /api/v1/carriers/NAME/events. Both are sightings, and a sighting may come twice, late, out of order
or not at all: a call moves only forward, and what has ended stays ended.

A carrier is asked from several threads at once, so it keeps nothing of a call between two questions.

Each module in this folder is a carrier of the module's name, found by itself: `create(settings)` makes it, or
returns None where the settings lack what it needs.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from connector.errors import PermanentError
from connector.model import Outcome, Request

if TYPE_CHECKING:
    from connector.call_api.settings import CallApiSettings


@dataclass(frozen=True, slots=True)
class Dial:
    """What a carrier is told of a call."""

    id: str
    """Ours. Give it to the carrier where it echoes something back: events are matched by it."""
    to_number: str
    from_number: str
    agent_id: str
    agent_name: str
    name: str | None
    email: str | None
    metadata: str | None
    """JSON as it was sent to us."""
    dialed_at: datetime
    """When we decided to dial: committed before `place`."""
    provider_call_id: str | None = None
    """The carrier's own id, once it has told us."""
    carrier_agent_id: str | None = None
    """The agent's id at the carrier."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """For the agent's prompt."""
    max_ring_seconds: int | None = None
    max_talk_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """The carrier took the call."""

    provider_call_id: str
    next_look_at: datetime
    """When a look is worth it: soon for a carrier that sends no events, else the time after which one is lost."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier said no, and is sure that nothing rings."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say: no answer came, or the carrier does not know the call."""

    reason: str
    not_there: bool = False
    """The carrier did answer a look-up: it never heard of such a call. Say so only where it would find it by our id."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The carrier ends the call; how it ended is seen as ever."""


@dataclass(frozen=True, slots=True)
class TooLate:
    """There was nothing to end: the call was over."""


class Phase(StrEnum):
    """How far a call has come at its carrier."""

    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said: `role` is agent or user."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended."""

    outcome: Outcome
    ended_at: datetime
    transcript: tuple[Turn, ...] = ()
    summary: str | None = None
    sentiment: str | None = None
    recording_url: str | None = None
    cost_cents: float | None = None
    reason: str | None = None
    analysis_pending: bool = False
    """The call is over, but its summary and the like are still to come: `call_ended` is told then, or after a
    bounded wait with what is there."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a carrier knows of a call at one moment."""

    phase: Phase
    provider_call_id: str
    answered_at: datetime | None = None
    next_look_at: datetime | None = None
    """When another look is worth it; None where nothing more is to come, or nobody knows when."""
    result: Result | None = None
    """There exactly when it has ended."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an event of a carrier says of one call."""

    sighting: Sighting
    call_id: str | None = None
    """Our id, where the carrier echoes it; else the call is found by the carrier's own."""


class Carrier(ABC):
    """One way to place calls."""

    name: ClassVar[str]
    """Sent as `provider`; in the path of its events."""

    @abstractmethod
    def place(self, call: Dial, now: datetime) -> Placed | Refused | Unknown:
        """Dial. Never repeat a request that may have arrived: answer Unknown."""

    @abstractmethod
    def look_up(self, call: Dial, now: datetime) -> Sighting | Unknown:
        """Return what is known of a call; by our id where `provider_call_id` is not known."""

    @abstractmethod
    def cancel(self, call: Dial, now: datetime) -> Cancelled | TooLate | Unknown:
        """End a call that is under way. Asked of one that outlasts every limit; may be asked again."""

    @abstractmethod
    def verify(self, request: Request) -> None:
        """Return if the carrier sent this event; raise InvalidSignature if not. No I/O."""

    @abstractmethod
    def parse(self, request: Request) -> Sequence[Report]:
        """Return what a genuine event says, nothing for events of no interest. No I/O.

        Raises MalformedDelivery where it cannot be read.
        """


@cache
def carrier_names() -> tuple[str, ...]:
    """The modules in this folder, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def make_carrier(name: str, settings: "CallApiSettings") -> Carrier | None:
    """The carrier in the module of that name; None where the settings lack what it needs.

    Raises PermanentError where there is no such module or it makes no carrier of that name.
    """
    if name not in carrier_names():
        raise PermanentError(f'"{name}" is not a carrier; there are: {", ".join(carrier_names())}')
    create = getattr(importlib.import_module(f"{__name__}.{name}"), "create", None)
    made = create(settings) if create is not None else None
    if create is None or not (made is None or (isinstance(made, Carrier) and made.name == name)):
        raise PermanentError(f"carriers/{name}.py has no create(settings) for a carrier named {name}")
    return made


def make_carriers(settings: "CallApiSettings") -> dict[str, Carrier]:
    """Every carrier that the settings have what it needs for, by name.

    Raises PermanentError where the one for agents that name none is not among them.
    """
    made = {name: make_carrier(name, settings) for name in carrier_names()}
    if made.get(settings.carrier) is None:
        raise PermanentError(f"call_api: the carrier {settings.carrier} lacks settings that it needs")
    return {name: carrier for name, carrier in made.items() if carrier is not None}
