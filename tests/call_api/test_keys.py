"""API keys, as commands and configuration make them."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import sqlalchemy as sa

from connector.call_api import keys
from connector.errors import PermanentError
from tests.call_api.conftest import KEY, Running, Serve

NOW = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)
GIVEN = "bvai_sk_given-by-configuration"


def test_a_key_is_shown_once_and_kept_as_a_hash(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        made = keys.create_key(conn, "zapier", now=NOW)
        assert keys.verify_key(conn, made.key, now=NOW) is not None
        kept = conn.execute(sa.text("SELECT * FROM call_api.api_keys")).mappings().one()
    assert made.key.startswith("bvai_sk_")
    assert len(made.key) == len("bvai_sk_") + 43
    assert bytes(kept["sha256"]) == sha256(made.key.encode()).digest()
    assert (kept["last4"], kept["prefix"]) == (made.key[-4:], made.key[:12])
    assert all(made.key[12:-4] not in str(value) for value in kept.values())


def test_names_of_live_keys_are_unique(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        keys.create_key(conn, "zapier", now=NOW)
        with pytest.raises(PermanentError, match='a key named "zapier" exists already'):
            keys.create_key(conn, "zapier", now=NOW)
        keys.revoke_key(conn, "zapier", now=NOW)
        keys.create_key(conn, "zapier", now=NOW)
        assert [key.revoked_at for key in keys.list_keys(conn)].count(None) == 1


def test_a_revoked_key_is_useless_at_once(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        made = keys.create_key(conn, "zapier", now=NOW)
        keys.revoke_key(conn, "zapier", now=NOW)
        assert keys.verify_key(conn, made.key, now=NOW) is None
        with pytest.raises(PermanentError, match='there is no key named "zapier"'):
            keys.revoke_key(conn, "zapier", now=NOW)
        with pytest.raises(PermanentError, match='there is no key named "zapier"'):
            keys.set_access(conn, "zapier", enabled=True)


def test_an_expired_key_is_an_unknown_one(running: Running) -> None:
    ends = running.clock() + timedelta(days=90)
    with running.api.engine.begin() as conn:
        made = keys.create_key(conn, "zapier", expires_at=ends, now=running.clock())
    running.client.key = made.key
    running.clock.advance(days=90, microseconds=-1)
    assert running.client.get("/auth/verify").status_code == 200
    running.clock.advance(microseconds=1)
    expired = running.client.get("/auth/verify")
    running.client.key = "bvai_sk_nobody"
    unknown = running.client.get("/auth/verify")
    assert (expired.status_code, expired.json()) == (unknown.status_code, unknown.json())
    assert expired.json() == {"success": False, "error": "Invalid API key", "code": "invalid_api_key"}
    with running.api.engine.connect() as conn:
        states = {key.name: key.state(running.clock()) for key in keys.list_keys(conn)}
    assert states == {"tests": "live", "zapier": "expired"}


@pytest.mark.parametrize(
    ("scopes", "trigger", "read"), [(["trigger"], 400, 403), (["read"], 403, 200), (["admin"], 403, 403)]
)
def test_a_key_may_do_what_its_scopes_say(
    running: Running, scopes: list[keys.Scope], trigger: int, read: int
) -> None:
    with running.api.engine.begin() as conn:
        running.client.key = keys.create_key(conn, "zapier", scopes=scopes, now=running.clock()).key
    answer = running.client.trigger({})
    assert answer.status_code == trigger
    assert running.client.get("/agents").status_code == read
    for path in ("/auth/verify", "/account"):
        assert running.client.get(path).json()["key"]["scopes"] == scopes
    if trigger == 403:
        assert (answer.json()["code"], answer.json()["error"]) == (
            "insufficient_scope",
            "This key may not do that: it needs the scope trigger",
        )


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("90d", NOW + timedelta(days=90)),
        ("12h", NOW + timedelta(hours=12)),
        (" 2w ", NOW + timedelta(weeks=2)),
        ("2027-03-31", datetime(2027, 3, 31, tzinfo=UTC)),
        ("2027-03-31T18:00", datetime(2027, 3, 31, 18, tzinfo=UTC)),
        ("2027-03-31T18:00:00+02:00", datetime(2027, 3, 31, 16, tzinfo=UTC)),
    ],
)
def test_an_expiry_is_a_length_or_a_date(text: str, ends: datetime) -> None:
    assert keys.read_expiry(text, NOW) == ends


@pytest.mark.parametrize(
    "text", ["", "0d", "90", "90 days", "-1d", "999999w", "\u0669d", "31.03.2027", "2026-11-02T15:00Z"]
)
def test_anything_else_is_no_expiry(text: str) -> None:
    with pytest.raises(PermanentError):
        keys.read_expiry(text, NOW)


def test_a_configured_key_has_the_scopes_that_are_configured(serve: Serve) -> None:
    def scopes(**more: object) -> object:
        running = serve(keys=[{"name": "tests", "key": KEY, **more}])
        return running.client.get("/auth/verify").json()["key"]["scopes"]

    assert scopes() == ["trigger", "read"]
    assert scopes(scopes=["admin", "read"]) == ["read", "admin"]
    assert scopes() == ["trigger", "read"]


def test_keys_that_begin_alike_are_told_apart(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        for name in ("a", "b"):
            keys.ensure_key(conn, name, GIVEN + name, now=NOW)
        found = keys.verify_key(conn, GIVEN + "b", now=NOW)
        assert found is not None
        assert found.name == "b"
        assert keys.verify_key(conn, GIVEN + "c", now=NOW) is None


def test_a_configured_key_may_change(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        first = keys.ensure_key(conn, "connector", GIVEN, now=NOW)
        assert keys.ensure_key(conn, "connector", GIVEN, now=NOW) == first
        assert keys.ensure_key(conn, "connector", GIVEN + "2", now=NOW) != first
        assert keys.verify_key(conn, GIVEN, now=NOW) is None
        assert keys.ensure_key(conn, "connector", GIVEN, now=NOW) == first
        assert keys.verify_key(conn, GIVEN, now=NOW) is not None
        assert keys.verify_key(conn, GIVEN + "2", now=NOW) is None
        assert keys.ensure_key(conn, "renamed", GIVEN, now=NOW) == first
        assert [key.name for key in keys.list_keys(conn) if key.revoked_at is None] == ["renamed"]


def test_a_configured_key_that_a_person_revoked_stays_revoked(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        keys.ensure_key(conn, "connector", GIVEN, now=NOW)
        keys.revoke_key(conn, "connector", now=NOW)
        keys.ensure_key(conn, "connector", GIVEN, now=NOW)
        assert keys.verify_key(conn, GIVEN, now=NOW) is None


def test_a_key_gone_from_the_configuration_stops_working_until_it_is_back(serve: Serve) -> None:
    running = serve(keys=[{"name": "tests", "key": KEY}, {"name": "extra", "key": GIVEN}])
    running.client.key = GIVEN
    assert running.client.get("/auth/verify").status_code == 200
    serve(keys=[{"name": "tests", "key": KEY}])
    assert running.client.get("/auth/verify").status_code == 401
    serve(keys=[{"name": "tests", "key": KEY}, {"name": "extra", "key": GIVEN}])
    assert running.client.get("/auth/verify").status_code == 200
