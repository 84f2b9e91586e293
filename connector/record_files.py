"""Records made up in YAML for `stagecall preview --record`: fields by object, and where the record stands."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.adapter import Adapter, adapter_names, find_adapter
from connector.errors import ConfigError, Mistake, PermanentError
from connector.mapping.evaluate import fields_needed
from connector.mapping.language import ANY
from connector.mapping.rules import RuleFile
from connector.mapping.source import load_yaml
from connector.mapping.words import closest, flow, folded, nearly
from connector.model import Catalog, Context, Pipeline, RecordRef, Stage, StageEvent
from connector.near_files import not_read

_AMOUNT = re.compile(r"[$€£]\s?[0-9][0-9,]*(?:\.[0-9]+)?|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_PLACE = ("stage", "pipeline")
_BROUGHT = frozenset({"source", "imported", "import", "changed_by", "only_source", "not_source"})


@dataclass(frozen=True, slots=True)
class RecordFile:
    """One record: `{"stage": "Demo requested", "deal": {"amount": 4800}, "contact": {...}}`."""

    file: Path
    document: Any
    """The YAML with its positions."""

    @property
    def values(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document.value
        return found

    def check(self, adapters: Iterable[Adapter | type[Adapter]]) -> None:
        """Raises ConfigError for what none of these CRMs has, and for an object without fields."""
        if "rules" in self.values:
            found = (
                "is a file of rules, not a record; a record has fields by object, as examples/records/ada.yaml: the"
                f" rules come first: stagecall preview {self.file} --record ada.yaml"
            )
            raise ConfigError([Mistake(str(self.file), 0, 0, "", found)])
        adapters = list(adapters)
        possible = list(dict.fromkeys([*(name for each in adapters for name in each.objects), *_PLACE]))
        mistakes = []
        for key, value in self.values.items():
            if key not in possible:
                found = f"is not part of a record{self._home(key) or closest(key, possible)}"
                mistakes.append(self.document.mistake((key,), found))
            elif key not in _PLACE and value is not None and not isinstance(value, dict):
                found = f"has its fields below it; write {key}: {{{_name_of(key, adapters)}: {flow(value)}}}"
                mistakes.append(self.document.mistake((key,), found))
        if mistakes:
            raise ConfigError(mistakes)

    def _home(self, key: str) -> str:
        """How a sentence about a field ends that stands where its record has its place."""
        if folded(key) in _BROUGHT:
            return "; who brought it there is said by the option --changed-by import"
        parts = self.values.keys()
        for adapter in sorted(map(find_adapter, adapter_names()), key=lambda each: each.record not in parts):
            for name in (adapter.record, *adapter.objects):
                if key in adapter.standard_fields.get(name, ()):
                    return f"; it is a field, and stands below its record: {name}: {{{key}: ...}}"
        return ""

    def doubts(self, adapter: Adapter, rules: RuleFile) -> list[str]:
        """Labels in the place of field names, and a stage that is nearly one of the rules'."""
        found = []
        wanted = [(each, key) for each, keys in fields_needed(rules.rules).items() for key in sorted(keys)]
        for name, fields in self.values.items():
            known = adapter.standard_fields.get(name, frozenset())
            for key, value in fields.items() if isinstance(fields, dict) else ():
                homes = [each for each, field in wanted if field == key and each != name]
                what = _no_field(name, key, known) or _no_number(value)
                usual = adapter.usual_words.get(f"{name}.{key}", frozenset())
                if (
                    usual
                    and isinstance(value, str)
                    and value not in usual
                    and (meant := nearly(value, usual))
                ):
                    what = f'is "{value}", which is not one of the usual values; did you mean "{meant}"?'
                if (name, key) == (adapter.tags_on, "tags") and isinstance(value, str):
                    listed = ", ".join(each.strip() for each in value.split(","))
                    what = f'is the text "{value}", and tags are a list: [{listed}]'
                if key not in known and homes and homes[0] in adapter.objects:
                    what = f"is read by the rules as {homes[0]}.{key}; put it below {homes[0]}"
                if what:
                    found.append(str(self.document.mistake((name, key), what)))
        for name in sorted(set(fields_needed(rules.rules)) - set(adapter.objects)):
            found.append(
                f"{self.file} is a record of {adapter.title}, and the rules read {name}, which that has not"
            )
        words = [
            word
            for rule in rules.rules
            for word in rule.when.enters
            if "," not in word and " or " not in word
        ]
        here = str(self.values.get("stage") or "")
        meant = None if folded(here) in map(folded, words) else nearly(here, words)
        if here and meant:
            found.append(f'the record stands in "{here}"; did you mean "{meant}", which the rules name?')
        return found

    def adapter_name(self) -> str | None:
        """The CRM whose records have these objects; None where that is none, or any of several."""
        objects = {key for key in self.values if key not in _PLACE}
        fitting = [each for each in adapter_names() if objects <= set(find_adapter(each).objects)]
        return fitting[0] if len(fitting) == 1 else None

    def record_id(self, record: str) -> str:
        """The id that the file gives its record, else the name of the file."""
        fields = self.values.get(record)
        return str(fields["id"]) if isinstance(fields, dict) and fields.get("id") else self.file.stem

    def stage(self) -> str:
        """Where the record stands. Raises PermanentError where the file does not say."""
        if not self.values.get("stage"):
            raise PermanentError(
                f"{self.file} does not say where the record stands; add a line such as `stage: Demo requested`"
            )
        return str(self.values["stage"])

    def catalog(self, known: Catalog, rules: RuleFile, event: StageEvent) -> Catalog:
        """The stages there are: where the record stands, those that rules name, and those known."""
        if not self.values.get("stage"):
            return known
        here = self.stage()
        named_by_rules = dict.fromkeys(each.when.pipeline for each in rules.rules if each.when.pipeline)
        pipeline = str(self.values.get("pipeline") or next(iter(named_by_rules), here))
        same = next((each for each in known.pipelines if pipeline in (each.id, each.label)), None)
        id_, label = (same.id, same.label) if same else (pipeline, pipeline)
        others = [each for each in named_by_rules if each != id_ and folded(each) not in (folded(label), ANY)]
        words = (word for rule in rules.rules for word in (*rule.when.enters, *rule.when.came_from))
        named = [here, *(word for word in words if folded(word) != ANY)]
        standard = [stage for each in known.pipelines for stage in each.stages if stage.label not in named]
        stages = [Stage(event.stage or here if word == here else word, word) for word in dict.fromkeys(named)]
        here_is = Pipeline(event.pipeline or id_, label, (*stages, *standard))
        return Catalog((here_is, *(_like(each, stages) for each in others)))

    def context(self, event: StageEvent, catalog: Catalog) -> Context:
        """The record as the CRM would give it; `amount: 1200` means the text "1200"."""
        fields: dict[str, dict[str, Any]] = {}
        for name, given in self.values.items():
            if name not in _PLACE:
                fields[name] = {
                    key: _text(value) for key, value in (given if isinstance(given, dict) else {}).items()
                }
        fields.setdefault(event.record.type, {}).setdefault("id", event.record.id)
        pipeline = next((p for p in catalog.pipelines if any(s.id == event.stage for s in p.stages)), None)
        stage = event.stage or (pipeline or Pipeline("", "", (Stage("", ""),))).stages[0].id or None
        ref = RecordRef(event.record.type, event.record.id)
        return Context(ref, stage, pipeline.id if pipeline else event.pipeline, fields)


