"""From what a carrier says, or nobody says in time, to what becomes of a call. Pure.

Every function takes the call's row as it stands now, locked, so the same answer twice, late or out of order
changes nothing the second time: a call moves only forward, and what has ended stays ended.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector.call_api.carriers import Phase, Placed, Refused, Result, Sighting, Unknown
from connector.call_api.states import STATE_OF_OUTCOME, UNDER_WAY, CallState
from connector.model import Outcome

CALL_STARTED = "call_started"
CALL_ENDED = "call_ended"
LOOK_AGAIN_AFTER = timedelta(seconds=15)
ANALYSIS_WAIT = timedelta(seconds=60)
"""So long `call_ended` is held for a summary that its carrier makes after the end."""
LONGEST_RING = timedelta(minutes=2)
"""Where the agent sets none."""
GRACE = timedelta(minutes=1)
"""A carrier may end a call so long after the limits we gave it."""
NEVER_ARRIVES_AFTER = timedelta(minutes=5)
"""A request to dial of which the carrier knows nothing so long after was never sent, or was lost."""

_DETAILS = ("transcript", "summary", "sentiment", "recording_url", "cost_cents")

Row = Mapping[Any, Any]
"""A row of `calls` by column name."""


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
    """What to do to a call's row: the steps, oldest first, and the columns that are new. False where nothing."""

    changes: tuple[Change, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.changes or self.columns)


def after_placing(row: Row, answer: Placed | Refused | Unknown, now: datetime) -> Progress:
    """What the carrier's answer to a dial means; its events may have been faster than its answer."""
    fresh = row["state"] == CallState.DIALING
    match answer:
        case Placed():
            columns: dict[str, Any] = {"provider_call_id": row["provider_call_id"] or answer.provider_call_id}
            if row["state"] in UNDER_WAY:
                columns["next_look_at"] = answer.next_look_at
            return Progress(columns=columns)
        case Refused() if fresh:
            reason = f"refused by the carrier: {answer.reason}"
            return ended_without_talk(Outcome.FAILED, reason, now)
        case Unknown() if fresh:
            return Progress(columns={"next_look_at": now + LOOK_AGAIN_AFTER, "reason": answer.reason})
    return Progress()


def after_sighting(row: Row, seen: Sighting | Unknown, now: datetime) -> Progress:
    """What a look at the carrier, or an event of it, means."""
    if row["state"] in UNDER_WAY:
        return _lost(row, seen, now) if isinstance(seen, Unknown) else _followed(row, seen, now)
    if row["analysis_until"] is not None:
        return _analysed(row, seen, now)
    if isinstance(seen, Sighting) and seen.result is not None and row["outcome"] == seen.result.outcome:
        return _completed(row, seen.result)
    return Progress()


def ended_without_talk(outcome: Outcome, reason: str, now: datetime) -> Progress:
    """The end of a call that nobody took."""
    return _ending(Result(outcome, ended_at=now, reason=reason), answered_at=None)


def is_overdue(row: Row, now: datetime) -> bool:
    """Has a call that its carrier still holds outlasted every limit, so that it must be ended there?"""
    if now >= row["look_until"]:
        return True
    if row["max_talk_seconds"] is None:
        return False
    ring = row["max_ring_seconds"]
    longest_ring = LONGEST_RING if ring is None else timedelta(seconds=ring)
    talks_since = row["answered_at"] or row["dialed_at"] + longest_ring
    return bool(now >= talks_since + timedelta(seconds=row["max_talk_seconds"]) + GRACE)


def _lost(row: Row, seen: Unknown, now: datetime) -> Progress:
    """The carrier could not tell; after a deadline nobody can.

    The deadline is short for a dial that never reached it, as after a crash: until then it takes a place of its key.
    """
    until = row["look_until"]
    if seen.not_there and row["provider_call_id"] is None:
        until = min(until, row["dialed_at"] + NEVER_ARRIVES_AFTER)
    if now < until:
        return Progress(columns={"next_look_at": now + LOOK_AGAIN_AFTER})
    return _unknown(row, f"nobody could tell what became of it: {seen.reason}", now)


