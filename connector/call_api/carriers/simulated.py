"""The default carrier: no account, no phone rings.

What happened to a call is a pure function of its number, when it was dialled and what time it is, so
nothing needs to be remembered and a look-up is right after any crash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import ClassVar

from connector.call_api.carriers import (
    Carrier,
    Dial,
    Phase,
    Placed,
    Refused,
    Result,
    Sighting,
    Turn,
    Unknown,
)
from connector.model import Outcome


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
    """Phones that ring and end in configurable time."""

    name: ClassVar[str] = "simulated"

    def __init__(self, *, ring_seconds: float = 1.0, talk_seconds: float = 2.0) -> None:
        self._ring = ring_seconds
        self._talk = talk_seconds

    def place(self, call: Dial, now: datetime) -> Placed | Refused | Unknown:
        script = RESERVED_NUMBERS.get(call.to_number, ANSWERED)
        if script.refused:
            return Refused("the carrier does not dial this number")
        return Placed(_provider_call_id(call), next_look_at=self._rings_until(call, script))

    def look_up(self, call: Dial, now: datetime) -> Sighting | Unknown:
        script = RESERVED_NUMBERS.get(call.to_number, ANSWERED)
        provider_call_id = _provider_call_id(call)
        if script.refused:
            return _ended(provider_call_id, _result(call, script, call.dialed_at))
        picked_up_at = self._rings_until(call, script)
        if now < picked_up_at:
            return Sighting(Phase.RINGING, provider_call_id, next_look_at=picked_up_at)
        if script.outcome not in _TAKEN:
            return _ended(provider_call_id, _result(call, script, picked_up_at))
        hung_up_at = picked_up_at + timedelta(seconds=self._talk * script.slowness)
        if now < hung_up_at:
            return Sighting(Phase.TALKING, provider_call_id, picked_up_at, next_look_at=hung_up_at)
        return _ended(provider_call_id, _result(call, script, hung_up_at), picked_up_at)

    def _rings_until(self, call: Dial, script: Script) -> datetime:
        return call.dialed_at + timedelta(seconds=self._ring * script.slowness)


def _provider_call_id(call: Dial) -> str:
    return f"sim_{call.id}"


def _ended(provider_call_id: str, result: Result, answered_at: datetime | None = None) -> Sighting:
    return Sighting(Phase.ENDED, provider_call_id, answered_at, result=result)


def _result(call: Dial, script: Script, ended_at: datetime) -> Result:
    if script.outcome not in _TAKEN:
        return Result(script.outcome, ended_at, cost_cents=0.0, reason=_REASONS[script.outcome])
    voicemail = script.outcome is Outcome.VOICEMAIL
    person = call.name or "there"
    return Result(
        script.outcome,
        ended_at,
        transcript=_voicemail(call, person) if voicemail else _talk(call, person),
        summary=(
            f"{call.agent_name} left a message for {call.name or 'the person called'}."
            if voicemail
            else f"{call.name or 'The person called'} would like a demo next week and asked for an invitation."
        ),
        sentiment="neutral" if voicemail else "positive",
        cost_cents=0.0,
    )


def _talk(call: Dial, person: str) -> tuple[Turn, ...]:
    return (
        Turn(
            "agent",
            f"Hello {person}, this is {call.agent_name}. You asked us for a demo. Is now a good time?",
        ),
        Turn("user", "Yes, go ahead."),
        Turn("agent", "Great. Would Tuesday or Thursday next week suit you?"),
        Turn("user", "Tuesday morning is fine. Please send me an invitation."),
        Turn("agent", "I will. Thank you, and goodbye."),
    )


def _voicemail(call: Dial, person: str) -> tuple[Turn, ...]:
    return (
        Turn("user", "You have reached my voicemail. Please leave a message."),
        Turn("agent", f"Hello {person}, this is {call.agent_name}. I will try again later. Goodbye."),
    )
