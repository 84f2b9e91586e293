"""`stagecall agents ...` as an operator types it."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.call_api.commands import Run, as_json, runner, write_configuration
from tests.call_api.test_agents import WINDOW


@pytest.fixture
def run(tmp_path: Path, engine: sa.Engine, database_url: str) -> Run:
    write_configuration(tmp_path)
    return runner(tmp_path, database_url)


@pytest.fixture
def window(tmp_path: Path) -> Path:
    file = tmp_path / "window.yaml"
    file.write_text(json.dumps(WINDOW))
    return file


def make(run: Run, name: str, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = as_json(run("agents", "create", "--name", name, *more, "--json"))
    return found


def test_an_agent_is_made_with_all_it_can_have(run: Run, window: Path) -> None:
    made = make(
        *(run, " Closer ", "--phone-number", "+12025550101", "--carrier", "simulated"),
        *("--carrier-agent-id", "agent_7d1e", "--variable", "first_name=name"),
        *("--variable", "plan=metadata.plan=x", "--calling-window", str(window), "--outside", "reject"),
        *("--expires-after-seconds", "3600", "--max-ring-seconds", "45", "--max-talk-seconds", "600"),
        "--default",
    )
    assert made == {
        "id": made["id"],
        "name": "Closer",
        "phone_number": "+12025550101",
        "carrier": "simulated",
        "carrier_agent_id": "agent_7d1e",
        "variables": {"first_name": "name", "plan": "metadata.plan=x"},
        "calling_window": WINDOW,
        "outside": "reject",
        "expires_after_seconds": 3600,
        "max_ring_seconds": 45,
        "max_talk_seconds": 600,
        "default": True,
        "archived": False,
        "created_at": made["created_at"],
        "archived_at": None,
    }
    assert as_json(run("agents", "list", "--json")) == [made]


def test_people_see_what_is_set(run: Run) -> None:
    made = make(run, "Closer", "--variable", "first_name=name")
    shown = f'id={made["id"]}  name=Closer  variables={{"first_name": "name"}}  outside=queue  created_at='
    assert run("agents", "list").output == f"{shown}{made['created_at']}\n"


def test_a_change_touches_only_what_it_names(run: Run, window: Path) -> None:
    made = make(run, "Closer", "--phone-number", "+12025550101", "--calling-window", str(window))
    changed = as_json(run("agents", "change", "Closer", "--max-ring-seconds", "20", "--json"))
    assert changed == {**made, "max_ring_seconds": 20}
    arguments = ("--clear", "calling_window", "--clear", "max_ring_seconds", "--name", "Second", "--json")
    cleared = as_json(run("agents", "change", made["id"], *arguments))
    assert cleared == {**made, "name": "Second", "calling_window": None}


def test_the_default_moves(run: Run) -> None:
    make(run, "First", "--default")
    make(run, "Second")
    assert as_json(run("agents", "default", "Second", "--json"))["default"] is True
    assert [agent["default"] for agent in as_json(run("agents", "list", "--json"))] == [False, True]


def test_an_agent_is_archived_and_comes_back(run: Run) -> None:
    made = make(run, "Closer", "--default")
    archived = as_json(run("agents", "archive", "Closer", "--json"))
    assert (archived["archived"], archived["default"]) == (True, False)
    assert as_json(run("agents", "list", "--json")) == []
    assert as_json(run("agents", "list", "--archived", "--json")) == [archived]
    make(run, "Closer")
    taken = run("agents", "archive", made["id"], "--undo")
    assert (taken.exit_code, 'an agent named "Closer" exists already' in taken.output) == (1, True)
    run("agents", "archive", "Closer")
    assert as_json(run("agents", "archive", made["id"], "--undo", "--json")) == {**made, "default": False}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["create", "--name", "Closer"], 'an agent named "Closer" exists already'),
        (["create", "--name", " "], "name must be 1 to 100 characters that are not only blanks"),
        (["create", "--name", "x", "--phone-number", "12"], "phone_number must be + and 7 to 15 digits"),
        (["create", "--name", "x", "--carrier", "pigeon"], '"pigeon" is not a carrier; there are: simulated'),
        (["create", "--name", "x", "--variable", "x"], '"x" is not a variable; write first_name=name'),
        (
            ["create", "--name", "x", "--variable", "x=y"],
            'the variable "x" comes from name, email or metadata',
        ),
        (["create", "--name", "x", "--max-ring-seconds", "4"], "max_ring_seconds must be at least 5"),
        (["create", "--name", "x", "--calling-window", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["change", "Nobody"], '"Nobody" is not the name or id of an agent; there are: Closer'),
        (["archive", "Nobody"], '"Nobody" is not the name or id of an agent; there are: Closer'),
        (["default", "Nobody"], '"Nobody" is not the name or id of an agent; there are: Closer'),
    ],
)
def test_mistakes_are_said_in_a_sentence(run: Run, arguments: list[str], sentence: str) -> None:
    made = make(run, "Closer")
    done = run("agents", *arguments)
    assert (done.exit_code, done.output.startswith("stagecall: ")) == (1, True)
    assert sentence in done.output
    assert as_json(run("agents", "list", "--json")) == [made]


def test_every_mistake_of_a_window_is_named_with_its_place(run: Run, window: Path) -> None:
    window.write_text('hours:\n  mon: ["9-17"]\nzone: lead\n')
    done = run("agents", "create", "--name", "x", "--calling-window", str(window))
    assert done.exit_code == 2
    assert f'{window}:1:1  hours  "9-17" is not a range of hours; write 09:00-17:00' in done.output
    assert f"{window}:3:1  zone  is not a setting" in done.output
    assert "timezone  is missing" in done.output
    assert "3 mistakes; nothing was done" in done.output


def test_a_window_in_stagecall_yaml_is_checked_with_its_place(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "stagecall.yaml"
    text = file.read_text().replace("call_api: {}\n", "")
    file.write_text(
        text + "call_api:\n"
        "  calling_window: {hours: {mon: [9-17]}, timezone: Europe/London}\n"
        "  agents:\n"
        "    - name: Closer\n"
        "      calling_window: {hours: {mon: ['09:00-17:00']}, timezone: Europe/London, zone: lead}\n"
    )
    done = run("agents", "list")
    assert done.exit_code == 2
    assert ":5:20  call_api.calling_window.hours  " in done.output
    assert '"9-17" is not a range of hours; write 09:00-17:00' in done.output
    assert ":8:80  call_api.agents[0].calling_window.zone  is not a setting" in done.output
