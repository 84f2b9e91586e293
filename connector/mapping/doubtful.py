"""Comparisons and fields that may be right, and probably are not: each is a warning."""

import re
from collections.abc import Iterator
from typing import Final

from jinja2 import nodes

from connector.mapping.names import Names
from connector.mapping.syntax import spelt, steps
from connector.mapping.words import listed

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Doubt = tuple[str, str]
"""A word or sign of the expression, and what is doubtful there."""


def doubtful(tree: nodes.Node, names: Names) -> Iterator[Doubt]:
    """Yield what is probably not meant in an expression that can be compiled."""
    for each in (tree, *tree.find_all(nodes.Compare)):
        if isinstance(each, nodes.Compare) and len(each.ops) == 1:
            yield from _compared(each, names)
    for path in (tree, *tree.find_all(nodes.Getattr)):
        if isinstance(path, nodes.Getattr):
            yield from _deep(path, names)


def _compared(node: nodes.Compare, names: Names) -> Iterator[Doubt]:
    sign, left, right = node.ops[0].op, node.expr, node.ops[0].expr
    if sign in ("eq", "ne") and isinstance(left, nodes.Const):
        left, right = right, left
    field = _field(left)
    if field is None or sign not in ("eq", "ne", "in", "notin"):
        return
    if sign in ("in", "notin") and isinstance(right, nodes.Const) and isinstance(right.value, str):
        other = f"{spelt(right)} {'in' if sign == 'in' else 'not in'} {field}"
        yield spelt(right), f"is a text in which {field} is looked for; the other way round it is {other}"
        return
    items = right.items if isinstance(right, nodes.List | nodes.Tuple) else [right]
    for item in items:
        if isinstance(item, nodes.Const) and isinstance(item.value, str) and item.value.strip():
            yield from ((spelt(item), found) for found in _of_value(field, sign, item.value, names))


def _of_value(field: str, sign: str, value: str, names: Names) -> Iterator[str]:
    """What is doubtful in comparing a field with a text."""
    name, _, key = field.partition(".")
    usual = names.usual_words.get(field)
    if field == "event.source":
        yield f'event.source holds the CRM\'s own words, such as CRM_UI; "{value}" is compared with event.changed_by'
    elif usual is not None and value not in usual:
        yield f'"{value}" is not one of the usual values of {field}: {listed(sorted(usual))}'
    elif value.casefold() in ("yes", "no", "true", "false") and name in names.usual:
        right = "true" if value.casefold() in ("yes", "true") else "false"
        if value != right:
            yield f'"{value}" is not what a checkbox holds; that is compared with {right}, without quotes'
    elif sign in ("eq", "ne") and key == "tags":
        yield f"{field} is a list; write '{value}' in {field}"
    elif sign in ("eq", "ne") and _DAY.fullmatch(value) and name in names.usual:
        yield f"a moment of the CRM has a time too; for the day write {field} | date == '{value}'"
    elif key.endswith(("_id", "Id", "_by_user_id")) and " " in value:
        yield f'{field} holds an id, and "{value}" is a name'


def _deep(path: nodes.Getattr, names: Names) -> Iterator[Doubt]:
    """A part of a field that has none."""
    base, keys = steps(path)
    if not isinstance(base, nodes.Name) or len(keys) < 2 or not isinstance(keys[1], str):
        return
    name, key, *deeper = base.name, str(keys[0]), *map(str, keys[1:])
    rest = ".".join(deeper)
    if key in names.objects and name in names.objects:
        yield key, f"has no part {name}.{key}; write {key}.{rest}"
    elif key == "properties" and name in names.usual:
        yield key, f"has no part {name}.properties; write {name}.{rest}"
    elif key in names.usual.get(name, ()):
        yield deeper[0], f"is a part of {name}.{key}, which is a text and has none"


def _field(node: nodes.Node) -> str | None:
    """A field as it is written; None for what is more than that."""
    base, keys = steps(node)
    return spelt(node) if isinstance(base, nodes.Name) and len(keys) == 1 else None
