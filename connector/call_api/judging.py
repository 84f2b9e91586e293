"""May a waiting call be dialled at this instant? Judged when it is chosen, just before it is marked. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.call_api.hours import opening, waits_for


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
    expires_at: datetime | None = row["expires_at"]
    if expires_at is not None and expires_at <= now:
        return Expire("it was still waiting when it expired")
    found = opening(row["calling_window"], row["to_number"], now)
    if found.at is not None and found.at <= now:
        return DialNow()
    if found.at is None or row["outside"] == "reject":
        return Expire(f"its calling window in {found.timezone} had closed before it could be dialled")
    if expires_at is not None and expires_at <= found.at:
        return Expire(f"it expires before its calling window in {found.timezone} opens again")
    return PutOff(found.at, waits_for(found))
