"""Hours of the week as a person writes them: `mon-fri: ["09:00-12:00", "13:00-18:00"]`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.policy.words import did_you_mean, shown

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPELLINGS = {
    **{day: f'"{day}"' for day in _DAYS},
    **{long: f'"{day}"' for long, day in zip(_LONG, _DAYS, strict=True)},
    **{"weekdays": '"mon-fri"', "weekend": '"sat-sun"', "daily": '"mon-sun"', "everyday": '"mon-sun"'},
}
_HOURS = re.compile(r"([0-9]{2}):([0-9]{2}) ?- ?([0-9]{2}):([0-9]{2})", re.ASCII)
_SHORT = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))? ?[-–] ?([0-9]{1,2})(?::([0-9]{2}))?", re.ASCII)  # noqa: RUF001
_MIDNIGHT = 1440


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of the wall clock on some days of the week: [start, end) in minutes from midnight.

    `weekdays` are ISO numbers (1 Monday to 7 Sunday) of the day on which it starts. Where `end` is not after `start`
    it goes on over midnight to that time of the next day. ValueError for what no clock shows.
    """

    weekdays: frozenset[int]
    start: int
    end: int

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= set(range(1, 8)):
            raise ValueError(
                f"a range starts on one or more of the weekdays 1 to 7, not {sorted(self.weekdays)}"
            )
        if not (0 <= self.start < _MIDNIGHT and 0 <= self.end <= _MIDNIGHT):
            raise ValueError(
                f"a range starts at minute 0 to 1439 and ends at 0 to 1440, not {self.start}-{self.end}"
            )

    @property
    def is_overnight(self) -> bool:
        """Does it go on over midnight?"""
        return self.end <= self.start


def parse_hours(hours: Mapping[str, Sequence[str]]) -> tuple[Range, ...]:
    """Return the ranges that a mapping of days to hours means.

    Days are `mon` to `sun` in any case, from-to (`mon-fri`, `fri-mon`) or listed (`mon,wed,fri`); hours are written
    `09:00-18:00`, `22:00-02:00` for a night, `00:00-24:00` for a whole day. A day may have none: `[]`. What overlaps
    is open once. ValueError says in one sentence what was found and what to write.
    """
    ranges = tuple(
        Range(weekdays, *_hours(text))
        for days, texts in hours.items()
        for weekdays in [_weekdays(days)]
        for text in _listed(days, texts)
    )
    if not ranges:
        raise ValueError('no hours are given, so nobody could ever be called; write mon-fri: ["09:00-18:00"]')
    return ranges


def _listed(days: str, texts: Sequence[str]) -> Sequence[str]:
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise ValueError(f'the hours of {shown(days)} are a list; write {days}: ["09:00-18:00"]')
    return texts


def _weekdays(days: str) -> frozenset[int]:
    """Read `mon-wed,fri` as the ISO numbers 1, 2, 3, 5."""
    found: set[int] = set()
    for part in str(days).split(","):
        first, dash, last = part.partition("-")
        start = _weekday(first, days)
        end = _weekday(last, days) if dash else start
        found |= {(start + step) % 7 + 1 for step in range((end - start) % 7 + 1)}
    return frozenset(found)


def _weekday(word: str, days: str) -> int:
    """Return the place of a day in the week, from 0."""
    spelt = word.strip().casefold()
    if spelt in _DAYS:
        return _DAYS.index(spelt)
    possible = did_you_mean(spelt, _SPELLINGS) or f"; write {', '.join(_DAYS)}, or mon-fri"
    inside = "" if word == days else f" in {shown(days)}"
    raise ValueError(f"{shown(word.strip())}{inside} is not a day{possible}")


def _hours(text: str) -> tuple[int, int]:
    """Read `09:00-18:00` as minutes from midnight: 540, 1080."""
    match = _HOURS.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{shown(text)} is not a range of hours; write {_meant(text)}")
    numbers = [int(each) for each in match.groups()]
    start, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if max(numbers[1], numbers[3]) > 59 or max(start, end) > _MIDNIGHT:
        raise ValueError(
            f"{shown(text)} has a time that no clock shows; write 09:00-18:00, and 24:00 for midnight"
        )
    if start == _MIDNIGHT:
        raise ValueError(
            f"{shown(text)} starts when the day is over; write 00:00-{text.strip()[-5:]} for the next day"
        )
    if start == end:
        raise ValueError(
            f"{shown(text)} ends when it starts; write 09:00-18:00, and 00:00-24:00 for a whole day"
        )
    return start, end


def _meant(text: object) -> str:
    """Return what a person probably meant who wrote `9-17` or `9:00-18:00`."""
    match = _SHORT.fullmatch(str(text).strip())
    if match is None:
        return "09:00-18:00"
    first, first_minutes, last, last_minutes = match.groups(default="00")
    start, end = f"{int(first):02}:{first_minutes}", f"{int(last):02}:{last_minutes}"
    # "9-5" means until 17:00, and never the night that 09:00-05:00 would be
    return f"{start}-{end}" if start < end <= "24:00" else "09:00-18:00"
