"""Calls that were let go, and whom they went to: what caps, once_per and cool_down count; and calls that wait.

A call counts from the moment it is let go, also while nobody knows whether it was placed. It counts no longer
when the call API has refused it, or certainly placed none.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.model import DispatchState, RecordRef
from connector.store.tables import dispatches

LET_GO = tuple(
    state.value
    for state in (DispatchState.SENDING, DispatchState.PLACED, DispatchState.UNKNOWN, DispatchState.ENDED)
)


@dataclass(frozen=True, slots=True)
class LetGo:
    """The last call of a rule to a record at a number."""

    connection: str
    rule: str
    record: RecordRef
    phone_number: str
    at: datetime


def _counted() -> tuple[sa.ColumnElement[bool], ...]:
    c = dispatches.c
    return c.sent_at.is_not(None), c.state.in_(LET_GO)


def calls_to(
    conn: sa.Connection,
    numbers: Collection[str],
    records: Collection[tuple[str, RecordRef]],
    *,
    without: Collection[str],
) -> Sequence[LetGo]:
    """Return the last calls to these numbers, and to these records of connections; not those of the ids `without`."""
    c = dispatches.c
    keys = [(connection, record.id) for connection, record in records]
    chosen = (c.connection, c.rule, c.record_type, c.record_id, c.phone_number)
    query = sa.select(*chosen, sa.func.max(c.sent_at).label("at")).where(
        *_counted(), c.id.not_in(without), c.phone_number.is_not(None)
    )
    by_number = query.where(c.phone_number.in_(numbers)).group_by(*chosen)
    by_record = query.where(sa.tuple_(c.connection, c.record_id).in_(keys)).group_by(*chosen)
    rows = conn.execute(by_number.union(by_record))
    return [_let_go(row) for row in rows]


def _let_go(row: Any) -> LetGo:
    record = RecordRef(row.record_type, row.record_id)
    return LetGo(row.connection, row.rule, record, row.phone_number, row.at)


def moments(
    conn: sa.Connection,
    connection: str,
    rule: str | None,
    since: datetime,
    *,
    most: int,
) -> list[datetime]:
    """Return when calls of a connection, or of one rule of it, were let go after `since`: the last `most`, oldest first."""
    c = dispatches.c
    query = sa.select(c.sent_at).where(*_counted(), c.connection == connection, c.sent_at > since)
    if rule is not None:
        query = query.where(c.rule == rule)
    found = conn.execute(query.order_by(c.sent_at.desc()).limit(most)).scalars()
    return sorted(found)


def in_line(conn: sa.Connection, connection: str, rule: str | None, word: str, now: datetime) -> int:
    """Return how many calls wait for a cap, by its word, with a turn of their own after `now`."""
    c = dispatches.c
    query = sa.select(sa.func.count()).where(
        c.state == DispatchState.WAITING.value, c.word == word, c.due_at > now, c.connection == connection
    )
    return conn.execute(query.where(c.rule == rule) if rule is not None else query).scalar_one()


def look_again(conn: sa.Connection, now: datetime, *conditions: sa.ColumnElement[bool]) -> int:
    """Make waiting calls due now, so that they are judged again; return how many."""
    c = dispatches.c
    waiting = c.state == DispatchState.WAITING.value
    return conn.execute(
        dispatches.update().where(waiting, c.due_at > now, *conditions).values(due_at=now)
    ).rowcount


def look_again_paused(conn: sa.Connection, now: datetime) -> int:
    """Judge again what waits for a pause to end; what another pause holds is held by that one."""
    return look_again(conn, now, dispatches.c.word == "paused")


def look_again_held(conn: sa.Connection, now: datetime, connection: str, words: Collection[str]) -> int:
    """Judge again what waits under these words for a connection: its rules have changed."""
    c = dispatches.c
    return look_again(conn, now, c.connection == connection, c.word.in_(words))


def look_again_opted_out(
    conn: sa.Connection,
    now: datetime,
    numbers: Collection[str],
    records: Collection[tuple[str, RecordRef]],
) -> int:
    """Judge again what is held for these numbers and records: nobody needs to wait to hear that it is off."""
    c = dispatches.c
    keys = [(connection, record.type, record.id) for connection, record in records]
    people = [
        sa.and_(c.connection == connection, c["values"][record.type]["id"].astext == record.id)
        for connection, record in records
    ]
    return look_again(
        conn,
        now,
        c.phone_number.is_not(None),
        sa.or_(
            c.phone_number.in_(numbers),
            sa.tuple_(c.connection, c.record_type, c.record_id).in_(keys),
            *people,
        ),
    )


def under_way(conn: sa.Connection, number: str) -> int:
    """Return how many calls to a number are under way."""
    c = dispatches.c
    states = tuple(each for each in LET_GO if each != DispatchState.ENDED.value)
    query = sa.select(sa.func.count()).where(c.phone_number == number, c.state.in_(states))
    return conn.execute(query).scalar_one()


def rules_waiting(conn: sa.Connection) -> list[str]:
    """Return the names of all rules whose calls wait: also of rules that are in no file any more."""
    c = dispatches.c
    query = sa.select(c.rule).where(c.state == DispatchState.WAITING.value).distinct()
    return list(conn.execute(query).scalars())
