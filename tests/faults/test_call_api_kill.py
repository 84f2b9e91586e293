"""SIGKILL twenty times under load, PostgreSQL too: every 200 has its call, and nobody is dialled twice.

The ledger is outside, in this process: it is dialled by requests, so it knows what really went out, and it gets
the call events. What was cut off between "we dial now" (committed) and the request is never dialled again: such a
call stays under way until its carrier can be believed to know nothing of it. They are counted and printed.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

import connector
from connector.embedded import EmbeddedServer
from tests.faults.conftest import API_KEY, Serve, Served, until
from tests.faults.ledger import Ledger

KILLS = 20
CLIENTS = 4
PAUSE = 0.04
LONGEST_END = 180.0
"""Seconds: the look after a crash is half a minute after the dial."""
EARLY, LATE = 15, 45
"""New calls between two kills, on any machine: at the start, and when the worker dials, just before the kill."""
ENDED = ("completed", "failed", "no-answer", "busy", "voicemail", "canceled", "expired", "unknown")
HEADERS = {"Authorization": f"Bearer {API_KEY}"}
SETTINGS = """{{carrier: ledger, allow_private_webhook_targets: true,
  webhooks: [{{url: '{url}/events', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}]}}"""


@dataclass
class Clients:
    """Threads that trigger calls, and repeat with the same Idempotency-Key until they have an answer."""

    url: str
    answers: dict[str, set[str]] = field(default_factory=dict)
    """The call ids that were told for each Idempotency-Key."""
    surprises: list[str] = field(default_factory=list)
    repeated: int = 0
    _allowed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def allow(self, calls: int) -> None:
        """Let them trigger so many more."""
        self._allowed.release(calls)

    def stop(self) -> None:
        """Let every client get the answer it waits for."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=120)
        assert not any(thread.is_alive() for thread in self._threads), "every request is answered in the end"

    def _work(self, client: int) -> None:
        for number in itertools.count():
            while not self._allowed.acquire(timeout=0.1):
                if self._stopping.is_set():
                    return
            self._trigger(f"client-{client}-{number}")
            if number % 7 == 0:
                self._trigger(f"client-{client}-{number}")  # it had the answer, and asks once more
            time.sleep(PAUSE)

    def _trigger(self, key: str) -> None:
        """Ask until there is an answer: at most a minute."""
        body = {"phone_number": "+12025550123", "name": "Ada", "metadata": {"key": key}}
        for _ in range(1200):
            try:
                answer = requests.post(
                    f"{self.url}/api/v1/calls/trigger",
                    json=body,
                    headers={**HEADERS, "Idempotency-Key": key},
                    timeout=10,
                )
            except requests.RequestException:
                pass
            else:
                if answer.status_code == 200:
                    with self._lock:
                        self.answers.setdefault(key, set()).add(answer.json()["call_id"])
                    return
                if answer.status_code not in (409, 503):
                    self.surprises.append(f"{answer.status_code} {answer.text[:200]}")
                    return
            self.repeated += 1
            time.sleep(0.05)
        self.surprises.append(f"no answer for {key}")


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = Ledger()
    yield made
    made.close()


@pytest.fixture
def with_ledger(ledger: Ledger, tmp_path: Path) -> dict[str, str]:
    """The environment in which every Python process finds the carrier `ledger` beside ours, and starts fast."""
    folder = Path(__file__).parent / "carriers"
    (tmp_path / "sitecustomize.py").write_text(
        f"import connector.call_api.carriers as carriers\n\ncarriers.__path__.append({str(folder)!r})\n"
    )
    root = Path(connector.__file__).parents[1]
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled")}
    return {"PYTHONPATH": f"{tmp_path}:{root}", "STAGECALL_TEST_LEDGER": ledger.url, **compiled}


def test_twenty_kills_under_load_lose_no_call_and_dial_nobody_twice(
    serve: Serve, ledger: Ledger, with_ledger: dict[str, str], counted: Callable[[str, str], None]
) -> None:
    seed = random.randrange(1_000_000)
    moments = random.Random(seed)
    served = serve(call_api=SETTINGS.format(url=ledger.url))
    served.environment = with_ledger
    served.start()
    clients = Clients(served.url)
    clients.start()
    try:
        for _ in range(KILLS):
            clients.allow(EARLY)
            _await_dial(served, ledger)
            clients.allow(LATE)
            time.sleep(moments.uniform(0.0, 0.5))
            served.kill(everything=True)
            served.start()
    finally:
        clients.stop()
    calls = _settled(served, ledger, {call for told in clients.answers.values() for call in told})
    ended = {call for call, status in calls.items() if status in ENDED}
    cut_off = set(calls) - set(ledger.dials)
    _await_events(served, ledger, ended)
    keys = _calls_by_key(served)
    assert served.stop() == 0
    counted(
        f"{KILLS} kills (seed {seed})",
        f"{len(clients.answers)} keys, {clients.repeated} repeated requests, {len(calls)} calls,"
        f" {ledger.dialled()} dials, {len(cut_off)} cut off before their dial, {len(ledger.events)} events",
    )

    assert clients.surprises == []
    assert {key: told for key, told in clients.answers.items() if len(told) != 1} == {}, "one answer a key"
    assert keys == {key: [*told] for key, told in clients.answers.items()}, "one call a key"
    assert {call: n for call, n in ledger.dials.items() if n != 1} == {}, "each dialled at most once"
    assert set(ledger.dials) <= ended, "what was dialled has ended"
    assert {calls[call] for call in cut_off} <= {"dialing", "unknown"}, "what was not is told as it is"
    assert _ids_of_ends(ledger) == dict.fromkeys(ended, 1), "one call_ended each, however often it came"
    assert len(calls) == KILLS * (EARLY + LATE)
    assert clients.repeated > 0, "kills came in the middle of requests"


def _await_dial(served: Served, ledger: Ledger) -> None:
    before = ledger.dialled()
    until(lambda: ledger.dialled() > before, 60, f"a dial; {served.log()}")


def _settled(served: Served, ledger: Ledger, call_ids: set[str]) -> dict[str, str]:
    """The status of every call, once each has ended, or was cut off before the ledger heard of it."""
    found: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + LONGEST_END
    left = call_ids
    with requests.Session() as session:
        while left and time.monotonic() < deadline:
            time.sleep(0.2)
            for call_id in left:
                answer = session.get(f"{served.url}/api/v1/calls/{call_id}", headers=HEADERS, timeout=10)
                assert answer.status_code == 200, f"a call that was promised: {answer.text}"
                found[call_id] = answer.json()
            left = {call_id for call_id in left if not _is_settled(found[call_id], ledger)}
    stuck = [(found[call_id], ledger.look_up(call_id)) for call_id in left]
    assert stuck == [], f"{len(stuck)} of {len(call_ids)} calls never ended; {served.log()}"
    return {call_id: call["status"] for call_id, call in found.items()}


def _is_settled(call: dict[str, Any], ledger: Ledger) -> bool:
    cut_off = call["status"] == "dialing" and ledger.look_up(call["call_id"]) is None
    return cut_off or call["status"] in ENDED


def _await_events(served: Served, ledger: Ledger, ended: set[str]) -> None:
    until(lambda: set(_ids_of_ends(ledger)) >= ended, 120, f"every call_ended; {served.log()}")


def _ids_of_ends(ledger: Ledger) -> dict[str, int]:
    """How many different `call_ended` there were of each call; an event's id is in its header too."""
    ids: dict[str, set[str]] = {}
    for event in [*ledger.events]:
        assert event["id"] == event["header_id"]
        if event["event"] == "call_ended":
            ids.setdefault(event["call_id"], set()).add(event["id"])
    return {call: len(of_call) for call, of_call in ids.items()}


def _calls_by_key(served: Served) -> dict[Any, list[Any]]:
    """Every call in the database by the Idempotency-Key of its request, as its metadata says."""
    found: dict[Any, list[Any]] = {}
    with psycopg.connect(EmbeddedServer(served.folder / "data").url) as conn:
        for key, call_id in conn.execute("SELECT metadata::jsonb ->> 'key', id::text FROM call_api.calls"):
            found.setdefault(key, []).append(call_id)
    return found
