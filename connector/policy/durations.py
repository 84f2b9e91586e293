"""Lengths of time as a person writes them: `90m`, `24h`, `3d`, `2w`."""

import re
from datetime import timedelta

from connector.policy.words import shown

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_NAMES = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))
_DURATION = re.compile(r"([0-9]{1,5}) ?([mhdw])", re.ASCII)
_LONG = re.compile(r"([0-9]{1,5}) ?(min|minute|hour|hr|day|week)s?", re.ASCII)
LONGEST = timedelta(days=3660)


def parse_duration(text: str) -> timedelta:
    """Return the length that a text like `24h` means: minutes, hours, days or weeks, more than none.

    A day is 24 hours. ValueError says in one sentence what was found and what to write.
    """
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{shown(text)} is not a length of time; write {_meant(text)}")
    found = int(match[1]) * _UNITS[match[2]]
    if not found:
        raise ValueError(f"{shown(text)} is no time at all; leave it out or write 24h")
    if found > LONGEST:
        raise ValueError(f"{shown(text)} is longer than ten years; write 365d")
    return found


def spelled(length: timedelta) -> str:
    """Return a length for a sentence: `3 days`, `1 hour 30 minutes`."""
    parts, rest = [], length
    for unit, name in _NAMES:
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts) or "0 minutes"


def _meant(text: object) -> str:
    match = _LONG.fullmatch(str(text).strip().casefold())
    return f"{match[1]}{match[2][0]}" if match else "90m, 24h or 3d"
