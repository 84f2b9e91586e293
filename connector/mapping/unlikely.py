"""What loads, and is rarely meant: a warning each, with the place in the file that it is about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Final

from connector.mapping.language import ANY, Call, Rule, When
from connector.mapping.merge import MergeField
from connector.mapping.policy_keys import Policy
from connector.mapping.shape import Path
from connector.mapping.stages import is_every
from connector.mapping.vocabulary import Vocabulary
from connector.mapping.words import folded
from connector.mapping.write_back_keys import Moment, WriteBacks
from connector.policy.durations import spelled

_SHORT: Final = timedelta(minutes=5)
_WRITTEN_DAY: Final = re.compile(r"[0-9]{1,2}[/.][0-9]{1,2}[/.](?:[0-9]{2}){1,2}")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_CHOICE: Final = re.compile(r"\bif\b.*\belse\b|\bor\b|[=<>?]")
_GROUPED: Final = re.compile(r"(?<![\w.])([0-9]{1,3})\.([0-9]{3})(?![\w.])")

Doubt = tuple[Path, str]
"""A place of the file, and what is doubtful there."""


def unlikely(rules: Sequence[tuple[Path, Rule]], words: Vocabulary) -> Iterator[Doubt]:
    """Yield what is probably not meant in rules that have no mistake; each rule with its place."""
    for number, (path, rule) in enumerate(rules):
        yield from _when((*path, "when"), rule.when, words)
        yield from _call((*path, "call"), rule.call)
        yield from _policy((*path, "policy"), rule.policy)
        yield from _write_back((*path, "write_back"), rule, words)
        above = [other for _, other in rules[:number]]
        if found := _beside(rule, above):
            yield (*path, "when"), found


def _when(path: Path, when: When, words: Vocabulary) -> Iterator[Doubt]:
    if words.catalog is None:
        for key, named in (("enters", when.enters), ("pipeline", (when.pipeline or "",))):
            for word in named:
                if is_every(word):
                    yield (
                        (*path, key),
                        f'is a {_NOUNS[key]} called "{word}"; whichever it is, is written {ANY}',
                    )
    condition = _QUOTED.sub("", when.condition.source) if when.condition else ""
    for found in _GROUPED.finditer(condition):
        few, many = found[1], f"{found[1]}{found[2]}"
        yield (
            (*path, "if"),
            f"has {found[0]}, which is {float(found[0]):g}; {many} is written without a point ({few} without zeros)",
        )


_NOUNS: Final = {"enters": "stage", "pipeline": "pipeline"}


def _call(path: Path, call: Call) -> Iterator[Doubt]:
    if call.agent is not None and call.agent.is_constant and _CHOICE.search(call.agent.source):
        yield (
            (*path, "agent"),
            "is a name as it stands; a choice is \"{{ 'Closer' if deal.amount > 5000 else 'Qualifier' }}\"",
        )
    for key, field, example in (("name", call.name, "firstname"), ("email", call.email, "email")):
        if field is not None and field.is_constant and field.source.strip():
            yield (*path, key), f'is the same for everybody; a field is written "{{{{ contact.{example} }}}}"'
    for field in call.phone_number:
        read = sorted(f"{name}.{key}" for name, key in field.fields)
        if field.is_constant:
            yield (
                (*path, "phone_number"),
                'is one number for every record; a field is written "{{ contact.phone }}"',
            )
        elif read and all(each.endswith("email") for each in read):
            yield (
                (*path, "phone_number"),
                f"is an email address ({', '.join(read)}), so nobody could be called",
            )
        elif _is_joined(field):
            yield (
                (*path, "phone_number"),
                f"joins two numbers into one; numbers to try in turn are a list: [{', '.join(read)}]",
            )


def _is_joined(field: MergeField) -> bool:
    """Two phone fields side by side, each a number of its own."""
    parts = [part for part in field.parts if not isinstance(part, str)]
    phones = [part for part in parts if any("phone" in key or "mobile" in key for _, key in part.fields)]
    return len(phones) > 1


def _policy(path: Path, policy: Policy) -> Iterator[Doubt]:
    if policy.terms.zone is not None:
        found = f"goes by the clock of {policy.terms.zone} for everybody, wherever they are; lead is each person's own clock"
        yield (*path, "window", "zone"), found
    if policy.expires < _SHORT:
        found = f"drops a call that has to wait longer than {spelled(policy.expires)}, as it may where many come at once"
        yield (*path, "expires"), found


def _write_back(path: Path, rule: Rule, words: Vocabulary) -> Iterator[Doubt]:
    called = {field for each in rule.call.phone_number for field in each.fields}
    for moment, name, key, value in _properties(rule.write_back):
        at = (*path, moment, name, key)
        if (name, key) in called:
            yield at, f"writes over {name}.{key}, the number that this rule calls"
        elif f"{name}.{key}" == words.stage_field:
            yield (
                at,
                "moves the record; `stage:` does that too, takes labels, and leaves a record alone that somebody has moved",
            )
        elif _WRITTEN_DAY.fullmatch(value):
            yield at, f'is the text "{value}"; CRMs take days as 2026-12-31'


def _properties(write_back: WriteBacks) -> Iterator[tuple[str, str, str, str]]:
    """Every property that is written: moment, object, property, and its text where that is a constant."""
    for each in fields(write_back):
        moment: Moment = getattr(write_back, each.name)
        for name, properties in moment.records.items():
            for key, value in properties.items():
                text = value if isinstance(value, str) else value.source if value.is_constant else ""
                yield each.name, name, key, text.strip()


def _beside(rule: Rule, above: Sequence[Rule]) -> str | None:
    """A rule above that takes all of this one's events: nothing is left, or two calls come of each."""
    for other in above:
        if not _covers(other.when, rule.when):
            continue
        if other.stop:
            return (
                f'is asked about no event: the rule "{other.name}" above takes them all, and says stop: true'
            )
        if rule.when.condition is None and rule.policy.cool_down is None and not _is_dry(rule, other):
            return f'makes a second call of each event, beside the rule "{other.name}"; if one is enough, that rule says stop: true'
    return None


def _is_dry(rule: Rule, other: Rule) -> bool:
    return rule.policy.dry_run or other.policy.dry_run


def _covers(wide: When, narrow: When) -> bool:
    """Is every event of one rule an event of the other?"""
    stages = {folded(each) for each in wide.enters}
    return (
        wide.condition is None
        and (ANY in stages or {folded(each) for each in narrow.enters} <= stages)
        and (wide.pipeline is None or folded(wide.pipeline) == folded(narrow.pipeline or ""))
        and wide.how in (None, narrow.how)
        and (not wide.came_from or wide.came_from == narrow.came_from)
        and (not wide.only_source or wide.only_source == narrow.only_source)
        and wide.not_source <= narrow.not_source
    )
