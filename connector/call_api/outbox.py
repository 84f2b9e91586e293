"""Deliveries of call events in the database: what is due, what came of each try, what a person sends again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from connector.call_api.retry import Again, Answer, Dead, Sent
from connector.call_api.tables import deliveries, delivery_tries, endpoints, events


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    id: int
    event_id: str
    call_id: str | None
    """None of a test."""
    event: str
    body: str
    """In the endpoint's format."""
    tries: int
    resent_after: int
    """Tries that were made before a person sent it again."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One try, and what follows from it."""

    delivery: Delivery
    at: datetime
    answer: Answer
    decision: Sent | Again | Dead
    took: timedelta = timedelta(0)


DeliveryState = Literal["pending", "sent", "dead"]
Row = Mapping[str, Any]


def due_deliveries(conn: sa.Connection, endpoint_id: str, *, limit: int, now: datetime) -> list[Delivery]:
    """What may go to this endpoint now, oldest first.

    Left out: an event whose call has an earlier event still waiting for its own time.
    """
    earlier = deliveries.alias("earlier")
    blocked = sa.exists().where(
        earlier.c.call_id == deliveries.c.call_id,
        earlier.c.endpoint_id == deliveries.c.endpoint_id,
        earlier.c.state == "pending",
        earlier.c.id < deliveries.c.id,
        earlier.c.due_at > now,
    )
    query = (
        sa.select(
            deliveries.c.id,
            deliveries.c.event_id,
            deliveries.c.call_id,
            events.c.event,
            sa.case(
                (endpoints.c.payload_format == "v1", sa.func.coalesce(events.c.body_v1, events.c.body)),
                else_=events.c.body,
            ).label("body"),
            deliveries.c.tries,
            deliveries.c.resent_after,
        )
        .join(events, events.c.id == deliveries.c.event_id)
        .join(endpoints, endpoints.c.id == deliveries.c.endpoint_id)
        .where(
            deliveries.c.endpoint_id == endpoint_id,
            deliveries.c.state == "pending",
            deliveries.c.due_at <= now,
            ~blocked,
        )
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    return [Delivery(**row) for row in conn.execute(query).mappings()]


def record_tries(conn: sa.Connection, tried: Sequence[Tried]) -> None:
    """Keep what came of these tries."""
    if not tried:
        return
    conn.execute(delivery_tries.insert(), [_try_row(one) for one in tried])
    conn.execute(
        deliveries.update()
        .where(deliveries.c.id == sa.bindparam("delivery_id"))
        .values({name: sa.bindparam(name) for name in ("state", "due_at", "tries", "ended_at")}),
        [_delivery_row(one) for one in tried],
    )


def endpoints_with_due(conn: sa.Connection, now: datetime) -> list[str]:
    """The endpoints something is due for."""
    due = sa.exists().where(
        deliveries.c.endpoint_id == endpoints.c.id,
        deliveries.c.state == "pending",
        deliveries.c.due_at <= now,
    )
    live = sa.and_(endpoints.c.removed_at.is_(None), endpoints.c.ended_reason.is_(None))
    return list(conn.execute(sa.select(endpoints.c.id).where(live, due).order_by(endpoints.c.id)).scalars())


def list_deliveries(
    conn: sa.Connection, endpoint_id: str, *, state: DeliveryState | None, limit: int, before: int | None
) -> list[Row]:
    """An endpoint's deliveries, newest first, each with its `tried`, oldest first; `before` is an id."""
    query = _deliveries_of(endpoint_id).order_by(deliveries.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    return _with_tries(conn, query)


def get_delivery(conn: sa.Connection, endpoint_id: str, delivery_id: int) -> Row | None:
    """One of an endpoint's deliveries with its `tried`, or None."""
    return next(
        iter(_with_tries(conn, _deliveries_of(endpoint_id).where(deliveries.c.id == delivery_id))), None
    )


def resend(conn: sa.Connection, delivery_id: int, *, now: datetime) -> None:
    """Begin a new series of tries, at once; the tries that were made are kept."""
    conn.execute(
        deliveries.update()
        .where(deliveries.c.id == delivery_id)
        .values(state="pending", due_at=now, ended_at=None, resent_after=deliveries.c.tries)
    )


def _deliveries_of(endpoint_id: str) -> sa.Select[Any]:
    return (
        sa.select(
            deliveries.c.id,
            deliveries.c.event_id,
            events.c.event,
            deliveries.c.call_id,
            deliveries.c.state,
            events.c.created_at,
            deliveries.c.due_at,
            deliveries.c.ended_at,
        )
        .join(events, events.c.id == deliveries.c.event_id)
        .where(deliveries.c.endpoint_id == endpoint_id)
    )


def _with_tries(conn: sa.Connection, query: sa.Select[Any]) -> list[Row]:
    found = conn.execute(query).mappings().all()
    tries: dict[int, list[Row]] = defaultdict(list)
    rows = conn.execute(
        sa.select(delivery_tries)
        .where(delivery_tries.c.delivery_id.in_([row["id"] for row in found]))
        .order_by(delivery_tries.c.delivery_id, delivery_tries.c.number)
    )
    for row in rows.mappings():
        tries[row["delivery_id"]].append(dict(row))
    return [{**row, "tried": tries[row["id"]]} for row in found]


def list_dead(conn: sa.Connection, *, limit: int = 100) -> list[Mapping[str, Any]]:
    """Deliveries that were given up, newest first, with their last try."""
    last = delivery_tries.alias("last")
    query = (
        sa.select(
            deliveries.c.id,
            deliveries.c.call_id,
            events.c.event,
            endpoints.c.url,
            deliveries.c.tries,
            deliveries.c.ended_at,
            last.c.status,
            last.c.error,
        )
        .join(events, events.c.id == deliveries.c.event_id)
        .join(endpoints, endpoints.c.id == deliveries.c.endpoint_id)
        .join(last, sa.and_(last.c.delivery_id == deliveries.c.id, last.c.number == deliveries.c.tries))
        .where(deliveries.c.state == "dead")
        .order_by(deliveries.c.ended_at.desc())
        .limit(limit)
    )
    return [dict(row) for row in conn.execute(query).mappings()]


def _try_row(tried: Tried) -> dict[str, object]:
    return {
        "delivery_id": tried.delivery.id,
        "number": tried.delivery.tries + 1,
        "at": tried.at,
        "status": tried.answer.status,
        "error": tried.answer.error,
        "duration_ms": round(tried.took.total_seconds() * 1000),
    }


def _delivery_row(tried: Tried) -> dict[str, object]:
    pending = isinstance(tried.decision, Again)
    return {
        "delivery_id": tried.delivery.id,
        "state": "pending" if pending else "sent" if isinstance(tried.decision, Sent) else "dead",
        "due_at": tried.decision.at if isinstance(tried.decision, Again) else tried.at,
        "tries": tried.delivery.tries + 1,
        "ended_at": None if pending else tried.at,
    }
