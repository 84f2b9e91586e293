"""Reading `policy` of a rule: hours, zones, dates, lengths of time and countries, every mistake at its own place."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, Protocol, TypeVar

from connector.mapping.builder import shown
from connector.mapping.expression import Names
from connector.mapping.merge import MergeField
from connector.mapping.policy_keys import ALWAYS, LEAD, CallingWindow, Policy
from connector.mapping.shape import Path
from connector.mapping.words import folded
from connector.policy.calendars import check_countries
from connector.policy.durations import parse_duration
from connector.policy.hours import parse_hours
from connector.policy.kinds import CALLED, NumberType
from connector.policy.numbers import region_of
from connector.policy.terms import OncePer, Outside
from connector.policy.zones import check_zone

T = TypeVar("T")
_ALL_DAY = ["00:00-24:00"]


class Reading(Protocol):
    """What this needs of the reader of the whole file."""

    before_call: Names
    touched: set[Path]

    def mistake(self, path: Path, found: str) -> None:
        """Note a mistake at a place."""

    def merge_field(self, path: Path, raw: Any, names: Names) -> MergeField | None:
        """Compile a text with merge fields."""


def read_policy(reader: Reading, path: Path, raw: dict[str, Any]) -> Policy:
    """Return the policy at a place of the file; what has a mistake is noted and left at its default."""
    given = {key: value for key, value in raw.items() if (*path, key) not in reader.touched}
    usual = Policy()
    terms: dict[str, Any] = {
        key: given.get(key, getattr(usual, key)) for key in ("max_per_hour", "max_per_day", "dry_run")
    }
    if "outside" in given:
        terms["outside"] = Outside(given["outside"])
    if "once_per" in given:
        terms["once_per"] = OncePer(given["once_per"])
    for key in ("cool_down", "expires"):
        if key in given:
            found = _each(reader, (*path, key), given[key], parse_duration)
            terms[key] = found if found is not None else getattr(usual, key)
    if "countries" in given:
        terms["countries"] = frozenset(_several(reader, (*path, "countries"), given["countries"], _country))
    terms["number_types"] = frozenset(NumberType(each) for each in given.get("number_types", ())) or CALLED
    terms["window"] = _window(reader, (*path, "window"), raw.get("window", {}))
    return Policy(**terms)


def _window(reader: Reading, path: Path, raw: Any) -> CallingWindow | None:
    if raw == ALWAYS:
        return None
    if not isinstance(raw, dict):
        return CallingWindow()  # its shape is a mistake already
    given = {key: value for key, value in raw.items() if (*path, key) not in reader.touched}
    window: dict[str, Any] = {
        "holidays": frozenset(
            code
            for each in _several(reader, (*path, "holidays"), _listed(given.get("holidays", [])), _holidays)
            for code in each
        ),
        "closed_dates": frozenset(
            _several(reader, (*path, "closed_dates"), given.get("closed_dates", []), _date)
        ),
        **_zones(reader, path, given),
    }
    window |= _hours(reader, path, given, raw)
    if path in reader.touched:
        return CallingWindow()  # the mistakes are noted; hours that are none would be no window
    return CallingWindow(**window)


def _hours(reader: Reading, path: Path, given: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """Read `hours`, or `days` with `from` and `until`; every day and range is looked at by itself."""
    simple = [key for key in ("days", "from", "until") if key in given]
    if "hours" in given:
        if simple:
            found = f"says the same as `{simple[0]}` in another way; keep one of the two"
            reader.mistake((*path, "hours"), found)
        for days, ranges in given["hours"].items():
            if _each(reader, (*path, "hours", days), days, _day):
                for number, text in enumerate(ranges):
                    _each(reader, (*path, "hours", days, number), text, _range)
        if not any(given["hours"].values()):
            reader.mistake((*path, "hours"), "has no hours at all, so nobody could ever be called")
        return {"hours": given["hours"]}
    found_hours: dict[str, Any] = {}
    if "days" in given:
        days = ",".join(_listed(given["days"]))
        _each(reader, (*path, "days"), days, _day)
        found_hours["days"] = days
    found_hours |= {
        name: given[key].strip() for key, name in (("from", "start"), ("until", "until")) if key in given
    }
    if "from" in given or "until" in given:
        _check_clock(reader, path, given, raw)
    return found_hours


def _check_clock(reader: Reading, path: Path, given: dict[str, Any], raw: dict[str, Any]) -> None:
    """Look at `from` and `until` one by one, then together."""
    found = []
    for key, other, read in (("from", "until", _start), ("until", "from", _end)):
        if key in given:
            found.append(_each(reader, (*path, key), given[key].strip(), read))
        elif key not in raw:
            reader.mistake((*path, other), f"`{other}` stands alone; write `{key}` too")
    if len(found) == 2 and all(found):
        _each(reader, (*path, "until"), f"{found[0]}-{found[1]}", _range)


def _day(days: str) -> object:
    return parse_hours({days: _ALL_DAY})


def _range(text: str) -> object:
    return parse_hours({"mon": [text]})


def _start(text: str) -> str:
    return _clock(text, f"{text}-24:00")


def _end(text: str) -> str:
    return _clock(text, f"00:00-{text}")


def _hour(text: str) -> str:
    """The hour that is probably meant: 18:00 for `6pm` and `18`."""
    found = re.fullmatch(r"([0-9]{1,2})\s*(am|pm)?", text.strip().casefold())
    hour = (
        int(found[1]) % 12 + 12 * (found[2] == "pm") if found and found[2] else int(found[1]) if found else 9
    )
    return f"{hour if hour <= 24 else 9:02}:00"


def _clock(text: str, day: str) -> str:
    try:
        _range(day)
    except ValueError:
        raise ValueError(f'"{shown(text)}" is not a time of the clock; write {_hour(text)}') from None
    return text


def _zones(reader: Reading, path: Path, given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    zone = given.get("zone", LEAD)
    if "{{" in zone:
        field = reader.merge_field((*path, "zone"), zone, reader.before_call)
        found["zone"] = field or LEAD
    elif folded(zone) != LEAD:
        found["zone"] = _each(reader, (*path, "zone"), zone, _zone) or LEAD
        if "otherwise" in given:
            found_twice = "has no use where `zone` is fixed; leave it out"
            reader.mistake((*path, "otherwise"), found_twice)
    if "otherwise" in given:
        found["otherwise"] = _each(reader, (*path, "otherwise"), given["otherwise"], check_zone)
    return found


def _zone(text: str) -> str:
    try:
        return check_zone(text.strip())
    except ValueError as error:
        raise ValueError(
            f"{error} A merge field is written {{{{ contact.timezone }}}}, the lead's own zone: lead"
        ) from None


def _holidays(code: str) -> Sequence[str]:
    return tuple(check_countries([code]))


def _date(text: str) -> date:
    try:
        if len(text.strip()) == 10:
            return date.fromisoformat(text.strip())
    except ValueError:
        pass
    raise ValueError(f'"{shown(text)}" is not a day; write one like 2026-12-24')


def _country(code: str) -> str:
    found = region_of(code)
    if found is None:
        raise ValueError(f'"{shown(code)}" is not a country; write its two letters, such as US or GB')
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _several(reader: Reading, path: Path, values: list[Any], read: Callable[[Any], T]) -> Iterator[T]:
    for number, value in enumerate(values):
        at = (*path, number)
        found = _each(reader, at, value, read) if at not in reader.touched else None
        if found is not None:
            yield found


def _each(reader: Reading, path: Path, value: Any, read: Callable[[Any], T]) -> T | None:
    """Read a value; a ValueError is a mistake at its place."""
    try:
        return read(value)
    except ValueError as error:
        reader.mistake(path, str(error))
        return None
