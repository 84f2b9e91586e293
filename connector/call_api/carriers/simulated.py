"""The default carrier: no account, no phone rings.

What happened to a call is a pure function of its number, when it was dialled and what time it is, so
nothing needs to be remembered and a look-up is right after any crash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import ClassVar

from connector.call_api.carriers import (
    Cancelled,
    Carrier,
    Dial,
    Phase,
    Placed,
    Refused,
    Report,
    Result,
    Sighting,
    TooLate,
    Turn,
    Unknown,
)
from connector.call_api.settings import CallApiSettings
from connector.errors import InvalidSignature
from connector.model import Outcome, Request


@dataclass(frozen=True, slots=True)
class Script:
    """How the calls to a number go."""

    outcome: Outcome
    slowness: float = 1.0
    """Rings and talks so many times longer."""
    refused: bool = False


ANSWERED = Script(Outcome.ANSWERED)

# +1 202 555 0100 to 0199 belong to nobody.
RESERVED_NUMBERS: Mapping[str, Script] = MappingProxyType(
    {
        "+12025550190": ANSWERED,
        "+12025550191": Script(Outcome.NO_ANSWER),
        "+12025550192": Script(Outcome.BUSY),
        "+12025550193": Script(Outcome.VOICEMAIL),
        "+12025550194": Script(Outcome.FAILED),
        "+12025550195": Script(Outcome.ANSWERED, slowness=10.0),
        "+12025550196": Script(Outcome.FAILED, refused=True),
    }
)

_TAKEN = (Outcome.ANSWERED, Outcome.VOICEMAIL)
_REASONS = {
    Outcome.NO_ANSWER: "it rang and nobody answered",
    Outcome.BUSY: "the line was busy",
    Outcome.FAILED: "the number could not be reached",
}


class SimulatedCarrier(Carrier):
    """Phones that ring and end in configurable time; durations in seconds."""

    name: ClassVar[str] = "simulated"

    def __init__(
        self, *, ring_seconds: float = 1.0, talk_seconds: float = 2.0, summary_after_seconds: float = 0.0
    ) -> None:
        self._ring = ring_seconds
        self._talk = talk_seconds
        self._summary_after = timedelta(seconds=summary_after_seconds)

    def place(self, call: Dial, now: datetime) -> Placed | Refused | Unknown:
        story = self._story(call)
        if story.script.refused:
            return Refused("the carrier does not dial this number")
        return Placed(_provider_call_id(call), next_look_at=story.rings_until)

    def look_up(self, call: Dial, now: datetime) -> Sighting | Unknown:
        story = self._story(call)
        provider_call_id = _provider_call_id(call)
        if now < story.rings_until:
            return Sighting(Phase.RINGING, provider_call_id, next_look_at=story.rings_until)
        answered_at = story.rings_until if story.script.outcome in _TAKEN else None
        if now < story.ended_at:
            return Sighting(Phase.TALKING, provider_call_id, answered_at, next_look_at=story.ended_at)
        result = _result(call, story)
        summary_at = story.ended_at + self._summary_after
        if now < summary_at and result.summary is not None:
            result = replace(result, summary=None, sentiment=None, analysis_pending=True)
            return Sighting(Phase.ENDED, provider_call_id, answered_at, summary_at, result)
        return Sighting(Phase.ENDED, provider_call_id, answered_at, result=result)

    def cancel(self, call: Dial, now: datetime) -> Cancelled | TooLate | Unknown:
        return TooLate()  # its calls keep to their limits: none is ever left to end

    def verify(self, request: Request) -> None:
        raise InvalidSignature("the simulated carrier sends no events")

    def parse(self, request: Request) -> Sequence[Report]:
        return ()

    def _story(self, call: Dial) -> "_Story":
        script = RESERVED_NUMBERS.get(call.to_number, ANSWERED)
        if script.refused:
            return _Story(script, call.dialed_at, call.dialed_at)
        rings, talks = self._ring * script.slowness, self._talk * script.slowness
        if call.max_ring_seconds is not None and rings > call.max_ring_seconds:
            given_up_at = call.dialed_at + timedelta(seconds=call.max_ring_seconds)
            return _Story(_GIVEN_UP, given_up_at, given_up_at)
        rings_until = call.dialed_at + timedelta(seconds=rings)
        if script.outcome not in _TAKEN:
            return _Story(script, rings_until, rings_until)
        cut = call.max_talk_seconds is not None and talks > call.max_talk_seconds
        lasts = float(call.max_talk_seconds or 0) if cut else talks
        return _Story(
            script, rings_until, rings_until + timedelta(seconds=lasts), lasts / talks if cut else 1.0
        )


def create(settings: CallApiSettings) -> Carrier:
    """It needs nothing."""
    own = settings.simulated
    return SimulatedCarrier(
        ring_seconds=own.ring_seconds,
        talk_seconds=own.talk_seconds,
        summary_after_seconds=own.summary_after_seconds,
    )


@dataclass(frozen=True, slots=True)
class _Story:
    """How one call goes."""

    script: Script
    rings_until: datetime
    ended_at: datetime
    told: float = 1.0
    """How much of the talk there was before it was cut short: 0 to 1."""


_GIVEN_UP = Script(Outcome.NO_ANSWER)


def _provider_call_id(call: Dial) -> str:
    return f"sim_{call.id}"


def _result(call: Dial, story: _Story) -> Result:
    outcome, ended_at = story.script.outcome, story.ended_at
    if outcome not in _TAKEN:
        return Result(outcome, ended_at, cost_cents=0.0, reason=_REASONS[outcome])
    voicemail = outcome is Outcome.VOICEMAIL
    turns = _voicemail(call) if voicemail else _talk(call)
    if story.told < 1.0:
        return Result(
            outcome,
            ended_at,
            transcript=turns[: max(1, int(len(turns) * story.told))],
            summary=f"The call was ended after {call.max_talk_seconds} s, before all was said.",
            sentiment="neutral",
            cost_cents=0.0,
            reason=f"ended after {call.max_talk_seconds} s: its agent may not talk longer",
        )
    return Result(
        outcome,
        ended_at,
        transcript=turns,
        summary=(
            f"{call.agent_name} left a message for {call.name or 'the person called'}."
            if voicemail
            else f"{call.name or 'The person called'} would like a demo next week and asked for an invitation."
        ),
        sentiment="neutral" if voicemail else "positive",
        cost_cents=0.0,
    )


def _talk(call: Dial) -> tuple[Turn, ...]:
    known = ", ".join(f"{name}: {value}" for name, value in call.variables.items())
    return (
        Turn(
            "agent",
            f"Hello {call.name or 'there'}, this is {call.agent_name}. You asked us for a demo. "
            + (f"I have here {known}. " if known else "")
            + "Is now a good time?",
        ),
        Turn("user", "Yes, go ahead."),
        Turn("agent", "Great. Would Tuesday or Thursday next week suit you?"),
        Turn("user", "Tuesday morning is fine. Please send me an invitation."),
        Turn("agent", "I will. Thank you, and goodbye."),
    )


def _voicemail(call: Dial) -> tuple[Turn, ...]:
    return (
        Turn("user", "You have reached my voicemail. Please leave a message."),
        Turn(
            "agent",
            f"Hello {call.name or 'there'}, this is {call.agent_name}. I will try again later. Goodbye.",
        ),
    )
