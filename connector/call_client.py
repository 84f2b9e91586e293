"""The client of the Trigger Call API contract: ours or the hosted service.

A trigger request is sent once a try: no redirects, no retries by a library. What came of it is one of
four values, so that nobody has to guess whether a call may have been placed.
"""

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from connector.errors import PermanentError, TemporaryError
from connector.model import Clock, TriggerRequest, utc_now

TIMEOUT = (5.0, 10.0)
E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
AGENTS_TTL = 60.0


@dataclass(frozen=True, slots=True)
class Placed:
    """The API took the request: this is its call."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The API said no for good: no call was placed, and the same request never will be."""

    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Certainly no call was placed; the same request may work after `after`."""

    word: str
    reason: str
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The request may or may not have placed a call."""

    reason: str


Answer = Placed | Refused | Later | Doubtful


@dataclass(slots=True)
class CallClient:
    """Speaks to one Trigger Call API from many threads, a session each."""

    base_url: str
    api_key: str
    agents: Mapping[str, str] = field(default_factory=dict)
    """Names of agents -> UUIDs, beside those the API lists."""
    takes_expiry: bool = False
    """Does the API know `expires_at`? Ours does; the contract does not have it."""
    timeout: tuple[float, float] = TIMEOUT
    clock: Clock = utc_now
    _local: threading.local = field(default_factory=threading.local, init=False)
    _listed: dict[str, str] = field(default_factory=dict, init=False)
    _listed_at: float = field(default=float("-inf"), init=False)

    def trigger(self, request: TriggerRequest, dispatch_id: str) -> Answer:
        """POST /api/v1/calls/trigger, once; the dispatch's id is key and metadata."""
        if not E164.fullmatch(request.phone_number):
            return Refused("not_a_phone_number", "the number is not in the form +12025550100")
        try:
            body = self._body(request, dispatch_id)
        except PermanentError as error:
            return Refused("unknown_agent", str(error))
        except TemporaryError as error:
            return Later("call_api_unavailable", str(error), error.after)
        headers = {"Content-Type": "application/json", "Idempotency-Key": dispatch_id}
        try:
            answer = self._send("POST", "/api/v1/calls/trigger", data=body, headers=headers)
        except requests.RequestException as error:
            return _no_answer(error, self.base_url)
        return _meaning(answer, self.clock())

    def find_call(self, dispatch_id: str) -> Mapping[str, Any] | None:
        """The call that carries this dispatch id in its metadata, or None where the API has none.

        Raises PermanentError where the API cannot be asked that, TemporaryError where it does not answer.
        """
        answer = self._get("/api/v1/calls", {"metadata.dispatch_id": dispatch_id, "limit": "1"})
        calls = answer.get("calls")
        if not isinstance(calls, list):
            raise PermanentError("the call API does not list calls")
        for call in calls:
            if isinstance(call, dict) and (call.get("metadata") or {}).get("dispatch_id") == dispatch_id:
                return call
        if calls:
            raise PermanentError("the call API lists calls but does not look them up by metadata")
        return None

    def get_call(self, call_id: str) -> Mapping[str, Any] | None:
        """GET /api/v1/calls/{call_id}; None where the API does not know it. Raises as find_call."""
        answer = self._get(f"/api/v1/calls/{call_id}", {})
        call = answer.get("call", answer)
        return call if isinstance(call, dict) and call.get("id", call.get("call_id")) else None

    def agent_names(self) -> frozenset[str]:
        """The names of agents that rules may use. Raises as find_call."""
        self._refresh_agents()
        return frozenset(self._listed) | frozenset(self.agents)

    def agent_id(self, agent: str) -> str:
        """The UUID of an agent given by name or UUID; raises PermanentError for an unknown name."""
        try:
            return str(UUID(agent))
        except ValueError:
            pass
        known = self.agents.get(agent) or self._listed.get(agent)
        if known is None or time.monotonic() - self._listed_at > AGENTS_TTL:
            if agent not in self.agents:
                self._refresh_agents()
            known = self.agents.get(agent) or self._listed.get(agent)
        if known is None:
            names = ", ".join(sorted({*self._listed, *self.agents})) or "none yet"
            raise PermanentError(f'"{agent}" is not an agent of the call API; there are: {names}')
        return known

    def _refresh_agents(self) -> None:
        agents = self._get("/api/v1/agents", {}).get("agents")
        if not isinstance(agents, list):
            raise PermanentError("the call API does not list agents; write their UUIDs under calls.agents")
        self._listed = {str(each["name"]): str(each["id"]) for each in agents if isinstance(each, dict)}
        self._listed_at = time.monotonic()

    def _body(self, request: TriggerRequest, dispatch_id: str) -> bytes:
        body: dict[str, Any] = {"phone_number": request.phone_number}
        if request.agent is not None:
            body["agent_id"] = self.agent_id(request.agent)
        if request.name:
            body["name"] = request.name
        if request.email:
            body["email"] = request.email
        if request.expires_at is not None and self.takes_expiry:
            body["expires_at"] = request.expires_at.isoformat()
        body["metadata"] = {**request.metadata, "dispatch_id": dispatch_id}
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()

    def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        try:
            answer = self._send("GET", path, params=query)
        except requests.RequestException as error:
            raise TemporaryError(
                f"the call API does not answer at {self.base_url}: {_short(error)}"
            ) from None
        if answer.status_code in (404, 405, 501):
            if answer.headers.get("Content-Type", "").startswith("application/json") and "/calls/" in path:
                return {}
            raise PermanentError(f"the call API has no {path}")
        if answer.status_code != 200:
            raise TemporaryError(
                f"the call API answered {answer.status_code} to GET {path}: {_error_text(answer)}",
                after=_retry_after(answer, self.clock()) or timedelta(seconds=30),
            )
        try:
            value = answer.json()
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise PermanentError(f"the call API's answer to GET {path} is not a JSON object")
        return value

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {self.api_key}"
            session.headers["User-Agent"] = "Stagecall"
            session.mount("http://", HTTPAdapter(max_retries=0))
            session.mount("https://", HTTPAdapter(max_retries=0))
        return session.request(
            method, self.base_url + path, timeout=self.timeout, allow_redirects=False, **arguments
        )


