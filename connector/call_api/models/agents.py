"""The shapes of agents: as they are made, changed and shown."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from connector.call_api.models.base import WHOLE, Answer, ApiModel
from connector.call_api.models.windows import CallingWindow
from connector.call_api.numbers import is_phone_number

MAX_NAME = 100
_MAX_ID = 200
_MAX_VARIABLES = 50
_YEAR = 365 * 24 * 3600
_SOURCE = re.compile(r"name|email|metadata\..{1,200}", re.DOTALL)


def _name(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= MAX_NAME:
        raise ValueError(f"must be 1 to {MAX_NAME} characters that are not only blanks")
    return text


def _phone_number(text: str) -> str:
    if not is_phone_number(text):
        raise ValueError("must be + and 7 to 15 digits, such as +12025550100")
    return text


def _id_at_carrier(text: str) -> str:
    if not 1 <= len(text) <= _MAX_ID:
        raise ValueError(f"must be 1 to {_MAX_ID} characters")
    return text


def _variables(variables: dict[str, str]) -> dict[str, str]:
    if len(variables) > _MAX_VARIABLES:
        raise ValueError(f"must be {_MAX_VARIABLES} variables at most, not {len(variables)}")
    for name, source in variables.items():
        if not 1 <= len(name) <= MAX_NAME:
            raise ValueError(f"a variable's name has 1 to {MAX_NAME} characters, not {len(name)}")
        if not _SOURCE.fullmatch(source):
            raise ValueError(
                f'the variable "{name}" comes from name, email or metadata.KEY, not from "{source[:60]}"'
            )
    return variables


Name = Annotated[
    str,
    AfterValidator(_name),
    Field(
        description="What people and rules call the agent; no two agents that are not archived have the same.",
        examples=["Lead Qualifier"],
        json_schema_extra={"minLength": 1, "maxLength": MAX_NAME, "pattern": r"\S"},
    ),
]
FromNumber = Annotated[
    Annotated[
        str, AfterValidator(_phone_number), Field(json_schema_extra={"pattern": r"^\+[1-9][0-9]{6,14}$"})
    ]
    | None,
    Field(
        description="The number it calls from: `+`, country code, number. null: none, so it cannot call.",
        examples=["+12025550100"],
    ),
]
CarrierName = Annotated[
    str | None,
    Field(
        description="Who places its calls; null: the one this server is set to.",
        examples=["simulated"],
        json_schema_extra={"format": "carrier-name"},
    ),
]
CarrierAgentId = Annotated[
    Annotated[
        str, AfterValidator(_id_at_carrier), Field(json_schema_extra={"minLength": 1, "maxLength": _MAX_ID})
    ]
    | None,
    Field(description="The agent's id at its carrier.", examples=["agent_7d1e"]),
]
Variables = Annotated[
    dict[str, str],
    AfterValidator(_variables),
    Field(
        description="Variables of the agent's prompt, and where each comes from: `name`, `email` or `metadata.KEY` "
        "(KEY is one field of the trigger's metadata, dots and all).",
        examples=[{"first_name": "name", "product": "metadata.product"}],
        json_schema_extra={
            "maxProperties": _MAX_VARIABLES,
            "propertyNames": {"minLength": 1, "maxLength": MAX_NAME},
            "additionalProperties": {
                "type": "string",
                "pattern": r"^(?:name|email|metadata\.[\s\S]{1,200})$",
            },
        },
    ),
]
Window = Annotated[
    CallingWindow | None,
    Field(description="When people may be called; null: as this server is set, else at any hour."),
]
Outside = Annotated[
    Literal["queue", "reject"],
    Field(
        description="Outside the calling window a trigger is kept until it opens (`queue`), or refused (`reject`).",
        examples=["queue"],
    ),
]
ExpiresAfter = Annotated[
    Annotated[int, Field(ge=1, le=_YEAR), WHOLE] | None,
    Field(description="A call still waiting after so long is not placed; null: it waits.", examples=[86400]),
]
MaxRing = Annotated[
    Annotated[int, Field(ge=5, le=300), WHOLE] | None,
    Field(description="So long it rings at most; null: as the carrier does.", examples=[45]),
]
MaxTalk = Annotated[
    Annotated[int, Field(ge=10, le=14400), WHOLE] | None,
    Field(description="So long a talk is at most; null: as the carrier does.", examples=[600]),
]


class NewAgent(ApiModel):
    """An agent to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Front Desk",
                    "phone_number": "+12025550101",
                    "variables": {"first_name": "name", "product": "metadata.product"},
                    "calling_window": {"hours": {"mon-fri": ["09:00-18:00"]}, "timezone": "America/New_York"},
                }
            ]
        }
    )

    name: Name
    phone_number: FromNumber = None
    carrier: CarrierName = None
    carrier_agent_id: CarrierAgentId = None
    variables: Variables = {}  # noqa: RUF012  pydantic copies it
    calling_window: Window = None
    outside: Outside = "queue"
    expires_after_seconds: ExpiresAfter = None
    max_ring_seconds: MaxRing = None
    max_talk_seconds: MaxTalk = None
    default: bool = Field(
        default=False,
        description="The agent of triggers that name none. There is one at most: true moves it here.",
        examples=[False],
    )


