"""`stagecall serve` as real processes that can be killed; the ledgers live outside, in the test."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from adapters.hubspot.sandbox import Sandbox

API_KEY = "bvai_sk_fault0123456789abcdef"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RULES = """\
version: 1
connection: sales
rules:
  - name: Call
    when: {enters: Demo requested}
    policy: {window: always}
    call: {phone_number: "{{ contact.phone }}"}
    write_back:
      ended:
        deal: {ai_call_status: "{{ call.outcome }}", ai_call_id: "{{ call.id }}"}
        note: "Called: {{ call.outcome }}"
        log_call: true
"""


def until(look: Callable[[], Any], seconds: float, what: str) -> Any:
    """Look every 50 ms until there is something; fail with what did not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    pytest.fail(f"not within {seconds:g} s: {what}")


def _is_postgres(process: psutil.Process) -> bool:
    """Whether this is PostgreSQL or a child of it; a process that has ended meanwhile is nothing any more."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return "postgres" in process.name()
    return False


@dataclass
class Served:
    """A `stagecall serve` on its own data folder, that can be killed and started again."""

    folder: Path
    hubspot: Sandbox
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> None:
        command = [
            sys.executable,
            "-m",
            "connector.cli",
            "serve",
            "--config",
            str(self.folder / "stagecall.yaml"),
        ]
        command += ["--data", str(self.folder / "data"), "--port", str(self.port), *arguments]
        with (self.folder / "serve.log").open("ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, env={**os.environ, **self.environment}
            )
        until(self.ready, 90, f"ready; its log says:\n{self.log()}")

    def ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        return False

    def log(self) -> str:
        return (self.folder / "serve.log").read_text(errors="replace")[-4000:]

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def kill(self, *, everything: bool) -> None:
        """SIGKILL: only `serve` itself, or it and every child, PostgreSQL too."""
        family = self.family()
        for process in family if everything else family[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        assert self.process is not None
        self.process.wait()
        ours = [process for process in family[1:] if everything or not _is_postgres(process)]
        _, alive = psutil.wait_procs(ours, timeout=10)
        assert not alive, "the children notice that serve is gone"

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    def calls(self) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        answer = requests.get(f"{self.url}/api/v1/calls?limit=100", headers=headers, timeout=10)
        found: list[dict[str, Any]] = answer.json()["calls"]
        return found

    def stagecall(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "connector.cli", *arguments]
        command += ["--config", str(self.folder / "stagecall.yaml"), "--data", str(self.folder / "data")]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)


Serve = Callable[..., Served]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Make a Served on a fresh folder; everything is ended after the test."""
    made: list[Served] = []

    def make(
        *, calls: str = "", call_api: str = "{simulated: {ring_seconds: 0.5, talk_seconds: 0.5}}"
    ) -> Served:
        folder = Path(tempfile.mkdtemp(prefix="stagecall-fault-"))
        folder.chmod(0o711)
        hubspot = Sandbox(client_secret="s", access_token="t")
        port = free_port()
        hubspot.target = f"http://127.0.0.1:{port}/hooks/hubspot/sales"
        hubspot.start()
        (folder / "rules.yaml").write_text(RULES)
        agents = 'agents: [{name: A, phone_number: "+12025550100", default: true}]'
        own = (
            call_api.removesuffix("}") + f", {agents}, max_per_minute: null, max_concurrent_calls: null}}"
            if call_api
            else ""
        )
        (folder / "stagecall.yaml").write_text(
            f"connections: {{sales: {{adapter: hubspot, access_token: t, client_secret: s,"
            f" api_url: '{hubspot.url}'}}}}\n"
            f"rules: [rules.yaml]\n"
            f"calls: {{api_key: {API_KEY}, webhook_secret: {WEBHOOK_SECRET}, max_per_minute: null, {calls}}}\n"
            + (f"call_api: {own}\n" if own else "")
        )
        served = Served(folder, hubspot, port)
        made.append(served)
        return served

    yield make
    for served in made:
        if served.process is not None and served.process.poll() is None:
            served.stop()
        served.hubspot.stop()
        for process in psutil.process_iter(["cmdline"]):
            if str(served.folder) in " ".join(process.info["cmdline"] or []):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        shutil.rmtree(served.folder, ignore_errors=True)