def _followed(row: Row, seen: Sighting, now: datetime) -> Progress:
    """The carrier knows the call, which was under way."""
    told = seen.answered_at or (now if seen.phase is Phase.TALKING else None)
    answered_at = row["answered_at"] or told
    columns = {
        "provider_call_id": row["provider_call_id"] or seen.provider_call_id,
        "answered_at": answered_at,
    }
    begun: tuple[Change, ...] = ()
    if answered_at is not None and row["state"] != CallState.IN_PROGRESS:
        begun = (Change(CallState.IN_PROGRESS, answered_at, event=CALL_STARTED),)
    if seen.result is not None:
        ended = _ending(seen.result, answered_at)
        if seen.result.analysis_pending:
            ended = _held(ended, seen, now)
    elif now >= row["look_until"]:
        ended = _unknown(row, f"its carrier still says {seen.phase.value}, long after any call ends", now)
    else:
        return Progress(begun, {**columns, "next_look_at": seen.next_look_at or now + LOOK_AGAIN_AFTER})
    return Progress((*begun, *ended.changes), {**columns, **ended.columns})


def _held(ended: Progress, seen: Sighting, now: datetime) -> Progress:
    """The end of a call whose analysis is still to come: it is over, and not told of yet."""
    (change,) = ended.changes
    until = now + ANALYSIS_WAIT
    looks = {
        "analysis_until": until,
        "next_look_at": min(seen.next_look_at or now + LOOK_AGAIN_AFTER, until),
    }
    return Progress((Change(change.state, change.at, change.reason),), {**ended.columns, **looks})


def _analysed(row: Row, seen: Sighting | Unknown, now: datetime) -> Progress:
    """The call has ended and waits for its analysis: told of once that came, or once the wait is over."""
    result = seen.result if isinstance(seen, Sighting) else None
    came = result is not None and not result.analysis_pending
    late = now >= row["analysis_until"]
    details = _new_details(row, result) if result is not None else {}
    if not came and not late:
        next_look_at = seen.next_look_at if isinstance(seen, Sighting) else None
        soon = min(next_look_at or now + LOOK_AGAIN_AFTER, row["analysis_until"])
        return Progress(columns={**details, "next_look_at": soon})
    state = CallState(row["state"])
    if came and result is not None:  # it may also know better who took the call
        state = STATE_OF_OUTCOME[result.outcome]
        details |= {"outcome": result.outcome.value, "reason": result.reason or row["reason"]}
    wait = int(ANALYSIS_WAIT.total_seconds())
    reason = "its analysis came" if came else f"its analysis did not come within {wait} s"
    columns = {**details, "analysis_until": None, "next_look_at": None}
    return Progress((Change(state, now, reason, CALL_ENDED),), columns)


def _completed(row: Row, result: Result) -> Progress:
    """What a late report adds to a call that has ended and been told of: only what nobody knew."""
    news = _new_details(row, result)
    return Progress(columns={name: value for name, value in news.items() if row[name] is None})


def _unknown(row: Row, reason: str, now: datetime) -> Progress:
    return _ending(Result(Outcome.UNKNOWN, ended_at=now, reason=reason), row["answered_at"])


def _ending(result: Result, answered_at: datetime | None) -> Progress:
    change = Change(STATE_OF_OUTCOME[result.outcome], result.ended_at, result.reason, CALL_ENDED)
    talked = (result.ended_at - answered_at).total_seconds() if answered_at is not None else 0.0
    columns = {
        "ended_at": result.ended_at,
        "next_look_at": None,
        "outcome": result.outcome.value,
        "duration_seconds": round(max(0.0, talked), 3),
        "reason": result.reason,
        **_details(result),
    }
    return Progress((change,), columns)


def _details(result: Result) -> dict[str, Any]:
    details = {name: getattr(result, name) for name in _DETAILS}
    return {**details, "transcript": [asdict(turn) for turn in result.transcript] or None}


def _new_details(row: Row, result: Result) -> dict[str, Any]:
    """What the carrier now says that is not in the row."""
    details = _details(result)
    return {name: value for name, value in details.items() if value is not None and value != row[name]}
