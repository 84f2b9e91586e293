"""Sending call events to an endpoint, signed, in order for each call."""

import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from ssl import SSLContext

import httpcore
import sqlalchemy as sa
from standardwebhooks import Webhook

from connector.call_api.endpoints import Endpoint, end_endpoint, find_live
from connector.call_api.events import nudge_delivering
from connector.call_api.line import Line
from connector.call_api.outbox import Delivery, Tried, due_deliveries, record_tries
from connector.call_api.retry import GONE, Answer, Dead, Sent, decide
from connector.call_api.targets import Target, TargetRefused, Targets
from connector.model import Clock

TIMEOUT = 10.0
SIDE_BY_SIDE = 4
BATCH = 60
ROUND = 1.0
"""Seconds after which an endpoint is read again: one that was removed gets nothing more."""
LONGEST_RUN = timedelta(seconds=20)
USER_AGENT = "Stagecall-Events/1"

_shared_ssl_context = cache(httpcore.default_ssl_context)


@dataclass(frozen=True, slots=True)
class Sender:
    """How events reach their receivers."""

    targets: Targets = field(default_factory=Targets)
    own: frozenset[str] = frozenset()
    """URLs of our own program, given by configuration: they may be anywhere."""
    seconds: float = TIMEOUT
    """For a whole try, from the look-up of the name to the last line of the answer's head."""
    ssl_context: SSLContext | None = None
    """None: the certificates that everybody trusts."""
    network: httpcore.NetworkBackend | None = None
    """None: the operating system's."""

    def targets_of(self, endpoint: Endpoint) -> Targets:
        """The rules for this endpoint: ours is known by its URL and by where we have it from."""
        ours = endpoint.source == "config" and endpoint.url in self.own
        return replace(self.targets, anywhere=True) if ours else self.targets

    def line(self, targets: Targets) -> Line:
        """A line under these rules."""
        context = self.ssl_context or _shared_ssl_context()
        return Line(targets, context, seconds=self.seconds, network=self.network)


def deliver(engine: sa.Engine, clock: Clock, sender: Sender, endpoint_id: str) -> None:
    """Send what is due to one endpoint; leave the worker to others after a while, or when nothing gets through."""
    until = clock() + LONGEST_RUN
    while True:
        with engine.begin() as conn:
            endpoint = find_live(conn, endpoint_id)
            due = due_deliveries(conn, endpoint_id, limit=BATCH, now=clock()) if endpoint is not None else []
        if endpoint is None or not due:
            return
        tried = _Batch(sender, endpoint, clock).send(due)
        going = any(isinstance(one.decision, Sent) for one in tried) and clock() < until
        with engine.begin() as conn:
            record_tries(conn, tried)
            _end_if_gone(conn, endpoint, tried)
            if not going:
                nudge_delivering(conn, endpoint_id)
        if not going:
            return


def _end_if_gone(conn: sa.Connection, endpoint: Endpoint, tried: Iterable[Tried]) -> None:
    for one in tried:
        if isinstance(one.decision, Dead) and one.decision.gone:
            reason = f"its receiver answered {one.answer.status} (gone) to {one.delivery.event_id}"
            end_endpoint(conn, endpoint.id, reason, now=one.at)
            return


class _Batch:
    """Events for one endpoint: those of different calls side by side, those of one call one after the other."""

    def __init__(self, sender: Sender, endpoint: Endpoint, clock: Clock) -> None:
        self._sender = sender
        self._endpoint = endpoint
        self._clock = clock
        self._over_at = time.monotonic() + ROUND
        self._stopped = False

    def send(self, due: Iterable[Delivery]) -> list[Tried]:
        """Try these, fewer where it takes long or nobody is there; what came of each that was tried."""
        by_call: dict[str, deque[Delivery]] = {}
        for delivery in due:
            by_call.setdefault(delivery.call_id or delivery.event_id, deque()).append(delivery)
        calls = deque(by_call.values())
        targets = self._sender.targets_of(self._endpoint)
        try:
            target = targets.read(self._endpoint.url)
        except TargetRefused as refused:
            return [self._refused(call[0], refused) for call in calls]
        lines = min(SIDE_BY_SIDE, len(calls))
        with ThreadPoolExecutor(lines) as pool:
            sent = [pool.submit(self._send_calls, targets, target, calls) for _ in range(lines)]
            return [one for each in sent for one in each.result()]

    def _send_calls(self, targets: Targets, target: Target, calls: deque[deque[Delivery]]) -> list[Tried]:
        """Take one call after the other, until none is left or it is time to stop; but at least one."""
        tried: list[Tried] = []
        with self._sender.line(targets) as line:
            while not (tried and self._stopped):
                try:
                    call = calls.popleft()
                except IndexError:
                    break
                tried += self._send_call(line, target, call)
                self._stopped = self._stopped or time.monotonic() > self._over_at
        return tried

    def _send_call(self, line: Line, target: Target, call: deque[Delivery]) -> list[Tried]:
        tried: list[Tried] = []
        for delivery in call:
            tried.append(self._try(line, target, delivery))
            if not isinstance(tried[-1].decision, Sent):
                break  # the next event of this call waits for this one
        if tried[-1].answer.status in (None, GONE):
            self._stopped = True  # nobody is there: the others need not find that out, too
        return tried

    def _try(self, line: Line, target: Target, delivery: Delivery) -> Tried:
        at, began = self._clock(), time.monotonic()
        answer = line.post(target, self._headers(delivery, at), delivery.body.encode())
        took = timedelta(seconds=time.monotonic() - began)
        return self._tried(delivery, at, answer, took)

    def _refused(self, delivery: Delivery, refused: TargetRefused) -> Tried:
        answer = Answer(error=f"not sent: {refused}")
        return self._tried(delivery, self._clock(), answer, timedelta(0))

    def _tried(self, delivery: Delivery, at: datetime, answer: Answer, took: timedelta) -> Tried:
        tries = delivery.tries + 1 - delivery.resent_after
        decision = decide(answer, tries=tries, event_id=delivery.event_id, now=self._clock())
        return Tried(delivery, at, answer, decision, took)

    def _headers(self, delivery: Delivery, at: datetime) -> dict[str, str]:
        """The signature is fresh for each try; while a secret is being changed there are two."""
        signatures = [
            Webhook(secret).sign(delivery.event_id, at, delivery.body)
            for secret in self._endpoint.secrets_at(at)
        ]
        return {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
