"""Agents: who speaks, and from which number."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connector.call_api.numbers import is_phone_number
from connector.call_api.tables import agents
from connector.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Agent:
    """A voice agent as triggers name it."""

    id: str
    name: str
    phone_number: str | None
    default: bool
    carrier: str | None = None
    carrier_agent_id: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    calling_window: Mapping[str, Any] | None = None
    outside: Literal["queue", "reject"] = "queue"
    expires_after_seconds: int | None = None
    max_ring_seconds: int | None = None
    max_talk_seconds: int | None = None
    archived_at: datetime | None = None


_COLUMNS = tuple(
    agents.c.is_default.label("default") if name == "default" else agents.c[name]
    for name in Agent.__dataclass_fields__
)


def create_agent(
    conn: sa.Connection, name: str, phone_number: str | None = None, *, default: bool = False, now: datetime
) -> Agent:
    """Add an agent. Raises PermanentError where the name is taken or the number is not E.164."""
    if not name.strip():
        raise PermanentError("an agent needs a name")
    if phone_number is not None and not is_phone_number(phone_number):
        raise PermanentError(f'"{phone_number}" is not a phone number: write + and 7 to 15 digits')
    if default:
        _clear_default(conn)
    agent = Agent(id=str(uuid4()), name=name, phone_number=phone_number, default=default)
    added = conn.execute(
        insert(agents)
        .values(id=agent.id, name=name, phone_number=phone_number, is_default=default, created_at=now)
        .on_conflict_do_nothing(index_elements=[agents.c.name], index_where=agents.c.archived_at.is_(None))
        .returning(agents.c.id)
    )
    if added.first() is None:
        raise PermanentError(f'an agent named "{name}" exists already')
    return agent


def ensure_agent(
    conn: sa.Connection, name: str, phone_number: str | None = None, *, default: bool = False, now: datetime
) -> Agent:
    """Make sure that a configured agent is as configured; a default is moved here, never taken away."""
    known = conn.execute(sa.select(*_COLUMNS).where(agents.c.name == name)).mappings().first()
    if known is None:
        return create_agent(conn, name, phone_number, default=default, now=now)
    agent = Agent(id=known["id"], name=name, phone_number=phone_number, default=default or known["default"])
    if agent == Agent(**known):
        return agent
    if default:
        _clear_default(conn)
    conn.execute(
        agents.update()
        .where(agents.c.id == agent.id)
        .values(phone_number=agent.phone_number, is_default=agent.default)
    )
    return agent


def make_default(conn: sa.Connection, name: str) -> None:
    """Let triggers that name no agent use this one. Raises PermanentError for an unknown name."""
    _clear_default(conn)
    if not conn.execute(agents.update().where(agents.c.name == name).values(is_default=True)).rowcount:
        raise PermanentError(f'there is no agent named "{name}"')


def list_agents(conn: sa.Connection) -> list[Agent]:
    """Every agent by name."""
    return [Agent(**row) for row in conn.execute(sa.select(*_COLUMNS).order_by(agents.c.name)).mappings()]


def find_agent(conn: sa.Connection, agent_id: str) -> Agent | None:
    """The agent of this id, or None; also None for text that is no UUID."""
    try:
        wanted = str(UUID(agent_id))
    except ValueError:
        return None
    return _one(conn, agents.c.id == wanted)


def default_agent(conn: sa.Connection) -> Agent | None:
    """The agent of triggers that name none, or None."""
    return _one(conn, agents.c.is_default)


def count_agents(conn: sa.Connection) -> dict[str, int]:
    """How many agents are `active`, and how many `archived`."""
    living = agents.c.archived_at.is_(None)
    row = conn.execute(
        sa.select(
            sa.func.count().filter(living).label("active"), sa.func.count().filter(~living).label("archived")
        )
    ).one()
    return {"active": row.active, "archived": row.archived}


def _one(conn: sa.Connection, condition: sa.ColumnElement[bool]) -> Agent | None:
    row = conn.execute(sa.select(*_COLUMNS).where(condition)).mappings().first()
    return Agent(**row) if row is not None else None


def _clear_default(conn: sa.Connection) -> None:
    conn.execute(agents.update().where(agents.c.is_default).values(is_default=False))
