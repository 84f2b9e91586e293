"""What a rule writes back and rarely means to: a warning each, with the place in the file that it is about."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Final

from connector.mapping.language import Rule, When
from connector.mapping.merge import MergeField
from connector.mapping.shape import Path
from connector.mapping.tokens import QUOTED
from connector.mapping.vocabulary import Vocabulary
from connector.mapping.words import closest, flow, folded, nearly
from connector.mapping.write_back_keys import Moment, WriteBacks
from connector.model import Outcome

_WRITTEN_DAY: Final = re.compile(r"[0-9]{1,2}[/.][0-9]{1,2}[/.](?:[0-9]{2}){1,2}")
_STAY: Final = frozenset({"stay", "none", "same", "no change", "keep", "nothing", "unchanged", "leave"})
_OUR_KEYS: Final = frozenset({"stage", "note", "tags", "log_call"})
HALF_CHOICE: Final = re.compile(r"\bif\b(?!.*\belse\b)")
"""A choice that says nothing of the other case."""
_COUNTER: Final = re.compile(r"\{\{\s*(\w+\.\w+)(\s*[+-]\s*[0-9]+\s*)\}\}")
_IF_OUTCOME: Final = re.compile(
    rf"(.+) (?:if|when) (?:call\.outcome == '?)?({'|'.join(Outcome)})'?", re.IGNORECASE
)
_TAGS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("tag", "add_tag", "add_tags", "addtag", "addTag", "new_tag"), "add"),
    **dict.fromkeys(("remove_tag", "remove_tags", "removetag", "removeTag", "delete_tag"), "remove"),
}
"""What people write for tags as if they were properties."""
_LATE: Final = frozenset(
    {
        "outcome",
        "ended_at",
        "duration_seconds",
        "summary",
        "transcript",
        "sentiment",
        "recording_url",
        "cost_cents",
    }
)
"""What of a call is known only when it has ended."""

Doubt = tuple[Path, str]
"""A place of the file, and what is doubtful there."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A property that is written: `deal.ai_call_status`, and what."""

    object_name: str
    key: str
    content: str | MergeField

    @property
    def field(self) -> str:
        return f"{self.object_name}.{self.key}"

    @property
    def source(self) -> str:
        """What is written where it is a merge field."""
        return self.content.source if isinstance(self.content, MergeField) else ""

    @property
    def constant(self) -> str:
        """The text that is written, where it is the same for every record."""
        if isinstance(self.content, str):
            return self.content.strip()
        return self.content.source.strip() if self.content.is_constant else ""


def unlikely_writes(path: Path, rule: Rule, words: Vocabulary) -> Iterator[Doubt]:
    """Yield what is probably not meant in the write-backs of a rule, which stand at `path`."""
    called = {field for each in rule.call.phone_number for field in each.fields}
    for moment, written in _properties(rule.write_back):
        found = _of_content(written) or _of_record(written, called, words) or _of_name(written, words)
        if found:
            yield (*path, moment, written.object_name, written.key), found
    yield from _too_early((*path, "placed"), rule.write_back.placed)
    for each in fields(write_back := rule.write_back):
        yield from _stage_and_tags((*path, each.name), getattr(write_back, each.name), rule.when)


def _of_content(written: _Written) -> str | None:
    """What is doubtful in what is written, whatever the property."""
    if counter := _COUNTER.fullmatch(written.source):
        return f"stays empty where {counter[1]} is; write {{{{ ({counter[1]} | default(0)){counter[2]}}}}}"
    if HALF_CHOICE.search(QUOTED.sub("", written.source)):
        return "has no `else`: where its condition is false the property is cleared"
    return None


def _of_record(written: _Written, called: set[tuple[str, str]], words: Vocabulary) -> str | None:
    """What is doubtful in writing to this property of the CRM's."""
    value, field = written.constant, written.field
    if (written.object_name, written.key) in called:
        return f"writes over {field}, the number that this rule calls"
    if field == words.stage_field:
        return "moves the record whatever the outcome; write `stage:` in its place, as far in as the record: it takes labels, by outcome too, and leaves a record alone that somebody has moved"
    if written.object_name == words.tags_on and written.key == "tags":
        return "replaces all tags; `tags: {add: ..., remove: ...}` of this moment leaves the others"
    if value and value not in words.usual_words.get(field, {value}):
        usual = closest(value, words.usual_words[field])
        return f'is "{value}", which is not one of the usual values of {field}{usual}'
    if written.key.endswith("owner_id") and " " in value:
        return f'is the name "{value}", and {field} takes an id'
    return None


