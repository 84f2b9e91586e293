"""How a call looks from outside, in answers; what call events say is in `payloads`. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

Row = Mapping[Any, Any]


def call_answer(row: Row) -> dict[str, object]:
    """Everything known of a call, for GET /calls and GET /calls/{call_id}; the row is what is SHOWN of it."""
    turns = row["transcript"] or "[]"
    return {
        "id": row["id"],
        "call_id": row["id"],
        "status": row["state"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        **_who(row),
        "name": row["name"],
        "email": row["email"],
        "metadata": _metadata(row),
        "variables": msgspec.Raw(row["variables"].encode()),
        "created_at": moment(row["created_at"]),
        "dialed_at": moment(row["dialed_at"]),
        "answered_at": moment(row["answered_at"]),
        "started_at": _started_at(row),
        "scheduled_for": _scheduled_for(row),
        "timezone": row["timezone"],
        "expires_at": moment(row["expires_at"]),
        **_ending(row, transcript_text(msgspec.json.decode(turns))),
        "transcript_turns": msgspec.Raw(turns.encode()),
        "provider": row["provider"],
        "provider_call_id": row["provider_call_id"],
        "history": msgspec.Raw(row["history"].encode()),
    }


def moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    if at is None:
        return None
    # a tenth of what isoformat takes, and a page has hundreds of them; whole seconds come without a fraction
    text = str(msgspec.to_builtins(at if at.tzinfo is UTC else at.astimezone(UTC)))
    return f"{text[:23]}Z" if len(text) > len("2026-11-28T21:55:42Z") else f"{text[:19]}.000Z"


def transcript_text(turns: Iterable[Mapping[str, str]] | None) -> str | None:
    """`Agent: ...` and `User: ...`, a line each; None where nothing was said."""
    if not turns:
        return None
    return "\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in turns)


def _who(row: Row) -> dict[str, object]:
    return {
        "agent_id": row["agent_id"],
        "agent_name": row["agent_name"],
        "direction": row["direction"],
        "from_number": row["from_number"],
        "to_number": row["to_number"],
    }


def _ending(row: Row, transcript: str | None) -> dict[str, object]:
    return {
        "ended_at": moment(row["ended_at"]),
        "duration_seconds": row["duration_seconds"],
        "cost_cents": row["cost_cents"],
        "transcript": transcript,
        "summary": row["summary"],
        "sentiment": row["sentiment"],
        "recording_url": row["recording_url"],
    }


def _started_at(row: Row) -> str | None:
    """When it was answered; of a call that nobody took, when it was dialled (the contract wants a time)."""
    return moment(row["answered_at"] or row["dialed_at"])


def _scheduled_for(row: Row) -> str | None:
    """The moment it waits for, or waited for; None for a call that was due at once."""
    return moment(row["due_at"]) if row["due_at"] > row["created_at"] else None


def _metadata(row: Row) -> msgspec.Raw:
    return msgspec.Raw((row["metadata"] or "{}").encode())
