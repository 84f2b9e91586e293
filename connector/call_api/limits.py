"""How many trigger requests a key may make in a minute: a sliding window, exact over threads and processes.

Every request that passes is a row for a minute. The rows of a key are numbered, so the oldest and the newest
tell how many there are: a limit of 100,000 costs no more than one of 100. The PyPI library `limits` does the same in memory, Redis,
Memcached and MongoDB, but has no storage for PostgreSQL, which is all this program needs to run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from connector.call_api import problems
from connector.call_api.problems import Refusal
from connector.call_api.states import UNDER_WAY
from connector.call_api.tables import calls
from connector.model import Clock

WINDOW = timedelta(minutes=1)
_FORGOTTEN_AT_ONCE = 1000
_LOCKS = 7_242_003  # a number of our own: advisory locks of this pair are for nothing else


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key has left of its minute."""

    limit: int
    remaining: int
    reset_seconds: int
    """Until the oldest request counted here is a minute old, and its place free again; 0 where none is counted."""

    def headers(self) -> Mapping[str, str]:
        """The same as headers of an answer."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_seconds),
        }


_ALONE = sa.text(
    "SELECT set_config('synchronous_commit', 'off', true), "  # a count lost in a crash harms nobody
    f"pg_advisory_xact_lock({_LOCKS}, :key)"
)
_COUNTED = """
    newest AS (
        SELECT at, number FROM call_api.trigger_requests
        WHERE key_id = :key_id AND at > :start AND at <= :horizon ORDER BY at DESC, number DESC LIMIT 1
    ),
    oldest AS (
        SELECT at, number FROM call_api.trigger_requests
        WHERE key_id = :key_id AND at > :start AND at <= :horizon ORDER BY at, number LIMIT 1
    ),
    counted AS (
        SELECT oldest.at AS oldest, newest.at AS newest, newest.number, newest.number - oldest.number + 1 AS used
        FROM newest, oldest
    )
"""
_key = sa.bindparam("key_id", type_=sa.UUID(as_uuid=False))
_LOOK = sa.text(f"WITH {_COUNTED} SELECT used, oldest FROM counted").bindparams(_key)  # noqa: S608  constants
_TAKE = sa.text(
    f"""
    WITH {_COUNTED},
    gone AS (
        DELETE FROM call_api.trigger_requests WHERE key_id = :key_id AND (at <= :start OR at > :horizon)
    ),
    taken AS (
        INSERT INTO call_api.trigger_requests (key_id, at, number)
        SELECT :key_id, greatest(:now, (SELECT newest FROM counted)), coalesce((SELECT number FROM counted), 0) + 1
        WHERE coalesce((SELECT used FROM counted), 0) < :most
    )
    SELECT used, oldest FROM counted
    """  # noqa: S608  constants
).bindparams(_key)
_BLOCKING = sa.text(
    "SELECT at FROM call_api.trigger_requests WHERE key_id = :key_id AND at > :start AND at <= :horizon "
    "ORDER BY at DESC, number DESC OFFSET :most - 1 LIMIT 1"
).bindparams(_key)
_FORGET = sa.text(
    """
    DELETE FROM call_api.trigger_requests WHERE ctid = ANY(ARRAY(
        SELECT old.ctid FROM call_api.api_keys CROSS JOIN LATERAL (
            SELECT ctid FROM call_api.trigger_requests
            WHERE key_id = api_keys.id AND at <= :until LIMIT :most FOR UPDATE SKIP LOCKED
        ) AS old
        LIMIT :most
    ))
    """
)


def take(conn: sa.Connection, key_id: str, max_per_minute: int | None, clock: Clock) -> Allowance | None:
    """Count one more trigger request of this key, and commit; None where there is no limit to count for.

    Requests of one key pass here one at a time, else two could both see the last free place: so the
    transaction ends here. Raises Refusal (429), and counts nothing, where the last minute is full.
    """
    if max_per_minute is None:
        return None
    conn.execute(_ALONE, {"key": _lock(key_id)})
    now = clock()
    values = {**_span(key_id, now), "now": now, "most": max_per_minute}
    row = conn.execute(_TAKE, values).first()
    used, oldest = (row.used, row.oldest) if row is not None else (0, now)
    if used > max_per_minute:  # the limit was lowered: more than one has to go first
        oldest = conn.execute(_BLOCKING, values).scalar_one()
    conn.commit()
    reset = _seconds_until(oldest + WINDOW, now)
    if used >= max_per_minute:
        full = Allowance(max_per_minute, 0, reset)
        raise Refusal(problems.rate_limited(reset, full.headers()))
    return Allowance(max_per_minute, max_per_minute - used - 1, reset)


def look(conn: sa.Connection, key_id: str, max_per_minute: int, now: datetime) -> Allowance:
    """What the key has left now; counts nothing."""
    row = conn.execute(_LOOK, _span(key_id, now)).first()
    if row is None:
        return Allowance(max_per_minute, max_per_minute, 0)
    left = max(0, max_per_minute - row.used)
    return Allowance(max_per_minute, left, _seconds_until(row.oldest + WINDOW, now))


def _span(key_id: str, now: datetime) -> dict[str, object]:
    """What counts: the last minute; and the next, for machines whose clocks differ a little."""
    return {"key_id": key_id, "start": now - WINDOW, "horizon": now + WINDOW}


def calls_under_way(conn: sa.Connection, key_id: str) -> int:
    """How many calls of this key are being dialled or talked."""
    under_way = sa.select(sa.func.count()).where(calls.c.key_id == key_id, calls.c.state.in_(UNDER_WAY))
    return conn.execute(under_way).scalar_one()


def forget_old_requests(conn: sa.Connection, now: datetime) -> None:
    """Delete some of what is older than a minute: keys that fell silent leave it behind.

    Rows that a trigger is just deleting are left to it: neither ever waits for the other's rows in turn.
    """
    conn.execute(_FORGET, {"until": now - WINDOW, "most": _FORGOTTEN_AT_ONCE})


def _seconds_until(at: datetime, now: datetime) -> int:
    return max(1, math.ceil((at - now).total_seconds()))


def _lock(key_id: str) -> int:
    return int.from_bytes(UUID(key_id).bytes[:4], signed=True)
