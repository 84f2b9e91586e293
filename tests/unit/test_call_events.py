"""Call events: genuine or not, and what they say."""

import base64
import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from connector import call_events
from connector.errors import InvalidSignature, MalformedDelivery
from connector.model import Outcome, Request

SHARED = Path(__file__).resolve().parents[3] / "shared"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
BODY = b'{"event":"call_ended","call_id":"f9"}'


def _request(headers: dict[str, str], body: bytes = BODY, now: datetime = NOW) -> Request:
    lowered = {name.lower(): value for name, value in headers.items()}
    return Request("POST", "http://127.0.0.1/hooks/calls/sales", lowered, body, now)


def _signed(body: bytes = BODY, sent_at: datetime = NOW) -> dict[str, str]:
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", sent_at, body.decode()),
    }


def test_a_genuine_event_is_accepted() -> None:
    call_events.verify(_request(_signed()), SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**_signed(), "webhook-signature": "v1,AAAA"},
        {**_signed(), "webhook-signature": "é\udcff"},
        {**_signed(), "webhook-id": "msg_2"},
        {**_signed(), "webhook-timestamp": "9" * 400},
        {**_signed(), "webhook-timestamp": "-5"},
        {name: value for name, value in _signed().items() if name != "webhook-timestamp"},
        _signed(sent_at=NOW - timedelta(minutes=6)),
        _signed(sent_at=NOW + timedelta(minutes=6)),
        _signed(body=b'{"event":"call_ended","call_id":"f8"}'),
    ],
)
def test_a_doubtful_event_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidSignature):
        call_events.verify(_request(headers), SECRET)


def test_the_hosted_services_own_signature_is_accepted() -> None:
    """The vector of the contract, section 5.5."""
    now = datetime.fromtimestamp(1_760_000_000, UTC)
    signature = "668016ee4bf8cb10fc141d2f2eb46da3775d480fb8923bd45ffc81fd3031cbf5"
    headers = {"X-Prosody-Signature": signature, "X-Prosody-Timestamp": "1760000000"}
    call_events.verify(_request(headers, now=now), "whsec_test")
    with pytest.raises(InvalidSignature):
        call_events.verify(_request(headers, BODY + b" ", now=now), "whsec_test")


def test_every_published_standard_webhooks_row_is_judged_right(counted: Callable[[str, str], None]) -> None:
    file = SHARED / "corpora/signatures/standard_webhooks.jsonl"
    if not file.exists():
        pytest.skip("shared/ not here")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    wrong = []
    for row in rows:
        now = datetime.fromtimestamp(row["now"], UTC)
        request = _request(row["headers"], base64.b64decode(row["body_b64"]), now)
        try:
            call_events.verify_any(request, row["secrets"])
            verdict = "accept"
        except InvalidSignature:
            verdict = "reject"
        if verdict != row["expect"]:
            wrong.append((row["id"], row["why"], verdict))
    counted("signatures/standard_webhooks", f"{len(rows) - len(wrong)} of {len(rows)}")
    assert not wrong, f"{len(wrong)} of {len(rows)} wrong: {wrong[:5]}"


def test_the_flat_payload_is_read() -> None:
    body = {
        "event": "call_ended",
        "call_id": "c1",
        "status": "completed",
        "duration_seconds": 127,
        "started_at": "2026-11-02T15:00:04.000Z",
        "summary": "Ada asked for a demo.",
        "metadata": {"dispatch_id": "d1", "n": 1.10},
        "outcome": "voicemail",
    }
    event = call_events.parse(json.dumps(body).encode())
    assert event.ended
    assert event.dispatch_id == "d1"
    assert event.result.outcome is Outcome.VOICEMAIL
    assert event.result.started_at == datetime(2026, 11, 2, 15, 0, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"event": "call_ended", "status": "completed"}, Outcome.ANSWERED),
        ({"event": "call_ended", "status": "no-answer"}, Outcome.NO_ANSWER),
        ({"event": "call_ended", "status": "failed"}, Outcome.FAILED),
        ({"event": "call_ended", "status": "teleported"}, Outcome.UNKNOWN),
        ({"event": "call_ended"}, Outcome.UNKNOWN),
        ({"event": "call.completed"}, Outcome.ANSWERED),
        ({"event": "call.failed"}, Outcome.FAILED),
    ],
)
def test_every_status_has_an_outcome(body: dict[str, str], outcome: Outcome) -> None:
    assert call_events.parse(json.dumps({**body, "call_id": "c"}).encode()).result.outcome is outcome


def test_the_older_payloads_turns_become_lines() -> None:
    turns = [{"role": "agent", "content": "Hello"}, {"role": "human", "content": "Hi"}]
    body = {"event": "call.completed", "call_id": "c", "transcript": turns}
    assert call_events.parse(json.dumps(body).encode()).result.transcript == "Agent: Hello\nUser: Hi"


@given(
    st.binary()
    | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(
        lambda value: json.dumps({"event": "call_ended", "call_id": value, "metadata": value}).encode()
    )
)
def test_no_body_is_more_than_malformed(body: bytes) -> None:
    with contextlib.suppress(MalformedDelivery):
        call_events.parse(body)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"opt_out": True}, "opt_out"),
        ({"opt_out": "true"}, "opt_out"),
        ({"disposition": "DO_NOT_CONTACT"}, "do_not_contact"),
        ({"disconnection_reason": "user_requested_dnc"}, "user_requested_dnc"),
        ({"disposition": "Do-not-call"}, "do_not_call"),
        ({"metadata": {"opt_out": True}}, "opt_out"),
        ({"metadata": {"disposition": "DNC"}}, "dnc"),
        ({"outcome": "answered", "opt_out": False}, None),
        ({"disposition": "user_requested_callback"}, None),
        ({"metadata": {"status": "dnc"}}, None),  # a field of the CRM that a rule has sent along
        ({}, None),
    ],
)
def test_a_wish_for_no_more_calls_is_heard(said: dict[str, object], word: str | None) -> None:
    body = json.dumps({"event": "call_ended", "call_id": "f9", **said}).encode()
    assert call_events.parse(body).result.opt_out == word


def test_a_wish_is_heard_at_the_end_only() -> None:
    body = b'{"event":"call_started","call_id":"f9","opt_out":true}'
    assert call_events.parse(body).result.opt_out is None
