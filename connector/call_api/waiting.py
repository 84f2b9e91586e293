"""Calls that wait: whose turn it is, who is dialled, put off, expired or cancelled.

A waiting call leaves its state only under its row's lock. So it is dialled or cancelled, never both.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.call_api.calls import CallRow, exists
from connector.call_api.concurrency import take_alone
from connector.call_api.judging import DialNow, Expire, Judgement, PutOff
from connector.call_api.progress import GRACE, LONGEST_RING, Change, Progress, ended_without_talk
from connector.call_api.states import UNDER_WAY, CallState
from connector.call_api.tables import api_keys, call_states, calls
from connector.model import Outcome

LOOK_AFTER_CRASH = timedelta(seconds=30)
"""A call still `dialing` without the carrier's answer by then is looked up: whoever dialled it is gone."""
GIVE_UP_AFTER = timedelta(hours=2)
"""A call the carrier knows nothing of by then is unknown; later where its agent may talk longer."""
_SHORTEST_WAIT = timedelta(seconds=1)

_queued = calls.c.state == CallState.QUEUED
_line = (calls.c.due_at, calls.c.created_at)


def next_in_line(
    conn: sa.Connection, *, max_concurrent: int | None, limit: int, now: datetime
) -> Sequence[CallRow]:
    """Lock and return the calls that are due, oldest first, as many for each key as it has free places.

    Ask for no more before those are marked: until the transaction ends nobody else can take a place.
    """
    due = sa.and_(_queued, calls.c.due_at <= now)
    if max_concurrent is not None:
        take_alone(conn)
        due = sa.and_(_queued, calls.c.id.in_(_with_free_places(max_concurrent, limit, now)))
    query = sa.select(calls).where(due).order_by(*_line).limit(limit).with_for_update(skip_locked=True)
    return conn.execute(query).mappings().all()


def _with_free_places(max_concurrent: int, limit: int, now: datetime) -> sa.ScalarSelect[Any]:
    """The ids of the calls in line that have a place: by key, so that a long line of one delays no other."""
    own = calls.alias("own")
    under_way = (
        sa.select(sa.func.count())
        .select_from(own)
        .where(own.c.key_id == api_keys.c.id, own.c.state.in_(UNDER_WAY))
        .correlate(api_keys)
        .scalar_subquery()
    )
    in_line = (
        sa.select(calls.c.id, *_line)
        .where(_queued, calls.c.due_at <= now, calls.c.key_id == api_keys.c.id)
        .order_by(*_line)
        .limit(sa.func.greatest(0, max_concurrent - under_way))
        .correlate(api_keys)
        .lateral("in_line")
    )
    return (
        sa.select(in_line.c.id)
        .select_from(api_keys.join(in_line, sa.true()))
        .order_by(in_line.c.due_at, in_line.c.created_at)
        .limit(limit)
        .scalar_subquery()
    )


def expired(conn: sa.Connection, *, limit: int, now: datetime) -> Sequence[CallRow]:
    """Lock and return waiting calls that have expired, wherever they stand in line."""
    query = sa.select(calls).where(_queued, calls.c.expires_at <= now).order_by(calls.c.expires_at)
    return conn.execute(query.limit(limit).with_for_update(skip_locked=True)).mappings().all()


def mark_dialing(conn: sa.Connection, rows: Sequence[CallRow], now: datetime) -> Sequence[CallRow]:
    """Mark these (locked) calls `dialing` and return them; once committed they are dialled, once."""
    if not rows:
        return ()
    longest = sa.func.make_interval(
        0, 0, 0, 0, 0, 0, sa.func.coalesce(calls.c.max_ring_seconds, LONGEST_RING.total_seconds())
        + sa.func.coalesce(calls.c.max_talk_seconds, 0)
        + 2 * GRACE.total_seconds(),
    )  # fmt: skip
    marked = conn.execute(
        calls.update()
        .where(calls.c.id.in_([row["id"] for row in rows]))
        .values(
            state=CallState.DIALING.value,
            dialed_at=now,
            next_look_at=now + LOOK_AFTER_CRASH,
            look_until=sa.func.greatest(
                sa.literal(now + GIVE_UP_AFTER, calls.c.look_until.type),
                sa.literal(now, calls.c.look_until.type) + longest,
            ),
        )
        .returning(*calls.c)
    )
    dialing = sorted(marked.mappings(), key=lambda row: (row["due_at"], row["created_at"]))
    steps = [{"call_id": row["id"], "state": row["state"], "at": now, "reason": None} for row in dialing]
    conn.execute(call_states.insert(), steps)
    return dialing


def after_judging(judgement: Judgement, now: datetime) -> Progress:
    """What a judgement does to a call that is not dialled now."""
    match judgement:
        case PutOff():
            change = Change(CallState.QUEUED, now, judgement.reason)
            return Progress((change,), {"due_at": max(judgement.until, now + _SHORTEST_WAIT)})
        case Expire():
            return ended_without_talk(Outcome.EXPIRED, judgement.reason, now)
        case DialNow():
            return Progress()


def has_queued(conn: sa.Connection, now: datetime) -> bool:
    """Is a call due to be placed, or to expire?"""
    due = exists(conn, sa.and_(_queued, calls.c.due_at <= now))
    return due or exists(conn, sa.and_(_queued, calls.c.expires_at <= now))
