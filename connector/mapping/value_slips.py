"""What the value of a line of YAML is meant to be where the parser cannot go on within it: a check for each kind of slip."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from connector.mapping.tokens import QUOTED

_QUOTES: Final = ("'", '"')
_COMMENT: Final = re.compile(r"\s+#.*$")
_NESTED: Final = re.compile(
    r"(tags|hours|window|policy|when|call|write_back|placed|ended|failed|skipped|held|deal|contact|opportunity|metadata"
    r"|stage): (\w[\w-]*): ([^:]+(?::[0-9][^:]*)*)"
)
_DAY_HOURS: Final = re.compile(r"\b(hours): ((?:mon|tue|wed|thu|fri|sat|sun)[\w,-]*): ")
_PAIRS: Final = re.compile(r"[A-Za-z_]\w*:\s[^,;]*[,;]\s*[A-Za-z_]\w*:\s")
_CHOICE: Final = re.compile(r"\s\?\s.*\s:\s")
_COMPARED: Final = re.compile(r"(['\"])[^'\"]*\1\s*[<>|]")
_COLON_INSIDE: Final = re.compile(r"[\w-]+:\s+[^'\"\s{\[].*(['\"])[^'\"]*:\s[^'\"]*\1")
_IF_COLON: Final = re.compile(r"([A-Za-z_][\w.]*):\s+['\"]?([\w -]+)['\"]?")
_TWO_MAPPINGS: Final = re.compile(r"\}\s*(?:,|and|or)\s*\{")
_SINGLE_BRACES: Final = re.compile(r"\{\s*(\w+\.\w+)\s*\}")
_NESTED_QUOTES: Final = re.compile(r'"[^"\']*\{\{[^\']*"[^\']*\}\}[^"\']*"')
_OPERATOR: Final = re.compile(r"(?:in|not|and|or|if|==|!=|~|\|)\s")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line `key: value` without its comment, and what stands around the column at which the parser stopped."""

    text: str
    key: str
    value: str
    before: str
    """The last sign that it has read."""
    rest: str


def value_slip(line: str, column: int) -> str | None:
    """What to write for the value of a line at whose column (from 0) the parser stopped; None for none of these slips."""
    text = _COMMENT.sub("", line).strip().removeprefix("- ")
    key, _, value = text.partition(": ")
    here = _Line(text, key, value, line[:column].rstrip(" >|")[-1:], line[column:].lstrip())
    return next((found for check in _CHECKS if (found := check(here))), None)


def _several_keys(here: _Line) -> str | None:
    """`window: days: mon-fri, from: 9` without its braces, or with other brackets."""
    bare, inside = QUOTED.sub("", here.value).strip(), here.value.strip(" ([{}])")
    if not _PAIRS.match(inside) or (bare.startswith("{") and bare.endswith("}")):
        return None
    pairs = re.sub(r"\s*[;,]\s*(?=[A-Za-z_]\w*:)", ", ", inside)
    return f"has several keys on one line, which stand in braces; write {here.key}: {{{pairs}}}"


def _not_opened(here: _Line) -> str | None:
    """A bracket at the end that does not open."""
    bare = QUOTED.sub("", here.value).rstrip()
    for opening, closing in ("{}", "[]"):
        if bare.endswith(closing) and bare.count(opening) < bare.count(closing):
            return f'lacks a "{opening}"; write {here.key}: {opening}{here.value.strip()}'
    return None


def _second_colon(here: _Line) -> str | None:
    """`stage: answered: Qualified`, `if: contact.state: NY`, `hours: mon-fri: 9-17`, `agent: a ? b : c`."""
    if nested := _NESTED.fullmatch(here.text):
        below = f"{nested[2]}: {nested[3]}"
        return f'has a second ":"; write {nested[1]}: {{{below}}}, or {nested[2]} on the next line, indented further'
    if here.key == "if" and (equal := _IF_COLON.fullmatch(here.value)):
        return f"has a second \":\"; a comparison is written ==: if: {equal[1]} == '{equal[2]}'"
    if hours := _DAY_HOURS.search(here.text):
        return f"lacks a bracket; write {hours[1]}: {{{hours[2]}: ...}}"
    if _CHOICE.search(here.value):
        return f"has a second \":\"; a choice is written {here.key}: 'a' if condition else 'b'"
    return None


