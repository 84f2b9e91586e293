"""Of which type and country is a number; what nobody should be dialled at is refused by default."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.policy.kinds import CALLED, NEVER_CALLED, NumberType, country_of, types_of

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "phone"
SENSIBLE = ("FIXED_LINE", "MOBILE", "FIXED_LINE_OR_MOBILE", "VOIP", "UAN")
SATELLITES = (870, 881, 882)


def rows(name: str) -> list[dict[str, Any]]:
    file = CORPORA / f"{name}.jsonl"
    if not file.exists():
        pytest.skip("shared/ not here")
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_every_row_that_must_be_refused_is_refused(counted: Callable[[str, str], None]) -> None:
    """By the defaults of a connection in the United States."""
    found = rows("must_refuse_by_default")
    refused = [
        row for row in found if not (types_of(row["e164"]) & CALLED and country_of(row["e164"]) == "US")
    ]
    counted("phone/must_refuse_by_default.jsonl", f"{len(refused)} of {len(found)} refused")
    assert (len(refused), len(found)) == (228, 228)


def test_what_costs_or_harms_is_refused_in_every_country() -> None:
    """Opening the countries opens no premium, satellite, shared-cost or emergency number."""
    by_country = ("irsf", "nanp_foreign", "sanctions")
    through = [
        row
        for row in rows("must_refuse_by_default")
        if row["kind"] not in by_country and types_of(row["e164"]) & CALLED
    ]
    assert through == []


def test_every_emergency_number_behind_a_country_code_is_known_as_one() -> None:
    found = [row for row in rows("must_refuse_by_default") if row["kind"] == "emergency_with_cc"]
    assert len(found) == 207
    assert [row for row in found if types_of(row["e164"]) != {NumberType.EMERGENCY}] == []


def test_the_sensible_numbers_of_every_country_are_allowed_there(
    counted: Callable[[str, str], None],
) -> None:
    found = [
        row
        for row in rows("e164_by_region")
        if row["type"] in SENSIBLE and row["cc"] not in SATELLITES and row["region"] != "001"
    ]
    allowed = [row for row in found if types_of(row["e164"]) & CALLED and country_of(row["e164"])]
    counted("phone/e164_by_region.jsonl", f"{len(allowed)} of {len(found)} sensible numbers allowed")
    assert len(found) > 1000
    assert [row for row in found if row not in allowed] == []


def test_the_costly_and_odd_numbers_of_every_country_are_refused() -> None:
    odd = [row for row in rows("e164_by_region") if row["type"] not in SENSIBLE]
    assert len(odd) > 700
    assert [row for row in odd if types_of(row["e164"]) & CALLED] == []


@pytest.mark.parametrize(
    ("number", "type_", "country"),
    [
        ("+12025550123", NumberType.MOBILE, "US"),
        ("+12025550123", NumberType.LANDLINE, "US"),
        ("+442079460958", NumberType.LANDLINE, "GB"),
        ("+18095550100", NumberType.MOBILE, "DO"),
        ("+12129765550", NumberType.PREMIUM, "US"),
        ("+881612345678", NumberType.SATELLITE, None),
        ("+882161234567", NumberType.SATELLITE, None),
        ("+80012345678", NumberType.TOLL_FREE, None),
        ("+15551234567", NumberType.UNKNOWN, "US"),
        ("+1411", NumberType.SHORT, "US"),
        ("+1911", NumberType.EMERGENCY, "US"),
        ("no number", NumberType.UNKNOWN, None),
    ],
)
def test_a_number_has_a_type_and_a_country(number: str, type_: NumberType, country: str | None) -> None:
    assert type_ in types_of(number)
    assert country_of(number) == country


def test_no_rule_may_name_emergency_numbers() -> None:
    assert not CALLED & NEVER_CALLED
    assert NumberType.EMERGENCY in NEVER_CALLED
