"""The expressions inside merge fields and conditions: Jinja's syntax, an allow-list of its nodes, our meaning.

Jinja only parses. What it parsed is turned here into plain functions, node by node: a kind of node, filter
or name that has no entry in a table below is a mistake when the rule file is loaded. Evaluating reads
mappings and nothing else (no attributes of objects, no calls), never raises, and does bounded work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import nodes

from connector.mapping.filters import FILTERS, NOT_CONSTANT, Apply, Table
from connector.mapping.hints import bare
from connector.mapping.operations import MAX_NUMBER, calculated, holds, part
from connector.mapping.syntax import (
    constant_results,
    constants,
    is_date,
    no_filter,
    refusal,
    spelt,
    steps,
    unordered,
)
from connector.mapping.values import (
    EMPTY,
    MAX_TEXT,
    Scope,
    cut,
    is_empty,
    is_true,
    number_of,
    plain,
    text_of,
    weight,
)
from connector.mapping.words import closest, listed, nearest

Evaluate = Callable[[Scope], Any]

_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Names:
    """The names that an expression may begin with, and their fields where all of them are known."""

    objects: Mapping[str, frozenset[str] | None]
    usual: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Fields that are known of an object that may have more."""
    texts: frozenset[str] = frozenset()
    """Names that are values themselves: `reason`."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Names known in another place of a rule, each with where: `{"call": "write_back"}`."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    """What the filter map may look up in."""
    words: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """Fields that have one of a few values, each with these."""
    stage_field: str | None = None
    """The one of these that holds ids of stages."""
    region: str | None = None
    """Country of numbers without a country code, for the filter phone."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression ready to be evaluated, and what it reads."""

    evaluate: Evaluate
    fields: frozenset[tuple[str, str]]
    results: frozenset[str]
    """The constant texts that it may give, so that names of agents can be checked before a call."""


class Refused(Exception):
    """The expression has something that is not allowed; `at` is the word in question, `| name` a filter.

    `more` are others of its kind in the same expression.
    """

    def __init__(self, found: str, at: str = "", more: "Sequence[Refused]" = ()) -> None:
        super().__init__(found)
        self.found = found
        self.at = at
        self.more = more


def compile_expression(tree: nodes.Expr, names: Names) -> Compiled:
    """Turn a parsed expression into a function. Raises Refused."""
    compiler = _Compiler(names)
    evaluate = compiler.compile(tree)
    if compiler.unknown:
        first, *more = compiler.unknown
        raise Refused(first.found, first.at, more)
    return Compiled(evaluate, frozenset(compiler.fields), frozenset(constant_results(tree, names.tables)))


