"""A Trigger Call API on a loopback port, over a real database, with a clock that the test moves."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import make_server

from connector.call_api import CallApi, CallApiSettings
from connector.call_api.carriers import Carrier
from connector.call_api.deliver import Sender
from connector.call_api.web import create_blueprint

KEY = "bvai_sk_only-for-tests-0123456789"
SECRET = "whsec_" + "c3RhZ2VjYWxsLXN0YWdlY2FsbC1zdGFnZWNhbGw="


class FakeClock:
    """Stands still until a test moves it; starts now, because signatures are checked against the real time."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Client:
    """Speaks to a running API as a user's script would."""

    url: str
    key: str | None = KEY

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        headers = {**({"Authorization": f"Bearer {self.key}"} if self.key is not None else {})}
        headers |= arguments.pop("headers", {})
        return requests.request(method, self.url + path, headers=headers, timeout=10, **arguments)

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return self.request("GET", path, **arguments)

    def trigger(self, body: Any = None, **arguments: Any) -> requests.Response:
        """POST a body: bytes and text as they are, anything else as JSON."""
        if isinstance(body, bytes | str):
            headers = {"Content-Type": "application/json"} | arguments.pop("headers", {})
            data = body.encode() if isinstance(body, str) else body
            return self.request("POST", "/calls/trigger", data=data, headers=headers, **arguments)
        return self.request("POST", "/calls/trigger", json=body, **arguments)

    def call(self, number: str = "+12025550101", **fields: Any) -> str:
        """Trigger a call that must be accepted; return its id."""
        answer = self.trigger({"phone_number": number, **fields})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["call_id"])

    def show(self, call_id: str) -> dict[str, Any]:
        answer = self.get(f"/calls/{call_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@dataclass
class Running:
    """An API and a client of it."""

    api: CallApi
    client: Client
    clock: FakeClock

    def until_quiet(self) -> None:
        """Do what is due now, as the worker would."""
        self.api.place_calls()
        self.api.follow_calls()
        for endpoint_id in self.scalars("SELECT id::text FROM call_api.endpoints"):
            self.api.deliver(endpoint_id)

    def scalars(self, query: str, **values: object) -> list[Any]:
        with self.api.engine.connect() as conn:
            return list(conn.execute(sa.text(query), values).scalars())

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.api.engine.connect() as conn:
            return [dict(row) for row in conn.execute(sa.text(query)).mappings()]

    def execute(self, statement: str, **values: object) -> None:
        with self.api.engine.begin() as conn:
            conn.execute(sa.text(statement), values)


Serve = Callable[..., Running]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def serve(engine: sa.Engine, clock: FakeClock) -> Iterator[Serve]:
    """Start an API with these settings; a key, a default agent and an agent without a number are there."""
    with ExitStack() as stack:

        def start(
            *,
            carrier: Carrier | None = None,
            others: Sequence[Carrier] = (),
            using: sa.Engine | None = None,
            sender: Sender | None = None,
            **settings: Any,
        ) -> Running:
            defaults: dict[str, Any] = {
                "max_per_minute": None,
                "max_concurrent_calls": None,
                "keys": [{"name": "tests", "key": KEY}],
                "agents": [
                    {"name": "Lead Qualifier", "phone_number": "+12025550100", "default": True},
                    {"name": "Mute"},
                ],
            }
            api = CallApi(
                using or engine,
                CallApiSettings.model_validate(defaults | settings),
                clock=clock,
                carrier=carrier,
                others=others,
                sender=sender,
            )
            if using is None:
                api.apply_settings()
            return Running(api, Client(stack.enter_context(_serving(api))), clock)

        yield start


@pytest.fixture
def running(serve: Serve) -> Running:
    return serve()


def create_app(api: CallApi) -> Flask:
    """A Flask app with nothing but the API."""
    app = Flask("call_api_under_test")
    app.register_blueprint(create_blueprint(api))
    return app


class _serving:
    """The API's blueprint on a threaded server on loopback."""

    def __init__(self, api: CallApi) -> None:
        self._server = make_server("127.0.0.1", 0, create_app(api), threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/api/v1"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass(frozen=True)
class Received:
    """One POST that a receiver got."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A customer's receiver: keeps what it gets, answers what the test tells it to."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses for the next requests; then 200. 0 hangs up without an answer."""
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self, request: Received) -> int:
        self.received.append(request)
        return self.answers.pop(0) if self.answers else 200


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.answer(Received(headers, body))
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/calls"
    yield receiver
    server.shutdown()
    thread.join()
    server.server_close()
