"""`stagecall demo`: it tells the story, and what cannot work is one clear sentence, never a traceback."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import free_port

RULES = Path(__file__).resolve().parents[2] / "examples/demo/rules.yaml"


def _demo(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "connector.cli", "demo", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


def _sentence(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr + done.stdout
    assert not done.stdout.count("\n 1.")
    return done.stderr.strip()


def test_the_demo_tells_the_story_and_exits_0() -> None:
    done = _demo("--port", str(free_port()))
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert 10 <= len(lines) <= 13
    assert "+12025550147" in done.stdout
    assert "ai_call_outcome = answered" in lines[8]
    assert "1 call in all" in lines[9]
    assert done.stderr == ""


def test_the_demo_never_meets_a_real_account_or_database() -> None:
    real = {
        "STAGECALL_DATABASE_URL": "postgresql://ada@127.0.0.1:9/real",
        "HUBSPOT_API_URL": "http://127.0.0.1:9",
        "HUBSPOT_ACCESS_TOKEN": "pat-na1-real",
        "STAGECALL_DATA": "/proc/real",
    }
    done = _demo("--port", str(free_port()), **real)
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_rule_file_is_the_one_that_is_shown(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.read_text().replace("enters: Demo requested", "enters: Contract sent"))
    done = _demo("--port", str(free_port()), "--rules", str(rules))
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'drags it into the stage "Contract sent"' in done.stdout


def test_a_real_account_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "stagecall.yaml"
    text = (RULES.parent / "stagecall.yaml").read_text()
    config.write_text(text.replace("${HUBSPOT_API_URL}", "http://127.0.0.1:9"))
    said = _sentence(_demo("--port", str(free_port()), "--config", str(config)))
    assert "the demo speaks to its sandbox alone" in said
    assert "api_url: ${HUBSPOT_API_URL}" in said


def test_a_rule_that_writes_nothing_while_the_phone_rings_is_shown_too(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    example = RULES.parents[1] / "workflows/move-the-stage-by-outcome.yaml"
    rules.write_text(
        example.read_text().replace("    write_back:\n", "    policy: {window: always}\n    write_back:\n")
    )
    done = _demo("--port", str(free_port()), "--rules", str(rules))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6. The rule writes nothing on the deal while the phone rings." in done.stdout


def test_without_the_signature_secret() -> None:
    said = _sentence(_demo("--port", str(free_port()), HUBSPOT_CLIENT_SECRET=""))
    assert "HUBSPOT_CLIENT_SECRET is empty" in said
    assert "stagecall.yaml:" in said


def test_with_an_unknown_stage(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.read_text().replace("enters: Demo requested", "enters: Demo requestd"))
    said = _sentence(_demo("--port", str(free_port()), "--rules", str(rules)))
    assert f"{rules}:10:" in said
    assert '"Demo requestd" is not a stage of Sales Pipeline; did you mean "Demo requested"?' in said


def test_with_the_port_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = _sentence(_demo("--port", str(port)))
    assert said == (
        f"stagecall: port {port} on 127.0.0.1 cannot be used (Address already in use); "
        "stop what listens there or name another with --port"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is where nobody may write, not even root")
def test_with_an_unwritable_data_folder() -> None:
    said = _sentence(_demo("--port", str(free_port()), "--data", "/proc/stagecall"))
    assert said.startswith("stagecall: the data folder /proc/stagecall cannot be written")
    assert "\n" not in said
