"""What call events say, field by field of the contract: pure, so a row in and a body out."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.call_api import payloads
from connector.call_api.models.events import EVENTS
from connector.call_api.states import CallState

AT = datetime(2026, 11, 2, 15, 0, 4, tzinfo=UTC)
FLAT = {
    "id",
    "event",
    "call_id",
    "agent_id",
    "agent_name",
    "status",
    "direction",
    "from_number",
    "to_number",
    "started_at",
    "metadata",
    "provider",
}
ENDED = {"duration_seconds", "cost_cents", "transcript", "recording_url", "summary", "sentiment", "ended_at"}
OLDER = {
    "id",
    "event",
    "call_id",
    "agent_id",
    "agent_name",
    "direction",
    "phone_number",
    "started_at",
    "metadata",
}
OLDER_ENDED = {"duration_seconds", "ended_at", "sentiment", "summary", "transcript"}
EXACT = '{"amount": 1.10, "big": 1e999999, "n": 12345678901234567890}'


def row(**changes: object) -> dict[Any, Any]:
    return {**payloads.made_up_call(None, AT), "provider": "simulated", **changes}


def test_the_newer_payload_has_every_documented_field() -> None:
    started = json.loads(payloads.started_event("evt_1", row()))
    assert set(started) >= FLAT
    assert (started["event"], started["status"]) == ("call_started", "in-progress")
    assert not set(started) & ENDED
    ended = json.loads(payloads.ended_event("evt_1", row()))
    assert set(ended) >= FLAT | ENDED
    assert (ended["event"], ended["status"]) == ("call_ended", "completed")
    assert ended["transcript"] == "Agent: Hello, is this Ada?\nUser: Speaking."
    assert ended["started_at"] == "2026-11-02T14:57:57.000Z"
    assert "test" not in ended


def test_a_test_is_a_call_ended_that_says_so() -> None:
    test = json.loads(payloads.test_event("evt_1", payloads.made_up_call(None, AT)))
    assert (test["event"], test["test"], test["provider"]) == ("call_ended", True, "test")
    assert set(test) >= FLAT | ENDED


def test_the_payloads_are_what_the_document_says() -> None:
    EVENTS["call_started"].model_validate_json(payloads.started_event("evt_1", row()))
    EVENTS["call_ended"].model_validate_json(payloads.ended_event("evt_1", row()))
    test = payloads.test_event("evt_1", payloads.made_up_call(None, AT))
    EVENTS["test"].model_validate_json(test)


@pytest.mark.parametrize(
    ("state", "status", "older"),
    [
        (CallState.COMPLETED, "completed", "call.completed"),
        (CallState.VOICEMAIL, "completed", "call.completed"),
        (CallState.NO_ANSWER, "no-answer", "call.failed"),
        (CallState.BUSY, "no-answer", "call.failed"),
        (CallState.FAILED, "failed", "call.failed"),
        (CallState.CANCELED, "failed", "call.failed"),
        (CallState.EXPIRED, "failed", "call.failed"),
        (CallState.UNKNOWN, "failed", "call.failed"),
    ],
)
def test_every_ending_in_both_formats(state: CallState, status: str, older: str) -> None:
    ended = row(state=state.value, outcome="somehow", reason=None)
    assert json.loads(payloads.ended_event("evt_1", ended))["status"] == status
    v1 = json.loads(payloads.ended_event_v1("evt_1", ended))
    assert (v1["event"], v1.get("error")) == (older, None if older == "call.completed" else "somehow")


def test_the_older_payload_has_exactly_the_documented_fields_and_an_id() -> None:
    assert set(json.loads(payloads.started_event_v1("evt_1", row()))) == OLDER
    ended = json.loads(payloads.ended_event_v1("evt_1", row()))
    assert set(ended) == OLDER | OLDER_ENDED
    assert ended["transcript"] == [
        {"role": "agent", "content": "Hello, is this Ada?", "timestamp": None},
        {"role": "human", "content": "Speaking.", "timestamp": None},
    ]
    assert json.loads(payloads.test_event_v1("evt_1", row()))["test"] is True


def test_the_one_number_of_the_older_payload_is_the_other_persons() -> None:
    called = json.loads(payloads.started_event_v1("evt_1", row()))
    caller = json.loads(payloads.started_event_v1("evt_1", row(direction="inbound")))
    assert (called["phone_number"], caller["phone_number"]) == ("+12025550190", "+12025550100")


def test_nothing_said_is_null_in_one_format_and_an_empty_list_in_the_other() -> None:
    silent = row(transcript=None)
    assert json.loads(payloads.ended_event("evt_1", silent))["transcript"] is None
    assert json.loads(payloads.ended_event_v1("evt_1", silent))["transcript"] == []


@pytest.mark.parametrize(
    "make",
    [
        *(payloads.started_event, payloads.ended_event, payloads.test_event),
        *(payloads.started_event_v1, payloads.ended_event_v1, payloads.test_event_v1),
    ],
)
def test_metadata_is_sent_digit_for_digit(make: Any) -> None:
    assert b'"metadata":' + EXACT.encode() in make("evt_1", row(metadata=EXACT))
    assert b'"metadata":{}' in make("evt_1", row(metadata=None))
