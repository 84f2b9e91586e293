"""YAML 1.2 as data, with the position of everything and a limit to everything.

The values are built here from the parser's events, not by a YAML constructor: so there are no tags,
no merge keys, no implicit dates, and a hostile file costs a bounded amount of time and memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.errors import ConfigError, Mistake
from connector.mapping.builder import Node, build, split_lines, where

MAX_BYTES = 256 * 1024

Path = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Document:
    """A loaded file: its value as plain Python, and where in the file each part of it stands."""

    file: str
    value: Any
    root: Node = field(repr=False)
    lines: Sequence[str] = field(repr=False)
    warnings: Sequence[Mistake] = field(default=(), repr=False)

    def position(self, path: Path) -> tuple[int, int]:
        """Return line and column, from 1, of the key (or list item) at `path`, else of its nearest parent."""
        node = self._node(path)
        return node.line, node.column

    def mistake(self, path: Path, found: str) -> Mistake:
        """Return a mistake at the key or item at `path`."""
        line, column = self.position(path)
        return Mistake(self.file, line, column, where(path), found)

    def mistake_in_value(self, path: Path, offset: int, found: str) -> Mistake:
        """Return a mistake at the given character of the text at `path`, as exactly as its quoting allows."""
        node = self._node(path)
        value = self._at(path)
        if not isinstance(value, str):
            return self.mistake(path, found)
        line, column = _inside(self.lines, node, value, offset)
        return Mistake(self.file, line, column, where(path), found)

    def _node(self, path: Path) -> Node:
        node = self.root
        for step in path:
            child = node.children.get(step)
            if child is None:
                break
            node = child
        return node

    def _at(self, path: Path) -> Any:
        value = self.value
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def load_yaml(text: str | bytes, file: str) -> Document:
    """Load one YAML document. Raises ConfigError with every mistake, each with its line and column."""
    document, doubles = read_yaml(text, file)
    if doubles:
        raise ConfigError(doubles)
    return document


def read_yaml(text: str | bytes, file: str) -> tuple[Document, list[Mistake]]:
    """The same, for who goes on to look for mistakes of its own: keys that stand twice are returned, not raised."""
    source = _decoded(text, file)
    value, root, doubles, cut = build(source, file)
    return Document(file, value, root, split_lines(source), cut), doubles


def _decoded(text: str | bytes, file: str) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        found = f"is {size:,} bytes long; a file may have at most {MAX_BYTES:,}"
        raise ConfigError([Mistake(file, 1, 1, "", found)])
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8-sig", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise ConfigError([Mistake(file, line, column, "", "is not UTF-8 text")]) from None


def _inside(lines: Sequence[str], node: Node, value: str, offset: int) -> tuple[int, int]:
    """Find the character `offset` of a scalar in the source; the start of the scalar where quoting hides it."""
    start = value.rfind("\n", 0, offset) + 1
    row = node.value_line - 1
    first = node.value_column - 1 + (node.style in ("'", '"'))
    if node.style in ("|", ">"):
        row, first = row + 1 + value.count("\n", 0, offset), 0
    elif start:
        return node.value_line, node.value_column
    seen = value[start:offset]
    column = lines[row].find(seen, first) if row < len(lines) else -1
    if column < 0 or (node.style not in ("|", ">") and column != first):
        return node.value_line, node.value_column
    if node.style in ("|", ">") and not seen:
        column = len(lines[row]) - len(lines[row].lstrip())
    return row + 1, column + len(seen) + 1