def _no_answer(error: requests.RequestException, url: str) -> Answer:
    """No answer came: was the request ever sent? Only a connection never made is certain."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(error, requests.ConnectTimeout) or isinstance(
        reason, NewConnectionError | ConnectTimeoutError
    ):
        return Later("call_api_unavailable", f"the call API cannot be reached at {url}")
    return Doubtful(f"no answer came to the trigger request: {_short(error)}")


def _meaning(answer: requests.Response, now: datetime) -> Answer:
    """What an answer to a trigger request means (trigger_call_api.md 2.4 and 2.5)."""
    status, text = answer.status_code, _error_text(answer)
    if status == 200:
        return _success(answer)
    if status == 429:
        after = _retry_after(answer, now) or timedelta(seconds=15)
        return Later("rate_limited", "the call API's rate limit is reached", after)
    if status in (401, 403):
        reason = f"the call API refused our key ({status}: {text}); a person must set calls.api_key"
        return Later("key_refused", reason, timedelta(minutes=1))
    if status in (404, 405) or 300 <= status < 400:
        reason = f"there is no trigger at {answer.url} ({status}); a person must set calls.api_url"
        return Later("no_trigger", reason, timedelta(minutes=1))
    if status == 503 and "Retry-After" in answer.headers:
        return Later(
            "call_api_unavailable", f"the call API is unavailable: {text}", _retry_after(answer, now)
        )
    if status in (408, 409, 425) or status >= 500:
        return Doubtful(f"the call API answered {status}: {text}")
    if status == 400 and (waits := _next_window(answer, now)) is not None:
        return Later("outside_agent_window", f"the call API places no call at this hour: {text}", waits)
    return Refused("refused", f"the call API refused the request: {text}")


def _success(answer: requests.Response) -> Answer:
    try:
        call_id = answer.json()["call_id"]
    except (ValueError, KeyError, TypeError):
        call_id = None
    if isinstance(call_id, str) and call_id:
        return Placed(call_id)
    return Doubtful("the call API answered 200 without a call_id")


def _next_window(answer: requests.Response, now: datetime) -> timedelta | None:
    """How long until the calling window that our own API keeps for its agent opens, where that is why it refused."""
    try:
        body = answer.json()
        if body["code"] in ("outside_calling_window", "expires_too_soon"):
            return max(datetime.fromisoformat(body["next_window_at"]) - now, timedelta(seconds=15))
    except (ValueError, KeyError, TypeError):
        pass
    return None


def _error_text(answer: requests.Response) -> str:
    try:
        return str(answer.json()["error"])[:300]
    except (ValueError, KeyError, TypeError):
        return answer.reason or "no reason given"


def _retry_after(answer: requests.Response, now: datetime) -> timedelta | None:
    value = answer.headers.get("Retry-After", "")
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 86_400))
    try:
        moment = parsedate_to_datetime(value)
        return max(moment - now, timedelta(seconds=1))
    except (ValueError, TypeError):
        return None


def _short(error: BaseException) -> str:
    return type(error).__name__
