"""Who asks: the key, what it may, what it has left."""

from datetime import datetime

from pydantic import Field

from connector.call_api.keys import Scope
from connector.call_api.models.base import Answer, ApiModel


class KeyShown(ApiModel):
    """The key that asks, without what it is secret."""

    name: str = Field(description="As it was named when it was made.", examples=["my-script"])
    last4: str = Field(description="Its last four characters.", examples=["_adA"])
    scopes: list[Scope] = Field(
        description="What it may do: `trigger` calls, `read` calls and agents, `admin` for writing agents.",
        examples=[["trigger", "read"]],
    )
    expires_at: datetime | None = Field(
        description="From then on it is an unknown key; null: never.", examples=["2027-03-31T00:00:00.000Z"]
    )


_DEFAULT_AGENT = Field(
    description="The agent of triggers that name none; null: there is none, so each must name one.",
    examples=["Lead Qualifier"],
)


class Verified(Answer):
    """The key works."""

    key: KeyShown
    default_agent: str | None = _DEFAULT_AGENT
    enabled: bool = Field(description="The access switch; always true in this answer.", examples=[True])


class LimitsShown(ApiModel):
    """What the key may in a minute and at once."""

    max_per_minute: int | None = Field(
        description="Trigger requests a minute; null: no limit.", examples=[100], ge=1
    )
    remaining: int | None = Field(
        description="Trigger requests left in this minute; null where there is no limit.", examples=[97], ge=0
    )
    reset_seconds: int | None = Field(
        description="Until the oldest counted request is a minute old; 0 where none is counted, null where there "
        "is no limit.",
        examples=[42],
        ge=0,
    )
    max_concurrent_calls: int | None = Field(
        description="Calls under way at once; null: no limit.", examples=[10], ge=1
    )
    calls_under_way: int = Field(description="Calls of this key now under way.", examples=[2], ge=0)


class AgentCounts(ApiModel):
    """How many agents there are."""

    active: int = Field(description="That triggers may name.", examples=[3], ge=0)
    archived: int = Field(description="That were put away.", examples=[1], ge=0)


class Account(Answer):
    """What this key works with; nothing secret."""

    key: KeyShown
    limits: LimitsShown
    carrier: str = Field(description="Who places calls.", examples=["simulated"])
    default_agent: str | None = _DEFAULT_AGENT
    agents: AgentCounts