class _Compiler:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.fields: set[tuple[str, str]] = set()
        self.unknown: list[Refused] = []
        """Names that are not known: all of them are told at once."""
        self.depth = 0

    def compile(self, node: nodes.Node) -> Evaluate:
        compile_node = _NODES.get(type(node))
        if compile_node is None:
            raise Refused(refusal(node))
        if self.depth > _MAX_DEPTH:
            raise Refused(f"has more than {_MAX_DEPTH} operators within operators")
        self.depth += 1
        evaluate = compile_node(self, node)
        self.depth -= 1
        return evaluate

    def constant(self, node: Any) -> Evaluate:
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) <= MAX_NUMBER:
            raise Refused("has a number that is too large")
        return lambda scope: value

    def name(self, node: Any) -> Evaluate:
        name = node.name
        if name in self.names.texts:
            return lambda scope: plain(scope.values.get(name))
        if name in self.names.objects:
            raise Refused(f'names no field of {name}; write "{name}." and a field', name)
        raise Refused(self._bare(name), name)

    def path(self, node: Any) -> Evaluate:
        base, keys = steps(node)
        if isinstance(base, nodes.Name) and base.name not in self.names.texts:
            return self._field(base.name, keys)
        if isinstance(node, nodes.Getattr):
            raise Refused(
                f'has ".{node.attr}"; only fields of {listed(self.names.objects)} have parts', node.attr
            )
        return self._item(node)

    def _field(self, name: str, keys: list[str | int]) -> Evaluate:
        if name not in self.names.objects:
            self.unknown.append(Refused(self._unknown(name), name))
            return lambda scope: None
        private = next((key for key in keys if isinstance(key, str) and key.startswith("_")), None)
        if private is not None:
            raise Refused(f'has "{private}"; a field cannot begin with _', private)
        key, *deeper = keys
        if not isinstance(key, str):
            raise Refused(f"has {name}[{key}]; write the name of a field", name)
        self._check_field(name, key)
        if deeper and deeper[-1] in FILTERS and key in self.names.usual.get(name, ()):
            raise Refused(
                f"has .{deeper[-1]}; a filter is written {name}.{key} | {deeper[-1]}", str(deeper[-1])
            )
        self.fields.add((name, key))
        if deeper:
            return _deep_field(name, key, deeper)
        remark = f"{name}.{key} is empty"

        def read(scope: Scope) -> Any:
            value = (scope.values.get(name) or EMPTY).get(key)
            if type(value) is not str or len(value) > MAX_TEXT:
                value = plain(value)
            if value is None or value == "":
                scope.note(remark)
            return value

        return read

    def _check_field(self, name: str, key: str) -> None:
        known = self.names.objects[name]
        if known is None or key in known:
            return
        self.unknown.append(Refused(f'"{key}" is not a field of {name}{closest(key, known)}', key))

    def _unknown(self, name: str) -> str:
        if name in self.names.elsewhere:
            return f'"{name}" is known only in {self.names.elsewhere[name]}'
        known = [*self.names.objects, *self.names.texts]
        return f'"{name}" is not known here{closest(name, known)}'

    def _bare(self, name: str) -> str:
        """What to say of a word that stands alone: a text without its quotes, or a field without its object."""
        if name in self.names.elsewhere or nearest(name, [*self.names.objects, *self.names.texts]):
            return self._unknown(name)
        fields = {**self.names.objects, **self.names.usual}
        if name == "name" and "firstname" in (fields.get("contact") or ()):
            return '"name" is not known here; a person\'s name is contact.firstname and contact.lastname'
        meant = [f"{each}.{name}" for each, known in fields.items() if known and name in known]
        if not meant and name.islower() and len(name) > 3:
            homes = {key: each for each, known in fields.items() for key in sorted(known or ())}
            near = nearest(name, homes)
            meant = [f"{homes[near]}.{near}"] if near else []
        advice = f"did you mean {' or '.join(meant)}?" if meant else bare(name)
        return f'"{name}" is not known here; {advice}'

    def _item(self, node: nodes.Getitem) -> Evaluate:
        if not isinstance(node.arg, nodes.Const) or not isinstance(node.arg.value, str | int):
            raise Refused(
                "has [...] with something other than a number or text; use the filters first and last"
            )
        key, whole = node.arg.value, self.compile(node.node)
        return lambda scope: plain(part(whole(scope), key))

    def filter(self, node: Any) -> Evaluate:
        known = FILTERS.get(node.name)
        if known is None:
            raise Refused(no_filter(node.name), f"| {node.name}")
        if node.node is None:
            raise Refused(f"has the filter {node.name} without a value before it", f"| {node.name}")
        count = len(node.args)
        if node.kwargs or node.dyn_args or node.dyn_kwargs or not known.least <= count <= known.most:
            raise Refused(f"uses the filter {node.name} wrongly; write {known.usage}", f"| {node.name}")
        wrong = known.check(constants(node.args)) if known.check else None
        if wrong:
            raise Refused(f"uses the filter {node.name} wrongly: {wrong}", f"| {node.name}")
        value, arguments = self.compile(node.node), self._arguments(node)
        apply: Apply = known.apply
        if NOT_CONSTANT not in constants(node.args):
            return _filtered_with(apply, value, [argument(Scope(EMPTY, [])) for argument in arguments])

        def filtered(scope: Scope) -> Any:
            given = value(scope)
            others = [argument(scope) for argument in arguments]
            scope.charge(weight(given) + _length(others))
            found = apply(scope, given, *others)
            return cut(found, scope) if type(found) is str else found

        return filtered

    def _arguments(self, node: Any) -> list[Evaluate]:
        """The arguments of a filter; `map` gets its table with the table's name, `phone` the region left out."""
        if node.name == "map":
            table, name = self._table(node)
            return [lambda scope: table, lambda scope: name]
        given = [self.compile(each) for each in node.args]
        if node.name == "phone":
            region = self.names.region
            return [_or_else(given[0], region)] if given else [lambda scope: region]
        return given

    def _table(self, node: Any) -> tuple[Table, str]:
        (name,) = constants(node.args)
        if name is NOT_CONSTANT or not isinstance(name, str):
            raise Refused(
                "uses the filter map without the name of a table; write map('agents')", f"| {node.name}"
            )
        if name not in self.names.tables:
            there = closest(name, self.names.tables) or "; the file has no `tables:` yet"
            raise Refused(f'"{name}" is not one of the tables of this file{there}', f"| {node.name}")
        return self.names.tables[name], name

    def either(self, node: Any) -> Evaluate:
        left, right = self.compile(node.left), self.compile(node.right)

        def first_true(scope: Scope) -> Any:
            value = left(scope)
            return value if is_true(value) else right(scope)

        return first_true

    def both(self, node: Any) -> Evaluate:
        left, right = self.compile(node.left), self.compile(node.right)

        def last_true(scope: Scope) -> Any:
            value = left(scope)
            return right(scope) if is_true(value) else value

        return last_true

    def negation(self, node: Any) -> Evaluate:
        inner = self.compile(node.node)
        return lambda scope: not is_true(inner(scope))

    def choice(self, node: Any) -> Evaluate:
        test, then = self.compile(node.test), self.compile(node.expr1)
        otherwise = self.compile(node.expr2) if node.expr2 is not None else _nothing
        return lambda scope: then(scope) if is_true(test(scope)) else otherwise(scope)

    def joined(self, node: Any) -> Evaluate:
        parts = [self.compile(each) for each in node.nodes]

        def joined(scope: Scope) -> str:
            text = ""
            for evaluate in parts:
                text = cut(text + text_of(evaluate(scope)), scope)
                scope.charge(len(text))
            return text

        return joined

    def listing(self, node: Any) -> Evaluate:
        items = [self.compile(each) for each in node.items]
        values = constants(node.items)
        if NOT_CONSTANT not in values:
            return lambda scope: values
        return lambda scope: [item(scope) for item in items]

    def calculation(self, node: Any) -> Evaluate:
        left, right, sign = self.compile(node.left), self.compile(node.right), _SIGNS[type(node)]
        if is_date(node):
            raise Refused("is a calculation here; a day stands in quotes, as '2026-12-31'", sign)
        if any(
            isinstance(side, nodes.Const) and number_of(side.value) is None
            for side in (node.left, node.right)
        ):
            raise Refused(f"calculates ({sign}) with something that is not a number; ~ joins texts", sign)
        return lambda scope: calculated(scope, sign, left(scope), right(scope))

    def _check_words(self, node: nodes.Compare) -> None:
        """A field of a few values that is compared with another one makes a condition that nobody meant."""
        if not self.names.words or len(node.ops) != 1:
            return
        for one, other in ((node.expr, node.ops[0].expr), (node.ops[0].expr, node.expr)):
            base, keys = steps(one)
            known = (
                self.names.words.get((base.name, str(keys[0])))
                if isinstance(base, nodes.Name) and len(keys) == 1
                else None
            )
            if known is None or node.ops[0].op not in ("eq", "ne", "in", "notin"):
                continue
            given = constants(other.items if isinstance(other, nodes.List | nodes.Tuple) else [other])
            for word in given:
                if isinstance(word, str) and word and word not in known:
                    found = f'"{word}" is never the value of {spelt(one)}{closest(word, known)}'
                    if spelt(one) == self.names.stage_field:
                        found = f'{spelt(one)} holds ids of stages; write event.stage for "{word}", or the id'
                    self.unknown.append(Refused(found, repr(word)))

    def sign(self, node: Any) -> Evaluate:
        inner, sign = self.compile(node.node), -1 if isinstance(node, nodes.Neg) else 1
        return lambda scope: calculated(scope, "*", inner(scope), sign)

    def comparison(self, node: Any) -> Evaluate:
        first = self.compile(node.expr)
        for side in unordered(node):
            raise Refused(
                f"has {spelt(side)} in < or >, and it is neither a number nor a day as '2026-12-31'",
                spelt(side),
            )
        self._check_words(node)
        pairs = [(each.op, self.compile(each.expr), spelt(each.expr)) for each in node.ops]
        name = spelt(node.expr)

        def compare(scope: Scope) -> bool:
            left, left_name = first(scope), name
            for sign, right_of, right_name in pairs:
                right = right_of(scope)
                if not holds(scope, sign, (left, left_name), (right, right_name)):
                    return False
                left, left_name = right, right_name
            return True

        return compare


