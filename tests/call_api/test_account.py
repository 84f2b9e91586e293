"""GET /auth/verify and GET /account: what a key is told of itself."""

from datetime import timedelta

import pytest

from connector.call_api import keys
from connector.call_api.models.account import Account, Verified
from tests.call_api.conftest import KEY, Serve

OWN = {"name": "tests", "last4": "6789", "scopes": ["trigger", "read"], "expires_at": None}


def test_a_key_can_be_tried(serve: Serve) -> None:
    running = serve()
    answer = running.client.get("/auth/verify")
    assert answer.json() == {
        "success": True,
        "key": OWN,
        "default_agent": "Lead Qualifier",
        "enabled": True,
    }
    assert Verified.model_validate_json(answer.content)


def test_an_account_says_what_is_left(serve: Serve) -> None:
    running = serve(max_per_minute=5, max_concurrent_calls=3)
    for _ in range(2):
        running.client.call("+12025550190")
    running.api.place_calls()
    running.client.call("+12025550190")
    running.clock.advance(seconds=20)
    answer = running.client.get("/account")
    assert answer.json() == {
        "success": True,
        "key": OWN,
        "limits": {
            "max_per_minute": 5,
            "remaining": 2,
            "reset_seconds": 40,
            "max_concurrent_calls": 3,
            "calls_under_way": 2,
        },
        "carrier": "simulated",
        "default_agent": "Lead Qualifier",
        "agents": {"active": 2, "archived": 0},
    }
    assert Account.model_validate_json(answer.content)
    assert answer.json() == running.client.get("/account").json()  # asking counts nothing


def test_an_account_without_limits_or_default_agent(serve: Serve) -> None:
    running = serve(max_per_minute=None, max_concurrent_calls=None, agents=[])
    answer = running.client.get("/account")
    assert answer.json()["limits"] == {
        "max_per_minute": None,
        "remaining": None,
        "reset_seconds": None,
        "max_concurrent_calls": None,
        "calls_under_way": 0,
    }
    assert answer.json()["default_agent"] is None
    assert answer.json()["agents"] == {"active": 0, "archived": 0}
    assert Account.model_validate_json(answer.content)


def test_a_key_sees_only_its_own_calls_and_limit(serve: Serve) -> None:
    running = serve(max_per_minute=5)
    running.client.call("+12025550190")
    running.api.place_calls()
    with running.api.engine.begin() as conn:
        ends = running.clock() + timedelta(days=1)
        other = keys.create_key(conn, "other", scopes=["admin"], expires_at=ends, now=running.clock())
    running.client.key = other.key
    account = running.client.get("/account").json()
    assert (account["limits"]["remaining"], account["limits"]["calls_under_way"]) == (5, 0)
    assert account["key"]["expires_at"] == ends.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert account["key"]["scopes"] == ["admin"]


@pytest.mark.parametrize("path", ["/auth/verify", "/account"])
def test_nothing_secret_is_told(serve: Serve, path: str) -> None:
    running = serve()
    told = running.client.get(path).text
    (kept,) = running.rows("SELECT id::text, encode(sha256, 'hex') AS sha256, prefix FROM call_api.api_keys")
    assert not [secret for secret in (KEY, *kept.values()) if secret in told]
    running.client.key = None
    assert running.client.get(path).status_code == 401
