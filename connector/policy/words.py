"""How a sentence about an unknown word ends: with the word that was probably meant."""

import difflib
from collections.abc import Mapping

_LONGEST = 60
"""Longer texts are cut: a message shows what was found, not all of it."""


def shown(text: object) -> str:
    """Return what was found, in quotes and short enough for a sentence."""
    spelt = str(text)
    return f'"{spelt}"' if len(spelt) <= _LONGEST else f'"{spelt[:_LONGEST]}…"'


def did_you_mean(word: str, spellings: Mapping[str, str]) -> str:
    """Return `; did you mean …?`, or "" where nothing is near.

    `spellings` says for each way a person may spell something, in lower case, how we spell it.
    """
    near = difflib.get_close_matches(word.strip().casefold()[:_LONGEST], spellings, n=1, cutoff=0.6)
    return f"; did you mean {spellings[near[0]]}?" if near else ""
