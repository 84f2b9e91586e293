"""What is sent to webhooks: one shape for each event."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from connector.call_api.models.base import ApiModel, PhoneNumber

_CALL = "0d6c4c1e-7f0a-4a53-9a55-0b7d1c2f6a11"
_AGENT = "5b1d0c52-3a37-4f0e-8f2c-7a3c0d9be001"


class _Event(ApiModel):
    """What every event says of its call."""

    id: str = Field(
        description="Of this event; the same when it is sent again. The header `webhook-id` too.",
        examples=["evt_095e872eb6cd46aab460c23895105be5"],
    )
    call_id: str = Field(description="The call's id, as the trigger answered it.", examples=[_CALL])
    agent_id: str = Field(description="The agent who speaks.", examples=[_AGENT])
    agent_name: str = Field(
        description="The agent's name when the call was triggered.", examples=["Lead Qualifier"]
    )
    direction: Literal["outbound", "inbound"] = Field(description="Who called whom.", examples=["outbound"])
    from_number: PhoneNumber = Field(description="The agent's number.", examples=["+12025550100"])
    to_number: PhoneNumber = Field(description="The number that was called.", examples=["+12025550190"])
    started_at: AwareDatetime | None = Field(
        description="When it was answered; of a call nobody took, when it was dialled; null if it never was.",
        examples=["2026-11-02T15:00:04.000Z"],
    )
    metadata: dict[str, Any] = Field(
        description="The trigger's metadata, digit for digit as it was sent.", examples=[{"deal_id": "9001"}]
    )
    provider: str = Field(description="The carrier that placed the call.", examples=["simulated"])
    provider_call_id: str | None = Field(description="The carrier's own id of it.", examples=[f"sim_{_CALL}"])


class CallStarted(_Event):
    """Somebody or something took the call."""

    event: Literal["call_started"] = Field(description="Which event this is.", examples=["call_started"])
    status: Literal["in-progress"] = Field(description="How it stands.", examples=["in-progress"])


class CallEnded(_Event):
    """A call is over: how it went, and what was said."""

    event: Literal["call_ended"] = Field(description="Which event this is.", examples=["call_ended"])
    status: Literal["completed", "no-answer", "failed"] = Field(
        description="`completed` (a person or a voicemail took it), `no-answer` (nobody, or busy), `failed`.",
        examples=["completed"],
    )
    outcome: str = Field(
        description="Exactly how it ended: `answered`, `voicemail`, `no_answer`, `busy`, `failed`, `canceled`, "
        "`expired`, `unknown`.",
        examples=["answered"],
    )
    reason: str | None = Field(description="Why it failed, where it did.", examples=[None])
    ended_at: AwareDatetime | None = Field(
        description="When it was over.", examples=["2026-11-02T15:02:11.000Z"]
    )
    duration_seconds: float | None = Field(description="How long they talked.", examples=[127.0])
    cost_cents: float | None = Field(description="What the carrier asks for it.", examples=[19.0])
    transcript: str | None = Field(
        description="What was said, a line each: `Agent: ...` or `User: ...`.",
        examples=["Agent: Hello, is this Ada?\nUser: Speaking."],
    )
    summary: str | None = Field(
        description="In a sentence or two.", examples=["Ada asked for a demo next week."]
    )
    sentiment: str | None = Field(description="`positive`, `neutral` or `negative`.", examples=["positive"])
    recording_url: str | None = Field(description="Where it can be heard.", examples=[None])


class TestEvent(CallEnded):
    """The same as `call_ended` with made-up values, sent when you ask for a test."""

    provider: Literal["test"] = Field(description="No carrier was asked.", examples=["test"])
    test: Literal[True] = Field(description="Only in tests.", examples=[True])


EVENTS: Mapping[str, type[BaseModel]] = {
    "call_started": CallStarted,
    "call_ended": CallEnded,
    "test": TestEvent,
}
"""What can be sent: the name in the delivery log, and the payload."""
