"""Cut a text into constants and merge fields, and parse each: Jinja's lexer and parser, with limits before them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from connector.mapping.hints import INSTEAD, hint
from connector.mapping.phrases import adjacent_texts, written

MAX_SOURCE = 4096
"""Bytes (UTF-8) of a text with merge fields, or of a condition."""
MAX_TOKENS = 300
"""Words and signs of one expression."""
MAX_BRACKETS = 12
"""Brackets within brackets. With these two the parser and everything after it stay within Python's stack."""

_ENVIRONMENT: Final = Environment(keep_trailing_newline=True)  # noqa: S701 - it parses; nothing is ever rendered

_BLOCKS: Final = {
    "block_begin": "has {% … %}, which is not available; a choice is \"{{ 'a' if deal.amount > 5 else 'b' }}\"",
    "comment_begin": "has {# … #}; comments are written with # in YAML",
    "raw_begin": "has {% raw %}, which is not available",
}
_BARE_DAY = re.compile(r"(?<![\w.])[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?![\w.])")
QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
"""A text of an expression, with its quotes."""
_INNERMOST = re.compile(r"[(\[][^()\[\]]*[)\]]")
_BOTH = re.compile(r"\band\b.*\bor\b|\bor\b.*\band\b")
_ADDRESS = re.compile(r"@[\w-]+(?:\.[\w-]+)+")
_UNCUT = re.compile(r"[()'\"]|\b(?:if|else)\b", re.IGNORECASE)
_JOINED = re.compile(r"\b(?:and|or)\b|&&?|\|\|", re.IGNORECASE)
_COMPARED = re.compile(
    r"\s*(?:not\s+)?[A-Za-z_]\w*(?:\.\w+(?:\s*[=<>!]|\s+[A-Za-z])|\s*[=<>!]|\s+(?:is|in)\b)"
)
_NOT = re.compile(r"(?:do|does|is|has)n't\b", re.IGNORECASE)
_SINGLE = re.compile(r"(?<!\{)\{\s*([A-Za-z_]\w*)((?:\.|\s*\|)[^{}]*)?\}")
"""`{ contact.phone }`, `{contact.phone | title}`, `{phone}`, also where a second brace stands on one side only."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong in a text, and at which of its characters."""

    offset: int
    found: str


class BadSource(Exception):
    """The text cannot be parsed."""

    def __init__(self, offset: int, found: str, more: "Sequence[Problem]" = ()) -> None:
        super().__init__(found)
        self.problems = [Problem(offset, found), *more]


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign as it stands in the text."""

    offset: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """The words and signs between {{ and }}, and the piece of text they are."""

    offset: int
    source: str
    tokens: tuple[Token, ...]

    def offset_of(self, word: str) -> int:
        """Find a word or sign, or a filter (`| name`); the beginning of the field where it is not to be found."""
        if word.startswith("| "):
            pairs = zip(self.tokens, self.tokens[1:], strict=False)
            filters = (token for bar, token in pairs if bar.text == "|" and token.text == word[2:])
            return next((token.offset for token in filters), self.offset)
        return next((token.offset for token in self.tokens if word and token.text == word), self.offset)


def pieces(text: str) -> list[str | Field]:
    """Cut a text into constants and fields. Raises BadSource."""
    _check_length(text)
    if "{" not in text:
        return [text] if text else []
    found: list[str | Field] = []
    inside: list[Token] | None = None
    begin = 0
    for token in _tokens(text, None):
        if token.kind in _BLOCKS:
            raise BadSource(token.offset, _BLOCKS[token.kind])
        if token.kind == "data":
            found.append(token.text)
        elif token.kind == "variable_begin":
            _check_dash(token)
            inside, begin = [], token.offset
        elif token.kind == "variable_end" and inside is not None:
            _check_dash(token)
            start = begin + 2
            found.append(Field(begin, text[start : token.offset], tuple(inside)))
            inside = None
        elif inside is not None and token.kind != "whitespace":
            inside.append(token)
    if inside is not None:
        raise BadSource(begin, "has {{ without }}")
    return found


def single_braces(constant: str) -> Iterator[tuple[int, str, str]]:
    """Find what looks like a merge field in single braces: where, what it begins with, what stands inside."""
    for found in _SINGLE.finditer(constant):
        yield found.start(), found[1], f"{found[1]}{found[2] or ''}".strip()


def whole(text: str) -> Field:
    """Take a text as one expression, without braces. Raises BadSource."""
    _check_length(text)
    if "{{" in text or "}}" in text:
        raise BadSource(0, "is an expression already; write it without {{ and }}")
    tokens = tuple(token for token in _tokens(text, "variable") if token.kind != "whitespace")
    return Field(0, text, tokens)


def conjuncts(field: Field) -> list[str]:
    """Cut an expression at each `and` that stands in no brackets."""
    cuts: list[int] = []
    depth = 0
    before = ""
    for token in field.tokens:
        depth += (token.text in "([{") - (token.text in ")]}") if token.kind == "operator" else 0
        if depth == 0 and token.kind == "name" and token.text == "and" and before != ".":
            cuts.append(token.offset)
        before = token.text
    begins, ends = [0, *(cut + len("and") for cut in cuts)], [*cuts, len(field.source)]
    return [field.source[begin:end].strip() for begin, end in zip(begins, ends, strict=True)]


def label_candidates(words: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield two and three names side by side that are no part of a longer field."""
    for first in range(len(words)):
        for last in (first + 3, first + 2):
            run = words[first:last]
            around = [*words[max(first - 1, 0) : first], *words[last : last + 1]]
            names = len(run) == last - first and all(each.kind == "name" for each in run)
            if names and not any(each.text == "." for each in around):
                yield run


