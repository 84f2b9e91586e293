"""A voice provider on loopback, shaped like Retell, and the carrier that speaks to it: proof that the contract fits.

It takes POST /v2/create-phone-call, GET /v2/get-call/{id}, POST /v2/stop-call/{id} and POST /v3/list-calls, and
posts signed events when a test says so. Its summary is made after the end, and it can hang up without an
answer after it has dialled.
"""

import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import requests

from connector.call_api.carriers import (
    Cancelled,
    Carrier,
    Dial,
    Phase,
    Placed,
    Refused,
    Report,
    Result,
    Sighting,
    TooLate,
    Turn,
    Unknown,
)
from connector.errors import InvalidSignature, MalformedDelivery
from connector.model import Clock, Outcome, Request

SIGNING_KEY = b"key_only-for-tests"
TOLERANCE = timedelta(minutes=5)
_SIGNATURE = re.compile(r"v=([0-9]{1,15}),d=([0-9a-f]{64})")
_OUTCOMES = {
    "dial_no_answer": Outcome.NO_ANSWER,
    "dial_busy": Outcome.BUSY,
    "voicemail_reached": Outcome.VOICEMAIL,
    "user_hangup": Outcome.ANSWERED,
    "agent_hangup": Outcome.ANSWERED,
}


class ProviderCarrier(Carrier):
    """Asynchronous: a dial is only registered, everything else comes by events or by looking."""

    name: ClassVar[str] = "testprovider"

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        self._url = url
        self._timeout = timeout

    def place(self, call: Dial, now: datetime) -> Placed | Refused | Unknown:
        body = {
            "from_number": call.from_number,
            "to_number": call.to_number,
            "override_agent_id": call.carrier_agent_id,
            "retell_llm_dynamic_variables": {name: str(value) for name, value in call.variables.items()},
            "metadata": {"call_id": call.id},
            "max_ring_seconds": call.max_ring_seconds,
            "max_talk_seconds": call.max_talk_seconds,
        }
        try:
            answer = self._post("/v2/create-phone-call", body)
        except requests.RequestException as error:
            return Unknown(f"no answer came to the dial: {type(error).__name__}")
        if answer.status_code == 201:
            return Placed(answer.json()["call_id"], next_look_at=now + timedelta(seconds=15))
        if answer.status_code in (400, 402, 429):
            return Refused(answer.json()["message"])
        return Unknown(f"it answered {answer.status_code}")

    def look_up(self, call: Dial, now: datetime) -> Sighting | Unknown:
        try:
            found = self._find(call)
        except requests.RequestException as error:
            return Unknown(f"it does not answer: {type(error).__name__}")
        return _sighting(found) if found is not None else Unknown("it does not know this call")

    def cancel(self, call: Dial, now: datetime) -> Cancelled | TooLate | Unknown:
        try:
            answer = self._post(f"/v2/stop-call/{call.provider_call_id}", {})
        except requests.RequestException as error:
            return Unknown(f"it does not answer: {type(error).__name__}")
        return Cancelled() if answer.status_code == 204 else TooLate()

    def verify(self, request: Request) -> None:
        given = _SIGNATURE.fullmatch(request.headers.get("x-retell-signature", ""))
        if given is None:
            raise InvalidSignature("it is not signed")
        sent_at = datetime.fromtimestamp(int(given[1]) / 1000, UTC)
        if abs(request.received_at - sent_at) > TOLERANCE:
            raise InvalidSignature("it is too old")
        if not hmac.compare_digest(given[2], _digest(request.body, given[1])):
            raise InvalidSignature("it was signed with another key")

    def parse(self, request: Request) -> Sequence[Report]:
        try:
            event = json.loads(request.body)
            if event["event"] not in ("call_started", "call_ended", "call_analyzed"):
                return ()
            return (Report(_sighting(event["call"]), call_id=event["call"]["metadata"].get("call_id")),)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MalformedDelivery(f"{type(error).__name__}: {error}") from None

    def _find(self, call: Dial) -> Mapping[str, Any] | None:
        if call.provider_call_id is not None:
            answer = requests.get(f"{self._url}/v2/get-call/{call.provider_call_id}", timeout=self._timeout)
            found: Mapping[str, Any] | None = answer.json() if answer.status_code == 200 else None
            return found
        listed = self._post("/v3/list-calls", {"filter": {"metadata": {"call_id": call.id}}}).json()["items"]
        return listed[0] if listed else None

    def _post(self, path: str, body: Mapping[str, Any]) -> requests.Response:
        return requests.post(self._url + path, json=body, timeout=self._timeout)


