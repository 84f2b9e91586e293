"""API keys: made, kept as a hash, recognised, revoked.

Nothing is remembered between requests, so a revocation is true at once in every process.
"""

import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import uuid4

import sqlalchemy as sa

from connector.call_api.tables import api_keys
from connector.errors import PermanentError

log = logging.getLogger(__name__)

KEY_PREFIX = "bvai_sk_"
_LOOK_UP_LENGTH = len(KEY_PREFIX) + 4
_USE_RECORDED_EVERY = timedelta(minutes=1)


Scope = Literal["trigger", "read", "admin"]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the only moment its text is known to us."""

    id: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key."""

    id: str
    name: str
    last4: str
    source: str
    enabled: bool
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    scopes: list[Scope]
    expires_at: datetime | None


_COLUMNS = [api_keys.c[name] for name in ApiKey.__dataclass_fields__]
_LIVE_BY_PREFIX = sa.select(*_COLUMNS, api_keys.c.sha256).where(
    api_keys.c.prefix == sa.bindparam("prefix"), api_keys.c.revoked_at.is_(None)
)


def create_key(conn: sa.Connection, name: str, *, now: datetime) -> NewKey:
    """Make a key with 32 random bytes. Raises PermanentError where a live key has that name."""
    if _live(conn, name) is not None:
        raise PermanentError(f'a key named "{name}" exists already')
    made = NewKey(id=str(uuid4()), name=name, key=KEY_PREFIX + secrets.token_urlsafe(32))
    conn.execute(api_keys.insert().values(_row(made.id, name, made.key, "command", now)))
    return made


def ensure_key(conn: sa.Connection, name: str, key: str, *, now: datetime) -> str:
    """Make sure that the configured `key` works under `name`; return its id.

    Another key of that name stops working at once. A key that a person revoked stays revoked.
    """
    known = conn.execute(
        sa.select(api_keys.c.id, api_keys.c.name, api_keys.c.revoked_by).where(
            api_keys.c.sha256 == _hash(key)
        )
    ).first()
    if known is not None and known.revoked_by == "command":
        log.warning("a configured key was revoked by a person and stays revoked", extra={"key_name": name})
        return str(known.id)
    if known is not None and known.revoked_by is None and known.name == name:
        return str(known.id)
    conn.execute(
        api_keys.update()
        .where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by="config")
    )
    if known is None:
        key_id = str(uuid4())
        conn.execute(api_keys.insert().values(_row(key_id, name, key, "config", now)))
        return key_id
    conn.execute(
        api_keys.update()
        .where(api_keys.c.id == known.id)
        .values(name=name, source="config", revoked_at=None, revoked_by=None)
    )
    return str(known.id)


def revoke_unconfigured(conn: sa.Connection, kept: set[str], *, now: datetime) -> None:
    """Revoke keys that came by configuration and are no longer in it; they work again if they come back."""
    conn.execute(
        api_keys.update()
        .where(api_keys.c.source == "config", api_keys.c.revoked_at.is_(None), api_keys.c.id.not_in(kept))
        .values(revoked_at=now, revoked_by="config")
    )


def list_keys(conn: sa.Connection) -> list[ApiKey]:
    """Every key, newest first, the revoked ones too."""
    rows = conn.execute(sa.select(*_COLUMNS).order_by(api_keys.c.created_at.desc(), api_keys.c.name))
    return [ApiKey(**row) for row in rows.mappings()]


def revoke_key(conn: sa.Connection, name: str, *, now: datetime) -> None:
    """Make a key useless for good. Raises PermanentError where no live key has that name."""
    _change_live(conn, name, revoked_at=now, revoked_by="command")


def set_access(conn: sa.Connection, name: str, *, enabled: bool) -> None:
    """The access switch: requests with a disabled key get 403. Raises PermanentError for an unknown name."""
    _change_live(conn, name, enabled=enabled)


def verify_key(conn: sa.Connection, key: str, *, now: datetime) -> ApiKey | None:
    """Return the live key this text is, noting its use once a minute; None where there is none."""
    if not (key.isascii() and key.isprintable()):
        return None
    digest = _hash(key)
    rows = conn.execute(_LIVE_BY_PREFIX, {"prefix": key[:_LOOK_UP_LENGTH]})
    found = None
    for row in rows.mappings():
        if hmac.compare_digest(bytes(row["sha256"]), digest):
            found = ApiKey(**{column.name: row[column.name] for column in _COLUMNS})
    if found is not None:
        _note_use(conn, found, now)
    return found


def _note_use(conn: sa.Connection, key: ApiKey, now: datetime) -> None:
    if key.last_used_at is not None and now - key.last_used_at < _USE_RECORDED_EVERY:
        return
    unnoted = sa.or_(
        api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at <= now - _USE_RECORDED_EVERY
    )  # judged again under the row's lock: of many requests at once, one writes
    conn.execute(api_keys.update().where(api_keys.c.id == key.id, unnoted).values(last_used_at=now))


def _live(conn: sa.Connection, name: str) -> str | None:
    return conn.execute(
        sa.select(api_keys.c.id).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
    ).scalar()


def _change_live(conn: sa.Connection, name: str, **values: object) -> None:
    changed = conn.execute(
        api_keys.update().where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None)).values(**values)
    )
    if not changed.rowcount:
        raise PermanentError(f'there is no key named "{name}"')


def _row(key_id: str, name: str, key: str, source: str, now: datetime) -> dict[str, object]:
    return {
        "id": key_id,
        "name": name,
        "prefix": key[:_LOOK_UP_LENGTH],
        "sha256": _hash(key),
        "last4": key[-4:],
        "source": source,
        "enabled": True,
        "created_at": now,
    }


def _hash(key: str) -> bytes:
    return sha256(key.encode()).digest()
