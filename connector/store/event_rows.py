"""Stage events as they are kept with a dispatch."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connector.model import EventKind, RecordRef, Source, StageEvent


def event_to_json(event: StageEvent) -> dict[str, Any]:
    """The event without the vendor's raw form: that stays with the delivery."""
    return {
        "id": event.id,
        "record": [event.record.type, event.record.id],
        "stage": event.stage,
        "occurred_at": event.occurred_at.isoformat(),
        "kind": event.kind.value,
        "pipeline": event.pipeline,
        "previous_stage": event.previous_stage,
        "source": event.source,
        "changed_by": event.changed_by.value,
        "own": event.own,
        "fields": event.fields,
    }


def event_from_json(value: Mapping[str, Any]) -> StageEvent:
    return StageEvent(
        id=value["id"],
        record=RecordRef(*value["record"]),
        stage=value["stage"],
        occurred_at=datetime.fromisoformat(value["occurred_at"]),
        kind=EventKind(value["kind"]),
        pipeline=value["pipeline"],
        previous_stage=value["previous_stage"],
        source=value["source"],
        changed_by=Source(value.get("changed_by", Source.UNKNOWN)),  # not in rows of older versions
        own=value["own"],
        fields=value.get("fields", {}),
    )
