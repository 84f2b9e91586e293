"""How a sentence about an unknown word ends: with the word that was probably meant."""

import difflib
from collections.abc import Mapping

_LONGEST = 60
"""Longer texts are cut: a message shows what was found, not all of it."""


def shown(text: object) -> str:
    """Return what was found, in quotes and short enough for a sentence."""
    spelt = str(text)
    return f'"{spelt}"' if len(spelt) <= _LONGEST else f'"{spelt[:_LONGEST]}…"'


def did_you_mean(word: str, spellings: Mapping[str, str], cutoff: float = 0.6) -> str:
    """Return `; did you mean …?`, or "" where nothing is near.

    `cutoff`: how near, from 0 to 1. `spellings` says for each way a person may spell something, in lower case, how we spell it.
    """
    near = difflib.get_close_matches(word.strip().casefold()[:_LONGEST], spellings, n=1, cutoff=cutoff)
    return f"; did you mean {spellings[near[0]]}?" if near else ""
