"""Hours of the week as a person writes them: `mon-fri: ["09:00-12:00", "13:00-18:00"]`."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from connector.policy.words import did_you_mean, shown

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPELLINGS = {
    **{day: f'"{day}"' for day in DAYS},
    **{long: f'"{day}"' for long, day in zip(_LONG, DAYS, strict=True)},
    **dict.fromkeys(
        (
            "weekdays",
            "workdays",
            "business days",
            "working days",
            "week",
            "m-f",
            "mo-fr",
            "not weekends",
            "no weekends",
        ),
        '"mon-fri"',
    ),
    **dict.fromkeys(("weekend", "weekends"), '"sat-sun"'),
    **dict.fromkeys(("daily", "everyday", "every day", "all", "all days", "always", "any"), '"mon-sun"'),
    **dict.fromkeys(("not sun", "not sunday", "no sunday", "except sunday"), '"mon-sat"'),
}
_BETWEEN = re.compile(r"\s*(?:[-\u2013\u2014]|\bto\b|\bthrough\b|\btill\b|\buntil\b)\s*")
"""What people write between the first day or hour and the last."""
_BESIDE = re.compile(r"\s*(?:[;,/&+|]|\band\b)\s*|\s+")
_NEAR = 0.65
_CLOCK = re.compile(r"([0-9]{1,2})(?:[.:h]?([0-9]{2}))?(am|pm|h|uhr)?", re.ASCII)
_HOURS = re.compile(r"([0-9]{2}):([0-9]{2}) ?- ?([0-9]{2}):([0-9]{2})", re.ASCII)
_SEVERAL = re.compile(r"\s*(?:[,;&+|]|\band\b)\s*", re.IGNORECASE)
_NONE = frozenset({"closed", "none", "off", "no", "never", "-", "skip"})
_SPOKEN = re.compile(r"(half|quarter)past([0-9]{1,2})")
_MINUTES = {"half": ":30", "quarter": ":15"}
_HALF = re.compile(r"(until|till|to|before|from|after|since)\s+(.+)")
_USUAL = "09:00-18:00"
_MIDNIGHT = 1440
_KEYS = frozenset({"days", "from", "until", "hours"})


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
    try:
        return _read_days(days)
    except ValueError:
        if (meant := meant_days(days)) and meant not in DAYS:
            raise ValueError(f"{shown(days)} is not a list of days; write {meant}") from None
        raise


def _read_days(days: str) -> frozenset[int]:
    found: set[int] = set()
    for part in str(days).split(","):
        first, dash, last = part.partition("-")
        start = _weekday(first, days)
        end = _weekday(last, days) if dash else start
        found |= {(start + step) % 7 + 1 for step in range((end - start) % 7 + 1)}
    return frozenset(found)


def meant_days(days: str) -> str:
    """`mon-fri` for `Monday to Friday` and `mon–fri`, `mon,wed` for `mon; wed`; nothing where that is not clear."""  # noqa: RUF002
    spelt = " ".join(str(days).casefold().split())
    if spelt in _SPELLINGS and spelt not in _LONG:
        return _SPELLINGS[spelt].strip('"')
    parts = [
        "-".join(_short_day(day) for day in each.split("-"))
        for each in _BESIDE.split(_BETWEEN.sub("-", spelt))
        if each
    ]
    try:
        _read_days(",".join(parts))
    except ValueError:
        return ""
    return ",".join(parts)


def _short_day(word: str) -> str:
    """`tue` for `tuesday`, `tues`, `Tue.`."""
    day = word.strip(". ")
    return next((long[:3] for long in _LONG if len(day) >= 3 and long.startswith(day)), word)


def _weekday(word: str, days: str) -> int:
    """Return the place of a day in the week, from 0."""
    spelt = word.strip().casefold()
    if spelt in DAYS:
        return DAYS.index(spelt)
    possible = did_you_mean(spelt, _SPELLINGS, _NEAR) or f"; write {', '.join(DAYS)}, or mon-fri"
    inside = "" if word == days else f" in {shown(days)}"
    raise ValueError(f"{shown(word.strip())}{inside} is not a day{possible}")


def _hours(text: str) -> tuple[int, int]:
    """Read `09:00-18:00` as minutes from midnight: 540, 1080."""
    match = _HOURS.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None and str(text).strip().casefold() in _NONE:
        raise ValueError(f"{shown(text)} is not a range of hours; a day without hours has []")
    if match is None:
        meant = _meant(text)
        such = "one such as " if meant == _USUAL and not re.search(r"[0-9]", str(text)) else ""
        raise ValueError(f"{shown(text)} is not a range of hours; write {such}{meant}")
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


def spelled_days(weekdays: Collection[int]) -> str:
    """Spell ISO numbers of days: `mon-tue,thu-sat` for 1, 2, 4, 5, 6."""
    runs: list[list[int]] = []
    for day in sorted(weekdays):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names = ((DAYS[run[0] - 1], DAYS[run[-1] - 1]) for run in runs)
    return ",".join(first if first == last else f"{first}-{last}" for first, last in names)


def meant_time(text: str, midnight: str = "24:00") -> str | None:
    """Return the time that a person probably means: 18:00 for `6pm` and `18`, 17:30 for `17.30` and `5:30 p.m.`.

    `midnight`: what that word stands for, 00:00 or 24:00. None where it is not clear.
    """
    word = text.strip().casefold().replace(" ", "").replace(".m.", "m")
    named = {"noon": "12:00", "midday": "12:00", "midnight": midnight, "00:00": midnight, "24:00": midnight}
    word = _SPOKEN.sub(lambda found: f"{found[2]}{_MINUTES[found[1]]}", word)
    found = _CLOCK.fullmatch(word)
    if word in named or found is None:
        return named.get(word)
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[3] in ("am", "pm"):
        hour = hour % 12 + 12 * (found[3] == "pm")
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 else None


def meant_window(text: str) -> tuple[str, str, str] | None:
    """Return days, beginning and end of `mon-fri 8:30-17:30`; None for a text that is not so."""
    found = re.fullmatch(r"\s*([^0-9]*?)[\s,:]*([0-9].*)", text)
    hours = _meant(found[2]) if found else ""
    if found is None or _HOURS.fullmatch(hours) is None or not _BETWEEN.search(found[2]):
        return None
    days = found[1].casefold().strip() or "mon-fri"
    try:
        _read_days(days)
    except ValueError:
        days = meant_days(days)
    begins, _, ends = hours.partition("-")
    return (days, begins, ends) if days else None


def meant_hours(window: Mapping[str, object]) -> dict[str, object]:
    """Return `hours` for a window that says some of them otherwise: by `days`, `from` and `until`, or a day as a key."""
    said = {"from": "09:00", "until": "18:00", **window}
    hours: dict[str, object] = {}
    if {"days", "from", "until"} & window.keys():
        hours[str(said.get("days", "mon-fri"))] = f"{said['from']}-{said['until']}"
    more = window.get("hours")
    hours |= more if isinstance(more, Mapping) else {}
    hours |= {key: value for key, value in window.items() if key not in _KEYS and meant_days(key)}
    return dict(_sensible(days, ranges) for days, ranges in hours.items())


def _sensible(days: str, ranges: object) -> tuple[str, object]:
    if not isinstance(ranges, str):
        return days, ranges
    if ranges.strip().casefold() in _NONE:
        return days, []
    several = [_by_day(each) for each in _SEVERAL.split(ranges.strip()) if _BETWEEN.search(each)]
    found = meant_window(f"{days} 09:00-18:00")
    return (found[0] if found else days), (several if len(several) > 1 else _by_day(ranges))


def _by_day(text: str) -> str:
    """The range that is meant, without the night that it may be."""
    return _meant(text).partition(", or ")[0]


def _meant(text: object) -> str:
    """Return what a person probably meant who wrote `9-17`, `9:00-18:00` or `9am to 5pm`."""
    several = [each for each in _SEVERAL.split(str(text).strip()) if each]
    if len(several) > 1 and all(_BETWEEN.search(each) for each in several):
        return "[" + ", ".join(f'"{_by_day(each)}"' for each in several) + "]"
    if half := _HALF.fullmatch(str(text).strip().casefold()):
        ends = half[1] not in ("from", "after", "since")
        time = meant_time(half[2]) or ""
        return f"{'09:00' if ends else time}-{time if ends else '18:00'}" if time else _USUAL
    halves = _BETWEEN.split(str(text).strip().casefold())
    times = [meant_time(half, midnight) for half, midnight in zip(halves, ("00:00", "24:00"), strict=False)]
    if len(halves) != 2 or None in times:
        return _USUAL
    start, end = str(times[0]), str(times[1])
    if end <= start:  # "9-5" means until 17:00, and never the night that 09:00-05:00 would be
        end = f"{int(end[:2]) + 12:02}{end[2:]}"
    if "01:00" <= start < end < "07:00":  # "1:00-5:00" of somebody whose clock has twelve hours
        return f"{int(start[:2]) + 12}{start[2:]}-{int(end[:2]) + 12}{end[2:]}, or {start}-{end} if the night is meant"
    return f"{start}-{end}" if start < end <= "24:00" else _USUAL
