"""What is to be written on records and timelines, in order, and what has been: a row for each part of a rule."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from connector.model import RecordRef, Wanted
from connector.store.tables import write_backs

_COLUMNS = (
    "dispatch_id, connection, moment, part, record_type, record_id, content, state, due_at, attempts, error"
)
_INSERT = sa.text(
    f"INSERT INTO connector.write_backs ({_COLUMNS}) SELECT {_COLUMNS}"  # noqa: S608
    " FROM jsonb_populate_recordset(NULL::connector.write_backs, :rows) ON CONFLICT DO NOTHING"
).bindparams(sa.bindparam("rows", type_=JSONB))


@dataclass(frozen=True, slots=True)
class QueuedWriteBack:
    """One row of `write_backs` that is not done."""

    id: int
    dispatch_id: str
    moment: str
    part: str
    record: RecordRef
    content: Mapping[str, Any]
    state: str
    """`due`, or `writing`: it was sent before, and may have been done."""
    attempts: int
    due_at: datetime
    began_at: datetime | None


@dataclass(frozen=True, slots=True)
class StageSet:
    """A stage that a write-back of ours set, or was about to: when it began, and when it was known to be done."""

    record: RecordRef
    stage: str
    began_at: datetime
    written_at: datetime | None


def queue(
    conn: sa.Connection, connection: str, rows: Sequence[tuple[str, str, Wanted]], due_at: datetime
) -> None:
    """Queue (dispatch id, moment, what is wanted); a part of a moment of a dispatch is written once.

    What has no record to stand on is kept as failed, with the reason.
    """
    if rows:
        found = [
            _row(connection, dispatch_id, moment, wanted, due_at) for dispatch_id, moment, wanted in rows
        ]
        conn.execute(_INSERT, {"rows": found})


def _row(connection: str, dispatch_id: str, moment: str, wanted: Wanted, due_at: datetime) -> dict[str, Any]:
    return {
        "dispatch_id": dispatch_id,
        "connection": connection,
        "moment": moment,
        "part": wanted.part,
        "record_type": wanted.record.type,
        "record_id": wanted.record.id,
        "content": dict(wanted.content),
        "state": "failed" if wanted.impossible else "due",
        "due_at": due_at.isoformat(),
        "attempts": 0,
        "error": wanted.impossible or None,
    }


def take_due(conn: sa.Connection, connection: str, now: datetime, records: int) -> list[QueuedWriteBack]:
    """Everything unwritten of up to `records` records that have something due, in order."""
    c = write_backs.c
    unwritten = c.state.in_(("due", "writing"))
    due = (
        sa.select(c.record_type, c.record_id)
        .where(c.connection == connection, unwritten, c.due_at <= now)
        .group_by(c.record_type, c.record_id)
        .order_by(sa.func.min(c.id))
        .limit(records)
    )
    query = (
        sa.select(write_backs)
        .where(
            c.connection == connection,
            unwritten,
            sa.tuple_(c.record_type, c.record_id).in_(due),
        )
        .order_by(c.id)
    )
    return [_queued(row) for row in conn.execute(query)]


def due_connections(conn: sa.Connection, now: datetime) -> list[str]:
    """The connections with something to write now."""
    c = write_backs.c
    query = sa.select(c.connection).where(c.state.in_(("due", "writing")), c.due_at <= now).distinct()
    return list(conn.execute(query).scalars())


def mark(conn: sa.Connection, ids: Sequence[int], state: str, **columns: Any) -> None:
    """Set rows to `state` (due, writing, written, failed, left) and further columns."""
    if ids:
        conn.execute(write_backs.update().where(write_backs.c.id.in_(ids)).values(state=state, **columns))


def stages_of(conn: sa.Connection, dispatch_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
    """The stages that write-backs of these dispatches have set, or were about to, by dispatch id."""
    c = write_backs.c
    query = sa.select(c.dispatch_id, c.stage).where(c.dispatch_id.in_(dispatch_ids), c.stage.is_not(None))
    found: dict[str, set[str]] = {}
    for row in conn.execute(query):
        found.setdefault(row.dispatch_id, set()).add(row.stage)
    return {dispatch_id: frozenset(stages) for dispatch_id, stages in found.items()}


def stages_set(
    conn: sa.Connection, connection: str, records: Collection[RecordRef], since: datetime
) -> list[StageSet]:
    """The stages that write-backs have set on these records, or were about to, since then."""
    c = write_backs.c
    query = sa.select(write_backs).where(
        c.connection == connection,
        c.record_id.in_({each.id for each in records}),
        c.stage.is_not(None),
        sa.or_(c.written_at.is_(None), c.written_at >= since),
    )
    return [
        StageSet(RecordRef(row.record_type, row.record_id), row.stage, row.began_at, row.written_at)
        for row in conn.execute(query)
    ]


def for_dispatch(conn: sa.Connection, dispatch_id: str) -> list[Mapping[str, Any]]:
    """Every write-back of a dispatch, oldest first."""
    query = sa.select(write_backs).where(write_backs.c.dispatch_id == dispatch_id)
    return [dict(row._mapping) for row in conn.execute(query.order_by(write_backs.c.id))]


def _queued(row: sa.Row[Any]) -> QueuedWriteBack:
    return QueuedWriteBack(
        id=row.id,
        dispatch_id=row.dispatch_id,
        moment=row.moment,
        part=row.part,
        record=RecordRef(row.record_type, row.record_id),
        content=row.content,
        state=row.state,
        attempts=row.attempts,
        due_at=row.due_at,
        began_at=row.began_at,
    )
