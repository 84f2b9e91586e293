"""Agents: made, changed, archived, and what of all that a trigger sees."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from connector.call_api import keys
from connector.call_api.models.agents import Agents, OneAgent
from connector.call_api.models.windows import CallingWindow
from connector.call_client import CallClient
from connector.policy.windows import next_open
from tests.call_api.conftest import Client, Running, Serve

WINDOW = {
    "hours": {"mon-fri": ["09:00-12:00", "13:00-18:00"], "sat": ["10:00-14:00"]},
    "timezone_mode": "lead",
    "timezone": "America/New_York",
    "holidays": ["US"],
    "closed_dates": ["2026-12-24"],
}
EVERYTHING = {
    "name": "Closer",
    "phone_number": "+442079460000",
    "carrier": "simulated",
    "carrier_agent_id": "agent_7d1e",
    "variables": {"first_name": "name", "address": "email", "product": "metadata.product.name"},
    "calling_window": WINDOW,
    "outside": "reject",
    "expires_after_seconds": 3600,
    "max_ring_seconds": 45,
    "max_talk_seconds": 600,
    "default": False,
}
BLANK: dict[str, object] = {
    "phone_number": None,
    "carrier": None,
    "carrier_agent_id": None,
    "variables": {},
    "calling_window": None,
    "outside": "queue",
    "expires_after_seconds": None,
    "max_ring_seconds": None,
    "max_talk_seconds": None,
    "default": False,
    "archived": False,
    "archived_at": None,
}


@pytest.fixture
def admin(running: Running) -> Client:
    """Who may change agents."""
    with running.api.engine.begin() as conn:
        scopes: list[keys.Scope] = ["trigger", "read", "admin"]
        key = keys.create_key(conn, "admin", scopes=scopes, now=running.clock())
    return Client(running.client.url, key.key)


def make(client: Client, **fields: object) -> dict[str, Any]:
    answer = client.request("POST", "/agents", json=fields)
    assert answer.status_code == 201, answer.text
    OneAgent.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


def change(client: Client, agent: dict[str, Any], **fields: object) -> requests.Response:
    answer = client.request("PATCH", f"/agents/{agent['id']}", json=fields)
    if answer.ok:
        OneAgent.model_validate_json(answer.content)
    return answer


def names(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"/agents{query}")
    Agents.model_validate_json(answer.content)
    return [agent["name"] for agent in answer.json()["agents"]]


def default(client: Client) -> str | None:
    found: str | None = client.get("/account").json()["default_agent"]
    return found


def test_an_agent_is_kept_as_it_was_given(admin: Client) -> None:
    made = make(admin, **EVERYTHING)
    assert {name: made[name] for name in EVERYTHING} == EVERYTHING
    assert (made["success"], made["archived"], made["archived_at"]) == (True, False, None)
    assert admin.get(f"/agents/{made['id']}").json() == made
    listed = {agent["name"]: agent for agent in admin.get("/agents").json()["agents"]}
    assert list(listed) == ["Closer", "Lead Qualifier", "Mute"]
    assert {"success": True, **listed["Closer"]} == made


def test_only_a_name_is_needed_and_it_is_trimmed(admin: Client) -> None:
    made = make(admin, name="  Closer\n", voice="unknown fields are ignored")
    assert made == {**made, **BLANK, "name": "Closer"}
    assert set(made) == {"success", "id", "name", "created_at", *BLANK}


def test_a_change_touches_only_what_it_names(admin: Client) -> None:
    made = make(admin, **EVERYTHING)
    for name, value in {"name": "Other", "variables": {}, "outside": "queue", "max_ring_seconds": 5}.items():
        answer = change(admin, made, **{name: value})
        assert answer.json() == {**made, name: value}
        made = answer.json()
    assert change(admin, made).json() == made


@pytest.mark.parametrize(
    "name",
    [
        *("phone_number", "carrier", "carrier_agent_id", "calling_window"),
        *("expires_after_seconds", "max_ring_seconds", "max_talk_seconds"),
    ],
)
def test_null_clears(admin: Client, name: str) -> None:
    made = make(admin, **EVERYTHING)
    assert change(admin, made, **{name: None}).json() == {**made, name: None}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"name": " "}, "name", "name must be 1 to 100 characters that are not only blanks"),
    ({"name": "x" * 101}, "name", "name must be 1 to 100 characters that are not only blanks"),
    ({"name": None}, "name", "name must be a string"),
    ({"phone_number": "2025550100"}, "phone_number", "must be + and 7 to 15 digits"),
    ({"carrier": "pigeon"}, "carrier", "carrier must be one of: simulated"),
    ({"carrier_agent_id": ""}, "carrier_agent_id", "must be 1 to 200 characters"),
    ({"variables": None}, "variables", "variables must be an object"),
    ({"variables": {"x": 5}}, "variables.x", "variables.x must be a string"),
    (
        {"variables": {"x": "phone"}},
        "variables",
        'variables: the variable "x" comes from name, email or metadata.KEY, not from "phone"',
    ),
    ({"variables": {"x": "metadata."}}, "variables", "name, email or metadata.KEY"),
    ({"variables": {"": "name"}}, "variables", "a variable's name has 1 to 100 characters, not 0"),
    (
        {"variables": {f"v{n}": "name" for n in range(51)}},
        "variables",
        "variables must be 50 variables at most, not 51",
    ),
    ({"outside": "ignore"}, "outside", "outside must be 'queue' or 'reject'"),
    ({"outside": None}, "outside", "outside must be 'queue' or 'reject'"),
    ({"expires_after_seconds": 0}, "expires_after_seconds", "at least 1"),
    ({"max_ring_seconds": 4}, "max_ring_seconds", "at least 5"),
    ({"max_ring_seconds": 301}, "max_ring_seconds", "at most 300"),
    ({"max_ring_seconds": "45"}, "max_ring_seconds", "must be a whole number"),
    ({"max_talk_seconds": 9}, "max_talk_seconds", "at least 10"),
    ({"max_talk_seconds": 14401}, "max_talk_seconds", "at most 14400"),
    ({"default": "yes"}, "default", "default must be true or false"),
    ({"calling_window": {"hours": WINDOW["hours"]}}, "calling_window.timezone", "must be given"),
    (
        {"calling_window": {**WINDOW, "hours": {"mon": ["9-17"]}}},
        "calling_window.hours",
        'calling_window.hours: "9-17" is not a range of hours; write 09:00-17:00',
    ),
    ({"calling_window": {**WINDOW, "hours": {}}}, "calling_window.hours", "no hours are given"),
    ({"calling_window": {**WINDOW, "hours": {"mon": "09:00-17:00"}}}, "calling_window.hours.mon", "a list"),
    (
        {"calling_window": {**WINDOW, "hours": {"mon": ["09:00-17:00"] * 100}}},
        "calling_window.hours",
        "must be 100 days and ranges at most",
    ),
    ({"calling_window": {**WINDOW, "timezone": "New York"}}, "calling_window.timezone", "America/New_York"),
    ({"calling_window": {**WINDOW, "timezone_mode": "both"}}, "calling_window.timezone_mode", "'lead'"),
    ({"calling_window": {**WINDOW, "holidays": ["XX"]}}, "calling_window.holidays", "country code"),
    ({"calling_window": {**WINDOW, "closed_dates": ["2026-W52-4"]}}, "calling_window.closed_dates", "2026-12-24"),
    ({"calling_window": {**WINDOW, "closed_dates": ["2026-02-30"]}}, "calling_window.closed_dates", "2026-12-24"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "field", "text"), WRONG)
def test_400_names_the_field_and_what_would_be_right(
    admin: Client, fields: dict[str, Any], field: str, text: str
) -> None:
    made = make(admin, **EVERYTHING)
    new = admin.request("POST", "/agents", json={"name": "New", **fields})
    for answer in (new, change(admin, made, **fields)):
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_field"), answer.text
        assert answer.json()["field"] == field
        assert text in answer.json()["error"]
    assert admin.get(f"/agents/{made['id']}").json() == made
    assert "New" not in names(admin)


def test_names_are_unique_among_those_that_are_not_archived(admin: Client) -> None:
    first = make(admin, name="Closer")
    for answer in (
        admin.request("POST", "/agents", json={"name": " Closer "}),
        change(admin, make(admin, name="Other"), name="Closer"),
    ):
        assert answer.status_code == 409
        assert answer.json() == {
            "success": False,
            "error": "Another agent has this name",
            "code": "agent_name_taken",
            "field": "name",
        }
    assert change(admin, first, name="Closer").status_code == 200
    change(admin, first, archived=True)
    second = make(admin, name="Closer")
    assert change(admin, first, archived=False).json()["code"] == "agent_name_taken"
    assert change(admin, second, name="Second").status_code == 200
    assert change(admin, first, archived=False).json()["archived"] is False


def test_one_of_twenty_that_ask_at_once_gets_the_name_and_all_can_move_the_default(admin: Client) -> None:
    with ThreadPoolExecutor(20) as threads:
        answers = list(
            threads.map(lambda _: admin.request("POST", "/agents", json={"name": "Closer"}), range(20))
        )
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
        body = [{"name": f"Agent {n}", "default": True} for n in range(20)]
        answers = list(threads.map(lambda each: admin.request("POST", "/agents", json=each), body))
    assert {answer.status_code for answer in answers} == {201}
    assert sum(agent["default"] for agent in admin.get("/agents").json()["agents"]) == 1


def test_the_default_moves_and_does_not_just_stop(admin: Client) -> None:
    assert default(admin) == "Lead Qualifier"
    closer = make(admin, name="Closer", default=True)
    assert default(admin) == "Closer"
    other = make(admin, name="Other")
    assert change(admin, other, default=False).status_code == 200
    refused = change(admin, closer, default=False)
    assert (refused.status_code, refused.json()["code"]) == (409, "default_agent_stays")
    assert default(admin) == "Closer"
    assert change(admin, other, default=True).json()["default"] is True
    assert change(admin, closer, default=False).status_code == 200
    assert default(admin) == "Other"


def test_an_archived_agent_is_not_triggered_and_not_the_default(running: Running, admin: Client) -> None:
    closer = make(admin, name="Closer", phone_number="+12025550101", default=True)
    waiting = admin.call("+12025550190", agent_id=closer["id"])
    gone = change(admin, closer, archived=True).json()
    assert (gone["archived"], gone["default"]) == (True, False)
    assert gone["archived_at"] is not None
    assert default(admin) is None
    refused = admin.trigger({"phone_number": "+12025550190", "agent_id": closer["id"]})
    assert (refused.status_code, refused.json()["error"]) == (400, "Agent not found")
    nobody = admin.trigger({"phone_number": "+12025550190"})
    assert nobody.json()["error"] == "No agent specified and no default agent configured"
    running.api.place_calls()
    assert admin.show(waiting)["status"] == "dialing"  # what was accepted goes out
    assert admin.show(waiting)["agent_name"] == "Closer"
    assert names(admin) == ["Lead Qualifier", "Mute"]
    assert names(admin, "?archived=true") == ["Closer"]
    assert admin.get(f"/agents/{closer['id']}").json() == gone
    assert admin.get("/account").json()["agents"] == {"active": 2, "archived": 1}


def test_an_archived_agent_comes_back(running: Running, admin: Client) -> None:
    closer = make(admin, name="Closer", phone_number="+12025550101")
    change(admin, closer, archived=True)
    running.clock.advance(hours=1)
    again = change(admin, closer, archived=True, max_ring_seconds=30).json()
    assert again["archived_at"] == closer["created_at"]  # when it was first archived
    refused = change(admin, closer, default=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "agent_archived")
    assert change(admin, closer, archived=True, default=True).json()["code"] == "agent_archived"
    back = change(admin, closer, archived=False, default=True).json()
    assert back == {**closer, "max_ring_seconds": 30, "default": True}
    assert admin.call(agent_id=closer["id"])


@pytest.mark.parametrize("unknown", ["nobody", "5b1d0c52-3a37-4f0e-8f2c-7a3c0d9be001"])
def test_404_for_an_unknown_agent(admin: Client, unknown: str) -> None:
    for answer in (admin.get(f"/agents/{unknown}"), change(admin, {"id": unknown}, name="X")):
        assert answer.status_code == 404
        assert answer.json() == {"success": False, "error": "Agent not found", "code": "not_found"}


def test_writing_needs_the_scope_admin(running: Running, admin: Client) -> None:
    made = make(admin, name="Closer")
    for answer in (
        running.client.request("POST", "/agents", json={"name": "X"}),
        change(running.client, made, name="X"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
        assert answer.json()["error"].endswith("it needs the scope admin")
    assert running.client.get(f"/agents/{made['id']}").json() == made


def test_the_connector_finds_agents_by_name(running: Running, admin: Client) -> None:
    closer = make(admin, name="Closer")
    change(admin, make(admin, name="Old"), archived=True)
    client = CallClient(running.client.url.removesuffix("/api/v1"), running.client.key or "")
    assert client.agent_names() == {"Closer", "Lead Qualifier", "Mute"}
    assert client.agent_id("Closer") == closer["id"]


def test_the_configuration_changes_what_it_names_and_leaves_the_rest(serve: Serve) -> None:
    def agents(*configured: dict[str, Any]) -> dict[str, dict[str, Any]]:
        listed = serve(agents=configured).client.get("/agents").json()["agents"]
        return {agent["name"]: agent for agent in listed}

    first = agents(EVERYTHING)["Closer"]
    assert {name: first[name] for name in EVERYTHING} == EVERYTHING
    assert agents({"name": "Closer"})["Closer"] == first
    changed = agents({"name": "Closer", "calling_window": None, "default": True})["Closer"]
    assert changed == {**first, "calling_window": None, "default": True}
    both = agents({"name": "Closer"}, {"name": "Other", "default": True})
    assert [both["Closer"]["default"], both["Other"]["default"]] == [False, True]
    assert agents({"name": "Other", "default": False})["Other"]["default"] is True  # never taken away


def test_a_configured_agent_that_a_person_archived_stays_archived(running: Running, admin: Client) -> None:
    mute = next(agent for agent in admin.get("/agents").json()["agents"] if agent["name"] == "Mute")
    change(admin, mute, archived=True)
    running.api.apply_settings()
    assert names(admin) == ["Lead Qualifier"]
    assert names(admin, "?archived=true") == ["Mute"]


def test_a_window_is_judged_as_it_was_written() -> None:
    window = CallingWindow.model_validate(WINDOW).window()
    thanksgiving = datetime(2026, 11, 26, 15, tzinfo=UTC)
    assert next_open(window, thanksgiving, ["America/New_York"]) == datetime(2026, 11, 27, 14, tzinfo=UTC)
    christmas_eve = datetime(2026, 12, 24, 15, tzinfo=UTC)
    assert next_open(window, christmas_eve, ["America/New_York"]) == datetime(2026, 12, 26, 15, tzinfo=UTC)
