"""The settings: what is refused, and that no secret is in the refusal."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from connector.call_api import CallApiSettings
from tests.call_api.conftest import KEY, SECRET

WINDOW = {"hours": {"mon-fri": ["09:00-18:00"]}, "timezone": "Europe/London"}
HOOK = {"url": "https://example.com/calls", "secret": SECRET}


def test_everything_has_a_default() -> None:
    settings = CallApiSettings()
    assert (settings.carrier, settings.max_per_minute) == ("simulated", 100)
    assert (settings.simulated.ring_seconds, settings.simulated.talk_seconds) == (1.0, 2.0)
    assert settings == CallApiSettings.model_validate({})


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"carier": "simulated"}, "Extra inputs"),
        ({"carrier": "pigeon"}, "simulated"),
        ({"max_per_minute": 0}, "greater than or equal to 1"),
        ({"simulated": {"ring_seconds": -1}}, "greater than or equal to 0"),
        ({"simulated": {"talk_seconds": "inf"}}, "finite"),
        ({"webhooks": [HOOK | {"url": "ftp://example.com"}]}, "http"),
        ({"webhooks": [HOOK | {"url": "https:///x"}]}, "http"),
        ({"webhooks": [HOOK | {"url": "https://a:b@example.com"}]}, "user name"),
        ({"webhooks": [HOOK | {"secret": "whsec_"}]}, "24 to 64"),
        ({"webhooks": [HOOK | {"secret": "whsec_not base64 at all, but long enough"}]}, "24 to 64"),
        ({"webhooks": [HOOK | {"secret": SECRET.removeprefix("whsec_")}]}, "whsec_"),
        ({"webhooks": [HOOK, HOOK]}, "there twice"),
        ({"keys": [{"name": "a", "key": "sk_1234567890123456"}]}, "bvai_sk_"),
        ({"keys": [{"name": "a", "key": "bvai_sk_short"}]}, "16 or more"),
        ({"keys": [{"name": "a", "key": KEY}, {"name": "b", "key": KEY}]}, "same key"),
        ({"keys": [{"name": "a", "key": KEY}, {"name": "a", "key": KEY + "2"}]}, "there twice"),
        ({"keys": [{"name": "a", "key": KEY, "scopes": ["write"]}]}, "'trigger', 'read' or 'admin'"),
        ({"keys": [{"name": "a", "key": KEY, "scopes": []}]}, "at least 1"),
        ({"agents": [{"name": " "}]}, "must be 1 to 100 characters"),
        ({"agents": [{"name": "Ada", "phone_number": "2025550100"}]}, "7 to 15 digits"),
        ({"agents": [{"name": "Ada"}, {"name": " Ada"}]}, "there twice"),
        ({"agents": [{"name": "Ada", "voice": "deep"}]}, "Extra inputs"),
        ({"agents": [{"name": "Ada", "carrier": "pigeon"}]}, "simulated"),
        ({"agents": [{"name": "Ada", "variables": {"x": "phone"}}]}, "name, email or metadata.KEY"),
        ({"agents": [{"name": "Ada", "max_ring_seconds": 4}]}, "greater than or equal to 5"),
        ({"agents": [{"name": "Ada", "calling_window": {**WINDOW, "zone": "lead"}}]}, "Extra inputs"),
        ({"calling_window": {"hours": {"mon": ["9-17"]}, "timezone": "Europe/London"}}, "write 09:00-17:00"),
        ({"calling_window": {**WINDOW, "timezone": "EST"}}, "America/New_York"),
        ({"calling_window": {**WINDOW, "holidays": ["XX"]}}, "not a known country"),
        ({"calling_window": {**WINDOW, "closed_dates": ["2026-02-30"]}}, "write one like 2026-12-24"),
        ({"agents": [{"name": "A", "default": True}, {"name": "B", "default": True}]}, "only one"),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], found: str) -> None:
    with pytest.raises(ValidationError, match=found):
        CallApiSettings.model_validate(settings)


def test_secrets_are_in_no_message_and_no_repr() -> None:
    bad = "whsec_" + base64.b64encode(b"too short").decode()
    with pytest.raises(ValidationError) as caught:
        CallApiSettings.model_validate(
            {"webhooks": [HOOK | {"secret": bad}], "keys": [{"name": "a", "key": "hush"}]}
        )
    assert bad not in str(caught.value)
    assert "hush" not in str(caught.value)
    fine = CallApiSettings.model_validate({"webhooks": [HOOK], "keys": [{"name": "a", "key": KEY}]})
    assert SECRET not in repr(fine)
    assert KEY not in repr(fine)
