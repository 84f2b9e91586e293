"""What a line of YAML is meant to be that cannot be read: slips of people who do not know YAML."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

_BULLETS: Final = "\u2022\u2023\u25e6\u2043\u2219\u2013\u2014\u00b7"
_IF: Final = re.compile(r"\s*(?:- )?if\s*:")
_FIELD: Final = re.compile(r"\{\{[^{}\"']*\}\}")
_OPERATOR: Final = re.compile(r"(?:in|not|and|or|if|==|!=|~|\|)\s")
_HOURS: Final = '; other hours on other days are written hours: {mon-thu: "10:00-16:00", fri: "10:00-13:00"}'
TWICE: Final[Mapping[str, str]] = {
    "if": '; join the conditions by "and"',
    **dict.fromkeys(("days", "from", "until"), _HOURS),
    **dict.fromkeys(("add", "remove"), "; several are a list in brackets: [called, ai]"),
    "window": '; other hours on other days are written window: {hours: {mon-thu: "10:00-16:00", fri: "10:00-13:00"}}',
}
"""What to write in place of a key that stands twice."""
_NESTED: Final = re.compile(
    r"(tags|hours|window|policy|when|call|write_back|placed|ended|failed|skipped|held|deal|contact|opportunity|metadata"
    r"|stage): (\w[\w-]*): ([^:]+(?::[0-9][^:]*)*)"
)
_PAIRS: Final = re.compile(r"[A-Za-z_]\w*:\s[^,;]*[,;]\s*[A-Za-z_]\w*:\s")
_COMMENT: Final = re.compile(r"\s+#.*$")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_LAST_WORD: Final = re.compile(r"\s([A-Za-z_][\w-]*)\s*$")
_FIRST_PART: Final = re.compile(r"\s*([A-Za-z_][\w-]*(?=\s*:)|'[^']*'|\"[^\"]*\")")
_DAY_HOURS: Final = re.compile(r"\b(hours): ((?:mon|tue|wed|thu|fri|sat|sun)[\w,-]*): ")
_DASH: Final = re.compile(r"-([\w'\"].*)")
_TIGHT: Final = re.compile(r"([A-Za-z_]\w*):([^\s/:][^:]*)")
_EQUALS: Final = re.compile(r"([A-Za-z_]\w*)\s*=\s*([^=:]+)")
_TWO_MAPPINGS: Final = re.compile(r"\}\s*,\s*\{")
_IF_COLON: Final = re.compile(r"([A-Za-z_][\w.]*):\s+['\"]?([\w -]+)['\"]?")
_SINGLE_BRACES: Final = re.compile(r"\{\s*(\w+\.\w+)\s*\}")
_NESTED_QUOTES: Final = re.compile(r'"[^"\']*\{\{[^\']*"[^\']*\}\}[^"\']*"')
_NO_COLON: Final = 'has a line without ":"; write "key: value"'
_ITEM: Final = re.compile(r"([A-Za-z_]\w*): - (.+)")
_CHOICE: Final = re.compile(r"\s\?\s.*\s:\s")
_COMPARED: Final = re.compile(r"(['\"])[^'\"]*\1\s*[<>|]")
_COLON_INSIDE: Final = re.compile(r"[\w-]+:\s+[^'\"\s{\[].*(['\"])[^'\"]*:\s[^'\"]*\1")


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
    return _of_value(here, here[:column].rstrip(" >|")[-1:], here[column:].lstrip())


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
    bare = _QUOTED.sub("", before)
    if sum(map(bare.count, "{[")) <= sum(map(bare.count, "}]")):
        return None
    if sign := next((each for each in ";" if each in bare), None):
        return f'has "{sign}" where a "," belongs'
    word = _LAST_WORD.search(before) if rest.startswith(":") else _FIRST_PART.match(rest)
    return f'misses a "," before {word[1]}' if word else None


def _bracket_too_few(key: str, value: str) -> str | None:
    """What to write where a value ends with a bracket that does not open in it."""
    bare = _QUOTED.sub("", value).strip()
    inside = value.strip(" ([{}])")
    if _PAIRS.match(inside) and not (bare.startswith("{") and bare.endswith("}")):
        return f"has several keys on one line, which stand in braces; write {key}: {{{_in_order(inside)}}}"
    for opening, closing in ("{}", "[]"):
        if bare.rstrip().endswith(closing) and bare.count(opening) < bare.count(closing):
            return f'lacks a "{opening}"; write {key}: {opening}{value.strip()}'
    return None


def _in_order(pairs: str) -> str:
    """`days: mon-fri; from: 9` with commas between the pairs."""
    return re.sub(r"\s*[;,]\s*(?=[A-Za-z_]\w*:)", ", ", pairs)


def _of_value(line: str, before: str, rest: str) -> str | None:
    """What is wrong with the value of a line, of which the parser has read up to a sign."""
    line = _COMMENT.sub("", line)
    key, _, value = line.strip().removeprefix("- ").partition(": ")
    if bracket := _bracket_too_few(key, value):
        return bracket
    if nested := _NESTED.fullmatch(line.strip().removeprefix("- ")):
        below = f"{nested[2]}: {nested[3]}"
        return f'has a second ":"; write {nested[1]}: {{{below}}}, or {nested[2]} on the next line, indented further'
    if key == "if" and (equal := _IF_COLON.fullmatch(value)):
        return f"has a second \":\"; a comparison is written ==: if: {equal[1]} == '{equal[2]}'"
    if hours := _DAY_HOURS.search(line):
        return f"lacks a bracket; write {hours[1]}: {{{hours[2]}: ...}}"
    if _CHOICE.search(value):
        return f"has a second \":\"; a choice is written {key}: 'a' if condition else 'b'"
    if before in ("'", '"') and value.count("{{") > 1 and len(_QUOTED.findall(value)) > 1:
        whole = value.replace(before, "")
        return f"has several texts in quotes; one pair of quotes stands around the whole: {key}: {before}{whole}{before}"
    if _NESTED_QUOTES.fullmatch(value):
        inside = value[1:-1].replace('"', "'")
        return f'has the same quotes inside a text as around it; write {key}: "{inside}"'
    if value[:1] in ("'", '"') and _COMPARED.match(value):
        return f'goes on after a text in quotes; put the whole in quotes of the other kind, a field in none: {key}: "{value}"'
    if _COLON_INSIDE.match(line.strip().removeprefix("- ")):
        return f'has a ":" within the text; put the whole of it in double quotes: {key}: "{value}"'
    if key == "window" and _TWO_MAPPINGS.search(value):
        return 'has two windows side by side; write window: {hours: {mon-fri: "08:00-20:00", sun: "12:00-17:00"}}'
    if value.startswith("{") and "{{" not in value and _SINGLE_BRACES.search(value):
        if key == "if":
            plain = _SINGLE_BRACES.sub(r"\1", value)
            return f"has fields in braces, and a condition is written without them: if: {plain}"
        doubled = _SINGLE_BRACES.sub(r"{{ \1 }}", value)
        return f'has fields in single braces; a merge field has two, and stands in quotes: {key}: "{doubled}"'
    if value[:1] in ("{", "[") and rest and before in ("}", "]"):
        return "goes on after a closing bracket; fields in a condition have no brackets, a text with them stands in quotes"
    if value[:1] in (">", "|") and len(value) > 1:
        return (
            f'begins with {value[0]}, which YAML keeps for itself; put the whole in quotes: {key}: "{value}"'
        )
    if key == "if" and "{{" in value:
        return "`if` is an expression: write it without {{ and }}, and in no quotes or wholly in them"
    if key in ("enters", "from") and len(texts := _QUOTED.findall(value)) > 1:
        return f"goes on after a text in quotes; several are a list in brackets: {key}: [{', '.join(texts)}]"
    if before in ("'", '"') and _OPERATOR.match(rest):
        whole = f"'{value}'" if "'" not in value else '"' + value.replace('"', "") + '"'
        return f"goes on after a text in quotes; put the whole in quotes of the other kind: {key}: {whole}"
    if before in ("'", '"') and rest.startswith("="):
        return 'has "=" after a key; write ": " in its place'
    if before in ("'", '"') and rest.startswith(","):
        listed = (
            f"several texts are a list in brackets: [{value}]" if rest[1:].strip() else "leave the comma out"
        )
        return f"goes on with a comma after a closing quote; {listed}"
    return None
