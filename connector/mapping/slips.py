"""What a line of YAML is meant to be that cannot be read: slips of people who do not know YAML."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from connector.mapping.tokens import QUOTED
from connector.mapping.value_slips import value_slip

_BULLETS: Final = "\u2022\u2023\u25e6\u2043\u2219\u2013\u2014\u00b7"
_IF: Final = re.compile(r"\s*(?:- )?if\s*:")
_FIELD: Final = re.compile(r"\{\{[^{}\"']*\}\}")
_HOURS: Final = '; other hours on other days are written hours: {mon-thu: "10:00-16:00", fri: "10:00-13:00"}'
TWICE: Final[Mapping[str, str]] = {
    "rules": '; of a second rule only its lines from "- name" on stand in the file, below the first',
    "if": '; join the conditions by "and"',
    **dict.fromkeys(("days", "from", "until"), _HOURS),
    **dict.fromkeys(("add", "remove"), "; several are a list in brackets: [called, ai]"),
    "window": '; other hours on other days are written window: {hours: {mon-thu: "10:00-16:00", fri: "10:00-13:00"}}',
}
"""What to write in place of a key that stands twice."""
_LAST_WORD: Final = re.compile(r"\s([A-Za-z_][\w-]*)\s*$")
_FIRST_PART: Final = re.compile(r"\s*([A-Za-z_][\w-]*(?=\s*:)|'[^']*'|\"[^\"]*\")")
_DASH: Final = re.compile(r"-([\w'\"].*)")
_TIGHT: Final = re.compile(r"([A-Za-z_]\w*):([^\s/:][^:]*)")
_EQUALS: Final = re.compile(r"([A-Za-z_]\w*)\s*=\s*([^=:]+)")
_NO_COLON: Final = 'has a line without ":"; write "key: value"'
_ITEM: Final = re.compile(r"([A-Za-z_]\w*): - (.+)")


def slipped(lines: Sequence[str], line: int, column: int) -> str | None:
    """What to write where the parser could not go on (line and column from 0); None where it is not one of these."""
    here = lines[line] if line < len(lines) else ""
    near = [each.strip() for each in (here, lines[line - 1] if line else "")]
    if bullet := next((each[0] for each in near if each and each[0] in _BULLETS), None):
        return f'has "{bullet}", which is no dash to YAML: an item of a list begins with "- "'
    if any(each.startswith("//") for each in near):
        return "has a line that begins with //; a comment begins with #"
    for text, which in zip(near, ("", ", in the line above"), strict=True):
        if dash := _DASH.match(text):
            return f'lacks a blank after its "-"{which}; write - {dash[1]}'
        if colon := _TIGHT.fullmatch(text.removeprefix("- ")):
            return f'lacks a blank after its ":"{which}; write {colon[1]}: {colon[2]}'
    if item := _ITEM.fullmatch(near[0].removeprefix("- ")):
        return (
            f"has a list on the line of its key; write {item[1]}: [{', '.join(re.split(r',? - ', item[2]))}]"
        )
    if equals := _EQUALS.fullmatch(near[0].removeprefix("- ")):
        return f'has "=" after a key; write {equals[1]}: {equals[2]}'
    return value_slip(here, column)


def is_open(line: str) -> bool:
    """Does the value of a line begin with a quote that does not close in it?"""
    value = line.strip().partition(": ")[2]
    return value[:1] in ("'", '"') and value.count(value[:1]) == 1


def unquoted(line: str) -> str:
    """What to write for a merge field that stands without quotes, which is a mapping to YAML."""
    if _IF.match(line):
        return "`if` is an expression: write it without {{ and }}"
    value = line.strip().partition(": ")[2]
    found = _FIELD.search(line)
    if value.startswith("{{") and value.endswith("}}") and '"' in value and "'" not in value:
        return f"a merge field must stand in quotes, of the other kind than those inside: '{value}'"
    if value.count("{{") > 1 and '"' not in value:
        return f'a merge field must stand in quotes, with all of the value: "{value}"'
    if (found and value.startswith(("{{", "{", "["))) or not value or '"' in value:
        return f'a merge field must stand in quotes: "{found[0] if found else "{{ contact.phone }}"}"'
    return f'a merge field must stand in quotes, with all of the value: "{value}"'


def without_colon(line: str) -> str:
    """What to write for a line that has no colon: `enters Demo requested`."""
    name, _, value = line.strip().removeprefix("- ").partition(" ")
    return (
        f'has no ":"; write {name}: {value.strip().removeprefix("=").strip()}'.rstrip()
        if name.isidentifier()
        else _NO_COLON
    )


def unclosed(bracket: str) -> str:
    """What to write for a bracket that nothing closes."""
    closing = {"{": "}", "[": "]"}.get(bracket, bracket)
    return f'opens a "{bracket}" that nothing closes on its line; put a "{closing}" at the end, or a "," between its parts'


def between_brackets(line: str, column: int) -> str | None:
    """What is missing between the parts of a list or mapping in brackets, at the column (from 0) where it stopped."""
    before, rest = line[:column], line[column:]
    bare = QUOTED.sub("", before)
    if sum(map(bare.count, "{[")) <= sum(map(bare.count, "}]")):
        return None
    if ";" in bare:
        return 'has ";" where a "," belongs'
    word = _LAST_WORD.search(before) if rest.startswith(":") else _FIRST_PART.match(rest)
    return f'misses a "," before {word[1]}' if word else None
