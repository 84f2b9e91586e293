"""Calling windows: nobody is called outside of them, and whoever asks is told when they open."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.call_api.carriers import Dial, Placed, Refused, Unknown
from connector.call_api.carriers.simulated import SimulatedCarrier
from connector.call_api.hours import opening, zones_to_open
from connector.call_api.models.windows import CallingWindow
from connector.policy.zones import zone_of
from tests.call_api.conftest import SECRET, FakeClock, Receiver, Running, Serve

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "phone" / "nanp_timezones.jsonl"
ADA = "+12025550101"  # Washington
KATHERINE = "+442079460101"  # London
OFFICE = {"hours": {"mon-fri": ["09:00-12:00", "13:00-18:00"]}, "timezone": "America/New_York"}
MONDAY_NIGHT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # 21:00 in Washington
TUESDAY_NINE = "2026-11-24T14:00:00.000Z"


def serve_window(
    serve: Serve, at: datetime, window: dict[str, Any] | None = None, **settings: Any
) -> Running:
    """An API whose default agent has this window, at this moment."""
    names = ("outside", "expires_after_seconds")
    agent = {name: settings.pop(name) for name in names if name in settings}
    agent |= {"name": "Lead Qualifier", "phone_number": "+12025550100", "default": True}
    running = serve(agents=[agent | ({"calling_window": window} if window else {})], **settings)
    running.clock.now = at
    return running


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_call_outside_the_window_waits_for_its_opening(serve: Serve) -> None:
    running = serve_window(serve, MONDAY_NIGHT, OFFICE)
    answer = running.client.trigger({"phone_number": ADA}).json()
    assert answer | {"call_id": ""} == {
        "success": True,
        "call_id": "",
        "status": "initiated",
        "call_status": "queued",
        "scheduled_for": TUESDAY_NINE,
        "timezone": "America/New_York",
    }
    running.clock.now = moment("2026-11-24T13:59:59Z")
    running.until_quiet()
    call = running.client.show(answer["call_id"])
    assert call["status"] == "queued"
    assert "opens at 2026-11-24 14:00 UTC" in call["history"][0]["reason"]
    running.clock.now = moment(TUESDAY_NINE)
    running.until_quiet()
    assert running.client.show(answer["call_id"])["status"] == "dialing"


def test_within_the_window_the_answer_is_the_contracts(serve: Serve) -> None:
    running = serve_window(serve, moment("2026-11-24T15:00:00Z"), OFFICE)
    answer = running.client.trigger({"phone_number": ADA}).json()
    assert list(answer) == ["success", "call_id", "status"]


def test_an_agent_may_reject_instead_of_queueing(serve: Serve) -> None:
    running = serve_window(serve, MONDAY_NIGHT, OFFICE, outside="reject")
    answer = running.client.trigger({"phone_number": ADA})
    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "error": "Outside calling window",
        "code": "outside_calling_window",
        "next_window_at": TUESDAY_NINE,
    }
    assert running.scalars("SELECT count(*) FROM call_api.calls") == [0]


@pytest.mark.parametrize(
    ("outside", "status", "told"),
    [("queue", "queued", "opens at 2026-11-24 18:00 UTC"), ("reject", "expired", "closed before")],
)
def test_the_window_is_judged_again_at_the_instant_of_dialling(
    serve: Serve, outside: str, status: str, told: str
) -> None:
    running = serve_window(serve, moment("2026-11-24T16:59:59Z"), OFFICE, outside=outside)
    call_id = running.client.call(ADA)
    running.clock.advance(seconds=1)  # noon in Washington
    running.until_quiet()
    call = running.client.show(call_id)
    assert (call["status"], call["dialed_at"]) == (status, None)
    assert told in call["history"][-1]["reason"]
    running.clock.now = moment("2026-11-24T18:00:00Z")
    running.until_quiet()
    assert running.client.show(call_id)["status"] == ("dialing" if outside == "queue" else "expired")


@pytest.mark.parametrize(
    ("number", "mode", "opens"),
    [
        (ADA, "lead", TUESDAY_NINE),
        (KATHERINE, "lead", "2026-11-24T09:00:00.000Z"),
        (KATHERINE, "fixed", TUESDAY_NINE),
        ("+88312345678", "lead", TUESDAY_NINE),  # no country's number: the fixed zone, never "call anyway"
    ],
)
def test_the_hour_is_the_leads_or_the_fixed_zones(serve: Serve, number: str, mode: str, opens: str) -> None:
    running = serve_window(serve, MONDAY_NIGHT, OFFICE | {"timezone_mode": mode})
    assert running.client.trigger({"phone_number": number}).json()["scheduled_for"] == opens


@pytest.mark.skipif(not CORPUS.exists(), reason="shared/ not here")
def test_every_zone_of_an_ambiguous_area_code_must_be_open(counted: Callable[[str, str], None]) -> None:
    rows = [row for row in map(json.loads, CORPUS.read_text().splitlines()) if len(row["tz"]) > 1]
    assert rows
    window = {"hours": {"mon-fri": ["09:00-18:00"]}, "timezone": "America/New_York"}
    for row in rows:
        zones = zones_to_open(CallingWindow.model_validate(window), row["sample"])
        assert set(zones) == set(row["tz"])
        found = opening(window, row["sample"], MONDAY_NIGHT)
        if found.at is None:  # toll-free: from Bermuda to Guam, never open everywhere at once
            assert len(zones) > 20
            continue
        assert all(9 <= found.at.astimezone(zone_of(zone)).hour < 18 for zone in zones), row
        just_before = (found.at - timedelta(seconds=1)).astimezone(zone_of(found.timezone))
        assert not 9 <= just_before.hour < 18, "the zone that is told is the one that was waited for"
    counted(
        "phone/nanp_timezones, ambiguous codes", f"{len(rows)} of {len(rows)} wait until all zones are open"
    )


def test_holidays_and_closed_dates_are_skipped(serve: Serve) -> None:
    window = OFFICE | {"holidays": ["US"], "closed_dates": ["2026-11-27"]}
    running = serve_window(serve, moment("2026-11-25T23:30:00Z"), window)  # the eve of Thanksgiving
    answer = running.client.trigger({"phone_number": ADA}).json()
    assert answer["scheduled_for"] == "2026-11-30T14:00:00.000Z"


def test_the_api_has_a_window_for_agents_without_one(serve: Serve) -> None:
    running = serve_window(serve, MONDAY_NIGHT, calling_window=OFFICE)
    assert running.client.trigger({"phone_number": ADA}).json()["scheduled_for"] == TUESDAY_NINE


def test_a_call_keeps_the_window_it_was_asked_for_under(serve: Serve) -> None:
    running = serve_window(serve, MONDAY_NIGHT, OFFICE)
    call_id = running.client.call(ADA)
    running.execute("UPDATE call_api.agents SET calling_window = NULL, name = 'Grace'")
    running.until_quiet()
    assert running.client.show(call_id)["status"] == "queued"
    assert running.client.show(call_id)["agent_name"] == "Lead Qualifier"


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-11-24T10:30:00-05:00", "2026-11-24T15:30:00.000Z"),  # within the window
        ("2026-11-24T12:30:00-05:00", "2026-11-24T18:00:00.000Z"),  # at lunch
        ("2026-11-23T12:00:00-05:00", TUESDAY_NINE),  # over: as soon as may be
    ],
)
def test_scheduled_at_is_honoured_within_the_window(serve: Serve, asked: str, due: str) -> None:
    running = serve_window(serve, MONDAY_NIGHT, OFFICE)
    answer = running.client.trigger({"phone_number": ADA, "scheduled_at": asked}).json()
    assert answer["scheduled_for"] == due


def test_scheduled_at_without_a_window(serve: Serve) -> None:
    running = serve_window(serve, MONDAY_NIGHT)
    at = "2026-11-24T03:00:00.000Z"
    asked = "2026-11-23T22:00:00-05:00"
    answer = running.client.trigger({"phone_number": ADA, "scheduled_at": asked}).json()
    assert (answer["scheduled_for"], answer["timezone"]) == (at, "UTC")
    running.until_quiet()
    call = running.client.show(answer["call_id"])
    assert (call["status"], call["history"][0]["reason"]) == ("queued", "scheduled for 2026-11-24 03:00 UTC")
    running.clock.now = moment(at)
    running.until_quiet()
    assert running.client.show(answer["call_id"])["status"] == "dialing"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scheduled_at": "tomorrow"}, "scheduled_at"),
        ({"scheduled_at": "2026-11-24T10:30:00"}, "scheduled_at"),
        ({"scheduled_at": 1795000000}, "scheduled_at"),
        ({"scheduled_at": "2028-01-01T00:00:00Z"}, "scheduled_at"),
        ({"scheduled_at": "2026-10-24T10:00:00Z"}, "scheduled_at"),
        ({"expires_at": "2026-11-24T01:00:00Z"}, "expires_at"),
        ({"expires_at": False}, "expires_at"),
    ],
)
def test_moments_that_cannot_be_are_refused(serve: Serve, fields: dict[str, Any], field: str) -> None:
    running = serve_window(serve, MONDAY_NIGHT)
    answer = running.client.trigger({"phone_number": ADA, **fields})
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["field"]) == ("invalid_field", field)
    assert answer.json()["error"].startswith(f"{field} must be a")


def test_a_call_that_would_expire_before_it_may_be_placed_is_refused(serve: Serve) -> None:
    running = serve_window(serve, MONDAY_NIGHT, OFFICE)
    answer = running.client.trigger({"phone_number": ADA, "expires_at": "2026-11-24T14:00:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (400, "expires_too_soon")
    assert answer.json()["next_window_at"] == TUESDAY_NINE


def test_a_call_still_waiting_when_it_expires_ends_as_expired(serve: Serve, receiver: Receiver) -> None:
    running = serve_window(
        serve,
        moment("2026-11-24T16:59:59Z"),
        OFFICE,
        expires_after_seconds=1800,
        allow_private_webhook_targets=True,
        webhooks=[{"url": receiver.url, "secret": SECRET}],
    )
    call_id = running.client.call(ADA)
    running.clock.advance(seconds=1)  # noon: put off to one o'clock, which is later than half an hour
    running.until_quiet()
    call = running.client.show(call_id)
    assert (call["status"], call["outcome"], call["dialed_at"]) == ("expired", "expired", None)
    assert "expire" in call["reason"]
    running.until_quiet()
    assert [b'"event":"call_ended"' in each.body for each in receiver.received] == [True]


def test_the_first_answer_comes_again_also_when_the_call_waits(serve: Serve) -> None:
    running = serve_window(serve, MONDAY_NIGHT, OFFICE)
    headers = {"Idempotency-Key": "ada-1"}
    first = running.client.trigger({"phone_number": ADA}, headers=headers)
    running.clock.now = moment("2026-11-24T15:00:00Z")
    again = running.client.trigger({"phone_number": ADA}, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert running.scalars("SELECT count(*) FROM call_api.calls") == [1]


class SlowCarrier(SimulatedCarrier):
    """Takes ten minutes for a dial."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.dialed_at: list[datetime] = []

    def place(self, call: Dial, now: datetime) -> Placed | Refused | Unknown:
        self.dialed_at.append(now)
        self.clock.advance(minutes=10)
        return super().place(call, now)


