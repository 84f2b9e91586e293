"""The filters of merge fields: a closed list. A new filter is one function and one line in FILTERS.

Two know more than the value before them: `phone` the connection's region, `map` the tables of the rule file.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connector.mapping.dates import DAY, date_text, wrong_form, wrong_zone
from connector.mapping.values import (
    MAX_ITEMS,
    MAX_TEXT,
    Scope,
    cut,
    is_empty,
    json_of,
    number_of,
    text_of,
)
from connector.mapping.words import folded
from connector.policy.numbers import normalise, not_a_region, region_of

Apply = Callable[..., Any]
"""Called with the scope, the value and the filter's own arguments; returns the new value, never raises."""

Table = Mapping[str, str | float | bool]
"""A table of the rule file, its keys folded."""

NOT_CONSTANT: Final = object()
"""In place of an argument that is known only when the filter is applied."""

_WORD_BEGINNING = re.compile(r"(?<![^-\s({\[<])[^-\s({\[<]")
_MAX_PLACES = 10


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter, how many arguments it takes, and one line about it."""

    apply: Apply
    least: int
    most: int
    usage: str
    about: str
    check: Callable[[Sequence[Any]], str | None] | None = None
    """Says what is wrong with the arguments that stand in the rule file, None where nothing is."""


def default(scope: Scope, value: Any, other: Any) -> Any:
    if not is_empty(value):
        return value
    scope.note(f'the default "{_short(other)}" is used')
    return other


def number(scope: Scope, value: Any) -> int | float | None:
    found = number_of(value)
    if found is None and not is_empty(value):
        scope.note(f'"{_short(value)}" is not a number')
    return found


def integer(scope: Scope, value: Any) -> int | None:
    found = number(scope, value)
    return None if found is None else int(found)


def round_(scope: Scope, value: Any, places: Any = 0) -> int | float | None:
    found, digits = number(scope, value), number_of(places)
    if found is None:
        return None
    if digits is None or not 0 <= digits <= _MAX_PLACES:
        scope.note(f"round takes 0 to {_MAX_PLACES} places")
        return found
    rounded = round(found, int(digits))
    return int(rounded) if digits == 0 else rounded


def upper(scope: Scope, value: Any) -> str:
    return text_of(value).upper()


def lower(scope: Scope, value: Any) -> str:
    return text_of(value).lower()


def title(scope: Scope, value: Any) -> str:
    text = text_of(value)
    scope.charge(len(text))  # once more: it takes twice as long as other filters
    return _WORD_BEGINNING.sub(lambda found: found[0].upper(), text.lower())


def trim(scope: Scope, value: Any) -> str:
    return text_of(value).strip()


def truncate(scope: Scope, value: Any, length: Any = 255) -> str:
    text, most = text_of(value), number_of(length)
    if most is None or not 1 <= most <= MAX_TEXT:
        scope.note(f"truncate takes a length from 1 to {MAX_TEXT}")
        return text
    if len(text) <= most:
        return text
    scope.note(f"a text was cut to {int(most):,} characters")
    return text[: int(most) - 1].rstrip() + "…"


def replace(scope: Scope, value: Any, old: Any, new: Any) -> str:
    text, before, after = text_of(value), text_of(old), text_of(new)
    if not before:
        scope.note("replace was asked to replace nothing")
        return text
    size = len(text) + text.count(before) * (len(after) - len(before))
    if size > MAX_TEXT:
        scope.note("replace would make the text too long; it was left as it is")
        return text
    return text.replace(before, after)


def split(scope: Scope, value: Any, separator: Any = None) -> list[str]:
    text, at = text_of(value), text_of(separator)
    parts = text.split(at, MAX_ITEMS) if at else text.split(None, MAX_ITEMS)
    if len(parts) > MAX_ITEMS:
        scope.note(f"split keeps the first {MAX_ITEMS:,} parts")
    return parts[:MAX_ITEMS]


def first(scope: Scope, value: Any) -> Any:
    return value[0] if isinstance(value, str | list | tuple) and value else None


def last(scope: Scope, value: Any) -> Any:
    return value[-1] if isinstance(value, str | list | tuple) and value else None


def join(scope: Scope, value: Any, separator: Any = ", ") -> str:
    if not isinstance(value, list | tuple):
        return text_of(value)
    between = text_of(separator)
    items: list[str] = []
    room = MAX_TEXT
    for item in value[:MAX_ITEMS]:
        text = text_of(item)
        room -= len(text) + len(between)
        if room < 0:
            scope.note("join left out what would make the text too long")
            break
        items.append(text)
    return between.join(items)


def length(scope: Scope, value: Any) -> int:
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    return len(text_of(value))


def digits(scope: Scope, value: Any) -> str:
    return "".join(character for character in text_of(value) if character in "0123456789")


def date(scope: Scope, value: Any, form: Any = DAY, zone: Any = None) -> str | None:
    if is_empty(value):
        return None
    text, remark = date_text(value, form, zone)
    if remark:
        scope.note(remark)
    return text


def phone(scope: Scope, value: Any, region: Any = None) -> str | None:
    """`region` is the argument, else the connection's, which the compiler puts in its place."""
    if is_empty(value):
        return None
    code = region_of(text_of(region)) if not is_empty(region) else None
    found = normalise(text_of(value).strip(), code)
    if found is None or not found.is_dialable:
        where = f"in {code}" if code else "without a country"
        scope.note(f'"{_short(value)}" is not a phone number {where}')
        return None
    return found.e164


