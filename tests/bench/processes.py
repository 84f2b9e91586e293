"""The processes that are measured and those that play the world, in a folder that is gone afterwards."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from adapters.hubspot.sandbox.server import ACCESS_TOKEN, CLIENT_SECRET
from connector.embedded import EmbeddedServer
from connector.first_files import first

CONNECTION = "sales-hubspot"
API_KEY = "bvai_sk_bench0123456789abcdef"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PATIENCE = 180.0


AT_ANY_HOUR = "".join(
    line.replace('{days: mon-fri, from: "09:00", until: "18:00"}', "always")
    for line in first("hubspot", "rules.yaml").splitlines(keepends=True)
    if "cool_down" not in line
)
"""A newcomer's rule, which calls at any hour and the same people again: what is measured is not to wait for morning."""


@dataclass(slots=True)
class Service:
    """A process of ours that listens on a loopback port."""

    command: Sequence[str]
    port: int
    log: Path
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; it may not listen yet."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self.command, stdout=output, stderr=output, env=self.environment)

    def await_answer(self, path: str) -> None:
        """Wait until a GET of `path` is answered with 200."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get(path)[0] == 200:
                    return
            time.sleep(0.02)
        raise TimeoutError(f"{self.command[2]} does not answer; its log: {self.log.read_text()[-2000:]}")

    def get(self, path: str) -> tuple[int, bytes]:
        return self.ask("GET", path, None)

    def post(self, path: str, value: Any) -> Any:
        """POST JSON, and return what the answer says."""
        return json.loads(self.ask("POST", path, json.dumps(value).encode())[1] or b"null")

    def ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def stop(self) -> None:
        """SIGTERM and wait; SIGKILL for those of its family that stay."""
        if self.process is None:
            return
        family = self.family()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        _, alive = psutil.wait_procs(family, timeout=5)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        self.process = None

    def family(self) -> list[psutil.Process]:
        """The process and all its descendants."""
        assert self.process is not None
        try:
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


@dataclass(slots=True)
class World:
    """Makes services in one folder."""

    folder: Path
    made: list[Service] = field(default_factory=list, init=False)

    def stagecall(
        self,
        *arguments: str,
        hubspot: str = "http://127.0.0.1:9",
        api_url: str | None = None,
        max_per_minute: int | None = None,
        alone: bool = False,
    ) -> Service:
        """`stagecall serve`, not started yet, with a data folder of its own.

        `max_per_minute` is our call API's; `alone`: nothing but the call API, and nobody is told of its events.
        """
        port = free_port()
        home = self.folder / f"stagecall-{port}"
        home.mkdir(mode=0o711)
        (home / "rules.yaml").write_text(AT_ANY_HOUR)
        config = _config(hubspot, api_url, max_per_minute)
        if alone:
            own = {**config["call_api"], "keys": [{"name": "bench", "key": API_KEY}]}
            config = {"call_api": own}
        (home / "stagecall.yaml").write_text(json.dumps(config))
        files = ("--config", str(home / "stagecall.yaml"), "--data", str(home / "data"))
        return self.service("connector.cli", "serve", "--port", str(port), *files, *arguments, port=port)

    def sandbox(self, ledger: Path) -> Service:
        """A HubSpot, started; it writes down in `ledger` what it is told to write on deals."""
        port = free_port()
        hubspot = self.service(
            "adapters.hubspot.sandbox", "--port", str(port), "--ledger", str(ledger), port=port
        )
        hubspot.start()
        hubspot.await_answer("/sandbox/ready")
        return hubspot

    def service(self, module: str, *arguments: str, port: int) -> Service:
        """`python -m module`, not started yet."""
        command = [sys.executable, "-m", module, *arguments]
        made = Service(command, port, self.folder / f"{module}-{port}.log", self._environment())
        self.made.append(made)
        return made

    def _environment(self) -> dict[str, str]:
        """Ours, but with compiled modules kept, as an installed program has them: in the folder that goes."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**kept, "PYTHONPYCACHEPREFIX": str(self.folder / "compiled")}

    def stop(self) -> None:
        """Stop everything that runs, what was made last first."""
        for service in reversed(self.made):
            service.stop()


@contextlib.contextmanager
def world() -> Iterator[World]:
    """A folder that PostgreSQL's user can reach too; in the end every process and file is gone."""
    here = World(Path(tempfile.mkdtemp(prefix="stagecall-bench-")))
    here.folder.chmod(0o711)
    try:
        yield here
    finally:
        here.stop()
        shutil.rmtree(here.folder, ignore_errors=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def hook(served: Service) -> str:
    """Where HubSpot's deliveries go."""
    return f"{served.url}/hooks/hubspot/{CONNECTION}"


def database_url(served: Service) -> str:
    """The embedded PostgreSQL of a running `stagecall serve`."""
    return EmbeddedServer(Path(served.command[served.command.index("--data") + 1])).url


def _config(hubspot: str, api_url: str | None, max_per_minute: int | None) -> dict[str, Any]:
    calls: dict[str, Any] = {"api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET, "max_per_minute": None}
    config: dict[str, Any] = {
        "connections": {
            CONNECTION: {
                "adapter": "hubspot",
                "access_token": ACCESS_TOKEN,
                "client_secret": CLIENT_SECRET,
                "api_url": hubspot,
                "countries": ["US", "GB"],
            }
        },
        "rules": ["rules.yaml"],
        "calls": calls if api_url is None else {**calls, "api_url": api_url},
    }
    if api_url is None:
        agent = {"name": "Lead Qualifier", "phone_number": "+12025550100", "default": True}
        config["call_api"] = {
            "max_per_minute": max_per_minute,
            "max_concurrent_calls": None,
            "simulated": {"ring_seconds": 0, "talk_seconds": 0},
            "agents": [agent],
        }
    return config