def test_calls_taken_together_are_judged_one_by_one(serve: Serve, clock: FakeClock) -> None:
    """The window closes while the calls before are being dialled."""
    carrier = SlowCarrier(clock)
    settings = {"carrier": carrier, "max_concurrent_calls": None}
    running = serve_window(serve, moment("2026-11-24T16:00:00Z"), OFFICE, **settings)
    ids = [running.client.call(ADA) for _ in range(40)]
    running.until_quiet()
    assert carrier.dialed_at
    assert max(carrier.dialed_at) < moment("2026-11-24T17:00:00Z")
    calls = [running.client.show(call_id) for call_id in ids]
    waiting = [call for call in calls if call["status"] == "queued"]
    assert len(waiting) == 40 - len(carrier.dialed_at)
    assert {(call["dialed_at"], call["scheduled_for"]) for call in waiting} == {
        (None, "2026-11-24T18:00:00.000Z")
    }
    running.clock.now = moment("2026-11-24T18:00:00Z")
    running.until_quiet()
    assert len(carrier.dialed_at) > 40 - len(waiting), "and dialled when it opens again"


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("expires_at", "9999-12-31T23:59:59-01:00", "at most two years ahead"),
        ("expires_at", "2029-12-01T00:00:00Z", "at most two years ahead"),
        ("expires_at", "1796000000000", "a moment with its offset"),
        ("scheduled_at", "1796000000", "a moment with its offset"),
        ("scheduled_at", "1796000000.5", "a moment with its offset"),
        ("scheduled_at", 1796000001, "a moment with its offset"),
        ("scheduled_at", "2026-11-30", "a moment with its offset"),
        ("scheduled_at", "2026-11-30T10:00:00", "a moment with its offset"),
    ],
)
def test_what_is_no_moment_or_too_far_is_refused_and_hinders_no_other_call(
    serve: Serve, field: str, value: object, wanted: str
) -> None:
    """A moment past the year 9999 once stood in the way of every later call."""
    running = serve_window(serve, MONDAY_NIGHT)
    answer = running.client.trigger({"phone_number": ADA, field: value})
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert wanted in answer.json()["error"]
    call_id = running.client.call(KATHERINE)
    running.until_quiet()
    assert running.client.show(call_id)["status"] != "queued"
