"""Conditions that are the same for every record: nearly always something else was meant."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jinja2 import nodes

from connector.mapping.syntax import spelt, steps

_COMPARE: Final = "compare a field with it, or leave it out"
_MIRRORED: Final[Mapping[str, str]] = {"lt": "gt", "lteq": "gteq", "gt": "lt", "gteq": "lteq", "eq": "eq"}
_SPELT: Final[Mapping[str, str]] = {"lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "eq": "=="}
_OPPOSITE: Final[Mapping[str, str]] = {"lt": "gteq", "lteq": "gt", "gt": "lteq", "gteq": "lt"}
_ABOVE: Final = frozenset({"gt", "gteq"})

Wrong = tuple[nodes.Node, str]
"""What makes it so, and what to say of it."""


def decided(tree: nodes.Node) -> Iterator[Wrong]:
    """Yield what makes a condition true or false of every record."""
    told: list[nodes.Node] = []
    for node, meant in _constants(tree):
        if any(node is each for each in told):
            continue
        told.append(node)
        yield node, f"is the same for every record because of {spelt(node)}; {meant}"
    for side in _judged(tree):
        if isinstance(side, nodes.Concat):
            text = next((spelt(each) for each in side.nodes if isinstance(each, nodes.Const)), "'text'")
            field = next((spelt(each) for each in side.nodes if _is_field(each)), "field")
            yield (
                side,
                f'joins texts (~), which is true of every record; a part is looked for by "{text} in {field}"',
            )
        elif isinstance(side, nodes.Add | nodes.Sub | nodes.Mul | nodes.Div):
            yield side, "is a calculation, and no condition; compare it with a number"
    for part in (tree, *tree.find_all((nodes.And, nodes.Or))):
        if isinstance(part, nodes.And):
            yield from _never(list(_joined(part)))
        elif isinstance(part, nodes.Or):
            yield from _ever(list(_joined(part)))


def _judged(tree: nodes.Node) -> Iterator[nodes.Node]:
    """The parts of a condition that are true or false."""
    if isinstance(tree, nodes.Not):
        yield from _judged(tree.node)
    elif isinstance(tree, nodes.And | nodes.Or):
        yield from _judged(tree.left)
        yield from _judged(tree.right)
    else:
        yield tree


def _constants(tree: nodes.Node) -> Iterator[Wrong]:
    """Constants that are joined by `and`, `or`, `not`, and what was probably meant."""
    if isinstance(tree, nodes.Not):
        sides, meant = [tree.node], _COMPARE
    elif isinstance(tree, nodes.And | nodes.Or):
        sides, meant = [tree.left, tree.right], _compared(_last(tree.left))
        if wrong := _impossible(tree):
            yield wrong
    else:
        return
    if isinstance(tree, nodes.Or) and meant != _COMPARE:
        yield from ((each, meant.format(_spelt(each))) for each in _first(tree.right))
    for side in sides:
        if isinstance(side, nodes.Name) and meant != _COMPARE:
            yield side, meant.format(f"'{side.name}'")
        elif isinstance(side, nodes.Const):
            bare = (
                "leave the quotes around it out"
                if isinstance(side.value, str) and " in " in side.value
                else ""
            )
            yield side, bare or _each_in(tree, side) or meant.format(spelt(side))
        yield from _constants(side)


def _each_in(tree: nodes.Node, side: nodes.Const) -> str:
    """What is meant by `'hot' and 'webinar' in contact.tags`."""
    if not isinstance(tree, nodes.And | nodes.Or):
        return ""
    other = tree.right if side is tree.left else tree.left
    if not isinstance(other, nodes.Compare) or [each.op for each in other.ops] != ["in"]:
        return ""
    word, field = ("and" if isinstance(tree, nodes.And) else "or"), spelt(other.ops[0].expr)
    return f"write {spelt(side)} in {field} {word} {spelt(other.expr)} in {field}; capitals count, unless it is ({field} | lower)"


def _impossible(tree: nodes.BinExpr) -> Wrong | None:
    """`x != 'a' or x != 'b'` is true of everything, `x == 'a' and x == 'b'` of nothing."""
    signs, words = (("ne", "notin"), "not in") if isinstance(tree, nodes.Or) else (("eq",), "in")
    compared = [
        each
        for each in (tree.left, tree.right)
        if isinstance(each, nodes.Compare) and len(each.ops) == 1 and each.ops[0].op in signs
    ]
    if len(compared) < 2 or spelt(compared[0].expr) != spelt(compared[1].expr):
        return None
    first, second = (_items(each.ops[0].expr) for each in compared)
    if not first or not second or {each.value for each in first} & {each.value for each in second}:
        return None
    listed = ", ".join(spelt(each) for each in (*first, *second))
    return second[0], f"write {spelt(compared[0].expr)} {words} [{listed}]"


def _items(node: nodes.Node) -> list[nodes.Const]:
    """The constants that stand there: one, or those of a list; none where there is anything else."""
    items = node.items if isinstance(node, nodes.List | nodes.Tuple) else [node]
    found = [each for each in items if isinstance(each, nodes.Const)]
    return found if len(found) == len(items) else []


def _first(right: nodes.Node) -> Iterator[nodes.Node]:
    """Of `'CA' and b`, after an `or`: 'CA', which belongs to what stands before it."""
    while isinstance(right, nodes.And):
        right = right.left
        if isinstance(right, nodes.Const | nodes.Name):
            yield right


def _spelt(node: nodes.Node) -> str:
    return f"'{node.name}'" if isinstance(node, nodes.Name) else spelt(node)


def _last(left: nodes.Node) -> nodes.Node:
    """Of `a and b`, before an `or 'CA'`: b, to which it belongs."""
    while isinstance(left, nodes.And | nodes.Or):
        left = left.right
    return left


def _compared(left: nodes.Node) -> str:
    """What is meant by `country == 'DE' or 'CA'`."""
    if not isinstance(left, nodes.Compare) or [each.op for each in left.ops] != ["eq"]:
        return _COMPARE
    first = left.ops[0].expr
    word = (
        spelt(first)
        if isinstance(first, nodes.Const)
        else f"'{first.name}'"
        if isinstance(first, nodes.Name)
        else ""
    )
    return f"write {spelt(left.expr)} in [{word}, {{}}]" if word else _COMPARE


def _joined(tree: nodes.BinExpr) -> Iterator[nodes.Node]:
    """The parts that an `and` or `or` joins, one or several."""
    for side in (tree.left, tree.right):
        if type(side) is type(tree):
            yield from _joined(side)
        else:
            yield side


def _ever(parts: list[nodes.Node]) -> Iterator[Wrong]:
    """Parts of which one is always true: `x > 1000 or x < 5000`, `x or not x`."""
    wanted = {spelt(each) for each in parts if _is_field(each)}
    for each in parts:
        if isinstance(each, nodes.Not) and (name := spelt(each.node)) in wanted:
            yield each.node, f"is true of every record: {name} has a value or has none"
    limits = [limit for each in parts for limit in _limits(each) if limit[1] in _OPPOSITE]
    for number, (name, sign, node) in enumerate(limits):
        for other_name, other_sign, other in limits[:number]:
            if name == other_name and not _together(
                _OPPOSITE[sign], node.value, _OPPOSITE[other_sign], other.value
            ):
                first, second = f"{_SPELT[other_sign]} {other.value}", f"{_SPELT[sign]} {node.value}"
                yield node, f"is true of every number: {name} is always {first} or {second}; is `and` meant?"
                return


def _never(parts: list[nodes.Node]) -> Iterator[Wrong]:
    """Parts of which not all can be true: `x > 1000 and x < 500`, `x and not x`."""
    wanted = {spelt(each): each for each in parts if _is_field(each)}
    for each in parts:
        if isinstance(each, nodes.Not) and (name := spelt(each.node)) in wanted:
            yield each.node, f"is true of no record: {name} cannot have a value and have none"
    limits: dict[str, list[tuple[str, float, nodes.Node]]] = {}
    for name, sign, node in (limit for each in parts for limit in _limits(each)):
        for other_sign, other, _ in limits.setdefault(name, []):
            if not _together(sign, node.value, other_sign, other):
                first, second = f"{_SPELT[other_sign]} {other}", f"{_SPELT[sign]} {node.value}"
                yield node, f"is true of no record: {name} cannot be {first} and {second}; is `or` meant?"
                return
        limits[name].append((sign, node.value, node))


def _limits(node: nodes.Node) -> Iterator[tuple[str, str, Any]]:
    """The numbers that a comparison holds a field against: its name, the sign, the number."""
    if not isinstance(node, nodes.Compare):
        return
    left = node.expr
    for each in node.ops:
        if each.op in _SPELT and _is_field(left) and _is_number(each.expr):
            yield spelt(left), each.op, each.expr
        elif each.op in _SPELT and _is_number(left) and _is_field(each.expr):
            yield spelt(each.expr), _MIRRORED[each.op], left
        left = each.expr


def _together(sign: str, number: float, other_sign: str, other: float) -> bool:
    """Can a number keep to both limits?"""
    if "eq" in (sign, other_sign):
        (exact, limit, at) = (number, other_sign, other) if sign == "eq" else (other, sign, number)
        return {
            "eq": exact == at, "lt": exact < at, "lteq": exact <= at, "gt": exact > at, "gteq": exact >= at
        }[limit]  # fmt: skip
    if (sign in _ABOVE) == (other_sign in _ABOVE):
        return True
    least, most = (number, other) if sign in _ABOVE else (other, number)
    return least < most or (least == most and {sign, other_sign} == {"lteq", "gteq"})


def _is_field(node: nodes.Node) -> bool:
    return isinstance(steps(node)[0], nodes.Name) and isinstance(node, nodes.Getattr | nodes.Getitem)


def _is_number(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and type(node.value) in (int, float)
