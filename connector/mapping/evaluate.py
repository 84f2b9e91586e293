"""What a rule makes of an event: a trigger request or a reason why not, with the explanation of both.

Read `decide` first. Everything here is a function of its arguments, and what it returns can be kept as JSON.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.mapping.merge import MergeField
from connector.mapping.reading import Rule, Tree
from connector.mapping.stages import StageIndex, index_of
from connector.mapping.values import is_empty, sendable, text_of
from connector.mapping.vocabulary import OURS, Moment
from connector.mapping.words import listed
from connector.model import CallResult, Catalog, Context, RecordRef, StageEvent, TriggerRequest, WriteBack
from connector.policy.numbers import Number, normalise, region_of


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule makes no call: a word for programs, a sentence for people."""

    word: str
    sentence: str


Verdict = Reason | None
"""Why a rule is not concerned; None where it is, or may be."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The call to place, or the reason why there is none; and how it came to that, sentence by sentence."""

    request: TriggerRequest | None
    reason: Reason | None
    explanation: tuple[str, ...]


def fields_needed(rules: Iterable[Rule]) -> dict[str, frozenset[str]]:
    """Return what must be read from the CRM for these rules: fields by object."""
    needed: dict[str, set[str]] = {}
    for rule in rules:
        for name, key in _fields(rule):
            if name not in OURS:
                needed.setdefault(name, set()).add(key)
    return {name: frozenset(keys) for name, keys in needed.items()}


def concerns(rule: Rule, event: StageEvent, catalog: Catalog) -> Verdict:
    """Decide from the event alone, before anything is read from the CRM."""
    if event.own:
        return Reason("own_write_back", "our own write-back moved the record; that never starts a call")
    if event.stage is None:
        return None
    index = index_of(catalog)
    if not index.has(event.stage, event.pipeline):
        return _stage_refusal(rule, event.stage, event.pipeline, index)
    key = rule.name, rule.when.pipeline, rule.when.enters, event.stage, event.pipeline
    if key not in index.verdicts:
        index.verdicts[key] = _stage_refusal(rule, event.stage, event.pipeline, index)
    verdict: Verdict = index.verdicts[key]
    return verdict


def decide(
    rule: Rule, event: StageEvent, context: Context, catalog: Catalog, *, default_region: str
) -> Decision:
    """Make the trigger request of this rule for this event and the record as it stands now."""
    event = _completed(event, context)
    about_event = event_values(event, catalog)
    explanation = [_entered(event.record, about_event)]
    reason = concerns(rule, event, catalog) or _moved_on(event, context, catalog)
    if reason is None:
        values = {**context.fields, "event": about_event}
        reason = _condition_refusal(rule, values, explanation)
        if reason is None:
            return _request(rule, values, default_region, explanation)
    return Decision(None, reason, (*explanation, reason.sentence))


def write_back(
    rule: Rule,
    moment: Moment,
    record: RecordRef,
    values: Mapping[str, Mapping[str, Any]],
    reason: str = "",
) -> WriteBack | None:
    """Return what the rule puts on the record at that moment, None where it puts nothing.

    `values` has the fields by object, `event` and `call`; `reason` is why a call failed.
    """
    records = rule.write_back.get(moment)
    if not records:
        return None
    everything = {**values, "reason": reason}
    properties = {
        name: {key: _property(value, everything) for key, value in wanted.items()}
        for name, wanted in records.items()
    }
    return WriteBack(record, properties)


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


def event_values(event: StageEvent, catalog: Catalog) -> dict[str, Any]:
    """Return the values of `event.*`: stage and pipeline by label where the catalog knows them, else by id."""
    index = index_of(catalog)
    pipeline = event.pipeline or index.pipeline_of(event.stage)
    return {
        "id": event.id,
        "occurred_at": _iso(event.occurred_at),
        "stage": index.label(event.stage),
        "pipeline": index.pipeline_label(pipeline),
        "source": event.source,
    }


def _fields(rule: Rule) -> Iterable[tuple[str, str]]:
    if rule.when.condition:
        yield from rule.when.condition.fields
    call = rule.call
    written = [
        value for records in rule.write_back.values() for each in records.values() for value in each.values()
    ]
    for part in (call.phone_number, call.agent, call.region, call.name, call.email, call.metadata, written):
        yield from _fields_in(part)


