"""Receivers that are slow, silent or malicious: nobody else waits for them."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy as sa

from connector.call_api.deliver import Sender
from connector.call_api.events import nudge_delivering
from connector.call_api.settings import CallApiSettings
from connector.call_api.targets import Targets
from connector.jobs import Worker
from tests.call_api.conftest import SECRET, Receiver, Running, Serve
from tests.call_api.test_deliver import LOCAL, tries

Behave = Callable[[socket.socket], None]
SECONDS = 0.5
"""Ten in real life."""


def hang(_: socket.socket) -> None:
    """Take the request and say nothing."""


def drip_head(connection: socket.socket) -> None:
    drip(connection, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 10_000)


def drip_informational(connection: socket.socket) -> None:
    drip(connection, b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000)


def drip_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    drip(connection, b"a" * 100_000)


def drip(connection: socket.socket, data: bytes) -> None:
    for number in range(len(data)):
        connection.sendall(data[number : number + 1])
        time.sleep(0.01)


class Odd:
    """A server on loopback that behaves as it is told, on every connection."""

    def __init__(self, behave: Behave, *, reads: bool = True) -> None:
        self._behave = behave
        self._reads = reads
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self._open: list[socket.socket] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/calls"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._reads:
                connection.recv(65536)
            self._behave(connection)
        except OSError:
            return  # the sender hung up

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()


Oddly = Callable[..., Odd]


@pytest.fixture
def odd() -> Iterator[Oddly]:
    with ExitStack() as stack:

        def start(behave: Behave, **how: Any) -> Odd:
            server = Odd(behave, **how)
            stack.callback(server.close)
            return server

        yield start


def hook(url: str) -> dict[str, Any]:
    return {"url": url, "secret": SECRET, "events": ["call_ended"]}


def running_with(serve: Serve, urls: list[str], **settings: Any) -> Running:
    targets = CallApiSettings.model_validate({"allow_private_webhook_targets": True}).targets
    hooks = [hook(url) for url in urls]
    return serve(sender=Sender(targets, seconds=SECONDS), webhooks=hooks, **LOCAL, **settings)


@pytest.mark.parametrize("behave", [hang, drip_head, drip_informational])
def test_the_whole_answer_has_one_deadline(serve: Serve, odd: Oddly, behave: Behave) -> None:
    """A byte now and then keeps a socket alive, but not a try."""
    running = running_with(serve, [odd(behave).url])
    running.client.call("+12025550191")
    running.api.place_calls()
    running.api.follow_calls()
    began = time.monotonic()
    running.until_quiet()
    assert SECONDS <= time.monotonic() - began < 3 * SECONDS
    assert tries(running) == [(None, "no answer within 0.5 seconds")]
    assert running.scalars("SELECT state FROM call_api.deliveries") == ["pending"]
    (took,) = running.scalars("SELECT duration_ms FROM call_api.delivery_tries")
    assert 400 <= took < 1500


def test_a_body_that_never_ends_is_hung_up_on_and_its_status_counts(serve: Serve, odd: Oddly) -> None:
    running = running_with(serve, [odd(drip_body).url])
    running.client.call("+12025550191")
    began = time.monotonic()
    running.until_quiet()
    assert time.monotonic() - began < 4 * SECONDS
    assert tries(running) == [(200, None)]


def test_a_receiver_that_does_not_read_is_given_up_too(serve: Serve, odd: Oddly) -> None:
    """The event is larger than the buffers of both sides, so sending it would never end."""
    running = running_with(serve, [odd(hang, reads=False).url])
    running.client.call("+12025550191")
    running.api.place_calls()
    running.api.follow_calls()
    running.execute("UPDATE call_api.events SET body = repeat('a', 20000000)")
    began = time.monotonic()
    running.until_quiet()
    assert time.monotonic() - began < 6 * SECONDS
    assert tries(running) == [(None, "no answer within 0.5 seconds")]


def test_a_slow_name_counts_too(serve: Serve) -> None:
    """The time for the look-up is a part of the ten seconds."""
    asked: list[float] = []

    def slow(host: str, seconds: float) -> list[str]:
        asked.append(seconds)
        raise TimeoutError(f"looking up {host} took too long")

    running = serve(
        sender=Sender(Targets(resolve=slow), seconds=SECONDS),
        webhooks=[hook("https://hooks.example.com/calls")],
        simulated={"ring_seconds": 0, "talk_seconds": 0},
    )
    running.client.call("+12025550191")
    running.until_quiet()
    assert 0 < asked[0] <= SECONDS
    ((status, error),) = tries(running)
    assert status is None
    assert "no address is found for hooks.example.com" in str(error)
    assert running.scalars("SELECT state FROM call_api.deliveries") == ["pending"]


def test_when_nobody_is_there_the_other_events_do_not_queue_up_for_it(serve: Serve, odd: Oddly) -> None:
    silent = odd(hang)
    running = running_with(serve, [silent.url])
    for _ in range(30):
        running.client.call("+12025550191")
    began = time.monotonic()
    running.until_quiet()
    assert time.monotonic() - began < 4 * SECONDS
    assert 1 <= silent.connections <= 4


def test_forty_silent_receivers_delay_nobody(
    serve: Serve, odd: Oddly, receiver: Receiver, engine: sa.Engine, database_url: str
) -> None:
    """One real worker: while forty receivers are silent for three seconds each, the event for one that answers
    arrives, though it is the last in line, and a call is dialled.
    """
    silent = [odd(hang) for _ in range(40)]
    targets = CallApiSettings.model_validate({"allow_private_webhook_targets": True}).targets
    running = serve(
        sender=Sender(targets, seconds=3),
        webhooks=[hook(each.url) for each in silent] + [hook(receiver.url)],
        **LOCAL,
    )
    running.client.call("+12025550191")
    running.api.place_calls()
    running.api.follow_calls()
    running.execute("DELETE FROM jobs.procrastinate_jobs")
    by_url = "SELECT id::text FROM call_api.endpoints ORDER BY url = :url"
    with engine.begin() as conn:
        for endpoint_id in running.scalars(by_url, url=receiver.url):
            nudge_delivering(conn, endpoint_id)
    second = running.client.call("+12025550191")
    began = time.monotonic()
    thread = threading.Thread(target=Worker(database_url, running.api.tasks()).run_until_idle)
    thread.start()
    try:
        assert wait_for(lambda: len(receiver.received) == 1, seconds=2.9)
        assert wait_for(lambda: running.client.show(second)["status"] != "queued", seconds=2.9)
        assert wait_for(lambda: sum(each.connections for each in silent) == 40, seconds=2.9)
        assert wait_for(lambda: (200, None) in tries(running), seconds=2.9)
        assert time.monotonic() - began < 3
    finally:
        thread.join()
    assert tries(running).count((None, "no answer within 3 seconds")) >= 40


def wait_for(true: Callable[[], bool], *, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.05)
    return False
