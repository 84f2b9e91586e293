"""YAML that the parser cannot read: where a person looks for it, and what to say of it."""

import re
from collections.abc import Sequence

from ruamel.yaml.error import MarkedYAMLError

from connector.mapping.indentation import misaligned
from connector.mapping.slips import between_brackets, is_open, slipped, unclosed, unquoted, without_colon

BARE_MERGE_FIELD = re.compile(r"(?:^|[:\-,\[]\s*)\{\{")
NO_CLOSING_QUOTE = (
    "has a text that begins with a quote and does not end with one; put the same quote at its end"
)
AFTER_QUOTE = (
    "goes on after a closing quote: is a quote missing before it, or one too many? "
    "A text with a quote in it stands in quotes of the other kind"
)

NO_PLACE_FOR_A_KEY = (
    "has a key where none can stand: it is indented differently from its neighbours, or the line above has a value"
    ' already, or lacks its ":" or the blank after its "-"'
)
NOT_A_BLANK = (
    "has a blank that is none (a non-breaking space), here or in the line above; replace it by a plain one"
)

_PLAINER = {
    "mapping values are not allowed here": 'has a second ":"; put the text in quotes, or begin a new line',
    "alphabetic or numeric character": "has a lone * or &, which YAML keeps for itself; put it in quotes",
    "expected <block end>": "is indented differently from the lines it belongs to",
    "found unexpected end of stream": NO_CLOSING_QUOTE,
    "expected ',' or": 'misses a "," or a closing bracket',
    "found undefined alias": "uses an alias (*name) that is not defined above",
}


_NO_COLON = "could not find expected ':'"
_BEGINS_BEFORE = (_NO_COLON, "unexpected end of stream")
"""What the parser says where the line in question is above the one at which it stopped."""
Place = tuple[int, int]
"""Line and column, from 1."""


def unreadable(error: MarkedYAMLError, lines: Sequence[str]) -> tuple[Place | None, str]:
    """Where the parser stopped, None where it does not tell, and what to say of it."""
    problem = str(error.problem or error.context or "cannot be read as YAML")
    mark = error.problem_mark or error.context_mark
    if any(sign in problem for sign in _BEGINS_BEFORE) or _goes_on(error):
        mark = (
            error.context_mark or mark
        )  # the line without a colon, the quote or bracket that nothing closes
    if mark is None:
        return None, _explained(problem, lines, 0, 0)
    line = lines[mark.line] if mark.line < len(lines) else ""
    at = (mark.line + 1, mark.column + 1)
    if BARE_MERGE_FIELD.search(line):
        return at, NO_CLOSING_QUOTE if is_open(line) else unquoted(line)
    if _goes_on(error):
        return at, unclosed(line[mark.column : mark.column + 1])
    if slip := slipped(lines, mark.line, mark.column):
        return at, slip
    here = mark.line, mark.column
    return misaligned(problem, lines, *here) or (at, _explained(problem, lines, *here))


def _explained(problem: str, lines: Sequence[str], number: int, column: int) -> str:
    """What to say of the line (from 0) and column (from 0) at which it stopped, where no slip is known there."""
    line = lines[number] if number < len(lines) else ""
    before, sign = line[:column], line[column : column + 1]
    if missing := between_brackets(line, column):
        return missing
    if before.rstrip()[-1:] in ("'", '"') and before:
        return AFTER_QUOTE
    if _NO_COLON in problem:
        return without_colon(line)
    if "cannot start any token" in problem and sign == "\t":
        return "has a tab here; indent with spaces"
    if "cannot start any token" in problem:
        return f"has {sign}, which YAML keeps for itself; put the text in quotes"
    if "mapping values are not allowed" in problem and ":" not in before:
        near = line + lines[max(number - 1, 0)]
        return NOT_A_BLANK if "\u00a0" in near else NO_PLACE_FOR_A_KEY
    if "<block end>" in problem and line.lstrip().startswith("- "):
        return "has an item of a list beside keys; several values stand in brackets after their key, as add: [called, vip]"
    plainer = next((words for sign, words in _PLAINER.items() if sign in problem), None)
    return plainer or f"cannot be read as YAML: {problem}"


def _goes_on(error: MarkedYAMLError) -> bool:
    """Does a list or mapping in brackets go on, to the parser, where the next line begins?"""
    begin, end = error.context_mark, error.problem_mark
    return (
        "expected ',' or" in str(error.problem)
        and begin is not None
        and end is not None
        and begin.line < end.line
    )