def _fields_in(tree: Tree) -> Iterable[tuple[str, str]]:
    if isinstance(tree, MergeField):
        yield from tree.fields
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _fields_in(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _fields_in(value)


def _stage_refusal(rule: Rule, stage: str, pipeline: str | None, index: StageIndex) -> Verdict:
    when = rule.when
    meant = index.meant(when.pipeline, when.enters)
    if pipeline is None:
        pipeline = index.pipeline_of(stage) if when.pipeline is not None else None
    if (pipeline, stage) in meant.places if pipeline is not None else stage in meant.stages:
        return None
    if stage in when.enters and not index.knows(stage) and when.pipeline in (None, pipeline):
        return None  # ids, and a catalog that does not know them yet
    if meant.problems:
        return Reason(
            "unknown_stage", f'rule "{rule.name}": ' + "; ".join(found for _, _, found in meant.problems)
        )
    if when.pipeline is not None and pipeline is not None and pipeline not in meant.pipelines:
        label = index.pipeline_label(pipeline)
        return Reason("other_pipeline", f'pipeline "{label}" is not the one of rule "{rule.name}"')
    wanted = " or ".join(f'"{word}"' for word in when.enters)
    return Reason("other_stage", f'stage "{index.label(stage)}" is not {wanted} of rule "{rule.name}"')


def _completed(event: StageEvent, context: Context) -> StageEvent:
    """Add what the news did not say and the record does: a created record entered the stage it is in."""
    if event.stage is None:
        return replace(event, stage=context.stage, pipeline=event.pipeline or context.pipeline)
    if event.pipeline is None and context.pipeline is not None and event.stage == context.stage:
        return replace(event, pipeline=context.pipeline)
    return event


def _entered(record: RecordRef, values: Mapping[str, Any]) -> str:
    of = f' of "{values["pipeline"]}"' if values["pipeline"] else ""
    return f'{record} entered "{values["stage"]}"{of} at {values["occurred_at"]}'


def _moved_on(event: StageEvent, context: Context, catalog: Catalog) -> Verdict:
    index = index_of(catalog)
    if context.stage is None:
        return Reason("left_stage", f"{event.record} stands in no stage now")
    elsewhere = None not in (event.pipeline, context.pipeline) and event.pipeline != context.pipeline
    if context.stage == event.stage and not elsewhere:
        return None
    now, then = index.label(context.stage), index.label(event.stage)
    return Reason("left_stage", f'{event.record} entered "{then}" and stands in "{now}" now')


def _condition_refusal(rule: Rule, values: Mapping[str, Any], explanation: list[str]) -> Verdict:
    condition = rule.when.condition
    if condition is None:
        return None
    notes: list[str] = []
    holds = condition.holds(values, notes)
    found = ", ".join(
        f"{name}.{key} is {_shown(values, name, key)}" for name, key in sorted(condition.fields)
    )
    sentence = f"if {' '.join(condition.source.split())}: {'true' if holds else 'false'}"
    explanation.append(f"{sentence} ({found})" if found else sentence)
    told = {f"{name}.{key} is empty" for name, key in condition.fields}
    explanation.extend(note for note in notes if note not in told)
    return (
        None
        if holds
        else Reason("condition_false", f"the condition of the rule is false: {found or 'always'}")
    )


def _request(rule: Rule, values: Mapping[str, Any], default_region: str, explanation: list[str]) -> Decision:
    call = rule.call
    notes: list[str] = []
    number = _number(rule, values, default_region, notes)
    explanation.extend(notes)
    if isinstance(number, Reason):
        return Decision(None, number, (*explanation, number.sentence))
    notes = []
    agent = _one_line(call.agent, values, notes)
    if call.agent is not None and agent is None:
        reason = Reason("no_agent", f"agent is given as {call.agent.source} and that is empty")
        return Decision(None, reason, (*explanation, *notes, reason.sentence))
    request = TriggerRequest(
        phone_number=number.e164,
        agent=agent,
        name=_one_line(call.name, values, notes),
        email=_one_line(call.email, values, notes),
        metadata={key: _rendered(tree, values, notes) for key, tree in call.metadata.items()},
    )
    explanation.append(f"agent: {agent or 'the default agent'}")
    explanation.extend(
        f"{key}: {value}" for key, value in (("name", request.name), ("email", request.email)) if value
    )
    explanation.extend(f"metadata {key}: {_short(value)}" for key, value in request.metadata.items())
    return Decision(request, None, (*explanation, *notes))


def _number(rule: Rule, values: Mapping[str, Any], default_region: str, notes: list[str]) -> Number | Reason:
    """Find the number to call, and say in `notes` how."""
    field = rule.call.phone_number
    raw = field.text(values, notes).strip()
    if not raw:
        return Reason("no_phone_number", f"there is no phone number ({_tried(field, values)})")
    named = rule.call.region.text(values, notes).strip() if rule.call.region else ""
    region = region_of(named) if named else default_region
    number = normalise(raw, region)
    if number is None or not number.is_dialable:
        hint = f"in {region}" if region else f'and "{_short(named)}" is not the two letters of a country'
        return Reason("not_a_phone_number", f'"{_short(raw)}" is not a phone number {hint}')
    notes.append(f'phone number: {number} (from "{_short(raw)}", region {region or "not known"})')
    return number


def _tried(field: MergeField, values: Mapping[str, Any]) -> str:
    """Where a number was looked for: in fields that are empty, or of an object that there is not."""
    absent = sorted({name for name, _ in field.fields if name not in OURS and not values.get(name)})
    if absent:
        return listed(f"the record has no {name}" for name in absent)
    fields = [f"{name}.{key}" for name, key in sorted(field.fields)] or [field.source]
    return f"{listed(fields)} {'is' if len(fields) == 1 else 'are'} empty"


def _one_line(field: MergeField | None, values: Mapping[str, Any], notes: list[str]) -> str | None:
    """Evaluate to a text without blanks that an empty field has left; None where nothing is left."""
    return (" ".join(field.text(values, notes).split()) or None) if field else None


def _rendered(tree: Tree, values: Mapping[str, Any], notes: list[str]) -> Any:
    if isinstance(tree, MergeField):
        return tree.value(values, notes)
    if isinstance(tree, Mapping):
        return {key: _rendered(value, values, notes) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_rendered(value, values, notes) for value in tree]
    return sendable(tree)


def _property(value: str | MergeField, values: Mapping[str, Any]) -> str:
    return value if isinstance(value, str) else text_of(value.value(values, []))


def _shown(values: Mapping[str, Any], name: str, key: str) -> str:
    found = (values.get(name) or {}).get(key)
    return "empty" if is_empty(found) else f'"{_short(found)}"'


def _short(value: Any) -> str:
    text = " ".join(text_of(value).split())
    return text if len(text) <= 80 else text[:79] + "…"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
