"""A new call into the database, in as few statements as can be: the trigger waits for them.

The statements are built once, here, and the agent is read by the insert itself: what a call keeps of its
agent is what the agent was at that instant.
"""

from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connector.call_api.body import Trigger
from connector.call_api.states import CallState
from connector.call_api.tables import agents, call_states, calls

_GIVEN = (
    calls.c.id,
    calls.c.key_id,
    calls.c.idempotency_key,
    calls.c.body_sha256,
    calls.c.to_number,
    calls.c.name,
    calls.c.email,
    calls.c.metadata,
    calls.c.metadata_pairs,
    calls.c.state,
    calls.c.provider,
    calls.c.created_at,
    calls.c.due_at,
)
_OF_AGENT = {"agent_id": agents.c.id, "agent_name": agents.c.name, "from_number": agents.c.phone_number}


def _add_for(agent: sa.ColumnElement[bool]) -> sa.Insert:
    """Add a call and the first line of its history; nothing where no such agent can dial."""
    values = [sa.bindparam(column.name, type_=column.type).label(column.name) for column in _GIVEN]
    new = (
        insert(calls)
        .from_select(
            [*(column.name for column in _GIVEN), *_OF_AGENT],
            sa.select(*values, *_OF_AGENT.values()).where(agent, agents.c.phone_number.is_not(None)),
        )
        .on_conflict_do_nothing()
        .returning(calls.c.id, calls.c.state, calls.c.created_at)
        .cte("new")
    )
    return (
        sa.insert(call_states)
        .from_select(["call_id", "state", "at"], sa.select(new.c.id, new.c.state, new.c.created_at))
        .returning(call_states.c.call_id)
    )


_ADD_FOR_DEFAULT = _add_for(agents.c.is_default)
_ADD_FOR_NAMED = _add_for(
    sa.and_(
        agents.c.id == sa.bindparam("asked_agent_id", type_=agents.c.id.type), agents.c.archived_at.is_(None)
    )
)
_USED = sa.select(calls.c.id, calls.c.body_sha256).where(
    calls.c.key_id == sa.bindparam("key_id"), calls.c.idempotency_key == sa.bindparam("idempotency_key")
)


def add_call(
    conn: sa.Connection,
    trigger: Trigger,
    *,
    key_id: str,
    idempotency_key: str | None,
    body_sha256: bytes | None,
    provider: str,
    now: datetime,
) -> str | None:
    """Queue a call and return its id; None where its agent cannot dial or the idempotency key was used.

    Waits for another transaction that is just adding a call with the same idempotency key.
    """
    values = {
        "id": str(uuid4()),
        "key_id": key_id,
        "idempotency_key": idempotency_key,
        "body_sha256": body_sha256,
        "to_number": trigger.phone_number,
        "name": trigger.name,
        "email": trigger.email,
        "metadata": trigger.metadata,
        "metadata_pairs": trigger.metadata_pairs,
        "state": CallState.QUEUED.value,
        "provider": provider,
        "created_at": now,
        "due_at": now,
    }
    if trigger.agent_id is None:
        return conn.execute(_ADD_FOR_DEFAULT, values).scalar()
    try:
        values["asked_agent_id"] = str(UUID(trigger.agent_id))
    except ValueError:
        return None
    return conn.execute(_ADD_FOR_NAMED, values).scalar()


def find_used(conn: sa.Connection, key_id: str, idempotency_key: str) -> tuple[str, bytes] | None:
    """The call that came with this idempotency key, and the hash of its body; or None."""
    row = conn.execute(_USED, {"key_id": key_id, "idempotency_key": idempotency_key}).first()
    return (row.id, bytes(row.body_sha256)) if row is not None else None
