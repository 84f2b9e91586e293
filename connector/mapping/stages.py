"""Which stages a rule means: labels or ids, looked up in the connection's catalog."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connector.mapping.habits import excluded
from connector.mapping.language import ANY
from connector.mapping.words import closest, folded
from connector.model import Catalog, Pipeline

_EVERY = frozenset(
    {"*", "all", "every", "everything", "all stages", "any stage", "all pipelines", "any pipeline"}
)
EVERY = f"; whichever it is, is written {ANY}"
_KEPT = 32
"""Catalogs whose look-ups are kept; there is one for each connection."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The stages that a rule's words stand for."""

    places: frozenset[tuple[str, str]]
    """(pipeline id, stage id)"""
    stages: frozenset[str]
    pipelines: frozenset[str]
    problems: tuple[tuple[str, int | None, str], ...]
    """Words the catalog does not know: the key (`pipeline`, `enters`), which of several, a sentence."""


def is_every(word: str) -> bool:
    """Is it what people write for whichever stage, and is none of ours?"""
    return folded(word) in _EVERY


class StageIndex:
    """A catalog, prepared for questions."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.verdicts: dict[tuple[Any, ...], Any] = {}
        """Room for what was found out about rules and the stages of this catalog: asked again with every event."""
        self._meant: dict[tuple[str | None, tuple[str, ...]], Meant] = {}
        self._labels = {
            stage.id: (stage.label, pipeline) for pipeline in catalog.pipelines for stage in pipeline.stages
        }
        self._pipelines = {pipeline.id: pipeline.label for pipeline in catalog.pipelines}

    def knows(self, stage: str) -> bool:
        """Is there a stage of that id?"""
        return stage in self._labels

    def has(self, stage: str, pipeline: str | None) -> bool:
        """Is there a stage of that id, in that pipeline where one is named?"""
        return stage in self._labels and (pipeline is None or pipeline in self._pipelines)

    def label(self, stage: str | None) -> str | None:
        """Return the label of a stage, its id where the catalog does not know it."""
        return None if stage is None else self._labels[stage][0] if stage in self._labels else stage

    def pipeline_label(self, pipeline: str | None) -> str | None:
        """Return the label of a pipeline, its id where the catalog does not know it."""
        return None if pipeline is None else self._pipelines.get(pipeline, pipeline)

    def pipeline_of(self, stage: str | None) -> str | None:
        """Return the pipeline of a stage that is in one pipeline only."""
        holders = [each for each in self.catalog.pipelines if any(one.id == stage for one in each.stages)]
        return holders[0].id if len(holders) == 1 else None

    def meant(self, pipeline: str | None, enters: tuple[str, ...]) -> Meant:
        """Look a rule's words up."""
        key = pipeline, enters
        if key not in self._meant:
            self._meant[key] = self._look_up(pipeline, enters)
        return self._meant[key]

    def _look_up(self, pipeline: str | None, enters: tuple[str, ...]) -> Meant:
        within = [each for each in self.catalog.pipelines if pipeline is None or _is(each, pipeline)]
        problems: list[tuple[str, int | None, str]] = []
        if pipeline is not None and not within:
            labels = [each.label for each in self.catalog.pipelines]
            meant = EVERY if folded(pipeline) in _EVERY else closest(pipeline, labels)
            problems.append(("pipeline", None, f'"{pipeline}" is not a pipeline{meant}'))
        places: set[tuple[str, str]] = set()
        for number, word in enumerate(enters):
            found = set(_places(within, word))
            places |= found
            if not found and within:
                problems.append(("enters", number, self._no_stage(word, pipeline, within)))
        if not self.catalog.pipelines:
            problems = [("enters", None, "the CRM has no pipeline that can be seen")]
        return Meant(
            frozenset(places),
            frozenset(stage for _, stage in places),
            frozenset(each.id for each in within),
            tuple(problems),
        )

    def _no_stage(self, word: str, pipeline: str | None, within: list[Pipeline]) -> str:
        labels = [stage.label for each in within for stage in each.stages]
        of = within[0].label if pipeline is not None else "any pipeline"
        elsewhere = [each.label for each in self.catalog.pipelines if any(_places([each], word))]
        hint = f" (it is one of {', '.join(elsewhere)})" if elsewhere else ""
        if instead := excluded("enters", word):
            return f'"{word}" is not a stage of {of}; {instead}'
        parts = [each.strip() for each in re.split(r",|;|/| or |\n", word.strip("() ")) if each.strip()]
        if len(parts) > 1 and all(any(_places(within, each)) for each in parts):
            return f'"{word}" is not a stage of {of}; several are a list: [{", ".join(parts)}]'
        if folded(word) in _EVERY:
            return f'"{word}" is not a stage of {of}{EVERY}'
        return f'"{word}" is not a stage of {of}{hint}{closest(word, labels)}'


_indexes: dict[int, StageIndex] = {}


def index_of(catalog: Catalog) -> StageIndex:
    """Return the index of a catalog, the same for the same catalog."""
    found = _indexes.get(id(catalog))
    if found is None or found.catalog is not catalog:
        if len(_indexes) >= _KEPT:
            _indexes.clear()
        found = _indexes[id(catalog)] = StageIndex(
            catalog
        )  # which keeps the catalog, so its id stays its own
    return found


def _is(pipeline: Pipeline, word: str) -> bool:
    return pipeline.id == word or folded(pipeline.label) == folded(word)


def _places(within: list[Pipeline], word: str) -> Iterator[tuple[str, str]]:
    label = folded(word)
    for pipeline in within:
        for stage in pipeline.stages:
            if label == ANY or stage.id == word or folded(stage.label) == label:
                yield pipeline.id, stage.id
