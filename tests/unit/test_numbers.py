"""Phone numbers as CRMs have them, made into E.164."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.policy.numbers import normalise, region_of

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "phone" / "crm_formats.jsonl"


def e164(raw: str, region: str | None = "US") -> str | None:
    number = normalise(raw, region)
    return number.e164 if number else None


@pytest.mark.skipif(not CORPUS.exists(), reason="shared/ not here")
def test_all_636_formats_become_what_libphonenumber_says(counted: Callable[[str, str], None]) -> None:
    rows = [json.loads(line) for line in CORPUS.read_text().splitlines()]
    right = [row for row in rows if e164(row["raw"], row["default_region"]) == row["e164"]]
    assert (len(right), len(rows)) == (636, 636)
    counted("phone/crm_formats", f"{len(right)} of {len(rows)}")


@pytest.mark.parametrize(
    ("raw", "region", "wanted"),
    [
        ("+1 202 555 0100", "US", "+12025550100"),
        ("(202) 555-0100", "US", "+12025550100"),
        ("202.555.0100 ext. 12", "US", "+12025550100"),
        ("tel:+1-202-555-0100", None, "+12025550100"),
        ("+44 20 7946 0000", "US", "+442079460000"),
        ("020 7946 0000", "GB", "+442079460000"),
        ("020 7946 0000", None, None),
        ("call me", "US", None),
        ("", "US", None),
        ("1" * 300, "US", None),
        ("(202) 555-0100", "XX", None),
    ],
)
def test_a_number_needs_a_country_from_itself_or_the_region(
    raw: str, region: str | None, wanted: str | None
) -> None:
    assert e164(raw, region) == wanted


def test_a_number_knows_its_country_code_and_prints_itself() -> None:
    number = normalise("+44 20 7946 0000", None)
    assert number is not None
    assert (number.country_code, str(number), number.is_dialable) == (44, "+442079460000", True)


def test_a_number_too_long_for_the_call_api_is_not_dialable() -> None:
    number = normalise("00819012345678", "JP")  # read by libphonenumber as a national number
    assert number is not None
    assert not number.is_dialable


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("us", "US"),
        (" GB ", "GB"),
        ("UK", "GB"),
        ("USA", "US"),
        ("United States", None),
        ("", None),
        ("XX", None),
    ],
)
def test_a_region_is_two_letters(text: str, region: str | None) -> None:
    assert region_of(text) == region


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="+0123456789 ()-.;x/ext#*,", max_size=40), st.text(max_size=3))
def test_no_text_raises(raw: str, region: str) -> None:
    number = normalise(raw, region)
    assert number is None or number.e164.startswith("+")
    region_of(raw)


@pytest.mark.parametrize("raw", ["555-0147", "555-0147 ext 4", "5550147"])
def test_a_number_without_its_area_code_is_nobodys(raw: str) -> None:
    assert normalise(raw, "US") is None
