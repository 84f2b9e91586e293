"""When a person may be called: windows on the wall clock, through changes of the clocks, nights and holidays."""

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from connector.policy.windows import (
    Range,
    Window,
    check_countries,
    is_open,
    next_closed,
    next_open,
    parse_hours,
)
from connector.policy.zones import zone_of

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "time"
NEW_YORK, LONDON = "America/New_York", "Europe/London"
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(hours: dict[str, list[str]], **closed: Any) -> Window:
    return Window(parse_hours(hours), **closed)


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPORA / f"{name}.jsonl").read_text().splitlines()]


def of_row(row: dict[str, Any]) -> Window:
    start, end = (int(row[each][:2]) * 60 + int(row[each][3:]) for each in ("start", "end"))
    return Window((Range(frozenset(row["days"]), start, end),))


OFFICE = window({"mon-fri": ["09:00-18:00"]})
NIGHT = window({"mon-sun": ["22:00-02:00"]})


@pytest.mark.skipif(not CORPORA.exists(), reason="shared/ not here")
def test_all_2127_rows_are_open_and_open_next_when_they_say(counted: Callable[[str, str], None]) -> None:
    found = rows("calling_windows")
    right = [
        row
        for row in found
        for at in [utc(row["at"][:-1])]
        for judged in [of_row(row["window"])]
        if is_open(judged, at, [row["zone"]]) is row["open"]
        if next_open(judged, at, [row["zone"]]) == utc(row["next_open"][:-1])
    ]
    counted("time/calling_windows", f"{len(right)} of {len(found)}")
    assert (len(right), len(found)) == (2127, 2127)


@pytest.mark.skipif(not CORPORA.exists(), reason="shared/ not here")
def test_all_832_changes_of_the_clocks_are_met_to_the_second(counted: Callable[[str, str], None]) -> None:
    """A window that opens at the minute the clocks show after the change opens then, or an hour shown before."""
    found = rows("transitions")
    for row in found:
        at = utc(row["at"][:-1])
        place = zone_of(row["zone"])
        offsets = [
            (at + step).astimezone(place).utcoffset() for step in (-timedelta(seconds=1), timedelta(0))
        ]
        assert offsets == [timedelta(seconds=row[each]) for each in ("before", "after")], row
        wall = at.astimezone(place)
        minute = wall.hour * 60 + wall.minute
        just_then = Window((Range(frozenset({wall.isoweekday()}), minute, minute + 1),))
        shown_twice = row["after"] < row["before"]
        first = at - timedelta(seconds=row["before"] - row["after"]) if shown_twice else at
        assert next_open(just_then, first - timedelta(hours=5), [row["zone"]]) == first, row
        assert next_open(just_then, at - timedelta(seconds=1), [row["zone"]]) == at, row
    counted("time/transitions", f"{len(found)} of {len(found)}")
    assert len(found) == 832


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-03-06T13:59:59.999999", "2026-03-06T14:00"),
        ("2026-03-06T14:00", "2026-03-06T14:00"),
        ("2026-03-06T14:00:00.000001", "2026-03-06T14:00:00.000001"),
        ("2026-03-06T22:59:59.999999", "2026-03-06T22:59:59.999999"),
        ("2026-03-06T23:00", "2026-03-09T13:00"),  # over the weekend on which summer time begins
    ],
)
def test_a_window_is_open_from_its_start_until_just_before_its_end(at: str, opens: str) -> None:
    assert next_open(OFFICE, utc(at), [NEW_YORK]) == utc(opens)
    assert is_open(OFFICE, utc(at), [NEW_YORK]) is (at == opens)


def test_several_zones_must_all_be_open() -> None:
    both = [LONDON, NEW_YORK]
    assert not is_open(OFFICE, utc("2026-06-01T10:00"), both)
    assert next_open(OFFICE, utc("2026-06-01T10:00"), both) == utc("2026-06-01T13:00")
    assert not is_open(OFFICE, utc("2026-06-01T17:00"), both)
    assert next_open(OFFICE, utc("2026-06-05T17:00"), both) == utc("2026-06-08T13:00")


