"""Calls on their way: dialled once, then followed at the carrier until they end.

The two jobs here may die at any point and run twice. What keeps a call from being dialled again is one
commit: a call is `dialing` in the database before any carrier hears of it.
"""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from connector import jobs
from connector.call_api.calls import (
    CallRow,
    apply_progress,
    dial_of,
    lock_unchanged,
    take_due_looks,
    take_queued,
)
from connector.call_api.carriers import Carrier, Placed, Refused, Unknown
from connector.call_api.events import record_events
from connector.call_api.progress import Progress, after_look, after_placing
from connector.call_api.states import CallState
from connector.model import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

BATCH = 200


def place_calls(engine: sa.Engine, carrier: Carrier, clock: Clock) -> None:
    """Dial every queued call, oldest first."""
    while True:
        with engine.begin() as conn:
            taken = take_queued(conn, limit=BATCH, now=clock())
        placed = [(row, after_placing(_place(carrier, row, clock), clock())) for row in taken]
        _commit(engine, clock, placed)
        if len(taken) < BATCH:
            return


def follow_calls(engine: sa.Engine, carrier: Carrier, clock: Clock) -> None:
    """Ask the carrier about every call whose next look is due."""
    while True:
        with engine.begin() as conn:
            due = take_due_looks(conn, limit=BATCH, now=clock())
        _commit(engine, clock, [(row, _look(carrier, row, clock)) for row in due])
        if len(due) < BATCH:
            return


def _place(carrier: Carrier, row: CallRow, clock: Clock) -> Placed | Refused | Unknown:
    return _ask(carrier, row, lambda: carrier.place(dial_of(row), clock()))


def _look(carrier: Carrier, row: CallRow, clock: Clock) -> Progress:
    seen = _ask(carrier, row, lambda: carrier.look_up(dial_of(row), clock()))
    return after_look(CallState(row["state"]), row["answered_at"], row["look_until"], seen, clock())


def _ask(carrier: Carrier, row: CallRow, question: Callable[[], T]) -> T | Unknown:
    try:
        return question()
    except Exception as error:  # a defect: it may have dialled all the same
        log.exception("the carrier's code failed", extra={"carrier": carrier.name, "call_id": row["id"]})
        return Unknown(f"{type(error).__name__} in the code of the carrier {carrier.name}")


def _commit(engine: sa.Engine, clock: Clock, moved: Sequence[tuple[CallRow, Progress]]) -> None:
    """Write what became of these calls, their history and their events in one commit."""
    if not moved:
        return
    now = clock()
    with engine.begin() as conn:
        unchanged = lock_unchanged(conn, [row for row, _ in moved])
        current = [(row, progress) for row, progress in moved if row["id"] in unchanged]
        rows = apply_progress(conn, current)
        record_events(
            conn,
            [(row, progress) for row, (_, progress) in zip(rows, current, strict=True)],
            now=now,
        )
        if any(row["next_look_at"] is not None and row["next_look_at"] <= now for row in rows):
            jobs.nudge(conn, "follow_calls")
