"""The expressions inside merge fields and conditions: Jinja's syntax, an allow-list of its nodes, our meaning.

Jinja only parses. What it parsed is turned here into plain functions, node by node: a kind of node, filter
or name that has no entry in a table below is a mistake when the rule file is loaded. Evaluating reads
mappings and nothing else (no attributes of objects, no calls), never raises, and does bounded work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import nodes

from connector.mapping.doubtful import Doubt, doubtful
from connector.mapping.filters import FILTERS, NOT_CONSTANT, Apply, Table
from connector.mapping.habits import OF_CALL
from connector.mapping.names import Names
from connector.mapping.operations import MAX_NUMBER, calculated, part, prepared
from connector.mapping.running import (
    Evaluate,
    comparison,
    filtered,
    filtered_with,
    nothing,
    or_else,
    quickly,
    reader,
    reader_of_part,
)
from connector.mapping.syntax import (
    alternatives,
    constant_results,
    constants,
    innermost,
    is_date,
    no_filter,
    no_order,
    one_by_one,
    refusal,
    several_for_one,
    spelt,
    steps,
    unordered,
)
from connector.mapping.values import (
    EMPTY,
    Scope,
    cut,
    is_true,
    number_of,
    plain,
    text_of,
)
from connector.mapping.words import closest, listed

_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression ready to be evaluated, and what it reads."""

    evaluate: Evaluate
    fields: frozenset[tuple[str, str]]
    results: frozenset[str]
    """The constant texts that it may give, so that names of agents can be checked before a call."""
    doubts: tuple[Doubt, ...] = ()
    """What is probably not meant."""


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
    results = frozenset(constant_results(tree, names.tables))
    return Compiled(evaluate, frozenset(compiler.fields), results, tuple(doubtful(tree, names)))


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
        self.unknown.append(Refused(self.names.not_a_field(name), name))
        return nothing

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
            self.unknown.append(Refused(self.names.unknown(name), name))
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
        return reader_of_part(name, key, deeper) if deeper else reader(name, key)

    def _check_field(self, name: str, key: str) -> None:
        known = self.names.objects[name]
        if known is None or key in known:
            return
        hint = closest(key, known)
        if name == "call" and (meant := OF_CALL.get(key.casefold())):
            hint = f'; did you mean "{meant}"? There are: {listed(sorted(known))}'
        if key in self.names.texts:
            hint = f"; write {key} alone: {{{{ {key} }}}}"
        self.unknown.append(Refused(f'"{key}" is not a field of {name}{hint}', key))

    def _item(self, node: nodes.Getitem) -> Evaluate:
        base = node.node
        if (
            isinstance(base, nodes.Name)
            and isinstance(node.arg, nodes.Name)
            and base.name in self.names.objects
        ):
            raise Refused(f"has {base.name}[{node.arg.name}]; write {base.name}.{node.arg.name}", base.name)
        if isinstance(base, nodes.Name) and base.name in self.names.tables:
            raise Refused(f"has {base.name}[…]; write {spelt(node.arg)} | map('{base.name}')", base.name)
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
            return filtered_with(apply, value, [argument(Scope(EMPTY, [])) for argument in arguments])
        return filtered(apply, value, arguments)

    def _arguments(self, node: Any) -> list[Evaluate]:
        """The arguments of a filter; `map` gets its table with the table's name, `phone` the region left out."""
        if node.name == "map":
            table, name = self._table(node)
            return [lambda scope: table, lambda scope: name]
        given = [self.compile(each) for each in node.args]
        if node.name == "phone":
            region = self.names.region
            return [or_else(given[0], region)] if given else [lambda scope: region]
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
        otherwise = self.compile(node.expr2) if node.expr2 is not None else nothing
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
        if any(
            isinstance(each, nodes.Sub) and NOT_CONSTANT not in constants([each.left, each.right])
            for each in node.items
        ):
            raise Refused("has a calculation in a list; a span is written 1000 <= field <= 5000")
        for each in node.items:
            if several := list(alternatives(each)):
                raise Refused(
                    f"joins the values of a list; they stand with commas: [{', '.join(map(spelt, several))}]"
                )
        items = [self.compile(each) for each in node.items]
        values = constants(node.items)
        if NOT_CONSTANT not in values:
            return lambda scope: values
        return lambda scope: [item(scope) for item in items]

    def calculation(self, node: Any) -> Evaluate:
        if isinstance(node.right, nodes.Filter) and isinstance(innermost(node.right), nodes.Const):
            raise Refused(
                f"uses the filter {node.right.name} on {spelt(innermost(node.right))} alone; brackets take all of it:"
                f" ({spelt(node.left)} {_SIGNS[type(node)]} {spelt(innermost(node.right))}) | {node.right.name}",
                f"| {node.right.name}",
            )
        left, right, sign = self.compile(node.left), self.compile(node.right), _SIGNS[type(node)]
        if is_date(node):
            raise Refused("is a calculation here; a day stands in quotes, as '2026-12-31'", sign)
        if any(
            isinstance(side, nodes.Const) and number_of(side.value) is None
            for side in (node.left, node.right)
        ):
            raise Refused(f"calculates ({sign}) with something that is not a number; ~ joins texts", sign)
        return lambda scope: calculated(scope, sign, left(scope), right(scope))

    def _looked_for(self, node: nodes.Compare) -> Evaluate:
        """The left side; a bare word before `in` lacks its quotes."""
        name = node.expr.name if isinstance(node.expr, nodes.Name) else ""
        if not name or name in self.names.texts or node.ops[0].op not in ("in", "notin"):
            return self.compile(node.expr)
        self._lacks_quotes(name)
        return nothing

    def _text_side(self, sign: str, node: nodes.Expr) -> Evaluate:
        """What a field is compared with: a word of a record's there lacks its quotes, and is no record."""
        items = node.items if isinstance(node, nodes.List | nodes.Tuple) else [node]
        bare = [each.name for each in items if isinstance(each, nodes.Name)]
        if sign not in ("eq", "ne", "in", "notin") or self.names.records.isdisjoint(bare):
            return self.compile(node)
        for name in bare:
            if name not in self.names.texts:
                self._lacks_quotes(name)
        return nothing

    def _lacks_quotes(self, name: str) -> None:
        self.unknown.append(Refused(f"\"{name}\" is not known here; a text stands in quotes: '{name}'", name))

    def _check_words(self, node: nodes.Compare) -> None:
        """A field of a few values that is compared with another one makes a condition that nobody meant."""
        if len(node.ops) != 1 or node.ops[0].op not in ("eq", "ne", "in", "notin"):
            return
        for one, other in ((node.expr, node.ops[0].expr), (node.ops[0].expr, node.expr)):
            given = constants(other.items if isinstance(other, nodes.List | nodes.Tuple) else [other])
            for word in given:
                if isinstance(word, str) and (found := self.names.wrong_word(spelt(one), word)):
                    self.unknown.append(Refused(found, repr(word)))

    def sign(self, node: Any) -> Evaluate:
        inner, sign = self.compile(node.node), -1 if isinstance(node, nodes.Neg) else 1
        return lambda scope: calculated(scope, "*", inner(scope), sign)

    def comparison(self, node: Any) -> Evaluate:
        if found := one_by_one(node, self.names.lists):
            raise Refused(found)
        first = self._looked_for(node)
        for side in unordered(node):
            raise Refused(no_order(side), spelt(side))
        self._check_words(node)
        if found := several_for_one(node):
            raise Refused(found)
        for each in node.ops:
            if each.op in ("eq", "ne") and isinstance(each.expr, nodes.List):
                sign = "in" if each.op == "eq" else "not in"
                raise Refused(
                    f"compares with a list; write {spelt(node.expr)} {sign} [...]",
                    "==" if each.op == "eq" else "!=",
                )
        pairs = [(each.op, self._text_side(each.op, each.expr), spelt(each.expr)) for each in node.ops]
        name = spelt(node.expr)

        if len(pairs) > 1:
            return comparison(first, name, pairs)
        return quickly(first, self._prepared(node.ops[0]), comparison(first, name, pairs))

    def _prepared(self, compared: nodes.Operand) -> Callable[[Any], bool | None] | None:
        """A quick test of values against what stands there, where that stands in the rule file."""
        if isinstance(compared.expr, nodes.List):
            values = constants(compared.expr.items)
            return prepared(compared.op, values) if NOT_CONSTANT not in values else None
        (value,) = constants([compared.expr])
        return prepared(compared.op, value) if value is not NOT_CONSTANT else None


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
