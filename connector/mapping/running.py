"""The functions that expressions become: each takes a Scope and returns a value, raises only TooMuchWork."""

from collections.abc import Callable, Sequence
from typing import Any

from connector.mapping.filters import Apply
from connector.mapping.operations import holds, part
from connector.mapping.values import EMPTY, MAX_TEXT, Scope, cut, is_empty, plain, weight

Evaluate = Callable[[Scope], Any]


def reader(name: str, key: str) -> Evaluate:
    """Read a field: `deal.amount`."""
    remark = f"{name}.{key} is empty"

    def read(scope: Scope) -> Any:
        value = (scope.values.get(name) or EMPTY).get(key)
        if type(value) is str and 0 < len(value) <= MAX_TEXT:
            return value
        value = plain(value)
        if value is None or value == "":
            scope.note(remark)
        return value

    return read


def comparison(first: Evaluate, name: str, pairs: Sequence[tuple[str, Evaluate, str]]) -> Evaluate:
    """Compare a value with the next, that with the one after it; each with its sign and how it is spelt."""

    def compare(scope: Scope) -> bool:
        left, left_name = first(scope), name
        for sign, right_of, right_name in pairs:
            right = right_of(scope)
            if not holds(scope, sign, (left, left_name), (right, right_name)):
                return False
            left, left_name = right, right_name
        return True

    return compare


def filtered(apply: Apply, value: Evaluate, arguments: Sequence[Evaluate]) -> Evaluate:
    """Apply a filter."""

    def filtered(scope: Scope) -> Any:
        given = value(scope)
        others = [argument(scope) for argument in arguments]
        scope.charge(weight(given) + _length(others))
        found = apply(scope, given, *others)
        return cut(found, scope) if type(found) is str else found

    return filtered


def reader_of_part(name: str, key: str, deeper: list[str | int]) -> Evaluate:
    """Read what a field has at a place: `deal.tags[0]`."""
    remark = "".join(
        [f"{name}.{key}", *(f"[{step}]" if isinstance(step, int) else f".{step}" for step in deeper)]
    )

    def read(scope: Scope) -> Any:
        value = plain((scope.values.get(name) or EMPTY).get(key))
        for step in deeper:
            value = plain(part(value, step))
        if value is None or value == "":
            scope.note(f"{remark} is empty")
        return value

    return read


def filtered_with(apply: Apply, value: Evaluate, others: Sequence[Any]) -> Evaluate:
    """Apply a filter whose arguments stand in the rule file."""
    cost = _length(others)

    def filtered(scope: Scope) -> Any:
        given = value(scope)
        scope.charge(weight(given) + cost)
        found = apply(scope, given, *others)
        return cut(found, scope) if type(found) is str else found

    return filtered


def quickly(value: Evaluate, quick: Callable[[Any], bool | None] | None, otherwise: Evaluate) -> Evaluate:
    """Compare with a constant; what the quick test cannot judge is compared as everything is."""
    if quick is None:
        return otherwise

    def compare(scope: Scope) -> Any:
        found = quick(value(scope))
        return found if found is not None else otherwise(scope)

    return compare


def _length(arguments: Sequence[Any]) -> int:
    return sum([len(each) for each in arguments if type(each) is str])


def or_else(evaluate: Evaluate, other: Any) -> Evaluate:
    """Put another value in the place of an empty one."""

    def filled(scope: Scope) -> Any:
        value = evaluate(scope)
        return other if is_empty(value) else value

    return filled


def nothing(scope: Scope) -> None:
    """Have no value."""
    return None
