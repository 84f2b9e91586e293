"""A line of YAML that begins after another number of blanks than the lines it belongs to: which, and how many."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from connector.mapping.language import schema
from connector.mapping.slips import without_colon

_LINE: Final = re.compile(r"( *)((?:- +)?)([A-Za-z_\"'][^:#{}\[\]]*?)\s*:(?:\s+(.*))?")
_SIGNS: Final = ("<block end>", "mapping values are not allowed")
"""What the parser says, among others, of a line that is indented differently from its neighbours."""
_STEP: Final = 2


@dataclass(frozen=True, slots=True)
class _Key:
    """A key in a line, or an item of a list, with the number of blanks before it."""

    name: str
    blanks: int
    value: str = ""
    parent: "_Key | None" = None
    before: "_Key | None" = None
    """The one above it, beside which it stands."""
    item: bool = False

    @property
    def follows_dash(self) -> bool:
        return self.parent is not None and self.parent.item and self.before is None


def misaligned(
    problem: str, lines: Sequence[str], line: int, column: int
) -> tuple[tuple[int, int], str] | None:
    """Where the line begins (from 1) at which the parser stopped (from 0), and what to say of it; None where it begins
    where others do.
    """
    text = lines[line].rstrip() if line < len(lines) else ""
    found = _LINE.fullmatch(text)
    above = _open(lines[:line])
    second = ":" in text[:column].removesuffix(":")
    if found is None or not above or second or not any(sign in problem for sign in _SIGNS):
        return None
    last = _last_line(lines, line)
    if (word := lines[last].split()[0]) in _all_keys() and not _LINE.fullmatch(lines[last].rstrip()):
        return (last + 1, lines[last].index(word) + 1), without_colon(lines[last])
    here = _Key(found[3], len(found[1]), item=bool(found[2]))
    if any(each.blanks == here.blanks and each.item == here.item for each in above):
        return None
    at = (line + 1, here.blanks + 1)
    return _of_dash(above, here, lines, line) or (
        at,
        _of_section(above[-1], here) or _said(here, _beside(above, here)),
    )


def _of_dash(
    above: Sequence[_Key], here: _Key, lines: Sequence[str], line: int
) -> tuple[tuple[int, int], str] | None:
    """What to say of a dash too many, or of one that a rule lacks."""
    last = above[-1]
    beside = next((each for each in above if here.item and each.blanks == here.blanks), None)
    if beside is not None:
        found = f'has a dash, and "{beside.name}" above it, beside which it stands, has none; leave it out: {here.name}: ...'
        return (line + 1, here.blanks + 1), found
    if here.name == "name" and any(each.item and each.blanks == here.blanks for each in above):
        return (line + 1, here.blanks + 1), f"lacks its dash; a rule begins with it: - {lines[line].strip()}"
    if last.parent is not None and last.parent.name == "rules" and not last.item:
        number = _last_line(lines, line)
        return (
            number + 1,
            last.blanks + 1,
        ), f"lacks its dash; a rule begins with it: - {lines[number].strip()}"
    return None


def _last_line(lines: Sequence[str], line: int) -> int:
    """The line above that is not empty and no comment."""
    return max((number for number in range(line) if lines[number].split("#")[0].strip()), default=0)


def _open(lines: Sequence[str]) -> list[_Key]:
    """The last key of each level above, from the outside in."""
    found: list[_Key] = []
    for line in lines:
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            continue
        blanks, value = len(match[1]), re.sub(r"(^|\s)#.*", "", match[4] or "")
        if match[2]:
            _add(found, _Key(f"- {match[3]}", blanks, value, item=True))
        _add(found, _Key(match[3], blanks + len(match[2]), value))
    return found


def _add(found: list[_Key], fresh: _Key) -> None:
    before = None
    while found and (found[-1].blanks, found[-1].item) >= (fresh.blanks, fresh.item):
        before = found.pop()
    beside = before if before and (before.blanks, before.item) == (fresh.blanks, fresh.item) else None
    parent = found[-1] if found else None
    found.append(_Key(fresh.name, fresh.blanks, fresh.value, parent, beside, fresh.item))


def _beside(above: Sequence[_Key], here: _Key) -> _Key:
    """The key above that this one should stand beside: where it is known, else where it is nearest."""
    same = [each for each in above if each.item == here.item] or list(above)
    meant = [each for each in same if not each.item and here.name in _known(each)]
    deeper = [each for each in same if each.blanks > here.blanks]
    return (meant or deeper[:1] or same)[-1]


def _of_section(last: _Key, here: _Key) -> str | None:
    """What to say where the key above stands beside its section: `when:`, and `pipeline:` not further in."""
    section = last.before
    if section is None or section.value or not last.value or here.blanks <= last.blanks:
        return None
    if last.name not in _properties().get(section.name, ()) or last.name in _known(last):
        return None
    return (
        f'has "{here.name}" after {here.blanks} blanks, and "{last.name}" above it after {last.blanks}, beside'
        f' "{section.name}"; what belongs to "{section.name}" stands further in: both after {section.blanks + _STEP}'
    )


def _said(here: _Key, beside: _Key) -> str:
    blanks = "1 blank" if here.blanks == 1 else f"{here.blanks} blanks"
    dash = ' ("- " counts as two)' if beside.follows_dash else ""
    kind = "items of one list" if here.item else "keys that belong together"
    usual = beside.parent.blanks + _STEP if beside.parent else 0
    which = ""
    if usual in (here.blanks, beside.blanks):
        further = (
            f', two more than "{beside.parent.name}"' if beside.parent and not beside.parent.item else ""
        )
        which = f": {usual}{further}"
    if beside.follows_dash and here.blanks > beside.blanks:
        which = f': put {here.blanks - _STEP} before the dash, or {beside.blanks} before "{here.name}"'
    name = f"- {here.name}" if here.item else here.name
    return (
        f'has "{name}" after {blanks}, and "{beside.name}" above it after {beside.blanks}{dash};'
        f" {kind} begin after the same number{which}"
    )


def _known(key: _Key) -> Sequence[str]:
    """The keys that may stand beside this one."""
    if key.parent is None:
        return list(schema()["properties"])
    return _properties().get("rule" if key.parent.item else key.parent.name, ())


@cache
def _all_keys() -> frozenset[str]:
    return frozenset(schema()["properties"]).union(*_properties().values())


@cache
def _properties() -> Mapping[str, Sequence[str]]:
    """The keys of each section of a rule file, by its name."""
    sections: Mapping[str, Any] = schema()["$defs"]
    return {
        name: list(each["properties"]) for each in sections.values() for name in each["title"].split(", ")
    }
