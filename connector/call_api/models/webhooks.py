"""Webhooks: where call events are sent, and what became of each."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from connector.call_api.models.base import Answer, ApiModel
from connector.call_api.outbox import DeliveryState
from connector.call_api.settings import EventName, PayloadFormat

MAX_LIMIT = 100

_WEBHOOK = "6f1b8c7e-2f1d-4c39-9c4e-0a6d5b1f7e21"
_AGENT = "5b1d0c52-3a37-4f0e-8f2c-7a3c0d9be001"
_CALL = "0d6c4c1e-7f0a-4a53-9a55-0b7d1c2f6a11"
_URL = "https://example.com/calls"
_MOMENT = "2026-11-02T15:02:11.000Z"

_events = Field(
    description="Which events it gets; a test is sent whatever stands here.",
    examples=[["call_started", "call_ended"]],
)
_payload_format = Field(
    description="`v2`: the flat payload described here. `v1`: the older one (dotted names, one phone_number, the "
    "transcript as a list).",
    examples=["v2"],
)
_secret = Field(
    description="Signs every event. Shown this once: keep it with the receiver.",
    examples=["whsec_c3RhZ2VjYWxsLXN0YWdlY2FsbC1zdGFnZWNhbGw="],
)
_id = Field(description="The webhook's id.", examples=[_WEBHOOK], json_schema_extra={"format": "uuid"})


class NewWebhook(ApiModel):
    """A URL that wants call events. The same URL may be given several times, each with a secret of its own."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": _URL, "events": ["call_ended"], "description": "My sheet"}]}
    )

    url: str = Field(
        description="https, port 443 or 8443, on a server of the public internet; no user name, no fragment, at "
        "most 2048 characters.",
        examples=[_URL],
    )
    events: Annotated[list[EventName], Field(min_length=1, max_length=10)] | None = Field(
        default=None, description="Which events it wants; left out: all.", examples=[["call_ended"]]
    )
    agent_id: str | None = Field(
        default=None, description="Only events of this agent's calls; left out: of all.", examples=[_AGENT]
    )
    description: Annotated[str, Field(max_length=500)] | None = Field(
        default=None, description="For people.", examples=["Zap: new rows in the sheet"]
    )
    payload_format: PayloadFormat | None = Field(
        default=None, description="`v2` (left out: this) or `v1`, the older payload.", examples=["v2"]
    )


class Webhook(ApiModel):
    """A URL that gets call events."""

    id: str = _id
    url: str = Field(description="Where events are sent.", examples=[_URL])
    events: list[EventName] = _events
    agent_id: str | None = Field(
        description="Only events of this agent's calls; null: of all.", examples=[_AGENT]
    )
    description: str | None = Field(description="For people.", examples=["Zap: new rows in the sheet"])
    payload_format: PayloadFormat = _payload_format
    source: Literal["api", "config"] = Field(
        description="Made here, or standing in the server's configuration.", examples=["api"]
    )
    created_at: datetime = Field(description="When it was made.", examples=[_MOMENT])
    previous_secret_until: datetime | None = Field(
        description="Until then events carry two signatures, by the new secret and by the one before.",
        examples=[None],
    )
    ended_reason: str | None = Field(
        description="Why it gets nothing more: its receiver answered 410. Null while it gets events.",
        examples=[None],
    )


class WebhookShown(Answer, Webhook):
    """One webhook."""


class WebhookMade(WebhookShown):
    """The new webhook, with its secret."""

    secret: str = _secret


class Webhooks(Answer):
    """Every webhook that this key made; for a key with `admin` all, those from configuration too."""

    webhooks: list[Webhook] = Field(description="The newest first; secrets are never shown.")


class SecretRotated(Answer):
    """The new secret. For a day events carry two signatures, so that the receiver can be changed in peace."""

    id: str = _id
    secret: str = _secret
    previous_secret_until: datetime = Field(
        description="So long the secret before signs, too.", examples=[_MOMENT]
    )


class DeliveryQueued(Answer):
    """It is on its way; look at the delivery to see what becomes of it."""

    delivery_id: str = Field(description="The delivery's id.", examples=["17"])


class Try(ApiModel):
    """One try to send an event."""

    number: int = Field(description="1 for the first.", examples=[1], ge=1)
    at: datetime = Field(description="When it began.", examples=[_MOMENT])
    status: int | None = Field(description="What the receiver answered; null: no answer.", examples=[200])
    error: str | None = Field(description="What went wrong; null where nothing did.", examples=[None])
    duration_ms: int | None = Field(description="How long it took.", examples=[48], ge=0)


class Delivery(ApiModel):
    """One event on its way to one webhook."""

    id: str = Field(description="Its id.", examples=["17"])
    event_id: str = Field(
        description="The event's id, sent as `webhook-id`; the same for all webhooks and tries.",
        examples=["evt_095e872eb6cd46aab460c23895105be5"],
    )
    event: Literal["call_started", "call_ended", "test"] = Field(
        description="Which event it is.", examples=["call_ended"]
    )
    call_id: str | None = Field(description="The call it tells of; null for a test.", examples=[_CALL])
    state: DeliveryState = Field(
        description="`pending`: still tried. `sent`: the receiver has it. `dead`: given up; resend it.",
        examples=["sent"],
    )
    created_at: datetime = Field(description="When the event happened.", examples=[_MOMENT])
    next_try_at: datetime | None = Field(
        description="Of a pending delivery: when it is tried.", examples=[None]
    )
    ended_at: datetime | None = Field(description="When it was sent or given up.", examples=[_MOMENT])
    tries: list[Try] = Field(description="Every try, the first one first.")


class DeliveriesPage(Answer):
    """Some deliveries of one webhook, newest first."""

    deliveries: list[Delivery] = Field(description="The newest first.")
    next_cursor: str | None = Field(
        description="Give it as `cursor` for the next page; null: this is the last.", examples=["17"]
    )


class DeliveriesQuery(ApiModel):
    """Which deliveries to list."""

    state: DeliveryState | None = Field(
        default=None, description="Only those in this state.", examples=["dead"]
    )
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many at most.", examples=[50])] = 50
    cursor: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")] | None = Field(
        default=None, description="The `next_cursor` of the page before.", examples=["17"]
    )
