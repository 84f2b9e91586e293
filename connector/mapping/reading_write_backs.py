"""`write_back` of a rule: what the CRM cannot do, and what makes no sense at that moment, is a mistake there."""

from typing import TYPE_CHECKING, Any, Final

from connector.mapping.builder import shown
from connector.mapping.habits import ELSEWHERE, KEYS, record_of, same_field
from connector.mapping.keys import given
from connector.mapping.language import ANY
from connector.mapping.merge import MergeField, Names
from connector.mapping.misplaced import unknown_key
from connector.mapping.outcomes import by_outcome, meant_outcome
from connector.mapping.shape import Path, places
from connector.mapping.stages import index_of
from connector.mapping.values import text_of
from connector.mapping.vocabulary import Moment as MomentName
from connector.mapping.words import closest, flow, folded, listed, nearest
from connector.mapping.write_back_keys import Moment, Properties, Tags, WriteBacks
from connector.model import Outcome

if TYPE_CHECKING:
    from connector.mapping.reading import Reader

MOMENTS: Final[tuple[MomentName, ...]] = ("placed", "ended", "failed", "skipped", "held")
_CHOICE: Final = (
    "conditions stand under `when` of the rule; what is written can depend on the call:"
    " \"{{ 'reached' if call.outcome == 'answered' else 'not reached' }}\""
)
_SAVING: Final = frozenset({"properties", "property", "save", "write", "update", "set", "fields", "store"})
_MOVING: Final = frozenset(
    {"move", "move_to", "moved", "move_stage", "to_stage", "set_stage", "change_stage"}
)
OUR_KEYS: Final = ("note", "log_call", "stage", "tags")


def read_write_backs(reader: "Reader", path: Path, pipeline: str | None, raw: Any) -> WriteBacks:
    """Read every moment; `pipeline` is the rule's own, where it names one."""
    moments = reader.mapping(raw)
    found = {
        name: _MomentReader(reader, (*path, name), name, pipeline).run(reader.mapping(moments.get(name)))
        for name in MOMENTS
    }
    return WriteBacks(**found)


