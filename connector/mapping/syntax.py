"""Questions about parsed expressions: what stands where, how it is spelt, and what to say of what is not allowed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from jinja2 import nodes

from connector.mapping.filters import FILTERS, MEANT, NOT_CONSTANT, Table
from connector.mapping.hints import called as function
from connector.mapping.phrases import PASSING, is_passing
from connector.mapping.values import order, text_of
from connector.mapping.words import closest, listed

_NOT_ALLOWED: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Pow: "has **, which is not available",
    nodes.Mod: "has %, which is not available",
    nodes.FloorDiv: "has //, which is not available; use / and the filter integer",
    nodes.Dict: "has {…}, which is not available",
    nodes.Test: (
        'has "is", which is not available; compare with ==; a field by itself is true where it has a value,'
        " `not field` where it has none"
    ),
}


def refusal(node: nodes.Node) -> str:
    """Say what is wrong with a kind of node that is not in the allow-list, and what to write instead."""
    if isinstance(node, nodes.Call):
        called = node.node
        if isinstance(called, nodes.Getattr) and called.attr in FILTERS:
            return f"calls .{called.attr}(…); write it as a filter: | {FILTERS[called.attr].usage}"
        name = called.name if isinstance(called, nodes.Name) else getattr(called, "attr", "")
        if (meant := MEANT.get(name.casefold(), name.casefold())) in FILTERS:
            return f"calls {name}(…); write it as a filter: field | {FILTERS[meant].usage}"
        if instead := function(name):
            return f"calls {name}(…), which is not available; {instead}"
        return f"calls {name}(…), which is not available; there are the filters {listed(FILTERS)}"
    return _NOT_ALLOWED.get(type(node), "has something that is not available in merge fields")


def no_filter(name: str) -> str:
    """Say that there is no such filter, and which may be meant."""
    if "." in name:
        return f'"{name}" is not a filter; the first of several fields with a value is written with or: ... or {name}'
    meant = f'; did you mean "{MEANT[name]}"?' if name in MEANT else closest(name, FILTERS)
    return f'"{name}" is not a filter{meant}'


def steps(node: nodes.Node) -> tuple[nodes.Node, list[str | int]]:
    """Take `deal.amount` or `deal["amount"][0]` apart: what it begins with, and the keys."""
    keys: list[str | int] = []
    while True:
        if isinstance(node, nodes.Getattr):
            keys.append(node.attr)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            if isinstance(node.arg.value, bool) or not isinstance(node.arg.value, str | int):
                return node, keys[::-1]
            keys.append(node.arg.value)
        else:
            return node, keys[::-1]
        node = node.node


def spelt(node: nodes.Node) -> str:
    """Spell a node for a note."""
    if isinstance(node, nodes.Const):
        return repr(node.value)
    base, keys = steps(node)
    if isinstance(base, nodes.Name):
        return ".".join([base.name, *map(str, keys)])
    if isinstance(node, nodes.Filter) and node.node is not None:
        return f"{spelt(node.node)} | {node.name}"
    return "(…)"


def innermost(node: nodes.Node) -> nodes.Node:
    """What the first of several filters is used on."""
    while isinstance(node, nodes.Filter) and node.node is not None:
        node = node.node
    return node


def is_date(node: nodes.Node) -> bool:
    """Is a calculation nothing but a date without its quotes: 12/31/2026, 2026-12-31?"""
    if not isinstance(node, nodes.Div | nodes.Sub) or not isinstance(node.left, nodes.Div | nodes.Sub):
        return False
    numbers = constants([node.left.left, node.left.right, node.right])
    return all(type(each) is int for each in numbers) and any(1900 <= each <= 2200 for each in numbers)


def no_order(node: nodes.Node) -> str:
    """Say that a text has no place in < and >, and what is written instead."""
    value = node.value if isinstance(node, nodes.Const) else ""
    if is_passing(str(value)):
        return f"has {spelt(node)} in < or >; {PASSING}"
    digits = re.sub(r"[^0-9.]", "", str(value))
    number = f"; write {digits}" if re.fullmatch(r"\W*[0-9][0-9,]*(?:\.[0-9]+)?\W*", str(value)) else ""
    return f"has {spelt(node)} in < or >, and it is neither a number nor a day as '2026-12-31'{number}"


def unordered(node: nodes.Compare) -> Iterator[nodes.Node]:
    """Yield the constant sides of < and > that have no order: texts that are neither numbers nor ISO days."""
    left = node.expr
    for each in node.ops:
        if each.op in ("lt", "lteq", "gt", "gteq"):
            for side in (left, each.expr):
                if (
                    isinstance(side, nodes.Const)
                    and isinstance(side.value, str)
                    and order(side.value, side.value) is None
                ):
                    yield side
        left = each.expr


def several_for_one(node: nodes.Compare) -> str | None:
    """What to write for `('a' or 'b') in field` and `field == ('a' or 'b')`, which look at 'a' alone."""
    if len(node.ops) != 1 or node.ops[0].op not in ("eq", "ne", "in", "notin"):
        return None
    left, right, sign = node.expr, node.ops[0].expr, node.ops[0].op
    for side, other in ((left, right), (right, left)):
        values = list(alternatives(side))
        if len(values) < 2:
            continue
        word = "or" if isinstance(side, nodes.Or) else "and"
        if sign in ("in", "notin") and side is left:
            within = "in" if sign == "in" else "not in"
            meant = f"({f' {word} '.join(f'{spelt(each)} {within} {spelt(other)}' for each in values)})"
        else:
            within = "not in" if sign in ("ne", "notin") else "in"
            meant = f"{spelt(other)} {within} [{', '.join(map(spelt, values))}]"
        return f"looks at {spelt(values[0] if word == 'or' else values[-1])} alone; write {meant}"
    return None


def one_by_one(node: nodes.Compare, lists: Mapping[str, frozenset[str]]) -> str | None:
    """What to write where a list is looked for in something, or a field that is a list among other values.

    `lists`: the fields that are lists, by object. Neither is ever so, and with `not` both always are.
    """
    if len(node.ops) != 1 or node.ops[0].op not in ("in", "notin"):
        return None
    within, joined = ("in", " or ") if node.ops[0].op == "in" else ("not in", " and ")
    base, keys = steps(node.expr)
    is_list = isinstance(base, nodes.Name) and keys[:1] and keys[0] in lists.get(base.name, ())
    other = node.ops[0].expr
    if isinstance(node.expr, nodes.List | nodes.Tuple):
        each, whole, what = node.expr.items, spelt(other), f"a list in {spelt(other)}"
    elif is_list and isinstance(other, nodes.List | nodes.Tuple):
        each, whole, what = (
            other.items,
            spelt(node.expr),
            f"{spelt(node.expr)}, which is a list, among values",
        )
    else:
        return None
    meant = joined.join(f"{spelt(item)} {within} {whole}" for item in each)
    return f"looks for {what}; write {f'({meant})' if len(each) > 1 else meant}"


def alternatives(node: nodes.Node) -> Iterator[nodes.Const]:
    """The constants that `or` or `and` joins; none where there is anything else."""
    if not isinstance(node, nodes.Or | nodes.And):
        return
    sides = [
        each
        for side in (node.left, node.right)
        for each in (alternatives(side) if type(side) is type(node) else [side])
    ]
    yield from (each for each in sides if isinstance(each, nodes.Const))


def constants(arguments: Sequence[nodes.Node]) -> list[Any]:
    """Return the arguments of a filter that stand in the rule file, NOT_CONSTANT for each other."""
    return [each.value if isinstance(each, nodes.Const) else NOT_CONSTANT for each in arguments]


def constant_results(node: nodes.Node, tables: Mapping[str, Table]) -> set[str]:
    """The constant texts an expression may give as its result."""
    if isinstance(node, nodes.Const):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, nodes.CondExpr):
        last = constant_results(node.expr2, tables) if node.expr2 else set()
        return constant_results(node.expr1, tables) | last
    if isinstance(node, nodes.Or):
        return constant_results(node.left, tables) | constant_results(node.right, tables)
    if not isinstance(node, nodes.Filter) or node.node is None or not node.args:
        return set()
    if node.name == "default":
        return constant_results(node.node, tables) | constant_results(node.args[0], tables)
    (table,) = constants(node.args[:1])
    if node.name == "map" and isinstance(table, str) and table in tables:
        return {text_of(value) for value in tables[table].values()}
    return set()
