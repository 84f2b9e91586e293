"""POST /calls/trigger, from a known key to a queued call: the checks in the contract's order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from connector import jobs
from connector.call_api import problems
from connector.call_api.agents import Agent, default_agent, find_agent
from connector.call_api.body import Trigger, read_trigger
from connector.call_api.concurrency import ConcurrencySettings, has_place, no_place
from connector.call_api.planning import Plan, check_moments, plan_call
from connector.call_api.present import moment
from connector.call_api.problems import Refusal
from connector.call_api.queueing import NewCall, Used, add_call, find_used

MAX_IDEMPOTENCY_KEY = 255
_TOLD = ("call_status", "scheduled_for", "timezone")
"""What the answer tells of a call that waits, in this order."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where an agent does not say otherwise."""

    carrier: str
    calling_window: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The trigger has a call; `replayed` when it had it before."""

    call_id: str
    waiting: Mapping[str, Any] = field(default_factory=dict)
    """What else the answer tells of a call that waits for its hour."""
    replayed: bool = False


def accept(
    conn: sa.Connection,
    body: bytes,
    *,
    key_id: str,
    idempotency_key: str | None,
    defaults: Defaults,
    settings: ConcurrencySettings,
    now: datetime,
) -> Accepted:
    """Queue the call that `body` asks for, to be committed by the caller. Raises Refusal."""
    _check_idempotency_key(idempotency_key)
    trigger = read_trigger(body)
    used = Used(key_id, idempotency_key, sha256(body).digest()) if idempotency_key is not None else None
    if first := _replay(conn, used, now):
        return first
    check_moments(trigger, now)
    agent = _agent(conn, trigger)
    calling_window = agent.calling_window or defaults.calling_window
    plan = plan_call(trigger, agent, calling_window, now=now)
    if not plan.waits and not has_place(conn, key_id, settings, now):
        # the same request may have taken the last place while this one waited for its turn
        return _replay(conn, used, now) or no_place(settings)
    waiting = _waiting(plan)
    new = NewCall(trigger, agent, plan, calling_window, agent.carrier or defaults.carrier, waiting or None)
    call_id = add_call(conn, new, key_id=key_id, used=used, now=now)
    if call_id is None:  # the same request came twice at once, and the other one was faster
        return _replay(conn, used, now) or _lost_race()
    if not plan.waits:
        jobs.nudge(conn, "place_calls")
    return Accepted(call_id, waiting)


def _check_idempotency_key(key: str | None) -> None:
    if key is not None and (not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY or "\x00" in key or not key.isascii()):
        raise Refusal(problems.BAD_IDEMPOTENCY_KEY)


def _replay(conn: sa.Connection, used: Used | None, now: datetime) -> Accepted | None:
    """The first answer to this idempotency key, if there was one. Raises Refusal for another body."""
    first = find_used(conn, used, now) if used is not None else None
    if used is None or first is None:
        return None
    if first.body_sha256 != used.body_sha256:
        raise Refusal(problems.IDEMPOTENCY_KEY_REUSED)
    waiting = {
        name: first.waiting[name] for name in _TOLD if name in first.waiting
    }  # the database keeps no order
    return Accepted(first.call_id, waiting, replayed=True)


def _lost_race() -> Accepted:
    raise Refusal(problems.UNAVAILABLE)  # the other request was undone meanwhile: nothing is kept


def _agent(conn: sa.Connection, trigger: Trigger) -> Agent:
    """The agent that was asked for, never silently another one."""
    if trigger.agent_id is not None:
        agent, problem = find_agent(conn, trigger.agent_id), problems.AGENT_NOT_FOUND
    else:
        agent, problem = default_agent(conn), problems.NO_AGENT
    if agent is None:
        raise Refusal(problem)
    if agent.phone_number is None:
        raise Refusal(problems.AGENT_WITHOUT_NUMBER)
    return agent


def _waiting(plan: Plan) -> Mapping[str, Any]:
    if not plan.waits:
        return {}
    return dict(zip(_TOLD, ("queued", moment(plan.due_at), plan.timezone), strict=True))
