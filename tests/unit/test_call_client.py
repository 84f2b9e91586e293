"""The trigger request as it goes out, and what each answer to it means."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import responses

from connector.call_client import CallClient, Doubtful, Later, Placed, Refused
from connector.model import TriggerRequest

URL = "https://calls.example.com"
TRIGGER = f"{URL}/api/v1/calls/trigger"
AGENT = "5b1d0c52-3a37-4f0e-8f2c-7a3c0d9be001"
DISPATCH = "0d6c4c1e-7f0a-4a53-9a55-0b7d1c2f6a11"
NOW = datetime(2026, 12, 7, 15, 0, tzinfo=UTC)
ADA = TriggerRequest(
    "+12025550147", AGENT, "Ada Lovelace", "ada@example.com", {"amount": 4800, "stage": "Début"}
)


def client(**more: Any) -> CallClient:
    return CallClient(URL, "bvai_sk_x", clock=lambda: NOW, **more)


def sent(crm: responses.RequestsMock) -> requests.PreparedRequest:
    (call,) = crm.calls
    request: requests.PreparedRequest = call.request
    return request


def test_the_trigger_request_is_as_the_contract_says() -> None:
    with responses.RequestsMock() as api:
        api.post(TRIGGER, json={"success": True, "call_id": "c1", "status": "initiated"})
        assert client().trigger(ADA, DISPATCH) == Placed("c1")
        request = sent(api)
    assert request.headers["Authorization"] == "Bearer bvai_sk_x"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"] == DISPATCH
    assert json.loads(request.body or b"") == {
        "phone_number": "+12025550147",
        "agent_id": AGENT,
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "metadata": {"amount": 4800, "stage": "Début", "dispatch_id": DISPATCH},
    }


def test_what_is_not_known_is_left_out_and_nothing_the_contract_lacks_is_sent() -> None:
    expiring = TriggerRequest("+12025550147", expires_at=NOW + timedelta(hours=1))
    bodies = []
    for takes_expiry in (False, True):
        with responses.RequestsMock() as api:
            api.post(TRIGGER, json={"call_id": "c1"})
            client(takes_expiry=takes_expiry).trigger(expiring, DISPATCH)
            bodies.append(json.loads(sent(api).body or b""))
    own = {"phone_number": "+12025550147", "metadata": {"dispatch_id": DISPATCH}}
    assert bodies == [own, {**own, "expires_at": "2026-12-07T16:00:00+00:00"}]


@pytest.mark.parametrize(
    "number",
    ["2025550147", "+1 202 555 0147", "+0 1", "+12025550147\n", "", "+" + "\N{FULLWIDTH DIGIT ONE}" * 11],
)
def test_what_is_not_e164_is_never_sent(number: str) -> None:
    with responses.RequestsMock():
        assert isinstance(client().trigger(TriggerRequest(number), DISPATCH), Refused)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        ({"status": 200, "json": {"success": True}}, Doubtful("the call API answered 200 without a call_id")),
        ({"status": 200, "body": "<html>"}, Doubtful("the call API answered 200 without a call_id")),
        (
            {"status": 400, "json": {"error": "Agent not found"}},
            Refused("refused", "the call API refused the request: Agent not found"),
        ),
        (
            {"status": 429, "json": {"error": "x"}, "headers": {"Retry-After": "12"}},
            Later("rate_limited", "the call API's rate limit is reached", timedelta(seconds=12)),
        ),
        (
            {"status": 429, "body": "", "headers": {"Retry-After": "Mon, 07 Dec 2026 15:01:00 GMT"}},
            Later("rate_limited", "the call API's rate limit is reached", timedelta(minutes=1)),
        ),
        (
            {"status": 400, "json": {"error": "no", "code": "outside_calling_window", "next_window_at": "2026-12-07T17:00:00Z"}},
            Later("outside_agent_window", "the call API places no call at this hour: no", timedelta(hours=2)),
        ),
        (
            {"status": 503, "json": {"error": "restarting"}, "headers": {"Retry-After": "5"}},
            Later("call_api_unavailable", "the call API is unavailable: restarting", timedelta(seconds=5)),
        ),
        ({"status": 500, "json": {"error": "oops"}}, Doubtful("the call API answered 500: oops")),
        ({"status": 409, "json": {"error": "in use"}}, Doubtful("the call API answered 409: in use")),
        ({"body": requests.ReadTimeout("slow")}, Doubtful("no answer came to the trigger request: ReadTimeout")),
        (
            {"body": requests.ConnectTimeout("nobody")},
            Later("call_api_unavailable", f"the call API cannot be reached at {URL}"),
        ),
    ],
)  # fmt: skip
def test_an_answer_has_one_meaning_and_is_asked_for_once(answer: dict[str, Any], meaning: object) -> None:
    with responses.RequestsMock() as api:
        api.post(TRIGGER, **answer)
        assert client().trigger(ADA, DISPATCH) == meaning
        assert len(api.calls) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 403, 404, 405])
def test_a_redirect_or_refused_key_is_no_call_and_waits_for_a_person(status: int) -> None:
    with responses.RequestsMock() as api:
        api.post(TRIGGER, status=status, headers={"Location": "https://elsewhere.example.com/"})
        found = client().trigger(ADA, DISPATCH)
        assert len(api.calls) == 1
    assert isinstance(found, Later)
    assert "a person must set calls.api_" in found.reason
