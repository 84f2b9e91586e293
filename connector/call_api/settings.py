"""The settings of the Trigger Call API: part of stagecall.yaml, read once, frozen."""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from connector.call_api.agents import AgentFields
from connector.call_api.carriers import carrier_names
from connector.call_api.keys import DEFAULT_SCOPES, KEY_PREFIX, SCOPES, Scope
from connector.call_api.models.agents import NewAgent
from connector.call_api.models.windows import CallingWindowSettings
from connector.call_api.targets import HTTPS_PORTS, TargetRefused, Targets

_KEY = re.compile(re.escape(KEY_PREFIX) + r"[A-Za-z0-9_-]{16,200}")


def _url(text: str) -> str:
    try:
        Targets(anywhere=True).read(text)
    except TargetRefused as refused:
        raise ValueError(str(refused)) from None
    return text


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError("must be an agent's id, as `stagecall agents list` shows it") from None


def _signing_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    try:
        size = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not text.startswith("whsec_") or not 24 <= size <= 64:
        raise ValueError("must be whsec_ and the base64 of 24 to 64 random bytes")
    return secret


def _api_key(secret: SecretStr) -> SecretStr:
    if not _KEY.fullmatch(secret.get_secret_value()):
        raise ValueError(f"must be {KEY_PREFIX} and 16 or more letters, digits, - or _")
    return secret


def _in_order(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    return tuple(scope for scope in SCOPES if scope in scopes)


Name = Annotated[str, Field(min_length=1, max_length=100)]
EventName = Literal["call_started", "call_ended"]
PayloadFormat = Literal["v2", "v1"]
EVENT_NAMES: tuple[EventName, ...] = ("call_started", "call_ended")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SimulatedSettings(_Settings):
    """How long a simulated phone rings, and how long the talk is."""

    ring_seconds: float = Field(default=1.0, ge=0, le=3600, allow_inf_nan=False)
    talk_seconds: float = Field(default=2.0, ge=0, le=3600, allow_inf_nan=False)
    summary_after_seconds: float = Field(default=0.0, ge=0, le=3600, allow_inf_nan=False)
    """So long after the end the summary comes, as with carriers that analyse a call when it is over."""


class WebhookSettings(_Settings):
    """Where call events are sent, and the secret that signs them."""

    url: Annotated[str, AfterValidator(_url)]
    secret: Annotated[SecretStr, AfterValidator(_signing_secret)]
    name: Name | None = None
    """An endpoint of a name keeps what waits for it when its url changes."""
    events: Annotated[tuple[EventName, ...], Field(min_length=1)] = EVENT_NAMES
    agent_id: Annotated[str, AfterValidator(_uuid)] | None = None
    """Only events of this agent's calls."""
    description: Annotated[str, Field(max_length=500)] | None = None
    payload_format: PayloadFormat = "v2"
    """v1 is the older payload."""


class OwnReceiver(WebhookSettings):
    """The receiver of our own program, wherever the operator runs it: never made from a file."""


class KeySettings(_Settings):
    """An API key given by configuration instead of being made by a command."""

    name: Name
    key: Annotated[SecretStr, AfterValidator(_api_key)]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1), AfterValidator(_in_order)] = DEFAULT_SCOPES
    """What it may do: trigger, read, admin."""


def _carrier(name: str) -> str:
    if name not in carrier_names():
        raise ValueError(f"must be one of: {', '.join(carrier_names())}")
    return name


CarrierName = Annotated[str, AfterValidator(_carrier)]


class AgentSettings(NewAgent):
    """An agent given by configuration; what is left out here stays as it was changed elsewhere."""

    model_config = ConfigDict(extra="forbid", strict=False)

    carrier: CarrierName | None = None
    calling_window: CallingWindowSettings | None = None

    @property
    def given(self) -> AgentFields:
        """What the configuration says of it."""
        return cast(AgentFields, self.model_dump(include=self.model_fields_set))


class CallApiSettings(_Settings):
    """Everything a person can set about our own Trigger Call API."""

    carrier: CarrierName = "simulated"
    simulated: SimulatedSettings = SimulatedSettings()
    max_per_minute: int | None = Field(default=100, ge=1, le=100_000)
    """Trigger requests a minute for each key; null means no limit."""
    max_concurrent_calls: int | None = Field(default=10, ge=1, le=100_000)
    """Calls of each key under way at once (dialing and in progress); null means no limit."""
    over_concurrency: Literal["queue", "refuse"] = "queue"
    """What becomes of a call beyond that: it waits in line, or its trigger is refused with 429."""
    allow_private_webhook_targets: bool = False
    """For development: call events may go to http URLs, any port, loopback and private networks."""
    webhook_ports: Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], Field(min_length=1)] = (
        HTTPS_PORTS
    )
    """Call events may go to these ports."""
    webhooks: tuple[WebhookSettings, ...] = ()
    keys: tuple[KeySettings, ...] = ()
    agents: tuple[AgentSettings, ...] = ()
    calling_window: CallingWindowSettings | None = None
    """When people may be called by agents that have no window of their own; null means at any hour."""

    @property
    def targets(self) -> Targets:
        """The rules for where call events may be sent."""
        return Targets(ports=self.webhook_ports, private=self.allow_private_webhook_targets)

    @field_validator("webhooks")
    @classmethod
    def _only_allowed_targets(
        cls, webhooks: tuple[WebhookSettings, ...], info: ValidationInfo
    ) -> tuple[WebhookSettings, ...]:
        private = info.data.get("allow_private_webhook_targets", False)
        targets = Targets(ports=info.data.get("webhook_ports", HTTPS_PORTS), private=private)
        for webhook in webhooks:
            try:
                targets.read(webhook.url)
            except TargetRefused as refused:
                hint = "`allow_private_webhook_targets: true` allows it for development"
                raise ValueError(f"{webhook.url}: {refused}; {hint}") from None
        return webhooks

    @model_validator(mode="after")
    def _no_two_alike(self) -> "CallApiSettings":
        _refuse_twins("webhooks: the url", (webhook.url for webhook in self.webhooks))
        _refuse_twins("keys: the name", (key.name for key in self.keys))
        _refuse_twins("agents: the name", (agent.name for agent in self.agents))
        if len({key.key.get_secret_value() for key in self.keys}) < len(self.keys):
            raise ValueError("keys: two names have the same key")
        if sum(agent.default for agent in self.agents) > 1:
            raise ValueError("agents: only one can be the default")
        return self


def _refuse_twins(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value!r} is there twice")
        seen.add(value)
