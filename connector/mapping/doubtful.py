"""Comparisons and fields that may be right, and probably are not: each is a warning."""

from collections.abc import Iterator
from typing import Final

from jinja2 import nodes

from connector.mapping.doubtful_values import doubtful_value, other_spelling
from connector.mapping.names import Names
from connector.mapping.syntax import spelt, steps

_FOLDERS: Final = frozenset(
    {"properties", "custom", "customFields", "customField", "custom_fields", "fields"}
)
"""What other programs put a record's own fields below."""

_OPPOSITE: Final = {"eq": "ne", "ne": "eq", "in": "notin", "notin": "in"}

Doubt = tuple[str, str]
"""A word or sign of the expression, and what is doubtful there."""


def doubtful(tree: nodes.Node, names: Names) -> Iterator[Doubt]:
    """Yield what is probably not meant in an expression that can be compiled."""
    negated = {id(each.node) for each in (tree, *tree.find_all(nodes.Not)) if isinstance(each, nodes.Not)}
    for choice in (tree, *tree.find_all(nodes.CondExpr)):
        if isinstance(choice, nodes.CondExpr) and isinstance(choice.test, nodes.Const):
            yield spelt(choice.test), "is true whatever the record; a choice has a condition after its `if`"
    for each in (tree, *tree.find_all(nodes.Compare)):
        if isinstance(each, nodes.Compare) and len(each.ops) == 1:
            yield from _compared(each, names, negated=id(each) in negated)
        if isinstance(each, nodes.Compare):
            yield from _in_other_letters(each)
    for path in (tree, *tree.find_all(nodes.Getattr)):
        if isinstance(path, nodes.Getattr):
            yield from _deep(path, names)


def _compared(node: nodes.Compare, names: Names, *, negated: bool) -> Iterator[Doubt]:
    sign, left, right = node.ops[0].op, node.expr, node.ops[0].expr
    if sign in ("eq", "ne") and isinstance(left, nodes.Const):
        left, right = right, left
    field = _field(left)
    if field is None or sign not in ("eq", "ne", "in", "notin"):
        return
    if sign in ("in", "notin") and isinstance(right, nodes.Const) and isinstance(right.value, str):
        within = "in" if sign == "in" else "not in"
        other = f"{spelt(right)} {within} {field}"
        if "," in right.value:
            yield spelt(right), f"is one text; several are a list: {field} {within} {_cut(right.value)}"
            return
        yield spelt(right), f"is a text in which {field} is looked for; the other way round it is {other}"
        return
    if sign == "eq" and isinstance(right, nodes.Const) and right.value is False:
        yield "false", f"is not true of an empty checkbox; `not {field}` is"
    items = right.items if isinstance(right, nodes.List | nodes.Tuple) else [right]
    only = items[0] if isinstance(right, nodes.List | nodes.Tuple) and len(items) == 1 else None
    if isinstance(only, nodes.Const) and isinstance(only.value, str) and "," in only.value:
        yield spelt(only), f"is one text; several are a list: {_cut(only.value)}"
    texts = [each.value for each in items if isinstance(each, nodes.Const) and isinstance(each.value, str)]
    if found := other_spelling(field, _OPPOSITE[sign] if negated else sign, texts):
        yield spelt(items[0]), found
    said: set[str] = set()
    for item in items:
        if isinstance(item, nodes.Const) and isinstance(item.value, str) and item.value.strip():
            found = doubtful_value(field, _OPPOSITE[sign] if negated else sign, item.value, names)
            if found and found not in said:
                said.add(found)
                yield spelt(item), found


def _cut(text: str) -> str:
    """A list of what stands between the commas of a text."""
    return f"[{', '.join(repr(each.strip()) for each in text.split(',') if each.strip())}]"


def _in_other_letters(node: nodes.Compare) -> Iterator[Doubt]:
    """`contact.name | lower == 'Bob'` is never true."""
    for side, other in ((node.expr, node.ops[0].expr), (node.ops[0].expr, node.expr)):
        if not isinstance(side, nodes.Filter) or side.name not in ("lower", "upper"):
            continue
        for item in other.items if isinstance(other, nodes.List | nodes.Tuple) else [other]:
            value = item.value if isinstance(item, nodes.Const) and isinstance(item.value, str) else ""
            written = value.lower() if side.name == "lower" else value.upper()
            if value != written:
                yield spelt(item), f"is never the result of the filter {side.name}; write '{written}'"


def _deep(path: nodes.Getattr, names: Names) -> Iterator[Doubt]:
    """A part of a field that has none."""
    base, keys = steps(path)
    if not isinstance(base, nodes.Name) or len(keys) < 2 or not isinstance(keys[1], str):
        return
    name, key, *deeper = base.name, str(keys[0]), *map(str, keys[1:])
    rest = ".".join(deeper)
    if key in _FOLDERS and name in names.usual:
        yield key, f"has no part {name}.{key}; write {name}.{rest}"
    elif key in names.objects and name in names.objects:
        yield key, f"has no part {name}.{key}; write {key}.{rest}"
    elif key == "tags":
        yield deeper[0], f"is a part of {name}.tags, which is a list; write '{deeper[0]}' in {name}.tags"
    elif key in names.usual.get(name, ()):
        yield deeper[0], f"is a part of {name}.{key}, which is a text and has none"


def _field(node: nodes.Node) -> str | None:
    """A field as it is written; None for what is more than that."""
    base, keys = steps(node)
    return spelt(node) if isinstance(base, nodes.Name) and len(keys) == 1 else None
