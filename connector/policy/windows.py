"""Calling windows: may this person be called at this instant, and if not, when next?

Everything is judged on the wall clock of the person's own place. So an hour that the clocks skip is never open, and
an hour that they show twice is open both times.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import cycle

from connector.policy.calendars import check_countries, public_holidays
from connector.policy.hours import Range, parse_hours
from connector.policy.zones import zone_of

__all__ = [
    "Range",
    "Window",
    "check_countries",
    "closed_as",
    "is_open",
    "next_closed",
    "next_open",
    "parse_hours",
]

_DAY = timedelta(days=1)
_HORIZON = timedelta(days=400)
_LONGEST_OPEN = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Window:
    """When people may be called: the union of `ranges`, less the days that are closed.

    `holidays` are country codes as `check_countries` returns them; their public holidays are closed. A closed day
    closes every instant of that date, and with it the whole of an overnight range that began on it. A year for which
    a country's table has no holidays yet is closed too: never call on a day that may be one.
    """

    ranges: tuple[Range, ...]
    holidays: frozenset[str] = frozenset()
    closed_dates: frozenset[date] = frozenset()


def is_open(window: Window, at: datetime, zones: Sequence[str]) -> bool:
    """Is `at` (aware) inside the window in *all* of these IANA time zones?

    ValueError where `at` has no time zone, or `zones` is empty or names an unknown one.
    """
    places, instant = _zones(zones), _utc(at)
    return all(_shows_open(window, instant.astimezone(place)) for place in places)


def next_open(window: Window, at: datetime, zones: Sequence[str]) -> datetime | None:
    """Return the first instant (UTC) at or after `at` that is open in all `zones`; None if none is in 400 days.

    ValueError as `is_open`.
    """
    places, instant = _zones(zones), _utc(at)
    limit, agreed = instant + _HORIZON, 0
    for place in cycle(places):
        opens = _next_in(window, instant, place, limit)
        if opens is None:
            return None
        agreed = agreed + 1 if opens == instant else 1
        instant = opens
        if agreed == len(places):
            return instant
    raise AssertionError("there is at least one zone")


def next_closed(window: Window, at: datetime, zones: Sequence[str]) -> datetime | None:
    """Return the first instant (UTC) after `at`, which is open in all `zones`, that is not; None if none is in 8 days.

    ValueError as `is_open`, and where `at` is closed itself.
    """
    if not is_open(window, at, zones):
        raise ValueError(f"the window is closed at {at.isoformat()} already")
    instant = _utc(at)
    ends = [_end_in(window, instant, place, instant + _LONGEST_OPEN) for place in _zones(zones)]
    return min((each for each in ends if each is not None), default=None)


def _zones(names: Sequence[str]) -> list[tzinfo]:
    if isinstance(names, str) or not names:
        raise ValueError(f"a calling window is judged in one or more time zones, not in {names!r}")
    return [zone_of(name) for name in dict.fromkeys(names)]


def _utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat()} has no time zone, so it is no instant")
    return at.astimezone(UTC)


def _shows_open(window: Window, wall: datetime) -> bool:
    minute = wall.hour * 60 + wall.minute
    return any(start <= minute < end for start, end in _hours(window, wall.date()))


def _next_in(window: Window, instant: datetime, zone: tzinfo, limit: datetime) -> datetime | None:
    """Return the first open instant of one zone, up to `limit`.

    Goes from day to day and from one change of the clocks to the next: in between, the wall clock runs evenly.
    """
    while instant <= limit:
        wall = instant.astimezone(zone).replace(tzinfo=None)
        even = _even_until(instant, zone)
        opens = _first_shown(window, wall)
        if opens is not None and opens - wall < even - instant:
            found = instant + (opens - wall)
            return found if found <= limit else None
        instant = even
    return None


def _end_in(window: Window, instant: datetime, zone: tzinfo, limit: datetime) -> datetime | None:
    """Return when one zone's clock first shows a closed time after the open `instant`, up to `limit`; as `_next_in`."""
    while instant <= limit:
        wall = instant.astimezone(zone).replace(tzinfo=None)
        if not _shows_open(window, wall):
            return instant
        even = _even_until(instant, zone)
        for minute in _ends(window, wall.date()):
            end = _on(wall.date(), 0) + timedelta(minutes=minute)
            if wall < end and end - wall < even - instant and not _shows_open(window, end):
                return instant + (end - wall)
        midnight = _on(wall.date() + _DAY, 0)
        instant = min(even, instant + (midnight - wall))
    return None


def _ends(window: Window, day: date) -> list[int]:
    """Give the minutes of one date's wall clock at which a range of it ends, in order."""
    return sorted(end for _, end in _hours(window, day))


def _even_until(instant: datetime, zone: tzinfo) -> datetime:
    """Return the first second after `instant` at which the zone has another offset, at most a day later.

    No zone changes twice within a day (since 2015 never twice within six).
    """
    offset, later = instant.astimezone(zone).utcoffset(), instant + _DAY
    if later.astimezone(zone).utcoffset() == offset:
        return later
    before, after = instant.replace(microsecond=0), later.replace(microsecond=0)
    while (seconds := (after - before) // timedelta(seconds=1)) > 1:
        middle = before + timedelta(seconds=seconds // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _first_shown(window: Window, wall: datetime) -> datetime | None:
    """Return the first open time from `wall` to the end of the next day, on a clock that runs evenly."""
    today, minute = wall.date(), wall.hour * 60 + wall.minute
    starts = []
    for start, end in _hours(window, today):
        if start <= minute < end:
            return wall
        if start > minute:
            starts.append(_on(today, start))
    return min(
        starts or (_on(today + _DAY, start) for start, _ in _hours(window, today + _DAY)), default=None
    )


def _on(day: date, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day, *divmod(minute, 60))  # noqa: DTZ001  a wall clock


def _hours(window: Window, day: date) -> Iterator[tuple[int, int]]:
    """Give the open minutes [start, end) of one date's wall clock: ranges of that day, and what is left of last night's."""
    if closed_as(window, day):
        return
    weekday = day.isoweekday()
    for each in window.ranges:
        if weekday in each.weekdays:
            yield each.start, 1440 if each.is_overnight else each.end
    evening = weekday - 1 or 7
    nights = [each.end for each in window.ranges if each.is_overnight and evening in each.weekdays]
    if nights and not closed_as(window, day - _DAY):
        yield 0, max(nights)


def closed_as(window: Window, day: date) -> str | None:
    """Say what a date is that is closed whatever the hours: `a public holiday in US`; None for any other."""
    if day in window.closed_dates:
        return "one of the closed dates"
    for code in sorted(window.holidays):
        table = public_holidays(code, day.year)
        if table is None:
            return f"in a year whose public holidays in {code} nobody knows yet"
        if day in table:
            return f"a public holiday in {code}"
    return None
