"""HighLevel's errors, each made into one of two: try later, or a person must act. Pure.

Bodies are `{statusCode, message, error?, traceId?}` where message is a text or a list of texts, or `{error: {code,
message}}` (highlevel-api-docs, apps/*.json; https://marketplace.gohighlevel.com/docs, read 2026-11). What 401s say
is from the same and from public integrations. Neither the body of a 429 nor Retry-After is documented; the limits
are: 100 requests in 10 seconds and 200,000 a day, for an app in a location, told in X-RateLimit-* headers.
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from connector.errors import ConnectorError, PermanentError, TemporaryError

NEEDS_A_PERSON: Final = timedelta(seconds=60)
BURST: Final = timedelta(seconds=10)
DAILY: Final = timedelta(hours=1)
LONGEST: Final = timedelta(hours=24)
_MAX_SENTENCE: Final = 600

_HINTS: Final[Mapping[str, str]] = {
    "scope": "Someone must give the private integration the scopes that adapters/ghl/README.md lists",
    "authclass": "Someone must take a token of the sub-account: this one is of an agency or of another kind",
    "usertype": "Someone must take a token of the sub-account: this one is of an agency or of another kind",
    "version": "Someone must correct the connection's api_version",
}
"""By a word in the message, small and without spaces. A missing scope comes as 401, like an old token."""
_NEW_TOKEN: Final = "Someone must give the connection a valid access_token"  # noqa: S105


class Refused(PermanentError):
    """HighLevel refuses this request as it is."""


def failure(doing: str, status: int, headers: Mapping[str, str], body: bytes) -> ConnectorError:
    """Return the error for an answer that is not 2xx; `doing` says what was asked: `read opportunity ...`."""
    message, told = _said(body)
    said = f"HighLevel answered {status} when asked to {doing}{told}"
    match status:
        case 401:
            packed = message.lower().replace(" ", "").replace("'", "")
            hint = next((text for word, text in _HINTS.items() if word in packed), _NEW_TOKEN)
            return TemporaryError(f"{said}. {hint}; it is tried again meanwhile", after=NEEDS_A_PERSON)
        case 403:
            return TemporaryError(
                f"{said}. Someone must give the connection a token of its own location; it is tried again meanwhile",
                after=NEEDS_A_PERSON,
            )
        case 429:
            return TemporaryError(said, after=wait_after(headers))
        case 400 if "not active" in message:
            return TemporaryError(f"{said}. Someone must make the location active again", after=DAILY)
        case _ if status >= 500 or status in (408, 425):
            return TemporaryError(said, after=_retry_after(headers))
        case _ if 300 <= status < 400:
            return PermanentError(f"{said}: a redirect; is the connection's api_url right?")
        case _:
            return Refused(said)


def wait_after(headers: Mapping[str, str]) -> timedelta:
    """How long to ask nothing: as Retry-After says, an hour when the day is used up, else the interval."""
    told = _retry_after(headers)
    if told is not None:
        return told
    if _number(headers, "x-ratelimit-daily-remaining") == 0:
        return DAILY
    interval = _number(headers, "x-ratelimit-interval-milliseconds")
    return timedelta(milliseconds=min(max(interval, 100), 600_000)) if interval else BURST


def is_used_up(headers: Mapping[str, str]) -> bool:
    """Does a good answer say that the next request would be refused?"""
    return 0 in (
        _number(headers, "x-ratelimit-remaining"),
        _number(headers, "x-ratelimit-daily-remaining"),
    )


def _said(body: bytes) -> tuple[str, str]:
    """HighLevel's message, and the same as the end of a sentence with its trace id."""
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return "", ""
    inner = answer.get("error")
    found = answer.get("message") or (inner.get("message") if isinstance(inner, dict) else inner)
    texts = found if isinstance(found, list) else [found]
    message = "; ".join(str(text) for text in texts[:5] if text)[:_MAX_SENTENCE].replace("\x00", "")
    message = message.encode("utf-8", "replace").decode()
    trace = f" (trace id {str(answer['traceId'])[:80]})" if answer.get("traceId") else ""
    return message, f": {message}{trace}" if message else trace


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = next((str(text) for key, text in headers.items() if key.lower() == name), "").strip()
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) else None


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    seconds = _number(headers, "retry-after")
    return None if seconds is None else min(timedelta(seconds=max(seconds, 1)), LONGEST)
