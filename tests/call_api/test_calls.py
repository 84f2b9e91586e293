"""GET /calls and GET /calls/{id}: what is found, page by page, and what is told of a call."""

import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from connector.call_api.listing import Place, Wanted, read_cursor, write_cursor
from connector.call_api.models.calls import CallShown, CallsPage
from connector.call_api.states import CallState
from tests.call_api.conftest import Running, Serve


def listed(running: Running, **query: Any) -> list[str]:
    answer = running.client.get("/calls", params=query)
    assert answer.status_code == 200, answer.text
    CallsPage.model_validate_json(answer.content)
    return [call["id"] for call in answer.json()["calls"]]


def add(running: Running, times: int = 1, **changes: Any) -> list[str]:
    """Calls, a second apart, with these columns; oldest first."""
    ids = []
    for _ in range(times):
        running.clock.advance(seconds=1)
        ids.append(running.client.call())
        if changes:
            sets = ", ".join(f"{name} = :{name}" for name in changes)
            running.execute(f"UPDATE call_api.calls SET {sets} WHERE id = :id", id=ids[-1], **changes)  # noqa: S608
    return ids


def agent_id(running: Running, name: str) -> str:
    (found,) = running.scalars("SELECT id::text FROM call_api.agents WHERE name = :name", name=name)
    return str(found)


def test_by_status_one_or_several(running: Running) -> None:
    failed, busy, done = (
        add(running, 3, state="failed"),
        add(running, 2, state="busy"),
        add(running, state="completed"),
    )
    assert listed(running, status="failed") == failed[::-1]
    assert listed(running, status="busy,failed") == (failed + busy)[::-1]
    assert listed(running, status="failed,failed,completed") == (failed + done)[::-1]
    assert listed(running, status="busy,failed", limit=3) == [*busy[::-1], failed[-1]]
    assert listed(running, status="unknown") == []
    assert listed(running, status=",".join(CallState)) == (failed + busy + done)[::-1]


def test_by_agent_id_or_name(running: Running) -> None:
    first = add(running, 2)
    running.execute("UPDATE call_api.agents SET phone_number = '+12025550102' WHERE name = 'Mute'")
    mute = agent_id(running, "Mute")
    running.clock.advance(seconds=1)
    second = running.client.call(agent_id=mute)
    assert listed(running, agent=mute) == [second]
    assert listed(running, agent=mute.upper()) == [second]
    assert listed(running, agent="Mute") == [second]
    assert listed(running, agent="Lead Qualifier") == first[::-1]
    assert (
        listed(running, agent="Nobody") == listed(running, agent="") == listed(running, agent=uuid4()) == []
    )
    running.execute(
        "UPDATE call_api.agents SET archived_at = now(), name = 'Lead Qualifier' WHERE name = 'Mute'"
    )
    assert listed(running, agent="Lead Qualifier") == [second, *first[::-1]]
    assert listed(running, agent="Lead Qualifier", status="queued,failed", limit=2) == [second, first[1]]


def test_by_number_and_direction(running: Running) -> None:
    one, other = running.client.call("+12025550101"), running.client.call("+12025550102")
    inbound = add(running, direction="inbound")
    assert listed(running, phone_number="+12025550102") == [other]
    assert listed(running, direction="inbound") == inbound
    assert listed(running, direction="outbound", phone_number="+12025550101") == [one]
    assert running.client.show(inbound[0])["direction"] == "inbound"


