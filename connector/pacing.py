"""The only place where calls are let go: in order of due time, inside the limit, one at a time a person."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from connector import jobs
from connector.model import DispatchState
from connector.parts import Parts
from connector.store import dispatches
from connector.store.dispatches import Change, Dispatch

CHUNK = 50
IN_FLIGHT = 400
"""How many dispatches may be in `sending` at once: no more than can be sent within their lease."""
_LOCK = 7_242_003  # any number of our own: a run that was taken over and its successor never overlap
MINUTE = timedelta(minutes=1)


def pace(parts: Parts) -> None:
    """Let go what is due and allowed now; run by one job at a time over all processes."""
    with parts.engine.begin() as conn:
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        _release(parts, conn)


def _release(parts: Parts, conn: sa.Connection) -> None:
    """Mark due dispatches as `sending` and defer their jobs."""
    now = parts.clock()
    room = _room(parts, conn, now)
    if room <= 0 or dispatches.paused_until(conn, now) is not None:
        return
    due = one_a_person(dispatches.take_due(conn, now, room))
    changes = [
        Change(
            each.id,
            DispatchState.SENDING,
            "sending",
            "let go",
            {"sent_at": now, "claimed_at": None, "attempts": each.attempts + 1},
        )
        for each in due
    ]
    dispatches.change(conn, changes, now, only_from=[DispatchState.WAITING])
    for start in range(0, len(due), CHUNK):
        ids = [each.id for each in due[start : start + CHUNK]]
        jobs.defer(conn, "send", dispatch_ids=ids, let_go_at=now.isoformat())


def _room(parts: Parts, conn: sa.Connection, now: datetime) -> int:
    """How many may be let go now."""
    room = IN_FLIGHT - dispatches.count_sending(conn)
    limit = parts.config.calls.max_per_minute
    if limit is not None:
        room = min(room, limit - dispatches.sent_since(conn, now - MINUTE))
    return room


def one_a_person(due: Iterable[Dispatch]) -> list[Dispatch]:
    """The first dispatch for each record and each number; the others wait for their call to end."""
    seen: set[object] = set()
    chosen = []
    for each in due:
        keys = {(each.connection, each.record), each.phone_number or each.id}
        if not keys & seen:
            chosen.append(each)
        seen |= keys
    return chosen
