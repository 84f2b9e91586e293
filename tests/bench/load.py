"""The load: genuinely signed HubSpot deliveries, or trigger requests, over kept connections, from a process of its own.

`python -m tests.bench.load` reads one JSON object (the fields of `Load`) from stdin and prints one (those of
`Seen`). Everything is made and signed before the first byte is sent, so that little is left to do meanwhile.
"""

import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from adapters.hubspot.sandbox.account import DEMO_REQUESTED
from adapters.hubspot.sandbox.deliveries import sign
from adapters.hubspot.sandbox.server import APP_ID, CLIENT_SECRET, PORTAL_ID
from tests.bench.triggers import triggers

Timed = tuple[bytes, float]
"""A request, and when it is due by the clock of time.perf_counter()."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: one delivery after the other on each connection, the next as soon as one is answered."""

    url: str
    deals: list[int]
    """One event each, in order."""
    events: int = 1
    """In each delivery."""
    connections: int = 1
    seconds: float | None = None
    """Again and again until this time is over; None: each delivery once."""
    pause: float = 0.0
    """Between an answer and the next delivery of a connection."""
    stage: str = DEMO_REQUESTED
    triggers: bool = False
    """Trigger requests instead of deliveries, one for each of `deals`, each once."""
    rate: float | None = None
    """So many a second over all connections, each on its beat: its latency counts from there, sent late or not."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back. Latencies in milliseconds, sorted."""

    began: float
    """Seconds since 1970, to be compared with other processes'."""
    seconds: float
    latencies: list[float] = field(repr=False)
    refused: int = 0
    """Answers other than 200."""

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, percent: float) -> float:
        """The latency that so many percent did not exceed; NaN where nothing was sent."""
        if not self.latencies:
            return float("nan")
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * percent / 100))]


def start(load: Load) -> "subprocess.Popen[str]":
    """Begin to load from another process."""
    command = [sys.executable, "-m", "tests.bench.load"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(load)))
    process.stdin.close()
    return process


def finish(process: "subprocess.Popen[str]") -> Seen:
    """Wait for the end of a load."""
    assert process.stdout is not None
    answer = process.stdout.read()
    process.wait()
    process.stdout.close()
    return Seen(**json.loads(answer))


def run(load: Load) -> Seen:
    """Load from another process, to the end."""
    return finish(start(load))


def send_once(port: int, request: bytes) -> bytes:
    """Send one delivery on a connection of its own; the status of the answer. Raises OSError."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return _status(connection)


def deliveries(load: Load) -> list[bytes]:
    """Whole HTTP requests, ready to be sent."""
    now = int(time.time() * 1000)
    numbers = itertools.count(4_101_286_000)
    events = [_event(deal, load.stage, next(numbers), now) for deal in load.deals]
    parts = (events[start : start + load.events] for start in range(0, len(events), load.events))
    return [_request(load.url, json.dumps(part, separators=(",", ":")).encode(), now) for part in parts]


def _event(deal: int, stage: str, number: int, now: int) -> dict[str, object]:
    return {
        "eventId": number,
        "subscriptionId": 7_562_681,
        "portalId": PORTAL_ID,
        "appId": APP_ID,
        "occurredAt": now,
        "subscriptionType": "deal.propertyChange",
        "attemptNumber": 0,
        "objectId": deal,
        "propertyName": "dealstage",
        "propertyValue": stage,
        "changeSource": "CRM_UI",
        "sourceId": "userId:75514748",
    }


def _request(url: str, body: bytes, now: int) -> bytes:
    parts = urlsplit(url)
    headers = {
        "Host": parts.netloc,
        **sign(CLIENT_SECRET, url, body, now),
        "Content-Length": str(len(body)),
    }
    lines = [f"POST {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _send_all(load: Load) -> Seen:
    prepared = triggers(load.url, load.deals) if load.triggers else deliveries(load)
    latencies: list[float] = []
    refused: list[bytes] = []
    again = load.seconds is not None and not load.triggers
    source = itertools.cycle(prepared) if again else iter(prepared)
    began = time.time()
    start_at = time.perf_counter()
    until = float("inf") if load.seconds is None else start_at + load.seconds
    todo = _until(_timed(source, load.rate, start_at), until)
    threads = [
        threading.Thread(target=_connection, args=(load, todo, latencies, refused))
        for _ in range(load.connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Seen(began, time.perf_counter() - start_at, sorted(latencies), len(refused))


def _timed(source: Iterator[bytes], rate: float | None, start_at: float) -> Iterator[Timed]:
    """Each request with the moment it is to be sent at; 0: as soon as can be."""
    for number, request in enumerate(source):
        yield request, start_at + number / rate if rate else 0.0


def _until(source: Iterator[Timed], until: float) -> Iterator[Timed]:
    """A source that many threads may draw from."""
    lock = threading.Lock()

    def following() -> Timed | None:
        with lock:
            return next(source, None) if time.perf_counter() < until else None

    return iter(following, None)


def _connection(load: Load, todo: Iterator[Timed], latencies: list[float], refused: list[bytes]) -> None:
    host, _, port = urlsplit(load.url).netloc.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request, due_at in todo:
            time.sleep(max(0.0, due_at - time.perf_counter()))
            sent_at = due_at or time.perf_counter()
            connection.sendall(request)
            status = _status(connection)
            latencies.append((time.perf_counter() - sent_at) * 1000)
            if status != b"200":
                refused.append(status)
            if load.pause:
                time.sleep(load.pause)


def _status(connection: socket.socket) -> bytes:
    """Read one whole answer; return its status."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if not (more := connection.recv(65536)):
            raise ConnectionError("the server closed the connection")
        data += more
    head = data[:end].lower()
    _, _, after = head.partition(b"content-length:")
    missing = int(after.split(b"\r\n", 1)[0]) - (len(data) - end - 4)
    while missing > 0:
        missing -= len(connection.recv(missing))
    return head.split(b" ", 2)[1]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(_send_all(Load(**json.load(sys.stdin))))))
