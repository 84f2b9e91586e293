"""Calls in the database: read one, follow those under way, write what became of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from connector.call_api.carriers import Dial
from connector.call_api.ids import as_uuid
from connector.call_api.progress import Progress
from connector.call_api.states import UNDER_WAY
from connector.call_api.tables import call_states, calls

CallRow = Mapping[Any, Any]
"""A row of `calls` by column name."""

NEXT_LOOK_AFTER_CRASH = timedelta(seconds=30)
"""A look that was begun and never written down is begun again after this."""

_CHANGING = (
    "state",
    "due_at",
    "dialed_at",
    "provider_call_id",
    "answered_at",
    "ended_at",
    "next_look_at",
    "analysis_until",
    "outcome",
    "duration_seconds",
    "transcript",
    "summary",
    "sentiment",
    "recording_url",
    "cost_cents",
    "reason",
)
_UPDATE = (
    calls.update()
    .where(calls.c.id == sa.bindparam("call_id"))
    .values({name: sa.bindparam(name) for name in _CHANGING})
)
# Two conditions, each with an index of its own, and asked one after the other: `or` would use neither.
_FOLLOWED = calls.c.state.in_(UNDER_WAY)
_ANALYSED_LATER = calls.c.analysis_until.is_not(None)


_HISTORY: sa.ColumnElement[str] = sa.literal_column(
    """
    (SELECT coalesce(CAST(json_agg(step) AS text), '[]') FROM (
        SELECT state, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at, reason
        FROM call_api.call_states WHERE call_id = call_api.calls.id ORDER BY call_states.id
    ) AS step)
    """,
    sa.Text,
).label("history")
"""The steps of a call, oldest first. Read in one statement with the call, so that both are of the same instant."""
# fmt: off
_UNSEEN: Final = frozenset({
    "key_id", "idempotency_key", "body_sha256", "first_answer", "calling_window", "outside", "carrier_agent_id",
    "max_ring_seconds", "max_talk_seconds", "next_look_at", "look_until", "analysis_until",
})
# fmt: on
_AS_TEXT: Final = frozenset({"id", "agent_id", "variables", "transcript"})
SHOWN: Final = [
    *(
        sa.cast(column, sa.Text).label(column.name) if column.name in _AS_TEXT else column
        for column in calls.c
        if column.name not in _UNSEEN
    ),
    _HISTORY,
]
"""What is shown of a call; `history`, `transcript` and `variables` as JSON.

PostgreSQL writes it: a page has hundreds of steps and turns, and Python took as long for them as for all the rest.
"""


def get_call(conn: sa.Connection, call_id: str) -> CallRow | None:
    """Everything known of one call; None where there is none, also for text that is no UUID."""
    return _one(conn, call_id, sa.select(calls))


def get_shown(conn: sa.Connection, call_id: str) -> CallRow | None:
    """What is SHOWN of a call; None as get_call."""
    return _one(conn, call_id, sa.select(*SHOWN))


def lock_call(conn: sa.Connection, call_id: str) -> CallRow | None:
    """As get_call, and nobody else changes the call until the transaction ends."""
    return _one(conn, call_id, sa.select(calls).with_for_update())


def _one(conn: sa.Connection, call_id: str, query: sa.Select[Any]) -> CallRow | None:
    wanted = as_uuid(call_id)
    if wanted is None:
        return None
    return conn.execute(query.where(calls.c.id == wanted)).mappings().first()


def take_due_looks(conn: sa.Connection, *, limit: int, now: datetime) -> Sequence[CallRow]:
    """Return calls whose next look at the carrier is due, and put the look after that some way off."""
    taken = [*_take_looks(conn, _FOLLOWED, limit, now)]
    if len(taken) < limit:
        taken += _take_looks(conn, _ANALYSED_LATER, limit - len(taken), now)
    return taken


def _take_looks(
    conn: sa.Connection, which: sa.ColumnElement[bool], limit: int, now: datetime
) -> Sequence[CallRow]:
    due = (
        sa.select(calls.c.id)
        .where(which, calls.c.next_look_at <= now)
        .order_by(calls.c.next_look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (
        conn.execute(
            calls.update()
            .where(calls.c.id == due.c.id)
            .values(next_look_at=now + NEXT_LOOK_AFTER_CRASH)
            .returning(*calls.c)
        )
        .mappings()
        .all()
    )


def lock_calls(conn: sa.Connection, call_ids: Sequence[str]) -> Mapping[str, CallRow]:
    """Lock these calls and return their rows as they now are, by id."""
    rows = conn.execute(
        sa.select(calls).where(calls.c.id.in_(list(call_ids))).order_by(calls.c.id).with_for_update()
    )
    return {row["id"]: row for row in rows.mappings()}


def ids_at_carrier(
    conn: sa.Connection, provider: str, *, call_ids: Sequence[str], provider_call_ids: Sequence[str]
) -> Mapping[str, str]:
    """Our ids of a carrier's calls, found by ours or by its own; what is not its call is left out."""
    found: dict[str, str] = {}
    for column, wanted in ((calls.c.id, call_ids), (calls.c.provider_call_id, provider_call_ids)):
        known = column.in_(list(wanted))
        query = sa.select(column.label("wanted"), calls.c.id).where(calls.c.provider == provider, known)
        found |= {row.wanted: row.id for row in conn.execute(query)} if wanted else {}
    return found


def apply_progress(conn: sa.Connection, moved: Sequence[tuple[CallRow, Progress]]) -> Sequence[CallRow]:
    """Write what became of these (locked) calls and their history; return their new rows, in order."""
    rows = [_after(row, progress) for row, progress in moved]
    steps = [
        {"call_id": row["id"], "state": change.state.value, "at": change.at, "reason": change.reason}
        for row, progress in moved
        for change in progress.changes
    ]
    if rows:
        changing = [{"call_id": row["id"], **{name: row[name] for name in _CHANGING}} for row in rows]
        conn.execute(_UPDATE, changing)
    if steps:
        conn.execute(call_states.insert(), steps)
    return rows


def _after(row: CallRow, progress: Progress) -> CallRow:
    state = progress.changes[-1].state.value if progress.changes else row["state"]
    return {**row, **progress.columns, "state": state}


def dial_of(row: CallRow) -> Dial:
    """What the carrier is told of a call."""
    return Dial(**{name: row[name] for name in Dial.__dataclass_fields__})


def has_due_looks(conn: sa.Connection, now: datetime) -> bool:
    """Is a look at the carrier due?"""
    due = calls.c.next_look_at <= now
    return exists(conn, sa.and_(_FOLLOWED, due)) or exists(conn, sa.and_(_ANALYSED_LATER, due))


def exists(conn: sa.Connection, condition: sa.ColumnElement[bool]) -> bool:
    """Is there a call of which this is true?"""
    return bool(conn.execute(sa.select(sa.exists().where(condition))).scalar())