def test_by_time(running: Running) -> None:
    began = running.clock()
    ids = add(running, 4)  # 1 to 4 s later

    def at(seconds: float) -> str:
        return (began + timedelta(seconds=seconds)).isoformat()

    assert listed(running, since=at(2)) == ids[:0:-1]
    assert listed(running, until=at(2)) == ids[:1]  # `until` itself is not part of it
    assert listed(running, since=at(2), until=at(4)) == ids[2:0:-1]
    assert listed(running, since=at(4.5)) == listed(running, since=at(3), until=at(3)) == []
    there = (began + timedelta(seconds=3)).astimezone(ZoneInfo("Asia/Kolkata")).isoformat()
    assert listed(running, since=there) == ids[:1:-1]
    assert listed(running, since="0000-01-01T00:00:00Z", until="9999-12-31T23:59:59-23:59") == ids[::-1]
    assert listed(running, since=at(2).replace("T", "t").replace("+00:00", "z")) == ids[:0:-1]


def test_by_metadata_all_of_it(running: Running) -> None:
    body = '{"phone_number": "+12025550101", "metadata": {"deal_id": 9001, "who": "Ada", "hot": true, "x": 1.10}}'
    one = running.client.trigger(body).json()["call_id"]
    running.clock.advance(seconds=1)
    two = running.client.call(metadata={"deal_id": "9001", "who": "Grace", "list": ["a"], "a=b": "c"})
    assert listed(running, **{"metadata.deal_id": "9001"}) == [two, one]
    assert listed(running, **{"metadata.deal_id": "9001", "metadata.who": "Ada"}) == [one]
    assert listed(running, **{"metadata.hot": "true"}) == listed(running, **{"metadata.x": "1.10"}) == [one]
    assert listed(running, **{"metadata.x": "1.1"}) == listed(running, **{"metadata.list": "a"}) == []
    assert listed(running, **{"metadata.a=b": "c"}) == [two]


def test_all_filters_together(running: Running) -> None:
    wanted = running.client.call("+12025550105", metadata={"deal_id": "9"})
    running.client.call("+12025550105", metadata={"deal_id": "8"})
    found = listed(
        running,
        status="queued,dialing",
        agent="Lead Qualifier",
        phone_number="+12025550105",
        direction="outbound",
        since="2026-01-01T00:00:00Z",
        until="2100-01-01T00:00:00+05:30",
        **{"metadata.deal_id": "9"},
    )
    assert found == [wanted]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *[(f"status={text}", "status") for text in ("", "done", "queued,", ",", "queued, failed", "QUEUED")],
        *[(f"phone_number={text}", "phone_number") for text in ("", "1", "+12025550101", "%2B1202555010x")],
        *[(f"direction={text}", "direction") for text in ("", "out", "Inbound")],
        *[
            (f"{name}={text}", name)
            for name in ("since", "until")
            for text in (
                "",
                "yesterday",
                "1700000000",
                "2026-11-02",
                "2026-11-02T15:00:00",
                "2026-13-02T15:00:00Z",
            )
        ],
        ("since=2026-11-02T15:00:00+01:00", "since"),  # a + that was not written %2B arrives as a space
        *[(f"cursor={text}", "cursor") for text in ("", "x", "%C3%A9", "A" * 43, "A" * 999, "=", "....")],
        ("metadata.deal_id=" + "9" * 300, "metadata.deal_id"),
    ],
)
def test_400_names_what_is_wrong(running: Running, query: str, field: str) -> None:
    answer = running.client.get(f"/calls?{query}")
    assert answer.status_code == 400, answer.text
    assert (answer.json()["code"], answer.json()["field"]) == ("invalid_parameter", field)
    assert answer.json()["error"].startswith(f"{field} must be ")


def pages(running: Running, **query: Any) -> list[list[str]]:
    found, cursor = [], None
    while True:
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        answer = running.client.get("/calls", params={**query, **more}).json()
        found.append([call["id"] for call in answer["calls"]])
        cursor = answer["next_cursor"]
        if cursor is None:
            return found


def test_pages_follow_each_other_to_the_end(running: Running) -> None:
    ids = add(running, 7)
    assert pages(running, limit=3) == [ids[6:3:-1], ids[3:0:-1], ids[:1]]
    assert pages(running, limit=7) == [ids[::-1]]  # exactly full, and nothing follows
    assert pages(running, limit=1, status="queued,failed") == [[call_id] for call_id in ids[::-1]]
    assert pages(running, status="failed") == [[]]


