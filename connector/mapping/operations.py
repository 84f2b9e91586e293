"""What the operators of an expression do: parts of values, calculating, comparing. Nothing here raises."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from connector.mapping.values import (
    Scope,
    contains,
    is_empty,
    is_equal,
    is_single,
    number_of,
    order,
    text_of,
    weight,
)

MAX_NUMBER = 10**15
"""Beside the fields' own values no number may be larger: beyond it decimals are no longer exact."""

Side = tuple[Any, str]
"""A value and how the expression spells it."""

_CALCULATE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}
_SPELT: Final = {"lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}


def part(whole: Any, key: str | int) -> Any:
    """Return what a mapping has under a key, or a list or text at a place; None where there is nothing."""
    if isinstance(whole, Mapping):
        return whole.get(key)
    if isinstance(whole, list | tuple | str) and isinstance(key, int) and 0 <= key < len(whole):
        return whole[key]
    return None


def calculated(scope: Scope, sign: str, left: Any, right: Any) -> int | float | None:
    """Add, subtract, multiply or divide; None, with a note, where that makes no sense."""
    one, other = number_of(left), number_of(right)
    if one is None or other is None:
        scope.note(
            f"{text_of(left)[:40] or 'nothing'} {sign} {text_of(right)[:40] or 'nothing'} is not a calculation"
        )
        return None
    if (sign == "/" and not other) or max(abs(one), abs(other)) > MAX_NUMBER:
        scope.note(f"{text_of(one)} {sign} {text_of(other)} has no result")
        return None
    found = _CALCULATE[sign](one, other)
    return found if abs(found) <= MAX_NUMBER else None


def holds(scope: Scope, sign: str, left: Side, right: Side) -> bool:
    """Decide one comparison; what has no order is false, with a note."""
    if sign in ("eq", "ne"):
        if not is_single(left[0]):
            scope.charge(weight(left[0]) + weight(right[0]))
        return is_equal(left[0], right[0]) == (sign == "eq")
    scope.charge(weight(left[0]) + weight(right[0]))
    if sign in ("in", "notin"):
        return contains(right[0], left[0]) == (sign == "in")
    found = order(left[0], right[0])
    if found is None:
        wrong = next((side for side in (left, right) if number_of(side[0]) is None), left)
        state = "empty" if is_empty(wrong[0]) else f'"{text_of(wrong[0])[:40]}", not a number'
        scope.note(f"{left[1]} {_SPELT[sign]} {right[1]} is false: {wrong[1]} is {state}")
        return False
    return _ORDERED[sign](found, 0)


def prepared(sign: str, constant: Any) -> Callable[[Any], bool | None] | None:
    """Return a quick test of values against what stands in the rule file; it gives None for those it cannot judge.

    It says what `holds` says. None where there is no quicker way.
    """
    number = number_of(constant)
    if sign in _ORDERED and number is not None:
        compare = _ORDERED[sign]

        def ordered(value: Any) -> bool | None:
            found = number_of(value)
            return None if found is None else compare(found, number)

        return ordered
    if sign in ("eq", "ne") and type(constant) is str:
        same = sign == "eq"
        return lambda value: (value == constant) is same if type(value) is str else None
    if sign in ("in", "notin") and type(constant) is list and all(type(each) is str for each in constant):
        words, inside = frozenset(constant), sign == "in"
        return lambda value: (value in words) is inside if type(value) is str and value.strip() else None
    return None