def look_up(scope: Scope, value: Any, table: Table, name: str) -> Any:
    """`map`: the compiler puts the table itself in the place of its name."""
    if is_empty(value):
        return None
    found = table.get(folded(text_of(value)[:1000]))
    if found is None:
        scope.note(f'"{_short(value)}" is not in the table {name}')
    return found


def as_json(scope: Scope, value: Any) -> str:
    return cut(json_of(value), scope)


FILTERS: Mapping[str, Filter] = {
    "default": Filter(default, 1, 1, "default('there')", "another value where this one is empty"),
    "number": Filter(number, 0, 0, "number", "a number, from text such as 1200.50"),
    "integer": Filter(integer, 0, 0, "integer", "a whole number, cut towards 0"),
    "round": Filter(
        round_,
        0,
        1,
        "round(2)",
        "a number with so many places, 0 if not given",
        lambda given: _checked(given, 0, _wrong_number),
    ),
    "upper": Filter(upper, 0, 0, "upper", "ALL CAPITALS"),
    "lower": Filter(lower, 0, 0, "lower", "all small letters"),
    "title": Filter(title, 0, 0, "title", "Each Word With A Capital"),
    "trim": Filter(trim, 0, 0, "trim", "without blanks at the ends"),
    "truncate": Filter(
        truncate,
        0,
        1,
        "truncate(80)",
        "at most so many characters, 255 if not given",
        lambda given: _checked(given, 0, _wrong_number),
    ),
    "replace": Filter(replace, 2, 2, "replace('-', '')", "one text put in place of another"),
    "split": Filter(split, 0, 1, "split(';')", "a list of the parts, cut at blanks if nothing is given"),
    "first": Filter(first, 0, 0, "first", "the first item of a list, or character of a text"),
    "last": Filter(last, 0, 0, "last", "the last one"),
    "join": Filter(join, 0, 1, "join(', ')", "a list as one text"),
    "length": Filter(length, 0, 0, "length", "how many characters or items"),
    "digits": Filter(digits, 0, 0, "digits", "only the digits 0-9"),
    "json": Filter(as_json, 0, 0, "json", "the value written as JSON"),
    "date": Filter(
        date,
        0,
        2,
        "date('%e %B %Y, %H:%M', 'Europe/London')",
        "a date of the CRM, written by % codes, in a time zone; 2026-11-02 and UTC if not given",
        lambda given: _first(_checked(given, 0, wrong_form), _checked(given, 1, wrong_zone)),
    ),
    "phone": Filter(
        phone,
        0,
        1,
        "phone('GB')",
        "a phone number as +442079460000, of that country or of the connection's",
        lambda given: _checked(given, 0, _wrong_region),
    ),
    "map": Filter(look_up, 1, 1, "map('agents')", "what a table of the rule file has for the value"),
}

MEANT = {
    "int": "integer",
    "float": "number",
    "string": "trim",
    **dict.fromkeys(
        (
            "d",
            "fallback",
            "ifempty",
            "if_empty",
            "or_else",
            "coalesce",
            "else",
            "otherwise",
            "personalization_token",
        ),
        "default",
    ),
    **dict.fromkeys(("capitalize", "capitalise", "titlecase", "titleize", "proper", "ucwords"), "title"),
    **dict.fromkeys(("uppercase", "upcase", "toupper", "to_upper", "touppercase"), "upper"),
    **dict.fromkeys(("lowercase", "downcase", "tolower", "to_lower", "tolowercase"), "lower"),
    **dict.fromkeys(("e164", "format_phone", "phone_number", "phonenumber", "tel"), "phone"),
    **dict.fromkeys(("count", "len", "size"), "length"),
    **dict.fromkeys(("substring", "substr", "slice", "limit"), "truncate"),
    **dict.fromkeys(("to_number", "parse_number", "num"), "number"),
    **dict.fromkeys(("to_int", "parse_int", "floor"), "integer"),
    "strip": "trim",
    "tojson": "json",
    **dict.fromkeys(("datetimeformat", "format_datetime", "format_date", "strftime", "datetime"), "date"),
    "lookup": "map",
}
"""What people who know Jinja or HubL write for the same thing."""


def _checked(given: Sequence[Any], place: int, check: Callable[[str], str | None]) -> str | None:
    """Check one argument, where it stands in the rule file."""
    if place >= len(given) or given[place] is NOT_CONSTANT:
        return None
    return check(text_of(given[place]))


def _first(*complaints: str | None) -> str | None:
    return next((each for each in complaints if each), None)


def _wrong_region(text: str) -> str | None:
    return None if region_of(text) else not_a_region(text)


def _wrong_number(text: str) -> str | None:
    return None if number_of(text) is not None else f'"{text}" is not a number'


def _short(value: Any) -> str:
    text = text_of(value)
    return text if len(text) <= 40 else text[:39] + "…"
