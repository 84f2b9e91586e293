"""Merge fields: `{{ contact.firstname | title }}` in a text, and conditions, which are expressions without braces.

Compiled once, when a rule file is loaded; evaluated often. Compiling raises BadMergeField with every problem;
evaluating raises nothing, and tells by notes what was empty or made no sense.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from connector.errors import ConnectorError
from connector.mapping.contradictions import decided
from connector.mapping.doubtful import Doubt
from connector.mapping.expression import Compiled, Refused, compile_expression
from connector.mapping.names import Names
from connector.mapping.phrases import WHOLE
from connector.mapping.syntax import spelt
from connector.mapping.tokens import (
    BadSource,
    Field,
    Problem,
    compared,
    conjuncts,
    label_candidates,
    mixed,
    parse,
    pieces,
    single_braces,
    whole,
)
from connector.mapping.values import (
    MAX_TEXT,
    SHORT,
    Scope,
    TooMuchWork,
    cut,
    is_single,
    is_true,
    plain,
    sendable,
    text_of,
    weight,
)
from connector.mapping.words import nearest

__all__ = ["BadMergeField", "Condition", "MergeField", "Names", "Problem"]


_FOREIGN = re.compile(
    r"\[\[[\w. ]+\]\]|%[A-Za-z_][\w.]*%|\*\|\w+\|\*|<<[\w. ]+>>|[\[<](?:first|last|full|company)[ _]?name[\]>]",
    re.IGNORECASE,
)


_ALONE = re.compile(r"\"('[^\"]*)\", with both kinds of quotes")
"""A part of a condition, as it is written where it stands alone."""
_AT_FIRST = rf"\1{WHOLE}"


class BadMergeField(ConnectorError):
    """A text has merge fields that cannot be used."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("; ".join(problem.found for problem in self.problems))


