"""A new call into the database in one statement, and the idempotency keys that calls carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from connector.call_api.agents import Agent
from connector.call_api.body import Trigger
from connector.call_api.planning import Plan
from connector.call_api.states import CallState
from connector.call_api.tables import call_pairs, call_states, calls
from connector.call_api.variables import prompt_variables

KEPT_FOR = timedelta(days=7)
"""How long an idempotency key is remembered."""
_RELEASED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Used:
    """An idempotency key and the body it came with."""

    key_id: str
    idempotency_key: str
    body_sha256: bytes


@dataclass(frozen=True, slots=True)
class First:
    """The call that an idempotency key got first, and what its answer told."""

    call_id: str
    body_sha256: bytes
    waiting: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewCall:
    """All that a call keeps from its beginning: the agent's settings are those of this instant."""

    trigger: Trigger
    agent: Agent
    plan: Plan
    calling_window: Mapping[str, Any] | None
    provider: str
    first_answer: Mapping[str, Any] | None


_GIVEN = (
    "id",
    "key_id",
    "idempotency_key",
    "body_sha256",
    "agent_id",
    "agent_name",
    "from_number",
    "to_number",
    "name",
    "email",
    "metadata",
    "state",
    "provider",
    "created_at",
    "first_answer",
    "due_at",
    "timezone",
    "expires_at",
    "calling_window",
    "outside",
    "carrier_agent_id",
    "variables",
    "max_ring_seconds",
    "max_talk_seconds",
)


def _add() -> sa.Insert:
    """Add a call, what it is found by, and the first line of its history; nothing where its idempotency key was used."""
    new = (
        insert(calls)
        .values({name: sa.bindparam(name, type_=calls.c[name].type) for name in _GIVEN})
        .on_conflict_do_nothing()
        .returning(calls.c.id, calls.c.state, calls.c.created_at)
        .cte("new")
    )
    pairs = sa.select(sa.func.unnest(sa.bindparam("pairs", type_=ARRAY(sa.Text))), new.c.created_at, new.c.id)
    added = sa.insert(call_pairs).from_select(["pair", "created_at", "call_id"], pairs).cte("pairs")
    step = sa.select(new.c.id, new.c.state, new.c.created_at, sa.bindparam("why", type_=sa.Text))
    return (
        sa.insert(call_states)
        .from_select(["call_id", "state", "at", "reason"], step)
        .returning(call_states.c.call_id)
        .add_cte(added)
    )


_ADD = _add()
_USED = sa.select(calls.c.id, calls.c.body_sha256, calls.c.first_answer, calls.c.created_at).where(
    calls.c.key_id == sa.bindparam("key_id"), calls.c.idempotency_key == sa.bindparam("idempotency_key")
)


def add_call(
    conn: sa.Connection, new: NewCall, *, key_id: str, used: Used | None, now: datetime
) -> str | None:
    """Queue a call and return its id; None where its idempotency key was used.

    Waits for another transaction that is just adding a call with the same idempotency key.
    """
    trigger, agent, plan = new.trigger, new.agent, new.plan
    values = {
        "id": str(uuid4()),
        "key_id": key_id,
        "idempotency_key": used.idempotency_key if used is not None else None,
        "body_sha256": used.body_sha256 if used is not None else None,
        "agent_id": agent.id,
        "agent_name": agent.name,
        "from_number": agent.phone_number,
        "to_number": trigger.phone_number,
        "name": trigger.name,
        "email": trigger.email,
        "metadata": trigger.metadata,
        "state": CallState.QUEUED.value,
        "provider": new.provider,
        "created_at": now,
        "first_answer": new.first_answer,
        "due_at": plan.due_at,
        "timezone": plan.timezone if plan.waits or new.calling_window is not None else None,
        "expires_at": plan.expires_at,
        "calling_window": new.calling_window,
        "outside": agent.outside,
        "carrier_agent_id": agent.carrier_agent_id,
        "variables": prompt_variables(agent.variables, trigger),
        "max_ring_seconds": agent.max_ring_seconds,
        "max_talk_seconds": agent.max_talk_seconds,
    }
    return conn.execute(_ADD, {**values, "pairs": trigger.metadata_pairs, "why": plan.reason}).scalar()


def find_used(conn: sa.Connection, used: Used, now: datetime) -> First | None:
    """The call that came first with this idempotency key, or None; after a week the key is free again."""
    row = conn.execute(_USED, {"key_id": used.key_id, "idempotency_key": used.idempotency_key}).first()
    if row is None:
        return None
    if row.created_at <= now - KEPT_FOR:
        conn.execute(calls.update().where(calls.c.id == row.id).values(idempotency_key=None))
        return None
    return First(row.id, bytes(row.body_sha256), row.first_answer or {})


def release_old_keys(conn: sa.Connection, now: datetime) -> None:
    """Forget idempotency keys that are older than a week, some at a time."""
    old = (
        sa.select(calls.c.id)
        .where(calls.c.idempotency_key.is_not(None), calls.c.created_at <= now - KEPT_FOR)
        .limit(_RELEASED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    conn.execute(calls.update().where(calls.c.id.in_(old)).values(idempotency_key=None, body_sha256=None))
