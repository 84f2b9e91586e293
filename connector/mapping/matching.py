"""Is an event one that a rule is for? The verdict of each `when`, with a word and a sentence for every no."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from connector.mapping.language import ANY, Rule, When
from connector.mapping.merge import Condition
from connector.mapping.stages import StageIndex, index_of
from connector.mapping.steps import Looked, Part, Step, beyond, capitals, found_in, told
from connector.mapping.values import short
from connector.mapping.words import folded, listed
from connector.model import Catalog, Context, EventKind, Source, StageEvent

UNKNOWN_STAGE: Final = "unknown_stage"
ELSEWHERE: Final = frozenset(
    {
        "own_write_back",
        "other_stage",
        "other_pipeline",
        UNKNOWN_STAGE,
        "other_how",
        "other_source",
        "other_previous_stage",
        "previous_stage_unknown",
        "stopped",
    }
)
"""Words of reasons that make an event none of a rule's: no call was ever to come of it."""

_MOST_VERDICTS = 10_000
_BY: Final[Mapping[Source, str]] = {
    Source.PERSON: "by hand",
    Source.BULK_EDIT: "by a bulk edit",
    Source.IMPORT: "by an import",
    Source.INTEGRATION: "by an integration",
    Source.WORKFLOW: "by a workflow",
    Source.UNKNOWN: "nobody knows by whom",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule makes no call: a word for programs, a sentence for people."""

    word: str
    sentence: str


Verdict = Reason | None
"""Why a rule is not concerned; None where it is, or may be."""

OWN: Final = Reason("own_write_back", "our own write-back moved the record; that never starts a call")


def concerns(rule: Rule, event: StageEvent, catalog: Catalog) -> Verdict:
    """Decide from the event alone, before anything is read from the CRM."""
    return OWN if event.own else _verdict(rule, event, index_of(catalog))


def verdicts(rules: Sequence[Rule], event: StageEvent, catalog: Catalog) -> Sequence[Verdict]:
    """Decide from the event alone, for each rule of a file.

    Events repeat each other in all that matters here, so what was found out is kept with the catalog.
    """
    if event.own:
        return [OWN] * len(rules)
    index = index_of(catalog)
    stages_known = event.stage is None or index.has(event.stage, event.pipeline)
    if not stages_known or not (event.previous_stage is None or index.knows(event.previous_stage)):
        return [_verdict(rule, event, index) for rule in rules]
    # the rules of a file stay the same object; keeping them keeps their id their own
    key = id(rules), event.stage, event.pipeline, event.previous_stage, event.kind, event.changed_by
    kept: tuple[Sequence[Rule], Sequence[Verdict]] | None = index.verdicts.get(key)
    if kept is None or kept[0] is not rules:
        if len(index.verdicts) >= _MOST_VERDICTS:
            index.verdicts.clear()
        kept = index.verdicts[key] = rules, tuple(_verdict(rule, event, index) for rule in rules)
    return kept[1]


def stopped_by(rule: Rule) -> Reason:
    """Why the rules below a rule with `stop: true` are not asked."""
    return Reason("stopped", f'rule "{rule.name}" above has taken the event, and says stop: true')


def moved_on(event: StageEvent, context: Context, catalog: Catalog) -> Verdict:
    """Does the record still stand where the event says?"""
    index = index_of(catalog)
    if context.stage is None:
        return Reason("left_stage", f"{event.record} stands in no stage now")
    elsewhere = None not in (event.pipeline, context.pipeline) and event.pipeline != context.pipeline
    if context.stage == event.stage and not elsewhere:
        return None
    now, then = index.label(context.stage), index.label(event.stage)
    return Reason("left_stage", f'{event.record} entered "{then}" and stands in "{now}" now')


def conditions(rule: Rule, event: StageEvent, catalog: Catalog) -> list[Step]:
    """Return every condition of the rule's `when` that the event alone decides, each with what was found."""
    index = index_of(catalog)
    steps = []
    if event.own:
        steps.append(Step(Part.WHEN, "own", OWN.sentence, holds=False))
    refusal = _stage_refusal(rule, event.stage, event.pipeline, index) if event.stage is not None else None
    if refusal is not None and refusal.word == "other_pipeline":
        steps.append(_judged("pipeline", refusal, ""))
    else:
        steps.append(_judged("enters", refusal, f'{event.record} entered "{index.label(event.stage)}"'))
    if rule.when.how is not None:
        steps.append(_judged("how", _how_refusal(rule, event), _was(event)))
    if rule.when.only_source or rule.when.not_source:
        key = "only_source" if rule.when.only_source else "not_source"
        by = f"the record was changed {_BY[event.changed_by]}{_in_their_words(event)}"
        steps.append(_judged(key, _source_refusal(rule, event), by))
    if rule.when.came_from:
        before = f'the record came from "{index.label(event.previous_stage)}"'
        steps.append(_judged("from", _from_refusal(rule, event, index), before))
    return steps


def condition(rule: Rule, values: Mapping[str, Any], looked: Looked) -> Verdict:
    """Decide the rule's `if`, and add to `looked` each of its clauses with the values it saw."""
    wanted = rule.when.condition
    if wanted is None:
        return None
    looked.append(partial(_clauses, wanted, values))
    failing = wanted.failing(values)
    if failing is None:
        return None
    found = found_in(values, failing.compiled.fields)
    return Reason("condition_false", f"the condition of the rule is false: {told(found) or 'always'}")


def _clauses(wanted: Condition, values: Mapping[str, Any]) -> Iterator[Step]:
    for each in wanted.judge(values):
        found = found_in(values, each.clause.compiled.fields)
        sentence = f"{each.clause.line}: {'true' if each.holds else 'false'}"
        sentence = f"{sentence} ({told(found)})" if found else sentence
        notes = [*beyond(each.notes, found), *capitals(each.clause.line, found, holds=each.holds)]
        yield Step(Part.WHEN, "if", sentence, each.holds, found, tuple(notes))


def still_there(verdict: Verdict, event: StageEvent) -> Iterator[Step]:
    """Yield the step that says whether the record still stands where the event says."""
    sentence = verdict.sentence if verdict else f"{event.record} still stands in the stage"
    yield Step(Part.WHEN, "still_there", sentence, verdict is None)


def _judged(key: str, refusal: Verdict, otherwise: str) -> Step:
    return Step(Part.WHEN, key, refusal.sentence if refusal else otherwise, refusal is None)


def _verdict(rule: Rule, event: StageEvent, index: StageIndex) -> Verdict:
    refusal = None
    if event.stage is not None:
        refusal = _stage_refusal(rule, event.stage, event.pipeline, index)
    return (
        refusal
        or _how_refusal(rule, event)
        or _source_refusal(rule, event)
        or _from_refusal(rule, event, index)
    )


def _stage_refusal(rule: Rule, stage: str, pipeline: str | None, index: StageIndex) -> Verdict:
    when = rule.when
    meant = index.meant(when.pipeline, when.enters)
    if pipeline is None:
        pipeline = index.pipeline_of(stage) if when.pipeline is not None else None
    if (pipeline, stage) in meant.places if pipeline is not None else stage in meant.stages:
        return None
    if (
        not index.knows(stage)
        and when.pipeline in (None, pipeline)
        and (stage in when.enters or _is_any(when))
    ):
        return None  # ids, and a catalog that does not know them yet
    if meant.problems:
        return Reason(
            UNKNOWN_STAGE, f'rule "{rule.name}": ' + "; ".join(found for _, _, found in meant.problems)
        )
    if when.pipeline is not None and pipeline is not None and pipeline not in meant.pipelines:
        label = index.pipeline_label(pipeline)
        return Reason("other_pipeline", f'pipeline "{label}" is not "{when.pipeline}" of rule "{rule.name}"')
    wanted = " or ".join(f'"{word}"' for word in when.enters)
    return Reason("other_stage", f'stage "{index.label(stage)}" is not {wanted} of rule "{rule.name}"')


def _is_any(when: When) -> bool:
    return any(folded(word) == ANY for word in when.enters)


def _how_refusal(rule: Rule, event: StageEvent) -> Verdict:
    wanted = rule.when.how
    if wanted is None or wanted is event.kind:
        return None
    return Reason("other_how", f'{_was(event)}; rule "{rule.name}" is for {wanted.value} ones only')


def _was(event: StageEvent) -> str:
    was = "created in the stage" if event.kind is EventKind.CREATED else "moved into the stage"
    return f"the record was {was}"


def _source_refusal(rule: Rule, event: StageEvent) -> Verdict:
    only, never, by = rule.when.only_source, rule.when.not_source, event.changed_by
    if (by in only or not only) and by not in never:
        return None
    words = f"only_source: {listed(sorted(only))}" if only else f"not_source: {listed(sorted(never))}"
    return Reason(
        "other_source",
        f'the record was changed {_BY[by]}{_in_their_words(event)}; rule "{rule.name}" says {words}',
    )


def _in_their_words(event: StageEvent) -> str:
    return f' (the CRM says "{short(event.source)}")' if event.source else ""


def _from_refusal(rule: Rule, event: StageEvent, index: StageIndex) -> Verdict:
    words, before = rule.when.came_from, event.previous_stage
    if not words:
        return None
    wanted = " or ".join(f'"{word}"' for word in words)
    if event.kind is EventKind.CREATED:
        sentence = f'the record was created in the stage; rule "{rule.name}" is for records from {wanted}'
        return Reason("other_previous_stage", sentence)
    if before is None:
        sentence = f'the CRM did not say where the record came from; rule "{rule.name}" is for {wanted}'
        return Reason("previous_stage_unknown", sentence)
    meant = index.meant(None, words)
    if before in meant.stages or (before in words and not index.knows(before)):
        return None
    if meant.problems and not meant.stages:
        return Reason(
            UNKNOWN_STAGE, f'rule "{rule.name}": ' + "; ".join(found for _, _, found in meant.problems)
        )
    return Reason(
        "other_previous_stage",
        f'the record came from "{index.label(before)}", which is not {wanted} of rule "{rule.name}"',
    )
