"""May a waiting call be dialled at this instant? Judged when it is chosen, just before it is marked. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class DialNow:
    """Nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """Not now: it waits again, until then."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Expire:
    """Never: nobody wants this call any more."""

    reason: str


Judgement = DialNow | PutOff | Expire


def judge(row: Mapping[Any, Any], now: datetime) -> Judgement:
    """What to do with a waiting call (a row of `calls`) whose turn has come."""
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return Expire("it was still waiting when it expired")
    return DialNow()
