"""What a rule makes of an event: a trigger request or a reason why not, with the explanation of both.

Read `decide` first. Everything here is a function of its arguments, and what it returns can be kept as JSON.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from connector.mapping.candidates import number_to_call
from connector.mapping.language import DEFAULT_AGENT, Rule, Tree
from connector.mapping.matching import (
    ELSEWHERE,
    Reason,
    Verdict,
    concerns,
    condition,
    conditions,
    moved_on,
    still_there,
    stopped_by,
    verdicts,
)
from connector.mapping.merge import MergeField
from connector.mapping.stages import index_of
from connector.mapping.steps import Looked, Part, Step, beyond, capitals, found_in
from connector.mapping.values import Later, sendable, short
from connector.mapping.vocabulary import OURS
from connector.mapping.words import folded
from connector.model import Catalog, Context, StageEvent, TriggerRequest
from connector.policy.sentences import past

__all__ = [
    "ELSEWHERE",
    "Decision",
    "Reason",
    "Situation",
    "Verdict",
    "concerns",
    "decide",
    "decide_in",
    "event_values",
    "fields_needed",
    "situation",
    "stopped_by",
    "verdicts",
]


_DEFAULT = "agent: the default agent"


@dataclass(frozen=True, slots=True)
class Decision:
    """The call to place, or the reason why there is none; and how it came to that, step by step."""

    request: TriggerRequest | None
    reason: Reason | None
    looked: Looked = field(compare=False, repr=False)
    took: bool = False
    """Was the rule's `when` true? Then a rule with `stop: true` ends the list, call or no call."""

    @property
    def explanation(self) -> tuple[Step, ...]:
        """Everything that was looked at, in order; put into words now."""
        return tuple(step for steps in self.looked for step in steps())


def fields_needed(rules: Iterable[Rule]) -> dict[str, frozenset[str]]:
    """Return what must be read from the CRM for these rules: fields by object."""
    needed: dict[str, set[str]] = {}
    for rule in rules:
        for name, key in _fields(rule):
            if name not in OURS:
                needed.setdefault(name, set()).add(key)
    return {name: frozenset(keys) for name, keys in needed.items()}


@dataclass(frozen=True, slots=True)
class Situation:
    """An event and its record as it stands now: what every rule that is asked about it looks at."""

    event: StageEvent
    """With what the news did not say and the record does."""
    catalog: Catalog
    values: Mapping[str, Mapping[str, Any]]
    """What merge fields read: the record's fields by object, and `event`."""
    moved_on: Verdict

    @property
    def entered(self) -> str:
        """The sentence that says what happened."""
        return _entered(self.event, self.values["event"])


def situation(event: StageEvent, context: Context, catalog: Catalog) -> Situation:
    """Prepare an event and its record for the rules."""
    event = _completed(event, context, catalog)
    of_event = Later(partial(event_values, event, catalog))  # few rules read them
    values = {**context.fields, **event.fields, "event": of_event}
    return Situation(event, catalog, values, moved_on(event, context, catalog))


def decide(
    rule: Rule, event: StageEvent, context: Context, catalog: Catalog, *, default_region: str
) -> Decision:
    """Make the trigger request of this rule for this event and the record as it stands now."""
    return decide_in(rule, situation(event, context, catalog), default_region=default_region)


def decide_in(rule: Rule, here: Situation, *, default_region: str) -> Decision:
    """The same for a prepared event: several rules are asked about it."""
    looked: Looked = [partial(_event_steps, rule, here)]
    reason = concerns(rule, here.event, here.catalog)
    if reason is None:
        reason = here.moved_on
        looked.append(partial(still_there, reason, here.event))
    reason = reason or condition(rule, here.values, looked)
    if reason is not None:
        return Decision(None, reason, looked)
    return _request(rule, here.values, default_region, looked)


def _event_steps(rule: Rule, here: Situation) -> Iterator[Step]:
    yield Step(Part.ENTERED, "event", here.entered)
    yield from conditions(rule, here.event, here.catalog)


def event_values(event: StageEvent, catalog: Catalog) -> dict[str, Any]:
    """Return the values of `event.*`: stage and pipeline by label where the catalog knows them, else by id."""
    index = index_of(catalog)
    pipeline = event.pipeline or index.pipeline_of(event.stage)
    return {
        "id": event.id,
        "occurred_at": _iso(event.occurred_at),
        "stage": index.label(event.stage),
        "pipeline": index.pipeline_label(pipeline),
        "previous_stage": index.label(event.previous_stage),
        "how": event.kind.value,
        "source": event.source,
        "changed_by": event.changed_by.value,
    }


