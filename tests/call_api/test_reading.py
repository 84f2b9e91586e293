"""What can be read: calls, agents, the key; and metadata to the digit."""

import pytest

from connector.call_api import keys
from tests.call_api.conftest import Running

EXACT = '{"a":1.10,"b":1e400,"c":12345678901234567890123,"d":-0,"é":"\\u00e9\U0001f600", "d" : [ ]}'


def test_a_call_tells_everything_known(running: Running) -> None:
    call_id = running.client.call("+12025550190", name="Ada", email="ada@example.com")
    running.until_quiet()
    running.clock.advance(seconds=1)
    running.until_quiet()
    running.clock.advance(seconds=2)
    running.until_quiet()
    call = running.client.show(call_id)
    at = running.clock()
    assert call["success"] is True
    assert (call["id"], call["call_id"], call["status"], call["outcome"]) == (
        call_id,
        call_id,
        "completed",
        "answered",
    )
    assert (call["from_number"], call["to_number"]) == ("+12025550100", "+12025550190")
    assert (call["name"], call["email"], call["metadata"]) == ("Ada", "ada@example.com", {})
    assert call["duration_seconds"] == 2.0
    assert call["ended_at"] == at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert call["transcript"].startswith("Agent: Hello Ada, this is Lead Qualifier.")
    assert call["transcript_turns"][1] == {"role": "user", "content": "Yes, go ahead."}
    assert call["summary"].startswith("Ada would like")
    assert (call["sentiment"], call["recording_url"], call["cost_cents"]) == ("positive", None, 0.0)
    assert (call["provider"], call["provider_call_id"]) == ("simulated", f"sim_{call_id}")
    assert [step["state"] for step in call["history"]] == ["queued", "dialing", "in-progress", "completed"]


def test_metadata_is_returned_exactly_as_sent(running: Running) -> None:
    answer = running.client.trigger('{"phone_number": "+12025550101", "metadata": ' + EXACT + "}")
    call_id = answer.json()["call_id"]
    assert f'"metadata":{EXACT},'.encode() in running.client.get(f"/calls/{call_id}").content
    assert f'"metadata":{EXACT},'.encode() in running.client.get("/calls").content


@pytest.mark.parametrize(
    "call_id",
    ["00000000-0000-0000-0000-000000000000", "not-a-call", "%00" * 8, "%ff" * 8, "'" * 8, "1" * 500],
)
def test_404_for_a_call_nobody_knows(running: Running, call_id: str) -> None:
    answer = running.client.get(f"/calls/{call_id}")
    assert answer.status_code == 404
    assert answer.json() == {"success": False, "error": "Call not found", "code": "not_found"}


def test_calls_are_found_by_dispatch_newest_first(running: Running) -> None:
    ids: list[str] = []
    for dispatch in ("one", "two", "one"):
        ids.append(running.client.call(metadata={"dispatch_id": dispatch, "n": len(ids)}))
        running.clock.advance(seconds=1)
    found = running.client.get("/calls", params={"metadata.dispatch_id": "one"}).json()
    assert found["success"] is True
    assert [call["id"] for call in found["calls"]] == [ids[2], ids[0]]
    assert {"success": True, **found["calls"][1]} == running.client.show(ids[0])
    assert [call["id"] for call in running.client.get("/calls?limit=2").json()["calls"]] == [ids[2], ids[1]]
    assert running.client.get("/calls?metadata.dispatch_id=three").json()["calls"] == []
    assert running.client.get("/calls?metadata.dispatch_id=").json()["calls"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *(("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("limit=%D9%A3", "limit")),
        ("metadata.dispatch_id=%00", "metadata.dispatch_id"),
    ],
)
def test_400_for_a_query_that_cannot_be_answered(running: Running, query: str, field: str) -> None:
    answer = running.client.get(f"/calls?{query}")
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["field"]) == ("invalid_parameter", field)


def test_agents_are_listed_by_name(running: Running) -> None:
    agents = running.client.get("/agents").json()
    assert agents["success"] is True
    assert [(a["name"], a["phone_number"], a["default"]) for a in agents["agents"]] == [
        ("Lead Qualifier", "+12025550100", True),
        ("Mute", None, False),
    ]


@pytest.mark.parametrize("path", ["/calls", "/calls/not-a-call", "/agents", "/auth/verify"])
def test_nothing_is_read_without_a_key_or_with_access_off(running: Running, path: str) -> None:
    with running.api.engine.begin() as conn:
        keys.set_access(conn, "tests", enabled=False)
    assert running.client.get(path).status_code == 403
    running.client.key = None
    assert running.client.get(path).status_code == 401
