"""How many triggers a key may have accepted in a minute: counted from its calls, so exact over processes."""

import math
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from connector.call_api import problems
from connector.call_api.problems import Refusal
from connector.call_api.tables import calls
from connector.model import Clock

WINDOW = timedelta(minutes=1)


def check_rate(conn: sa.Connection, key_id: str, max_per_minute: int | None, clock: Clock) -> None:
    """Let one more trigger of this key through, until the transaction ends. Raises Refusal (429).

    Triggers of one key pass here one at a time, else two could both see the last free place.
    """
    if max_per_minute is None:
        return
    conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_lock(key_id))))
    now = clock()
    oldest = conn.execute(
        sa.select(calls.c.created_at)
        .where(calls.c.key_id == key_id, calls.c.created_at > now - WINDOW)
        .order_by(calls.c.created_at.desc())
        .offset(max_per_minute - 1)
        .limit(1)
    ).scalar()
    if oldest is not None:
        raise Refusal(problems.rate_limited(_seconds_until(oldest + WINDOW, now)))


def _seconds_until(at: datetime, now: datetime) -> int:
    return max(1, math.ceil((at - now).total_seconds()))


def _lock(key_id: str) -> int:
    return int.from_bytes(UUID(key_id).bytes[:8], signed=True)
