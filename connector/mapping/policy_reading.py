"""Reading `policy` of a rule: hours, zones, dates, lengths of time and countries, every mistake at its own place."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from connector.mapping.builder import shown
from connector.mapping.habits import by_country, excluded
from connector.mapping.keys import given
from connector.mapping.merge import MergeField
from connector.mapping.names import Names
from connector.mapping.policy_keys import ALWAYS, LEAD, NO_PAUSE, OF_CONNECTION, CallingWindow, Policy
from connector.mapping.shape import Path, places
from connector.mapping.words import flow, folded
from connector.policy.calendars import check_countries
from connector.policy.durations import parse_duration
from connector.policy.hours import (
    DAYS,
    Range,
    meant_hours,
    meant_time,
    meant_window,
    parse_hours,
    spelled_days,
)
from connector.policy.kinds import CALLED, NumberType
from connector.policy.numbers import not_a_region, region_meant, region_of
from connector.policy.terms import OncePer, Outside
from connector.policy.zones import check_zone

T = TypeVar("T")
_EARLIEST, _LATEST = 8 * 60, 21 * 60
"""Minutes of the day between which consumers may be called in the United States: 47 CFR 64.1200(c)(1)."""
_ALL_DAY = ["00:00-24:00"]
_FEASTS = frozenset(
    {"christmas", "easter", "thanksgiving", "new year", "xmas", "labor day", "independence day"}
)
_FLAGS = frozenset(
    {"yes", "no", "on", "off", "none", "skip", "all", "any", "every", "everywhere", "worldwide", "*"}
)
"""Words that people write for countries and that name none."""


_THEIRS = frozenset(
    {
        "local",
        "local time",
        "their",
        "theirs",
        "their own",
        "their time",
        "contact",
        "customer",
        "person",
        "recipient",
    }
)
"""What people write for the clock of the person called."""


class Reading(Protocol):
    """What this needs of the reader of the whole file."""

    before_call: Names
    touched: set[Path]

    def mistake(self, path: Path, found: str) -> None:
        """Note a mistake at a place."""

    def warn(self, path: Path, found: str) -> None:
        """Note what may be right at a place, and probably is not."""

    def merge_field(self, path: Path, raw: Any, names: Names) -> MergeField | None:
        """Compile a text with merge fields."""


def read_policy(reader: Reading, path: Path, raw: dict[str, Any]) -> Policy:
    """Return the policy at a place of the file; what has a mistake is noted and left at its default."""
    said = _sound(reader, path, given(Policy, raw))
    usual = Policy()
    terms: dict[str, Any] = {
        key: said.get(key, getattr(usual, key)) for key in ("max_per_hour", "max_per_day", "dry_run")
    }
    if "outside" in said:
        terms["outside"] = Outside(said["outside"])
    if "once_per" in said:
        terms["once_per"] = OncePer(said["once_per"])
    for key, read in (("cool_down", _pause), ("expires", parse_duration)):
        if key in said:
            found = _each(reader, (*path, key), said[key], read)
            terms[key] = found if found is not None else getattr(usual, key)
    if "countries" in said:
        terms["countries"] = frozenset(_several(reader, (*path, "countries"), said["countries"], _country))
    types = _listed(said["number_types"]) if "number_types" in said else ()
    terms["number_types"] = frozenset(NumberType(each) for each in types) or CALLED
    terms["window"] = _window(reader, (*path, "window"), raw.get("window", {}))
    return Policy(**terms)


def _window(reader: Reading, path: Path, raw: Any) -> CallingWindow | None:
    if raw == ALWAYS:
        reader.warn(path, "calls people at any hour, at night too: for tests, never for customers")
        return None
    if not isinstance(raw, dict):
        return CallingWindow()  # its shape is a mistake already
    said = _sound(reader, path, given(CallingWindow, raw))
    window: dict[str, Any] = {
        "holidays": frozenset(
            code
            for each in _several(reader, (*path, "holidays"), said.get("holidays", []), _holidays)
            for code in each
        ),
        "closed_dates": frozenset(
            _several(reader, (*path, "closed_dates"), said.get("closed_dates", []), _date)
        ),
        **_zones(reader, path, said),
        **_hours(reader, path, raw),
    }
    if path in reader.touched:
        return CallingWindow()  # the mistakes are noted; hours that are none would be no window
    return CallingWindow(**window)


def _hours(reader: Reading, path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """Read `hours`, or `days` with `from` and `until`; every day and range is looked at by itself."""
    said = _sound(reader, path, raw)
    simple = [key for key in ("days", "from", "until") if key in said]
    apart = [each for each in raw.get("hours") or () if by_country(each)] if "hours" in said else []
    if "hours" in said and simple and not apart:
        whole = f"hours: {flow(meant_hours(raw))}"
        found = f"stands in the place of `days`, `from` and `until`; write {whole}, and leave those out"
        reader.mistake((*path, "hours"), found)
    if "hours" in _sound(reader, path, given(CallingWindow, raw)):
        return {"hours": _hours_by_day(reader, (*path, "hours"), said["hours"])}
    found_hours: dict[str, Any] = {}
    if "days" in said:
        days = ",".join(_listed(said["days"]))
        _each(reader, (*path, "days"), days, _day)
        found_hours["days"] = days
    found_hours |= {
        name: said[key].strip() for key, name in (("from", "start"), ("until", "until")) if key in said
    }
    if "from" in said or "until" in said:
        _check_clock(reader, path, said, raw)
    return found_hours


def _hours_by_day(reader: Reading, path: Path, raw: dict[str, Any]) -> dict[str, list[str]]:
    for days, ranges in raw.items():
        _each(reader, (*path, days), days, _day)
        for at, text in places((*path, days), ranges):
            _read_range(reader, at, text)
    twice = _in_two(list(raw)) if path not in reader.touched else ""
    if twice:
        reader.warn(path, f"has hours for {twice}")
    if not any(raw.values()):
        reader.mistake(path, "has no hours at all, so nobody could ever be called")
    return {days: _listed(ranges) for days, ranges in raw.items()}


def _in_two(spans: Sequence[str]) -> str:
    """What to say of a day that two of these have: fri, of mon-fri and fri."""
    days = {span: {day for each in parse_hours({span: _ALL_DAY}) for day in each.weekdays} for span in spans}
    for number, span in enumerate(spans):
        for other in spans[:number]:
            if both := days[span] & days[other]:
                wide = max(span, other, key=lambda each: len(days[each]))
                rest = f'; write "{spelled_days(days[wide] - both)}" for {wide}' if days[wide] - both else ""
                return (
                    f"{DAYS[min(both) - 1]} in two places, and both hold{rest or '; take the day out of one'}"
                )
    return ""


def _check_clock(reader: Reading, path: Path, said: dict[str, Any], raw: dict[str, Any]) -> None:
    """Look at `from` and `until` one by one, then together."""
    found = []
    for key, other, read in (("from", "until", _start), ("until", "from", _end)):
        if key in said:
            found.append(_each(reader, (*path, key), said[key].strip(), read))
        elif key not in raw:
            reader.mistake((*path, other), f"`{other}` stands alone; write `{key}` too")
    if len(found) == 2 and all(found):
        _read_range(reader, (*path, "until"), f"{found[0]}-{found[1]}")


def _read_range(reader: Reading, path: Path, text: str) -> None:
    """Look at a range of the day; one over midnight calls people at night, which is rarely meant."""
    found = _each(reader, path, text, _range)
    if found and found.is_overnight and found.end:
        begins, _, ends = (each.strip() for each in text.partition("-"))
        night = f"goes over midnight: people are called from {begins} until {ends} of the next day"
        later = f"{int(ends[:2]) + 12:02}{ends[2:]}"  # "09:00-05:00" of somebody whose clock has twelve hours
        by_day = f"{begins} until {later}" if begins < "12:00" < later < "24:00" else f"{ends} until {begins}"
        reader.warn(path, f"{night}; by day it would be {by_day}")
    elif found and (found.start < _EARLIEST or found.end > _LATEST or found.is_overnight):
        reader.warn(
            path,
            f"{text} is before 08:00 or after 21:00, when many laws forbid calls (in the United States 47 CFR 64.1200)",
        )


def _pause(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{error}, or {NO_PAUSE}") from None


def _day(days: str) -> object:
    if apart := by_country(days):
        raise ValueError(f'"{days}" is not a day; {apart}')
    return parse_hours({days: _ALL_DAY})


def _range(text: str) -> Range:
    (found,) = parse_hours({"mon": [text]})
    return found


def _start(text: str) -> str:
    return _clock(text, f"{text}-24:00", "00:00")


def _end(text: str) -> str:
    return _clock(text, f"00:00-{text}", "24:00")


def _clock(text: str, day: str, midnight: str) -> str:
    try:
        _range(day)
    except ValueError:
        meant = meant_time(text, midnight)
        write = meant or "one such as 09:00 or 17:30"
        if both := meant_window(text):
            write = f'from: "{both[1]}", until: "{both[2]}"'
        if meant and midnight == "24:00" and "01:00" <= meant < "09:00":
            write = f"{int(meant[:2]) + 12}{meant[2:]}, or {meant} if the night is meant"
        raise ValueError(f'"{shown(text)}" is not a time of the clock; write {write}') from None
    return text


def _zones(reader: Reading, path: Path, said: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    zone = said.get("zone", LEAD)
    if "{{" in zone:
        field = reader.merge_field((*path, "zone"), zone, reader.before_call)
        for name in sorted(field.constant_results) if field else ():
            _each(reader, (*path, "zone"), name, check_zone)
        found["zone"] = field or LEAD
    elif folded(zone) != LEAD:
        found["zone"] = (
            _each(reader, (*path, "zone"), zone, partial(_zone, field=_zone_field(reader.before_call)))
            or LEAD
        )
        if "otherwise" in said:
            found_twice = "has no use where `zone` is fixed; leave it out"
            reader.mistake((*path, "otherwise"), found_twice)
    if "otherwise" in said:
        found["otherwise"] = _each(reader, (*path, "otherwise"), said["otherwise"], check_zone)
    return found


def _zone_field(names: Names) -> str:
    """A field of the CRM that may hold a person's zone, for sentences."""
    fields = (f"{name}.{key}" for name, known in names.usual.items() for key in sorted(known))
    return next((each for each in fields if each.endswith("timezone")), "contact.timezone")


