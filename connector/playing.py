"""`stagecall send`: play a recorded delivery into a running receiver, as its CRM would."""

from pathlib import Path

import requests

from connector import recorded
from connector.adapter import TIMEOUT
from connector.config import Config
from connector.errors import PermanentError, TemporaryError
from connector.model import utc_now
from connector.parts import build_adapters


def send(config: Config, file: Path, connection: str | None, url: str) -> str:
    """Sign the delivery with the connection's secret, post it, and say what the receiver answered.

    Raises PermanentError where it was refused, TemporaryError where nobody answers at `url`.
    """
    played = recorded.read(file)
    adapters = build_adapters(config)
    name = connection or played.connection or (next(iter(adapters)) if len(adapters) == 1 else None)
    if name not in adapters:
        raise PermanentError(
            f'"{name}" is not a connection; name one with --connection: {", ".join(sorted(adapters))}'
        )
    adapter = adapters[name]
    path = f"/hooks/{adapter.settings.adapter}/{name}"
    public = played.request(config.public_url + path, utc_now())
    headers = {"Content-Type": "application/json", **adapter.sign(public)}
    try:
        answer = requests.post(url.rstrip("/") + path, data=played.body, headers=headers, timeout=TIMEOUT)
    except requests.RequestException:
        raise TemporaryError(f"nobody answers at {url}; is `stagecall serve` running?") from None
    if answer.status_code != 200:
        raise PermanentError(f"the receiver answered {answer.status_code}: {answer.text.strip()[:300]}")
    return f"kept: {answer.text.strip()}"
