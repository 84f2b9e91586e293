"""What is to be written on records, in order, and what has been."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from connector.model import RecordRef, WriteBack
from connector.store.tables import write_backs

_INSERT = sa.text(
    "INSERT INTO connector.write_backs"
    " (dispatch_id, connection, moment, record_type, record_id, properties, state, due_at, attempts)"
    " SELECT dispatch_id, connection, moment, record_type, record_id, properties, state, due_at, attempts"
    " FROM jsonb_populate_recordset(NULL::connector.write_backs, :rows) ON CONFLICT DO NOTHING"
).bindparams(sa.bindparam("rows", type_=JSONB))


@dataclass(frozen=True, slots=True)
class QueuedWriteBack:
    """One row of `write_backs`."""

    id: int
    dispatch_id: str
    moment: str
    write: WriteBack
    state: str
    attempts: int


def queue(
    conn: sa.Connection, connection: str, rows: Sequence[tuple[str, str, WriteBack]], due_at: datetime
) -> None:
    """Queue (dispatch id, moment, write-back); a moment of a dispatch is written once."""
    if not rows:
        return
    conn.execute(
        _INSERT,
        {
            "rows": [
                {
                    "dispatch_id": dispatch_id,
                    "connection": connection,
                    "moment": moment,
                    "record_type": write.record.type,
                    "record_id": write.record.id,
                    "properties": {name: dict(values) for name, values in write.properties.items()},
                    "state": "due",
                    "due_at": due_at.isoformat(),
                    "attempts": 0,
                }
                for dispatch_id, moment, write in rows
            ]
        },
    )


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
    c = write_backs.c
    query = sa.select(c.connection).where(c.state.in_(("due", "writing")), c.due_at <= now).distinct()
    return list(conn.execute(query).scalars())


def mark(conn: sa.Connection, ids: Sequence[int], state: str, **columns: Any) -> None:
    """Set rows to `state` (due, writing, written, failed) and further columns."""
    if ids:
        conn.execute(write_backs.update().where(write_backs.c.id.in_(ids)).values(state=state, **columns))


def for_dispatch(conn: sa.Connection, dispatch_id: str) -> list[Mapping[str, Any]]:
    """Every write-back of a dispatch, oldest first."""
    query = sa.select(write_backs).where(write_backs.c.dispatch_id == dispatch_id)
    return [dict(row._mapping) for row in conn.execute(query.order_by(write_backs.c.id))]


def _queued(row: sa.Row[Any]) -> QueuedWriteBack:
    write = WriteBack(RecordRef(row.record_type, row.record_id), row.properties)
    return QueuedWriteBack(row.id, row.dispatch_id, row.moment, write, row.state, row.attempts)
