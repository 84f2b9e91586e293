"""Time zones by name, and of phone numbers."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.policy.zones import check_zone, zone_of, zones_of_number

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "phone" / "nanp_timezones.jsonl"


@pytest.mark.skipif(not CORPUS.exists(), reason="shared/ not here")
def test_all_225_area_codes_lie_where_they_say(counted: Callable[[str, str], None]) -> None:
    rows = [json.loads(line) for line in CORPUS.read_text().splitlines()]
    right = [row for row in rows if zones_of_number(row["sample"]) == tuple(row["tz"])]
    counted("phone/nanp_timezones", f"{len(right)} of {len(rows)}")
    assert (len(right), len(rows)) == (225, 225)


@pytest.mark.parametrize(
    ("phone_number", "zones"),
    [
        ("+12025550100", ("America/New_York",)),
        ("+442079460000", ("Europe/London",)),
        ("+15551234567", ()),  # an area code that is nowhere
        ("2025550100", ()),
        ("+1", ()),
        ("Ada", ()),
        ("", ()),
    ],
)
def test_a_number_lies_in_its_zones_or_nowhere_known(phone_number: str, zones: tuple[str, ...]) -> None:
    assert zones_of_number(phone_number) == zones


def test_a_toll_free_number_may_lie_in_any_zone_of_its_country_code() -> None:
    zones = zones_of_number("+18002345678")
    assert {"Pacific/Honolulu", "America/New_York", "Pacific/Guam"} <= set(zones)


@pytest.mark.parametrize("name", ["America/New_York", "Europe/London", "UTC", "America/Argentina/Ushuaia"])
def test_a_zone_is_named_as_the_table_names_it(name: str) -> None:
    assert check_zone(name) == name
    assert zone_of(name).key == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("America/New_Yrok", '"America/New_Yrok" is not a time zone; did you mean America/New_York?'),
        ("america/new_york", '"america/new_york" is not a time zone; did you mean America/New_York?'),
        ("New_York", '"New_York" is not a time zone; did you mean America/New_York?'),
        ("EST", '"EST" would be an hour wrong in summer; did you mean America/New_York?'),
        ("Etc/Unknown", '"Etc/Unknown" is not a time zone; write one like America/New_York'),
        ("../../etc/hosts", '"../../etc/hosts" is not a time zone; write one like America/New_York'),
        ("", '"" is not a time zone; write one like America/New_York'),
    ],
)
def test_an_unknown_zone_names_the_nearest(name: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole sentence is compared
        check_zone(name)
    assert str(caught.value) == sentence


def test_no_zone_changes_twice_within_two_days() -> None:
    """`next_open` goes by days and would not see a change that is undone within one."""
    names = set(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
    instants = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=6 * step) for step in range(4 * 365 * 3)]
    for place in (zone_of(name) for name in names - {"EST", "MST", "Factory"}):
        offsets = [at.astimezone(place).utcoffset() for at in instants]
        changes = [index for index, (before, after) in enumerate(pairwise(offsets)) if before != after]
        assert all(later - earlier > 8 for earlier, later in pairwise(changes)), place.key
    assert len(names) > 500


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=30) | st.text(alphabet="+0123456789", max_size=18))
def test_no_text_raises_anything_but_value_errors(text: str) -> None:
    assert isinstance(zones_of_number(text), tuple)
    with suppress(ValueError):
        assert check_zone(text) == text
