"""The simulated carrier: a pure function of number, time of dialling and time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.call_api.carriers import Dial, Phase, Placed, Refused, Sighting, TooLate
from connector.call_api.carriers.simulated import RESERVED_NUMBERS, SimulatedCarrier
from connector.errors import InvalidSignature
from connector.model import Outcome, Request

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


def test_it_rings_no_longer_than_it_may() -> None:
    carrier = SimulatedCarrier(ring_seconds=30, talk_seconds=4)
    dial = replace(DIAL, max_ring_seconds=20)
    assert carrier.place(dial, NOW) == Placed("sim_c1", NOW + timedelta(seconds=20))
    ended = carrier.look_up(dial, NOW + timedelta(seconds=20))
    assert isinstance(ended, Sighting)
    assert ended.result is not None
    assert (ended.result.outcome, ended.answered_at) == (Outcome.NO_ANSWER, None)
    assert ended.result.ended_at == NOW + timedelta(seconds=20)
    patient = carrier.look_up(replace(dial, max_ring_seconds=30), NOW + timedelta(seconds=30))
    assert isinstance(patient, Sighting)
    assert patient.phase is Phase.TALKING


def test_it_talks_no_longer_than_it_may() -> None:
    carrier = SimulatedCarrier(ring_seconds=1, talk_seconds=100)
    dial = replace(DIAL, max_talk_seconds=50)
    talking, ended = (carrier.look_up(dial, NOW + timedelta(seconds=after)) for after in (50.9, 51))
    assert isinstance(talking, Sighting)
    assert isinstance(ended, Sighting)
    assert (talking.phase, talking.next_look_at) == (Phase.TALKING, NOW + timedelta(seconds=51))
    assert ended.result is not None
    assert (ended.result.outcome, ended.result.ended_at) == (Outcome.ANSWERED, NOW + timedelta(seconds=51))
    assert len(ended.result.transcript) == 2  # of five turns
    assert ended.result.reason == "ended after 50 s: its agent may not talk longer"
    whole = carrier.look_up(replace(dial, max_talk_seconds=100), NOW + timedelta(seconds=101))
    assert isinstance(whole, Sighting)
    assert whole.result is not None
    assert (len(whole.result.transcript), whole.result.reason) == (5, None)


def test_its_summary_may_come_later() -> None:
    carrier = SimulatedCarrier(ring_seconds=1, talk_seconds=4, summary_after_seconds=10)
    ended, analysed = (carrier.look_up(DIAL, NOW + timedelta(seconds=after)) for after in (14.9, 15))
    assert isinstance(ended, Sighting)
    assert isinstance(analysed, Sighting)
    assert ended.result is not None
    assert analysed.result is not None
    assert (ended.result.analysis_pending, ended.result.summary, ended.result.sentiment) == (True, None, None)
    assert len(ended.result.transcript) == 5
    assert ended.next_look_at == NOW + timedelta(seconds=15)
    assert (analysed.result.analysis_pending, analysed.result.sentiment) == (False, "positive")
    unanswered = carrier.look_up(replace(DIAL, to_number="+12025550191"), NOW + timedelta(seconds=1))
    assert isinstance(unanswered, Sighting)
    assert unanswered.result is not None
    assert unanswered.result.analysis_pending is False


def test_it_says_its_prompt_variables() -> None:
    dial = replace(DIAL, variables={"product": "the trial", "seats": 7})
    ended = CARRIER.look_up(dial, NOW + timedelta(seconds=6))
    assert isinstance(ended, Sighting)
    assert ended.result is not None
    assert "I have here product: the trial, seats: 7." in ended.result.transcript[0].content
    assert "I have here" not in str(seen("+12025550190", 6))


def test_it_has_nothing_to_cancel_and_sends_no_events() -> None:
    assert CARRIER.cancel(DIAL, NOW) == TooLate()
    event = Request("POST", "http://127.0.0.1/", {}, b"{}", NOW)
    with pytest.raises(InvalidSignature):
        CARRIER.verify(event)
    assert CARRIER.parse(event) == ()


def test_the_readme_lists_the_reserved_numbers() -> None:
    import connector.call_api

    readme = (Path(connector.call_api.__file__).parent / "README.md").read_text(encoding="utf-8")
    for number, script in RESERVED_NUMBERS.items():
        row = next(line for line in readme.splitlines() if f"`{number}`" in line)
        assert f"`{script.outcome.value}`" in row