_NODES: Final[Mapping[type[nodes.Node], Callable[[_Compiler, Any], Evaluate]]] = {
    nodes.Const: _Compiler.constant,
    nodes.Name: _Compiler.name,
    nodes.Getattr: _Compiler.path,
    nodes.Getitem: _Compiler.path,
    nodes.Filter: _Compiler.filter,
    nodes.Or: _Compiler.either,
    nodes.And: _Compiler.both,
    nodes.Not: _Compiler.negation,
    nodes.CondExpr: _Compiler.choice,
    nodes.Concat: _Compiler.joined,
    nodes.Compare: _Compiler.comparison,
    nodes.List: _Compiler.listing,
    nodes.Tuple: _Compiler.listing,
    nodes.Add: _Compiler.calculation,
    nodes.Sub: _Compiler.calculation,
    nodes.Mul: _Compiler.calculation,
    nodes.Div: _Compiler.calculation,
    nodes.Neg: _Compiler.sign,
    nodes.Pos: _Compiler.sign,
}
"""The allow-list: every kind of node that an expression may have."""

_SIGNS: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
}


def _deep_field(name: str, key: str, deeper: list[str | int]) -> Evaluate:
    remark = "".join(
        [f"{name}.{key}", *(f"[{step}]" if isinstance(step, int) else f".{step}" for step in deeper)]
    )

    def read(scope: Scope) -> Any:
        value = plain((scope.values.get(name) or EMPTY).get(key))
        for step in deeper:
            value = plain(part(value, step))
        if value is None or value == "":
            scope.note(f"{remark} is empty")
        return value

    return read


def _filtered_with(apply: Apply, value: Evaluate, others: Sequence[Any]) -> Evaluate:
    """A filter whose arguments stand in the rule file."""
    cost = _length(others)

    def filtered(scope: Scope) -> Any:
        given = value(scope)
        scope.charge(weight(given) + cost)
        found = apply(scope, given, *others)
        return cut(found, scope) if type(found) is str else found

    return filtered


def _length(arguments: Sequence[Any]) -> int:
    return sum([len(each) for each in arguments if type(each) is str])


def _or_else(evaluate: Evaluate, other: Any) -> Evaluate:
    def filled(scope: Scope) -> Any:
        value = evaluate(scope)
        return other if is_empty(value) else value

    return filled


def _nothing(scope: Scope) -> None:
    return None
