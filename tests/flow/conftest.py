"""A whole Stagecall in one process: real sockets, a real PostgreSQL, a sandbox HubSpot; only time is ours."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from werkzeug.serving import make_server

from adapters.hubspot.sandbox import Sandbox
from connector.app import create_app
from connector.config import load_config
from connector.jobs import Worker
from connector.listing import dispatches
from connector.parts import Parts, build
from connector.worker import rescue, sweep, tasks

CLIENT_SECRET = "flow-client-secret"
ACCESS_TOKEN = "pat-na1-flow"
API_KEY = "bvai_sk_flow0123456789abcdef"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIMULATED = "{simulated: {ring_seconds: 1, talk_seconds: 2}}"
RULES = """\
version: 1
connection: sales
rules:
  - name: Call
    when: {pipeline: Sales Pipeline, enters: Demo requested}
    call:
      phone_number: "{{ contact.mobilephone or contact.phone }}"
      name: "{{ contact.firstname }}"
      metadata: {deal_id: "{{ deal.id }}", amount: "{{ deal.amount | number }}"}
    policy: {window: always}
    write_back:
      placed: {deal: {ai_call_status: calling, ai_call_id: "{{ call.id }}"}}
      ended: {deal: {ai_call_status: "{{ call.outcome }}", ai_call_summary: "{{ call.summary }}"}}
      failed: {deal: {ai_call_status: "not called: {{ reason }}"}}
"""


@dataclass
class Clock:
    """The one clock: it moves when a test says so. It starts now, because signatures are made by others."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **how_far: float) -> None:
        self.now += timedelta(**how_far)

    def show(self, moment: str) -> None:
        """Move to a moment, such as 2026-12-07T10:00-05:00."""
        self.now = datetime.fromisoformat(moment).astimezone(UTC)

    def of_others(self) -> float:
        """The time on the clock of another program, in Unix seconds: it never stands still, and is moved with ours."""
        return time.time() + (self.now - self.began).total_seconds()


@dataclass
class World:
    """What a flow test acts on and looks at."""

    hubspot: Sandbox
    parts: Parts
    clock: Clock
    url: str
    database_url: str
    connections: str
    """As they stand in stagecall.yaml."""

    def work(self) -> None:
        """Let every delivery arrive, and run every job that is due, until nothing is left to do."""
        for _ in range(20):
            assert self.hubspot.wait_idle()
            sweep(self.parts)
            rescue(self.parts)
            if self.parts.call_api is not None:
                self.parts.call_api.sweep()
            if not self._jobs_due():
                return
            Worker(self.database_url, tasks(self.parts)).run_until_idle()

    def make_due(self) -> None:
        """Retries are timed by the queue's own clock: make what it holds back due now."""
        with self.parts.engine.begin() as conn:
            conn.execute(
                sa.text("UPDATE jobs.procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
            )

    def _jobs_due(self) -> int:
        query = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status = 'todo' AND scheduled_at IS NULL"
        with self.parts.engine.connect() as conn:
            return int(conn.execute(sa.text(query)).scalar_one())

    def deal(self, **contact: str) -> str:
        """A deal with one contact, not yet in the stage."""
        person = {"firstname": "Ada", "phone": "(202) 555-0123", **contact}
        ada = self.hubspot.create_contact(**person)
        return self.hubspot.create_deal("appointmentscheduled", [ada], announce=False, amount="4800")

    def dispatches(self, **filters: Any) -> list[dict[str, Any]]:
        with self.parts.engine.connect() as conn:
            return dispatches(conn, **{"state": None, "record_id": None, "limit": 1000, **filters})

    def calls(self) -> list[dict[str, Any]]:
        """Every call our Trigger Call API knows."""
        headers = {"Authorization": f"Bearer {API_KEY}"}
        answer = requests.get(f"{self.url}/api/v1/calls?limit=100", headers=headers, timeout=10)
        found: list[dict[str, Any]] = answer.json()["calls"]
        return found


Start = Callable[..., World]


@pytest.fixture
def start(engine: sa.Engine, database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Start a world; called again in one test it is a restart on the same database."""
    closing: list[Callable[[], object]] = []
    clock = Clock()
    hubspot = Sandbox(
        access_token=ACCESS_TOKEN,
        client_secret=CLIENT_SECRET,
        retry_delays=(0.05,) * 3,
        clock=clock.of_others,
    )
    hubspot.start()

    def begin(
        *,
        rules: str = RULES,
        calls: str = "",
        call_api: str = SIMULATED,
        connections: str = "",
        connection: str = "",
        name: str = "sales",
    ) -> World:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        sales = (
            f"{name}: {{adapter: hubspot, access_token: {ACCESS_TOKEN},"
            f" client_secret: {CLIENT_SECRET}, api_url: '{hubspot.url}', countries: [US, GB]{connection}}}"
        )
        (tmp_path / "rules.yaml").write_text(rules)
        (tmp_path / "stagecall.yaml").write_text(
            f"connections: {{{connections or sales}}}\n"
            f"rules: [rules.yaml]\n"
            f"calls: {{api_key: {API_KEY}, webhook_secret: {WEBHOOK_SECRET}, {calls}}}\n"
            + (f"call_api: {call_api}\n" if call_api else "")
        )
        config = load_config(tmp_path / "stagecall.yaml", environment={}, own_url=url)
        parts = build(config, engine, clock=clock)
        if parts.call_api is not None:
            parts.call_api.apply_settings()
            _ensure_agent(parts)
        server = make_server("127.0.0.1", 0, create_app(parts), threaded=True, fd=listener.fileno())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        closing.extend([server.shutdown, thread.join, server.server_close, listener.close])
        hubspot.target = f"{url}/hooks/hubspot/{name}"
        return World(hubspot, parts, clock, url, database_url, connections or sales)

    yield begin
    hubspot.stop()
    for close in closing:
        close()


def _ensure_agent(parts: Parts) -> None:
    from connector.call_api.agents import AgentFields, ensure_agent

    with parts.engine.begin() as conn:
        agent: AgentFields = {"name": "Lead Qualifier", "phone_number": "+12025550100", "default": True}
        ensure_agent(conn, agent, now=parts.clock())


@pytest.fixture
def world(start: Start) -> World:
    """A world with the usual rule and our own Trigger Call API."""
    return start()