def _zone(text: str, field: str) -> str:
    if folded(text) in _THEIRS:
        raise ValueError(f'"{shown(text)}" is not a time zone; did you mean {LEAD}, each person\'s own?')
    if "." in text and "/" not in text:
        raise ValueError(
            f'"{shown(text)}" is not a time zone; a merge field is written "{{{{ {shown(text)} }}}}"'
        )
    try:
        return check_zone(text.strip())
    except ValueError as error:
        raise ValueError(
            f"{error}{'' if str(error).endswith('?') else '.'} The lead's own zone is written lead,"
            f" a merge field {{{{ {field} }}}}"
        ) from None


def _holidays(code: str) -> Sequence[str]:
    if re.search(r"[0-9]{2}", code) or folded(code) in _FEASTS:
        raise ValueError(f'"{shown(code)}" is not a country; single days are `closed_dates`: ["2026-12-25"]')
    _check_no_flag(code, "NO is Norway, and without holidays the key is left out")
    return tuple(check_countries([code]))


def _check_no_flag(code: str, otherwise: str) -> None:
    """`holidays: no` is Norway to a computer and to nobody else."""
    if code.strip() != "NO" and folded(code) in _FLAGS:
        raise ValueError(f'"{shown(code)}" is not a country; write its two letters, such as US; {otherwise}')


