"""Events and workflows' webhooks as HighLevel sends them: one a POST, from a thread of its own, sent again if refused.

https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide (as of 2026-08-30): anything but 2xx is sent
again up to 12 times, after seconds to minutes; here as soon as `retry_delays` say. A workflow's webhook is sent once.
"""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Final

import requests

from adapters.ghl.sandbox import account
from adapters.ghl.sandbox.account import Json

TIMEOUT: Final = 5.0
RETRY_DELAYS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0)
_KEYS: Final = (
    "id", "name", "assignedTo", "contactId", "monetaryValue", "pipelineId", "pipelineStageId", "source", "status",
    "dateAdded",
)  # fmt: skip
"""What the events of an opportunity say of it; no phone, no names of stages, no custom fields."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST that was made, and what came of it."""

    body: Json
    status: int | None
    """None: no answer."""


class Deliveries:
    """Sends to the target URL, in order."""

    def __init__(
        self, target: str | None, secret: str, now: Callable[[], str], retry_delays: Sequence[float]
    ) -> None:
        self.target = target
        self.made: list[Delivery] = []
        self._secret = secret
        self._now = now
        self._delays = tuple(retry_delays)
        self._waiting: list[tuple[bytes, dict[str, str], bool]] = []
        self._sending = False
        self._closed = False
        self._wake = Condition()
        self._thread = Thread(target=self._send_all, daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def announce(self, name: str, opportunity: Json) -> None:
        """Queue a signed event of an opportunity."""
        body: Json = {
            "type": name,
            "locationId": account.LOCATION_ID,
            "versionId": "6878cec452e7c8d29d4dd3d9",
            "appId": "6878cec452e7c8d29d4dd3d9",
            **{key: opportunity[key] for key in _KEYS if key in opportunity},
            "timestamp": self._now(),
            "webhookId": str(uuid.uuid4()),
        }
        data = _compact(body)
        self._queue(data, {"X-GHL-Signature": account.sign(data)}, again=True)

    def ask(self, body: Json) -> None:
        """Queue a workflow's webhook."""
        self._queue(_compact(body), {account.SECRET_HEADER: self._secret}, again=False)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until everything is sent or given up; False if that takes longer."""
        with self._wake:
            return self._wake.wait_for(lambda: not (self._waiting or self._sending), timeout)

    def close(self) -> None:
        """Stop sending; what is queued is dropped."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def _queue(self, data: bytes, headers: dict[str, str], again: bool) -> None:
        if self.target:
            with self._wake:
                self._waiting.append((data, headers, again))
                self._wake.notify_all()

    def _send_all(self) -> None:
        with requests.Session() as http:
            http.trust_env = False
            while True:
                with self._wake:
                    self._sending = False
                    self._wake.notify_all()
                    self._wake.wait_for(lambda: self._waiting or self._closed)
                    if self._closed:
                        return
                    data, headers, again = self._waiting.pop(0)
                    self._sending = True
                for delay in (0.0, *(self._delays if again else ())):
                    if not self._pause(delay) or self._send(http, data, headers):
                        break

    def _pause(self, seconds: float) -> bool:
        """Let the time pass; False if the sandbox is closed meanwhile."""
        until = time.monotonic() + seconds
        with self._wake:
            self._wake.wait_for(lambda: self._closed, max(until - time.monotonic(), 0))
            return not self._closed

    def _send(self, http: requests.Session, data: bytes, headers: dict[str, str]) -> bool:
        told = {"Content-Type": "application/json", "User-Agent": "axios/1.13.2 (sandbox)", **headers}
        status = None
        try:
            answer = http.post(
                self.target or "", data=data, headers=told, timeout=TIMEOUT, allow_redirects=False
            )
            status = answer.status_code
        except requests.RequestException:
            status = None
        self.made.append(Delivery(json.loads(data), status))
        return status is not None and 200 <= status < 300


def _compact(body: Json) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
