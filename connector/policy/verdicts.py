"""What the policies say of a call, each with its word and its sentence, and what follows from all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


class Answer(StrEnum):
    """What a policy says of a call."""

    ALLOW = "allow"
    HOLD = "hold"
    """Not now; later it may be."""
    SKIP = "skip"
    """Never this call."""
    DRY_RUN = "dry_run"
    """Nothing speaks against it, and nothing is to be sent."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of one policy."""

    policy: str
    """The policy's name: `window`, `countries`, `opt_outs`."""
    answer: Answer
    word: str
    """Why, in one word for programs: `outside_window`; `allowed` where it allows."""
    sentence: str
    """Why, for a person."""
    next_at: datetime | None = None
    """The next moment at which this policy would allow the call (UTC); None: never, or nobody knows when."""

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        moment = self.next_at.isoformat() if self.next_at else None
        return {
            "policy": self.policy,
            "answer": self.answer.value,
            "word": self.word,
            "sentence": self.sentence,
            "next_at": moment,
        }


HELD_WORDS: Final = frozenset(
    {
        "outside_window",
        "paused",
        "rule_hourly_cap",
        "rule_daily_cap",
        "connection_hourly_cap",
        "connection_daily_cap",
    }
)
"""The words under which a dispatch waits because a policy holds it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What all policies together say, and the one that decides."""

    verdicts: Sequence[Verdict]
    decisive: Verdict
    until: datetime | None = None
    """Held: when it is judged again; None where nothing but a person ends it."""

    @property
    def answer(self) -> Answer:
        """The answer that counts."""
        return self.decisive.answer

    @property
    def lines(self) -> tuple[str, ...]:
        """Every verdict as a line of the explanation."""
        return tuple(f"{each.policy}: {each.answer}: {each.sentence}" for each in self.verdicts)
