"""Values of merge fields: what is true, equal, smaller, a number, a text.

CRMs send nearly everything as text, so `"1200"` compares with 1000 as a number and `"false"` is false.
Nothing here raises on any value: what makes no sense is empty or false, and a note says so.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import islice
from math import isfinite
from typing import Any

MAX_TEXT = 64 * 1024
"""Bytes (UTF-8) of a text that a merge field may give."""
SHORT = MAX_TEXT // 4
"""Characters of which a text within MAX_TEXT may always have so many: UTF-8 takes four bytes for one at most."""
MAX_ITEMS = 1_000
"""Items of a list that are looked at."""
MAX_WORK = 512 * 1024
"""Characters that one text or condition may read and write in all: bounds its time without a clock."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?")
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_BOOLEANS = {"true": True, "false": False}

_MAX_INTEGER = 10**30

_SINGLE = frozenset({str, int, float, bool, type(None)})
"""Most values are of these kinds; asking whether something is a Mapping takes ten times as long."""

EMPTY: Mapping[str, Any] = {}


class Later(Mapping[str, Any]):
    """A mapping that is made when it is first read."""

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Mapping[str, Any]:
        return self._make()

    def __getitem__(self, key: str) -> Any:
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


class TooMuchWork(Exception):
    """The work allowed for one text is used up."""


class Scope:
    """What one evaluation reads (`values`), what it has to say (`notes`), and how much it may still do."""

    __slots__ = ("notes", "values", "work")

    def __init__(self, values: Mapping[str, Any], notes: list[str]) -> None:
        self.values = values
        self.notes = notes
        self.work = MAX_WORK

    def charge(self, amount: int) -> None:
        """Take from the work allowed."""
        self.work -= amount
        if self.work < 0:
            raise TooMuchWork

    def note(self, sentence: str) -> None:
        """Keep a remark for the explanation, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def plain(value: Any) -> Any:
    """Return a CRM's value as one of the kinds this language knows; None for any other."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT]
    if kind is float:
        return value if isfinite(value) else None
    if isinstance(value, int):
        return int(value) if abs(value) < _MAX_INTEGER else None
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list | tuple):
        return value[:MAX_ITEMS]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    return plain(str(value)) if isinstance(value, str) else None


def is_empty(value: Any) -> bool:
    """No value, or a text of nothing but blanks."""
    return value is None or (isinstance(value, str) and not value.strip())


def is_true(value: Any) -> bool:
    """Decide a condition: empty, 0, an empty list and the text `false` are false, all else is true."""
    if value is True or value is False:
        return value
    if isinstance(value, str):
        word = value.strip()
        return bool(word) and word.casefold() != "false"
    return bool(value)


def number_of(value: Any) -> int | float | None:
    """Return the number that a value is or spells, None where it is none."""
    kind = type(value)
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    if not isinstance(value, str):
        return value if isinstance(value, int | float) and kind is not bool else None
    if value.isdecimal() and value.isascii() and len(value) <= 30:
        return int(value)
    word = value.strip()
    match = _NUMBER.fullmatch(word)
    if not match:
        return None
    return float(word) if match[1] or match[2] else int(word)


def text_of(value: Any) -> str:
    """Spell a value as text: nothing for None, `true`/`false`, 12 for 12.0, list items with commas."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return ", ".join(text_of(item) for item in sendable(value))
    return json_of(value)


def short(value: Any) -> str:
    """Spell a value for a sentence: one line, 80 characters at most."""
    text = " ".join(text_of(value).split())
    return text if len(text) <= 80 else text[:79] + "…"


def json_of(value: Any) -> str:
    """Write a value as JSON."""
    return json.dumps(sendable(value), ensure_ascii=False, allow_nan=False)


def weight(value: Any) -> int:
    """Say roughly what reading a value costs, in characters; of more than anybody may read, only that it is more."""
    kind = type(value)
    if kind is str:
        return 16 + len(value)
    if kind in _SINGLE or not isinstance(value, list | tuple | Mapping):
        return 16 + (len(value) if isinstance(value, str) else 0)
    found, left = 0, [value]
    while left and found <= MAX_WORK:
        each = left.pop()
        found += 16
        if isinstance(each, str):
            found += len(each)
        elif isinstance(each, list | tuple):
            left.extend(each[:MAX_ITEMS])
        elif isinstance(each, Mapping):
            left.extend(islice(each.values(), MAX_ITEMS))
    return found


def cut(text: str, scope: Scope) -> str:
    """Keep a text within MAX_TEXT bytes, and say so where it was longer."""
    if len(text) <= SHORT:
        return text
    coded = text.encode("utf-8", "surrogatepass")
    if len(coded) <= MAX_TEXT:
        return text
    scope.note(f"a text was cut to {MAX_TEXT:,} bytes")
    return coded[:MAX_TEXT].decode("utf-8", "ignore")


def sendable(value: Any, depth: int = 0) -> Any:
    """Return the value as JSON and databases take it: plain kinds, no NUL, no half characters, not too deep."""
    if isinstance(value, str):
        if value.isascii() and "\x00" not in value:
            return value
        return _UNSENDABLE.sub("\ufffd", value)
    if depth > 16:
        return None
    if isinstance(value, Mapping):
        return {
            sendable(str(key)): sendable(plain(item), depth + 1)
            for key, item in list(value.items())[:MAX_ITEMS]
        }
    if isinstance(value, list | tuple):
        return [sendable(plain(item), depth + 1) for item in value[:MAX_ITEMS]]
    return plain(value)


def is_single(value: Any) -> bool:
    """Is it a text, a number, a truth value or nothing, and so neither list nor mapping?"""
    return type(value) in _SINGLE


def is_equal(left: Any, right: Any) -> bool:
    """Compare: a number with a text as numbers, a boolean with a text as booleans, empty equals empty."""
    if left is None:
        left = ""
    if right is None:
        right = ""
    if isinstance(left, bool) or isinstance(right, bool):
        return _boolean(left) is _boolean(right) and _boolean(left) is not None
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    one, other = number_of(left), number_of(right)
    if one is not None and other is not None:
        return one == other
    return bool(type(left) is type(right) and sendable(left) == sendable(right))


def order(left: Any, right: Any) -> int | None:
    """Return -1, 0 or 1; None where the two have no order. Numbers have one, and ISO dates."""
    one, other = number_of(left), number_of(right)
    if one is not None and other is not None:
        return (one > other) - (one < other)
    if (
        isinstance(left, str)
        and isinstance(right, str)
        and _ISO_DATE.fullmatch(left)
        and _ISO_DATE.fullmatch(right)
    ):
        one_at, other_at = _moment(left), _moment(right)
        if one_at is not None and other_at is not None:
            return (one_at > other_at) - (one_at < other_at)
        return (left > right) - (left < right)
    return None


def _moment(text: str) -> datetime | None:
    """The moment that an ISO text with an offset is; None for a day, or a time of no known place."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def contains(whole: Any, part: Any) -> bool:
    """Is `part` an item of the list, or a piece of the text? Nothing is in nothing."""
    if is_empty(part) or is_empty(whole):
        return False
    if isinstance(whole, list | tuple):
        return any(is_equal(item, part) for item in whole[:MAX_ITEMS])
    if isinstance(whole, Mapping):
        return text_of(part) in whole
    return text_of(part) in text_of(whole)


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return _BOOLEANS.get(value.strip().casefold()) if isinstance(value, str) else None
