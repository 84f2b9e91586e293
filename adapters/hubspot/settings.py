"""What a HubSpot connection says in stagecall.yaml."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from connector.adapter import ConnectionSettings
from connector.model import Outcome

API_URL = "https://api.hubapi.com"


def _token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not text:
        raise ValueError("is empty: copy the access token from the app's Auth page in HubSpot")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("has a space, a line break or a letter with an accent: copy the token again")
    return token


def _secret(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("is empty: copy the client secret from the app's Auth page in HubSpot")
    if secret.get_secret_value().startswith("pat-"):
        raise ValueError("is an access token (it begins with pat-): copy the client secret beside it")
    return secret


def _several(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else [value]


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Secret = Annotated[SecretStr, AfterValidator(_secret)]


class Settings(ConnectionSettings):
    """One HubSpot account and the app in it that sends deliveries and writes results back."""

    access_token: Annotated[SecretStr, AfterValidator(_token)]
    """The app's token, for reading deals and contacts and writing results."""
    client_secret: Annotated[tuple[Secret, ...], BeforeValidator(_several), Field(min_length=1)]
    """The app's client secret, which signs deliveries. A list while it is being rotated."""
    portal_id: Annotated[str | None, BeforeValidator(_digits), Field(pattern=r"^[0-9]{1,19}$")] = None
    """The account's number (Hub ID): given, news of other accounts of the same app is ignored."""
    allow_signatures: tuple[Literal["v3", "v2", "v1"], ...] = ("v3",)
    """v3 is always accepted; v2 and v1 resist no replay and are accepted only if listed here."""
    call_dispositions: Mapping[Outcome, Annotated[str, Field(pattern=r"^[0-9a-fA-F-]{36}$")]] = Field(
        default={}
    )
    """Outcomes of the account's own for calls on the timeline, by ours: `{voicemail: <the outcome's id>}`."""
    api_url: Annotated[str, AfterValidator(lambda url: url.rstrip("/"))] = Field(
        default=API_URL, pattern=r"^https?://[^/?#\s]+/?$"
    )
    """HubSpot's API; another address for the sandbox."""