def test_pages_hold_calls_of_the_same_instant_once_each(running: Running) -> None:
    ids = {running.client.call() for _ in range(9)}
    found = pages(running, limit=2)
    assert [len(page) for page in found] == [2, 2, 2, 2, 1]
    assert {call_id for page in found for call_id in page} == ids


def test_pages_do_not_shift_while_calls_arrive(running: Running) -> None:
    ids = add(running, 5)
    first = running.client.get("/calls?limit=2").json()
    add(running, 3)
    second = running.client.get("/calls", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    again = running.client.get("/calls", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [call["id"] for call in second["calls"]] == [ids[2], ids[1]]
    assert second == again
    assert len(listed(running, limit=100)) == 8


def test_a_cursor_that_was_changed_or_belongs_to_other_filters_is_400(running: Running) -> None:
    add(running, 3)
    cursor = running.client.get("/calls?limit=1&status=queued").json()["next_cursor"]
    for at in range(0, len(cursor), 5):
        changed = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
        answer = running.client.get(f"/calls?limit=1&status=queued&cursor={changed}")
        assert (answer.status_code, answer.json()["field"]) == (400, "cursor"), at
    for query in ("", "&status=failed", "&status=queued&direction=outbound", "&status=queued&metadata.a=b"):
        answer = running.client.get(f"/calls?limit=1{query}&cursor={cursor}")
        assert (answer.status_code, answer.json()["field"]) == (400, "cursor"), query
    assert running.client.get(f"/calls?limit=2&status=queued&cursor={cursor}").status_code == 200


def test_a_cursor_comes_back_as_the_place_it_was_made_of(running: Running) -> None:
    wanted = Wanted(states=(CallState.QUEUED,), since=running.clock(), pairs=("a=b",))
    place = Place(running.clock() + timedelta(microseconds=1), str(uuid4()))
    cursor = write_cursor(place, wanted)
    assert cursor == quote(cursor, safe="")
    assert read_cursor(cursor, wanted) == place
    assert read_cursor(cursor + "A", wanted) is None


def test_everything_is_told_of_a_call(serve: Serve) -> None:
    running = serve(simulated={"ring_seconds": 1, "talk_seconds": 2})
    call_id = running.client.call(
        "+12025550190", name="Ada", email="ada@example.com", metadata={"deal_id": "9001"}
    )
    waiting = running.client.get(f"/calls/{call_id}")
    CallShown.model_validate_json(waiting.content)
    created = waiting.json()["created_at"]
    assert waiting.json()["scheduled_for"] is None
    assert [waiting.json()[name] for name in ("dialed_at", "started_at", "ended_at", "outcome")] == [None] * 4
    running.execute(
        "UPDATE call_api.calls SET due_at = due_at + interval '2 h', timezone = 'America/New_York',"
        " expires_at = due_at + interval '1 d', variables = '{\"first_name\": \"Ada\"}'"
    )
    running.clock.advance(hours=2)
    for _ in range(4):
        running.api.place_calls()
        running.api.follow_calls()
        running.clock.advance(seconds=1)
    answer = running.client.get(f"/calls/{call_id}")
    CallShown.model_validate_json(answer.content)
    call = answer.json()
    assert call["scheduled_for"] == call["dialed_at"] != created
    assert call["timezone"] == "America/New_York"
    assert call["expires_at"][:10] > created[:10]
    assert call["variables"] == {"first_name": "Ada"}
    assert (call["provider"], call["provider_call_id"]) == ("simulated", f"sim_{call_id}")
    assert (call["status"], call["duration_seconds"], call["direction"]) == ("completed", 2.0, "outbound")
    assert [step["state"] for step in call["history"]] == ["queued", "dialing", "in-progress", "completed"]
    assert set(call) == set(CallShown.model_fields)
    listed_call = running.client.get("/calls").json()["calls"][0]
    assert {"success": True, **listed_call} == call


def test_a_call_that_did_not_wait_was_scheduled_for_nothing(running: Running) -> None:
    call_id = running.client.call()
    running.until_quiet()
    assert running.client.show(call_id)["scheduled_for"] is None


def test_a_call_whose_carrier_never_reports_is_shown_as_unknown(running: Running) -> None:
    call_id = running.client.call()
    running.execute(
        "UPDATE call_api.calls SET provider = 'gone', state = 'dialing', look_until = :now,"
        " dialed_at = :now, next_look_at = :now",
        now=running.clock(),
    )
    running.api.follow_calls()
    call = running.client.show(call_id)
    assert (call["status"], call["outcome"]) == ("unknown", "unknown")
    assert call["history"][-1]["reason"] == call["reason"]
    assert listed(running, status="unknown") == [call_id]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/calls?metadata=deal_id%3D1", "metadata must be written metadata.NAME=VALUE"),
        ("/calls?metadata.a=1&metadata%5Ba%5D=2", "metadata.a must be given once"),
        ("/calls?metadata%5Ba%5D=1&metadata.a=2", "metadata.a must be given once"),
        ("/agents?metadata.deal_id=1", "metadata.deal_id is not a parameter of this path"),
    ],
)
def test_metadata_that_would_filter_nothing_is_refused(running: Running, path: str, said: str) -> None:
    answer = running.client.get(path)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_a_field_is_not_found_by_the_name_of_another(running: Running) -> None:
    made = running.client.call(metadata={"a=b": "c"})
    found = {
        query: [each["id"] for each in running.client.get(f"/calls?{query}").json()["calls"]]
        for query in ("metadata.a=b%3Dc", "metadata.a%3Db=c")
    }
    assert found == {"metadata.a=b%3Dc": [], "metadata.a%3Db=c": [made]}