def test_zones_that_are_never_open_at_once_are_never_open() -> None:
    assert next_open(OFFICE, utc("2026-06-01T10:00"), ["America/New_York", "Asia/Singapore"]) is None


def test_an_instant_may_be_written_in_any_zone_and_the_answer_is_utc() -> None:
    opens = next_open(OFFICE, datetime(2026, 6, 1, 6, tzinfo=timezone(timedelta(hours=-4))), [NEW_YORK])
    assert opens == utc("2026-06-01T13:00")
    assert opens.tzinfo is UTC


def test_a_closed_date_closes_the_day_and_the_night_that_began_on_it() -> None:
    tuesday = date(2026, 6, 2)
    closed = window({"mon-sun": ["22:00-02:00", "09:00-10:00"]}, closed_dates=frozenset({tuesday}))
    local = {  # UTC: open?  London is an hour ahead
        "2026-06-01T22:30": True,  # Monday 23:30
        "2026-06-01T23:30": False,  # Tuesday 00:30, of Monday's night
        "2026-06-02T08:30": False,
        "2026-06-02T21:30": False,
        "2026-06-02T23:30": False,  # Wednesday 00:30, of Tuesday's night
        "2026-06-03T08:30": True,
        "2026-06-03T23:30": True,
    }
    assert {at: is_open(closed, utc(at), [LONDON]) for at in local} == local
    assert next_open(closed, utc("2026-06-01T23:00"), [LONDON]) == utc("2026-06-03T08:00")


def test_a_date_is_closed_where_it_is_that_date() -> None:
    closed = window({"mon-sun": ["00:00-24:00"]}, closed_dates=frozenset({date(2026, 6, 2)}))
    assert next_open(closed, utc("2026-06-02T12:00"), [NEW_YORK]) == utc("2026-06-03T04:00")
    assert is_open(closed, utc("2026-06-02T01:00"), [NEW_YORK])  # still Monday evening there
    assert next_open(closed, utc("2026-06-02T12:00"), ["Asia/Tokyo"]) == utc("2026-06-02T15:00")


@pytest.mark.parametrize(
    ("codes", "at", "opens"),
    [
        ({"US"}, "2026-11-26T15:00", "2026-11-27T14:00"),  # Thanksgiving
        ({"US-CA"}, "2026-11-26T15:00", "2026-11-30T14:00"),  # and the day after it
        ({"US"}, "2021-12-31T15:00", "2022-01-03T14:00"),  # New Year's Day, kept on the Friday before
        ({"GB"}, "2026-11-26T15:00", "2026-11-26T15:00"),
        ({"GB", "US"}, "2026-12-25T15:00", "2026-12-29T14:00"),  # Boxing Day, kept on the Monday after
    ],
)
def test_public_holidays_are_closed(codes: set[str], at: str, opens: str) -> None:
    judged = Window(OFFICE.ranges, holidays=frozenset(codes))
    assert next_open(judged, utc(at), [NEW_YORK]) == utc(opens)


def test_england_has_easter_monday_and_scotland_has_not() -> None:
    monday = utc("2026-04-06T10:00")
    england, scotland = (Window(OFFICE.ranges, holidays=frozenset({code})) for code in ("GB-ENG", "GB-SCT"))
    assert not is_open(england, monday, [LONDON])
    assert is_open(scotland, monday, [LONDON])


def test_a_year_whose_holidays_are_not_proclaimed_yet_is_closed() -> None:
    judged = Window(OFFICE.ranges, holidays=frozenset({"LK"}))
    assert is_open(judged, utc("2024-06-05T10:00"), ["Asia/Colombo"])
    assert not is_open(judged, utc("2090-06-05T10:00"), ["Asia/Colombo"])


