"""Deliveries: kept as bytes before they are answered, read once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connector.model import Request
from connector.store.tables import deliveries, news_counts

CALLS = "calls"
"""The word that stands in place of an adapter's name for the call events of a Trigger Call API."""
LARGE = 256 * 1024
"""Bytes of deliveries that are read together: about a thousand events."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One HTTP request that a CRM or a Trigger Call API sent us."""

    id: str
    adapter: str
    connection: str
    request: Request
    state: str


def keep(conn: sa.Connection, delivery: Delivery) -> None:
    """Write the delivery down, unread."""
    request = delivery.request
    conn.execute(
        deliveries.insert(),
        {
            "id": delivery.id,
            "adapter": delivery.adapter,
            "connection": delivery.connection,
            "method": request.method,
            "url": request.url,
            "headers": dict(request.headers),
            "body": request.body,
            "received_at": request.received_at,
            "state": delivery.state,
        },
    )


def count(conn: sa.Connection, connection: str, at: datetime, names: Mapping[str, int]) -> None:
    """Add to the day's counts of news that concerns no rule."""
    rows = [
        {"connection": connection, "day": at.date(), "name": name, "count": names[name]}
        for name in sorted(names)
    ]
    if not rows:
        return
    statement = insert(news_counts)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["connection", "day", "name"],
            set_={"count": news_counts.c.count + statement.excluded.count},
        ),
        rows,
    )


def get(conn: sa.Connection, delivery_id: str) -> Delivery | None:
    row = conn.execute(sa.select(deliveries).where(deliveries.c.id == delivery_id)).first()
    return _delivery(row) if row else None


def unread(conn: sa.Connection, connection: str, most: int) -> list[Delivery]:
    """The oldest unread deliveries of a CRM's connection; many small ones or a few large ones."""
    query = (
        sa.select(deliveries)
        .where(
            deliveries.c.connection == connection,
            deliveries.c.adapter != CALLS,
            deliveries.c.state == "kept",
        )
        .order_by(deliveries.c.received_at, deliveries.c.id)
        .limit(most)
    )
    taken: list[Delivery] = []
    size = 0
    for row in conn.execute(query):
        size += len(row.body)
        if taken and size > LARGE:
            break
        taken.append(_delivery(row))
    return taken


def take_unread(conn: sa.Connection, adapter: str, most: int) -> list[Delivery]:
    """The oldest unread ones, locked until the transaction ends."""
    rows = conn.execute(
        sa.select(deliveries)
        .where(deliveries.c.adapter == adapter, deliveries.c.state == "kept")
        .order_by(deliveries.c.received_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [_delivery(row) for row in rows]


def has_unread(conn: sa.Connection, adapter: str) -> bool:
    query = sa.select(1).where(deliveries.c.adapter == adapter, deliveries.c.state == "kept").limit(1)
    return conn.execute(query).first() is not None


def mark_read(conn: sa.Connection, reports: Mapping[str, Mapping[str, Any]], at: datetime) -> None:
    """Set deliveries to `read`, each with its report."""
    if not reports:
        return
    statement = (
        deliveries.update()
        .where(deliveries.c.id == sa.bindparam("b_id"))
        .values(state="read", report=sa.bindparam("b_report"), read_at=at)
    )
    conn.execute(statement, [{"b_id": id_, "b_report": report} for id_, report in reports.items()])


def mark_dead(conn: sa.Connection, ids: Iterable[str], error: str, at: datetime) -> None:
    """Set deliveries to `dead`: no rule will read them again, a person decides."""
    conn.execute(
        deliveries.update()
        .where(deliveries.c.id.in_(list(ids)))
        .values(state="dead", error=error, read_at=at)
    )


def without_job(conn: sa.Connection, now: datetime) -> Sequence[tuple[str, str]]:
    """(id, connection) of unread CRM deliveries, a minute old, for which no job is queued or runs."""
    query = sa.text(
        """
        SELECT d.id::text, d.connection FROM connector.deliveries d
        WHERE d.state = 'kept' AND d.adapter <> :calls AND d.received_at < :before
          AND NOT EXISTS (
            SELECT 1 FROM jobs.procrastinate_jobs j
            WHERE j.task_name = 'read_deliveries' AND j.args ->> 'delivery_id' = d.id::text
              AND j.status IN ('todo', 'doing'))
        ORDER BY d.received_at LIMIT 1000
        """
    )
    rows = conn.execute(query, {"calls": CALLS, "before": now - timedelta(minutes=1)})
    return [(row[0], row[1]) for row in rows]


def _delivery(row: sa.Row[Any]) -> Delivery:
    request = Request(
        method=row.method,
        url=row.url,
        headers=row.headers,
        body=bytes(row.body),
        received_at=row.received_at,
    )
    return Delivery(row.id, row.adapter, row.connection, request, row.state)
