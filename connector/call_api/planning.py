"""When a new call is to be placed, or why it is refused: asked once, when the trigger comes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.call_api import problems
from connector.call_api.agents import Agent
from connector.call_api.body import Trigger
from connector.call_api.hours import Opening, opening, waits_for
from connector.call_api.problems import Refusal

FURTHEST = timedelta(days=366)
LATEST = timedelta(days=1)
LONGEST_WAIT = 2 * FURTHEST
"""A `scheduled_at` that is over means "now", for requests that were late; one older than this is a mistake."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When a call is due, and what is told of its waiting."""

    due_at: datetime
    waits: bool
    """For its `scheduled_at` or its calling window; a call that only stands in line does not."""
    timezone: str
    expires_at: datetime | None
    reason: str | None
    """Why it waits, for its history."""


def plan_call(
    trigger: Trigger, agent: Agent, calling_window: Mapping[str, Any] | None, *, now: datetime
) -> Plan:
    """The plan for a call of `agent`, whose window is `calling_window` (None: any hour). Raises Refusal."""
    wanted_at = max(trigger.scheduled_at or now, now)
    found = opening(calling_window, trigger.phone_number, wanted_at)
    if found.at is None or (found.at > wanted_at and agent.outside == "reject"):
        raise Refusal(problems.outside_calling_window(found.at))
    expires_at = _expires_at(trigger, agent, wanted_at)
    if expires_at is not None and expires_at <= found.at:
        raise Refusal(problems.expires_too_soon(found.at))
    return Plan(
        due_at=found.at,
        waits=found.at > now,
        timezone=found.timezone,
        expires_at=expires_at,
        reason=_reason(found, wanted_at, now),
    )


def check_moments(trigger: Trigger, now: datetime) -> None:
    """Raise Refusal where the request names a moment that cannot be meant: that is wrong with the body."""
    if trigger.scheduled_at is not None and trigger.scheduled_at > now + FURTHEST:
        raise Refusal(problems.bad_field("scheduled_at", "at most a year ahead"))
    if trigger.scheduled_at is not None and trigger.scheduled_at < now - LATEST:
        raise Refusal(
            problems.bad_field("scheduled_at", "at most a day ago: then the call is placed at once")
        )
    if trigger.expires_at is not None and trigger.expires_at <= now:
        raise Refusal(problems.bad_field("expires_at", "a moment that is still to come"))
    if trigger.expires_at is not None and trigger.expires_at > now + LONGEST_WAIT:
        raise Refusal(problems.bad_field("expires_at", "at most two years ahead, or left out"))


def _expires_at(trigger: Trigger, agent: Agent, wanted_at: datetime) -> datetime | None:
    """The earlier of what the request says and what the agent says, counted from when the call is wanted."""
    given = [trigger.expires_at] if trigger.expires_at is not None else []
    if agent.expires_after_seconds is not None:
        given.append(wanted_at + timedelta(seconds=agent.expires_after_seconds))
    return min(given, default=None)


def _reason(found: Opening, wanted_at: datetime, now: datetime) -> str | None:
    if found.at is not None and found.at > wanted_at:
        return waits_for(found)
    if wanted_at > now:
        return f"scheduled for {wanted_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return None
