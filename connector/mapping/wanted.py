"""What a rule wants written at a moment: its `write_back`, with every merge field filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.mapping.language import Rule
from connector.mapping.merge import MergeField
from connector.mapping.values import text_of
from connector.mapping.vocabulary import Moment as MomentName
from connector.mapping.write_back_keys import Moment, Properties
from connector.model import CallResult, Outcome, RecordRef, Wanted


@dataclass(frozen=True, slots=True)
class Happened:
    """What has come of a dispatch, and when it became known."""

    moment: MomentName
    at: datetime
    call: CallResult | None = None
    reason: str = ""
    """Why there is no call: a sentence."""


@dataclass(frozen=True, slots=True)
class About:
    """Whom it is about: the record, the stage that it was called from, and its fields as they were read then."""

    record: RecordRef
    stage: str
    """The stage's id."""
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Fields by object, and `event`."""


def write_back(rule: Rule, happened: Happened, about: About) -> tuple[Wanted, ...]:
    """Return what the rule wants written, a part for each of its keys; nothing where it wants nothing."""
    moment: Moment = getattr(rule.write_back, happened.moment)
    if moment.is_empty:
        return ()
    call = call_values(happened.call) if happened.call is not None else {}
    values = {**about.values, "call": call, "reason": happened.reason}
    return tuple(_parts(moment, happened, about, values))


def call_values(result: CallResult) -> dict[str, Any]:
    """Return the values of `call.*`."""
    return {
        "id": result.call_id,
        "outcome": result.outcome.value if result.outcome else None,
        "status": result.status,
        "duration_seconds": result.duration_seconds,
        "summary": result.summary,
        "transcript": result.transcript,
        "sentiment": result.sentiment,
        "recording_url": result.recording_url,
        "started_at": _iso(result.started_at),
        "ended_at": _iso(result.ended_at),
        "from_number": result.from_number,
        "to_number": result.to_number,
        "agent_name": result.agent_name,
        "cost_cents": result.cost_cents,
    }


def _parts(moment: Moment, happened: Happened, about: About, values: Mapping[str, Any]) -> Iterator[Wanted]:
    for name, properties in moment.records.items():
        yield _on(about, name, name, _filled(properties, values))
    text = moment.note.text(values, []).strip() if moment.note else ""
    if text:
        said = {"text": text, "at": happened.at.isoformat(), "related": _related(moment.notes_on, about)}
        yield Wanted("note", about.record, said)
    if moment.log_call and happened.call is not None:
        at = happened.call.started_at or happened.call.ended_at or happened.at
        content = {"call": happened.call.as_json(), "at": at.isoformat()}
        yield Wanted("log_call", about.record, {**content, "related": _related(moment.calls_on, about)})
    stage = _stage(moment, happened.call)
    if stage:
        yield Wanted("stage", about.record, {"to": stage, "from": about.stage})
    add, remove = _texts(moment.tags.add, values), _texts(moment.tags.remove, values)
    if add or remove:
        kept = [tag for tag in remove if tag not in add]
        yield _on(about, "tags", moment.tags_on or about.record.type, {"add": add, "remove": kept})


def _on(about: About, part: str, name: str, content: Mapping[str, Any]) -> Wanted:
    """A part that stands on an object: the record itself, or one that was read with it."""
    if name == about.record.type:
        return Wanted(part, about.record, content)
    found = _ref(name, about)
    if found is None:
        why = f"{about.record} has no {name} to write on"
        return Wanted(part, about.record, content, impossible=why)
    return Wanted(part, found, content)


def _ref(name: str, about: About) -> RecordRef | None:
    id_ = about.values.get(name, {}).get("id")
    return RecordRef(name, str(id_)) if id_ else None


def _related(names: tuple[str, ...], about: About) -> list[list[str]]:
    found = [_ref(name, about) for name in names]
    return [[each.type, each.id] for each in found if each is not None]


def _filled(properties: Properties, values: Mapping[str, Any]) -> dict[str, str]:
    return {key: _property(value, values) for key, value in properties.items()}


def _property(value: str | MergeField, values: Mapping[str, Any]) -> str:
    return value if isinstance(value, str) else text_of(value.value(values, []))


def _texts(fields: tuple[MergeField, ...], values: Mapping[str, Any]) -> list[str]:
    found = (" ".join(each.text(values, []).split()) for each in fields)
    return list(dict.fromkeys(text for text in found if text))


def _stage(moment: Moment, call: CallResult | None) -> str | None:
    if not isinstance(moment.stage, Mapping):
        return moment.stage
    outcome = call.outcome if call is not None and call.outcome else Outcome.UNKNOWN
    return moment.stage.get(outcome)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
