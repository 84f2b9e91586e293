"""`stagecall serve`, `work` and the other commands, as an operator uses them."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from connector.embedded import EmbeddedServer
from tests.faults.conftest import RULES, Serve, Served, free_port, until


def _call_one(served: Served) -> None:
    """A deal enters the stage; its outcome comes to stand on it."""
    (deal,) = served.hubspot.create_deals(1)
    served.hubspot.move_deals([deal], "Demo requested")
    until(lambda: served.hubspot.deal(deal).get("ai_call_status") == "answered", 40, served.log())


def test_commands_work_beside_a_running_server_and_sigterm_exits_0(serve: Serve) -> None:
    served = serve()
    served.start()
    key = json.loads(served.stagecall("keys", "create", "--name", "script", "--json").stdout)
    agent = json.loads(
        served.stagecall(
            "agents", "create", "--name", "Closer", "--phone-number", "+12025550101", "--default", "--json"
        ).stdout
    )
    assert key["key"].startswith("bvai_sk_")
    assert agent["default"] is True
    headers = {"Authorization": f"Bearer {key['key']}"}
    body = {"phone_number": "+12025550147", "metadata": {"n": 1}}
    answer = requests.post(f"{served.url}/api/v1/calls/trigger", json=body, headers=headers, timeout=10)
    assert answer.json()["status"] == "initiated"
    call = requests.get(
        f"{served.url}/api/v1/calls/{answer.json()['call_id']}", headers=headers, timeout=10
    ).json()
    assert call["agent_id"] == agent["id"]
    taken = served.stagecall("agents", "create", "--name", "Closer")
    assert (taken.returncode, taken.stdout) == (1, "")
    assert 'an agent named "Closer" exists already' in taken.stderr
    assert served.stagecall("keys", "revoke", "--name", "script").returncode == 0
    again = requests.post(f"{served.url}/api/v1/calls/trigger", json=body, headers=headers, timeout=10)
    assert again.status_code == 401
    _call_one(served)
    listed = json.loads(served.stagecall("dispatches", "--json").stdout)
    assert [each["state"] for each in listed] == ["ended"]
    assert served.stop() == 0
    assert not [each for each in psutil.process_iter(["cmdline"]) if str(served.folder) in str(each.info)]


def test_a_second_serve_on_the_same_data_is_refused(serve: Serve) -> None:
    served = serve()
    served.start()
    done = served.stagecall("serve", "--port", str(free_port()))
    assert done.returncode == 1
    assert "another `stagecall serve` works on the data folder" in done.stderr
    _call_one(served)
    assert served.stop() == 0


def test_a_wrong_token_is_said_in_the_log_and_nothing_is_lost(serve: Serve) -> None:
    served = serve()
    served.hubspot.account.access_token = "another"
    served.start()
    (deal,) = served.hubspot.create_deals(1)
    served.hubspot.move_deals([deal], "Demo requested")
    until(lambda: "deliveries cannot be read yet" in served.log(), 30, "a line in the log")
    assert "access_token" in served.log()
    listed = served.stagecall("dispatches").stdout
    assert "1 deliveries of sales are not read yet" in listed
    assert served.stop() == 0


def test_what_shows_data_makes_none(serve: Serve) -> None:
    served = serve()
    done = served.stagecall("dispatches")
    assert done.returncode == 1
    assert "there is no data in" in done.stderr
    assert not (served.folder / "data").exists()


def test_receiver_and_worker_run_apart_on_another_postgresql(serve: Serve, database_url: str) -> None:
    """`serve --no-worker` and `work` share only STAGECALL_DATABASE_URL."""
    served = serve()
    served.environment["STAGECALL_DATABASE_URL"] = _fresh_database(database_url)
    served.start("--no-worker")
    (deal,) = served.hubspot.create_deals(1)
    served.hubspot.move_deals([deal], "Demo requested")
    assert served.hubspot.wait_idle()
    assert not served.hubspot.writes()
    command = [sys.executable, "-m", "connector.cli", "work", "--own-url", served.url]
    command += ["--config", str(served.folder / "stagecall.yaml")]
    with (served.folder / "work.log").open("ab") as output:
        worker = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **served.environment}
        )
    try:
        until(lambda: served.hubspot.deal(deal).get("ai_call_status") == "answered", 40, "the outcome")
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
    assert served.stop() == 0
    assert not (served.folder / "data").exists(), "no embedded PostgreSQL was made"


def _fresh_database(database_url: str) -> str:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("DROP DATABASE IF EXISTS another")
        conn.execute("CREATE DATABASE another")
    return database_url.replace("/stagecall?", "/another?")


def test_postgresql_killed_under_load_is_started_again_and_nothing_is_lost(serve: Serve) -> None:
    served = serve()
    served.start()
    psutil.Process(_postmaster(served)).kill()
    _call_one(served)
    assert served.stop() == 0


def _postmaster(served: Served) -> int:
    pid_file = next((served.folder / "data").glob("postgres-*/postmaster.pid"))
    return int(pid_file.read_text().splitlines()[0])


def test_the_worker_killed_is_started_again(serve: Serve) -> None:
    served = serve()
    served.start()
    worker = next(each for each in served.family() if "work" in each.cmdline())
    worker.kill()
    _call_one(served)
    assert served.stop() == 0


def test_a_server_that_outlived_its_starter_is_used_again_and_stopped(data_folder: Path) -> None:
    folder = data_folder / "adopted"
    first = EmbeddedServer(folder)
    url = first.ensure()
    second = EmbeddedServer(folder)
    assert second.ensure() == url
    second.stop_if_unused()
    assert not list(folder.glob("postgres-*/postmaster.pid"))
    first.stop_if_unused()


def test_a_connection_that_is_just_closing_does_not_keep_the_server_running(data_folder: Path) -> None:
    folder = data_folder / "closing"
    server = EmbeddedServer(folder)
    leaving = psycopg.connect(server.ensure())
    closing = threading.Timer(0.3, leaving.close)
    closing.start()
    server.stop_if_unused()
    closing.join()
    assert not list(folder.glob("postgres-*/postmaster.pid"))


def test_a_stale_pid_file_does_not_stop_the_server_from_starting(data_folder: Path) -> None:
    folder = data_folder / "stale"
    server = EmbeddedServer(folder)
    server.ensure()
    pid = int(next(folder.glob("postgres-*/postmaster.pid")).read_text().splitlines()[0])
    psutil.Process(pid).kill()
    again = EmbeddedServer(folder)
    assert again.ensure()
    again.stop_if_unused()
    server.stop_if_unused()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("adapter: hubspot", "adapter: hubspott"), '"hubspott" is not an adapter'),
        (("rules: [rules.yaml]", "rules: [nothing.yaml]"), 'no file is found by "nothing.yaml"'),
    ],
)
def test_a_mistake_in_the_configuration_starts_nothing(
    serve: Serve, change: tuple[str, str], said: str
) -> None:
    served = serve()
    file = served.folder / "stagecall.yaml"
    file.write_text(file.read_text().replace(*change))
    done = served.stagecall("serve")
    assert done.returncode == 2
    assert said in done.stderr
    assert "nothing was done" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_one_sentence(serve: Serve) -> None:
    served = serve()
    command = [
        sys.executable,
        "-m",
        "connector.cli",
        "serve",
        "--config",
        str(served.folder / "stagecall.yaml"),
    ]
    environment = {**os.environ, "STAGECALL_DATABASE_URL": "postgresql://ada:hunter2@127.0.0.1:9/x"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_changed_rule_file_is_in_force_soon(serve: Serve) -> None:
    served = serve()
    served.start()
    until(lambda: served.log().count("rules are in force") == 1, 10, "the first rules in force")
    rules = served.folder / "rules.yaml"
    rules.write_text(RULES.replace("call.outcome", "call.outcom"))
    until(lambda: "rules are refused" in served.log(), 5, "the mistake in the log")
    rules.write_text(RULES.replace("name: Call", "name: Call Ada"))
    until(lambda: served.log().count("rules are in force") == 2, 5, "the new rules in force")
    told = served.stagecall("status").stdout
    assert "in force since" in told
    assert "refused" not in told
    versions = served.stagecall("rules", "history", str(rules)).stdout.splitlines()
    assert len(versions) == 2
    assert "+  - name: Call Ada" in served.stagecall("rules", "diff", str(rules)).stdout
    back = served.stagecall("rules", "rollback", str(rules))
    assert (back.returncode, rules.read_text()) == (0, RULES)
    until(lambda: served.log().count("rules are in force") == 3, 5, "the old rules in force again")
    assert served.stop() == 0