def test_within_400_days_or_never() -> None:
    begin = date(2026, 6, 1)
    for days, opens in ((399, utc("2026-06-01T00:00") + timedelta(days=399)), (401, None)):
        closed = frozenset(begin + timedelta(days=day) for day in range(days))
        judged = window({"mon-sun": ["00:00-24:00"]}, closed_dates=closed)
        assert next_open(judged, utc("2026-06-01T00:00"), ["Etc/UTC"]) == opens
    assert next_open(Window(()), utc("2026-06-01T00:00"), [LONDON]) is None


@pytest.mark.parametrize("judge", [is_open, next_open])
def test_what_cannot_be_judged_is_an_error_and_never_open(judge: Any) -> None:
    now = utc("2026-06-01T14:00")
    with pytest.raises(ValueError, match="one or more time zones"):
        judge(OFFICE, now, [])
    with pytest.raises(ValueError, match="one or more time zones"):
        judge(OFFICE, now, NEW_YORK)
    with pytest.raises(ValueError, match=r"not a time zone; did you mean America/New_York\?"):
        judge(OFFICE, now, ["America/New_Yrok"])
    with pytest.raises(ValueError, match="has no time zone, so it is no instant"):
        judge(OFFICE, now.replace(tzinfo=None), [NEW_YORK])
    with pytest.raises(ValueError, match="not a known country code"):
        judge(Window(OFFICE.ranges, holidays=frozenset({"XX"})), now, [NEW_YORK])


@pytest.mark.parametrize(
    ("days", "weekdays"),
    [
        ("mon", {1}),
        ("mon-fri", {1, 2, 3, 4, 5}),
        ("fri-mon", {5, 6, 7, 1}),
        ("mon,wed,fri", {1, 3, 5}),
        ("Mon-Tue, SAT", {1, 2, 6}),
        ("sun-sun", {7}),
        ("mon-sun", {1, 2, 3, 4, 5, 6, 7}),
    ],
)
def test_days_are_one_a_range_or_a_list(days: str, weekdays: set[int]) -> None:
    assert parse_hours({days: ["09:00-18:00"]}) == (Range(frozenset(weekdays), 540, 1080),)


def test_hours_may_be_several_overlap_and_pass_midnight() -> None:
    hours = {"mon-fri": ["09:00-12:00", "11:00-18:00"], "sat": ["22:00-02:00", "00:00-24:00"], "sun": []}
    work, saturday = frozenset({1, 2, 3, 4, 5}), frozenset({6})
    assert parse_hours(hours) == (
        Range(work, 540, 720),
        Range(work, 660, 1080),
        Range(saturday, 1320, 120),
        Range(saturday, 0, 1440),
    )