@dataclass(frozen=True, slots=True)
class MergeField:
    """A text with merge fields in it, or a constant, compiled."""

    source: str
    parts: tuple[str | Compiled, ...]
    fields: frozenset[tuple[str, str]]
    """What it reads: `{("contact", "phone")}`."""
    is_constant: bool = field(init=False)
    """Is it a text without merge fields?"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_constant", not any(isinstance(part, Compiled) for part in self.parts))

    @classmethod
    def compile(cls, source: str, names: Names) -> "MergeField":
        """Parse and check a text. Raises BadMergeField with every problem in it."""
        parts: list[str | Compiled] = []
        problems: list[Problem] = []
        try:
            found = pieces(source)
        except BadSource as error:
            raise BadMergeField(error.problems) from None
        offset = 0
        for piece in found:
            try:
                parts.append(piece if isinstance(piece, str) else _compiled(piece, names))
            except BadSource as error:
                problems += error.problems
            if isinstance(piece, str):
                problems += _single_braces(piece, source.find(piece, offset), names)
                offset = source.find(piece, offset) + len(piece)
        if problems:
            raise BadMergeField(problems)
        expressions = [part for part in parts if isinstance(part, Compiled)]
        if len(expressions) == 1 and not any(isinstance(part, str) and part.strip() for part in parts):
            parts = list(expressions)
        return cls(source, tuple(parts), frozenset().union(*(each.fields for each in expressions)))

    @classmethod
    def expression(cls, source: str, names: Names) -> "MergeField":
        """Parse and check an expression without braces. Raises BadMergeField."""
        try:
            found = _compiled(whole(source), names)
        except BadSource as error:
            raise BadMergeField(error.problems) from None
        return cls(source, (found,), found.fields)

    @property
    def constant_results(self) -> frozenset[str]:
        """The constant texts it may give, so far as they can be told before it is evaluated."""
        if self.is_constant:
            return frozenset({self.source})
        if len(self.parts) == 1 and isinstance(self.parts[0], Compiled):
            return self.parts[0].results
        return frozenset()

    @property
    def foreign(self) -> list[str]:
        """What looks like a merge field of another program, and is only text here."""
        return [found for part in self.parts if isinstance(part, str) for found in _FOREIGN.findall(part)]

    @property
    def doubts(self) -> list[Doubt]:
        """What is probably not meant in it."""
        return [doubt for part in self.parts if isinstance(part, Compiled) for doubt in part.doubts]

    def value(self, values: Mapping[str, Any], notes: list[str]) -> Any:
        """Evaluate: a lone merge field keeps its type, anything else is a text."""
        only = self.parts[0] if len(self.parts) == 1 else None
        if not isinstance(only, Compiled):
            return self.text(values, notes)
        scope = Scope(values, notes)
        try:
            return _finished(only.evaluate(scope), scope)
        except TooMuchWork:
            _give_up(scope)
            return None

    def text(self, values: Mapping[str, Any], notes: list[str]) -> str:
        """Evaluate to a text; empty values add nothing to it."""
        if self.is_constant:
            return self.source
        scope = Scope(values, notes)
        try:
            return _fitting(self._joined(scope), scope)
        except TooMuchWork:
            _give_up(scope)
            return ""

    def _joined(self, scope: Scope) -> str:
        joined = ""
        for part in self.parts:
            text = part if isinstance(part, str) else _text(part.evaluate(scope), scope)
            scope.charge(len(text))
            joined += text
            if len(joined) > MAX_TEXT:
                break
        return joined


@dataclass(frozen=True, slots=True)
class Clause:
    """One of the parts of a condition that all must be true; a condition without `and` is its only clause."""

    line: str
    """The source on one line, for sentences."""
    compiled: Compiled


@dataclass(frozen=True, slots=True)
class Judged:
    """A clause, whether it is true, and what there is to say of that."""

    clause: Clause
    holds: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression that is true or false."""

    source: str
    compiled: Compiled
    clauses: tuple[Clause, ...]

    @property
    def fields(self) -> frozenset[tuple[str, str]]:
        """What it reads: `{("deal", "amount")}`."""
        return self.compiled.fields

    @classmethod
    def compile(cls, source: str, names: Names) -> "Condition":
        """Parse and check an expression. Raises BadMergeField."""
        try:
            field = whole(source)
            _check_labels(field, names)
            tree = parse(field)
            for node, says in decided(tree):
                raise BadMergeField([Problem(field.offset_of(spelt(node)), says)])
            compiled = _refusing(field, lambda: compile_expression(tree, names))
            parts = [whole(text) for text in conjuncts(field)] if isinstance(tree, nodes.And) else [field]
            found = [compiled] if len(parts) == 1 else [_compiled(each, names) for each in parts]
        except BadSource as error:
            raise BadMergeField([*error.problems, *_further(source, error.problems, names)]) from None
        clauses = [Clause(" ".join(each.source.split()), one) for each, one in zip(parts, found, strict=True)]
        return cls(source, compiled, tuple(clauses))

    @property
    def doubts(self) -> list[Doubt]:
        """What is probably not meant in it."""
        readings = mixed(self.source)
        what = f'"and" binds before "or": {readings}; brackets show which is meant'
        return [*self.compiled.doubts, *([("or", what)] if readings else [])]

    def judge(self, values: Mapping[str, Any]) -> list[Judged]:
        """Decide every clause by itself; false, with a note, from where on it would take too much work."""
        scope = Scope(values, [])
        judged = []
        for clause in self.clauses:
            scope.notes = []
            holds = _holds(clause, scope)
            judged.append(Judged(clause, holds, tuple(scope.notes)))
        return judged

    def failing(self, values: Mapping[str, Any]) -> Clause | None:
        """The first clause that is false, also from where on it would take too much work; None where all are true."""
        scope = Scope(values, [])
        for clause in self.clauses:
            if not _holds(clause, scope):
                return clause
        return None


