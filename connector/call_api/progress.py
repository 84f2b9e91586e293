"""From what a carrier says to what becomes of a call. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector.call_api.carriers import Phase, Placed, Refused, Result, Sighting, Unknown
from connector.call_api.states import STATE_OF_OUTCOME, CallState
from connector.model import Outcome

CALL_STARTED = "call_started"
CALL_ENDED = "call_ended"
LOOK_AGAIN_AFTER = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a call, as its history keeps it."""

    state: CallState
    at: datetime
    reason: str | None = None
    event: str | None = None
    """The call event that tells of it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What to do to a call's row: the steps, oldest first, and the columns that are new."""

    changes: tuple[Change, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)


def after_placing(answer: Placed | Refused | Unknown, now: datetime) -> Progress:
    """What the carrier's answer to a dial means."""
    match answer:
        case Placed():
            return Progress(
                columns={"provider_call_id": answer.provider_call_id, "next_look_at": answer.next_look_at}
            )
        case Refused():
            result = Result(Outcome.FAILED, ended_at=now, reason=f"refused by the carrier: {answer.reason}")
            return _ending(result, answered_at=None)
        case Unknown():
            return Progress(columns={"next_look_at": now + LOOK_AGAIN_AFTER, "reason": answer.reason})


def after_look(
    state: CallState,
    answered_at: datetime | None,
    look_until: datetime,
    seen: Sighting | Unknown,
    now: datetime,
) -> Progress:
    """What a look at the carrier means for a call in `state`."""
    if isinstance(seen, Unknown):
        if now < look_until:
            return Progress(columns={"next_look_at": now + LOOK_AGAIN_AFTER})
        reason = f"nobody could tell what became of it: {seen.reason}"
        return _ending(Result(Outcome.UNKNOWN, ended_at=now, reason=reason), answered_at)
    answered_at = answered_at or seen.answered_at
    columns = {"provider_call_id": seen.provider_call_id, "answered_at": answered_at}
    begun = _beginning(state, answered_at)
    if seen.phase is Phase.ENDED and seen.result is not None:
        ended = _ending(seen.result, answered_at)
        return Progress((*begun, *ended.changes), {**columns, **ended.columns})
    return Progress(begun, {**columns, "next_look_at": seen.next_look_at or now + LOOK_AGAIN_AFTER})


def _beginning(state: CallState, answered_at: datetime | None) -> tuple[Change, ...]:
    if state is CallState.IN_PROGRESS or answered_at is None:
        return ()
    return (Change(CallState.IN_PROGRESS, answered_at, event=CALL_STARTED),)


def _ending(result: Result, answered_at: datetime | None) -> Progress:
    change = Change(STATE_OF_OUTCOME[result.outcome], result.ended_at, result.reason, CALL_ENDED)
    talked = (result.ended_at - answered_at).total_seconds() if answered_at is not None else 0.0
    columns = {
        "ended_at": result.ended_at,
        "next_look_at": None,
        "outcome": result.outcome.value,
        "duration_seconds": round(max(0.0, talked), 3),
        "transcript": [asdict(turn) for turn in result.transcript] or None,
        "summary": result.summary,
        "sentiment": result.sentiment,
        "recording_url": result.recording_url,
        "cost_cents": result.cost_cents,
        "reason": result.reason,
    }
    return Progress((change,), columns)
