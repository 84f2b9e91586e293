"""What to write instead, where people write conditions as they would say them or as other programs have them."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

_NUMBERS: Final = ("integer", "float")
_VALUES: Final = ("name", "string", *_NUMBERS)

_NUMBER = "a number is written as 1000 or 1000.50, without a comma or blank"
_PIECE = "write it as \"'text' in field\", with both kinds of quotes"
_FILLED = "a field by itself is true where it has a value, `not field` where it has none"
_PASSING = "times that pass are not known here; a day is written '2026-12-31'"
_ALONE = "the condition stands alone; a choice is written 'a' if condition else 'b'"
_ARGUMENT = "what a filter is given stands in brackets: default('there')"

_SAID: Final[Mapping[str, str]] = {
    **dict.fromkeys(("and", "or", "not"), 'write "and", "or", "not"'),
    **dict.fromkeys(("contains", "includes", "has", "like", "matches"), _PIECE),
    **dict.fromkeys(("starts", "ends", "begins"), f"there is no such comparison; {_PIECE}"),
    **dict.fromkeys(("exists", "exist", "empty", "known", "set", "filled", "blank"), _FILLED),
    **dict.fromkeys(("equals", "equal", "eq"), "a comparison is written =="),
    **dict.fromkeys(("greater", "more", "above", "over", "gt"), "write >"),
    **dict.fromkeys(("less", "fewer", "below", "under", "lt"), "write <"),
    "between": "write 1000 <= field <= 5000",
    **dict.fromkeys(("then", "if"), _ALONE),
    "unless": 'write "and not"',
    **dict.fromkeys(("days", "day", "hours", "hour", "weeks", "week", "months", "month", "ago"), _PASSING),
}
"""By a word that stands where none can."""

_BARE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("yes", "on"), "a checkbox is compared with true"),
    **dict.fromkeys(("no", "off"), "a checkbox is compared with false"),
    **dict.fromkeys(
        ("null", "none", "nil", "empty", "blank", "undefined"), "a field without a value equals ''"
    ),
    **dict.fromkeys(("today", "now", "yesterday", "tomorrow"), _PASSING),
    **dict.fromkeys(
        ("always", "any", "all", "everyone"), "where every record is meant, leave the condition out"
    ),
}
"""By a word that nobody knows, with nothing before it."""

INSTEAD: Final[Mapping[str, str]] = {
    "&": 'write "and"',
    "!": 'write "not" or !=',
    "?": "a choice is written a if condition else b",
    "$": "fields and amounts are written without it",
    **dict.fromkeys("€£", "amounts are written without it"),
    "\\": "texts stand in quotes",
    "≥": "write >=",
    "≤": "write <=",
    "≠": "write !=",
    **dict.fromkeys(
        "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb", "texts stand in straight quotes: 'text'"
    ),
}
"""By a sign that cannot stand in an expression."""


class Word(Protocol):
    """A word or sign of an expression."""

    @property
    def kind(self) -> str:
        """What it is: name, string, integer, float, operator."""

    @property
    def text(self) -> str:
        """As it is written."""


_CALLED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("now", "today", "date_add", "dateadd", "datediff", "days_ago"), _PASSING),
    **dict.fromkeys(
        ("concat", "concatenate"), "texts are joined by ~: contact.firstname ~ ' ' ~ contact.lastname"
    ),
    **dict.fromkeys(("contains", "includes", "startswith", "endswith", "starts_with", "ends_with"), _PIECE),
    **dict.fromkeys(
        ("isnull", "is_null", "isblank", "isempty", "is_empty", "exists", "has_value", "is_known"), _FILLED
    ),
    **dict.fromkeys(
        ("if", "iff", "iif", "ifelse", "switch", "case"), "a choice is written 'a' if condition else 'b'"
    ),
}
"""By the name of a function of other languages."""


def called(name: str) -> str | None:
    """What to write for a function of other languages; None where that is not known."""
    return _CALLED.get(name.casefold()) or _SAID.get(name.casefold())


def bare(word: str) -> str:
    """What to write for a word that is no field: it may be a text without its quotes."""
    return _BARE.get(word.casefold(), f"a text stands in quotes: '{word}'")


def hint(words: Sequence[Word], index: int) -> str:
    """What to write where an expression cannot be read from a word on; nothing where that is not clear."""
    word = words[index]
    before = words[index - 1] if index else None
    after = words[index + 1] if index + 1 < len(words) else None
    if word.text == "=" and after is not None and after.text in (">", "<"):
        return f"write {after.text}="
    if word.text == ">" and before is not None and before.text == "<":
        return "write !="
    if word.text == "=":
        return "a comparison is written =="
    if words[0].text == "if":
        return _ALONE
    if before is None:
        return ""
    if before.text in ("&", "|") and word.text == "|":
        return _SAID["or"]
    if index > 1 and words[index - 2].text == "|" and (word.text == ":" or word.kind == "string"):
        return _ARGUMENT
    if before.text.casefold() == "than":
        return "write > or <"
    return _of_neighbours(words, index) or _of_word(word, before, after)


def _of_neighbours(words: Sequence[Word], index: int) -> str:
    word, before = words[index], words[index - 1]
    after = words[index + 1] if index + 1 < len(words) else None
    sign = words[index - 2].text if index > 1 else ""
    if (
        word.text == ","
        and after is not None
        and sign in ("in", "==", "!=")
        and after.kind in ("string", "name")
    ):
        return f"several values are a list: field in [{_quoted(before)}, {_quoted(after)}]"
    if before.kind in _NUMBERS and (
        word.kind in _NUMBERS or (word.text == "," and after is not None and after.kind in _NUMBERS)
    ):
        return _NUMBER
    if word.text in ("<", ">", "<=", ">=", "==", "!=") and before.text in ("and", "or"):
        return "name the field again: deal.amount > 1000 and deal.amount < 5000"
    return ""


def _quoted(word: Word) -> str:
    return f"'{word.text}'" if word.kind == "name" else word.text


def _of_word(word: Word, before: Word, after: Word | None) -> str:
    if said := _SAID.get(word.text.casefold()) if word.kind == "name" else None:
        return said
    if word.text == "}":
        return "a merge field has two braces on each side"
    if word.text == ",":
        return 'conditions are joined by "and", fields of which one will do by "or"'
    if word.text == ":" and before.kind == "name" and after is not None and after.kind == "name":
        return f"a field is written with a dot: {before.text}.{after.text}"
    if word.kind in _VALUES and before.kind in _VALUES:
        beside = f'"{before.text[:40]}" and "{word.text[:40]}" stand side by side'
        return f"an operator is missing before it ({beside}), or the quotes of a text; a field has no blank in its name"
    return ""
