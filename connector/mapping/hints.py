"""What to write instead, where people write conditions as they would say them or as other programs have them."""

from collections.abc import Mapping, Sequence
from typing import Final

from connector.mapping.phrases import PASSING, before_it, leading, single, written
from connector.mapping.words import Word

_NUMBERS: Final = ("integer", "float")
_VALUES: Final = ("name", "string", *_NUMBERS)
_THOUSANDS: Final[Mapping[str, int]] = {"k": 1_000, "m": 1_000_000, "mio": 1_000_000, "million": 1_000_000}

_CURRENCIES: Final = frozenset(
    {"usd", "eur", "gbp", "cad", "aud", "dollar", "dollars", "euro", "euros", "pounds"}
)
_QUOTES: Final = "'\""
_NUMBER = "a number is written as 1000 or 1000.50, without a comma or blank"
_PIECE = "write it as \"'text' in field\", with both kinds of quotes"
_FILLED = "a field by itself is true where it has a value, `not field` where it has none"
_ALONE = "the condition stands alone; a choice is written 'a' if condition else 'b'"
_SEVERAL = (
    'conditions are joined by "and", fields of which the first with a value will do by "or", texts by ~'
)
_WHO = (
    "who brought a record is asked for by `only_source`, and left out by `not_source: import`, beside `if`;"
    " where a person came from is a field of the contact"
)
_HOURS = 'days and hours are the policy\'s window: {days: mon-fri, from: "09:00", until: "18:00"}'

_SAID: Final[Mapping[str, str]] = {
    **dict.fromkeys(("and", "or", "not"), 'write "and", "or", "not" in small letters'),
    "in": 'write "in" in small letters',
    **dict.fromkeys(("then", "if"), _ALONE),
    "unless": 'write "and not"',
    "but": 'write "and"',
    "xor": "write (a or b) and not (a and b)",
    "x": "write * to multiply",
}
"""By a word that stands where none can."""

_BARE: Final[Mapping[str, str]] = {
    "true": "write true, in small letters",
    "false": "write false, in small letters",
    **dict.fromkeys(("yes", "on"), "a checkbox is compared with true, a text stands in quotes: 'Yes'"),
    **dict.fromkeys(
        ("no", "off"), "a checkbox that is not ticked is `not field`, a text stands in quotes: 'No'"
    ),
    **dict.fromkeys(
        ("tag", "tags"), "tags are contact.tags, where the CRM has them: \"'hot' in contact.tags\""
    ),
    **dict.fromkeys(("source", "import", "imported", "imports", "integration", "workflow"), _WHO),
    "trigger": "what starts a rule is `enters`, who did it `only_source`",
    **dict.fromkeys(
        ("null", "none", "nil", "empty", "blank", "undefined"), "a field without a value equals ''"
    ),
    **dict.fromkeys(("today", "now", "yesterday", "tomorrow"), PASSING),
    **dict.fromkeys(("weekday", "day_of_week", "dayofweek", "hour", "time", "day"), _HOURS),
    **dict.fromkeys(
        ("always", "any", "all", "everyone", "everybody", "anyone"),
        "where every record is meant, leave the condition out",
    ),
}
"""By a word that nobody knows, with nothing before it."""

