"""What a GoHighLevel connection says in stagecall.yaml."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from connector.adapter import ConnectionSettings

API_URL: Final = "https://services.leadconnectorhq.com"
API_VERSION: Final = "2021-07-28"
SHORTEST_SECRET: Final = 16


def _token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not text:
        raise ValueError("is empty: copy the private integration's token from Settings in HighLevel")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("has a space, a line break or a letter with an accent: copy the token again")
    return token


def _secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if len(text) < SHORTEST_SECRET or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(
            f"is no good as a secret: take {SHORTEST_SECRET} or more letters and digits without spaces, such as"
            " the output of `openssl rand -hex 24`"
        )
    return secret


def _key(pem: str) -> str:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise ValueError("is not a public key: copy it whole, with its BEGIN and END lines") from None
    if not isinstance(key, Ed25519PublicKey | RSAPublicKey):
        raise ValueError("is neither an Ed25519 nor an RSA key: HighLevel signs with these")
    return pem


def _location(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{6,64}", text):
        raise ValueError(
            "is not the id of a sub-account: some twenty letters and digits, as in the address"
            " app.gohighlevel.com/v2/location/<location_id>/"
        )
    return text


def _several(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else [value]


def _header(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,60}", name):
        raise ValueError("is not the name of a header: letters, digits and hyphens")
    return name.lower()


Secret = Annotated[SecretStr, AfterValidator(_secret)]
PublicKey = Annotated[str, AfterValidator(_key)]


class Settings(ConnectionSettings):
    """One GoHighLevel sub-account (location), and what proves deliveries from it."""

    access_token: Annotated[SecretStr, AfterValidator(_token)]
    """The sub-account's private integration token (`pit-...`), for reading opportunities and writing results."""
    location_id: Annotated[str, AfterValidator(_location)]
    """The sub-account's id. HighLevel signs for all accounts with one key, so this tells ours from others'."""
    webhook_secret: Annotated[tuple[Secret, ...], BeforeValidator(_several)] = ()
    """What a workflow's webhook sends to prove itself. Two while it is being changed; none: no workflow may."""
    secret_header: Annotated[str, AfterValidator(_header)] = "x-stagecall-secret"  # noqa: S105
    """The header in which a workflow's webhook sends it; `authorization` takes it after `Bearer` too."""
    secret_in_url: bool = False
    """Accept it as `?secret=...` of the address as well, where a workflow cannot set headers."""
    allow_signatures: tuple[Literal["ed25519", "rsa"], ...] = ("ed25519",)
    """ed25519 is always accepted; rsa, which HighLevel ended on 2026-09-01, only if listed here."""
    public_keys: Annotated[tuple[PublicKey, ...], BeforeValidator(_several)] = ()
    """PEM keys instead of HighLevel's published ones: after it has changed them, and for the sandbox."""
    replay_window_hours: int = Field(default=24, ge=1, le=720)
    """A signed delivery older than this is refused. HighLevel's retries carry the first attempt's time."""
    api_url: Annotated[str, AfterValidator(lambda url: url.rstrip("/"))] = Field(
        default=API_URL, pattern=r"^https?://[^/?#\s]+/?$"
    )
    """HighLevel's API; another address for the sandbox."""
    api_version: str = Field(default=API_VERSION, pattern=r"^\d{4}-\d{2}-\d{2}$")
    """The `Version` header. v3 is another language, with other names in it, and is not spoken here."""

    @property
    def replay_window(self) -> timedelta:
        """The same as a duration."""
        return timedelta(hours=self.replay_window_hours)
