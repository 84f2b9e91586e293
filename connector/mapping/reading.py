"""From a loaded document to rules: the shape first, then every word, then the values; all mistakes together."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from connector.errors import ConfigError, Mistake
from connector.mapping.builder import shown
from connector.mapping.choices import in_braces, is_choice
from connector.mapping.doubtful import Doubt
from connector.mapping.filters import Table
from connector.mapping.habits import same_field
from connector.mapping.keys import given
from connector.mapping.language import ANY, DEFAULT_AGENT, Call, Rule, Tree, When
from connector.mapping.merge import BadMergeField, Condition, MergeField, Names
from connector.mapping.policy_reading import read_policy
from connector.mapping.reading_write_backs import read_write_backs
from connector.mapping.shape import Path, misshapen
from connector.mapping.source import Document
from connector.mapping.stages import index_of
from connector.mapping.unlikely import unlikely
from connector.mapping.vocabulary import Vocabulary
from connector.mapping.words import LIKE_A_FIELD, closest, folded, listed, nearly
from connector.model import EventKind, Source
from connector.policy.numbers import normalise, not_a_region, region_of

T = TypeVar("T")

RESERVED = "dispatch_id"
_A_NUMBER = re.compile(r"\s*\+?[0-9][0-9 ().-]{6,}")
_SEVERAL_FIELDS = re.compile(r"[a-z]\w*\.\w+(?:[,\s]+[a-z]\w*\.\w+)+")
_UNCLOSED = "closing quote is missing"
_COMMENTED = "ends before the #, which begins a comment to YAML; put the whole text in double quotes"
_MERGE_FIELD = "a merge field is written {{ contact.email }}"


class Reader:
    """Reads what has the right shape, whatever else is wrong, so that all mistakes come at once."""

    def __init__(self, document: Document, vocabulary: Vocabulary) -> None:
        self.document = document
        self.vocabulary = vocabulary
        self.tables: dict[str, Table] = {}
        self.before_call = vocabulary.names()
        self.warnings: list[Mistake] = [*document.warnings]
        """What may be right, and probably is not."""
        self.cut = {each.line for each in document.warnings}
        """Lines of texts that a # ends."""
        self.mistakes: dict[Path, list[Mistake]] = {}
        self.touched: set[Path] = set()
        """Every place with a mistake at it or below it: what stands there is not looked at again."""

    def run(self) -> tuple[Rule, ...]:
        """Return the rules; raises ConfigError with every mistake. `tables` and `warnings` are then known too."""
        for path, found in misshapen(self.document.value):
            self.mistake(path, found)
        self.tables = self._tables(("tables",), self.mapping(self.mapping(self.document.value).get("tables")))
        self.before_call = self.vocabulary.names(tables=self.tables)
        rules = self.mapping(self.document.value).get("rules")
        raw = list(enumerate(rules)) if isinstance(rules, list) else []
        read = [self._rule(("rules", number), value) for number, value in raw if isinstance(value, dict)]
        self._check_names(raw)
        if self.mistakes:
            raise ConfigError(mistake for several in self.mistakes.values() for mistake in several)
        placed = [(("rules", number), rule) for (number, _), rule in zip(raw, read, strict=True)]
        for path, found in unlikely(placed, self.vocabulary):
            self.warn(path, found)
        return tuple(read)

    def mistake(self, path: Path, found: str, *, offset: int | None = None) -> None:
        """Note a mistake at a place; with `offset`, at a character of the text there."""
        self.mistakes.setdefault(path, []).append(self._placed(path, found, offset))
        self.touched.update(path[:length] for length in range(len(path) + 1))

    def warn(self, path: Path, found: str) -> None:
        """Note what may be right at a place, and probably is not."""
        self.warnings.append(self._placed(path, found, None))

    def _placed(self, path: Path, found: str, offset: int | None) -> Mistake:
        if offset is None:
            mistake = self.document.mistake(path, found)
        else:
            mistake = self.document.mistake_in_value(path, offset, found)
        if mistake.line in self.cut and (_UNCLOSED in found or "and is empty" in found):
            mistake = replace(mistake, found=_COMMENTED)
        name = self._rule_name(path)
        return replace(mistake, where=f'{mistake.where} ("{name}")') if name else mistake

    def _catch_all(self, path: Path, key: str) -> None:
        if folded(key) in ("default", "else", "other", "otherwise", "*"):
            found = f'is the word "{shown(key)}" and no catch-all; for others write | map(...) | default(...)'
            self.warn(path, found)

    def _tables(self, path: Path, raw: dict[str, Any]) -> dict[str, Table]:
        tables: dict[str, Table] = {}
        for name, rows in raw.items():
            table: dict[str, str | float | bool] = {}
            for key, value in self.mapping(rows).items():
                if folded(key) in table:
                    found = f'"{shown(key)}" is in the table twice; capitals and blanks make no difference'
                    self.mistake((*path, name, key), found)
                self._catch_all((*path, name, key), key)
                table[folded(key)] = value
            tables[name] = table
        return tables

    def _rule(self, path: Path, raw: dict[str, Any]) -> Rule:
        when = self._when((*path, "when"), self.mapping(raw.get("when")))
        return Rule(
            name=str(raw.get("name", "")).strip(),
            when=when,
            call=self._call((*path, "call"), self.mapping(raw.get("call"))),
            policy=read_policy(self, (*path, "policy"), self.mapping(raw.get("policy"))),
            write_back=read_write_backs(self, (*path, "write_back"), when.pipeline, raw.get("write_back")),
            stop=raw.get("stop") is True,
        )

    def _when(self, path: Path, raw: dict[str, Any]) -> When:
        raw = given(When, raw)
        pipeline = self._sound((*path, "pipeline"), raw.get("pipeline"))
        how = self._sound((*path, "how"), raw.get("how"))
        when = When(
            enters=_words(raw.get("enters")),
            pipeline=None if pipeline is None else str(pipeline).strip(),
            came_from=_words(raw["from"]) if "from" in raw else (),
            how=EventKind(how) if how is not None else None,
            only_source=self._sources((*path, "only_source"), raw.get("only_source")),
            not_source=self._sources((*path, "not_source"), raw.get("not_source")),
            condition=self._condition((*path, "if"), raw.get("if")),
        )
        self._check_contradictions(path, raw, when)
        if any(folded(each) == ANY for each in when.enters) and "if" not in raw:
            self.warn(
                (*path, "enters"), "is for every record that enters any stage; name one, or narrow it by `if`"
            )
        if self.vocabulary.catalog is not None:
            index = index_of(self.vocabulary.catalog)
            self._check_stages((*path, "enters"), raw, index.meant(when.pipeline, when.enters).problems)
            self._check_stages((*path, "from"), raw, index.meant(None, when.came_from).problems)
        return when

    def _check_stages(
        self, path: Path, raw: dict[str, Any], problems: tuple[tuple[str, int | None, str], ...]
    ) -> None:
        if path[-1] not in raw or path in self.touched:
            return
        for key, number, found in problems:
            if key == "pipeline":
                self.mistake((*path[:-1], key), found)
            else:
                several = number is not None and isinstance(raw[str(path[-1])], list)
                self.mistake((*path, number) if several and number is not None else path, found)

    def _check_contradictions(self, path: Path, raw: dict[str, Any], when: When) -> None:
        if "{{" in str([when.enters, when.came_from, when.pipeline]):
            self.mistake(path, "has a merge field in the name of a stage or pipeline; write the label or id")
        if "from" in raw and not self.vocabulary.tells_previous_stage:
            found = f"{self.vocabulary.crm} does not say which stage a record comes from; leave `from` out"
            self.mistake((*path, "from"), found)
        if when.came_from and when.how is EventKind.CREATED:
            self.mistake((*path, "from"), "a record that is created in a stage comes from none: see `how`")
        told = f"{self.vocabulary.crm} tells only: {listed(sorted(self.vocabulary.sources))}"
        if when.only_source and not when.only_source & self.vocabulary.sources:
            self.mistake(
                (*path, "only_source"), f"is never true, so no event could ever be for this rule; {told}"
            )
        elif when.not_source and not when.not_source & self.vocabulary.sources:
            self.warn((*path, "not_source"), f"leaves nobody out; {told}")
        if when.only_source and when.not_source:
            found = "says again what only_source says: whoever is not named there is left out anyway"
            if when.only_source <= when.not_source:
                found = "names everybody that only_source names, so no event could ever be for this rule"
            self.mistake((*path, "not_source"), found)
        if when.not_source == frozenset(Source):
            self.mistake((*path, "not_source"), "names everybody, so no event could ever be for this rule")

    def _sources(self, path: Path, raw: Any) -> frozenset[Source]:
        found = self._sound(path, raw)
        words = found if isinstance(found, list) else [found]
        return frozenset(Source(word) for word in words if word is not None)

    def _sound(self, path: Path, raw: T) -> T | None:
        """The value at a place that has no mistake, else None."""
        return None if path in self.touched else raw

    def _condition(self, path: Path, raw: Any) -> Condition | None:
        if not isinstance(raw, str) or path in self.touched:
            return None
        try:
            found = Condition.compile(raw, self.before_call)
        except BadMergeField as error:
            self._bad(path, error)
            return None
        self._warn_of_near_names(path, found.fields, raw)
        self._warn_of_doubts(path, found.doubts, raw)
        if not found.fields:
            self.warn(path, "reads no field, so it is the same for every record")
        return found

    def _call(self, path: Path, raw: dict[str, Any]) -> Call:
        raw, names = given(Call, raw), self.before_call
        call = Call(
            phone_number=self._candidates((*path, "phone_number"), raw.get("phone_number"), names),
            agent=self._text((*path, "agent"), raw, names),
            region=self._text((*path, "region"), raw, names),
            name=self._text((*path, "name"), raw, names),
            email=self._text((*path, "email"), raw, names),
            metadata=self._metadata((*path, "metadata"), self.mapping(raw.get("metadata"))),
        )
        if "phone_number" in raw:
            self._check_number((*path, "phone_number"), call)
        self._check_region((*path, "region"), call.region)
        self._check_agent((*path, "agent"), call.agent)
        return call

    def _candidates(self, path: Path, raw: Any, names: Names) -> tuple[MergeField, ...]:
        """One text with merge fields, or a list of expressions."""
        if not isinstance(raw, list):
            found = self.merge_field(path, raw, names)
            return (found,) if found else ()
        for number, value in enumerate(raw):
            if isinstance(value, str) and _A_NUMBER.fullmatch(value):
                self.mistake(
                    (*path, number),
                    "is a number and no field: it would be called for every record; leave it out",
                )
            if isinstance(value, str) and _SEVERAL_FIELDS.fullmatch(value):
                self.mistake(
                    (*path, number),
                    f"has several fields; each is an item of its own: [{value}], without quotes",
                )
        each = [
            self.merge_field((*path, number), value, names, bare=True) for number, value in enumerate(raw)
        ]
        return tuple(field for field in each if field)

    def _text(self, path: Path, raw: dict[str, Any], names: Names) -> MergeField | None:
        """Compile the text at the last key of `path`; None where there is none or it has a mistake."""
        return self.merge_field(path, raw.get(str(path[-1])), names)

    def merge_field(self, path: Path, raw: Any, names: Names, *, bare: bool = False) -> MergeField | None:
        """Compile a text with merge fields; `bare`: an expression without braces."""
        if not isinstance(raw, str) or path in self.touched:
            return None
        try:
            found = MergeField.expression(raw, names) if bare else MergeField.compile(raw, names)
        except BadMergeField as error:
            self._bad(path, error)
            return None
        self._warn_of_near_names(path, found.fields, raw)
        self._warn_of_doubts(path, found.doubts, raw)
        object_name = raw.strip().partition(".")[0]
        if (
            LIKE_A_FIELD.fullmatch(raw.strip())
            and found.is_constant
            and object_name in {*names.objects, "call"}
        ):
            self.warn(
                path, f'is the text "{raw.strip()}"; a merge field is written "{{{{ {raw.strip()} }}}}"'
            )
        if raw.strip() in names.texts:
            self.warn(
                path, f'is the text "{raw.strip()}"; a merge field is written "{{{{ {raw.strip()} }}}}"'
            )
        for foreign in () if bare else found.foreign:
            self.warn(path, f"has {foreign}, which is sent as it stands; {_MERGE_FIELD}")
        return found

    def _warn_of_near_names(self, path: Path, fields: frozenset[tuple[str, str]], source: str) -> None:
        """A field that is nearly one of the vendor's own is probably that one; without the account nobody knows."""
        if self.vocabulary.complete_fields:
            return
        for name, key in sorted(fields):
            known = self.vocabulary.standard_fields.get(name, frozenset())
            if not known or key in known:
                continue
            meant = f"{name}{key}" if f"{name}{key}" in known else nearly(key, known)
            meant = meant or same_field(key, known)
            first, last = (each if each in known else each.lower() for each in ("firstName", "lastName"))
            if key in ("name", "fullname", "full_name", "fullName") and first in known:
                meant = f'{first}" and "{last}'
            home = None if meant else self.before_call.home_of(key)
            if home:
                found = f'"{key}" is not one of the standard fields of {name}; did you mean {home}.{key}?'
                self.warnings.append(self._placed(path, found, max(source.find(key), 0)))
            if meant:
                found = f'"{key}" is not one of the standard fields of {name}; did you mean "{meant}"?'
                if f"{name}.{meant}" == self.vocabulary.stage_field:
                    found += " It holds ids; the stage's label is event.stage"
                self.warnings.append(self._placed(path, found, max(source.find(key), 0)))

    def _warn_of_doubts(self, path: Path, doubts: Sequence[Doubt], source: str) -> None:
        for word, found in dict.fromkeys(doubts):
            self.warnings.append(self._placed(path, found, max(source.find(word), 0)))

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
        return self.merge_field(path, raw, self.before_call) if isinstance(raw, str) else raw

    def _check_number(self, path: Path, call: Call) -> None:
        if len(call.phone_number) != 1 or path in self.touched:
            return
        (number,) = call.phone_number
        if not number.is_constant:
            return
        region = region_of(call.region.source) if call.region and call.region.is_constant else None
        if not normalise(number.source, region):
            several = number.source.strip(" []")
            written = (
                f"several fields are a list, without quotes: [{', '.join(several.replace(',', ' ').split())}]"
            )
            if not _SEVERAL_FIELDS.fullmatch(several):
                field = several if LIKE_A_FIELD.fullmatch(several) else "contact.phone"
                written = f'a field is written "{{{{ {field} }}}}"'
            self.mistake(path, f'"{number.source}" is not a phone number; {written}')

    def _check_region(self, path: Path, region: MergeField | None) -> None:
        for code in sorted(region.constant_results) if region else ():
            if code.strip() and not region_of(code):
                self.mistake(path, not_a_region(code))

    def _check_agent(self, path: Path, agent: MergeField | None) -> None:
        known = self.vocabulary.agents
        if agent is None or known is None:
            return
        for name in sorted(agent.constant_results - known - {DEFAULT_AGENT}):
            found = (
                f"; {in_braces(name, self.vocabulary.owner_field)}"
                if is_choice(name)
                else closest(name, known)
            )
            self.mistake(path, f'"{name}" is not an agent{found}')

    def _check_names(self, rules: list[tuple[int, Any]]) -> None:
        seen: dict[str, int] = {}
        for number, rule in rules:
            name = self.mapping(rule).get("name")
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
        rules = self.mapping(self.document.value).get("rules")
        if len(path) < 2 or not isinstance(rules, list) or not isinstance(path[1], int):
            return ""
        name = self.mapping(rules[path[1]]).get("name")
        return shown(name) if isinstance(name, str) else ""

    @staticmethod
    def mapping(raw: Any) -> dict[str, Any]:
        """What stands there, if it is a mapping; else its shape is told, and nothing in it is looked at."""
        return raw if isinstance(raw, dict) else {}


def _words(raw: Any) -> tuple[str, ...]:
    """One label or id, or several."""
    return tuple(str(word).strip() for word in (raw if isinstance(raw, list) else [raw]))