INSTEAD: Final[Mapping[str, str]] = {
    "&": 'write "and"; texts are joined by ~',
    "!": 'write "not" or !=',
    "?": "a choice is written a if condition else b",
    "@": "texts stand in quotes: \"'@example.com' in contact.email\"",
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

_CALLED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("now", "today", "date_add", "dateadd", "datediff", "days_ago"), PASSING),
    **dict.fromkeys(
        ("concat", "concatenate"), "texts are joined by ~: contact.firstname ~ ' ' ~ contact.lastname"
    ),
    **dict.fromkeys(
        ("contains", "includes", "startswith", "endswith", "starts_with", "ends_with", "indexof"), _PIECE
    ),
    **dict.fromkeys(
        ("isnull", "is_null", "isblank", "isempty", "is_empty", "exists", "has_value", "is_known"), _FILLED
    ),
    **dict.fromkeys(
        ("if", "iff", "iif", "ifelse", "switch", "case"), "a choice is written 'a' if condition else 'b'"
    ),
    **dict.fromkeys(("and", "or", "not"), 'write "and", "or" between the conditions, "not" before one'),
    "between": "write 1000 <= field <= 5000",
    **dict.fromkeys(("gt", "greater"), "write >"),
    **dict.fromkeys(("lt", "less"), "write <"),
    **dict.fromkeys(("eq", "equals"), "a comparison is written =="),
}
"""By the name of a function of other languages."""


def called(name: str) -> str | None:
    """What to write for a function of other languages; None where that is not known."""
    return _CALLED.get(name.casefold())


def bare(word: str) -> str:
    """What to write for a word that is no field: it may be a text without its quotes."""
    return _BARE.get(word.casefold(), f"a text stands in quotes: '{word}'")


def is_bare(word: str) -> bool:
    """Is it a word that other programs have, and no field?"""
    return word.casefold() in _BARE


def hint(words: Sequence[Word], index: int) -> str:
    """What to write where an expression cannot be read from a word on; nothing where that is not clear."""
    word = words[index]
    before = words[index - 1] if index else None
    after = words[index + 1] if index + 1 < len(words) else None
    if word.text == ";":
        return "leave it out"
    if words[0].text.casefold() in ("if", "when", "where", "only"):
        return _ALONE
    if listing := _within_brackets(words, index):
        return listing
    if word.kind == "name" and word.text.isupper() and word.text.casefold() in ("and", "or", "not", "in"):
        return _SAID[word.text.casefold()]
    return (
        _of_signs(word, before, after)
        or (_of_neighbours(words, index) if before is not None else "")
        or _of_filter(words, index)
        or written(words)
        or (_of_word(words, index) if before is not None else "")
    )


def _within_brackets(words: Sequence[Word], index: int) -> str:
    """How a list is written that lacks its commas, or stands in braces: `[NY NJ]`, `{NY, NJ}`."""
    begin = max((n for n in range(index) if words[n].text in ("[", "{")), default=None)
    if begin is not None and any(each.text in ("]", "}") for each in words[begin:index]):
        return ""
    if begin is None or (words[begin].text == "[" and words[index].kind not in ("name", "string")):
        return ""
    end = next((n for n in range(begin + 1, len(words)) if words[n].text in ("]", "}")), len(words))
    inside = [each for each in words[begin + 1 : end] if each.text != ","]
    if any(each.kind not in ("name", "string", *_NUMBERS) for each in inside):
        return ""
    return f"a list stands in square brackets, with commas: [{', '.join(_quoted(each) for each in inside)}]"


def _of_signs(word: Word, before: Word | None, after: Word | None) -> str:
    """Comparisons that are spelt otherwise."""
    if word.text == "=" and after is not None and after.text in (">", "<"):
        return f"write {after.text}="
    if word.text == ">" and before is not None and before.text == "==":
        return "write >="
    if word.text == ">" and before is not None and before.text == "<":
        return "write !="
    if word.kind in _NUMBERS and before is not None and before.text == ".":
        return "write 1000 <= field <= 5000"
    if word.text == ">" and before is not None and before.text == "-":
        return "a field is written with a dot: deal.amount"
    if word.text == "=" and before is not None and after is not None and before.text in ("tag", "tags"):
        return f"tags are a list; write \"'{after.text.strip(_QUOTES)}' in contact.tags\", with both kinds of quotes"
    if word.text == "=":
        return "a comparison is written =="
    if before is not None and before.text == "|" and word.text == "|":
        return 'write "or"'
    return ""


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
    if before.kind in _NUMBERS:
        return _of_number(word, before, after)
    if word.kind == "string" and before.text.casefold() in ("tag", "tags", "tagged"):
        return f"write {single(word.text)} in contact.tags"
    if word.text in ("<", ">", "<=", ">=", "==", "!=") and before.text in ("and", "or"):
        field = "".join(leading(words)) or "deal.amount"
        return f"name the field again: {field} > 1000 and {field} < 5000"
    if word.text == ":" and before.kind == "name" and after is not None and after.kind == "name":
        return f"a field is written with a dot: {before.text}.{after.text}"
    return ""


