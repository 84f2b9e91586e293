"""Dates of a CRM, and how they are written for people: a closed list of codes, English names, named time zones.

Pure but for the time zone data, which is read once for each zone. Nothing here raises on any value.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from connector.mapping.values import text_of
from connector.mapping.words import closest
from connector.policy import zones

DAY: Final = "%Y-%m-%d"
MAX_FORM = 500
"""Characters of a form, such as %A, %e %B %Y."""

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_MILLISECONDS = re.compile(r"[0-9]{11,14}")
_CODE = re.compile("%(.?)", re.DOTALL)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip

CODES: Final[Mapping[str, tuple[Callable[[datetime], str], str]]] = {
    "Y": (lambda at: f"{at.year:04}", "year, 2026"),
    "y": (lambda at: f"{at.year % 100:02}", "year, 26"),
    "m": (lambda at: f"{at.month:02}", "month, 01 to 12"),
    "B": (lambda at: _MONTHS[at.month - 1], "month, November"),
    "b": (lambda at: _MONTHS[at.month - 1][:3], "month, Nov"),
    "d": (lambda at: f"{at.day:02}", "day, 01 to 31"),
    "e": (lambda at: str(at.day), "day, 1 to 31"),
    "A": (lambda at: _DAYS[at.weekday()], "weekday, Monday"),
    "a": (lambda at: _DAYS[at.weekday()][:3], "weekday, Mon"),
    "H": (lambda at: f"{at.hour:02}", "hour, 00 to 23"),
    "I": (lambda at: f"{at.hour % 12 or 12:02}", "hour, 01 to 12"),
    "l": (lambda at: str(at.hour % 12 or 12), "hour, 1 to 12"),
    "p": (lambda at: "AM" if at.hour < 12 else "PM", "AM or PM"),
    "M": (lambda at: f"{at.minute:02}", "minute"),
    "S": (lambda at: f"{at.second:02}", "second"),
    "Z": (lambda at: at.tzname() or "", "time zone, EST"),
    "z": (lambda at: at.strftime("%z"), "time zone, -0500"),
    "%": (lambda at: "%", "a percent sign"),
}
"""What % and a letter stand for, and how each is explained."""


def moment_of(value: Any) -> date | datetime | None:
    """Return the day or moment that a CRM's value stands for, None where it is none.

    A day (`2026-11-02`) has no zone. A moment is ISO text, or milliseconds since 1970;
    without a zone it is UTC.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    try:
        if _ISO_DAY.fullmatch(text):
            return date.fromisoformat(text)
        if _MILLISECONDS.fullmatch(text):
            return _EPOCH + timedelta(milliseconds=int(text))
        if _ISO_MOMENT.fullmatch(text):
            found = datetime.fromisoformat(text.replace(",", "."))
            return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return None


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone of that IANA name (`Europe/London`), None where there is none; by the table of the policies."""
    found = zones.find_zone(name) if len(name) <= 100 else None
    return zones.zone_of(found) if found is not None else None


def written(moment: date | datetime, form: str, zone: ZoneInfo | None) -> str:
    """Write a day or moment by the codes in `form`, a moment in that zone (UTC where none is given)."""
    if isinstance(moment, datetime):
        try:
            at = moment.astimezone(zone or UTC)
        except (OverflowError, ValueError):  # at the ends of the calendar
            at = moment
    else:
        at = datetime(moment.year, moment.month, moment.day, tzinfo=zone or UTC)
    return _CODE.sub(lambda found: _one(found[1], at), form)


def wrong_form(form: str) -> str | None:
    """Say what is wrong with a form that stands in a rule file; None where nothing is."""
    if "%" not in form:
        return f'"{form[:40]}" has no code that begins with %; write one such as %d/%m/%Y or %A, %e %B'
    for found in _CODE.finditer(form):
        if found[1] not in CODES:
            codes = ", ".join(f"%{code} ({about})" for code, (_, about) in CODES.items())
            return f'has "%{found[1]}", which stands for nothing; there are: {codes}'
    if re.search(r"%M", form) and not re.search(r"%[HIkl]", form):
        return "has %M, which is minutes, and no hours; the month is %m"
    return None


def wrong_zone(name: str) -> str | None:
    """Say that a zone which stands in a rule file is none, and which may be meant."""
    if zone_of(name) is not None:
        return None
    meant = closest(name, {each for each in available_timezones() if "/" in each}).split(" There are")[0]
    return f'"{name}" is not a time zone; write one such as Europe/London{meant if "mean" in meant else ""}'


def _one(code: str, at: datetime) -> str:
    known = CODES.get(code)
    return known[0](at) if known else f"%{code}"


def date_text(value: Any, form: Any, zone_name: Any) -> tuple[str | None, str | None]:
    """Return a CRM's date as text, else None and a remark: it is no date, or the zone is none.

    A wrong time of day read out to a person is worse than none, so an unknown zone never becomes another.
    """
    moment = moment_of(value)
    if moment is None:
        return None, f'"{text_of(value)[:40]}" is not a date; CRMs give one as 2026-12-15'
    text = text_of(form) or DAY
    if len(text) > MAX_FORM:
        return None, f"a date is written by {MAX_FORM} characters of codes at most"
    name = text_of(zone_name)[:100].strip()
    zone = zone_of(name) if name else None
    if name and zone is None:
        return None, f'"{name[:40]}" is not a time zone; the date was left out'
    return written(moment, text, zone), None