def _date(text: str) -> date:
    try:
        if len(text.strip()) == 10:
            return date.fromisoformat(text.strip())
    except ValueError:
        pass
    each = ", each day by itself" if len(text.strip()) > 12 else ""
    raise ValueError(f'"{shown(text)}" is not a day; write one like 2026-12-24{each}')


def _country(code: str) -> str:
    _check_no_flag(code, f"NO is Norway, {OF_CONNECTION} stands for those of the connection")
    if instead := excluded("countries", code):
        raise ValueError(f'"{shown(code)}" is not a country; {instead}')
    found = region_of(code)
    words = code.replace(",", " ").split()
    if found is None and len(words) > 1 and all(map(region_of, words)):
        raise ValueError(f'"{shown(code)}" is not a country; several are a list: [{", ".join(words)}]')
    if found is None and all(codes := [region_meant(each) for each in code.split(",")]) and "," in code:
        raise ValueError(
            f'"{shown(code)}" is not a country; several are a list: [{", ".join(map(str, codes))}]'
        )
    if found is None and "," in code:
        raise ValueError(f'"{shown(code)}" is not a country; several are a list: [{shown(code)}]')
    if found is None:
        raise ValueError(not_a_region(code))
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _sound(reader: Reading, path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """The keys of a section that have no mistake."""
    return {key: value for key, value in raw.items() if (*path, key) not in reader.touched}


def _several(reader: Reading, path: Path, values: Any, read: Callable[[Any], T]) -> Iterator[T]:
    for at, value in places(path, values):
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
