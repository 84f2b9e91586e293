"""What stands outside of everything that is killed: it counts every dial and keeps every call event."""

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Ledger:
    """A phone network that only writes down: POST /dials, GET /dials/ID, and POST /events from the call API."""

    dials: Counter[str] = field(default_factory=Counter)
    """How often each call was dialled."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Every call event as often as it came, with its header `webhook-id` as `header_id`."""
    _at: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def dialled(self) -> int:
        """How many dials there were, doubles too."""
        with self._lock:
            return self.dials.total()

    def dial(self, call_id: str) -> dict[str, str]:
        with self._lock:
            self.dials[call_id] += 1
            self._at.setdefault(call_id, datetime.now(UTC).isoformat())
            return self._known(call_id)

    def look_up(self, call_id: str) -> dict[str, str] | None:
        with self._lock:
            return self._known(call_id) if call_id in self._at else None

    def tell(self, header_id: str, event: dict[str, Any]) -> None:
        with self._lock:
            self.events.append({**event, "header_id": header_id})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _known(self, call_id: str) -> dict[str, str]:
        return {"provider_call_id": f"ledger-{call_id}", "at": self._at[call_id]}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """The other side was killed in the middle: that is what the test is about."""


def _handler(ledger: Ledger) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/dials":
                self.answer(200, ledger.dial(value["call_id"]))
            else:
                ledger.tell(self.headers["webhook-id"], value)
                self.answer(200, {})

        def do_GET(self) -> None:
            known = ledger.look_up(self.path.rpartition("/")[2])
            self.answer(404 if known is None else 200, known or {})

        def answer(self, status: int, value: dict[str, str]) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