def _quotes_within(here: _Line) -> str | None:
    """Texts side by side, each in quotes; the same quotes inside a text as around it; a colon inside one."""
    key, value, quote = here.key, here.value, here.before
    if quote in _QUOTES and value.count("{{") > 1 and len(QUOTED.findall(value)) > 1:
        whole = f"{quote}{value.replace(quote, '')}{quote}"
        return f"has several texts in quotes; one pair of quotes stands around the whole: {key}: {whole}"
    if _NESTED_QUOTES.fullmatch(value):
        inside = value[1:-1].replace('"', "'")
        return f'has the same quotes inside a text as around it; write {key}: "{inside}"'
    if value[:1] in _QUOTES and _COMPARED.match(value):
        return f'goes on after a text in quotes; put the whole in quotes of the other kind, a field in none: {key}: "{value}"'
    if _COLON_INSIDE.match(here.text):
        return f'has a ":" within the text; put the whole of it in double quotes: {key}: "{value}"'
    return None


def _brackets(here: _Line) -> str | None:
    """Two windows side by side, fields in single braces, a condition with brackets."""
    key, value = here.key, here.value
    if key == "window" and _TWO_MAPPINGS.search(value):
        return 'has two windows side by side; write window: {hours: {mon-fri: "08:00-20:00", sun: "12:00-17:00"}}'
    if value.startswith("{") and "{{" not in value and _SINGLE_BRACES.search(value):
        if key == "if":
            plain = _SINGLE_BRACES.sub(r"\1", value)
            return f"has fields in braces, and a condition is written without them: if: {plain}"
        doubled = _SINGLE_BRACES.sub(r"{{ \1 }}", value)
        return f'has fields in single braces; a merge field has two, and stands in quotes: {key}: "{doubled}"'
    if value[:1] in ("{", "[") and here.rest and here.before in ("}", "]"):
        return "goes on after a closing bracket; fields in a condition have no brackets, a text with them stands in quotes"
    return None


def _condition(here: _Line) -> str | None:
    """A value that begins with a sign of YAML, and an `if` with merge fields."""
    if here.value[:1] in (">", "|") and len(here.value) > 1:
        return f'begins with {here.value[0]}, which YAML keeps for itself; put the whole in quotes: {here.key}: "{here.value}"'
    if here.key == "if" and "{{" in here.value:
        return "`if` is an expression: write it without {{ and }}, and in no quotes or wholly in them"
    return None


def _after_quote(here: _Line) -> str | None:
    """What goes on after a closing quote: an operator, `=`, a comma."""
    key, value = here.key, here.value
    if key in ("enters", "from") and len(texts := QUOTED.findall(value)) > 1:
        return f"goes on after a text in quotes; several are a list in brackets: {key}: [{', '.join(texts)}]"
    if here.before not in _QUOTES:
        return None
    if _OPERATOR.match(here.rest):
        whole = f"'{value}'" if "'" not in value else '"' + value.replace('"', "") + '"'
        return f"goes on after a text in quotes; put the whole in quotes of the other kind: {key}: {whole}"
    if here.rest.startswith("="):
        return 'has "=" after a key; write ": " in its place'
    if here.rest.startswith(","):
        several = f"several texts are a list in brackets: [{value}]"
        return f"goes on with a comma after a closing quote; {several if here.rest[1:].strip() else 'leave the comma out'}"
    return None


_CHECKS: Final[tuple[Callable[[_Line], str | None], ...]] = (
    _several_keys,
    _not_opened,
    _second_colon,
    _quotes_within,
    _brackets,
    _condition,
    _after_quote,
)
"""In the order in which they are asked: the first that knows the slip says what to write."""
