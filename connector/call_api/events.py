"""Call events: written down in the commit that makes them true, sent later by `deliver`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from connector import jobs
from connector.call_api import payloads
from connector.call_api.agents import default_agent, find_agent
from connector.call_api.calls import CallRow
from connector.call_api.endpoints import Endpoint, live_endpoints
from connector.call_api.progress import CALL_STARTED, Progress
from connector.call_api.tables import deliveries, events

TEST = "test"


@dataclass(frozen=True, slots=True)
class _Told:
    """One event, and who wants it."""

    row: CallRow
    name: str
    to: list[Endpoint]
    id: str


def record_events(conn: sa.Connection, moved: Sequence[tuple[CallRow, Progress]], *, now: datetime) -> None:
    """Queue the events of these changes for every endpoint that wants them, in their order; `moved` holds the
    new rows.
    """
    names = [
        (row, change.event)
        for row, progress in moved
        for change in progress.changes
        if change.event is not None
    ]
    if not names:
        return
    endpoints = live_endpoints(conn)
    told = [
        _Told(row, name, wanting, _new_id())
        for row, name in names
        if (wanting := [each for each in endpoints if each.wants(name, row["agent_id"])])
    ]
    if not told:
        return
    conn.execute(events.insert(), [_event_row(each, now) for each in told])
    conn.execute(
        deliveries.insert(),
        [_delivery(endpoint.id, each.id, each.row["id"], now) for each in told for endpoint in each.to],
    )
    for endpoint_id in sorted({endpoint.id for each in told for endpoint in each.to}):
        nudge_delivering(conn, endpoint_id)


def record_test(conn: sa.Connection, endpoint: Endpoint, *, now: datetime) -> int:
    """Queue a test for this endpoint, whichever events it wants; return the delivery's id."""
    agent = find_agent(conn, endpoint.agent_id) if endpoint.agent_id is not None else default_agent(conn)
    row, event_id = payloads.made_up_call(agent, now), _new_id()
    older = payloads.test_event_v1(event_id, row).decode() if endpoint.payload_format == "v1" else None
    body = payloads.test_event(event_id, row).decode()
    conn.execute(
        events.insert().values(
            id=event_id, call_id=None, event=TEST, body=body, body_v1=older, created_at=now
        )
    )
    added = conn.execute(
        deliveries.insert().values(_delivery(endpoint.id, event_id, None, now)).returning(deliveries.c.id)
    )
    nudge_delivering(conn, endpoint.id)
    return int(added.scalar_one())


def nudge_delivering(conn: sa.Connection, endpoint_id: str) -> None:
    """Let a worker send what is due to this endpoint."""
    jobs.nudge(conn, "deliver", queue=jobs.SLOW, endpoint_id=endpoint_id)


def _event_row(told: _Told, now: datetime) -> dict[str, object]:
    started = told.name == CALL_STARTED
    body = (payloads.started_event if started else payloads.ended_event)(told.id, told.row)
    older = None
    if any(endpoint.payload_format == "v1" for endpoint in told.to):
        older = (payloads.started_event_v1 if started else payloads.ended_event_v1)(told.id, told.row)
    return {
        "id": told.id,
        "call_id": told.row["id"],
        "event": told.name,
        "body": body.decode(),
        "body_v1": older.decode() if older is not None else None,
        "created_at": now,
    }


def _delivery(endpoint_id: str, event_id: str, call_id: str | None, now: datetime) -> dict[str, object]:
    return {
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "call_id": call_id,
        "state": "pending",
        "due_at": now,
        "tries": 0,
    }


def _new_id() -> str:
    return f"evt_{uuid4().hex}"
