"""Time zones: which there are, and in which of them a phone number may lie."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import NumberParseException
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from connector.policy.words import did_you_mean, shown

# The tables are those of the tzdata package, never those of the machine: the same on every machine, and as new as
# the installed package.

_REFUSED = {"Factory": None, "EST": "America/New_York", "MST": "America/Denver"}
"""In the tables, and not what people mean by them: Factory is "not set", and EST and MST never change to summer time,
so a person in New York whose zone was noted as "EST" would be judged an hour wrong for most of the year."""

_SHORT = {
    **dict.fromkeys(("ET", "EDT", "EASTERN"), "America/New_York"),
    **dict.fromkeys(("CT", "CST", "CDT", "CENTRAL"), "America/Chicago"),
    **dict.fromkeys(("MT", "MDT", "MOUNTAIN"), "America/Denver"),
    **dict.fromkeys(("PT", "PST", "PDT", "PACIFIC"), "America/Los_Angeles"),
    **dict.fromkeys(("BST", "UK"), "Europe/London"),
}
_NEAR = 0.84
"""A zone that is only somewhat alike is another place."""
_OFFSET = re.compile(r"(?:GMT|UTC)\s*[+-].*", re.IGNORECASE)
"""The nearest names, Etc/GMT+1, would be the other way round: west of Greenwich."""
_EXAMPLE = "; write one like America/New_York"


def check_zone(name: str) -> str:
    """Return `name` if it is an IANA time zone, spelt as the table spells it: `America/New_York`.

    ValueError says what was probably meant.
    """
    if name in _names():
        return name
    if _OFFSET.fullmatch(name.strip()):
        raise ValueError(
            f"{shown(name)} never changes to summer time; write the zone of a place like Europe/Berlin"
        )
    if meant := _REFUSED.get(name):
        raise ValueError(f"{shown(name)} would be an hour wrong in summer; did you mean {meant}?")
    if meant := _SHORT.get(name.strip().upper()):
        raise ValueError(f"{shown(name)} is not a time zone; did you mean {meant}?")
    raise ValueError(f"{shown(name)} is not a time zone{did_you_mean(name, _spellings(), _NEAR) or _EXAMPLE}")


def find_zone(text: str) -> str | None:
    """Return the IANA time zone that a text is, whatever its capitals (`america/new york`); None where it is none."""
    return _in_small_letters().get(text.strip().replace(" ", "_").casefold())


@cache
def zone_of(name: str) -> ZoneInfo:
    """Return the time zone of that name. ValueError as `check_zone`."""
    table = files("tzdata").joinpath("zoneinfo", *check_zone(name).split("/"))
    with table.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@lru_cache(maxsize=4096)
def zones_of_number(phone_number: str) -> tuple[str, ...]:
    """Return every time zone in which an E.164 number may lie; () where that is not known.

    Callers must let a call go only while the window is open in *all* of them, and never take () for "anywhere".
    So a number without a place is safe as it is: the library gives a toll-free or non-geographic number all zones
    of its country code (42 for +1, from Honolulu to Guam; 16 for a Russian mobile), which are hardly ever all in
    calling hours, and a number of no known kind none. A number says where its line was given out: a person who
    moved with it is known only by the zone in the CRM, which goes first.
    """
    try:
        number = phonenumbers.parse(phone_number, None)
    except NumberParseException:
        return ()
    zones = time_zones_for_number(number)
    if UNKNOWN_TIMEZONE in zones or not _names().issuperset(zones):
        return ()  # one zone that cannot be judged makes all of them unknown
    return tuple(zones)


@cache
def _names() -> frozenset[str]:
    """All names in the table that say where a person is."""
    table = files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(table.split()).difference(_REFUSED)


@cache
def _in_small_letters() -> Mapping[str, str]:
    return {name.casefold(): name for name in _names()}


@cache
def _spellings() -> Mapping[str, str]:
    """Names in lower case, also without their continent (`new_york`)."""
    cities = {name.rpartition("/")[2].casefold(): name for name in sorted(_names()) if name.count("/") == 1}
    return {**cities, **_in_small_letters()}
