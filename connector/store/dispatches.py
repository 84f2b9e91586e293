"""Dispatches: this rule, this record, this entry into this stage; and every change of state with its reason."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from connector.model import DispatchState, RecordRef, StageEvent
from connector.store.event_rows import event_from_json, event_to_json
from connector.store.tables import dispatch_history, dispatches

UNDER_WAY = ("sending", "placed", "unknown")
SAME_ENTRY = timedelta(seconds=10)
"""Two entries into a stage closer than this are one: people drag a card there and back."""


def _with_rows(text: str) -> sa.TextClause:
    """A statement over rows given as one JSON array: its text stays the same, so it is prepared once."""
    return sa.text(text).bindparams(sa.bindparam("rows", type_=JSONB))


_COLUMNS = (
    "id, connection, rule, rules_version, delivery_id, event, record_type, record_id, stage, entered_at, state,"
    ' word, reason, due_at, looks, attempts, phone_number, "values", explanation, verdicts, created_at'
)
_INSERT = _with_rows(
    f"INSERT INTO connector.dispatches ({_COLUMNS})"  # noqa: S608
    f" SELECT {_COLUMNS}"
    " FROM jsonb_populate_recordset(NULL::connector.dispatches, :rows)"
    " ON CONFLICT DO NOTHING RETURNING id::text"
)
_INSERT_NOTES = _with_rows(
    "INSERT INTO connector.dispatch_history (dispatch_id, at, state, reason)"
    " SELECT dispatch_id, at, state, reason"
    " FROM jsonb_populate_recordset(NULL::connector.dispatch_history, :rows)"
)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One row of `dispatches`; times aware, UTC."""

    id: str
    connection: str
    rule: str
    rules_version: str
    delivery_id: str
    event: StageEvent
    stage: str
    state: DispatchState
    word: str
    reason: str
    due_at: datetime
    created_at: datetime
    looks: int = 0
    attempts: int = 0
    phone_number: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    explanation: Sequence[Mapping[str, Any]] = ()
    """What was looked at when the event was read, and when it was looked at last: `{"at", "steps"}` each."""
    verdicts: Sequence[Mapping[str, Any]] = ()
    sent_at: datetime | None = None
    call_id: str | None = None
    result: Mapping[str, Any] | None = None

    @property
    def record(self) -> RecordRef:
        return self.event.record


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one dispatch: the new state with its reason, and the columns it sets besides."""

    dispatch_id: str
    state: DispatchState
    word: str
    reason: str
    columns: Mapping[str, Any] = field(default_factory=dict)


def insert_new(
    conn: sa.Connection, rows: Sequence[Dispatch], above: Mapping[str, Collection[str]] | None = None
) -> list[str]:
    """Insert those whose stage entry is not known yet; return their ids.

    `above` has for a row's id the rules whose dispatch of the same entry takes its place.
    """
    known = _entries(conn, rows)
    fresh = [row for row in rows if _is_new(row, known, (above or {}).get(row.id, ()))]
    if not fresh:
        return []
    inserted = set(conn.execute(_INSERT, {"rows": [_columns(row) for row in fresh]}).scalars())
    _note(
        conn,
        [
            {"dispatch_id": row.id, "at": row.created_at, "state": row.state.value, "reason": row.reason}
            for row in fresh
            if row.id in inserted
        ],
    )
    return [row.id for row in fresh if row.id in inserted]


_Entry = tuple[str, str, RecordRef, str]


def _entry(row: Dispatch) -> _Entry:
    return (row.connection, row.rule, row.record, row.stage)


def _entries(conn: sa.Connection, rows: Sequence[Dispatch]) -> dict[_Entry, list[datetime]]:
    """When the records of `rows` are already known to have entered, skipped entries aside."""
    if not rows:
        return {}
    c = dispatches.c
    query = sa.select(c.connection, c.rule, c.record_type, c.record_id, c.stage, c.entered_at).where(
        c.connection == rows[0].connection,
        c.record_id.in_({row.record.id for row in rows}),
        c.state != DispatchState.SKIPPED.value,
    )
    known: dict[_Entry, list[datetime]] = {}
    for row in conn.execute(query):
        entry = (row.connection, row.rule, RecordRef(row.record_type, row.record_id), row.stage)
        known.setdefault(entry, []).append(row.entered_at)
    return known


def _is_new(row: Dispatch, known: dict[_Entry, list[datetime]], above: Collection[str]) -> bool:
    connection, rule, record, stage = _entry(row)
    moments = known.setdefault((connection, rule, record, stage), [])
    taken = [moment for each in above for moment in known.get((connection, each, record, stage), ())]
    if any(abs(row.event.occurred_at - moment) < SAME_ENTRY for moment in (*moments, *taken)):
        return False
    if row.state is not DispatchState.SKIPPED:
        moments.append(row.event.occurred_at)
    return True


def get(
    conn: sa.Connection, ids: Collection[str], *, state: DispatchState | None = None, lock: bool = False
) -> list[Dispatch]:
    """The dispatches of these ids (those in `state`, where given), in the order they came."""
    query = sa.select(dispatches).where(dispatches.c.id.in_(ids)).order_by(dispatches.c.number)
    if state is not None:
        query = query.where(dispatches.c.state == state.value)
    return [from_row(row) for row in conn.execute(query.with_for_update() if lock else query)]


def find_for_calls(conn: sa.Connection, ids: Collection[str], call_ids: Collection[str]) -> list[Dispatch]:
    """The dispatches that call events speak of, by dispatch id or call id, locked."""
    query = sa.select(dispatches).where(sa.or_(dispatches.c.id.in_(ids), dispatches.c.call_id.in_(call_ids)))
    return [from_row(row) for row in conn.execute(query.order_by(dispatches.c.number).with_for_update())]


def change(
    conn: sa.Connection, changes: Sequence[Change], at: datetime, *, only_from: Iterable[DispatchState]
) -> set[str]:
    """Apply changes to dispatches that are still in one of the states `only_from`; return the ids changed."""
    states = [state.value for state in only_from]
    by_columns: dict[tuple[str, ...], list[Change]] = {}
    for one in changes:
        by_columns.setdefault(tuple(sorted(one.columns)), []).append(one)
    changed: set[str] = set()
    for names, group in by_columns.items():
        changed |= _change_alike(conn, names, group, states)
    _note(
        conn,
        [
            {"dispatch_id": one.dispatch_id, "at": at, "state": one.state.value, "reason": one.reason}
            for one in changes
            if one.dispatch_id in changed
        ],
    )
    return changed


def _change_alike(
    conn: sa.Connection, names: Sequence[str], changes: Sequence[Change], states: Sequence[str]
) -> set[str]:
    """One statement for changes that set the same columns."""
    rows = [
        {
            "id": one.dispatch_id,
            "state": one.state.value,
            "word": one.word,
            "reason": one.reason,
            **{name: _json(value) for name, value in one.columns.items()},
        }
        for one in changes
    ]
    return set(conn.execute(_update(tuple(names)), {"rows": rows, "states": states}).scalars())


@cache
def _update(names: tuple[str, ...]) -> sa.TextClause:
    """The statement that changes dispatches and sets these columns besides: one text, whatever the number."""
    columns = ", ".join(f'"{name}" = new."{name}"' for name in ("state", "word", "reason", *names))
    return _with_rows(
        f"UPDATE connector.dispatches old SET {columns}"  # noqa: S608  # names are our own columns'
        " FROM jsonb_populate_recordset(NULL::connector.dispatches, :rows) new"
        " WHERE old.id = new.id AND old.state = ANY(:states) RETURNING old.id::text"
    )


def claim(conn: sa.Connection, ids: Sequence[str], let_go_at: datetime) -> set[str]:
    """Take those of these dispatches, let go at `let_go_at`, that no run took before; return their ids."""
    c = dispatches.c
    free = dispatches.update().where(c.id.in_(ids), c.sent_at == let_go_at, c.claimed_at.is_(None))
    return set(conn.execute(free.values(claimed_at=let_go_at).returning(c.id)).scalars())


def postpone(conn: sa.Connection, dispatch_id: str, due_at: datetime) -> None:
    """Look at it later; nothing else changes, so nothing is noted."""
    conn.execute(dispatches.update().where(dispatches.c.id == dispatch_id).values(due_at=due_at))


def _note(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        conn.execute(_INSERT_NOTES, {"rows": [{k: _json(v) for k, v in row.items()} for row in rows]})


def history(conn: sa.Connection, dispatch_id: str) -> list[tuple[datetime, str, str]]:
    """(at, state, reason) of every change, oldest first."""
    c = dispatch_history.c
    query = sa.select(c.at, c.state, c.reason).where(c.dispatch_id == dispatch_id).order_by(c.id)
    return [(row.at, row.state, row.reason) for row in conn.execute(query)]


def sent_since(conn: sa.Connection, moment: datetime) -> int:
    """How many trigger requests were let go after `moment`."""
    c = dispatch_history.c
    query = sa.select(sa.func.count()).where(c.state == DispatchState.SENDING.value, c.at > moment)
    return conn.execute(query).scalar_one()


def count_sending(conn: sa.Connection) -> int:
    """How many dispatches are in `sending`."""
    query = sa.select(sa.func.count()).where(dispatches.c.state == DispatchState.SENDING.value)
    return conn.execute(query).scalar_one()


def paused_until(conn: sa.Connection, now: datetime) -> datetime | None:
    """Until when the call API asked us to wait (a 429 with Retry-After), or None."""
    c = dispatches.c
    query = sa.select(sa.func.max(c.due_at)).where(
        c.state == "waiting", c.word == "rate_limited", c.due_at > now
    )
    return conn.execute(query).scalar()


def take_due(conn: sa.Connection, now: datetime, most: int) -> list[Dispatch]:
    """Waiting dispatches whose time has come and whose number and record have no call under way, locked."""
    other = dispatches.alias("other")
    busy = sa.select(1).where(
        other.c.state.in_(UNDER_WAY),
        sa.or_(
            other.c.phone_number == dispatches.c.phone_number,
            sa.and_(
                other.c.connection == dispatches.c.connection,
                other.c.record_id == dispatches.c.record_id,
                other.c.record_type == dispatches.c.record_type,
            ),
        ),
    )
    query = (
        sa.select(dispatches)
        .where(
            dispatches.c.state == "waiting",
            dispatches.c.due_at <= now,
            sa.not_(sa.exists(busy)),
        )
        .order_by(dispatches.c.due_at, dispatches.c.number)
        .limit(most)
        .with_for_update(of=dispatches, skip_locked=True)
    )
    return [from_row(row) for row in conn.execute(query)]


def has_due(conn: sa.Connection, now: datetime) -> bool:
    query = sa.select(1).where(dispatches.c.state == "waiting", dispatches.c.due_at <= now).limit(1)
    return conn.execute(query).first() is not None


def take_doubtful(
    conn: sa.Connection, now: datetime, *, lost_after: timedelta, silent_after: timedelta, most: int
) -> list[Dispatch]:
    """Dispatches that need a look-up: unknown and due, too long in sending, or placed and never ended."""
    c = dispatches.c
    query = (
        sa.select(dispatches)
        .where(
            sa.or_(
                sa.and_(c.state == "unknown", c.due_at <= now),
                sa.and_(c.state == "sending", c.sent_at < now - lost_after),
                sa.and_(c.state == "placed", c.sent_at < now - silent_after, c.due_at <= now),
            )
        )
        .order_by(c.sent_at)
        .limit(most)
    )
    return [from_row(row) for row in conn.execute(query)]


def counts(conn: sa.Connection) -> dict[str, int]:
    """How many dispatches there are by state."""
    rows = conn.execute(sa.select(dispatches.c.state, sa.func.count()).group_by(dispatches.c.state))
    return {row[0]: row[1] for row in rows}


def _columns(row: Dispatch) -> dict[str, Any]:
    return {
        "id": row.id,
        "connection": row.connection,
        "rule": row.rule,
        "rules_version": row.rules_version,
        "delivery_id": row.delivery_id,
        "event": event_to_json(row.event),
        "record_type": row.record.type,
        "record_id": row.record.id,
        "stage": row.stage,
        "entered_at": row.event.occurred_at.isoformat(),
        "state": row.state.value,
        "word": row.word,
        "reason": row.reason,
        "due_at": row.due_at.isoformat(),
        "looks": row.looks,
        "attempts": row.attempts,
        "phone_number": row.phone_number,
        "values": row.values,
        "explanation": list(row.explanation),
        "verdicts": list(row.verdicts),
        "created_at": row.created_at.isoformat(),
    }


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def from_row(row: sa.Row[Any]) -> Dispatch:
    return Dispatch(
        id=row.id,
        connection=row.connection,
        rule=row.rule,
        rules_version=row.rules_version,
        delivery_id=row.delivery_id,
        event=event_from_json(row.event),
        stage=row.stage,
        state=DispatchState(row.state),
        word=row.word,
        reason=row.reason,
        due_at=row.due_at,
        created_at=row.created_at,
        looks=row.looks,
        attempts=row.attempts,
        phone_number=row.phone_number,
        values=row.values or {},
        explanation=_looks(row),
        verdicts=row.verdicts or (),
        sent_at=row.sent_at,
        call_id=row.call_id,
        result=row.result,
    )


def _looks(row: sa.Row[Any]) -> list[Mapping[str, Any]]:
    """Rows of older versions have sentences in place of steps."""
    found = list(row.explanation)
    if not any(isinstance(each, str) for each in found):
        return found
    steps = [{"part": "call", "key": "", "sentence": each} for each in found]
    return [{"at": row.created_at.isoformat(), "steps": steps}]
