"""Deliveries of call events in the database: what is due, and what came of each try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.call_api.retry import Again, Answer, Dead, Sent
from connector.call_api.tables import deliveries, delivery_tries, endpoints, events


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    id: int
    event_id: str
    call_id: str
    event: str
    body: str
    tries: int


@dataclass(frozen=True, slots=True)
class Tried:
    """One try, and what follows from it."""

    delivery: Delivery
    at: datetime
    answer: Answer
    decision: Sent | Again | Dead


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
            events.c.body,
            deliveries.c.tries,
        )
        .join(events, events.c.id == deliveries.c.event_id)
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
    return list(
        conn.execute(sa.select(endpoints.c.id).where(endpoints.c.removed_at.is_(None), due)).scalars()
    )


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
