"""Agents: who speaks, from which number, and at which hours people may be called.

Every change passes one lock, so names stay unique and the default is one, however many change agents at once.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict
from uuid import UUID, uuid4

import sqlalchemy as sa

from connector.call_api.present import moment
from connector.call_api.tables import agents
from connector.errors import PermanentError

log = logging.getLogger(__name__)

Outside = Literal["queue", "reject"]

_CHANGES_LOCK = 7_242_006  # a number of our own: an advisory lock of this is for nothing else


@dataclass(frozen=True, slots=True)
class Agent:
    """A voice agent as triggers name it."""

    id: str
    name: str
    phone_number: str | None
    carrier: str | None
    """Who places its calls; None: the configured carrier."""
    carrier_agent_id: str | None
    variables: Mapping[str, str]
    """Prompt variables: where each comes from (`name`, `email` or `metadata.KEY`)."""
    calling_window: Mapping[str, Any] | None
    """As models/windows.py has it; None: the configured one."""
    outside: Outside
    """What becomes of a trigger outside the calling window."""
    expires_after_seconds: int | None
    max_ring_seconds: int | None
    max_talk_seconds: int | None
    default: bool
    created_at: datetime
    archived_at: datetime | None


class AgentFields(TypedDict, total=False):
    """What can be said of an agent, checked by the models; what is left out stays as it is."""

    name: str
    phone_number: str | None
    carrier: str | None
    carrier_agent_id: str | None
    variables: Mapping[str, str]
    calling_window: Mapping[str, Any] | None
    outside: Outside
    expires_after_seconds: int | None
    max_ring_seconds: int | None
    max_talk_seconds: int | None
    default: bool
    archived: bool


class NameTaken(PermanentError):
    """Another agent that is not archived has this name."""


class DefaultStays(PermanentError):
    """The default agent can hand over, but not just stop."""


class Archived(PermanentError):
    """That cannot be done with an archived agent."""


_COLUMNS = [
    agents.c.is_default.label("default") if name == "default" else agents.c[name]
    for name in Agent.__dataclass_fields__
]
_LIVING = agents.c.archived_at.is_(None)
# Built once: a trigger asks one of these.
_BY_ID = sa.select(*_COLUMNS).where(agents.c.id == sa.bindparam("agent_id"))
_DEFAULT = sa.select(*_COLUMNS).where(agents.c.is_default)


def create_agent(conn: sa.Connection, fields: AgentFields, *, now: datetime) -> Agent:
    """Add an agent; `fields` has its name at least. Raises NameTaken."""
    _lock(conn)
    return _create(conn, fields, now)


def change_agent(conn: sa.Connection, agent_id: str, fields: AgentFields, *, now: datetime) -> Agent:
    """Change what `fields` has. Raises NameTaken, DefaultStays, Archived; PermanentError for an unknown id.

    A default is moved here, never taken away without another, unless by archiving it.
    """
    _lock(conn)
    agent = get_agent(conn, agent_id)
    if agent is None:
        raise PermanentError(f'there is no agent with the id "{agent_id}"')
    return _change(conn, agent, fields, now)


def ensure_agent(conn: sa.Connection, fields: AgentFields, *, now: datetime) -> Agent:
    """Make sure that an agent of this name is as configured; what the configuration leaves out is left alone.

    One that was archived stays so, and unchanged: a person wanted it.
    """
    _lock(conn)
    agent = find_by_name(conn, fields["name"])
    if agent is not None:
        wanted = fields.copy()
        if not wanted.get("default"):
            wanted.pop("default", None)  # a default is moved, never taken away
        return _change(conn, agent, wanted, now)
    archived = _one(conn, agents.c.name == fields["name"])
    if archived is not None:
        log.warning("a configured agent was archived and stays archived", extra={"agent": archived.name})
        return archived
    return _create(conn, fields, now)


def list_agents(conn: sa.Connection, *, archived: bool = False) -> list[Agent]:
    """The agents that are archived, or those that are not, by name."""
    which = ~_LIVING if archived else _LIVING
    rows = conn.execute(sa.select(*_COLUMNS).where(which).order_by(agents.c.name, agents.c.created_at))
    return [Agent(**row) for row in rows.mappings()]


def get_agent(conn: sa.Connection, agent_id: str) -> Agent | None:
    """The agent of this id, an archived one too; None for an unknown id and for text that is no UUID."""
    try:
        wanted = str(UUID(agent_id))
    except ValueError:
        return None
    return _first(conn.execute(_BY_ID, {"agent_id": wanted}))


def find_agent(conn: sa.Connection, agent_id: str) -> Agent | None:
    """The agent of this id that a trigger may name, or None; also None for text that is no UUID."""
    agent = get_agent(conn, agent_id)
    return agent if agent is not None and agent.archived_at is None else None


def find_by_name(conn: sa.Connection, name: str) -> Agent | None:
    """The agent of this name that is not archived, or None."""
    return _one(conn, sa.and_(agents.c.name == name, _LIVING))


def default_agent(conn: sa.Connection) -> Agent | None:
    """The agent of triggers that name none, or None."""
    return _first(conn.execute(_DEFAULT))


def count_agents(conn: sa.Connection) -> dict[str, int]:
    """How many agents are `active`, and how many `archived`."""
    row = conn.execute(
        sa.select(
            sa.func.count().filter(_LIVING).label("active"),
            sa.func.count().filter(~_LIVING).label("archived"),
        )
    ).one()
    return {"active": row.active, "archived": row.archived}


def agent_answer(agent: Agent) -> dict[str, object]:
    """How an agent looks from outside, in answers and commands."""
    return {
        "id": agent.id,
        "name": agent.name,
        "phone_number": agent.phone_number,
        "carrier": agent.carrier,
        "carrier_agent_id": agent.carrier_agent_id,
        "variables": agent.variables,
        "calling_window": agent.calling_window,
        "outside": agent.outside,
        "expires_after_seconds": agent.expires_after_seconds,
        "max_ring_seconds": agent.max_ring_seconds,
        "max_talk_seconds": agent.max_talk_seconds,
        "default": agent.default,
        "archived": agent.archived_at is not None,
        "created_at": moment(agent.created_at),
        "archived_at": moment(agent.archived_at),
    }


def _create(conn: sa.Connection, fields: AgentFields, now: datetime) -> Agent:
    _check_name(conn, fields["name"])
    if fields.get("default"):
        _clear_default(conn)
    row = {"id": str(uuid4()), "created_at": now, "is_default": False, **_columns(fields, now)}
    added = conn.execute(agents.insert().values(row).returning(*_COLUMNS)).mappings().one()
    return Agent(**added)


def _change(conn: sa.Connection, agent: Agent, fields: AgentFields, now: datetime) -> Agent:
    archived = fields.get("archived", agent.archived_at is not None)
    if archived and fields.get("default"):
        raise Archived("an archived agent cannot be the default")
    if agent.default and not archived and not fields.get("default", True):
        raise DefaultStays(f'"{agent.name}" is the default agent; make another one the default instead')
    if not archived:
        _check_name(conn, fields.get("name", agent.name), other_than=agent.id)
    if fields.get("default") and not agent.default:
        _clear_default(conn)
    values = _columns(fields, agent.archived_at or now)
    if archived:
        values["is_default"] = False
    if not values:
        return agent
    changed = conn.execute(agents.update().where(agents.c.id == agent.id).values(values).returning(*_COLUMNS))
    return Agent(**changed.mappings().one())


def _columns(fields: AgentFields, archived_at: datetime) -> dict[str, object]:
    """The same as values of the table's columns."""
    values: dict[str, object] = {**fields}
    if "default" in values:
        values["is_default"] = values.pop("default")
    if "archived" in values:
        values["archived_at"] = archived_at if values.pop("archived") else None
    return values


def _check_name(conn: sa.Connection, name: str, *, other_than: str | None = None) -> None:
    known = find_by_name(conn, name)
    if known is not None and known.id != other_than:
        raise NameTaken(f'an agent named "{name}" exists already')


def _one(conn: sa.Connection, condition: sa.ColumnElement[bool]) -> Agent | None:
    return _first(conn.execute(sa.select(*_COLUMNS).where(condition)))


def _first(found: sa.CursorResult[Any]) -> Agent | None:
    row = found.first()
    return Agent(**row._mapping) if row is not None else None


def _clear_default(conn: sa.Connection) -> None:
    conn.execute(agents.update().where(agents.c.is_default).values(is_default=False))


def _lock(conn: sa.Connection) -> None:
    conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_CHANGES_LOCK)))
