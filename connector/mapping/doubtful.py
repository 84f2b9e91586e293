"""Comparisons and fields that may be right, and probably are not: each is a warning."""

import re
from collections.abc import Iterator
from typing import Final

from jinja2 import nodes

from connector.mapping.habits import WORDS
from connector.mapping.names import Names
from connector.mapping.syntax import spelt, steps
from connector.mapping.words import closest
from connector.model import Source
from connector.policy.numbers import not_a_region, region_of

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_NAME: Final = re.compile(r"[A-Z][a-z]+(?:[ -][A-Z].*)?|.* .*")
_LABEL: Final = re.compile(r"[A-Z].*[a-z]|\s")
_FOLDERS: Final = frozenset(
    {"properties", "custom", "customFields", "customField", "custom_fields", "fields"}
)
"""What other programs put a record's own fields below."""

Doubt = tuple[str, str]
"""A word or sign of the expression, and what is doubtful there."""


def doubtful(tree: nodes.Node, names: Names) -> Iterator[Doubt]:
    """Yield what is probably not meant in an expression that can be compiled."""
    for each in (tree, *tree.find_all(nodes.Compare)):
        if isinstance(each, nodes.Compare) and len(each.ops) == 1:
            yield from _compared(each, names)
        if isinstance(each, nodes.Compare):
            yield from _in_other_letters(each)
    for path in (tree, *tree.find_all(nodes.Getattr)):
        if isinstance(path, nodes.Getattr):
            yield from _deep(path, names)


def _compared(node: nodes.Compare, names: Names) -> Iterator[Doubt]:
    sign, left, right = node.ops[0].op, node.expr, node.ops[0].expr
    if sign in ("eq", "ne") and isinstance(left, nodes.Const):
        left, right = right, left
    field = _field(left)
    if field is None or sign not in ("eq", "ne", "in", "notin"):
        return
    if sign in ("in", "notin") and isinstance(right, nodes.Const) and isinstance(right.value, str):
        other = f"{spelt(right)} {'in' if sign == 'in' else 'not in'} {field}"
        yield spelt(right), f"is a text in which {field} is looked for; the other way round it is {other}"
        return
    if sign == "eq" and isinstance(right, nodes.Const) and right.value is False:
        yield "false", f"is not true of an empty checkbox; `not {field}` is"
    items = right.items if isinstance(right, nodes.List | nodes.Tuple) else [right]
    said: set[str] = set()
    for item in items:
        if isinstance(item, nodes.Const) and isinstance(item.value, str) and item.value.strip():
            for found in _of_value(field, sign, item.value, names):
                if found not in said:
                    yield spelt(item), found
                said.add(found)


def _in_other_letters(node: nodes.Compare) -> Iterator[Doubt]:
    """`contact.name | lower == 'Bob'` is never true."""
    for side, other in ((node.expr, node.ops[0].expr), (node.ops[0].expr, node.expr)):
        if not isinstance(side, nodes.Filter) or side.name not in ("lower", "upper"):
            continue
        for item in other.items if isinstance(other, nodes.List | nodes.Tuple) else [other]:
            value = item.value if isinstance(item, nodes.Const) and isinstance(item.value, str) else ""
            written = value.lower() if side.name == "lower" else value.upper()
            if value != written:
                yield spelt(item), f"is never the result of the filter {side.name}; write '{written}'"


def _of_value(field: str, sign: str, value: str, names: Names) -> Iterator[str]:
    """What is doubtful in comparing a field with a text."""
    name, _, key = field.partition(".")
    usual = names.usual_words.get(field)
    if field == "event.source":
        word = WORDS.get(value.casefold(), value.casefold())
        if word in set(Source) and not value.isupper():  # the CRM's own word
            sign_spelt = "!=" if sign in ("ne", "notin") else "=="
            yield f"event.source holds the CRM's own words; ours are event.changed_by {sign_spelt} '{word}'"
    elif (
        key == "source"
        and field != "event.source"
        and WORDS.get(value.casefold(), value.casefold()) in set(Source)
    ):
        word = WORDS.get(value.casefold(), value.casefold())
        asked = "not_source" if sign in ("ne", "notin") else "only_source"
        yield f"who brought a record is not in {field}; write {asked}: {word}, beside `if`"
    elif field == names.stage_field and _LABEL.search(value):
        yield f'{field} holds ids of stages; "{value}" is a label, as in event.stage'
    elif key in ("pipeline", "pipelineId") and name in names.usual and _LABEL.search(value):
        yield f'{field} holds ids of pipelines; "{value}" is a label, as in event.pipeline'
    elif sign in ("eq", "ne") and value.strip("*%") != value:
        yield f'"{value}" is meant to the letter; a part of a text is looked for by "\'{value.strip("*%")}\' in {field}"'
    elif usual is not None and value not in usual:
        yield f'"{value}" is not one of the usual values of {field}{closest(value, usual)}'
    elif value.casefold() in ("yes", "no", "true", "false") and name in names.usual:
        ticked = (value.casefold() in ("yes", "true")) == (sign in ("eq", "in"))
        if value not in ("true", "false"):
            right = field if ticked else f"not {field}"
            yield f'"{value}" is not what a checkbox holds; for one write {right}'
    elif sign in ("eq", "ne") and key == "tags":
        within = f"'{value}' {'in' if sign == 'eq' else 'not in'} {field}"
        yield f'{field} is a list; write "{within}", with both kinds of quotes'
    elif sign in ("eq", "ne") and _DAY.fullmatch(value) and name in names.usual:
        yield f"a moment of the CRM has a time too; for the day write {field} | date == '{value}'"
    elif (
        key == "country"
        and _COUNTRY.fullmatch(value)
        and "hs_country_region_code" in names.usual.get(name, ())
    ):
        code, iso = f"{name}.hs_country_region_code", region_of(value) or value
        yield f'{field} often holds a name, such as United States, and not "{value}"; two letters stand in {code}, as "{iso}"'
    elif key.endswith("country_region_code") and region_of(value) != value:
        meant = region_of(value)
        instead = f"did you mean {meant}?" if meant else not_a_region(value).partition("; ")[2]
        yield f"{field} holds two letters; {instead}"
    elif key.endswith(("_id", "Id", "_by_user_id", "assignedTo")) and _NAME.fullmatch(value):
        seen = (
            "; `stagecall preview RULES --live ID`, with a record of theirs, shows the id in this condition"
        )
        yield f'{field} holds an id, and "{value}" is a name{seen}'


def _deep(path: nodes.Getattr, names: Names) -> Iterator[Doubt]:
    """A part of a field that has none."""
    base, keys = steps(path)
    if not isinstance(base, nodes.Name) or len(keys) < 2 or not isinstance(keys[1], str):
        return
    name, key, *deeper = base.name, str(keys[0]), *map(str, keys[1:])
    rest = ".".join(deeper)
    if key in _FOLDERS and name in names.usual:
        yield key, f"has no part {name}.{key}; write {name}.{rest}"
    elif key in names.objects and name in names.objects:
        yield key, f"has no part {name}.{key}; write {key}.{rest}"
    elif key == "tags":
        yield deeper[0], f"is a part of {name}.tags, which is a list; write '{deeper[0]}' in {name}.tags"
    elif key in names.usual.get(name, ()):
        yield deeper[0], f"is a part of {name}.{key}, which is a text and has none"


def _field(node: nodes.Node) -> str | None:
    """A field as it is written; None for what is more than that."""
    base, keys = steps(node)
    return spelt(node) if isinstance(base, nodes.Name) and len(keys) == 1 else None
