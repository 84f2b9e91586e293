"""From a loaded document to rules: the shape first, then every word, then the values; all mistakes together."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connector.errors import ConfigError, Mistake
from connector.mapping.builder import shown
from connector.mapping.merge import BadMergeField, Condition, MergeField, Names
from connector.mapping.shape import Path, misshapen, unknown_key
from connector.mapping.source import Document
from connector.mapping.stages import index_of
from connector.mapping.values import text_of
from connector.mapping.vocabulary import Moment, Vocabulary
from connector.mapping.words import closest, folded
from connector.policy.numbers import normalise, region_of

Tree = Any
"""Metadata: a MergeField, a constant, or a mapping or list of these."""

RESERVED = "dispatch_id"
MOMENTS: tuple[Moment, ...] = ("placed", "ended", "failed")


@dataclass(frozen=True, slots=True)
class When:
    """Which events a rule is for."""

    enters: tuple[str, ...]
    pipeline: str | None = None
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """The call that a rule places."""

    phone_number: MergeField
    agent: MergeField | None = None
    region: MergeField | None = None
    name: MergeField | None = None
    email: MergeField | None = None
    metadata: Mapping[str, Tree] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """When this, call that, write this back."""

    name: str
    when: When
    call: Call
    write_back: Mapping[Moment, Mapping[str, Mapping[str, str | MergeField]]] = field(default_factory=dict)


def read_rules(document: Document, vocabulary: Vocabulary) -> tuple[Rule, ...]:
    """Return the rules of a document. Raises ConfigError with every mistake."""
    return _Reader(document, vocabulary).run()


class _Reader:
    """Reads what has the right shape, whatever else is wrong, so that all mistakes come at once."""

    def __init__(self, document: Document, vocabulary: Vocabulary) -> None:
        self.document = document
        self.vocabulary = vocabulary
        self.before_call = vocabulary.names()
        self.mistakes: dict[Path, list[Mistake]] = {}
        self.touched: set[Path] = set()
        """Every place with a mistake at it or below it: what stands there is not looked at again."""

    def run(self) -> tuple[Rule, ...]:
        for path, found in misshapen(self.document.value):
            self.mistake(path, found)
        rules = self._mapping(self.document.value).get("rules")
        raw = list(enumerate(rules)) if isinstance(rules, list) else []
        read = [self._rule(("rules", number), value) for number, value in raw if isinstance(value, dict)]
        self._check_names(raw)
        if self.mistakes:
            raise ConfigError(mistake for several in self.mistakes.values() for mistake in several)
        return tuple(read)

    def mistake(self, path: Path, found: str, *, offset: int | None = None) -> None:
        """Note a mistake at a place; with `offset`, at a character of the text there."""
        if offset is None:
            mistake = self.document.mistake(path, found)
        else:
            mistake = self.document.mistake_in_value(path, offset, found)
        name = self._rule_name(path)
        if name:
            mistake = replace(mistake, where=f'{mistake.where} ("{name}")')
        self.mistakes.setdefault(path, []).append(mistake)
        self.touched.update(path[:length] for length in range(len(path) + 1))

    def _rule(self, path: Path, raw: dict[str, Any]) -> Rule:
        return Rule(
            name=str(raw.get("name", "")).strip(),
            when=self._when((*path, "when"), self._mapping(raw.get("when"))),
            call=self._call((*path, "call"), self._mapping(raw.get("call"))),
            write_back=self._write_back((*path, "write_back"), self._mapping(raw.get("write_back"))),
        )

    def _when(self, path: Path, raw: dict[str, Any]) -> When:
        enters = raw.get("enters")
        words = enters if isinstance(enters, list) else [enters]
        pipeline = raw.get("pipeline")
        when = When(
            enters=tuple(str(word).strip() for word in words),
            pipeline=None if pipeline is None else str(pipeline).strip(),
            condition=self._condition((*path, "if"), raw.get("if")),
        )
        if self.vocabulary.catalog is not None and "enters" in raw and (*path, "enters") not in self.touched:
            for key, number, found in (
                index_of(self.vocabulary.catalog).meant(when.pipeline, when.enters).problems
            ):
                at = (key, number) if number is not None and isinstance(enters, list) else (key,)
                self.mistake((*path, *at), found)
        return when

    def _condition(self, path: Path, raw: Any) -> Condition | None:
        if not isinstance(raw, str) or path in self.touched:
            return None
        try:
            return Condition.compile(raw, self.before_call)
        except BadMergeField as error:
            self._bad(path, error)
            return None

    def _call(self, path: Path, raw: dict[str, Any]) -> Call:
        names = self.before_call
        call = Call(
            phone_number=self._text((*path, "phone_number"), raw, names) or MergeField.compile("", names),
            agent=self._text((*path, "agent"), raw, names),
            region=self._text((*path, "region"), raw, names),
            name=self._text((*path, "name"), raw, names),
            email=self._text((*path, "email"), raw, names),
            metadata=self._metadata((*path, "metadata"), self._mapping(raw.get("metadata"))),
        )
        if "phone_number" in raw:
            self._check_number((*path, "phone_number"), call)
        self._check_region((*path, "region"), call.region)
        self._check_agent((*path, "agent"), call.agent)
        return call

    def _text(self, path: Path, raw: dict[str, Any], names: Names) -> MergeField | None:
        """Compile the text at the last key of `path`; None where there is none or it has a mistake."""
        return self._merge_field(path, raw.get(str(path[-1])), names)

    def _merge_field(self, path: Path, raw: Any, names: Names) -> MergeField | None:
        if not isinstance(raw, str) or path in self.touched:
            return None
        try:
            return MergeField.compile(raw, names)
        except BadMergeField as error:
            self._bad(path, error)
            return None

    def _metadata(self, path: Path, raw: dict[str, Any]) -> dict[str, Tree]:
        if RESERVED in raw:
            self.mistake((*path, RESERVED), f'"{RESERVED}" is set by Stagecall itself; use another key')
        return {key: self._tree((*path, key), value) for key, value in raw.items()}

    def _tree(self, path: Path, raw: Any) -> Tree:
        if "{{" in str(path[-1]):
            self.mistake(path, "has a merge field in a key; only values may have them")
        if isinstance(raw, dict):
            return {key: self._tree((*path, key), value) for key, value in raw.items()}
        if isinstance(raw, list):
            return [self._tree((*path, number), value) for number, value in enumerate(raw)]
        return self._merge_field(path, raw, self.before_call) if isinstance(raw, str) else raw

    def _write_back(
        self, path: Path, raw: dict[str, Any]
    ) -> dict[Moment, dict[str, dict[str, str | MergeField]]]:
        found: dict[Moment, dict[str, dict[str, str | MergeField]]] = {}
        for moment in MOMENTS:
            records = self._mapping(raw.get(moment))
            names = self.vocabulary.names(moment)
            found[moment] = {
                name: self._properties((*path, moment, name), name, self._mapping(properties), names)
                for name, properties in records.items()
                if self._writable((*path, moment, name), name)
            }
        return {moment: records for moment, records in found.items() if records}

    def _writable(self, path: Path, name: str) -> bool:
        if name in self.vocabulary.writable:
            return True
        self.mistakes.pop(path, None)  # its shape does not matter
        if name in self.vocabulary.objects:
            possible = ", ".join(self.vocabulary.writable)
            self.mistake(path, f"{name} cannot be written to; possible: {possible}")
        else:
            self.mistake(path, unknown_key(name, f'"{path[-2]}"', list(self.vocabulary.writable)))
        return False

    def _properties(
        self, path: Path, name: str, raw: dict[str, Any], names: Names
    ) -> dict[str, str | MergeField]:
        known = self.vocabulary.fields_of(name)
        found: dict[str, str | MergeField] = {}
        for key, value in raw.items():
            at = (*path, key)
            if known is not None and key not in known:
                self.mistake(at, f'"{key}" is not a property of {name}{closest(key, known)}')
            if isinstance(value, str):
                found[key] = self._merge_field(at, value, names) or ""
            else:
                found[key] = text_of(value)
        return found

    def _check_number(self, path: Path, call: Call) -> None:
        number = call.phone_number
        if not number.is_constant or path in self.touched:
            return
        region = region_of(call.region.source) if call.region and call.region.is_constant else None
        if not normalise(number.source, region):
            found = f'"{number.source}" is not a phone number; a field is written "{{{{ contact.phone }}}}"'
            self.mistake(path, found)

    def _check_region(self, path: Path, region: MergeField | None) -> None:
        for code in sorted(region.constant_results) if region else ():
            if code.strip() and not region_of(code):
                self.mistake(path, f'"{code}" is not a country; write its two letters, such as US or GB')

    def _check_agent(self, path: Path, agent: MergeField | None) -> None:
        known = self.vocabulary.agents
        if agent is None or known is None:
            return
        for name in sorted(agent.constant_results - known):
            self.mistake(path, f'"{name}" is not an agent{closest(name, known)}')

    def _check_names(self, rules: list[tuple[int, Any]]) -> None:
        seen: dict[str, int] = {}
        for number, rule in rules:
            name = self._mapping(rule).get("name")
            if not isinstance(name, str) or not name.strip():
                continue
            path = ("rules", number, "name")
            if folded(name) in seen:
                line, _ = self.document.position(("rules", seen[folded(name)], "name"))
                self.mistake(path, f"is the name of the rule on line {line} too; a rule's name is its own")
            seen.setdefault(folded(name), number)

    def _bad(self, path: Path, error: BadMergeField) -> None:
        for problem in error.problems:
            self.mistake(path, problem.found, offset=problem.offset)

    def _rule_name(self, path: Path) -> str:
        rules = self._mapping(self.document.value).get("rules")
        if len(path) < 2 or not isinstance(rules, list) or not isinstance(path[1], int):
            return ""
        name = self._mapping(rules[path[1]]).get("name")
        return shown(name) if isinstance(name, str) else ""

    @staticmethod
    def _mapping(raw: Any) -> dict[str, Any]:
        return raw if isinstance(raw, dict) else {}