def _of_name(written: _Written, words: Vocabulary) -> str | None:
    """What is doubtful in the name of the property, and in a day as it is written."""
    name, key = written.object_name, written.key
    if words.tags_on and key in _TAGS:
        made = f"{{{_TAGS[key]}: {flow(written.constant or 'called')}}}"
        return f"is a property of {name} that is called {key}; tags are written tags: {made}, beside {name}"
    if meant := _nearly_standard(key, words.standard_fields.get(name, frozenset())):
        return f'is the property "{key}", which is not one of the standard ones of {name}; did you mean "{meant}"?'
    if (ours := folded(key).replace(" ", "_")) in _OUR_KEYS:
        return f"is a property of {name} that is called {key}; if our own `{ours}` is meant, put it beside `{name}`, not below it"
    if " " in key:
        return f'is the property "{key}", and names of properties have no blanks: its internal name is meant'
    if _WRITTEN_DAY.fullmatch(written.constant):
        return f'is the text "{written.constant}"; CRMs take days as 2026-12-31'
    return None


def _nearly_standard(key: str, known: frozenset[str]) -> str | None:
    """The vendor's own property that differs by a letter or two; a name in several words is an account's own."""
    return nearly(key, known) if key not in known and "_" not in key else None


def _too_early(path: Path, placed: Moment) -> Iterator[Doubt]:
    """What is known only when a call has ended."""
    texts = [
        ((*path, name, key), each) for name, all_ in placed.records.items() for key, each in all_.items()
    ]
    for at, text in [*texts, ((*path, "note"), placed.note)]:
        read = sorted(
            key for name, key in (text.fields if isinstance(text, MergeField) else ()) if name == "call"
        )
        if late := [f"call.{key}" for key in read if key in _LATE]:
            yield (
                at,
                f"is written when the call begins, before there is a {' or '.join(late)}; put it under `ended`",
            )


def _stage_and_tags(path: Path, moment: Moment, when: When) -> Iterator[Doubt]:
    """A record that is moved where it stands; tags that are several, or come and go."""
    entered = {folded(each) for each in when.enters}
    stages = moment.stage.values() if isinstance(moment.stage, Mapping) else [moment.stage]
    for stage in stages:
        if stage and folded(stage) in entered:
            yield (
                (*path, "stage"),
                f'moves the record into "{stage}", where this rule finds it; leave it out, or name the stage to go to',
            )
        elif stage and (by_outcome := _IF_OUTCOME.fullmatch(stage)):
            found = f"by outcome it is stage: {{{by_outcome[2]}: {by_outcome[1]}}}"
            yield (*path, "stage"), f'is one stage called "{stage}"; {found}'
        elif stage and folded(stage) in _STAY:
            yield (
                (*path, "stage"),
                f'moves the record to a stage called "{stage}"; where it is to stay, leave the outcome out',
            )
        elif stage and "," in stage:
            yield (*path, "stage"), f'is one stage called "{stage}"; a record can be moved to one only'
    added, removed = ({each.source for each in tags} for tags in (moment.tags.add, moment.tags.remove))
    for tag in sorted(added | removed):
        if by_outcome := _IF_OUTCOME.fullmatch(tag):
            one = f"{{{{ '{by_outcome[1]}' if call.outcome == '{by_outcome[2]}' else '' }}}}"
            yield (*path, "tags"), f'has the tag "{tag}" for everybody; by outcome it is "{one}"'
        elif "," in tag and "{{" not in tag:
            yield (*path, "tags"), f'has one tag "{tag}"; several are a list in brackets'
    if added & removed:
        yield (*path, "tags"), f'adds and removes "{min(added & removed)}"; it is added'


def _properties(write_back: WriteBacks) -> Iterator[tuple[str, _Written]]:
    """Every property that is written, with its moment."""
    for each in fields(write_back):
        moment: Moment = getattr(write_back, each.name)
        for name, properties in moment.records.items():
            yield from ((each.name, _Written(name, key, value)) for key, value in properties.items())