class _MomentReader:
    """Reads one moment."""

    def __init__(self, reader: "Reader", path: Path, moment: MomentName, pipeline: str | None) -> None:
        self.reader = reader
        self.words = reader.vocabulary
        self.path = path
        self.moment = moment
        self.pipeline = pipeline
        self.names: Names = reader.vocabulary.names(moment, reader.tables)
        self.record = record = self.words.objects[0] if self.words.objects else ""
        self.notes_on = tuple(each for each in self.words.notes_on if each != record)
        self.calls_on = tuple(each for each in self.words.calls_on if each != record)
        self.tags_on = self.words.tags_on if self.words.tags_on not in (None, record) else ""

    def run(self, raw: dict[str, Any]) -> Moment:
        """Return what is to be written at this moment."""
        raw = given(Moment, raw)
        records = {
            name: self._properties((*self.path, name), name, self.reader.mapping(properties))
            for name, properties in raw.items()
            if name not in OUR_KEYS and self._writable((*self.path, name), name, properties)
        }
        note, log_call, tags = self._note(raw), self._log_call(raw), self._tags(raw)
        people = {
            *records,
            *(self.notes_on if note else ()),
            *(self.calls_on if log_call else ()),
            *([self.tags_on] if tags.add or tags.remove else []),
        }
        return Moment(
            records=records,
            note=note,
            log_call=log_call,
            stage=self._stage(raw),
            tags=tags,
            notes_on=self.notes_on,
            calls_on=self.calls_on,
            tags_on=self.tags_on or "",
            people=frozenset(each for each in people if each and each != self.record),
        )

    def _possible(self) -> list[str]:
        """What may stand at this moment for this CRM."""
        able = {
            "note": bool(self.words.notes_on),
            "log_call": bool(self.words.calls_on) and self.moment == "ended",
            "stage": self.words.moves_stage and self.moment != "held",
            "tags": self.words.tags_on is not None,
        }
        return [*self.words.writable, *(key for key, can in able.items() if can)]

    def _can(self, raw: dict[str, Any], key: str, *, able: bool) -> bool:
        """Is the key there, and can this CRM do it?"""
        if key not in raw:
            return False
        at = (*self.path, key)
        if not able:
            self.reader.mistakes.pop(at, None)  # its shape does not matter
            self.reader.mistake(at, self._cannot(key))
            return False
        return at not in self.reader.touched

    def _cannot(self, key: str) -> str:
        instead = self.words.instead.get(key)
        hint = f"; {instead}" if instead else ""
        return (
            f"`{key}` is not possible with {self.words.crm}{hint}; possible here: {listed(self._possible())}"
        )

    def _note(self, raw: dict[str, Any]) -> MergeField | None:
        if not self._can(raw, "note", able=bool(self.words.notes_on)):
            return None
        return self.reader.merge_field((*self.path, "note"), raw["note"], self.names)

    def _log_call(self, raw: dict[str, Any]) -> bool:
        if not self._can(raw, "log_call", able=bool(self.words.calls_on)) or raw["log_call"] is not True:
            return False
        if self.moment == "ended":
            return True
        found = "a call is logged when it has ended, with its outcome; put log_call under `ended`"
        self.reader.mistake((*self.path, "log_call"), found)
        return False

    def _stage(self, raw: dict[str, Any]) -> str | dict[Outcome, str | None] | None:
        at = (*self.path, "stage")
        if not self._can(raw, "stage", able=self.words.moves_stage):
            return None
        if self.moment == "held":
            found = "would take the record out of the stage that the waiting call is for; write it under another moment"
            self.reader.mistake(at, found)
            return None
        wanted = raw["stage"]
        if not isinstance(wanted, dict):
            self._check_stage(at, wanted)
            return str(wanted).strip()
        if self.moment != "ended":
            found = "depends on the outcome, and only `ended` has one, of each call that was placed; write one stage here"
            self.reader.mistake(at, found)
            return None
        stages: dict[Outcome, str | None] = {}
        for outcome, word in wanted.items():
            if outcome not in set(Outcome):
                turned = f"; the outcome comes first: {{{word}: {outcome}}}" if word in set(Outcome) else ""
                found = f'"{shown(outcome)}" is not an outcome{turned or meant_outcome(outcome)}'
                self.reader.mistake((*at, outcome), found)
                continue
            if word is not None:
                self._check_stage((*at, outcome), word)
            elif self._stands_in_a_row((*at, outcome)):
                following = list(wanted.values())[list(wanted).index(outcome) :]
                named = f"{outcome}: {next((each for each in following if each), 'Qualified')}"
                self.reader.mistake(
                    (*at, outcome), f"has no stage; each outcome is written with its own: {named}"
                )
            stages[Outcome(outcome)] = None if word is None else str(word).strip()
        return stages

    def _stands_in_a_row(self, at: Path) -> bool:
        """Is it an outcome that a comma follows, as in `{no_answer, voicemail: Call back}`?"""
        line, column = self.reader.document.position(at)
        return self.reader.document.lines[line - 1][column - 1 + len(str(at[-1])) :].lstrip()[:1] in (
            ",",
            "}",
        )

    def _check_stage(self, at: Path, word: Any) -> None:
        if "{{" in str(word):
            self.reader.mistake(
                at,
                "is a merge field; a stage is written as its label or id, by outcome as stage: {answered: Qualified, no_answer: To call}",
            )
        elif folded(str(word)) == ANY:
            self.reader.mistake(at, f'"{word}" is no stage to move to; write the label or id of one')
        elif self.words.catalog is not None:
            meant = index_of(self.words.catalog).meant(self.pipeline, (str(word).strip(),))
            for key, _, found in meant.problems:
                if key == "enters":
                    self.reader.mistake(at, found)

    def _tags(self, raw: dict[str, Any]) -> Tags:
        if not self._can(raw, "tags", able=self.words.tags_on is not None):
            return Tags()
        wanted = self.reader.mapping(raw["tags"])
        if not any(wanted.get(key) for key in ("add", "remove")) and wanted.keys() <= {"add", "remove"}:
            self.reader.mistake((*self.path, "tags"), "is empty; write add, remove, or both")
        return Tags(
            *(self._tag_list((*self.path, "tags", key), wanted.get(key)) for key in ("add", "remove"))
        )

    def _tag_list(self, at: Path, raw: Any) -> tuple[MergeField, ...]:
        found = [self.reader.merge_field(place, each, self.names) for place, each in places(at, raw)]
        return tuple(field for field in found if field)

    def _writable(self, at: Path, name: str, value: Any) -> bool:
        if name in self.words.writable:
            return True
        self.reader.mistakes.pop(at, None)  # its shape does not matter
        possible = self._possible()
        meant = nearest(name, [*possible, *OUR_KEYS])
        if said := record_of(self.words.objects, name):
            found = f'"{name}" is not a key of "{self.moment}"; {said}'
        elif folded(name) in ELSEWHERE or KEYS.get(folded(name)) in possible:
            found = unknown_key(name, f'"{self.moment}"', possible)
        elif name in self.words.objects:
            found = f"{name} cannot be written to; possible: {', '.join(possible)}"
        elif meant in OUR_KEYS and meant not in possible:
            found = f'"{shown(name)}" is not a key of "{self.moment}", and {self._cannot(meant)}'
        elif "stage" in possible and (f"{self.record}.{name}" == self.words.stage_field or name in _MOVING):
            found = f'"{name}" is not a key of "{self.moment}"; did you mean "stage"?'
        elif owners := [
            each for each in self.words.writable if name in self.words.standard_fields.get(each, ())
        ]:
            found = (
                f'"{shown(name)}" is not a key of "{self.moment}"; write {owners[0]}: {{{shown(name)}: ...}}'
            )
        elif folded(name) in _SAVING:
            found = f'"{name}" is not a key of "{self.moment}"; write {self.words.writable[0]} in its place, and the properties below it'
        elif name in set(Outcome):
            there = by_outcome(name, value, moves="stage" in possible)
            found = f'"{name}" is an outcome, and no key of "{self.moment}"; by outcome there is {there}'
        elif name.split()[:1] and name.split()[0] in ("if", "when", "condition", "conditions"):
            found = f'"{name}" is not a key of "{self.moment}"; {_CHOICE}'
        elif meant is None and not isinstance(value, dict | list) and self.words.writable:
            key = name.rpartition(".")[2]
            key = same_field(key, self.words.standard_fields.get(self.words.writable[0], ())) or key
            found = f'"{shown(name)}" is not a key of "{self.moment}", where there are {listed(possible)}; a property stands below its record: {self.words.writable[0]}: {{{key}: ...}}'
        else:
            found = unknown_key(name, f'"{self.moment}"', possible)
        self.reader.mistake(at, found)
        return False

    def _beside(self, name: str, key: str, value: Any) -> str:
        """What to write for what has a key of its own."""
        meant = "tags" if key == "tags" else "stage" if key in (self.words.stage_field or "") else ""
        if meant not in self._possible():
            return ""
        written = {"add": value} if meant == "tags" and not isinstance(value, dict) else value
        return f"; write {meant}: {flow(written)}, beside {name} and not below it"

    def _properties(self, at: Path, name: str, raw: dict[str, Any]) -> Properties:
        known = self.words.fields_of(name)
        found: dict[str, str | MergeField] = {}
        for key, value in raw.items():
            place = (*at, key)
            if key in self.words.read_only.get(name, ()):
                self.reader.mistake(
                    place,
                    f'"{key}" of {name} is not written with {self.words.crm}{self._beside(name, key, value)}',
                )
                continue
            if known is not None and key not in known:
                self.reader.mistake(place, f'"{key}" is not a property of {name}{closest(key, known)}')
            if isinstance(value, str):
                found[key] = self.reader.merge_field(place, value, self.names) or ""
            else:
                found[key] = text_of(value)
        return found
