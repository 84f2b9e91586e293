"""`stagecall keys ...` as an operator types it, and what running servers make of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from connector.call_api import keys
from tests.call_api.commands import Run, as_json, runner, write_configuration
from tests.faults.conftest import free_port, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_configuration(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path, engine: sa.Engine, database_url: str) -> Run:
    return runner(folder, database_url)


def test_a_key_has_a_name_scopes_and_an_end(run: Run) -> None:
    made = as_json(
        run("keys", "create", "--name", "zapier", "--scopes", "admin, read", "--expires", "90d", "--json")
    )
    assert (made["name"], made["scopes"]) == ("zapier", ["read", "admin"])
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < left <= timedelta(days=90)
    (listed,) = as_json(run("keys", "list", "--json"))
    assert made["key"] not in str(listed)
    assert {name: listed[name] for name in ("name", "state", "last4", "scopes", "expires_at")} == {
        "name": "zapier",
        "state": "live",
        "last4": made["key"][-4:],
        "scopes": ["read", "admin"],
        "expires_at": made["expires_at"],
    }


def test_admin_must_be_asked_for(run: Run) -> None:
    assert as_json(run("keys", "create", "--name", "a", "--json"))["scopes"] == ["trigger", "read"]


def test_people_read_what_it_may_and_until_when(run: Run) -> None:
    said = run("keys", "create", "--name", "a", "--expires", "2999-01-31").output
    assert "This is the only time the key is shown." in said
    assert said.endswith("It may trigger, read, until 2999-01-31 00:00 UTC.\n")
    assert run("keys", "create", "--name", "b").output.endswith("until it is revoked.\n")
    newest, oldest = run("keys", "list").output.splitlines()
    assert newest.startswith("name=b  state=live  ")
    assert "scopes=trigger,read  expires_at=-" in newest
    assert "expires_at=2999-01-31T00:00:00+00:00" in oldest


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scopes", "trigger,write"], '"write" is not a scope; there are: trigger, read, admin'),
        (["--scopes", ","], "a key needs a scope; there are: trigger, read, admin"),
        (["--expires", "soon"], '"soon" does not say when the key expires: write a length such as 90d'),
        (["--expires", "2020-01-31"], '"2020-01-31" is not in the future: the key would never work'),
        (["--name", " "], "a key needs a name of 1 to 100 characters"),
    ],
)
def test_mistakes_are_said_in_a_sentence(run: Run, arguments: list[str], sentence: str) -> None:
    done = run("keys", "create", "--name", "a", *arguments)
    assert done.exit_code == 1
    assert sentence in done.output
    assert as_json(run("keys", "list", "--json")) == []


def test_a_key_is_switched_off_on_and_ended(run: Run) -> None:
    run("keys", "create", "--name", "a")
    assert as_json(run("keys", "disable", "--name", "a", "--json"))["state"] == "disabled"
    assert as_json(run("keys", "enable", "--name", "a", "--json"))["state"] == "live"
    assert as_json(run("keys", "revoke", "--name", "a", "--json"))["state"] == "revoked"
    gone = run("keys", "enable", "--name", "a")
    assert (gone.exit_code, 'there is no key named "a"' in gone.output) == (1, True)
    run("keys", "create", "--name", "a")
    assert run("keys", "disable", "--name", "a").output.startswith("the key a is switched off")
    assert run("keys", "enable", "--name", "a").output == "the key a works again\n"
    assert run("keys", "revoke", "--name", "a").output == "the key a is revoked\n"


def test_an_expired_key_is_listed_as_expired(run: Run, engine: sa.Engine) -> None:
    now = datetime.now(UTC)
    with engine.begin() as conn:
        keys.create_key(conn, "old", expires_at=now, now=now)
    (listed,) = as_json(run("keys", "list", "--json"))
    assert (listed["name"], listed["state"]) == ("old", "expired")


@pytest.fixture
def two_servers(folder: Path, engine: sa.Engine, database_url: str) -> Iterator[list[str]]:
    """The URLs of two `stagecall serve` on one database: processes of their own."""
    with ExitStack() as stack:
        servers = []
        for name in ("one", "two"):
            port = free_port()
            command = [sys.executable, "-m", "connector.cli", "serve", "--no-worker", "--port", str(port)]
            command += ["--config", str(folder / "stagecall.yaml"), "--data", str(folder / name)]
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            environment = {**os.environ, "STAGECALL_DATABASE_URL": database_url}
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
            stack.callback(_end, process)
            servers.append((f"http://127.0.0.1:{port}", process))
        for url, process in servers:
            until(partial(_is_ready, url, process), 60, f"{url} is ready")
        yield [url for url, _ in servers]


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def _is_ready(url: str, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "it has ended"
    try:
        return requests.get(f"{url}/api/v1/auth/verify", timeout=2).status_code == 401
    except requests.RequestException:
        return False


def _statuses(urls: list[str], key: str) -> set[int]:
    headers = {"Authorization": f"Bearer {key}"}
    return {
        requests.get(f"{url}/api/v1/auth/verify", headers=headers, timeout=10).status_code for url in urls
    }


def test_what_becomes_of_a_key_is_true_at_once_in_every_process(
    run: Run, two_servers: list[str], engine: sa.Engine
) -> None:
    key = as_json(run("keys", "create", "--name", "a", "--json"))["key"]
    assert _statuses(two_servers, key) == {200}
    run("keys", "disable", "--name", "a")
    assert _statuses(two_servers, key) == {403}
    run("keys", "enable", "--name", "a")
    assert _statuses(two_servers, key) == {200}
    run("keys", "revoke", "--name", "a")
    assert _statuses(two_servers, key) == {401}
    ends = datetime.now(UTC) + timedelta(seconds=3)
    with engine.begin() as conn:
        short = keys.create_key(conn, "short", expires_at=ends, now=datetime.now(UTC))
    found = []
    while (begun := datetime.now(UTC)) < ends + timedelta(seconds=1):
        statuses = _statuses(two_servers, short.key)
        if datetime.now(UTC) < ends:
            found.append(statuses)
        elif begun >= ends:
            assert statuses == {401}
    assert found
    assert all(statuses == {200} for statuses in found)
    assert _statuses(two_servers, short.key) == {401}
