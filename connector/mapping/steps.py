"""What was looked at on the way to a decision, step by step: kept with a dispatch, and shown to a person."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from connector.mapping.tokens import QUOTED
from connector.mapping.values import is_empty, short
from connector.mapping.words import folded


class Part(StrEnum):
    """Which part of the decision a step belongs to."""

    ENTERED = "entered"
    """What happened: the record entered a stage."""
    WHEN = "when"
    """A condition of the rule's `when`."""
    PHONE_NUMBER = "phone_number"
    """A candidate that was tried."""
    CALL = "call"
    """What the call API is told: agent, name, email, metadata."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at."""

    part: Part
    key: str
    """The key of the rule: `enters`, `if`, `phone_number`, `name`, `metadata.deal_id`."""
    sentence: str
    holds: bool = True
    """False: a condition that is not true, or a candidate that gives no number."""
    found: Mapping[str, str | None] = field(default_factory=dict)
    """The fields it read, as the rule spells them, and what each held; None: empty."""
    remarks: tuple[str, ...] = ()
    """What else is worth knowing: a default that was used, a text that was cut."""

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept; what says nothing is left out."""
        kept: dict[str, Any] = {"part": self.part.value, "key": self.key, "sentence": self.sentence}
        if not self.holds:
            kept["holds"] = False
        if self.found:
            kept["found"] = dict(self.found)
        if self.remarks:
            kept["remarks"] = list(self.remarks)
        return kept


Looked = list[Callable[[], Iterable[Step]]]
"""What was looked at, each to be put into words when somebody asks: a decision does not wait for its explanation."""


def found_in(values: Mapping[str, Any], fields: frozenset[tuple[str, str]]) -> dict[str, str | None]:
    """Return what these fields hold, each shortened for a sentence; None where it is empty."""
    held = {}
    for name, key, spelt in _spelt(fields):
        value = (values.get(name) or {}).get(key)
        held[spelt] = None if is_empty(value) else short(value)
    return held


@lru_cache(4096)
def _spelt(fields: frozenset[tuple[str, str]]) -> tuple[tuple[str, str, str], ...]:
    """Fields in order, each with how a rule spells it: the same few are asked for with every event."""
    return tuple((name, key, f"{name}.{key}") for name, key in sorted(fields))


def told(found: Mapping[str, str | None]) -> str:
    """Spell what was found: `deal.amount is "4800", deal.owner is empty`."""
    return ", ".join(
        f'{name} is "{value}"' if value is not None else f"{name} is empty"
        for name, value in sorted(found.items())  # kept as JSON it has another order
    )


def beyond(notes: Iterable[str], found: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the notes that say more than what was found: that a field is empty, one sees there."""
    return tuple(note for note in notes if note.removesuffix(" is empty") not in found)


_NEGATED = re.compile(r"!=|\bnot\b")
_FOLDED = re.compile(r"\|\s*(?:lower|upper)\b")


def capitals(source: str, found: Mapping[str, str | None], *, holds: bool = False) -> Iterator[str]:
    """What to say where a text of an expression is what a field holds, or a part of it, but for its capitals.

    `holds`: is the expression true? Capitals make one false, and one with a `not` true.
    """
    if bool(_NEGATED.search(QUOTED.sub("", source))) is not holds:
        return
    written = [each[1:-1] for each in QUOTED.findall(source)]
    for name, value in found.items():
        held = [*(value or "").split(", "), value or ""]
        same = [
            (one, each) for one in held for each in written if one != each and folded(one) == folded(each)
        ]
        yield from (f'capitals count: {name} has "{one}", not "{each}"' for one, each in dict.fromkeys(same))
        if same or value is None or " in " not in source or _FOLDED.search(source):
            continue
        for each in written:
            if each not in value and folded(each) in folded(value):
                yield f"capitals count: {name} has \"{value}\"; write '{each.lower()}' in ({name} | lower)"
