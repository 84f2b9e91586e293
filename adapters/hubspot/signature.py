"""Verify: HubSpot's proof that a request comes from it. Pure.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
(read 2026-11). Three schemes, all keyed with the app's client secret over the exact bytes sent:

    v3  base64 HMAC-SHA-256 of  METHOD + decoded URI + body + timestamp     X-HubSpot-Signature-v3
    v2  hex SHA-256 of          secret + METHOD + URI + body                X-HubSpot-Signature
    v1  hex SHA-256 of          secret + body                               X-HubSpot-Signature

v1 does not cover the URL and neither v1 nor v2 resists replay, so a connection must allow them by name.
A v3 header that is present decides alone: an older one beside it cannot rescue a wrong v3.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from connector.errors import InvalidSignature
from connector.model import Request

TOLERANCE: Final = timedelta(minutes=5)
"""HubSpot's rule for age. Refusing what comes from the future by as much is our hardening."""

V3_HEADER: Final = "x-hubspot-signature-v3"
TIMESTAMP_HEADER: Final = "x-hubspot-request-timestamp"
OLDER_HEADER: Final = "x-hubspot-signature"
VERSION_HEADER: Final = "x-hubspot-signature-version"

# The documented list, complete and in capitals; everything else stays as it came.
_DECODED: Final = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$",
    "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ENCODED: Final = re.compile("|".join(_DECODED))
_TIMESTAMP: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def verify(request: Request, secrets: Sequence[str], allowed: Collection[str] = ("v3",)) -> None:
    """Return if one of the client secrets signed this request; raise InvalidSignature if not."""
    headers = request.headers
    if V3_HEADER in headers:
        _check_age(headers.get(TIMESTAMP_HEADER), request.received_at)
        _match(headers[V3_HEADER], sign_v3, request, secrets)
        return
    claimed = headers.get(OLDER_HEADER)
    if claimed is None:
        raise InvalidSignature("no HubSpot signature header")
    version = headers.get(VERSION_HEADER, "")
    sign = _OLDER.get(version)
    if sign is None:
        raise InvalidSignature("X-HubSpot-Signature-Version is neither v1 nor v2")
    if version not in allowed:
        raise InvalidSignature(f"only a {version} signature, and allow_signatures does not list {version}")
    _match(claimed, sign, request, secrets)


def v3_headers(request: Request, secret: str) -> dict[str, str]:
    """Return the headers that HubSpot would send with this request, signed when it arrived."""
    timestamp = str((request.received_at - _EPOCH) // timedelta(milliseconds=1))
    headers = {**request.headers, TIMESTAMP_HEADER: timestamp}
    signature = sign_v3(replace(request, headers=headers), secret)
    return {TIMESTAMP_HEADER: timestamp, V3_HEADER: signature}


def sign_v3(request: Request, secret: str) -> str:
    """Return the v3 signature of a request, whose headers have the timestamp already."""
    timestamp = request.headers.get(TIMESTAMP_HEADER, "")
    text = _bytes(request.method + signed_uri(request.url)) + request.body + _bytes(timestamp)
    return base64.b64encode(hmac.new(_bytes(secret), text, hashlib.sha256).digest()).decode()


def sign_v2(request: Request, secret: str) -> str:
    """Return the v2 signature of a request."""
    return hashlib.sha256(_bytes(secret + request.method + request.url) + request.body).hexdigest()


def sign_v1(request: Request, secret: str) -> str:
    """Return the v1 signature of a request."""
    return hashlib.sha256(_bytes(secret) + request.body).hexdigest()


def signed_uri(uri: str) -> str:
    """Return the URI as v3 signs it: twelve sequences decoded, once."""
    return _ENCODED.sub(lambda found: _DECODED[found.group()], uri)


_Sign = Callable[[Request, str], str]
_OLDER: Final[Mapping[str, _Sign]] = {"v1": sign_v1, "v2": sign_v2}


def _match(claimed: str, sign: _Sign, request: Request, secrets: Sequence[str]) -> None:
    # bytes: given text, compare_digest raises TypeError on a header with an accent in it
    given = _bytes(claimed)
    matches = [hmac.compare_digest(_bytes(sign(request, secret)), given) for secret in secrets]
    if not any(matches):
        raise InvalidSignature("the signature does not match this method, URL, body and client secret")


def _check_age(timestamp: str | None, received_at: datetime) -> None:
    if timestamp is None or not _TIMESTAMP.fullmatch(timestamp):
        raise InvalidSignature("X-HubSpot-Request-Timestamp is not a number of milliseconds")
    age = (received_at - _EPOCH) // timedelta(milliseconds=1) - int(timestamp)
    tolerance = TOLERANCE // timedelta(milliseconds=1)
    if age > tolerance:
        raise InvalidSignature(f"signed {age} ms before it arrived; {tolerance} ms are allowed")
    if age < -tolerance:
        raise InvalidSignature(f"signed {-age} ms after it arrived; check this machine's clock")


def _bytes(text: str) -> bytes:
    # headers may hold anything: what is not text cannot match, and must not raise either
    return text.encode("utf-8", "backslashreplace")
