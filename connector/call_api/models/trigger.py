"""What a trigger takes and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from connector.call_api.models.base import Answer, ApiModel, PhoneNumber

_CALL_ID = "0d6c4c1e-7f0a-4a53-9a55-0b7d1c2f6a11"


def _spelled(value: Any) -> Any:
    """Pydantic would take digits for seconds since 1970."""
    if not isinstance(value, str) or value.strip("0123456789.+- ") == "":
        raise PydanticCustomError("datetime_parsing", "no ISO 8601 moment")
    return value


Moment = Annotated[
    AwareDatetime,
    Field(strict=False, examples=["2026-11-30T15:00:00Z"]),
    BeforeValidator(_spelled),
]


class TriggerRequest(ApiModel):
    """Whom to call, and what the agent should know."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "phone_number": "+12025550190",
                    "name": "Ada",
                    "email": "ada@example.com",
                    "metadata": {"deal_id": "9001", "amount": 1200.5},
                }
            ]
        }
    )

    phone_number: PhoneNumber
    agent_id: str | None = Field(
        default=None,
        description="The agent who speaks: an `id` of GET /agents. Left out or empty: the default agent.",
        examples=["5b1d0c52-3a37-4f0e-8f2c-7a3c0d9be001"],
    )
    name: str | None = Field(
        default=None, description="The person's name, for the agent to use.", examples=["Ada"]
    )
    email: str | None = Field(
        default=None, description="The person's email, likewise.", examples=["ada@example.com"]
    )
    metadata: dict[str, Any] | None = Field(
        default=None,
        description="Any JSON object up to 10,000 characters: kept, shown and sent exactly as it came.",
        examples=[{"deal_id": "9001", "amount": 1200.5}],
    )
    scheduled_at: Moment | None = Field(
        default=None,
        description="Not before this moment (ISO 8601 with an offset, a year ahead at most);"
        " the agent's calling window holds all the same.",
    )
    expires_at: Moment | None = Field(
        default=None,
        description="A call still waiting at this moment (two years ahead at most) is not placed any more: it ends as `expired`.",
    )


class TriggerAnswer(Answer):
    """The call is kept and will be placed; the last three fields are there only if it waits for its hour."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"success": True, "call_id": _CALL_ID, "status": "initiated"}]}
    )

    call_id: str = Field(
        description="The call, for GET /calls/{call_id}: final from the first answer on.",
        examples=[_CALL_ID],
    )
    status: Literal["initiated"] = Field(description="Always `initiated`.")
    call_status: Literal["queued"] | None = Field(
        default=None, description="It waits: for `scheduled_at`, or for its calling window to open."
    )
    scheduled_for: datetime | None = Field(
        default=None,
        description="When it will be placed; its window is judged again then.",
        examples=["2026-11-30T14:00:00.000Z"],
    )
    timezone: str | None = Field(
        default=None,
        description="Where its hour was judged: the person's zone, or the agent's fixed one.",
        examples=["America/New_York"],
    )
