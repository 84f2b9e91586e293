"""The opt-out list: numbers and records that must not be called. What is removed is kept, as no longer in force."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connector.model import RecordRef
from connector.store.gate import close_gate
from connector.store.tables import opt_outs

Source = Literal["person", "import", "call"]


@dataclass(frozen=True, slots=True)
class Whom:
    """A number in E.164, wherever it is met; or a record of a connection."""

    phone_number: str | None = None
    connection: str | None = None
    record: RecordRef | None = None

    def __str__(self) -> str:
        return self.phone_number or f"{self.record} of {self.connection}"


@dataclass(frozen=True, slots=True)
class KeptOptOut:
    """One line of the list."""

    whom: Whom
    since: datetime
    source: str
    reason: str


def add(
    conn: sa.Connection, whom: Collection[Whom], *, source: Source, reason: str, at: datetime
) -> list[Whom]:
    """Put numbers and records on the list; return those that were not on it."""
    if not whom:
        return []
    close_gate(conn)
    rows = [{**_columns(each), "since": at, "source": source, "reason": reason} for each in whom]
    c = opt_outs.c
    query = insert(opt_outs).on_conflict_do_nothing()
    added = conn.execute(
        query.returning(c.phone_number, c.connection, c.record_type, c.record_id), rows
    ).all()
    return [_whom(row) for row in added]


def remove(conn: sa.Connection, whom: Whom, at: datetime) -> bool:
    """Take a number or record off the list; False where it was not on it."""
    close_gate(conn)
    c = opt_outs.c
    same = [c[name] == value for name, value in _columns(whom).items() if value is not None]
    query = opt_outs.update().where(c.removed_at.is_(None), *same).values(removed_at=at)
    return conn.execute(query).rowcount > 0


def find(
    conn: sa.Connection, numbers: Collection[str], records: Collection[tuple[str, RecordRef]]
) -> Sequence[KeptOptOut]:
    """Return what the list says of these numbers, and of these records of connections."""
    c = opt_outs.c
    keys = [(connection, record.type, record.id) for connection, record in records]
    matches = sa.or_(
        c.phone_number.in_(numbers), sa.tuple_(c.connection, c.record_type, c.record_id).in_(keys)
    )
    return [_kept(row) for row in conn.execute(sa.select(opt_outs).where(c.removed_at.is_(None), matches))]


def listed(conn: sa.Connection, most: int) -> list[KeptOptOut]:
    """Return the newest lines of the list."""
    c = opt_outs.c
    query = sa.select(opt_outs).where(c.removed_at.is_(None)).order_by(c.id.desc()).limit(most)
    return [_kept(row) for row in conn.execute(query)]


def count(conn: sa.Connection) -> int:
    """Return how many lines the list has."""
    query = sa.select(sa.func.count()).select_from(opt_outs).where(opt_outs.c.removed_at.is_(None))
    return conn.execute(query).scalar_one()


def _columns(whom: Whom) -> dict[str, str | None]:
    record = whom.record
    return {
        "phone_number": whom.phone_number,
        "connection": whom.connection if record else None,
        "record_type": record.type if record else None,
        "record_id": record.id if record else None,
    }


def _whom(row: sa.Row[Any]) -> Whom:
    record = RecordRef(row.record_type, row.record_id) if row.record_id is not None else None
    return Whom(row.phone_number, row.connection, record)


def _kept(row: sa.Row[Any]) -> KeptOptOut:
    return KeptOptOut(_whom(row), row.since, row.source, row.reason)
