"""Clients that send odd bytes, or send them slowly: nothing odd is acted on, and nobody else waits for a slow one."""

import contextlib
import json
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.faults.conftest import API_KEY, Serve, Served

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "http" / "raw_requests.jsonl"
HEAD = "POST /api/v1/calls/trigger HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n"
SLOW = {
    "says nothing": "",
    "sends its headers slowly": "POST /hooks/hubspot/sales HTTP/1.1\r\nHost: x\r\nX-A: ",
    "sends a delivery slowly": "POST /hooks/hubspot/sales HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n[",
    "sends a trigger request slowly": f"{HEAD}Authorization: Bearer {API_KEY}\r\n\r\n{{",
}


@pytest.fixture
def served(serve: Serve) -> Served:
    served = serve()
    served.start("--no-worker")
    return served


@contextlib.contextmanager
def crowd(served: Served, begins: str, people: int) -> Iterator[list[socket.socket]]:
    """So many connections on which a request has begun."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(people):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            connection.sendall(begins.encode())
            found.append(connection)
        yield found


def healthy(served: Served, beat: Callable[[], None] = lambda: None, times: int = 30) -> list[float]:
    """Seconds that each of some ordinary requests takes, a beat after each."""
    taken = []
    with requests.Session() as session:
        for _ in range(times):
            began = time.monotonic()
            assert session.get(f"{served.url}/readyz", timeout=10).status_code == 200
            taken.append(time.monotonic() - began)
            beat()
    return taken


def test_two_hundred_slow_clients_hold_up_nobody(served: Served) -> None:
    for what, begins in SLOW.items():
        with crowd(served, begins, 200) as slow:

            def beat(slow: list[socket.socket] = slow, begins: str = begins) -> None:
                for connection in slow if begins else ():
                    with contextlib.suppress(OSError):
                        connection.sendall(b" ")

            taken = healthy(served, beat)
        assert statistics.quantiles(taken, n=100)[98] < 0.5, what


def test_two_hundred_clients_that_break_off_leave_the_server_well(served: Served) -> None:
    with crowd(served, SLOW["sends a trigger request slowly"], 200) as leaving:
        for number, connection in enumerate(leaving):
            if number % 2:
                connection.shutdown(socket.SHUT_WR)
            else:
                reset = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                connection.close()
        assert statistics.median(healthy(served)) < 0.5
    assert served.calls() == []


def test_a_request_that_breaks_off_is_not_acted_on(served: Served) -> None:
    """What came of it is whole JSON; what was meant to follow may have changed it."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
        begun = f'{HEAD}Authorization: Bearer {API_KEY}\r\n\r\n{{"phone_number": "+12025550147"}}'
        connection.sendall(begun.encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 400")
    assert '"code":"incomplete_body"' in answer
    assert served.calls() == []


@pytest.mark.skipif(not CORPUS.exists(), reason="shared/ not here")
def test_every_raw_request_of_the_corpus_is_answered_as_it_should(
    served: Served, counted: Callable[[str, str], None]
) -> None:
    rows = [row for row in map(json.loads, CORPUS.read_text().splitlines()) if row["raw"]]
    wrong = []
    for number, row in enumerate(rows):
        phone = f"+120255501{number:02}"
        body = json.dumps({"phone_number": phone})
        statuses, answer = _ask(served, _filled(row["raw"], body, served))
        calls = [each for each in served.calls() if each["to_number"] == phone]
        if not _as_expected(row["expect"], statuses, answer, len(calls)):
            wrong.append((row["id"], row["expect"], statuses, len(calls), answer[:300]))
    counted("http/raw_requests", f"{len(rows) - len(wrong)} of {len(rows)}")
    assert not wrong, "\n".join(map(str, wrong))


def _filled(raw: str, body: str, served: Served) -> bytes:
    chunk = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
    words = {
        "HOST": f"127.0.0.1:{served.port}",
        "KEY": API_KEY,
        "BODY": body,
        "LEN": str(len(body)),
        "CHUNK": chunk,
    }
    for word, meant in words.items():
        raw = raw.replace(f"{{{word}}}", meant)
    return raw.encode()


def _ask(served: Served, raw: bytes) -> tuple[list[int], str]:
    """Everything that comes back within a second of silence, and the statuses in it."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=1) as connection:
        connection.sendall(raw)
        found = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while part := connection.recv(65536):
                found += part
    text = found.decode("latin-1")
    return [int(part[:3]) for part in text.split("HTTP/1.1 ")[1:]], text


def _as_expected(expect: str, statuses: list[int], answer: str, calls: int) -> bool:
    """No answer but a close is a refusal too; a call comes only of what was answered 200."""
    refused = all(400 <= status < 500 or status == 501 for status in statuses)
    placed = statuses.count(200)
    match expect:
        case "400_close" if "connection: close" in answer and answer.startswith("HTTP/1.1 200"):
            return (
                placed == calls == 1
            )  # both lengths: RFC 9112, 6.1 lets a server go by the chunks and close
        case "400_close" | "4xx" | "4xx_or_501" | "401_or_400":
            return refused and calls == 0
        case "two_answers":
            return placed == calls <= 2
        case "no_reflection":
            return "evil.example" not in answer
        case "no_open_redirect":
            return not any(300 <= status < 400 for status in statuses)
    return calls == placed <= 1 and all(status < 500 for status in statuses)
