"""POST /calls/trigger, from a known key to a queued call: the checks in the contract's order."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import sqlalchemy as sa

from connector import jobs
from connector.call_api import problems
from connector.call_api.agents import default_agent, find_agent
from connector.call_api.body import Trigger, read_trigger
from connector.call_api.concurrency import ConcurrencySettings, check_concurrency
from connector.call_api.problems import Problem, Refusal
from connector.call_api.queueing import add_call, find_used

MAX_IDEMPOTENCY_KEY = 255


@dataclass(frozen=True, slots=True)
class Accepted:
    """The trigger has a call; `replayed` when it had it before."""

    call_id: str
    replayed: bool = False


def accept(
    conn: sa.Connection,
    body: bytes,
    *,
    key_id: str,
    idempotency_key: str | None,
    provider: str,
    settings: ConcurrencySettings,
    now: datetime,
) -> Accepted:
    """Queue the call that `body` asks for, to be committed by the caller. Raises Refusal."""
    _check_idempotency_key(idempotency_key)
    trigger = read_trigger(body)
    digest = sha256(body).digest() if idempotency_key is not None else None
    if first := _replay(conn, key_id, idempotency_key, digest):
        return first
    check_concurrency(conn, key_id, settings, now)
    call_id = add_call(
        conn,
        trigger,
        key_id=key_id,
        idempotency_key=idempotency_key,
        body_sha256=digest,
        provider=provider,
        now=now,
    )
    if call_id is not None:
        jobs.nudge(conn, "place_calls")
        return Accepted(call_id)
    if first := _replay(conn, key_id, idempotency_key, digest):
        return first  # the same request came twice at once, and the other one was faster
    raise Refusal(_agent_problem(conn, trigger))


def _check_idempotency_key(key: str | None) -> None:
    if key is not None and (not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY or "\x00" in key):
        raise Refusal(problems.BAD_IDEMPOTENCY_KEY)


def _replay(
    conn: sa.Connection, key_id: str, idempotency_key: str | None, digest: bytes | None
) -> Accepted | None:
    """The first answer to this idempotency key, if there was one. Raises Refusal for another body."""
    used = find_used(conn, key_id, idempotency_key) if idempotency_key is not None else None
    if used is None:
        return None
    call_id, first_digest = used
    if first_digest != digest:
        raise Refusal(problems.IDEMPOTENCY_KEY_REUSED)
    return Accepted(call_id, replayed=True)


def _agent_problem(conn: sa.Connection, trigger: Trigger) -> Problem:
    """Why no call could be added: the agent that was asked for, never silently another one."""
    if trigger.agent_id is not None:
        agent, problem = find_agent(conn, trigger.agent_id), problems.AGENT_NOT_FOUND
    else:
        agent, problem = default_agent(conn), problems.NO_AGENT
    return problem if agent is None else problems.AGENT_WITHOUT_NUMBER