def _fields(rule: Rule) -> Iterable[tuple[str, str]]:
    if rule.when.condition:
        yield from rule.when.condition.fields
    call = rule.call
    written: list[Tree] = []
    for moment in rule.write_back.moments:
        written += [*moment.records.values(), moment.note, moment.tags.add, moment.tags.remove]
        yield from ((name, "id") for name in moment.people)
    zone = rule.policy.window.zone if rule.policy.window else None
    for part in (
        zone,
        call.phone_number,
        call.agent,
        call.region,
        call.name,
        call.email,
        call.metadata,
        written,
    ):
        yield from _fields_in(part)


def _fields_in(tree: Tree) -> Iterable[tuple[str, str]]:
    if isinstance(tree, MergeField):
        yield from tree.fields
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _fields_in(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _fields_in(value)


def _completed(event: StageEvent, context: Context, catalog: Catalog) -> StageEvent:
    """Add what the news did not say and the record does: a created record entered the stage it is in."""
    if event.stage is None:
        pipeline = event.pipeline or context.pipeline
        stage = context.stage
        if event.stage_label is not None:
            stage = _labelled(event.stage_label, pipeline, context.stage, catalog)
        return replace(event, stage=stage, pipeline=pipeline)
    if event.pipeline is None and context.pipeline is not None and event.stage == context.stage:
        return replace(event, pipeline=context.pipeline)
    return event


def _labelled(label: str, pipeline: str | None, now: str | None, catalog: Catalog) -> str:
    """The id of the stage of that name, the one where the record stands before others; the name where none has it."""
    stages = [
        stage
        for each in catalog.pipelines
        if pipeline in (None, each.id)
        for stage in each.stages
        if folded(stage.label) == folded(label)
    ]
    return next((stage.id for stage in stages if stage.id == now), stages[0].id if stages else label)


def _entered(event: StageEvent, values: Mapping[str, Any]) -> str:
    of = f' of "{values["pipeline"]}"' if values["pipeline"] else ""
    return f'{event.record} entered "{values["stage"]}"{of}, {past(event.occurred_at)}'


def _request(rule: Rule, values: Mapping[str, Any], default_region: str, looked: Looked) -> Decision:
    call = rule.call
    number = number_to_call(call, values, default_region, looked, rule.policy.number_types)
    if isinstance(number, Reason):
        return Decision(None, number, looked, took=True)
    agent = _one_line("agent", call.agent, values, looked)
    if call.agent is None:
        looked.append(lambda: (Step(Part.CALL, "agent", _DEFAULT),))
    elif folded(agent or "") == DEFAULT_AGENT:
        looked[-1], agent = partial(_default_agent, looked[-1]), None
    elif agent is None:
        reason = Reason("no_agent", f"agent is given as {call.agent.source} and that is empty")
        looked[-1] = partial(_refused, looked[-1], reason)
        return Decision(None, reason, looked, took=True)
    request = TriggerRequest(
        phone_number=number.e164,
        agent=agent,
        name=_one_line("name", call.name, values, looked),
        email=_one_line("email", call.email, values, looked),
        metadata={key: _given(key, tree, values, looked) for key, tree in call.metadata.items()},
    )
    return Decision(request, None, looked, took=True)


def _default_agent(steps: Callable[[], Iterable[Step]]) -> Iterator[Step]:
    """The same steps, of a choice that gives the default agent."""
    for step in steps():
        yield replace(step, sentence=_DEFAULT)


def _refused(steps: Callable[[], Iterable[Step]], reason: Reason) -> Iterator[Step]:
    """The same steps, as what speaks against the call."""
    for step in steps():
        yield replace(step, sentence=reason.sentence, holds=False)


def _one_line(key: str, field: MergeField | None, values: Mapping[str, Any], looked: Looked) -> str | None:
    """Evaluate to a text without blanks that an empty field has left; None where nothing is left."""
    if field is None:
        return None
    notes: list[str] = []
    text = " ".join(field.text(values, notes).split()) or None
    looked.append(partial(_value_step, key, text, field, values, notes))
    return text


def _given(key: str, tree: Tree, values: Mapping[str, Any], looked: Looked) -> Any:
    """Evaluate a value of the metadata."""
    notes: list[str] = []
    value = _rendered(tree, values, notes)
    looked.append(partial(_value_step, f"metadata.{key}", value, tree, values, notes))
    return value


def _value_step(
    key: str, value: Any, tree: Tree, values: Mapping[str, Any], notes: list[str]
) -> Iterator[Step]:
    found = found_in(values, frozenset(_fields_in(tree)))
    shown = "empty, left out" if value is None else short(value)
    sentence = f"{key.removeprefix('metadata.')}: {shown}"
    remarks = [*beyond(notes, found), *(capitals(tree.source, found) if isinstance(tree, MergeField) else ())]
    yield Step(Part.CALL, key, sentence, True, found, tuple(remarks))


def _rendered(tree: Tree, values: Mapping[str, Any], notes: list[str]) -> Any:
    if isinstance(tree, MergeField):
        return tree.value(values, notes)
    if isinstance(tree, Mapping):
        return {key: _rendered(value, values, notes) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_rendered(value, values, notes) for value in tree]
    return sendable(tree)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