@pytest.mark.parametrize(
    ("hours", "sentence"),
    [
        ({"mon": ["9-25"]}, '"9-25" is not a range of hours; write 09:00-18:00'),
        ({"mon": ["9-17"]}, '"9-17" is not a range of hours; write 09:00-17:00'),
        ({"mon": ["9-5"]}, '"9-5" is not a range of hours; write 09:00-17:00'),
        ({"mon": ["9 to 5pm"]}, '"9 to 5pm" is not a range of hours; write 09:00-17:00'),
        ({"mon": ["9:30\u201318.00 h"]}, '"9:30\u201318.00 h" is not a range of hours; write 09:30-18:00'),
        ({"mon": ["8pm-midnight"]}, '"8pm-midnight" is not a range of hours; write 20:00-24:00'),
        ({"mon": ["closed"]}, '"closed" is not a range of hours; a day without hours has []'),
        ({"mon": ["all day"]}, '"all day" is not a range of hours; write one such as 09:00-18:00'),
        ({"monday-friday": ["09:00-18:00"]}, '"monday-friday" is not a list of days; write mon-fri'),
        ({"Mon to Fri": ["09:00-18:00"]}, '"Mon to Fri" is not a list of days; write mon-fri'),
        ({"mon;tue": ["09:00-18:00"]}, '"mon;tue" is not a list of days; write mon,tue'),
        (
            {"Mon, Tues and Thurs": ["09:00-18:00"]},
            '"Mon, Tues and Thurs" is not a list of days; write mon,tue,thu',
        ),
        ({"mon\u2013fri": ["09:00-18:00"]}, '"mon\u2013fri" is not a list of days; write mon-fri'),
        ({"not sun": ["09:00-18:00"]}, '"not sun" is not a list of days; write mon-sat'),
        ({"mon": ["9am-5pm"]}, '"9am-5pm" is not a range of hours; write 09:00-17:00'),
        ({"mon": [540]}, '"540" is not a range of hours; write 09:00-18:00'),
        (
            {"mon": ["09:00-09:00"]},
            '"09:00-09:00" ends when it starts; write 09:00-18:00, and 00:00-24:00 for a whole day',
        ),
        (
            {"mon": ["09:00-25:00"]},
            '"09:00-25:00" has a time that no clock shows; write 09:00-18:00, and 24:00 for midnight',
        ),
        (
            {"mon": ["24:00-02:00"]},
            '"24:00-02:00" starts when the day is over; write 00:00-02:00 for the next day',
        ),
        ({"mon": "09:00-18:00"}, 'the hours of "mon" are a list; write mon: ["09:00-18:00"]'),
        ({"Monday": ["09:00-18:00"]}, '"Monday" is not a day; did you mean "mon"?'),
        ({"weekdays": ["09:00-18:00"]}, '"weekdays" is not a list of days; write mon-fri'),
        ({"mon-fry": ["09:00-18:00"]}, '"fry" in "mon-fry" is not a day; did you mean "fri"?'),
        (
            {"mon,,fri": ["09:00-18:00"]},
            '"mon,,fri" is not a list of days; write mon,fri',
        ),
        ({}, 'no hours are given, so nobody could ever be called; write mon-fri: ["09:00-18:00"]'),
        ({"sun": []}, 'no hours are given, so nobody could ever be called; write mon-fri: ["09:00-18:00"]'),
    ],
)
def test_a_mistake_in_hours_says_what_to_write(hours: Any, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole sentence is compared
        parse_hours(hours)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "wrong", [(set(), 0, 60), ({0}, 0, 60), ({8}, 0, 60), ({1}, 1440, 60), ({1}, -1, 60), ({1}, 0, 1441)]
)
def test_a_range_is_what_a_clock_shows(wrong: tuple[set[int], int, int]) -> None:
    with pytest.raises(ValueError, match="a range starts"):
        Range(frozenset(wrong[0]), *wrong[1:])


