"""Lengths of time as a person writes them: `90m`, `24h`, `3d`, `2w`."""

import re
from datetime import timedelta

from connector.policy.words import shown

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_NAMES = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))
_DURATION = re.compile(r"([0-9]{1,5}) ?([mhdw])", re.ASCII)
_LONG = re.compile(r"([0-9]{1,5}(?:\.[0-9])?) ?(y|mo|w|d|h|m)[a-z]*\.? ?", re.ASCII)
_NUMBERS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "half a": 0.5,
}
_OFTEN = {
    "hourly": "1h",
    "daily": "24h",
    "once a day": "24h",
    "weekly": "7d",
    "once a week": "7d",
    "monthly": "30d",
}
_EXAMPLES = "90m, 24h or 3d"
_MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 7 * 1440, "mo": 30 * 1440, "y": 365 * 1440}
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


def meant_duration(text: str) -> str:
    """Return the length that a person probably means, as it is written; nothing for a text that is none."""
    found = _meant(text)
    return "" if found == _EXAMPLES else found


def _meant(text: object) -> str:
    """`30d` for `1 month`, `90m` for `1h30m` and `1.5 hours`, `24h` for `24 hours`."""
    spelt = " ".join(str(text).casefold().replace(",", ".").split())
    number = next(
        (each for each in sorted(_NUMBERS, key=len, reverse=True) if spelt.startswith(f"{each} ")), ""
    )
    spelt = f"{_NUMBERS[number]} {spelt[len(number) + 1 :]}" if number else spelt
    if spelt in _OFTEN:
        return _OFTEN[spelt]
    parts = _LONG.findall(spelt)
    if not parts or _LONG.sub("", spelt):
        return _EXAMPLES
    if len(parts) == 1 and parts[0][1] in _UNITS and parts[0][0].isdigit():
        return "".join(parts[0])
    minutes = round(sum(float(count) * _MINUTES[unit] for count, unit in parts))
    unit = next(unit for unit in "dhm" if minutes % _MINUTES[unit] == 0)
    return f"{minutes // _MINUTES[unit]}{unit}" if minutes else _EXAMPLES
