"""The simulated carrier: a pure function of number, time of dialling and time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.call_api.carriers import Dial, Phase, Placed, Refused, Sighting
from connector.call_api.carriers.simulated import RESERVED_NUMBERS, SimulatedCarrier
from connector.model import Outcome

NOW = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)
DIAL = Dial("c1", "+12025550190", "+12025550100", "a1", "Lead Qualifier", "Ada", None, None, NOW)
CARRIER = SimulatedCarrier(ring_seconds=1.5, talk_seconds=4)


def seen(number: str, seconds: float) -> Sighting:
    sighting = CARRIER.look_up(replace(DIAL, to_number=number), NOW + timedelta(seconds=seconds))
    assert isinstance(sighting, Sighting)
    return sighting


@pytest.mark.parametrize("number", ["+12025550190", "+12025550101", "+442079460000"])
def test_a_call_rings_is_answered_and_ends(number: str) -> None:
    ringing, talking, ended = seen(number, 1.4), seen(number, 1.5), seen(number, 5.5)
    assert (ringing.phase, ringing.next_look_at) == (Phase.RINGING, NOW + timedelta(seconds=1.5))
    assert (talking.phase, talking.next_look_at) == (Phase.TALKING, NOW + timedelta(seconds=5.5))
    assert talking.answered_at == NOW + timedelta(seconds=1.5)
    assert ended.phase is Phase.ENDED
    assert ended.result is not None
    assert (ended.result.outcome, ended.result.ended_at) == (Outcome.ANSWERED, NOW + timedelta(seconds=5.5))
    assert ended.result.transcript[0].content.startswith("Hello Ada, this is Lead Qualifier.")
    assert ended.result.summary
    assert ended.result.sentiment == "positive"


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        ("+12025550191", Outcome.NO_ANSWER),
        ("+12025550192", Outcome.BUSY),
        ("+12025550194", Outcome.FAILED),
    ],
)
def test_calls_that_nobody_takes(number: str, outcome: Outcome) -> None:
    assert seen(number, 1.4).phase is Phase.RINGING
    ended = seen(number, 1.5)
    assert ended.result is not None
    assert (ended.result.outcome, ended.answered_at, ended.result.transcript) == (outcome, None, ())
    assert ended.result.reason


def test_a_voicemail_is_taken_by_a_machine() -> None:
    ended = seen("+12025550193", 5.5)
    assert ended.result is not None
    assert (ended.result.outcome, ended.answered_at) == (Outcome.VOICEMAIL, NOW + timedelta(seconds=1.5))
    assert "voicemail" in ended.result.transcript[0].content


def test_the_slow_number_takes_ten_times_as_long() -> None:
    assert seen("+12025550195", 14.9).phase is Phase.RINGING
    assert seen("+12025550195", 54.9).phase is Phase.TALKING
    assert seen("+12025550195", 55).phase is Phase.ENDED


def test_the_refused_number_is_refused_at_once() -> None:
    assert isinstance(CARRIER.place(replace(DIAL, to_number="+12025550196"), NOW), Refused)
    ended = seen("+12025550196", 0)
    assert ended.result is not None
    assert ended.result.outcome is Outcome.FAILED


def test_placing_says_when_to_look() -> None:
    assert CARRIER.place(DIAL, NOW) == Placed("sim_c1", NOW + timedelta(seconds=1.5))


def test_with_no_waiting_a_call_is_over_at_once() -> None:
    carrier = SimulatedCarrier(ring_seconds=0, talk_seconds=0)
    sighting = carrier.look_up(DIAL, NOW)
    assert isinstance(sighting, Sighting)
    assert sighting.phase is Phase.ENDED


def test_the_readme_lists_the_reserved_numbers() -> None:
    import connector.call_api

    readme = (Path(connector.call_api.__file__).parent / "README.md").read_text(encoding="utf-8")
    for number, script in RESERVED_NUMBERS.items():
        row = next(line for line in readme.splitlines() if f"`{number}`" in line)
        assert f"`{script.outcome.value}`" in row
