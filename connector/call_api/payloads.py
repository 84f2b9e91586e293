"""What call events say: the newer flat payload, and the older one for endpoints that ask for `v1`. Pure.

Metadata goes out as the bytes that came in.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from connector.call_api.agents import Agent
from connector.call_api.present import moment, transcript_text
from connector.call_api.states import EVENT_STATUS, CallState

Row = Mapping[Any, Any]

_NOBODY = "00000000-0000-0000-0000-000000000000"


def started_event(event_id: str, row: Row) -> bytes:
    """The body of `call_started`."""
    return msgspec.json.encode(_event(event_id, "call_started", row, EVENT_STATUS[CallState.IN_PROGRESS]))


def ended_event(event_id: str, row: Row) -> bytes:
    """The body of `call_ended`."""
    return msgspec.json.encode(_ended(event_id, row))


def test_event(event_id: str, row: Row) -> bytes:
    """The body of a test: a `call_ended` that says it is one."""
    return msgspec.json.encode({**_ended(event_id, row), "test": True})


def started_event_v1(event_id: str, row: Row) -> bytes:
    """The body of `call.started` in the older format."""
    return msgspec.json.encode(_event_v1(event_id, "call.started", row))


def ended_event_v1(event_id: str, row: Row) -> bytes:
    """The body of `call.completed` or `call.failed` in the older format."""
    return msgspec.json.encode(_ended_v1(event_id, row))


def test_event_v1(event_id: str, row: Row) -> bytes:
    """The body of a test in the older format."""
    return msgspec.json.encode({**_ended_v1(event_id, row), "test": True})


def made_up_call(agent: Agent | None, now: datetime) -> Row:
    """A call that never was, for a test; of this agent, where there is one."""
    said = (("agent", "Hello, is this Ada?"), ("user", "Speaking."))
    return {
        "id": str(uuid4()),
        "agent_id": agent.id if agent is not None else _NOBODY,
        "agent_name": agent.name if agent is not None else "Test agent",
        "direction": "outbound",
        "from_number": (agent.phone_number if agent is not None else None) or "+12025550100",
        "to_number": "+12025550190",
        "metadata": '{"source":"test"}',
        "provider": "test",
        "provider_call_id": None,
        "state": CallState.COMPLETED.value,
        "outcome": "answered",
        "reason": None,
        "dialed_at": now - timedelta(seconds=130),
        "answered_at": now - timedelta(seconds=127),
        "ended_at": now,
        "duration_seconds": 127.0,
        "cost_cents": 19.0,
        "transcript": [{"role": role, "content": content} for role, content in said],
        "summary": "This is a test: nobody was called.",
        "sentiment": "positive",
        "recording_url": None,
    }


def _event(event_id: str, name: str, row: Row, status: str) -> dict[str, object]:
    return {
        "id": event_id,
        "event": name,
        "call_id": row["id"],
        "status": status,
        "agent_id": row["agent_id"],
        "agent_name": row["agent_name"],
        "direction": row["direction"],
        "from_number": row["from_number"],
        "to_number": row["to_number"],
        "started_at": _started_at(row),
        "metadata": _metadata(row),
        "provider": row["provider"],
        "provider_call_id": row["provider_call_id"],
    }


def _ended(event_id: str, row: Row) -> dict[str, object]:
    return {
        **_event(event_id, "call_ended", row, EVENT_STATUS[CallState(row["state"])]),
        "outcome": row["outcome"],
        "reason": row["reason"],
        "ended_at": moment(row["ended_at"]),
        "duration_seconds": row["duration_seconds"],
        "cost_cents": row["cost_cents"],
        "transcript": transcript_text(row["transcript"]),
        "summary": row["summary"],
        "sentiment": row["sentiment"],
        "recording_url": row["recording_url"],
    }


def _event_v1(event_id: str, name: str, row: Row) -> dict[str, object]:
    return {
        "id": event_id,
        "event": name,
        "call_id": row["id"],
        "agent_id": row["agent_id"],
        "agent_name": row["agent_name"],
        "direction": row["direction"],
        "phone_number": row["from_number"] if row["direction"] == "inbound" else row["to_number"],
        "started_at": _started_at(row),
        "metadata": _metadata(row),
    }


def _ended_v1(event_id: str, row: Row) -> dict[str, object]:
    """`call.completed` where somebody or something took the call; it has no status, so all else is `call.failed`."""
    taken = EVENT_STATUS[CallState(row["state"])] == "completed"
    error = {} if taken else {"error": row["reason"] or row["outcome"]}
    return {
        **_event_v1(event_id, "call.completed" if taken else "call.failed", row),
        "duration_seconds": row["duration_seconds"],
        "ended_at": moment(row["ended_at"]),
        "sentiment": row["sentiment"],
        "summary": row["summary"],
        "transcript": _turns_v1(row["transcript"]),
        **error,
    }


def _turns_v1(turns: Iterable[Mapping[str, Any]] | None) -> list[dict[str, object]]:
    """Who said what; `timestamp` is null where the carrier does not tell."""
    return [
        {
            "role": "agent" if turn["role"] == "agent" else "human",
            "content": turn["content"],
            "timestamp": turn.get("timestamp"),
        }
        for turn in turns or ()
    ]


def _started_at(row: Row) -> str | None:
    """When it was answered; of a call that nobody took, when it was dialled (the contract wants a time)."""
    return moment(row["answered_at"] or row["dialed_at"])


def _metadata(row: Row) -> msgspec.Raw:
    return msgspec.Raw((row["metadata"] or "{}").encode())
