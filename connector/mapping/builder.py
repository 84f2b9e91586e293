"""Build plain values, and where they stand, from the events of a YAML parser."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
)
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from connector.errors import ConfigError, Mistake
from connector.mapping.scalars import plain_scalar
from connector.mapping.slips import TWICE, unquoted
from connector.mapping.unreadable import BARE_MERGE_FIELD, NO_CLOSING_QUOTE, unreadable

MAX_DEPTH = 32
MAX_SIZE = 12_000
"""Values and keys in a file, aliases counted as if written out; every 64 characters of text count as one more."""

# What ruamel.yaml's scanner and parser raise on broken input beside their own errors.
_BROKEN = (
    YAMLError,
    AssertionError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
)

_DEEP = f"is nested deeper than {MAX_DEPTH} levels"
_CUT = re.compile(r"\s+#[\w]")
MAX_MISTAKES = 100
"""After so many in one file it is not read further."""

_TYPOGRAPHIC = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2039\u203a"
_KEY_OR_ITEM = re.compile(r"\s*(?:- |[\w\"'][^:#]*:(?:\s|$))")


class _TooDeep(MarkedYAMLError):
    """Brackets within brackets, more than a file may have."""


class _Scanner(Scanner):
    """Stops at brackets that are too deep: it looks ahead, at a cost that grows with their number squared."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:
        """Take a bracket. Raises _TooDeep."""
        if len(self.flow_context) >= MAX_DEPTH:
            raise _TooDeep(problem_mark=self.reader.get_mark())
        super().fetch_flow_collection_start(TokenClass, to_push)


@dataclass(frozen=True, slots=True)
class Node:
    """Where a value stands: its key (or list item), the value itself, how it is quoted, what is inside."""

    line: int
    column: int
    value_line: int
    value_column: int
    style: str | None = None
    children: Mapping[str | int, "Node"] = field(default_factory=dict)


@dataclass(slots=True)
class _Built:
    """A finished value with its size."""

    value: Any
    children: Mapping[str | int, Node]
    size: int


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    value: Any
    event: Any
    indent: int
    children: dict[str | int, Node] = field(default_factory=dict)
    size: int = 1
    key: str | None = None
    key_at: tuple[int, int] = (0, 0)


def build(source: str, file: str) -> tuple[Any, Node, list[Mistake], list[Mistake]]:
    """Return the one document in `source`, a mistake for each key that it has twice (the later one counts), and a
    warning for each text that probably goes on behind a #.

    Raises ConfigError with every other mistake that can be told apart.
    """
    builder = _Builder(source, file)
    return *builder.run(), builder.doubles, builder.cut