def _change_schema(schema: dict[str, Any]) -> None:
    """What is left out of a change has no default: it stays."""
    schema["examples"] = [{"phone_number": "+12025550102", "outside": "reject"}]
    for field in schema["properties"].values():
        field.pop("default", None)


class AgentChange(ApiModel):
    """What to change of an agent. What is left out stays; null clears."""

    model_config = ConfigDict(json_schema_extra=_change_schema)

    name: Name = ""
    phone_number: FromNumber = None
    carrier: CarrierName = None
    carrier_agent_id: CarrierAgentId = None
    variables: Variables = {}  # noqa: RUF012  pydantic copies it
    calling_window: Window = None
    outside: Outside = "queue"
    expires_after_seconds: ExpiresAfter = None
    max_ring_seconds: MaxRing = None
    max_talk_seconds: MaxTalk = None
    default: bool = Field(
        default=False,
        description="true: from now on the agent of triggers that name none. false is refused for the one that is: "
        "make another one the default instead.",
        examples=[True],
    )
    archived: bool = Field(
        default=False,
        description="true: it can no longer be triggered, and is not the default any more; its calls stay. false: "
        "it is back, if its name is still free.",
        examples=[True],
    )


class AgentShown(ApiModel):
    """An agent."""

    id: str = Field(
        description="What a trigger names as `agent_id`.",
        examples=["5b1d0c52-3a37-4f0e-8f2c-7a3c0d9be001"],
        json_schema_extra={"format": "uuid"},
    )
    name: Name
    phone_number: FromNumber
    carrier: CarrierName
    carrier_agent_id: CarrierAgentId
    variables: Variables
    calling_window: Window
    outside: Outside
    expires_after_seconds: ExpiresAfter
    max_ring_seconds: MaxRing
    max_talk_seconds: MaxTalk
    default: bool = Field(description="The agent of triggers that name none.", examples=[True])
    archived: bool = Field(description="It can no longer be triggered.", examples=[False])
    created_at: datetime = Field(description="When it was made.", examples=["2026-11-02T15:00:04.000Z"])
    archived_at: datetime | None = Field(
        description="When it was archived; null: it is not.", examples=[None]
    )


class OneAgent(AgentShown, Answer):
    """One agent."""


class Agents(Answer):
    """Agents, by name."""

    agents: list[AgentShown] = Field(description="By name.")


class AgentsQuery(ApiModel):
    """Which agents to list."""

    archived: bool = Field(
        default=False,
        description="true: those that are archived, instead of those that are not.",
        examples=[False],
    )