def compared(text: str) -> Iterator[tuple[int, str]]:
    """Cut a condition that cannot be read at each `and` and `or`: its parts that begin with a field and compare it, and
    where each begins; none of one with brackets or a choice, which cannot be cut so.
    """
    masked = _unquoted(text)
    if _UNCUT.search(masked):
        return
    begin = 0
    for joined in [*_JOINED.finditer(masked), None]:
        end = joined.start() if joined else len(text)
        if _COMPARED.match(masked[begin:end]):
            yield begin, text[begin:end]
        begin = joined.end() if joined else end


def mixed(text: str) -> str | None:
    """Say how a condition is read that joins with both `and` and `or`, and how it may be meant; None where none does.

    What stands in brackets is looked at by itself.
    """
    line = " ".join(text.split())
    opened: list[int] = []
    parts = [(0, len(line))]
    for place, sign in enumerate(_unquoted(line)):
        if sign in "([":
            opened.append(place + 1)
        elif sign in ")]" and opened:
            parts.append((opened.pop(), place))
    found = (line[begin:end] for begin, end in parts)
    return next((_bracketed(each) for each in found if _BOTH.search(_masked(each))), None)


def _bracketed(line: str) -> str:
    readings = []
    for outer, inner in (("or", "and"), ("and", "or")):
        parts = _cut(line, outer)
        readings.append(
            f" {outer} ".join(f"({each})" if len(_cut(each, inner)) > 1 else each for each in parts)
        )
    return f"this is {readings[0]}, and not {readings[1]}"


def _cut(text: str, word: str) -> list[str]:
    """Cut at a word that stands in no quotes and no brackets."""
    masked = _masked(text)
    cuts = [(0, 0), *(found.span() for found in re.finditer(rf"\b{word}\b", masked)), (len(text), len(text))]
    return [text[end:begin].strip() for (_, end), (begin, _) in pairwise(cuts)]


def _unquoted(text: str) -> str:
    """The text with signs in the place of what stands in quotes, as long as it was."""
    return QUOTED.sub(lambda found: "_" * len(found[0]), text)


def _masked(text: str) -> str:
    """The text with signs in the place of what stands in quotes and in brackets, as long as it was."""
    masked, before = _unquoted(text), ""
    while masked != before:
        before, masked = masked, _INNERMOST.sub(lambda found: "_" * len(found[0]), masked)
    return masked


def parse(field: Field) -> nodes.Expr:
    """Parse the expression of a field. Raises BadSource."""
    _check_limits(field)
    _check_sayings(field)
    parser = Parser(_ENVIRONMENT, field.source, state="variable")
    try:
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateSyntaxError("expected the end", 1)
    except TemplateSyntaxError:
        raise _unreadable(field, parser) from None
    except (ValueError, OverflowError, RecursionError):
        raise BadSource(field.offset, "cannot be read") from None
    return tree