def test_many_fields_and_states_at_once_are_found_without_delay(running: Running) -> None:
    """A join of ten lists, eleven times, would take PostgreSQL minutes to plan."""
    many = {f"k{number}": str(number) for number in range(200)}
    whole = running.client.call(metadata=many)
    running.clock.advance(seconds=1)
    half = running.client.call(metadata={**many, "k150": "other"})
    running.client.call(metadata={"k0": "0"})
    query = {f"metadata.{name}": value for name, value in many.items()}
    began = time.monotonic()
    assert listed(running, **query, status=",".join(CallState), agent="Lead Qualifier") == [whole]
    assert listed(running, **query) == [whole]
    assert listed(running, **{**query, "metadata.k150": "other"}, status="queued,busy") == [half]
    assert listed(running, **{**query, "metadata.k150": "third"}) == []
    several = {name: query[name] for name in list(query)[:7]}
    assert listed(running, **several, limit=1) == [half]
    assert listed(running, **several, phone_number=running.client.show(whole)["to_number"]) == [half, whole]
    assert time.monotonic() - began < 10


def test_agents_of_one_name_are_all_looked_through(running: Running) -> None:
    for number in range(15):
        running.execute(
            "INSERT INTO call_api.agents (id, name, phone_number, is_default, created_at, archived_at)"
            " VALUES (gen_random_uuid(), 'Twin', '+12025550102', false, now(), now())"
        )
        twin = running.scalars("SELECT id::text FROM call_api.agents WHERE name = 'Twin' ORDER BY id")[number]
        add(running, agent_id=twin, state=("failed", "busy")[number % 2])
    for states, count in (("failed,busy", 15), ("failed", 8), (",".join(CallState), 15)):
        found = listed(running, agent="Twin", status=states)
        assert len(found) == count
        made = [running.client.show(call_id)["created_at"] for call_id in found]
        assert made == sorted(made, reverse=True)
