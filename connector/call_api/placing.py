"""Calls on their way: dialled once, then followed at the carrier until they end.

The two jobs here may die at any point and run twice. What keeps a call from being dialled again is one
commit: a call is `dialing` in the database before any carrier hears of it.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from connector.call_api.calls import CallRow, dial_of, lock_calls, take_due_looks
from connector.call_api.carriers import Cancelled, Carrier, Phase, Placed, Refused, Sighting, Unknown
from connector.call_api.judging import DialNow, Expire, PutOff, judge
from connector.call_api.moving import move_calls
from connector.call_api.progress import Progress, after_placing, after_sighting, is_overdue
from connector.call_api.states import CallState
from connector.call_api.waiting import after_judging, expired, mark_dialing, next_in_line
from connector.model import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

BATCH = 200
AT_ONCE = 8
"""So many requests to carriers at a time: one that is slow to answer holds up few others."""
AT_RISK = 0.1
"""Seconds. Calls are marked to be dialled, which a crash takes from them, no longer before than that, where it can be."""

Carriers = Mapping[str, Carrier]
"""By name."""


def place_calls(engine: sa.Engine, carriers: Carriers, clock: Clock, *, max_concurrent: int | None) -> None:
    """Dial the calls that are due, oldest first, as far as their keys have places; end what has expired."""
    while _end_expired(engine, clock):
        pass
    more, limit = True, AT_ONCE
    while more:
        began = time.monotonic()
        dialing, more = _take(engine, clock, max_concurrent, limit)
        answers = _each(dialing, lambda row: _place(carriers, row, clock))
        _settle(engine, clock, dialing, answers, after_turn)
        quick = time.monotonic() - began < AT_RISK
        limit = min(2 * limit, BATCH) if quick else max(limit // 2, AT_ONCE)


def follow_calls(engine: sa.Engine, carriers: Carriers, clock: Clock) -> None:
    """Ask the carriers about every call whose next look is due."""
    while True:
        with engine.begin() as conn:
            due = take_due_looks(conn, limit=BATCH, now=clock())
        seen = _each(due, lambda row: _look(carriers, row, clock))
        _settle(engine, clock, due, seen, after_sighting)
        if len(due) < BATCH:
            return


def _end_expired(engine: sa.Engine, clock: Clock) -> bool:
    """End some waiting calls that have expired. True where there may be more."""
    with engine.begin() as conn:
        now = clock()
        rows = expired(conn, limit=BATCH, now=now)
        move_calls(conn, [(row, after_judging(judge(row, now), now)) for row in rows], now)
    return len(rows) == BATCH


def _take(
    engine: sa.Engine, clock: Clock, max_concurrent: int | None, limit: int
) -> tuple[Sequence[CallRow], bool]:
    """Judge who is next in line and mark those to be dialled; True where there may be more in line."""
    with engine.begin() as conn:
        rows = next_in_line(conn, max_concurrent=max_concurrent, limit=limit, now=clock())
        now = clock()
        judged = [(row, judge(row, now)) for row in rows]
        dialing = mark_dialing(conn, [row for row, what in judged if isinstance(what, DialNow)], now)
        move_calls(conn, [(row, after_judging(what, now)) for row, what in judged], now)
    return dialing, len(rows) == limit or len(dialing) < len(rows)


def _place(carriers: Carriers, row: CallRow, clock: Clock) -> Placed | Refused | Unknown | PutOff | Expire:
    """Dial, unless the calls before it took so long that it may no longer be dialled now."""
    judgement = judge(row, clock())
    if not isinstance(judgement, DialNow):
        return judgement
    carrier = carriers.get(row["provider"])
    if carrier is None:
        return Refused(f"there is no carrier named {row['provider']}")
    return _ask(carrier, row, lambda: carrier.place(dial_of(row), clock()))


def after_turn(row: CallRow, answer: Placed | Refused | Unknown | PutOff | Expire, now: datetime) -> Progress:
    """What its turn to be dialled means for a call; where nobody was asked, it waits or ends as if it had no turn."""
    if not isinstance(answer, PutOff | Expire):
        return after_placing(row, answer, now)
    if row["state"] != CallState.DIALING:
        return Progress()  # it was taken for lost meanwhile, and what has ended stays ended
    undialed = after_judging(answer, now)
    return replace(undialed, columns={**undialed.columns, "dialed_at": None, "next_look_at": None})


def _look(carriers: Carriers, row: CallRow, clock: Clock) -> Sighting | Unknown:
    """What the carrier knows now; a call that outlasts every limit is ended there first."""
    carrier = carriers.get(row["provider"])
    if carrier is None:
        return Unknown(f"there is no carrier named {row['provider']}")
    dial = dial_of(row)
    seen = _ask(carrier, row, lambda: carrier.look_up(dial, clock()))
    held = isinstance(seen, Sighting) and seen.phase is not Phase.ENDED
    if not held or not is_overdue(row, clock()):
        return seen
    answer = _ask(carrier, row, lambda: carrier.cancel(dial, clock()))
    facts = {"carrier": carrier.name, "call_id": row["id"], "answer": type(answer).__name__}
    log.warning("a call outlasted its limits; its carrier was asked to end it", extra=facts)
    if not isinstance(answer, Cancelled):
        return seen
    return _ask(carrier, row, lambda: carrier.look_up(dial, clock()))


def _ask(carrier: Carrier, row: CallRow, question: Callable[[], T]) -> T | Unknown:
    try:
        return question()
    except Exception as error:  # a defect: it may have dialled all the same
        log.exception("the carrier's code failed", extra={"carrier": carrier.name, "call_id": row["id"]})
        return Unknown(f"{type(error).__name__} in the code of the carrier {carrier.name}")


def _each(rows: Sequence[CallRow], question: Callable[[CallRow], T]) -> Sequence[T]:
    """The answers, in the order of the rows."""
    if len(rows) < 2:
        return [question(row) for row in rows]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(question, rows))


def _settle(
    engine: sa.Engine,
    clock: Clock,
    asked: Sequence[CallRow],
    answers: Sequence[T],
    meaning: Callable[[CallRow, T, datetime], Progress],
) -> None:
    """Write what these answers mean for the calls as they now are, in one commit."""
    if not asked:
        return
    with engine.begin() as conn:
        rows = lock_calls(conn, [row["id"] for row in asked])
        now = clock()
        move_calls(
            conn,
            [
                (rows[row["id"]], meaning(rows[row["id"]], answer, now))
                for row, answer in zip(asked, answers, strict=True)
            ],
            now,
        )
