"""Call events: written down in the commit that makes them true, sent later by `delivering`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from connector import jobs
from connector.call_api.calls import CallRow
from connector.call_api.endpoints import list_endpoints
from connector.call_api.present import ended_event, started_event
from connector.call_api.progress import CALL_STARTED, Progress
from connector.call_api.tables import deliveries, events


def record_events(conn: sa.Connection, moved: Sequence[tuple[CallRow, Progress]], *, now: datetime) -> None:
    """Queue the events of these changes for every endpoint, in their order; `moved` holds the new rows."""
    endpoints = list_endpoints(conn)
    told = [
        _event(row, change.event, now)
        for row, progress in moved
        for change in progress.changes
        if change.event is not None
    ]
    if not endpoints or not told:
        return
    conn.execute(events.insert(), told)
    conn.execute(
        deliveries.insert(),
        [
            {
                "endpoint_id": endpoint.id,
                "event_id": event["id"],
                "call_id": event["call_id"],
                "state": "pending",
                "due_at": now,
                "tries": 0,
            }
            for event in told
            for endpoint in endpoints
        ],
    )
    for endpoint in endpoints:
        jobs.nudge(conn, "deliver", endpoint_id=endpoint.id)


def _event(row: CallRow, name: str, now: datetime) -> dict[str, object]:
    event_id = f"evt_{uuid4().hex}"
    body = started_event(event_id, row) if name == CALL_STARTED else ended_event(event_id, row)
    return {"id": event_id, "call_id": row["id"], "event": name, "body": body.decode(), "created_at": now}