def _single_braces(constant: str, offset: int, names: Names) -> list[Problem]:
    """Merge fields with a brace too few would be sent as they stand, and read out to a person."""
    problems = []
    for place, begins, inside in single_braces(constant):
        name = nearest(begins, [*names.objects, *names.elsewhere, *names.texts])
        if "." in inside and name is None:
            continue  # a text of somebody's own
        home = names.home_of(begins) or next(iter(names.objects), "")
        field = inside if "." in inside or begins in names.texts else f"{home}.{inside}"
        dollar = "$" if constant[:place].endswith("$") else ""
        without = ", without the $" if dollar else ""
        found = (
            f"has {dollar}{{{inside}}} in single braces; a merge field has two: {{{{ {field} }}}}{without}"
        )
        problems.append(Problem(offset + place, found))
    return problems


def _further(source: str, problems: Sequence[Problem], names: Names) -> Iterator[Problem]:
    """What is wrong in other parts of a condition, each by itself: the parser stops at the first."""
    for begin, text in compared(source):
        if any(begin <= each.offset < begin + len(text) for each in problems):
            continue
        try:
            _compiled(whole(text), names)
        except BadSource as error:
            for each in error.problems:
                found = (
                    _ALONE.sub(r"\1", each.found).replace(WHOLE, "")
                    if begin
                    else _ALONE.sub(_AT_FIRST, each.found)
                )
                yield Problem(begin + each.offset, found)


def _compiled(field: Field, names: Names) -> Compiled:
    try:
        tree = parse(field)
    except BadSource as error:
        raise _named(field, names) or error from None
    return _refusing(field, lambda: compile_expression(tree, names))


def _check_labels(field: Field, names: Names) -> None:
    """Refuse labels of fields: `lead status == ...`."""
    problems = [
        Problem(words[0].offset, f'"{label}" is a label; did you mean {meant}?')
        for words in label_candidates(field.tokens)
        if (meant := names.labelled(label := " ".join(each.text for each in words)))
    ]
    if problems:
        first, *more = problems
        raise BadSource(first.offset, first.found, more)


def _named(field: Field, names: Names) -> BadSource | None:
    """What is meant by a label in the place of a field: `{{ First Name }}`."""
    if len(field.tokens) < 2 or any(each.kind != "name" for each in field.tokens):
        return None
    found = names.not_a_field("".join(each.text for each in field.tokens))
    meant = found.partition("did you mean ")[2]
    label = " ".join(each.text for each in field.tokens)
    return BadSource(field.offset, f'"{label}" is a label; did you mean {meant}') if meant else None


def _refusing(field: Field, compiling: Callable[[], Compiled]) -> Compiled:
    """Compile; where that is refused, say at which character of the field."""
    try:
        return compiling()
    except Refused as error:
        more = [Problem(field.offset_of(each.at), each.found) for each in error.more]
        raise BadSource(field.offset_of(error.at), error.found, more) from None


def _holds(clause: Clause, scope: Scope) -> bool:
    """Decide with the work that the scope still has; false, with a note, where that is not enough."""
    try:
        return is_true(clause.compiled.evaluate(scope))
    except TooMuchWork:
        _give_up(scope)
        return False


def _give_up(scope: Scope) -> None:
    scope.note("the texts in it are too long to be worked on; the result is empty")


def _fitting(text: str, scope: Scope) -> str:
    """The text as it can be sent; most are short and plain."""
    if len(text) <= SHORT and text.isascii() and "\x00" not in text:
        return text
    return str(sendable(cut(text, scope)))


def _finished(value: Any, scope: Scope) -> Any:
    if type(value) is str:
        return _fitting(value, scope)
    if is_single(value):
        return plain(value)
    if weight(value) > MAX_TEXT:
        scope.note(f"a value of more than {MAX_TEXT:,} characters was left out")
        return None
    return sendable(plain(value))


def _text(found: Any, scope: Scope) -> str:
    if type(found) is str:
        return found
    if found is None:
        return ""
    found = plain(found)
    if isinstance(found, str):
        return found
    scope.charge(weight(found))
    return text_of(found)
