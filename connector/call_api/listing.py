"""Calls found by what is asked of them, newest first, page by page.

A page begins where the last one ended, at a call and not at a number of calls: so pages do not shift while
new calls arrive. Every filter has an index that holds its calls newest first. For several states or agents
each is read on its own, as far as a page reaches, and the parts are merged: no index could do that at once.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import product
from uuid import UUID

import sqlalchemy as sa

from connector.call_api.calls import SHOWN, CallRow
from connector.call_api.ids import as_uuid
from connector.call_api.states import CallState
from connector.call_api.tables import agents, call_pairs, calls

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGEST = 8
_CALL = calls.alias("call")
"""The calls that are looked through; those found are then read from `calls`."""
_JOINED = 3
"""So many pairs are read side by side; what more there are is looked up."""
_PAIRS = [call_pairs.alias(f"pair_{number}") for number in range(_JOINED)]
_MOST_PARTS, _MOST_JOINED_PARTS = 12, 3
_BY_RARITY = sa.text(
    """
    SELECT asked.pair FROM unnest(CAST(:pairs AS text[])) AS asked(pair)
    ORDER BY (SELECT count(*) FROM
        (SELECT 1 FROM call_api.call_pairs AS p WHERE p.pair = asked.pair LIMIT 1000) AS first_ones), asked.pair
    """
)
# PostgreSQL would soon plan once for all values; but which index is best depends on them. A page takes less time
# than starting processes that help with it.
_PLAN_BY_VALUES = sa.text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls to find; None and empty stand for all."""

    states: tuple[CallState, ...] = ()
    agent: str | None = None
    """Its id or its name."""
    to_number: str | None = None
    direction: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Calls made before it; `since` is part of the span, `until` is not."""
    pairs: tuple[str, ...] = ()
    """`key=value` that the metadata must hold, all of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A call's place in the list."""

    created_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls, newest first."""

    rows: Sequence[CallRow]
    next: Place | None
    """The last of them, where more follow."""


def list_calls(conn: sa.Connection, wanted: Wanted, *, after: Place | None = None, limit: int) -> Page:
    """The newest calls after a place, at most `limit` of them."""
    agent_ids = _agent_ids(conn, wanted.agent) if wanted.agent is not None else ()
    if wanted.agent is not None and not agent_ids:
        return Page((), None)
    conn.execute(_PLAN_BY_VALUES)
    pairs = _rarest_first(conn, wanted.pairs)
    parts = [
        _newest(wanted, pairs, after, states, agents_asked, limit + 1)
        for states, agents_asked in _parts(wanted, agent_ids)
    ]
    found = calls.c.id.in_(sa.union_all(*parts))
    newest_first = (calls.c.created_at.desc(), calls.c.id.desc())
    rows = (
        conn.execute(sa.select(*SHOWN).where(found).order_by(*newest_first).limit(limit + 1)).mappings().all()
    )
    if len(rows) <= limit:
        return Page(rows, None)
    last = rows[limit - 1]
    return Page(rows[:limit], Place(last["created_at"], last["id"]))


def _agent_ids(conn: sa.Connection, agent: str) -> Sequence[str]:
    """The agents of this id or name, archived ones too."""
    known = agents.c.name == agent
    if (agent_id := as_uuid(agent)) is not None:
        known = sa.or_(known, agents.c.id == agent_id)
    return conn.execute(sa.select(agents.c.id).where(known)).scalars().all()


def _rarest_first(conn: sa.Connection, pairs: tuple[str, ...]) -> tuple[str, ...]:
    """The pairs in an order in which the first few find the fewest calls; as they are, where they are few."""
    if len(pairs) <= _JOINED:
        return pairs
    return tuple(conn.execute(_BY_RARITY, {"pairs": list(pairs)}).scalars())


def _parts(wanted: Wanted, agent_ids: Sequence[str]) -> Iterator[tuple[Sequence[CallState], Sequence[str]]]:
    """What to look for one by one: a state and an agent each, so that each is read in the order of time.

    All together where that would be many; a part that is joined takes PostgreSQL some time to plan.
    """
    most = _MOST_JOINED_PARTS if wanted.pairs else _MOST_PARTS
    if max(len(wanted.states), 1) * max(len(agent_ids), 1) > most:
        yield wanted.states, agent_ids
        return
    states: list[Sequence[CallState]] = [(each,) for each in wanted.states] or [()]
    agents_asked: list[Sequence[str]] = [(each,) for each in agent_ids] or [()]
    yield from product(states, agents_asked)


def _newest(
    wanted: Wanted,
    pairs: tuple[str, ...],
    after: Place | None,
    states: Sequence[CallState],
    agent_ids: Sequence[str],
    limit: int,
) -> sa.Select[tuple[str]]:
    """The ids of the newest calls that are wanted: what each filter's index holds, met in the order of time."""
    of_call = [
        column == values[0] if len(values) == 1 else column.in_(values)
        for column, values in (
            (_CALL.c.state, states),
            (_CALL.c.agent_id, agent_ids),
            (_CALL.c.to_number, [wanted.to_number]),
            (_CALL.c.direction, [wanted.direction]),
        )
        if values and values[0] is not None
    ]
    joined = list(zip(_PAIRS, pairs, strict=False))
    lists = [(each.c.created_at, each.c.call_id) for each, _ in joined]
    if of_call or not joined:
        lists.append((_CALL.c.created_at, _CALL.c.id))
    (at, call_id), *others = lists
    return (
        sa.select(call_id)
        .where(*of_call, *(each.c.pair == pair for each, pair in joined))
        .where(*_holding(pairs[_JOINED:], at, call_id))
        .where(*(condition for each in lists for condition in _span(*each, wanted, after)))
        .where(*(sa.and_(other_at == at, other_id == call_id) for other_at, other_id in others))
        .order_by(at.desc(), call_id.desc())
        .limit(limit)
    )


