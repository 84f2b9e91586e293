"""The records of the sandbox account: what stands where, what HubSpot would refuse, what has changed."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from threading import RLock
from typing import Any

from adapters.hubspot.sandbox import account
from adapters.hubspot.sandbox.account import Json, Property, Stage
from adapters.hubspot.sandbox.rules import Wrong, check, left_out


class Refusal(Exception):
    """HubSpot says no; the API turns this into HubSpot's error body."""

    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "status": "error",
            "message": message,
            "correlationId": str(uuid.uuid4()),
            "category": category,
            **more,
        }


@dataclass(frozen=True, slots=True)
class Source:
    """Who changed a record, in HubSpot's words."""

    change_source: str
    source_id: str


PERSON = Source("CRM_UI", "userId:75514748")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to a record: what webhooks are made of."""

    verb: str
    kind: str
    id: str
    at: int
    source: Source
    property: str | None = None
    value: str | None = None


@dataclass(slots=True)
class Record:
    """One object of the account."""

    id: str
    properties: dict[str, str]
    created_at: str
    at: int
    archived: bool = False

    def rendered(self, names: Collection[str], known: Mapping[str, Property]) -> Json:
        """The record as HubSpot's API shows it: asked for and empty is null, unknown is left out."""
        shown: Json = {name: self.properties.get(name) or None for name in names if name in known}
        changed = iso(self.at)
        always = {"createdate": self.created_at, "hs_lastmodifieddate": changed, "hs_object_id": self.id}
        return {
            "id": self.id,
            "properties": shown | always,
            "createdAt": self.created_at,
            "updatedAt": changed,
            "archived": self.archived,
        }


class State:
    """One account. Every method may be called from any thread."""

    def __init__(self, clock: Callable[[], float], on_change: Callable[[Sequence[Change]], None]) -> None:
        self.lock = RLock()
        self.pipelines = account.pipelines()
        self.properties = account.properties()
        self.groups = {kind: {"dealinformation", "ai_call"} for kind in self.properties}
        self.objects: dict[str, dict[str, Record]] = {kind: {} for kind in self.properties}
        self._links: dict[tuple[str, str, str], dict[str, set[str]]] = {}
        self._ids = count(21_000_000_001)
        self._clock = clock
        self._on_change = on_change

    def check_new(self, kind: str, properties: Mapping[str, Any]) -> Json:
        """Refuse a record that cannot be added; return its values."""
        values = {"pipeline": "default", **properties} if kind == "deals" else dict(properties)
        self._refuse(left_out(self.properties[kind], values))
        self._check(kind, {}, values)
        return values

    def create(self, kind: str, properties: Mapping[str, Any], source: Source, quiet: bool = False) -> Record:
        """Add a record; `quiet` tells no webhook of it."""
        with self.lock:
            values = self.check_new(kind, properties)
            at = self.now()
            record = Record(str(next(self._ids)), {}, iso(at), at)
            self.objects[kind][record.id] = record
            changes = [
                *self._set(kind, record, values, source),
                Change("creation", kind, record.id, at, source),
            ]
            if not quiet:
                self._on_change(changes)
            return record

    def update(
        self, kind: str, updates: Iterable[tuple[str, Mapping[str, Any]]], source: Source
    ) -> tuple[list[Record], list[str]]:
        """Set properties of all records or, if one value is refused, of none; ids not found come second."""
        with self.lock:
            asked = [(id_, self._find(kind, id_), values) for id_, values in updates]
            found = [(record, values) for _, record, values in asked if record is not None]
            for record, values in found:
                self._check(kind, record.properties, values)
            changes: list[Change] = []
            for record, values in found:
                # HubSpot's clock has one tick a millisecond; two changes of one record never share it here
                record.at = max(self.now(), record.at + 1)
                changes += self._set(kind, record, values, source)
            self._on_change(changes)
            return [record for record, _ in found], [id_ for id_, record, _ in asked if record is None]

    def get(self, kind: str, id_: str) -> Record:
        """Return a record; refuse with 404 if it is not there."""
        record = self._find(kind, id_)
        if record is None:
            raise Refusal(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")
        return record

    def read(self, kind: str, ids: Iterable[str], names: Collection[str]) -> tuple[list[Json], list[str]]:
        """Return records as the API shows them, and the ids that were not found."""
        with self.lock:
            asked = [(id_, self._find(kind, id_)) for id_ in ids]
            known = self.properties[kind]
            shown = [record.rendered(names, known) for _, record in asked if record is not None]
            return shown, [id_ for id_, record in asked if record is None]

    def archive(self, kind: str, id_: str, source: Source) -> None:
        """Delete a record as HubSpot does: it can no longer be read."""
        with self.lock:
            record = self.get(kind, id_)
            record.archived = True
            record.at = max(self.now(), record.at + 1)
            self._on_change([Change("deletion", kind, id_, record.at, source)])

    def associate(self, kind: str, id_: str, to_kind: str, to_id: str, label: str = "") -> None:
        """Link two records in both directions; a label comes beside the unlabelled type."""
        with self.lock:
            self.get(kind, id_)
            self.get(to_kind, to_id)
            for key, other in (((kind, id_, to_kind), to_id), ((to_kind, to_id, kind), id_)):
                self._links.setdefault(key, {}).setdefault(other, {""}).add(label)

    def links(self, kind: str, id_: str, to_kind: str) -> dict[str, list[str]]:
        """Return the labels by id of the records that a record is linked to, in no promised order."""
        with self.lock:
            found = self._links.get((kind, id_, to_kind), {})
            return {other: sorted(labels) for other, labels in found.items() if self._find(to_kind, other)}

    def stage_id(self, name: str) -> str:
        """Return the id of the stage of this id or label."""
        stages = [stage for pipeline in self.pipelines for stage in pipeline.stages]
        for stage in stages:
            if name == stage.id or name.casefold() == stage.label.casefold():
                return stage.id
        raise Refusal(400, "VALIDATION_ERROR", f"{name} is no stage; there are {[s.label for s in stages]}")

    def _find(self, kind: str, id_: str) -> Record | None:
        record = self.objects[kind].get(id_)
        return None if record is None or record.archived else record

    def now(self) -> int:
        """The account's time in milliseconds."""
        return int(self._clock() * 1000)

    def _check(self, kind: str, current: Mapping[str, str], values: Mapping[str, Any]) -> None:
        self._refuse(check(self.properties[kind], self.pipelines, current, values))

    def _refuse(self, wrong: Sequence[Wrong]) -> None:
        if wrong:
            message = f"Property values were not valid: {account.as_json([each.told() for each in wrong])}"
            raise Refusal(400, "VALIDATION_ERROR", message, errors=[each.detail() for each in wrong])

    def _set(self, kind: str, record: Record, values: Mapping[str, str], source: Source) -> list[Change]:
        changed = {name: value for name, value in values.items() if record.properties.get(name, "") != value}
        record.properties.update(changed)
        if "dealstage" in changed:
            self._enter(record, changed["dealstage"])
        return [
            Change("propertyChange", kind, record.id, record.at, source, name, value)
            for name, value in changed.items()
        ]

    def _enter(self, record: Record, stage_id: str) -> None:
        moment = iso(record.at)
        stage: Stage | None = next(
            (stage for pipeline in self.pipelines for stage in pipeline.stages if stage.id == stage_id), None
        )
        record.properties["hs_v2_date_entered_current_stage"] = moment
        record.properties["hs_is_closed"] = str(bool(stage and stage.closed)).lower()


def iso(milliseconds: int) -> str:
    """A time as HubSpot writes it: `2026-09-21T14:13:20.945Z`."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
