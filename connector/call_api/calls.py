"""Calls in the database: one function for each thing that is asked or done."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from connector.call_api.carriers import Dial
from connector.call_api.progress import Progress
from connector.call_api.states import UNDER_WAY, CallState
from connector.call_api.tables import call_states, calls

CallRow = Mapping[Any, Any]
"""A row of `calls` by column name."""

LOOK_AFTER_CRASH = timedelta(seconds=30)
"""A call still `dialing` without the carrier's answer by then is looked up: whoever dialled it is gone."""
GIVE_UP_AFTER = timedelta(hours=2)
"""A call the carrier knows nothing of by then is unknown."""

_CHANGING = (
    "state",
    "provider_call_id",
    "answered_at",
    "ended_at",
    "next_look_at",
    "outcome",
    "duration_seconds",
    "transcript",
    "summary",
    "sentiment",
    "recording_url",
    "cost_cents",
    "reason",
)
_UPDATE = (
    calls.update()
    .where(calls.c.id == sa.bindparam("call_id"))
    .values({name: sa.bindparam(name) for name in _CHANGING})
)


def get_call(conn: sa.Connection, call_id: str) -> CallRow | None:
    """Everything known of one call; None where there is none, also for text that is no UUID."""
    try:
        wanted = str(UUID(call_id))
    except ValueError:
        return None
    return conn.execute(sa.select(calls).where(calls.c.id == wanted)).mappings().first()


def list_calls(conn: sa.Connection, *, pairs: Sequence[str] = (), limit: int) -> Sequence[CallRow]:
    """The newest calls; with `pairs` (`key=value`), those that carry all of them in their metadata."""
    query = sa.select(calls).order_by(calls.c.created_at.desc(), calls.c.id.desc()).limit(limit)
    if pairs:
        query = query.where(calls.c.metadata_pairs.contains(list(pairs)))
    return conn.execute(query).mappings().all()


def histories(conn: sa.Connection, call_ids: Sequence[str]) -> Mapping[str, list[CallRow]]:
    """The states each of these calls went through, oldest first."""
    found: dict[str, list[CallRow]] = defaultdict(list)
    rows = conn.execute(
        sa.select(call_states).where(call_states.c.call_id.in_(call_ids)).order_by(call_states.c.id)
    )
    for row in rows.mappings():
        found[row["call_id"]].append(row)
    return found


def take_queued(conn: sa.Connection, *, limit: int, now: datetime) -> Sequence[CallRow]:
    """Mark the oldest queued calls `dialing` and return them; once committed they are dialled, once."""
    oldest = (
        sa.select(calls.c.id)
        .where(calls.c.state == CallState.QUEUED, calls.c.due_at <= now)
        .order_by(calls.c.due_at, calls.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("oldest")
    )
    taken = (
        conn.execute(
            calls.update()
            .where(calls.c.id == oldest.c.id)
            .values(
                state=CallState.DIALING.value,
                dialed_at=now,
                next_look_at=now + LOOK_AFTER_CRASH,
                look_until=now + GIVE_UP_AFTER,
            )
            .returning(*calls.c)
        )
        .mappings()
        .all()
    )
    if taken:
        steps = [{"call_id": row["id"], "state": row["state"], "at": now, "reason": None} for row in taken]
        conn.execute(call_states.insert(), steps)
    return sorted(taken, key=lambda row: row["created_at"])


def take_due_looks(conn: sa.Connection, *, limit: int, now: datetime) -> Sequence[CallRow]:
    """Return calls whose next look at the carrier is due, and put the look after that some way off."""
    due = (
        sa.select(calls.c.id)
        .where(calls.c.state.in_(UNDER_WAY), calls.c.next_look_at <= now)
        .order_by(calls.c.next_look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (
        conn.execute(
            calls.update()
            .where(calls.c.id == due.c.id)
            .values(next_look_at=now + LOOK_AFTER_CRASH)
            .returning(*calls.c)
        )
        .mappings()
        .all()
    )


def lock_unchanged(conn: sa.Connection, rows: Iterable[CallRow]) -> set[str]:
    """Lock those of these calls that still are in the state we saw, and return their ids."""
    seen = {row["id"]: row["state"] for row in rows}
    locked = conn.execute(
        sa.select(calls.c.id, calls.c.state)
        .where(calls.c.id.in_(list(seen)))
        .order_by(calls.c.id)
        .with_for_update()
    )
    return {row.id for row in locked if row.state == seen[row.id]}


def apply_progress(conn: sa.Connection, moved: Sequence[tuple[CallRow, Progress]]) -> Sequence[CallRow]:
    """Write what became of these (locked) calls and their history; return their new rows, in order."""
    rows = [_after(row, progress) for row, progress in moved]
    steps = [
        {"call_id": row["id"], "state": change.state.value, "at": change.at, "reason": change.reason}
        for row, progress in moved
        for change in progress.changes
    ]
    if rows:
        changing = [{"call_id": row["id"], **{name: row[name] for name in _CHANGING}} for row in rows]
        conn.execute(_UPDATE, changing)
    if steps:
        conn.execute(call_states.insert(), steps)
    return rows


def _after(row: CallRow, progress: Progress) -> CallRow:
    state = progress.changes[-1].state.value if progress.changes else row["state"]
    return {**row, **progress.columns, "state": state}


def dial_of(row: CallRow) -> Dial:
    """What the carrier is told of a call."""
    return Dial(**{name: row[name] for name in Dial.__dataclass_fields__})


def has_queued(conn: sa.Connection, now: datetime) -> bool:
    """Is a call due to be placed?"""
    return _exists(conn, sa.and_(calls.c.state == CallState.QUEUED, calls.c.due_at <= now))


def has_due_looks(conn: sa.Connection, now: datetime) -> bool:
    """Is a look at the carrier due?"""
    return _exists(conn, sa.and_(calls.c.state.in_(UNDER_WAY), calls.c.next_look_at <= now))


def _exists(conn: sa.Connection, condition: sa.ColumnElement[bool]) -> bool:
    return bool(conn.execute(sa.select(sa.exists().where(condition))).scalar())