def test_country_codes_are_spelt_as_the_table_has_them() -> None:
    assert check_countries(["us", "US-ca", "gb-eng", "de-AUGSBURG"]) == {
        "US",
        "US-CA",
        "GB-ENG",
        "DE-Augsburg",
    }


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("XX", '"XX" is not a known country code; write one like US or US-CA'),
        ("Germany", '"Germany" is not a known country code; did you mean DE?'),
        ("GB-England", '"GB-England" is not a known part of GB; did you mean GB-ENG?'),
        ("GB-X", '"GB-X" is not a known part of GB; there are: ENG, NIR, SCT, WLS'),
        ("VA-X", '"VA-X" is not a known part of VA, which is one whole here; write VA'),
        (None, '"None" is not a country code; write one like US or US-CA'),
    ],
)
def test_an_unknown_country_names_the_nearest(code: Any, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole sentence is compared
        check_countries([code])
    assert str(caught.value) == sentence


def test_countries_are_a_list() -> None:
    with pytest.raises(ValueError, match=r'"US" is not a list of countries; write \[US\]'):
        check_countries("US")


ZONES = [NEW_YORK, LONDON, "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Gaza"]
ZONES += [
    "Pacific/Chatham",
    "Africa/Casablanca",
    "America/Havana",
    "Asia/Kolkata",
    "Antarctica/Troll",
    "Africa/Cairo",
]
MINUTES = 5 * 1440
SEED = 20261124


def painted(judged: Window) -> list[bytearray]:
    """For each weekday two days of minutes, painted one by one: those of ranges that start on it."""
    week = [bytearray(2 * 1440) for _ in range(7)]
    for each in judged.ranges:
        for weekday in each.weekdays:
            minute = each.start
            while True:
                week[weekday - 1][minute] = 1
                minute += 1
                if minute == each.end or minute == each.end + 1440:
                    break
    return week


def scanned(judged: Window, begin: datetime, zone: str) -> bytearray:
    """Is each minute from `begin` open in that zone? No shortcut: looks at the clock once a minute."""
    week, place, opens = painted(judged), zone_of(zone), bytearray(MINUTES)
    for index in range(MINUTES):
        wall = (begin + index * MINUTE).astimezone(place)
        today, minute, weekday = wall.date(), wall.hour * 60 + wall.minute, wall.weekday()
        if today in judged.closed_dates:
            continue
        opens[index] = week[weekday][minute] or (
            week[weekday - 1][minute + 1440] and today - timedelta(days=1) not in judged.closed_dates
        )
    return opens


def some_window(chance: random.Random, begin: datetime) -> Window:
    ranges = []
    for _ in range(chance.choice([1, 1, 2, 3])):
        start = chance.choice([0, 60, 90, 120, 150, 540, 1320, 1410, chance.randrange(1440)])
        end = chance.choice([0, 30, 60, 120, 150, 180, 1080, 1440, start + 1, chance.randrange(1, 1441)])
        ranges.append(Range(frozenset(chance.sample(range(1, 8), chance.randint(1, 7))), start, end))
    closed = [begin.date() + timedelta(days=day) for day in range(8) if chance.random() < 0.2]
    return Window(tuple(ranges), closed_dates=frozenset(closed))


def a_beginning(chance: random.Random, zone: str) -> datetime:
    """Some days before the clocks change, or any day."""
    begin = utc("2025-01-01T00:00") + timedelta(days=chance.randrange(1400), minutes=chance.randrange(1440))
    place = zone_of(zone)
    for day in range(370 if chance.random() < 0.8 else 0):
        noon = begin + timedelta(days=day)
        if noon.astimezone(place).utcoffset() != (noon + timedelta(days=1)).astimezone(place).utcoffset():
            return noon - timedelta(days=chance.randrange(4))
    return begin


def test_20000_random_instants_are_judged_as_by_looking_at_the_clock_every_minute(
    counted: Callable[[str, str], None],
) -> None:
    chance, cases, found, twofold = random.Random(SEED), 0, 0, 0
    while cases < 20_000:
        zones = chance.sample(ZONES, chance.choice([1, 1, 2]))
        begin = a_beginning(chance, zones[0])
        judged = some_window(chance, begin)
        each_zone = [scanned(judged, begin, zone) for zone in zones]
        opens = bytearray(all(minute) for minute in zip(*each_zone, strict=True))
        twofold += 80 * (len(zones) == 2)
        for _ in range(80):
            index, part = chance.randrange(MINUTES - 1440), chance.choice([0, 0, 1, 30.5, 59.999999])
            at = begin + timedelta(minutes=index, seconds=part)
            next_index = opens.find(1, index)
            told = (judged, zones, at)
            assert is_open(judged, at, zones) is bool(opens[index]), told
            claimed = next_open(judged, at, zones)
            if next_index < 0:
                assert claimed is None or claimed >= begin + MINUTES * MINUTE, told
            else:
                assert claimed == max(at, begin + next_index * MINUTE), told
                found += 1
            cases += 1
    counted(
        "random windows, against a scan by the minute",
        f"{cases} of {cases}, {found} of them open later, {twofold} in two zones (seed {SEED})",
    )
    assert cases == 20_000
    assert min(found, twofold) > 5_000


def test_judging_takes_microseconds() -> None:
    """A number to read, with a bound only a scan of minutes would miss."""
    instants = [utc("2026-01-01T00:00") + timedelta(minutes=977 * step) for step in range(2000)]
    taken = {}
    judged = Window(OFFICE.ranges, holidays=frozenset({"US"}))
    next_open(judged, instants[0], [NEW_YORK])
    for judge in (is_open, next_open):
        began = time.perf_counter()
        for at in instants:
            judge(judged, at, ["America/Boise", "America/Los_Angeles"])
        taken[judge.__name__] = (time.perf_counter() - began) / len(instants) * 1e6
    print(", ".join(f"{name}: {each:.1f} µs" for name, each in taken.items()))  # noqa: T201
    assert max(taken.values()) < 2_000


@pytest.mark.parametrize(
    ("given", "at", "zones", "closes"),
    [
        (OFFICE, "2026-11-23T15:00", [NEW_YORK], "2026-11-23T23:00"),
        (OFFICE, "2026-11-23T15:00", [NEW_YORK, LONDON], "2026-11-23T18:00"),
        (NIGHT, "2026-11-23T23:30", [LONDON], "2026-11-24T02:00"),
        (window({"mon-sun": ["00:00-24:00"]}), "2026-11-23T15:00", [NEW_YORK], None),
        (window({"mon,tue": ["00:00-24:00"]}), "2026-11-23T15:00", [LONDON], "2026-11-25T00:00"),
        (window({"mon": ["09:00-12:00", "12:00-13:00"]}), "2026-11-23T10:00", [LONDON], "2026-11-23T13:00"),
        (
            window({"mon-sun": ["00:00-24:00"]}, closed_dates=frozenset({date(2026, 11, 25)})),
            "2026-11-23T15:00",
            [LONDON],
            "2026-11-25T00:00",
        ),
        # the clocks go back while it is open: 02:00 to 06:00 is five hours long
        (window({"sun": ["00:30-06:00"]}), "2026-11-01T05:00", [NEW_YORK], "2026-11-01T11:00"),
    ],
)
def test_a_window_closes(given: Window, at: str, zones: list[str], closes: str | None) -> None:
    assert next_closed(given, utc(at), zones) == (utc(closes) if closes else None)


def test_what_is_closed_does_not_close() -> None:
    with pytest.raises(ValueError, match="closed at"):
        next_closed(OFFICE, utc("2026-11-22T15:00"), [NEW_YORK])


def test_closings_are_what_a_scan_by_the_minute_finds() -> None:
    """Random windows, zones and moments, among them those around changes of the clocks."""
    chance, found = random.Random(7), 0
    zones = [NEW_YORK, LONDON, "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu"]
    starts = [
        utc("2026-03-07T12:00"),
        utc("2026-10-24T12:00"),
        utc("2026-10-31T12:00"),
        utc("2026-04-04T03:00"),
    ]
    for _ in range(400):
        ranges = tuple(
            Range(frozenset(chance.sample(range(1, 8), 5)), chance.randrange(1440), chance.randrange(1441))
            for _ in range(chance.randint(1, 3))
        )
        given = Window(ranges, closed_dates=frozenset({date(2026, 10, 25)} if chance.random() < 0.2 else ()))
        at = chance.choice(starts) + timedelta(minutes=chance.randrange(2880), seconds=chance.randrange(60))
        chosen = chance.sample(zones, chance.randint(1, 2))
        if not is_open(given, at, chosen):
            continue
        found += 1
        closes = next_closed(given, at, chosen)
        minute = at.replace(second=0) + MINUTE
        while is_open(given, minute, chosen) and minute - at < timedelta(days=8):
            minute += MINUTE
        assert (closes or minute) == minute, (given, at, chosen)
    assert found > 50