def _check_length(text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_SOURCE:
        raise BadSource(0, f"is {size:,} bytes long; at most {MAX_SOURCE:,} are possible")


def _check_dash(token: Token) -> None:
    if token.text not in ("{{", "}}"):
        raise BadSource(
            token.offset, f"has {token.text.strip()}; write {{{{ and }}}} without a sign beside them"
        )


def _check_limits(field: Field) -> None:
    if not field.tokens:
        raise BadSource(field.offset, "is empty; write a field, such as contact.phone")
    if len(field.tokens) > MAX_TOKENS:
        raise BadSource(field.offset, f"has more than {MAX_TOKENS} words and signs in one expression")
    depth = 0
    for token in field.tokens:
        if token.kind == "operator":
            depth += (token.text in "([{") - (token.text in ")]}")
        if depth > MAX_BRACKETS:
            raise BadSource(token.offset, f"has more than {MAX_BRACKETS} brackets within brackets")


def _check_sayings(field: Field) -> None:
    """Refuse what Jinja would read as something else than was said."""
    for text in adjacent_texts(field.tokens):
        raise BadSource(
            text.offset, f"has two texts side by side, at {text.text[:40]}; a comma is missing between them"
        )
    for number, token in enumerate(field.tokens):
        if token.kind == "name" and token.text.casefold() == "is" and field.tokens[number - 1].text != ".":
            raise BadSource(
                token.offset,
                f'has "{token.text}", which is not available{_ending(written(field.tokens, number) or "")}',
            )
    if day := _BARE_DAY.search(_unquoted(field.source)):
        raise BadSource(
            field.tokens[0].offset,
            f"has {day[0]} without quotes, which is a calculation; a day stands in quotes, as '{day[0]}'",
        )


def _tokens(text: str, state: str | None) -> Iterator[Token]:
    offset = 0
    try:
        for _, kind, value in _ENVIRONMENT.lexer.tokeniter(text, None, None, state):
            at = text.find(value, offset) if value else offset
            offset = at if at >= 0 else offset
            yield Token(offset, kind, value)
            offset += len(value)
    except TemplateSyntaxError:
        if _NOT.search(text):
            raise BadSource(
                offset, 'has a lone \'; write != for "is not", "not" before a condition'
            ) from None
        if address := _ADDRESS.match(text[offset:]):
            quoted = f"'{address[0]}'"
            found = f'has "@", which cannot stand here; texts stand in quotes, and a part is looked for by in: {quoted} in contact.email'
            raise BadSource(offset, found) from None
        raise BadSource(offset, _unknown_sign(text[offset : offset + 2])) from None


def _unknown_sign(signs: str) -> str:
    """Say what is wrong with the first of two signs."""
    sign = signs[:1]
    if sign == "}" and signs != "}}":
        return "has a single }; a merge field ends with two: }}"
    if sign in ("'", '"'):
        return "has a text whose closing quote is missing"
    if sign in ("(", "[", "{", ")", "]", "}"):
        return f'has a bracket too many or too few, at "{sign}"'
    return f'has "{sign}", which cannot stand here{_ending(INSTEAD.get(sign, ""))}'


def _unreadable(field: Field, parser: Parser) -> BadSource:
    """Say what the parser stumbled over: the stream tells by how much of it is left."""
    try:
        left = sum(1 for _ in parser.stream)
    except TemplateSyntaxError:
        left = 0
    index = len(field.tokens) - left
    if 0 <= index < len(field.tokens):
        token = field.tokens[index]
        return BadSource(
            token.offset, f'cannot be read from "{token.text[:40]}" on{_ending(hint(field.tokens, index))}'
        )
    if field.tokens[-1].text == "%":
        return BadSource(
            field.tokens[-1].offset,
            "has %, which is not available; a share is a number as the CRM has it: 20 or 0.2",
        )
    if (opened := _unclosed(field)) is not None:
        return BadSource(opened.offset, f'opens a "{opened.text}" that nothing closes')
    return BadSource(
        field.tokens[-1].offset, f'is not complete; something is missing after "{field.tokens[-1].text[:40]}"'
    )


def _unclosed(field: Field) -> Token | None:
    """The last bracket that nothing closes."""
    opened: list[Token] = []
    for token in field.tokens:
        if token.kind == "operator" and token.text in "([{":
            opened.append(token)
        elif token.kind == "operator" and token.text in ")]}" and opened:
            opened.pop()
    return opened[-1] if opened else None


def _ending(advice: str) -> str:
    return f"; {advice}" if advice else ""
