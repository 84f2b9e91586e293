"""The contract for a carrier: who makes the phone ring.

`place` is called once for a call, ever. Whatever went wrong after the request may have left us is
`Unknown`, and the call is then looked up, never placed again. `cancel` and reading a carrier's own
events will join these two when the first real voice provider does.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from connector.model import Outcome


@dataclass(frozen=True, slots=True)
class Dial:
    """What a carrier is told of a call."""

    id: str
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


@dataclass(frozen=True, slots=True)
class Placed:
    """The carrier took the call."""

    provider_call_id: str
    next_look_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier said no, and is sure that nothing rings."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say: no answer came, or the carrier does not know the call."""

    reason: str


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


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a carrier knows of a call at one moment."""

    phase: Phase
    provider_call_id: str
    answered_at: datetime | None = None
    next_look_at: datetime | None = None
    """When another look is worth it; None once it has ended."""
    result: Result | None = None
    """There exactly when it has ended."""


class Carrier(ABC):
    """One way to place calls."""

    name: ClassVar[str]
    """Sent as `provider`."""

    @abstractmethod
    def place(self, call: Dial, now: datetime) -> Placed | Refused | Unknown:
        """Dial. Never repeat a request that may have arrived: answer Unknown."""

    @abstractmethod
    def look_up(self, call: Dial, now: datetime) -> Sighting | Unknown:
        """Return what is known of a call; by our id where `provider_call_id` is not known."""
