"""The week of a window, without its holidays: how long it is closed at a stretch."""

from collections.abc import Iterable
from datetime import timedelta

from connector.policy.hours import DAYS, Range

_DAY, _WEEK = 1440, 7 * 1440


def longest_closed(ranges: Iterable[Range]) -> tuple[timedelta, str, str]:
    """Return the longest stretch of a week in which none of these is open, and when it begins and ends: `fri 18:00`."""
    open_from: list[tuple[int, int]] = sorted(
        ((day - 1) * _DAY + each.start, (day - 1) * _DAY + each.end + _DAY * each.is_overnight)
        for each in ranges
        for day in each.weekdays
    )
    over, longest = max(end for _, end in open_from), (0, 0, 0)
    for start, end in ((start + _WEEK, end + _WEEK) for start, end in open_from):
        longest = max(longest, (start - over, over, start))
        over = max(over, end)
    length, begins, ends = longest
    return timedelta(minutes=length), _at(begins), _at(ends)


def _at(minute: int) -> str:
    day, rest = divmod(minute % _WEEK, _DAY)
    return f"{DAYS[day]} {rest // 60:02}:{rest % 60:02}"
