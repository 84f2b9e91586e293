"""How many calls of one key may be under way at once; the rest waits in line or is refused, by setting.

A call is under way while it is `dialing` or `in-progress`. Calls become that in one place only, and one
transaction at a time: so the count there is exact over threads and processes.
"""

from datetime import datetime
from typing import NoReturn, Protocol

import sqlalchemy as sa

from connector.call_api import problems
from connector.call_api.problems import Refusal
from connector.call_api.states import UNDER_WAY, CallState
from connector.call_api.tables import calls

RETRY_AFTER = 5
"""Seconds. Nobody knows when a call will end; a place is worth another try by then."""
_TAKING = 7_242_004  # numbers of our own: advisory locks of these are for nothing else
_ADDING = 7_242_005

_TAKE_ALONE = sa.text(f"SELECT pg_advisory_xact_lock({_TAKING})")
_ADD_ALONE = sa.text(f"SELECT pg_advisory_xact_lock({_ADDING}, hashtext(:key_id))")
_IN_THE_WAY = (
    sa.select(sa.func.count())
    .select_from(calls)
    .where(
        calls.c.key_id == sa.bindparam("key_id"),
        sa.or_(
            calls.c.state.in_(UNDER_WAY),
            sa.and_(calls.c.state == CallState.QUEUED, calls.c.due_at <= sa.bindparam("now")),
        ),
    )
)


class ConcurrencySettings(Protocol):
    """The settings that matter here."""

    @property
    def max_concurrent_calls(self) -> int | None: ...
    @property
    def over_concurrency(self) -> str: ...


def has_place(conn: sa.Connection, key_id: str, settings: ConcurrencySettings, now: datetime) -> bool:
    """May the key add a call that is due at once? A place found is kept until the transaction ends.

    Asked only where the settings refuse instead of keeping calls in line: then a call has a place of its own
    from the moment it is added, so waiting calls that are due count too.
    """
    if settings.over_concurrency != "refuse" or settings.max_concurrent_calls is None:
        return True
    conn.execute(_ADD_ALONE, {"key_id": key_id})
    taken = conn.execute(_IN_THE_WAY, {"key_id": key_id, "now": now}).scalar_one()
    return bool(taken < settings.max_concurrent_calls)


def no_place(settings: ConcurrencySettings) -> NoReturn:
    """The key has no place for another call. Raises Refusal (429)."""
    raise Refusal(problems.concurrency_limit(settings.max_concurrent_calls or 0, RETRY_AFTER))


def take_alone(conn: sa.Connection) -> None:
    """Wait until no other transaction makes calls `dialing`; until this one ends none other will."""
    conn.execute(_TAKE_ALONE)