def _holding(
    pairs: tuple[str, ...], at: sa.ColumnElement[datetime], call_id: sa.ColumnElement[str]
) -> list[sa.ColumnElement[bool]]:
    """Has the call these pairs too? Looked up for each that the others have: planning a join of many takes minutes."""
    if not pairs:
        return []
    c = call_pairs.c
    held = sa.select(sa.func.count()).where(c.pair.in_(pairs), c.created_at == at, c.call_id == call_id)
    return [held.correlate_except(call_pairs).scalar_subquery() == len(pairs)]


def _span(
    at: sa.ColumnElement[datetime], call_id: sa.ColumnElement[str], wanted: Wanted, after: Place | None
) -> list[sa.ColumnElement[bool]]:
    """Which part of a list by time is wanted."""
    conditions = []
    if wanted.since is not None:
        conditions.append(at >= wanted.since)
    if wanted.until is not None:
        conditions.append(at < wanted.until)
    if after is not None:
        place = sa.tuple_(sa.literal(after.created_at, at.type), sa.literal(after.id, call_id.type))
        conditions.append(sa.tuple_(at, call_id) < place)
    return conditions


def write_cursor(place: Place, wanted: Wanted) -> str:
    """The place as text that a client hands back with the same filters."""
    micros = (place.created_at - _EPOCH) // timedelta(microseconds=1)
    content = micros.to_bytes(8, signed=True) + UUID(place.id).bytes
    return urlsafe_b64encode(content + _digest(content, wanted)).decode().rstrip("=")


def read_cursor(cursor: str, wanted: Wanted) -> Place | None:
    """The place; None for text that was not made by write_cursor for these filters."""
    try:
        given = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        content = given[:-_DIGEST]
        at = _EPOCH + timedelta(microseconds=int.from_bytes(content[:8], signed=True))
        place = Place(at, str(UUID(bytes=content[8:])))
    except (ValueError, OverflowError):
        return None
    return place if write_cursor(place, wanted) == cursor else None


def _digest(content: bytes, wanted: Wanted) -> bytes:
    """Ties a cursor to its filters, and lets a damaged one be told."""
    filters = repr([(field.name, getattr(wanted, field.name)) for field in fields(wanted)])
    return blake2b(content + filters.encode(), digest_size=_DIGEST, key=b"next_cursor of GET /calls").digest()