def _name_of(key: str, adapters: Iterable[Adapter | type[Adapter]]) -> str:
    """The field that names a record of this kind: dealname, firstname."""
    known = {field for each in adapters for field in each.standard_fields.get(key, ())}
    return next((each for each in (f"{key}name", "firstname", "firstName", "name") if each in known), "name")


def _no_field(name: str, key: str, known: Iterable[str]) -> str:
    """What to say of the name of a field that is probably a label, or lacks a part: `deal: {name: ...}`."""
    if key in known:
        return ""
    word = "".join(str(key).split())
    joined = {each.casefold().replace("_", ""): each for each in known}.get(word.casefold(), "")
    likely = (joined, f"{name}{word}", f"first{word}", *str(key).split())
    meant = next((each for each in likely if each in known), None) or nearly(word, known)
    return f'"{key}" is not one of the standard fields of {name}; did you mean "{meant}"?' if meant else ""


def _no_number(value: object) -> str:
    """What to say of an amount as people write it."""
    digits = re.sub(r"[^0-9.]", "", str(value)) if isinstance(value, str) and _AMOUNT.fullmatch(value) else ""
    return f'is the text "{value}", not a number; CRMs give amounts as {digits}' if digits else ""


def _like(pipeline: str, stages: Sequence[Stage]) -> Pipeline:
    """Another pipeline that rules name: with stages of these names, which are not these stages."""
    return Pipeline(pipeline, pipeline, tuple(Stage(f"{pipeline}/{each.id}", each.label) for each in stages))


def read_record_file(file: Path, stage: str | None = None) -> RecordFile:
    """Read a record file; `stage`: where it stands, whatever it says. Raises PermanentError or ConfigError for none."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise PermanentError(f"{file} {not_read(file, error)}") from None
    document = load_yaml(text, str(file))
    if not isinstance(document.value, dict):
        found = "a record file has the record's fields by object: `deal: {amount: 1200}`"
        raise ConfigError([Mistake(str(file), 1, 1, "", found)])
    if stage is not None:
        document.value["stage"] = stage
    return RecordFile(file, document)


def check_is_no_record(file: Path, text: str) -> None:
    """Raises ConfigError for a record in the place of rules; what cannot be read at all is for others to say."""
    try:
        value = load_yaml(text.encode(), str(file)).value
    except ConfigError:
        return
    parts = {*_PLACE, *(name for each in adapter_names() for name in find_adapter(each).objects)}
    if isinstance(value, dict) and value and parts.issuperset(value):
        found = (
            "is a record, not rules; the rule file comes first, the record after it:"
            f" stagecall preview rules/mine.yaml --record {file}"
        )
        raise ConfigError([Mistake(str(file), 0, 0, "", found)])


def _text(value: Any) -> Any:
    """CRM values are text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