def _sighting(call: Mapping[str, Any]) -> Sighting:
    status, answered_at = call["call_status"], _moment(call.get("start_timestamp"))
    if status in ("registered", "ongoing"):
        phase = Phase.TALKING if status == "ongoing" else Phase.RINGING
        return Sighting(phase, call["call_id"], answered_at)
    analysis = call.get("call_analysis")
    ended_at = _moment(call["end_timestamp"])
    assert ended_at is not None
    result = Result(
        _OUTCOMES.get(call["disconnection_reason"], Outcome.FAILED),
        ended_at,
        transcript=tuple(Turn(said["role"], said["content"]) for said in call.get("transcript_object", ())),
        summary=analysis["call_summary"] if analysis else None,
        sentiment=analysis["user_sentiment"].lower() if analysis else None,
        cost_cents=call.get("call_cost"),
        reason=None if answered_at else call["disconnection_reason"],
        analysis_pending=answered_at is not None and analysis is None,
    )
    return Sighting(Phase.ENDED, call["call_id"], answered_at, result=result)


def _moment(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds is not None else None


def _digest(body: bytes, timestamp: str) -> str:
    return hmac.new(SIGNING_KEY, body + timestamp.encode(), sha256).hexdigest()


@dataclass
class Provider:
    """The other side: its calls as a test moves them, and what it was asked."""

    clock: Clock
    events_url: str = ""
    url: str = ""
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    dials: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    looks: int = 0
    obeys: bool = True
    """False: it says yes when it is told to stop a call, and goes on with it."""
    next_answers: list[int] = field(default_factory=list)
    """Statuses for the next dials; 0 dials and then hangs up without an answer."""

    def of(self, call_id: str) -> dict[str, Any]:
        """Its call for ours."""
        (found,) = [call for call in self.calls.values() if call["metadata"]["call_id"] == call_id]
        return found

    def answered(self, call_id: str) -> None:
        self.of(call_id).update(call_status="ongoing", start_timestamp=self._now())

    def ended(self, call_id: str, reason: str = "user_hangup") -> None:
        said = [{"role": "agent", "content": "Hello?"}, {"role": "user", "content": "Yes."}]
        call = self.of(call_id)
        call.update(call_status="ended", end_timestamp=self._now(), disconnection_reason=reason)
        if "start_timestamp" in call:
            call.update(transcript_object=said, call_cost=19.5)

    def analysed(self, call_id: str, summary: str = "A demo on Tuesday.") -> None:
        self.of(call_id)["call_analysis"] = {"call_summary": summary, "user_sentiment": "Positive"}

    def event(self, name: str, call_id: str) -> bytes:
        """An event as it would be sent now."""
        return json.dumps({"event": name, "call": self.of(call_id)}).encode()

    def signature(self, body: bytes) -> str:
        return f"v={self._now()},d={_digest(body, str(self._now()))}"

    def send(self, body: bytes, signature: str | None = None) -> requests.Response:
        headers = {"x-retell-signature": signature or self.signature(body)}
        return requests.post(self.events_url, data=body, headers=headers, timeout=10)

    def tell(self, name: str, call_id: str) -> dict[str, Any]:
        """Send an event that must be taken; return the answer."""
        answer = self.send(self.event(name, call_id))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def take(self, path: str, body: Any) -> tuple[int, Any]:
        """Answer a request; status 0 hangs up."""
        if path == "/v2/create-phone-call":
            return self._dial(body)
        if path.startswith("/v2/stop-call/"):
            return self._stop(path.rsplit("/", 1)[1])
        self.looks += 1
        if path == "/v3/list-calls":
            return 200, {
                "items": [c for c in self.calls.values() if c["metadata"] == body["filter"]["metadata"]]
            }
        found = self.calls.get(path.rsplit("/", 1)[1])
        return (200, found) if found is not None else (404, {"message": "no such call"})

    def _dial(self, body: dict[str, Any]) -> tuple[int, Any]:
        status = self.next_answers.pop(0) if self.next_answers else 201
        self.dials.append(body)
        if status not in (0, 201):
            return status, {"message": "no_valid_payment"}
        call_id = f"call_{len(self.dials)}"
        self.calls[call_id] = {
            "call_id": call_id,
            "call_status": "registered",
            "metadata": body["metadata"],
        }
        return status, self.calls[call_id]

    def _stop(self, provider_call_id: str) -> tuple[int, Any]:
        self.stopped.append(provider_call_id)
        call = self.calls[provider_call_id]
        if call["call_status"] == "ended":
            return 404, {"message": "it has ended"}
        if self.obeys:
            self.ended(call["metadata"]["call_id"], reason="agent_hangup")
        return 204, None

    def _now(self) -> int:
        return int(self.clock().timestamp() * 1000)


@contextmanager
def running_provider(clock: Clock) -> Iterator[Provider]:
    """A provider that listens on loopback."""
    provider = Provider(clock)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider.take))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()


def _handler(take: Callable[[str, Any], tuple[int, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*take(self.path, None))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(*take(self.path, json.loads(body)))

        def _answer(self, status: int, content: Any) -> None:
            if status == 0:
                self.close_connection = True
                return
            body = json.dumps(content).encode() if content is not None else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
