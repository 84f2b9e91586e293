"""What a message says about a word it does not know: the nearest right one, and what is possible."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

_MOST = 24
_FEW = 3
_SURE = 0.8


LIKE_A_FIELD: Final = re.compile(r"[a-z]\w*\.\w+")
"""A text such as contact.phone: probably a field that lacks its braces."""


class Word(Protocol):
    """A word or sign of an expression."""

    @property
    def kind(self) -> str:
        """What it is: name, string, integer, float, operator."""

    @property
    def text(self) -> str:
        """As it is written."""

    @property
    def offset(self) -> int:
        """At which character of the expression it begins."""


def listed(words: Iterable[str]) -> str:
    """List words for a sentence, the first two dozen of many."""
    known = list(words)
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return ", ".join(known[:_MOST]) + more


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant."""
    spelt = {folded(each): each for each in known}
    said = folded(word)[:100]
    match = difflib.get_close_matches(said, spelt, n=1, cutoff=_SURE) or _longer_or_shorter(said, spelt)
    match = match or difflib.get_close_matches(said, spelt, n=1, cutoff=0.6)
    return spelt[match[0]] if len(match) == 1 else None


def nearly(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was surely meant: one that differs by a letter or two, or the only longer or shorter one."""
    spelt = {folded(each): each for each in known}
    said = folded(word)[:100]
    match = difflib.get_close_matches(said, spelt, n=1, cutoff=_SURE) or _longer_or_shorter(said, spelt)
    return spelt[match[0]] if len(match) == 1 else None


def _longer_or_shorter(word: str, known: Iterable[str]) -> list[str]:
    """The known words that a word is the beginning of (`mobile`), else the one that it begins with (`email_address`)."""
    if len(word) <= _FEW:
        return []
    longer = [each for each in known if each.startswith(word)]
    return longer or sorted((each for each in known if word.startswith(f"{each}_")), key=len)[-1:]


def closest(word: str, known: Iterable[str]) -> str:
    """End a sentence about an unknown word: what was meant, and what there is."""
    words = sorted(set(known))
    if not words:
        return ""
    meant = nearest(word, words)
    return (
        f'; did you mean "{meant}"? There are: {listed(words)}' if meant else f"; there are: {listed(words)}"
    )


def folded(word: str) -> str:
    """Spell a word so that capitals and blanks make no difference."""
    return " ".join(word.split()).casefold()


def flow(value: Any) -> str:
    """Write a value as YAML on one line: `{days: mon-fri, from: "09:00"}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w \-]*", value)
    return str(value) if plain else json.dumps(value, ensure_ascii=False)
