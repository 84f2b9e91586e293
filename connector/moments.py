"""Moments of the command line: `--at "2026-11-29 23:30 America/New_York"`, and what to write for one that is none."""

import re
from datetime import datetime, tzinfo
from typing import Final

from connector.errors import PermanentError
from connector.model import utc_now
from connector.policy.hours import meant_time
from connector.policy.zones import zone_of

_EXAMPLE: Final = "2026-11-29T23:30"
_PLACE: Final = "America/New_York"
_BY_PLACE: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?)\s+(?![ap]\.?m\b)([A-Za-z].*)", re.IGNORECASE
)
"""A moment by the clock of a place: `2026-11-29 23:30 America/New_York`."""
_SAID: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ,]*(\d{1,2}(?:[:.]\d{2})?(?:\s*[ap]\.?m\.?)?|noon|midnight))?\s*([A-Za-z].*)?",
    re.IGNORECASE,
)
"""A day, the time and the place that somebody wrote beside it."""


def given_moment(text: str | None) -> datetime:
    """The moment that an option names, now without one; raises PermanentError for what is none.

    By which clock is said by an offset (`2026-11-29T23:30-05:00`, `Z`) or a place (`2026-11-29 23:30 America/New_York`).
    """
    if text is None:
        return utc_now()
    if by_place := _BY_PLACE.fullmatch(text):
        return _local(text, by_place[1]).replace(tzinfo=_zone(by_place[2]))
    moment = _local(text, text)
    if moment.tzinfo is None:
        raise PermanentError(f'"{text}" does not say by which clock; {moment_written(text)}')
    return moment


def _local(text: str, iso: str) -> datetime:
    """What the ISO part of an option's text means. Raises PermanentError."""
    try:
        return datetime.fromisoformat(iso)
    except ValueError as error:
        why = f" ({error})" if _SAID.match(text) and "isoformat" not in str(error) else ""
        raise PermanentError(f'"{text}" is not a moment{why}; {moment_written(text)}') from None


def moment_written(text: str) -> str:
    """Say how a moment is written: that of `2026-11-30 8pm` where one can tell, else an example."""
    said = _SAID.match(text)
    if said is None or not _is_a_day(said[1]):
        return f'write one like {_EXAMPLE}Z, by the clock of UTC, or "{_EXAMPLE.replace("T", " ")} {_PLACE}", by that of a place'
    day, time, place = said[1], meant_time(said[2] or "") or "09:00", said[3] or ""
    if "/" in place or place == "UTC":
        return f'write "{day} {time} {place}"'
    return f'write {day}T{time}Z, by the clock of UTC, or "{day} {time} {_PLACE}", by that of a place'


def _zone(name: str) -> tzinfo:
    try:
        return zone_of(name)
    except ValueError as error:
        raise PermanentError(str(error)) from None


def _is_a_day(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False
