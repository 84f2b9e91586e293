"""What became of calls, in the caller's commit: their rows, their history, their events, and the jobs that follow."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from connector import jobs
from connector.call_api.calls import CallRow, apply_progress
from connector.call_api.events import record_events
from connector.call_api.progress import Progress
from connector.call_api.states import UNDER_WAY
from connector.call_api.waiting import has_queued


def move_calls(
    conn: sa.Connection, moved: Sequence[tuple[CallRow, Progress]], now: datetime
) -> Sequence[CallRow]:
    """Write the progress of these (locked) calls; return their new rows, in order.

    Jobs are nudged in one order only: `deliver`, `follow_calls`, `place_calls`.
    """
    moved = [(row, progress) for row, progress in moved if progress]
    rows = apply_progress(conn, [*moved])
    told = [(row, progress) for row, (_, progress) in zip(rows, moved, strict=True)]
    record_events(conn, told, now=now)
    if any(row["next_look_at"] is not None and row["next_look_at"] <= now for row in rows):
        jobs.nudge(conn, "follow_calls")
    freed = any(
        before["state"] in UNDER_WAY and row["state"] not in UNDER_WAY
        for row, (before, _) in zip(rows, moved, strict=True)
    )
    if freed and has_queued(conn, now):
        jobs.nudge(conn, "place_calls")
    return rows
