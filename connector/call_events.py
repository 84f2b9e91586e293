"""Call events of a Trigger Call API: is it genuine, and what does it say of which call.

Ours are signed as Standard Webhooks; the hosted service's guide (trigger_call_api.md 5.5) signs hex
HMAC-SHA256 over "{timestamp}.{body}" in `X-...-Signature` and `X-...-Timestamp`. Both are accepted.
"""

import hashlib
import hmac
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

from connector.errors import InvalidSignature, MalformedDelivery
from connector.model import CallResult, Outcome, Request

TOLERANCE = timedelta(minutes=5)
_HOSTED = ("x-prosody", "x-buildvoiceai")
_ENDED = {"call_ended", "call.completed", "call.failed"}
_STARTED = {"call_started", "call.started"}
_OUTCOMES = {
    "completed": Outcome.ANSWERED,
    "no-answer": Outcome.NO_ANSWER,
    "no_answer": Outcome.NO_ANSWER,
    "busy": Outcome.BUSY,
    "voicemail": Outcome.VOICEMAIL,
    "failed": Outcome.FAILED,
    "canceled": Outcome.CANCELED,
    "cancelled": Outcome.CANCELED,
    "expired": Outcome.EXPIRED,
}
_WISHES = frozenset(
    {
        "do_not_contact",  # Bland's disposition
        "user_requested_dnc",  # Retell's
        "do_not_call",
        "dnc",
        "dnc_requested",
        "opt_out",
        "opted_out",
        "remove_from_list",
    }
)
"""Words by which voice providers say that a person wants no more calls (voice_providers.md, section 2)."""
_SAYING = ("outcome", "disposition", "disposition_tag", "disconnection_reason", "ended_reason", "status")
"""Where a call event may have such a word."""
_SAYING_IN_METADATA = ("disposition", "disposition_tag", "disconnection_reason")
"""Fewer, for most of the metadata comes from the rule: a `status` there may be anything."""


@dataclass(frozen=True, slots=True)
class CallEvent:
    """What one delivery of a call API says."""

    name: str
    ended: bool
    test: bool
    dispatch_id: str | None
    result: CallResult


def verify_any(request: Request, secrets: Sequence[str]) -> None:
    """As verify, with one of several secrets: while one replaces another, both are good."""
    failure = InvalidSignature("no secret is set")
    for secret in secrets:
        try:
            return verify(request, secret)
        except InvalidSignature as error:
            failure = error
    raise failure


def verify(request: Request, secret: str) -> None:
    """Return if the call event is signed with `secret` and fresh; raise InvalidSignature if not."""
    headers = request.headers
    if "webhook-signature" in headers:
        _verify_standard(request, secret)
        return
    for prefix in _HOSTED:
        if f"{prefix}-signature" in headers:
            _verify_hosted(request, secret, prefix)
            return
    raise InvalidSignature("the call event carries no signature")


def _verify_standard(request: Request, secret: str) -> None:
    message = request.headers.get("webhook-id", "")
    sent_at = _fresh(request.headers.get("webhook-timestamp", ""), request.received_at)
    try:
        expected = Webhook(secret).sign(message, sent_at, request.body.decode())
    except ValueError:
        raise InvalidSignature("the call event's body is not UTF-8, or its secret not whsec_...") from None
    claimed = request.headers["webhook-signature"].split(" ")
    if not any(hmac.compare_digest(expected.encode(), each.encode("utf-8", "replace")) for each in claimed):
        raise InvalidSignature("the signature does not match the call event")


def _verify_hosted(request: Request, secret: str, prefix: str) -> None:
    timestamp = request.headers.get(f"{prefix}-timestamp", "")
    _fresh(timestamp, request.received_at)
    signed = timestamp.encode() + b"." + request.body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    claimed = request.headers[f"{prefix}-signature"]
    if not hmac.compare_digest(expected.encode(), claimed.encode("utf-8", "replace")):
        raise InvalidSignature("the signature does not match the call event")


