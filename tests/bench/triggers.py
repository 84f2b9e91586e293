"""Trigger requests as bytes, ready to be sent: each with an Idempotency-Key of its own, as our connector sends them."""

import json
from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import uuid4

from tests.bench.processes import API_KEY


def triggers(url: str, numbers: Sequence[int]) -> list[bytes]:
    """A whole HTTP request for each number."""
    run = uuid4().hex
    parts = urlsplit(url)
    return [_request(parts.netloc, parts.path, run, number) for number in numbers]


def _request(host: str, path: str, run: str, number: int) -> bytes:
    value = {
        "phone_number": f"+44207946{number % 1000:04d}",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "metadata": {"dispatch_id": f"{run}-{number}", "deal_id": str(number), "amount": 1200.5},
    }
    body = json.dumps(value, separators=(",", ":")).encode()
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {API_KEY}",
        "Content-Type: application/json",
        f"Idempotency-Key: {run}-{number}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body
