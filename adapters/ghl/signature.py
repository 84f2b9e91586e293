"""Verify: the proof that a delivery is HighLevel's, and for us. Pure.

https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide (as of 2026-08-30), over the exact bytes
of the body:

    X-GHL-Signature   base64 Ed25519
    X-WH-Signature    base64 RSASSA-PKCS1-v1_5 with SHA-256; ended on 2026-09-01, so a connection must allow it

A current header that is present decides alone: an older one beside it cannot rescue it. A header that is empty or
the literal `N/A` is missing (the guide's own code guards against it). Both keys are HighLevel's alone, the same for
every account and app: a right signature says only that HighLevel sent it to somebody, so the location in the body
must be the connection's own. The signature covers neither URL nor time; `timestamp` is in the body.

A workflow's webhook is not signed at all (the same documentation and HighLevel's help centre): it proves itself with
a secret that its author puts in a header. Which proof is asked for is decided by the headers, never by the body.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from adapters.ghl.document import document, location_of, moment
from connector.errors import InvalidSignature, MalformedDelivery
from connector.model import Request

CURRENT_HEADER: Final = "x-ghl-signature"
OLDER_HEADER: Final = "x-wh-signature"
FUTURE: Final = timedelta(minutes=5)
"""How far HighLevel's clock may be ahead of ours; our hardening."""

PUBLISHED: Final = (
    """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=
-----END PUBLIC KEY-----
""",
    """-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSC
Frm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCpVpt4XHIcBOK4u3cLSqJGOLaPuXw6
dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfB
csedpinheNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpv
uxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3OdeCVx5klVXXZQGNHOs8gF
3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKU
J062fRtN+rLYZUV+BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXp
IocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVNA5rw576PwTzN
h/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhC
HULgCsnuDJHcrGNd5/Ddm5hxGQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJ
PQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IGKAyk
T1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ==
-----END PUBLIC KEY-----
""",
)
"""HighLevel's keys: Ed25519 from the guide, RSA from the guide and highlevel-api-docs, docs/oauth/WebhookAuthentication.md."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What a connection believes."""

    location_id: str
    ed25519: tuple[Ed25519PublicKey, ...]
    rsa: tuple[RSAPublicKey, ...]
    """Empty: the older signature is not allowed."""
    secrets: tuple[str, ...]
    secret_header: str
    secret_in_url: bool
    window: timedelta


def keys(pems: Sequence[str]) -> tuple[tuple[Ed25519PublicKey, ...], tuple[RSAPublicKey, ...]]:
    """Return these keys by kind; HighLevel's published one where there is none of a kind."""
    given = [load_pem_public_key(pem.encode()) for pem in pems]
    known = [load_pem_public_key(pem.encode()) for pem in PUBLISHED]
    ed25519 = [key for key in given if isinstance(key, Ed25519PublicKey)]
    rsa = [key for key in given if isinstance(key, RSAPublicKey)]
    return (
        tuple(ed25519 or [key for key in known if isinstance(key, Ed25519PublicKey)]),
        tuple(rsa or [key for key in known if isinstance(key, RSAPublicKey)]),
    )


def verify(request: Request, trust: Trust) -> None:
    """Return if HighLevel, or a workflow that knows the secret, sent this for us; raise InvalidSignature if not."""
    if not _is_signed(request, trust):
        _check_secret(request, trust)
        _check_other_location(request.body, trust)
        return
    try:
        body = document(request.body)
    except MalformedDelivery as why:
        raise InvalidSignature(f"rightly signed, but whose it is cannot be read: {why}") from None
    if location_of(body) != trust.location_id:
        raise InvalidSignature(
            "rightly signed by HighLevel, but for another location than this connection's location_id"
        )
    _check_age(body, request, trust)


def check_ed25519(body: bytes, signature: str, known: Sequence[Ed25519PublicKey]) -> None:
    """Raise InvalidSignature unless one of these keys signed the body."""
    given = _decoded(signature)
    for key in known:
        try:
            key.verify(given, body)
        except WrongSignature:
            continue
        return
    raise InvalidSignature("X-GHL-Signature does not match this body and HighLevel's key")


def check_rsa(body: bytes, signature: str, known: Sequence[RSAPublicKey]) -> None:
    """The same for the older signature."""
    given = _decoded(signature)
    for key in known:
        try:
            key.verify(given, body, PKCS1v15(), SHA256())
        except WrongSignature:
            continue
        return
    raise InvalidSignature("X-WH-Signature does not match this body and HighLevel's key")


def _is_signed(request: Request, trust: Trust) -> bool:
    """Is there a signature? A wrong one, and one that is not allowed, is refused here."""
    current, older = _given(request.headers, CURRENT_HEADER), _given(request.headers, OLDER_HEADER)
    if current is not None:
        check_ed25519(request.body, current, trust.ed25519)
        return True
    if older is None:
        return False
    if not trust.rsa:
        raise InvalidSignature(
            "only the older X-WH-Signature is there, which HighLevel ended on 2026-09-01; a connection accepts it"
            " with allow_signatures: [ed25519, rsa]"
        )
    check_rsa(request.body, older, trust.rsa)
    return True


def _check_secret(request: Request, trust: Trust) -> None:
    if not trust.secrets:
        raise InvalidSignature(
            "no X-GHL-Signature, and the connection has no webhook_secret for workflows' webhooks"
        )
    claims = [request.headers.get(trust.secret_header, "")]
    claims += [claim[len("Bearer ") :] for claim in claims if claim.startswith("Bearer ")]
    if trust.secret_in_url:
        claims += _in_query(request.url)
    # bytes: given text, compare_digest raises TypeError on a header with an accent in it
    matches = [
        hmac.compare_digest(claim.encode("utf-8", "backslashreplace"), secret.encode())
        for claim in claims
        for secret in trust.secrets
    ]
    if not any(matches):
        raise InvalidSignature(
            f"no X-GHL-Signature, and {trust.secret_header} does not hold the connection's webhook_secret"
        )


def _in_query(url: str) -> list[str]:
    try:
        return parse_qs(urlsplit(url).query).get("secret", [])
    except ValueError:
        return []


def _check_other_location(body: bytes, trust: Trust) -> None:
    """A workflow copied into another sub-account brings the secret along: what it sends is not ours."""
    try:
        location = location_of(document(body))
    except MalformedDelivery:
        return  # kept, and shown to a person as what it is
    if location not in (None, trust.location_id) and "{{" not in str(location):
        raise InvalidSignature("the workflow is of another location than this connection's location_id")


def _check_age(body: Mapping[str, Any], request: Request, trust: Trust) -> None:
    """Without a readable time, parse says so and makes no event."""
    sent_at = moment(body.get("timestamp"))
    if sent_at is None:
        return
    age = request.received_at - sent_at
    if age > trust.window:
        raise InvalidSignature(f"sent {age} before it arrived; replay_window_hours allows {trust.window}")
    if age < -FUTURE:
        raise InvalidSignature(f"sent {-age} after it arrived; check this machine's clock")


def _given(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name, "").strip()
    return None if value in ("", "N/A") else value


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except ValueError:
        raise InvalidSignature("the signature is not base64") from None