def _fresh(timestamp: str, now: datetime) -> datetime:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise InvalidSignature("the call event's timestamp is not in seconds")
    sent_at = datetime.fromtimestamp(int(timestamp), UTC)
    if abs(now - sent_at) > TOLERANCE:
        raise InvalidSignature(f"the call event was signed more than {TOLERANCE} away from its arrival")
    return sent_at


def parse(body: bytes) -> CallEvent:
    """Read the flat payload (5.3), and the older one (5.4); raise MalformedDelivery where it is neither."""
    try:
        value = json.loads(body)
        if not isinstance(value, dict):
            raise TypeError
        name = str(value["event"])
        call_id = str(value["call_id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise MalformedDelivery("the call event is not a JSON object with `event` and `call_id`") from None
    if name not in _ENDED | _STARTED | {"test"}:
        raise MalformedDelivery(f'"{name[:80]}" is not a call event we know')
    given = value.get("metadata")
    metadata: dict[str, Any] = given if isinstance(given, dict) else {}
    dispatch_id = metadata.get("dispatch_id")
    return CallEvent(
        name=name,
        ended=name in _ENDED,
        test=bool(value.get("test")) or name == "test",
        dispatch_id=dispatch_id if isinstance(dispatch_id, str) else None,
        result=read_result(value, call_id, metadata, ended=name in _ENDED),
    )


def read_result(
    value: Mapping[str, Any], call_id: str, metadata: Mapping[str, Any], *, ended: bool
) -> CallResult:
    """The result in a call event, or in a call of GET /api/v1/calls/{id}: the same names in both."""
    return CallResult(
        call_id=call_id,
        outcome=_outcome(value) if ended else None,
        status=_text(value.get("status")),
        agent_name=_text(value.get("agent_name")),
        from_number=_text(value.get("from_number")),
        to_number=_text(value.get("to_number") or value.get("phone_number")),
        started_at=_moment(value.get("started_at")),
        ended_at=_moment(value.get("ended_at")),
        duration_seconds=_number(value.get("duration_seconds")),
        summary=_text(value.get("summary")),
        transcript=_transcript(value.get("transcript")),
        sentiment=_text(value.get("sentiment")),
        recording_url=_text(value.get("recording_url")),
        cost_cents=_number(value.get("cost_cents")),
        opt_out=_opt_out(value, _SAYING) or _opt_out(metadata, _SAYING_IN_METADATA) if ended else None,
        metadata=metadata,
    )


def _outcome(value: Mapping[str, Any]) -> Outcome:
    """Our additive `outcome` where it is sent, else what `status` or the event's name says."""
    said = value.get("outcome")
    if isinstance(said, str) and said in set(Outcome):
        return Outcome(said)
    if value.get("event") == "call.failed":
        return Outcome.FAILED
    if value.get("event") == "call.completed" and "status" not in value:
        return Outcome.ANSWERED
    return _OUTCOMES.get(str(value.get("status")), Outcome.UNKNOWN)


def _opt_out(value: Mapping[str, Any], saying: Sequence[str]) -> str | None:
    """The word by which it says that the person wants no more calls: `opt_out: true`, or a known disposition."""
    if value.get("opt_out") is True or str(value.get("opt_out")).strip().casefold() == "true":
        return "opt_out"
    for name in saying:
        word = "_".join(str(value.get(name, "")).casefold().replace("-", " ").replace("_", " ").split())
        if word in _WISHES:
            return word
    return None


def _text(value: Any) -> str | None:
    """Text that PostgreSQL can hold: no NUL, no lone surrogates."""
    if value is None or isinstance(value, dict | list):
        return None
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode()


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) and abs(value) < 1e12 else None
    except OverflowError:
        return None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _transcript(value: Any) -> str | None:
    """Text as it is; the older payload's turns as lines `Agent: ...` / `User: ...`."""
    if not isinstance(value, list):
        return _text(value)
    names = {"agent": "Agent", "human": "User", "user": "User"}
    turns = [turn for turn in value if isinstance(turn, dict)]
    lines = [f"{names.get(str(turn.get('role')), 'User')}: {turn.get('content', '')}" for turn in turns]
    return _text("\n".join(lines))
