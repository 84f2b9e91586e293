"""The words that the rules of a connection may use: known when the file is loaded, before any event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from connector.mapping.filters import Table
from connector.mapping.habits import same_field
from connector.mapping.names import Names
from connector.model import Catalog, EventKind, Outcome, Source

Moment = Literal["placed", "ended", "failed", "skipped", "held"]
WITH_CALL: Final[tuple[Moment, ...]] = ("placed", "ended", "failed")
"""Moments with a `call`; before any call it has no fields."""
WITH_REASON: Final[tuple[Moment, ...]] = ("failed", "skipped", "held")
"""Moments with a `reason`: a sentence that says why there is no call."""

EVENT_FIELDS: Final = frozenset(
    {"id", "occurred_at", "stage", "pipeline", "previous_stage", "how", "source", "changed_by"}
)
CALL_FIELDS: Final = frozenset(
    {
        "id",
        "outcome",
        "status",
        "duration_seconds",
        "summary",
        "transcript",
        "sentiment",
        "recording_url",
        "started_at",
        "ended_at",
        "from_number",
        "to_number",
        "agent_name",
        "cost_cents",
    }
)
OURS: Final = frozenset({"event", "call", "reason"})
"""Names in merge fields that are not objects of the CRM."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The CRM's objects and fields; its stages and the agents too, where they are known."""

    objects: tuple[str, ...]
    writable: tuple[str, ...]
    standard_fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    complete_fields: bool = False
    """Are `standard_fields` all that there are? Only then is another field a mistake."""
    catalog: Catalog | None = None
    agents: frozenset[str] | None = None
    """Names and UUIDs."""
    tells_previous_stage: bool = True
    """Does the CRM say where a record came from? Else `from` would never be true."""
    crm: str = "the CRM"
    """Its name, for sentences."""
    usual_words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Fields that usually hold one of a few values, such as deal.dealtype, each with these."""
    sources: frozenset[Source] = frozenset(Source)
    """Who changed a record, as far as the CRM tells."""
    read_only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The CRM's own fields that cannot be written, by object."""
    stage_field: str | None = None
    """The record's own field that holds its stage's id, such as deal.dealstage."""
    moves_stage: bool = False
    """Can a write-back move the record to another stage?"""
    tags_on: str | None = None
    """The object whose tags a write-back can change; None: there are none."""
    notes_on: tuple[str, ...] = ()
    """The objects on whose timeline a note can stand; none: no notes."""
    calls_on: tuple[str, ...] = ()
    """The same for calls."""
    instead: Mapping[str, str] = field(default_factory=dict)
    """For what a write-back cannot do, what people can write instead."""
    default_region: str | None = None
    """Country of numbers written without a country code, for the filter phone."""

    @property
    def owner_field(self) -> str:
        """The record's field that holds the id of its owner; nothing where none is known."""
        record = next(iter(self.objects), "")
        key = same_field("owner", self.standard_fields.get(record, ()))
        return f"{record}.{key}" if key else ""

    def fields_of(self, name: str) -> frozenset[str] | None:
        """Return all fields of an object, None where more may exist."""
        return self.standard_fields.get(name) if self.complete_fields else None

    def names(self, moment: Moment | None = None, tables: Mapping[str, Table] | None = None) -> Names:
        """Return what merge fields may begin with: in a write-back of that moment, or before the call."""
        objects: dict[str, frozenset[str] | None] = {name: self.fields_of(name) for name in self.objects}
        objects["event"] = EVENT_FIELDS
        with_reason = moment in WITH_REASON
        elsewhere = {} if with_reason else {"reason": f"write_back, under {', '.join(WITH_REASON)}"}
        if moment not in WITH_CALL:
            elsewhere["call"] = f"write_back, under {', '.join(WITH_CALL)}"
        else:
            objects["call"] = CALL_FIELDS
        texts = frozenset({"reason"}) if with_reason else frozenset[str]()
        return Names(
            objects,
            self.standard_fields,
            texts,
            elsewhere,
            tables or {},
            self._words(),
            self.usual_words,
            self.stage_field,
            {self.tags_on: frozenset({"tags"})} if self.tags_on else {},
            self.default_region,
        )

    def _words(self) -> dict[tuple[str, str], frozenset[str]]:
        """The fields that have one of a few values."""
        words = {
            ("event", "how"): frozenset(EventKind),
            ("event", "changed_by"): frozenset(Source),
            ("call", "outcome"): frozenset(Outcome),
        }
        found = {field: frozenset(each.value for each in kind) for field, kind in words.items()}
        if self.catalog is not None and self.catalog.pipelines:
            pipelines = self.catalog.pipelines
            stages = frozenset(stage.label for each in pipelines for stage in each.stages)
            found |= {("event", "stage"): stages, ("event", "previous_stage"): stages}
            if self.stage_field is not None:
                name, _, key = self.stage_field.partition(".")
                found[name, key] = frozenset(stage.id for each in pipelines for stage in each.stages)
            found["event", "pipeline"] = frozenset(each.label for each in pipelines)
        return found
