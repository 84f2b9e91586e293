"""Dispatches of which we do not know enough: look them up, and decide only on evidence.

A request to which no answer came may have placed a call. It is never repeated on the strength of that: it
is sent again only when the call API says, late enough to be sure, that it has no such call.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector import jobs
from connector.call_events import read_result
from connector.errors import PermanentError, TemporaryError
from connector.model import CallResult, DispatchState
from connector.parts import Parts
from connector.results import apply_ended, apply_started, keep_wishes
from connector.store import dispatches
from connector.store.dispatches import Change, Dispatch

log = logging.getLogger(__name__)

TRUST_EMPTY_AFTER = timedelta(seconds=30)
"""When "no such call" counts: the lease of a send (10 s) and the client's time-outs (15 s) are over."""
LOST_AFTER = timedelta(seconds=60)
"""A dispatch this long in `sending` has lost its job."""
SILENT_AFTER = timedelta(hours=2)
"""A call placed this long ago of which no end was heard is looked up."""
GIVEN_UP_AFTER = timedelta(hours=24)
BATCH = 100
ENDED = frozenset({"completed", "failed", "no-answer", "busy", "voicemail", "canceled", "expired", "unknown"})


def look_up(parts: Parts) -> None:
    """Ask the call API about every dispatch in doubt that is due for it."""
    with parts.engine.connect() as conn:
        doubtful = in_doubt(conn, parts.clock())
    for dispatch in doubtful:
        _look_up_one(parts, dispatch)


def in_doubt(conn: sa.Connection, now: datetime, most: int = BATCH) -> list[Dispatch]:
    """The dispatches that are due for a look-up, oldest first."""
    return dispatches.take_doubtful(conn, now, lost_after=LOST_AFTER, silent_after=SILENT_AFTER, most=most)


def _look_up_one(parts: Parts, dispatch: Dispatch) -> None:
    now = parts.clock()
    try:
        if dispatch.call_id:
            call = parts.calls.get_call(dispatch.call_id)
        else:
            call = parts.calls.find_call(dispatch.id)
    except TemporaryError as error:
        _later(parts, dispatch, str(error), now + timedelta(seconds=5))
        return
    except PermanentError as error:
        if dispatch.state is DispatchState.PLACED:
            _still_placed(parts, dispatch, now)
            return
        reason = f"{error}; a call event or a person must say whether the call was placed"
        _later(parts, dispatch, reason, now + timedelta(minutes=10))
        return
    if call is not None:
        _found(parts, dispatch, call, now)
    else:
        _not_found(parts, dispatch, now)


def settle(parts: Parts, dispatch_id: str, *, called: bool) -> str:
    """A person decides what nobody else can say: was the call of an unknown dispatch placed?

    Raises PermanentError where the dispatch is not unknown.
    """
    now = parts.clock()
    with parts.engine.begin() as conn:
        found = dispatches.get(conn, [dispatch_id], state=DispatchState.UNKNOWN, lock=True)
        if not found:
            raise PermanentError(f"no unknown dispatch has the id {dispatch_id}")
        if called:
            apply_ended(parts, conn, [(found[0], CallResult(call_id=found[0].call_id or ""))], now)
            return f"dispatch {dispatch_id} has ended; how is not known"
        reason = "a person says that no call was placed; it is sent again"
        change = Change(dispatch_id, DispatchState.WAITING, "not_placed", reason, {"due_at": now})
        dispatches.change(conn, [change], now, only_from=[DispatchState.UNKNOWN])
        jobs.nudge(conn, "pace")
    return f"dispatch {dispatch_id} is due again"


def _found(parts: Parts, dispatch: Dispatch, call: Mapping[str, Any], now: datetime) -> None:
    ended = str(call.get("status")) in ENDED
    call_id = str(call.get("id") or call.get("call_id"))
    result = read_result(call, call_id, call.get("metadata") or {}, ended=ended)
    with parts.engine.begin() as conn:
        keep_wishes(conn, [result], {dispatch.id: dispatch, call_id: dispatch}, now)
        if ended:
            apply_ended(parts, conn, [(dispatch, result)], now)
        elif dispatch.state is not DispatchState.PLACED:
            apply_started(parts, conn, [(dispatch, result)], now)
    if not ended and dispatch.state is DispatchState.PLACED:
        _still_placed(parts, dispatch, now)


def _still_placed(parts: Parts, dispatch: Dispatch, now: datetime) -> None:
    """No end yet: look again later, and after a day end it as unknown so that it blocks nobody."""
    if dispatch.sent_at is not None and now - dispatch.sent_at > GIVEN_UP_AFTER:
        with parts.engine.begin() as conn:
            apply_ended(parts, conn, [(dispatch, CallResult(call_id=dispatch.call_id or ""))], now)
        return
    _later(parts, dispatch, "no end of the call was heard yet", now + timedelta(minutes=10))


def _not_found(parts: Parts, dispatch: Dispatch, now: datetime) -> None:
    if dispatch.state is DispatchState.PLACED:
        _still_placed(parts, dispatch, now)
        return
    sent_at = dispatch.sent_at or dispatch.created_at
    sure_at = sent_at + TRUST_EMPTY_AFTER
    if now < sure_at:
        reason = "the call API has no such call yet; asking again when it can no longer come"
        _later(parts, dispatch, reason, sure_at)
        return
    reason = "the call API has no call of this request; it is sent again"
    change = Change(dispatch.id, DispatchState.WAITING, "not_placed", reason, {"due_at": now})
    with parts.engine.begin() as conn:
        dispatches.change(conn, [change], now, only_from=[dispatch.state])
        jobs.nudge(conn, "pace")


def _later(parts: Parts, dispatch: Dispatch, reason: str, due_at: datetime) -> None:
    """Stay in doubt; the history says so when the reason is a new one."""
    state = dispatch.state if dispatch.state is DispatchState.PLACED else DispatchState.UNKNOWN
    change = Change(dispatch.id, state, "in_doubt", reason, {"due_at": due_at})
    with parts.engine.begin() as conn:
        if dispatch.state is state and dispatch.reason == reason:
            dispatches.postpone(conn, dispatch.id, due_at)
        else:
            dispatches.change(conn, [change], parts.clock(), only_from=[dispatch.state])
