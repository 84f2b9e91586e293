"""Webhooks as HubSpot sends them: batched, signed, out of the way of who caused them, and sent again.

https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide (read 2026-11): up to 100 events a
POST, an answer within 5 seconds, anything but 2xx sent again with a higher attemptNumber (by HubSpot up to 10
times over 24 hours; here as soon as `retry_delays` say). Signed by the official client's own code, so that a
mistake in our reading of the signature is not made twice.
"""

import heapq
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any, Final

import requests

from adapters.hubspot.sandbox.account import TYPE_IDS, Json
from adapters.hubspot.sandbox.state import Change

BATCH: Final = 100
TIMEOUT: Final = 5.0
RETRY_DELAYS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0, 2.0, 2.0)
LEGACY: Final = ("deal.propertyChange dealstage", "deal.creation")
GENERIC: Final = ("object.propertyChange dealstage", "object.creation")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST that was made, and what came of it."""

    attempt: int
    headers: dict[str, str]
    body: bytes
    status: int | None
    """None: no answer."""
    error: str = ""

    @property
    def events(self) -> list[Json]:
        """The events it carried."""
        events: list[Json] = json.loads(self.body)
        return events


@dataclass(frozen=True, slots=True)
class App:
    """The app whose webhooks these are."""

    id: int
    portal_id: int
    client_secret: str
    subscriptions: tuple[str, ...] = LEGACY
    """`<type>` or `<type> <property>`; HubSpot's legacy list says `deal.`, its generic list `object.`."""


class Deliveries:
    """Sends an account's changes to the app's target URL from threads of its own."""

    def __init__(
        self,
        app: App,
        clock: Callable[[], float],
        *,
        target: str | None = None,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        senders: int = 2,
    ) -> None:
        self.target = target
        self.made: list[Delivery] = []
        self._app = app
        self._clock = clock
        self._delays = tuple(retry_delays)
        self._due: list[tuple[float, int, int, list[Json]]] = []
        self._fresh: list[Json] = []
        self._numbers = itertools.count(1)
        self._sending = 0
        self._closed = False
        self._wake = Condition()
        self._threads = [Thread(target=self._send_all, daemon=True) for _ in range(senders)]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def announce(self, changes: Sequence[Change]) -> None:
        """Queue the events of what has just changed."""
        events = [event for change in changes for event in self._events(change)]
        if events and self.target:
            with self._wake:
                self._fresh += events
                self._wake.notify_all()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until everything is sent or given up; False if that takes longer."""
        with self._wake:
            return self._wake.wait_for(lambda: not (self._due or self._fresh or self._sending), timeout)

    def close(self) -> None:
        """Stop sending; what is queued is dropped."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _events(self, change: Change) -> Iterator[Json]:
        for number, subscription in enumerate(self._app.subscriptions, start=1):
            name, _, property_name = subscription.partition(" ")
            noun, _, verb = name.partition(".")
            if verb != change.verb or noun not in ("object", change.kind[:-1]):
                continue
            if verb == "propertyChange" and property_name != change.property:
                continue
            yield self._event(change, name, 7_562_680 + number)

    def _event(self, change: Change, name: str, subscription_id: int) -> Json:
        event: Json = {
            "eventId": 4_101_286_000 + next(self._numbers),
            "subscriptionId": subscription_id,
            "portalId": self._app.portal_id,
            "appId": self._app.id,
            "occurredAt": change.at,
            "subscriptionType": name,
            "attemptNumber": 0,
            "objectId": int(change.id),
        }
        if name.startswith("object."):
            event["objectTypeId"] = TYPE_IDS[change.kind]
        if change.verb == "propertyChange":
            event |= {"propertyName": change.property, "propertyValue": change.value}
        else:
            event["changeFlag"] = {"creation": "CREATED", "deletion": "DELETED"}[change.verb]
        event |= {"changeSource": change.source.change_source, "sourceId": change.source.source_id}
        if name == "object.propertyChange":
            event["isSensitive"] = False
        return event

    def _send_all(self) -> None:
        with requests.Session() as http:
            while (batch := self._next()) is not None:
                attempt, events = batch
                delivery = self._send(http, attempt, events)
                with self._wake:
                    self.made.append(delivery)
                    self._sending -= 1
                    if not (delivery.status and 200 <= delivery.status < 300):
                        self._again(attempt, events)
                    self._wake.notify_all()

    def _next(self) -> tuple[int, list[Json]] | None:
        """Return what to send now: what is due again, else up to 100 fresh events; None when closed."""
        with self._wake:
            while not self._closed:
                wait = self._due[0][0] - self._clock() if self._due else None
                if wait is not None and wait <= 0:
                    _, _, attempt, events = heapq.heappop(self._due)
                    self._sending += 1
                    return attempt, events
                if self._fresh:
                    events, self._fresh = self._fresh[:BATCH], self._fresh[BATCH:]
                    self._sending += 1
                    return 0, events
                self._wake.wait(wait)
            return None

    def _again(self, attempt: int, events: list[Json]) -> None:
        if attempt < len(self._delays):
            due = self._clock() + self._delays[attempt]
            heapq.heappush(self._due, (due, next(self._numbers), attempt + 1, events))

    def _send(self, http: requests.Session, attempt: int, events: list[Json]) -> Delivery:
        url = self.target or ""
        body = json.dumps(
            [{**event, "attemptNumber": attempt} for event in events], separators=(",", ":")
        ).encode()
        headers = sign(self._app.client_secret, url, body, int(self._clock() * 1000))
        try:
            response = http.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as why:
            return Delivery(attempt, headers, body, None, str(why))
        return Delivery(attempt, headers, body, response.status_code)


def sign(client_secret: str, url: str, body: bytes, milliseconds: int) -> dict[str, str]:
    """Return the headers of a webhook delivery: the v3 signature, and the v1 one that HubSpot still adds."""
    from hubspot.utils.signature import Signature

    def signature(version: str, **more: Any) -> str:
        return str(Signature.get_signature(client_secret, body.decode(), version, **more))

    return {
        "Content-Type": "application/json;charset=utf-8",
        "User-Agent": "HubSpot Connect 2.0 (sandbox)",
        "X-HubSpot-Signature": signature("v1"),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Request-Timestamp": str(milliseconds),
        "X-HubSpot-Signature-v3": signature(
            "v3", http_uri=url, http_method="POST", timestamp=str(milliseconds)
        ),
    }
