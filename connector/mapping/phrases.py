"""Comparisons as people say them (`is at least 5`, `does not contain 'x'`), and how they are written."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from connector.mapping.words import Word

PASSING: Final = "times that pass are not known here; a day is written '2026-12-31', the call's own is call.ended_at | date"
WHOLE: Final = "; an `if` that begins with a quote stands in double quotes as a whole"

_SAYINGS: Final[Mapping[str, str]] = {
    "{field} in ['a', 'b']": "is any of, is one of, is in, is either, any of, one of",
    "{field} not in ['a', 'b']": "is none of, is not any of, is not one of, is not in, none of",
    "{field} by itself, which is true where it has a value": (
        "is not null, is not none, is not empty, is not blank, is not unknown, is not undefined, is known, is filled, is set,"
        " is present, is defined, has a value, has any value, has value, exists, exist, not null, not empty, known, filled"
    ),
    "not {field}": (
        "is null, is none, is empty, is blank, is unknown, is missing, is undefined, is not set, is not known, is not filled, is not defined,"
        " has no value, does not exist, empty, blank"
    ),
    "{field} == {value}": "is equal to, is the same as, is exactly, is, equals, equal to, equal, eq",
    "{field} != {value}": "is not equal to, does not equal, not equals, not equal to, not equal, is not, isn, ne, differs from",
    "{field} >= {value}": (
        "is at least, at least, is greater than or equal to, greater than or equal to, is not less than, not less than,"
        " not <, gte, ge"
    ),
    "{field} <= {value}": (
        "is at most, at most, is less than or equal to, less than or equal to, is not more than, not more than, not >, lte, le"
    ),
    "{field} > {value}": (
        "is greater than, is more than, is above, is over, is after, is later than, is bigger than, is higher than,"
        " greater than, more than, bigger than, higher than, greater, after, above, over, more, gt"
    ),
    "{field} < {value}": (
        "is less than, is fewer than, is below, is under, is before, is earlier than, is smaller than, is lower than,"
        " less than, fewer than, smaller than, lower than, before, below, under, less, lt, not >="
    ),
    "{least} <= {field} <= {most}": "is between, between",
    "{text} not in {field}": (
        "does not contain, does not include, not contains, not contain, not includes, not like, is not like, not has"
    ),
    "{text} in {field}": (
        "contains, contain, includes, include, is like, like, matches, has"
    ),
    "{text} in {field}, which looks in all of it": (
        "starts with, begins with, ends with, startswith, endswith, starts_with, ends_with"
    ),
    "{text} not in {field}, which looks in all of it": (
        "does not start with, does not begin with, does not end with, not ends with, not starts with, not end with"
    ),
    "'a' in {field} or 'b' in {field}": (
        "has any of, has one of, contains any of, contains one of, includes any of"
    ),
    "{text} in contact.tags": "has tag, has the tag, is tagged, tagged with",
    "{field}": "is true, is yes, is checked",
}  # fmt: skip
"""What is written, by what is said."""

_LISTING: Final = {
    "{field} in ['a', 'b']": "in",
    "{field} not in ['a', 'b']": "not in",
    "{field} == {value}": "in",
    "{field} != {value}": "not in",
}
"""What is written instead where several values follow."""
_PHRASES: Final[Mapping[tuple[str, ...], str]] = {
    tuple(said.split()): written for written, sayings in _SAYINGS.items() for said in sayings.split(", ")
}
_JOINING: Final = frozenset({"and", "or", "if", "else", "not", "in"})
_LONGEST: Final = max(len(phrase) for phrase in _PHRASES)
_SPANS: Final = frozenset(
    {"ago", *(f"{each}{s}" for each in ("minute", "hour", "day", "week", "month", "year") for s in ("", "s"))}
)


def written(words: Sequence[Word], first: int = 0) -> str | None:
    """Return how the first saying from a word on is written; None where there is none."""
    said = [word.text.casefold() for word in words]
    if any(word.kind == "name" and text in _SPANS for word, text in zip(words, said, strict=True)):
        return PASSING
    for index in range(first, len(words)):
        if index and words[index - 1].text in (".", "|"):
            continue  # a field or filter of that name
        for length in range(min(_LONGEST, len(words) - index), 0, -1):
            if template := _PHRASES.get(tuple(said[index : index + length])):
                return f"write {_filled(template, words, index, index + length)}"
    return None


def _filled(template: str, words: Sequence[Word], index: int, after: int) -> str:
    """Put what stands before and after the saying into it."""
    label = [word.text for word in _run(words[_begin(words, index) : index])]
    field = "field" if len(label) > 1 else "".join(before_it(words[:index])) or "field"
    several = _several(words[after:])
    if len(several) > 1 and (listing := _LISTING.get(template)):
        return f"{field} {listing} [{', '.join(several)}]"
    value, text = "'text'", "'text'"
    if after < len(words):
        value = f"'{_said(words[after:])}'" if words[after].kind == "name" else single(_number(words[after:]))
        word = _said(words[after:]) if words[after].kind == "name" else words[after].text.strip("'\"%*^$.")
        text = f"'{word}'" if words[after].kind in ("name", "string") else text
    numbers = [word.text for word in words[after : after + 3] if word.kind in ("integer", "float")]
    least, most = numbers if len(numbers) == 2 else ("1000", "5000")
    said, comma, more = template.partition(", ")
    said = said.format(field=field, value=value, text=text, least=least, most=most)
    begins = said.startswith("'") and index == len(before_it(words[:index]))
    ends = after + max(len(_run(words[after:])), 1) >= len(words)
    if begins and ends:
        said = f'"{said}", with both kinds of quotes'
    if template.startswith(("{text} in {field}", "{text} not in {field}")) and not field.endswith(
        ("tags", "field")
    ):
        more, comma = f"{more}; capitals count, unless it is ({field} | lower)", comma
    named = f', with the name of the field for "{" ".join(label)}"' if len(label) > 1 else ""
    return f"{said}{comma}{more}{WHOLE if begins and not ends else ''}{named}"


def _begin(words: Sequence[Word], index: int) -> int:
    """Where the names begin that stand side by side before a place: a label, as `lead source`."""
    while index and words[index - 1].kind == "name" and words[index - 1].text.casefold() not in _JOINING:
        index -= 1
    return index


def single(text: str) -> str:
    """A text in single quotes, which can stand in an `if` that is in double quotes."""
    plain = text[1:-1] if text[:1] == '"' else ""
    return f"'{plain}'" if plain and "'" not in plain else text


def _run(words: Sequence[Word]) -> Sequence[Word]:
    """The words that are one text: `open deal`, `acme.example`."""
    for number, word in enumerate(words):
        dotted = number > 0 and (word.text == "." or words[number - 1].text == ".")
        if not dotted and (word.kind != "name" or word.text.casefold() in ("and", "or", "if", "else")):
            return words[:number]
    return words


def _said(words: Sequence[Word]) -> str:
    return re.sub(r" ?\. ?", ".", " ".join(each.text for each in _run(words)))


def _number(words: Sequence[Word]) -> str:
    """A number as it is written: 3000 for `3,000`."""
    number = words[0].text
    for comma, more in zip(words[1::2], words[2::2], strict=False):
        if words[0].kind != "integer" or comma.text != "," or more.kind != "integer" or len(more.text) != 3:
            break
        number += more.text
    return number


def _several(words: Sequence[Word]) -> list[str]:
    """The texts of `US or CA`, `"US", "CA"`, each in quotes, up to the next field."""
    found: list[str] = []
    for number, word in enumerate(words):
        is_field = number + 1 < len(words) and words[number + 1].text == "."
        if number % 2 == 0 and word.kind in ("name", "string") and not is_field:
            found.append(f"'{word.text}'" if word.kind == "name" else single(word.text))
        elif number % 2 == 0 or word.text not in (",", "or", "and"):
            break
    return found


def before_it(words: Sequence[Word]) -> list[str]:
    """The field that these words end with, as it is written: `contact`, `.`, `email`."""
    found: list[str] = []
    for word in reversed(words):
        fits = word.text == "." if found and found[0] != "." else word.kind == "name"
        if not fits:
            break
        found.insert(0, word.text)
    return found if found[:1] != ["."] else found[1:]


def is_passing(text: str) -> bool:
    """Does a text speak of a time that passes: `30 days ago`, `yesterday`?"""
    return not _SPANS.union({"today", "yesterday", "tomorrow", "now"}).isdisjoint(text.casefold().split())


def leading(words: Sequence[Word]) -> list[str]:
    """The field that these words begin with."""
    found: list[str] = []
    for word in words:
        if (word.text == ".") != (len(found) % 2 == 1) or word.kind not in ("name", "operator"):
            break
        found.append(word.text)
    return found if len(found) % 2 else found[:-1]


def adjacent_texts(words: Sequence[Word]) -> Iterator[Word]:
    """Yield each text that follows a text: Python would make them one, and a comma was meant."""
    for word, before in zip(words[1:], words, strict=False):
        if word.kind == before.kind == "string":
            yield word