class _Builder:
    def __init__(self, source: str, file: str) -> None:
        self.source = source
        self.file = file
        self.lines = split_lines(source)
        self.mistakes: list[Mistake] = []
        self.doubles: list[Mistake] = []
        self.cut: list[Mistake] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, _Built | None] = {}
        self.size = 0
        self.documents = 0
        self.result: tuple[Any, Node] = (None, Node(1, 1, 1, 1))

    def run(self) -> tuple[Any, Node]:
        for event in self._events():
            if isinstance(event, DocumentStartEvent):
                self._document(event)
            elif isinstance(event, CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, CollectionEndEvent):
                self._end(event)
            elif isinstance(event, ScalarEvent):
                self._scalar(event)
            elif isinstance(event, AliasEvent):
                self._alias(event)
        if self.mistakes:
            raise ConfigError([*self.mistakes, *self.doubles])
        return self.result

    def _events(self) -> Iterator[Any]:
        parser = YAML(typ="safe", pure=True)
        parser.Scanner = _Scanner
        mark = (1, 1)
        try:
            for event in parser.parse(self.source):
                yield event
                mark = _at(event.end_mark)
        except _TooDeep as error:
            self._stop(_at(error.problem_mark), _DEEP)
        except MarkedYAMLError as error:
            place, said = unreadable(error, self.lines)
            self._stop(place or mark, said)
        except ReaderError as error:
            place = self._place(error.position)
            self._stop(place, f"has a character that may not be in a file (code {error.character})")
        except _BROKEN:
            self._stop(mark, "cannot be read as YAML from here on")

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self._stop(_at(event.start_mark), "begins a second document (---); a file holds one")
        if event.version or event.tags:
            self._stop(_at(event.start_mark), "has a directive (%…); leave it out")

    def _begin(self, event: Any) -> None:
        self._check(event)
        parent = self.open[-1] if self.open else None
        if parent and isinstance(parent.value, dict) and parent.key is None:
            self._no_key(parent, event)
        if len(self.open) >= MAX_DEPTH:
            self._stop(_at(event.start_mark), _DEEP)
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, MappingStartEvent) and self.source[event.start_mark.index :][:1] == "?":
            self._stop(_at(event.start_mark), "has a key that begins with ?; write it without, or in quotes")
        indent = parent.indent if parent else -1
        if not event.flow_style:
            indent = event.start_mark.column
        self.open.append(_Open({} if isinstance(event, MappingStartEvent) else [], event, indent))

    def _no_key(self, parent: _Open, event: Any) -> NoReturn:
        """Refuse a collection as a key; nearly always it is a merge field without its quotes."""
        if BARE_MERGE_FIELD.search(self.lines[event.start_mark.line]):
            self._stop(_at(parent.event.start_mark), unquoted(self.lines[event.start_mark.line]))
        self._stop(_at(event.start_mark), "has a list or mapping as a key; keys are text")

    def _end(self, event: Any) -> None:
        after = event.end_mark.index
        if self.open[-1].event.flow_style and self.source[after : after + 1] == "#":
            self._mistake(_at(event.end_mark), "has a comment without a space before its #")
        done = self.open.pop()
        self._add(done.event, _Built(done.value, done.children, done.size))

    def _scalar(self, event: Any) -> None:
        self._check(event)
        plain = event.implicit[0]
        if plain and event.value == "-":
            self._mistake(_at(event.start_mark), 'is a lone "-"; put it in quotes')
        if plain and event.value[:1] in _TYPOGRAPHIC and event.value:
            self._mistake(
                _at(event.start_mark),
                f"begins with {event.value[0]}, which is no quote to YAML; write straight quotes: \" or '",
            )
        self._check_continuation(event)
        after = self.lines[event.end_mark.line][event.end_mark.column :] if plain and event.value else ""
        if plain and not event.value and event.anchor:
            found = "begins with &, which YAML keeps for itself; put the text in quotes"
            self._mistake(_at(event.start_mark), found)
        parent = self.open[-1] if self.open else None
        place = _at(event.start_mark)
        if plain and not event.value and parent and parent.key:  # its mark is that of what comes next
            place, after = parent.key_at, self.lines[parent.key_at[0] - 1].partition(":")[2]
        if _CUT.match(after) and len(self.cut) + 1 < MAX_MISTAKES:
            found = "ends before the #: what follows is a comment to YAML; put the whole text in quotes if it belongs to it"
            self._mistake(place, found, self.cut)
        if parent and isinstance(parent.value, dict) and parent.key is None:
            self._key(parent, event)
            return
        value = plain_scalar(event.value) if plain else event.value
        self._add(event, _Built(value, {}, 1 + len(event.value) // 64))

    def _key(self, parent: _Open, event: Any) -> None:
        place = _at(event.start_mark)
        if event.implicit[0] and event.value == "<<":
            self._stop(place, "is a merge key (<<), which YAML 1.2 does not have; write the keys out")
        if event.anchor:
            self.anchors[event.anchor] = _Built(event.value, {}, 1)
        if event.value in parent.value:
            earlier = parent.children[event.value].line
            join = TWICE.get(event.value, "")
            found = f'has the key "{shown(event.value)}" twice; it is already on line {earlier}{join}'
            self._mistake(place, found, self.doubles)
        parent.key, parent.key_at = event.value, place
        self._count(parent, 1 + len(event.value) // 64, place)

    def _alias(self, event: Any) -> None:
        place = _at(event.start_mark)
        if event.anchor not in self.anchors:
            found = f"uses the alias *{shown(event.anchor)}, which is not defined above; a text that begins with * stands in quotes"
            self._stop(place, found)
        target = self.anchors[event.anchor]
        if target is None:
            self._stop(place, f"uses the alias *{shown(event.anchor)} inside itself")
        parent = self.open[-1] if self.open else None
        if parent and isinstance(parent.value, dict) and parent.key is None:
            self._stop(place, "uses an alias as a key; write the key out")
        self._add(event, target)

    def _add(self, event: Any, built: _Built) -> None:
        """Put a finished value where it belongs."""
        place = _at(event.start_mark)
        if event.anchor and not isinstance(event, AliasEvent):
            self.anchors[event.anchor] = built
        if not self.open:
            self.result = built.value, Node(*place, *place, getattr(event, "style", None), built.children)
            return
        parent = self.open[-1]
        fresh = isinstance(event, AliasEvent | ScalarEvent)
        self._count(parent, built.size, place, fresh=fresh)
        step: str | int
        if isinstance(parent.value, list):
            step, at = len(parent.value), place
            parent.value.append(built.value)
        else:
            step, at = parent.key or "", parent.key_at
            parent.value[step] = built.value
            parent.key = None
        parent.children[step] = Node(*at, *place, getattr(event, "style", None), built.children)

    def _count(self, parent: _Open, size: int, place: tuple[int, int], *, fresh: bool = True) -> None:
        """Add to the size of the file (`fresh`: not counted yet) and of the collection it stands in."""
        parent.size += size
        self.size += size if fresh else 1
        if self.size > MAX_SIZE:
            self._stop(place, f"holds more than {MAX_SIZE:,} values (aliases count as if written out)")

    def _check(self, event: Any) -> None:
        """Refuse tags, and tabs as indentation."""
        mark = event.start_mark
        if event.ctag is not None:
            self._mistake(
                _at(mark),
                f"has the tag {shown(str(event.ctag))}; tags are not allowed, and a text that begins with ! stands in quotes",
            )
        before = self.lines[mark.line][: mark.column] if mark.line < len(self.lines) else ""
        if "\t" in before and not before.strip():
            self._mistake(_at(mark), "is indented with a tab; use spaces")

    def _check_continuation(self, event: Any) -> None:
        """Refuse a quoted text whose further lines are not indented more than what it belongs to.

        Where such a line looks like a key, the text has swallowed it: its closing quote is missing.
        """
        if event.style not in ("'", '"') or not self.open:
            return
        for number in range(event.start_mark.line + 1, event.end_mark.line + 1):
            line = self.lines[number]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= self.open[-1].indent:
                if _KEY_OR_ITEM.match(line):
                    self._stop(_at(event.start_mark), NO_CLOSING_QUOTE)
                self._mistake((number + 1, 1), "continues a quoted text; indent it further")
                return

    def _place(self, index: int) -> tuple[int, int]:
        before = self.source[:index]
        return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1

    def _mistake(self, place: tuple[int, int], found: str, among: list[Mistake] | None = None) -> None:
        path = [len(each.value) if isinstance(each.value, list) else each.key for each in self.open]
        mistakes = self.mistakes if among is None else among
        mistakes.append(Mistake(self.file, *place, where([step for step in path if step is not None]), found))
        if len(mistakes) >= MAX_MISTAKES:
            raise ConfigError(mistakes)

    def _stop(self, place: tuple[int, int], found: str) -> NoReturn:
        self._mistake(place, found)
        raise ConfigError([*self.mistakes, *self.doubles]) from None


def where(path: Sequence[str | int]) -> str:
    """Spell a path as people read it: `rules[0].when.enters`."""
    words = ""
    for step in path:
        words += f"[{step}]" if isinstance(step, int) else f".{shown(step)}" if words else shown(step)
    return words


def split_lines(source: str) -> list[str]:
    """Cut a text where the parser and YAML 1.2 do."""
    return re.split("\r\n|\r|\n", source)


def shown(text: str) -> str:
    """Shorten a text for a message."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "…"


def _at(mark: Any) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1
