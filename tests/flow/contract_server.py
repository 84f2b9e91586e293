"""Another server of the Trigger Call API contract, forty lines: what the hosted service promises and no more."""

import hashlib
import hmac
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import requests

E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)


class ContractServer:
    """Takes triggers, keeps them in `triggers`, and reports ends by the hosted service's own signature."""

    def __init__(self, secret: str, *, delay: float = 0.0, lists_calls: bool = False) -> None:
        self.secret = secret
        self.triggers: list[dict[str, Any]] = []
        self.lose_answers = False
        self.says: dict[str, Any] = {}
        """What its call events say besides."""
        self.asked = threading.Event()
        server = self
        slow = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                call_id = str(uuid4())
                server.triggers.append({**body, "call_id": call_id})
                server.asked.set()
                slow.wait(delay)
                if server.lose_answers:
                    self.close_connection = True
                    return
                self.answer(200, {"success": True, "call_id": call_id, "status": "initiated"})

            def do_GET(self) -> None:
                if not lists_calls:
                    self.answer(404, {"success": False, "error": "Not found"})
                    return
                wanted = parse_qs(urlsplit(self.path).query).get("metadata.dispatch_id")
                found = [each for each in server.triggers if [each["metadata"]["dispatch_id"]] == wanted]
                calls = [{**each, "id": each["call_id"], "status": "in-progress"} for each in found]
                self.answer(200, {"success": True, "calls": calls})

            def answer(self, status: int, value: dict[str, Any]) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def end_calls(self, hook: str, timestamp: int) -> list[int]:
        """Report every call as completed; return what the receiver answered."""
        return [self._end(trigger, hook, timestamp) for trigger in self.triggers]

    def _end(self, trigger: dict[str, Any], hook: str, timestamp: int) -> int:
        event = {"event": "call_ended", "status": "completed", "summary": "Ada will come."}
        body = json.dumps(
            {**event, "call_id": trigger["call_id"], "metadata": trigger["metadata"], **self.says}
        ).encode()
        signature = hmac.new(self.secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
        headers = {"X-Prosody-Signature": signature.hexdigest(), "X-Prosody-Timestamp": str(timestamp)}
        return requests.post(hook, data=body, headers=headers, timeout=5).status_code

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
