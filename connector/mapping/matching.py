"""Is an event one that a rule is for? The verdict of each `when`, with a word and a sentence for every no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connector.mapping.language import ANY, Rule, When
from connector.mapping.stages import StageIndex, index_of
from connector.mapping.values import is_empty, short
from connector.mapping.words import folded, listed
from connector.model import Catalog, Context, EventKind, Source, StageEvent

ELSEWHERE: Final = frozenset(
    {
        "own_write_back",
        "other_stage",
        "other_pipeline",
        "unknown_stage",
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


def condition_refusal(rule: Rule, values: Mapping[str, Any], explanation: list[str]) -> Verdict:
    """Decide the rule's `if`, and say with which values."""
    condition = rule.when.condition
    if condition is None:
        return None
    notes: list[str] = []
    holds = condition.holds(values, notes)
    found = ", ".join([f"{spelt} is {_shown(values, name, key)}" for name, key, spelt in condition.reads])
    sentence = f"if {condition.line}: {'true' if holds else 'false'}"
    explanation.append(f"{sentence} ({found})" if found else sentence)
    if notes:
        explanation.extend(note for note in notes if note not in condition.told)
    if holds:
        return None
    return Reason("condition_false", f"the condition of the rule is false: {found or 'always'}")


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
            "unknown_stage", f'rule "{rule.name}": ' + "; ".join(found for _, _, found in meant.problems)
        )
    if when.pipeline is not None and pipeline is not None and pipeline not in meant.pipelines:
        label = index.pipeline_label(pipeline)
        return Reason("other_pipeline", f'pipeline "{label}" is not the one of rule "{rule.name}"')
    wanted = " or ".join(f'"{word}"' for word in when.enters)
    return Reason("other_stage", f'stage "{index.label(stage)}" is not {wanted} of rule "{rule.name}"')


def _is_any(when: When) -> bool:
    return any(folded(word) == ANY for word in when.enters)


def _how_refusal(rule: Rule, event: StageEvent) -> Verdict:
    wanted = rule.when.how
    if wanted is None or wanted is event.kind:
        return None
    was = "was created in the stage" if event.kind is EventKind.CREATED else "was moved into the stage"
    return Reason("other_how", f'the record {was}; rule "{rule.name}" is for {wanted.value} ones only')


def _source_refusal(rule: Rule, event: StageEvent) -> Verdict:
    only, never, by = rule.when.only_source, rule.when.not_source, event.changed_by
    if (by in only or not only) and by not in never:
        return None
    theirs = f' (the CRM says "{short(event.source)}")' if event.source else ""
    words = f"only_source: {listed(sorted(only))}" if only else f"not_source: {listed(sorted(never))}"
    return Reason(
        "other_source", f'the record was changed {_BY[by]}{theirs}; rule "{rule.name}" says {words}'
    )


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
            "unknown_stage", f'rule "{rule.name}": ' + "; ".join(found for _, _, found in meant.problems)
        )
    return Reason(
        "other_previous_stage",
        f'the record came from "{index.label(before)}", which is not {wanted} of rule "{rule.name}"',
    )


def _shown(values: Mapping[str, Any], name: str, key: str) -> str:
    found = (values.get(name) or {}).get(key)
    return "empty" if is_empty(found) else f'"{short(found)}"'
