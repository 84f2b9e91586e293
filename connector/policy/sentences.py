"""Windows and moments as a person reads them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from connector.policy.windows import Window
from connector.policy.zones import zone_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def moment(at: datetime, zone: str | None = None) -> str:
    """Spell a moment: `Tue 2026-11-24 09:00 UTC`; with a zone what its clocks show: `... 09:00 America/New_York`."""
    # to the next full minute where seconds would be lost: "open again 08:59" must not be too early
    rounded = (
        at
        if not (at.second or at.microsecond)
        else at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    )
    local = rounded.astimezone(zone_of(zone) if zone else UTC)
    return f"{local:%a %Y-%m-%d %H:%M} {zone or 'UTC'}"


def past(at: datetime) -> str:
    """Spell a moment that is over, or now: `Tue 2026-11-24 09:00 UTC`, never a minute that is still to come."""
    return moment(at.replace(second=0, microsecond=0))


def describe_window(window: Window) -> str:
    """Spell a window: `mon-fri 09:00-12:00, 13:00-18:00 without public holidays in US`."""
    hours: dict[frozenset[int], list[str]] = {}
    for each in window.ranges:
        hours.setdefault(each.weekdays, []).append(f"{_clock(each.start)}-{_clock(each.end)}")
    spelt = "; ".join(f"{','.join(_runs(days))} {', '.join(times)}" for days, times in hours.items())
    if window.holidays:
        spelt += f" without public holidays in {', '.join(sorted(window.holidays))}"
    if window.closed_dates:
        count = len(window.closed_dates)
        spelt += f" without {count} closed date{'s' if count > 1 else ''}"
    return spelt


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _runs(weekdays: frozenset[int]) -> Iterator[str]:
    """Give days in a row as one: mon-fri."""
    rest = sorted(weekdays)
    while rest:
        length = next((n for n in range(1, len(rest)) if rest[n] != rest[0] + n), len(rest))
        first, last = _DAYS[rest[0] - 1], _DAYS[rest[length - 1] - 1]
        yield first if length == 1 else f"{first}-{last}" if length > 2 else f"{first},{last}"
        rest = rest[length:]
