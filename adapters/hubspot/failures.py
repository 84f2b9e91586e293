"""HubSpot's errors, each made into one of two: try later, or a person must act. Pure.

https://developers.hubspot.com/docs/api-reference/error-handling (read 2026-11). Every field of HubSpot's
error body is optional, and some details come as JSON text inside `message`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from connector.errors import ConnectorError, PermanentError, TemporaryError

NEEDS_A_PERSON: Final = timedelta(seconds=60)
BURST: Final = timedelta(seconds=10)
DAILY: Final = timedelta(hours=1)
LOCKED: Final = timedelta(seconds=2)
MIGRATING: Final = timedelta(hours=1)
LONGEST: Final = timedelta(hours=24)

REFUSED: Final = frozenset({400, 404, 409, 414})
"""HubSpot will answer the same to the same request."""
_TEMPORARY_CATEGORIES: Final = frozenset({"RATE_LIMIT", "RATE_LIMITS", "INTERNAL_ERROR", "TIMEOUT"})
_MAX_SENTENCE: Final = 600
_INNER_JSON: Final = re.compile(r"\[\{.*\}\]", re.DOTALL)


class Refused(PermanentError):
    """HubSpot refuses this request as it is."""

    def __init__(self, message: str, *, missing: frozenset[str] = frozenset()) -> None:
        super().__init__(message)
        self.missing = missing
        """Properties that the account does not have, where that is why."""


def failure(doing: str, status: int, headers: Mapping[str, str], body: object) -> ConnectorError:
    """Return the error for an answer that is not 2xx; `doing` says what was asked: `update deals`."""
    answer = _document(body)
    said = f"HubSpot answered {status} when asked to {doing}{_said(answer)}"
    wait = _retry_after(headers)
    match status:
        case 401:
            return TemporaryError(
                f"{said}. Someone must give the connection a valid access_token; it is tried again meanwhile",
                after=NEEDS_A_PERSON,
            )
        case 403:
            return TemporaryError(
                f"{said}{_scopes(answer)}. Someone must change what the app may do in HubSpot; it is tried"
                " again meanwhile",
                after=NEEDS_A_PERSON,
            )
        case 429:
            daily = answer.get("policyName") == "DAILY"
            return TemporaryError(said, after=wait or (DAILY if daily else BURST))
        case 423:
            return TemporaryError(said, after=max(wait or LOCKED, LOCKED))
        case 477:
            return TemporaryError(f"{said}: HubSpot is moving the account", after=wait or MIGRATING)
        case _ if status >= 500 or status in (0, 408, 425):
            return TemporaryError(said, after=wait)
        case _ if 300 <= status < 400:
            return PermanentError(f"{said}: a redirect; is the connection's api_url right?")
        case _:
            return Refused(said, missing=frozenset(_missing_properties(answer)))


def refusal(doing: str, error: Mapping[str, Any]) -> ConnectorError:
    """Return the error for one entry of a 207's `errors`."""
    said = f"HubSpot could not {doing}{_said(error)}"
    if error.get("category") in _TEMPORARY_CATEGORIES:
        return TemporaryError(said, after=BURST)
    return Refused(said, missing=frozenset(_missing_properties(error)))


def _document(body: object) -> Mapping[str, Any]:
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    try:
        answer = json.loads(body) if isinstance(body, str) else body
    except (ValueError, RecursionError):
        return {}
    return storable(answer) if isinstance(answer, dict) else {}


def storable(value: Any) -> Any:
    """Leave out what PostgreSQL cannot hold in text: NULs, and halves of characters."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner) for inner in value]
    return value


def _said(answer: Mapping[str, Any]) -> str:
    """HubSpot's words in one line: category, message with the JSON in it unpacked, correlation id."""
    parts = [str(answer[key]) for key in ("category", "errorType", "policyName") if answer.get(key)]
    message = str(answer.get("message") or "")
    inner = _inner(answer)
    if inner:
        message = _INNER_JSON.sub("", message).rstrip(": ")
    details = [str(detail["message"]) for detail in (*inner, *_errors(answer)) if detail.get("message")]
    parts += [text[:_MAX_SENTENCE] for text in dict.fromkeys([message, *details[:5]]) if text]
    said = f": {', '.join(dict.fromkeys(parts))}" if parts else ""
    correlation = answer.get("correlationId")
    return said + (f" (correlation id {correlation})" if correlation else "")


def _inner(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The details that HubSpot writes as JSON inside the message of a validation error."""
    found = _INNER_JSON.search(str(answer.get("message") or ""))
    return _list_of_objects(found.group()) if found else []


def _errors(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    errors = answer.get("errors")
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _scopes(answer: Mapping[str, Any]) -> str:
    wanted: set[str] = set()
    for holder in (answer, *_errors(answer)):
        context = holder.get("context")
        for key in ("missingScopes", "requiredGranularScopes", "requiredScopes"):
            scopes = context.get(key) if isinstance(context, dict) else None
            wanted.update(map(str, scopes if isinstance(scopes, list) else []))
    return f"; scopes wanted: {', '.join(sorted(wanted))}" if wanted else ""


def _missing_properties(answer: Mapping[str, Any]) -> Iterator[str]:
    """Read both places where HubSpot names a property it does not have."""
    for detail in _errors(answer):
        context = detail.get("context")
        names = context.get("propertyName") if isinstance(context, dict) else None
        if detail.get("code") == "PROPERTY_DOESNT_EXIST" and isinstance(names, list):
            yield from map(str, names)
    for detail in _inner(answer):
        if detail.get("error") == "PROPERTY_DOESNT_EXIST" and "name" in detail:
            yield str(detail["name"])


def _list_of_objects(text: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Seconds, as 477 documents it; HubSpot does not say for 429, so it is honoured where it is there."""
    value = next((str(text) for name, text in headers.items() if name.lower() == "retry-after"), "").strip()
    if not re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        return None
    return min(timedelta(seconds=max(int(value), 1)), LONGEST)
