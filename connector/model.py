"""The nouns every room of the connector speaks in: frozen values, no I/O, no clock.

Times are aware datetimes in UTC. Ids are text, also where a vendor sends numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The one clock that production passes in; tests pass their own."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Request:
    """A delivery as it arrived, before anyone trusts it."""

    method: str
    url: str
    """The public URL the sender used, query included: some signatures cover it."""
    headers: Mapping[str, str]
    """Keys in lower case."""
    body: bytes
    """The exact bytes: signatures cover them."""
    received_at: datetime


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """Which record of a CRM: its type in the CRM's own word (`deal`) and its id."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class EventKind(StrEnum):
    """How a record came to stand in a stage."""

    MOVED = "moved"
    CREATED = "created"


class Source(StrEnum):
    """Who or what changed a record, in words that no vendor owns."""

    PERSON = "person"
    """By hand, one record."""
    BULK_EDIT = "bulk_edit"
    """By hand, many records at once."""
    IMPORT = "import"
    INTEGRATION = "integration"
    """Another program, through the CRM's API."""
    WORKFLOW = "workflow"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StageEvent:
    """A record entered a stage. What every adapter makes of a delivery."""

    id: str
    """The same for a redelivery of the same change."""
    record: RecordRef
    stage: str | None
    """Stage id; None where the news does not say (a creation): the context then tells."""
    occurred_at: datetime
    kind: EventKind = EventKind.MOVED
    pipeline: str | None = None
    previous_stage: str | None = None
    source: str | None = None
    """Who changed it, in the CRM's own word (`CRM_UI`, `INTEGRATION`, `IMPORT`)."""
    changed_by: Source = Source.UNKNOWN
    """The same in our words, by the adapter's table; what it does not list is unknown."""
    own: bool = False
    """True when our own write-back caused it: it never starts a call."""
    stage_label: str | None = None
    """The stage's name, where the news gives that and no id (`stage` is then None)."""
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What only the delivery says, for merge fields, by object: `{"custom": {"agent": "Demo caller"}}`."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class News:
    """What a delivery says: stage events oldest first, and a count of everything else by its name."""

    events: tuple[StageEvent, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    """Known to us and not our business: name -> how many."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    """Never seen before: name -> how many. Someone should look."""
    malformed: tuple[str, ...] = ()
    """One sentence for each event that could not be read; the others still count."""


@dataclass(frozen=True, slots=True)
class Stage:
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: str
    label: str
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    """The pipelines and stages of one connection, so that rules may name them by label or id."""

    pipelines: tuple[Pipeline, ...] = ()

    def pipeline(self, pipeline_id: str | None) -> Pipeline | None:
        return next((p for p in self.pipelines if p.id == pipeline_id), None)

    def stage(self, stage_id: str | None) -> Stage | None:
        return next((s for p in self.pipelines for s in p.stages if s.id == stage_id), None)


@dataclass(frozen=True, slots=True)
class Context:
    """A record as it stands now: its stage, and the fields that merge fields may use.

    `fields` has one mapping for each of the adapter's objects under the CRM's own names:
    `{"deal": {"id": "9001", "amount": "1200"}, "contact": {"id": "501", "phone": "..."}}`.
    A missing object is an empty mapping; a missing field is absent or None.
    """

    record: RecordRef
    stage: str | None
    pipeline: str | None
    fields: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TriggerRequest:
    """What we send to the Trigger Call API; `agent` is a name or a UUID, None means the default agent."""

    phone_number: str
    agent: str | None = None
    name: str | None = None
    email: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    expires_at: datetime | None = None
    """When the call must not begin any more, for an API that lets calls wait."""


class Outcome(StrEnum):
    """How a call ended, in words that no vendor owns."""

    ANSWERED = "answered"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CallResult:
    """What is known of a call: the values of `call.*` in write-backs."""

    call_id: str
    outcome: Outcome | None = None
    """None until it has ended."""
    status: str | None = None
    """The call API's own word."""
    agent_name: str | None = None
    from_number: str | None = None
    to_number: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    summary: str | None = None
    transcript: str | None = None
    sentiment: str | None = None
    recording_url: str | None = None
    cost_cents: float | None = None
    opt_out: str | None = None
    """The word by which the call API says that the person wants no more calls."""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What is known, as it is kept: times as ISO text."""
        known = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in known.items()
            if value is not None
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "CallResult":
        """What as_json gave."""
        times = {
            name: datetime.fromisoformat(kept[name]) for name in ("started_at", "ended_at") if name in kept
        }
        outcome = {"outcome": Outcome(kept["outcome"])} if "outcome" in kept else {}
        return cls(**{**kept, **times, **outcome})


@dataclass(frozen=True, slots=True)
class WriteBack:
    """What is to stand on one record of the CRM. Written twice it is the same as once."""

    record: RecordRef
    """The record that moves through stages, or one that belongs to it: `contact 501`."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Values as the CRM's API wants them (text); an empty text clears the property."""
    stage: str | None = None
    """The id of a stage of the record's own pipeline; None leaves it where it is."""
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that happened, for the timeline of a record: a note, or a call. It is made once."""

    key: str
    """No other activity has it, and the adapter can find the activity by it again: `3f2a-ended-note`."""
    record: RecordRef
    related: tuple[RecordRef, ...]
    """On whose timeline it stands besides: the contact that was called."""
    at: datetime
    text: str = ""
    """What a note says: plain text."""
    call: CallResult | None = None
    """The call, where it is one; None: a note."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One part of what a rule wants written at one moment, as it is kept until it is done. Its content is JSON.

    | part | content |
    | --- | --- |
    | the name of an object | its properties: `{"ai_call_status": "answered"}` |
    | note | `{"text": ..., "at": ISO, "related": [["contact", "501"]]}` |
    | log_call | `{"call": the result, "at": ISO, "related": ...}` |
    | stage | `{"to": label or id, "from": the id of the stage that the record was called from}` |
    | tags | `{"add": [...], "remove": [...]}` |
    """

    part: str
    record: RecordRef
    content: Mapping[str, Any]
    impossible: str = ""
    """Why it cannot be written at all; then the record is the one that moves through stages."""


class DispatchState(StrEnum):
    """Where a dispatch stands; see the table in connector/README.md."""

    WAITING = "waiting"
    SENDING = "sending"
    PLACED = "placed"
    ENDED = "ended"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
