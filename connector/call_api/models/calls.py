"""Calls: which ones are asked for, and how one looks."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from connector.call_api.models.base import Answer, ApiModel, PhoneNumber
from connector.call_api.numbers import is_phone_number
from connector.call_api.states import CallState
from connector.model import Outcome

MAX_LIMIT = 100
_CALL = "0d6c4c1e-7f0a-4a53-9a55-0b7d1c2f6a11"
_AGENT = "5b1d0c52-3a37-4f0e-8f2c-7a3c0d9be001"
_STATES = "|".join(CallState)


def _several_states(text: str) -> str:
    if not set(text.split(",")) <= set(CallState):
        raise ValueError(f"must be one or several of {', '.join(CallState)}, with commas between")
    return text


def _phone_number(text: str) -> str:
    if not is_phone_number(text):
        raise ValueError("must be + and 7 to 15 digits; in a URL the + is written %2B: %2B12025550190")
    return text


def _time(value: object) -> object:
    """ISO 8601 as text; a date alone or a time without its offset would be another moment for everybody."""
    text = re.sub("^0000", "0001", str(value).upper())  # the year 0 exists, but not in Python
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError(
            "must be a time with its offset, such as 2026-11-02T15:00:00Z (in a URL a + is written %2B)"
        )
    return at


_Time = Annotated[AwareDatetime, BeforeValidator(_time)]


class CallsQuery(ApiModel):
    """Which calls to list; every filter that is given must hold."""

    status: Annotated[str, AfterValidator(_several_states)] | None = Field(
        default=None,
        description="One state or several, with commas between.",
        examples=["queued", "completed,voicemail"],
        json_schema_extra={"pattern": f"^({_STATES})(,({_STATES}))*$"},
    )
    agent: str | None = Field(
        default=None,
        description="The agent's id or name. An unknown agent has no calls.",
        examples=["Lead Qualifier"],
    )
    phone_number: Annotated[str, AfterValidator(_phone_number)] | None = Field(
        default=None,
        description="The number that was called. In a URL its `+` is written `%2B`.",
        examples=["+12025550190"],
        json_schema_extra={"pattern": r"^\+[1-9][0-9]{6,14}$"},
    )
    direction: Literal["outbound", "inbound"] | None = Field(
        default=None, description="Who called whom.", examples=["outbound"]
    )
    since: _Time | None = Field(
        default=None,
        description="Triggered at this moment or later: ISO 8601 with its offset.",
        examples=["2026-11-02T00:00:00Z"],
    )
    until: _Time | None = Field(
        default=None,
        description="Triggered before this moment: ISO 8601 with its offset.",
        examples=["2026-11-03T00:00:00+01:00"],
    )
    metadata: dict[str, str] = Field(
        default_factory=dict,
        description="`metadata.deal_id=9001` finds calls whose metadata has that `deal_id`: a text, a number as it "
        "was written, `true` or `false`, 300 characters at most with its name. Several must all hold.",
        examples=[{"deal_id": "9001"}],
    )
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = Field(
        default=50, description="The most calls in one answer.", examples=[50]
    )
    cursor: str | None = Field(
        default=None,
        description="`next_cursor` of an answer to the same filters: what follows it.",
        examples=["AAZETo9_xADdVVThZb1F1pGHRKf4PHtzbWluZW1pbmU"],
    )


class TurnShown(ApiModel):
    """One thing said."""

    role: Literal["agent", "user"] = Field(description="Who said it.", examples=["agent"])
    content: str = Field(description="The words.", examples=["Hello Ada, this is Lead Qualifier."])


class Step(ApiModel):
    """One step of a call."""

    state: CallState = Field(description="What it became.", examples=["no-answer"])
    at: AwareDatetime = Field(description="When.", examples=["2026-11-02T15:00:04.000Z"])
    reason: str | None = Field(
        description="Why, where there is more to say.", examples=["it rang and nobody answered"]
    )


class Call(ApiModel):
    """Everything known of a call. Times are ISO 8601 in UTC, null where it never came to that."""

    id: str = Field(
        description="As the trigger answered it.", examples=[_CALL], json_schema_extra={"format": "uuid"}
    )
    call_id: str = Field(
        description="The same, as events call it.", examples=[_CALL], json_schema_extra={"format": "uuid"}
    )
    status: CallState = Field(
        description="Waiting: `queued`. Under way: `dialing`, `in-progress`. All others are final; `unknown`: its "
        "carrier never told what became of it.",
        examples=["completed"],
    )
    outcome: Outcome | None = Field(description="How it ended; null before that.", examples=["answered"])
    reason: str | None = Field(
        description="Why it stands as it does, where there is more to say.",
        examples=["it rang and nobody answered"],
    )
    agent_id: str = Field(
        description="The agent who speaks.", examples=[_AGENT], json_schema_extra={"format": "uuid"}
    )
    agent_name: str = Field(
        description="The agent's name when the call was triggered.", examples=["Lead Qualifier"]
    )
    direction: Literal["outbound", "inbound"] = Field(description="Who called whom.", examples=["outbound"])
    from_number: PhoneNumber = Field(
        description="The agent's number when the call was triggered.", examples=["+12025550100"]
    )
    to_number: PhoneNumber = Field(description="The number that is called.", examples=["+12025550190"])
    name: str | None = Field(description="The person's name, as it was sent.", examples=["Ada"])
    email: str | None = Field(description="The person's email, as it was sent.", examples=["ada@example.com"])
    metadata: dict[str, Any] = Field(
        description="The trigger's metadata, digit for digit as it was sent.", examples=[{"deal_id": "9001"}]
    )
    variables: dict[str, Any] = Field(
        description="The prompt variables of its agent, as they were for this call.",
        examples=[{"first_name": "Ada"}],
    )
    created_at: AwareDatetime = Field(
        description="When it was triggered.", examples=["2026-11-02T14:59:58.000Z"]
    )
    scheduled_for: AwareDatetime | None = Field(
        description="The moment it waits for, or waited for; null where it did not have to wait.",
        examples=["2026-11-02T15:00:00.000Z"],
    )
    timezone: str | None = Field(
        description="The zone in which its calling window was judged.", examples=["America/New_York"]
    )
    expires_at: AwareDatetime | None = Field(
        description="If it still waits then, it is not placed.", examples=["2026-11-05T15:00:00.000Z"]
    )
    dialed_at: AwareDatetime | None = Field(
        description="When it was dialled: once, ever.", examples=["2026-11-02T15:00:00.000Z"]
    )
    answered_at: AwareDatetime | None = Field(
        description="When somebody or something took it.", examples=["2026-11-02T15:00:04.000Z"]
    )
    started_at: AwareDatetime | None = Field(
        description="As `answered_at`; of a call nobody took, as `dialed_at`.",
        examples=["2026-11-02T15:00:04.000Z"],
    )
    ended_at: AwareDatetime | None = Field(
        description="When it ended.", examples=["2026-11-02T15:02:11.000Z"]
    )
    duration_seconds: float | None = Field(
        description="From answer to end; 0 where nobody took it; null before its end.", examples=[127.0], ge=0
    )
    transcript: str | None = Field(
        description="What was said, a line for each turn.", examples=["Agent: Hello.\nUser: Yes?"]
    )
    transcript_turns: list[TurnShown] = Field(
        description="The same turn by turn; empty where nothing was said.",
        examples=[[{"role": "agent", "content": "Hello."}]],
    )
    summary: str | None = Field(
        description="What it came to, in a sentence or two.", examples=["Ada asked for a demo next week."]
    )
    sentiment: str | None = Field(
        description="Of the person: positive, neutral or negative.", examples=["positive"]
    )
    recording_url: str | None = Field(
        description="Where it can be heard.", examples=["https://example.com/recordings/1.wav"]
    )
    cost_cents: float | None = Field(description="What the carrier asks for it.", examples=[19.0])
    provider: str = Field(description="The carrier that places it.", examples=["simulated"])
    provider_call_id: str | None = Field(description="The carrier's own id of it.", examples=[f"sim_{_CALL}"])
    history: list[Step] = Field(
        description="Every step it went through, oldest first.",
        examples=[[{"state": "queued", "at": "2026-11-02T14:59:58.000Z", "reason": None}]],
    )


class CallShown(Answer, Call):
    """One call."""


class CallsPage(Answer):
    """Some calls, newest first."""

    calls: list[Call] = Field(description="Newest first.", examples=[[]])
    next_cursor: str | None = Field(
        description="Ask again with it as `cursor` for the calls that follow; null: there are none.",
        examples=["AAZETo9_xADdVVThZb1F1pGHRKf4PHtzbWluZW1pbmU"],
    )


class EventTaken(Answer):
    """A carrier's event was read."""

    matched: int = Field(description="How many calls of ours it spoke of.", examples=[1], ge=0)
