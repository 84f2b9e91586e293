"""Which number a rule calls: its candidates in order, until one can be dialled; and what was tried if none can."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from connector.mapping.language import Call
from connector.mapping.matching import Reason
from connector.mapping.merge import MergeField
from connector.mapping.steps import Looked, Part, Step, beyond, found_in
from connector.mapping.values import is_empty, short
from connector.mapping.vocabulary import OURS
from connector.mapping.words import listed
from connector.policy.kinds import CALLED, NumberType, types_of
from connector.policy.numbers import Number, normalise, region_of


def number_to_call(
    call: Call,
    values: Mapping[str, Any],
    default_region: str,
    looked: Looked,
    wanted: frozenset[NumberType] = CALLED,
) -> Number | Reason:
    """Return the first candidate's number that can be dialled, and add to `looked` each that was tried.

    One of a type that is not wanted gives way to a later one that is; it is returned where there is none, so that
    the policy says why it is not called.
    """
    unwanted: tuple[Number, Callable[[], Iterable[Step]]] | None = None
    named = _region(call, values, looked)
    region = region_of(named) if named else default_region
    unusable: list[str] = []
    empty: list[MergeField] = []
    for field in call.phone_number:
        notes: list[str] = []
        raw = field.text(values, notes).strip()
        number = normalise(raw, region) if raw else None
        if number is not None and number.is_dialable:
            called = partial(_number_step, number, raw, region, field, values, notes)
            if len(call.phone_number) == 1 or types_of(number.e164) & wanted:
                looked.append(called)
                return number
            unwanted = unwanted or (number, called)
            looked.append(partial(_step, _unwanted(number, field), False, field, values, notes))
        elif not raw:
            empty.append(field)
            looked.append(partial(_empty_step, field, values, notes))
        else:
            hint = f"in {region}" if region else f'and "{short(named)}" is not the two letters of a country'
            sentence = f'"{short(raw)}"{_of(field)} is not a phone number {hint}'
            unusable.append(sentence)
            looked.append(partial(_step, sentence, False, field, values, notes))
    if unwanted is not None:
        looked.append(unwanted[1])
        return unwanted[0]
    if unusable:
        tried = "; ".join(
            [*unusable, *([_tried(empty, values)] if empty and len(call.phone_number) > 1 else [])]
        )
        return Reason("not_a_phone_number", tried)
    return Reason("no_phone_number", f"there is no phone number ({_tried(empty, values)})")


def _region(call: Call, values: Mapping[str, Any], looked: Looked) -> str:
    """The country that the rule names for numbers without a country code, as it is written."""
    if call.region is None:
        return ""
    notes: list[str] = []
    named = call.region.text(values, notes).strip()
    if not call.region.is_constant:
        looked.append(partial(_region_step, named, call.region, values, notes))
    return named


def _region_step(
    named: str, field: MergeField, values: Mapping[str, Any], notes: list[str]
) -> Iterator[Step]:
    found = found_in(values, field.fields)
    sentence = f'region: "{short(named)}"' if named else "region: empty, so that of the connection"
    yield Step(Part.CALL, "region", sentence, True, found, beyond(notes, found))


def _number_step(
    number: Number,
    raw: str,
    region: str | None,
    field: MergeField,
    values: Mapping[str, Any],
    notes: list[str],
) -> Iterator[Step]:
    sentence = f'phone number: {number} (from "{short(raw)}", region {region or "not known"})'
    yield from _step(sentence, True, field, values, notes)


def _empty_step(field: MergeField, values: Mapping[str, Any], notes: list[str]) -> Iterator[Step]:
    yield from _step(_tried([field], values), False, field, values, notes)


def _step(
    sentence: str, holds: bool, field: MergeField, values: Mapping[str, Any], notes: list[str]
) -> Iterator[Step]:
    found = found_in(values, field.fields)
    yield Step(Part.PHONE_NUMBER, "phone_number", sentence, holds, found, beyond(notes, found))


def _unwanted(number: Number, field: MergeField) -> str:
    words = " or ".join(sorted(each.value for each in types_of(number.e164)))
    return (
        f"{number}{_of(field)} is a number of the type {words}, which the rule does not call (number_types)"
    )


def _of(field: MergeField) -> str:
    """Which field the number came from, where it is only one."""
    if len(field.fields) != 1:
        return ""
    ((name, key),) = field.fields
    return f" ({name}.{key})"


def _tried(fields: list[MergeField], values: Mapping[str, Any]) -> str:
    """Where a number was looked for: in fields that are empty, or of an object that there is not."""
    read = sorted({each for field in fields for each in field.fields})
    absent = sorted({name for name, _ in read if name not in OURS and not values.get(name)})
    there = [(name, key) for name, key in read if name not in absent]
    held = [f"{name}.{key}" for name, key in there if not is_empty((values.get(name) or {}).get(key))]
    words = [f"{name}.{key}" for name, key in there if f"{name}.{key}" not in held]
    words = words if absent or held else words or [field.source for field in fields]
    empty = [f"{listed(words)} {'is' if len(words) == 1 else 'are'} empty"] if words else []
    lost = (
        [f"nothing is left of {listed(held)} by {listed(field.source.strip() for field in fields)}"]
        if held
        else []
    )
    return listed([*(f"the record has no {name}" for name in absent), *empty, *lost])