def _of_number(word: Word, before: Word, after: Word | None) -> str:
    """What stands behind a number and cannot."""
    touching = before.offset + len(before.text) == word.offset
    if touching and before.text == "0" and word.kind == "integer":
        return f"a number does not begin with 0; a text stands in quotes: '0{word.text}'"
    if word.text.casefold() in _CURRENCIES:
        return "amounts are written without their currency"
    if touching and word.text.casefold() in _THOUSANDS and before.kind == "integer":
        return f"write {int(before.text) * _THOUSANDS[word.text.casefold()]}"
    if word.kind in _NUMBERS or (word.text == "," and after is not None and after.kind in _NUMBERS):
        return _NUMBER
    return ""


def _of_filter(words: Sequence[Word], index: int) -> str:
    """What a filter is given, without its brackets; a text in its place."""
    word = words[index]
    if word.kind == "string" and words[index - 1].text == "|":
        compared = any(each.text in ("==", "!=", "in") for each in words[:index])
        return (
            "several values are a list: field in ['a', 'b']" if compared else f"write | default({word.text})"
        )
    if index > 1 and words[index - 2].text == "|" and (word.text == ":" or word.kind in _VALUES):
        given = words[min(index + (word.text == ":"), len(words) - 1)]
        return f"what a filter is given stands in brackets: {words[index - 1].text}({given.text})"
    return ""


def _quoted(word: Word) -> str:
    return f"'{word.text}'" if word.kind == "name" else single(word.text)


def _of_word(words: Sequence[Word], index: int) -> str:
    word, before = words[index], words[index - 1]
    in_field = index > 1 and words[index - 2].text == "."
    after = words[index + 1] if index + 1 < len(words) else None
    if word.text == "not" and in_field and after is not None and after.kind in ("name", "string"):
        field = "".join(before_it(words[:index]))
        is_list = field.endswith(".tags")
        return f"write {_quoted(after)} not in {field}" if is_list else f"write {field} != {_quoted(after)}"
    if said := _SAID.get(word.text.casefold()) if word.kind == "name" else None:
        return said
    if word.text == "}":
        return "a merge field has two braces on each side"
    if word.text == "," and all(each.kind == "name" or each.text in (".", ",") for each in words):
        fields = "".join(each.text for each in words).split(",")
        return f"{' or '.join(fields)} is the first of them with a value, {' ~ '.join(fields)} joins them"
    if word.text == ",":
        return _SEVERAL
    if word.kind == before.kind == "name" and before.text.islower() and word.text.islower() and not in_field:
        return (
            f"a field is written with a dot, as {before.text[:40]}.{word.text[:40]}, a text in quotes, and between two"
            " values stands an operator"
        )
    if word.kind == before.kind == "name" and before.text.istitle() and word.text.istitle():
        return f"a text stands in quotes: '{before.text[:40]} {word.text[:40]}'"
    if word.kind in _NUMBERS and before.text.casefold() in _CURRENCIES:
        return "amounts are written without their currency"
    field = "".join(before_it(words[:index]))
    if in_field and (word.kind == "string" or word.text[:1].isupper()):
        return f"write {field} == {_quoted(word)}"
    if word.kind in _VALUES and before.kind in _VALUES:
        beside = f'"{before.text[:40]}" and "{word.text[:40]}" stand side by side'
        return f"an operator is missing before it ({beside}), or the quotes of a text; a field has no blank in its name"
    return ""
