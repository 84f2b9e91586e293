"""schemathesis against `stagecall serve`: what the test does in a minute, people can do for longer.

    .venv/bin/python -m tests.call_api.playing 2000

plays up to 2000 requests per operation and phase. The server is a real one, with an embedded PostgreSQL, on loopback.
It runs without a worker, so nothing is ever dialled or sent anywhere.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

KEY = "bvai_sk_only-for-schemathesis-0123"
_HERE = Path(__file__).parent
_CONFIG = f"""\
connections: {{sales: {{adapter: hubspot, access_token: t, client_secret: s, api_url: "http://127.0.0.1:9"}}}}
rules: [rules.yaml]
calls: {{api_key: {KEY}-of-the-connector, webhook_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}
call_api:
  max_per_minute: null
  allow_private_webhook_targets: true
  keys: [{{name: schemathesis, key: {KEY}, scopes: [trigger, read, admin]}}]
  agents: [{{name: Lead Qualifier, phone_number: "+12025550100", default: true}}, {{name: Mute}}]
"""
_RULES = """\
version: 1
connection: sales
rules: [{name: Call, when: {enters: Demo requested}, call: {phone_number: "{{ contact.phone }}"}}]
"""


@contextlib.contextmanager
def serving(folder: Path, database_url: str | None = None) -> Iterator[str]:
    """A `stagecall serve` without a worker on loopback; the address of its API."""
    (folder / "stagecall.yaml").write_text(_CONFIG)
    (folder / "rules.yaml").write_text(_RULES)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "connector.cli", "serve", "--no-worker", "--port", port]
    command += ["--config", str(folder / "stagecall.yaml"), "--data", str(folder / "data")]
    environment = os.environ | ({"STAGECALL_DATABASE_URL": database_url} if database_url else {})
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        _wait(process, f"http://127.0.0.1:{port}/readyz", folder / "serve.log")
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        process.terminate()
        process.wait(timeout=40)


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=2).ok:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


def play(
    api: str, folder: Path, *, requests_each: int, arguments: tuple[str, ...] = ()
) -> tuple[str, dict[str, Any]]:
    """Play the API's own document against it; what schemathesis printed, and its report."""
    report = folder / "report.json"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(_HERE / "schemathesis.toml")]
    command += ["run", f"{api}/openapi.json", "--header", f"Authorization: Bearer {KEY}"]
    command += ["--max-examples", str(requests_each), "--report", "json", "--report-json-path", str(report)]
    played = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(_HERE / "schemathesis_hooks.py")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return played.stdout, json.loads(report.read_text()) if report.exists() else {}


def main() -> int:
    """Play for longer, with other requests each time."""
    folder = Path(tempfile.mkdtemp(prefix="stagecall-play-"))
    folder.chmod(0o711)  # PostgreSQL's own user has to get there
    try:
        with serving(folder) as api:
            output, report = play(api, folder, requests_each=int(sys.argv[1]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(output)  # noqa: T201
    return int(report.get("exit_code", 1))


if __name__ == "__main__":
    sys.exit(main())
