"""API keys: made, kept as a hash, recognised, switched off, expired, revoked.

Nothing is remembered between requests, so whatever becomes of a key is true at once in every process.
"""

import hmac
import logging
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal, get_args
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connector.call_api.tables import api_keys
from connector.errors import PermanentError

log = logging.getLogger(__name__)

KEY_PREFIX = "bvai_sk_"
_LOOK_UP_LENGTH = len(KEY_PREFIX) + 4
_USE_RECORDED_EVERY = timedelta(minutes=1)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
MAX_NAME = 100

Scope = Literal["trigger", "read", "admin"]
"""What a key may do: trigger calls; read calls, agents and its webhooks; change agents and all webhooks."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
DEFAULT_SCOPES: tuple[Scope, ...] = ("trigger", "read")

KeyState = Literal["live", "disabled", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the only moment its text is known to us."""

    id: str
    name: str
    key: str
    scopes: list[Scope]
    expires_at: datetime | None


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

    def state(self, now: datetime) -> KeyState:
        """Whether it works now, and if not, why."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "live" if self.enabled else "disabled"


_COLUMNS = [api_keys.c[name] for name in ApiKey.__dataclass_fields__]
_LIVE_BY_PREFIX = sa.select(*_COLUMNS, api_keys.c.sha256).where(
    api_keys.c.prefix == sa.bindparam("prefix"), api_keys.c.revoked_at.is_(None)
)


def read_scopes(words: Iterable[str]) -> list[Scope]:
    """These scopes, once each, in their usual order. Raises PermanentError for an unknown one, and for none."""
    given = {word.strip() for word in words} - {""}
    unknown = sorted(given.difference(SCOPES))
    if unknown:
        raise PermanentError(f'"{unknown[0]}" is not a scope; there are: {", ".join(SCOPES)}')
    if not given:
        raise PermanentError(f"a key needs a scope; there are: {', '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in given]


def read_expiry(text: str, now: datetime) -> datetime:
    """When a key ends: `90d`, `12h` or `2w` from now, or a date (its first moment in UTC) or date and time.

    Raises PermanentError for anything else, and for what is not after `now`.
    """
    try:
        if length := re.fullmatch(r"([1-9][0-9]{0,5})([hdw])", text.strip(), re.ASCII):
            return now + int(length[1]) * _UNITS[length[2]]
        moment = datetime.fromisoformat(text.strip())
        moment = moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        wanted = "write a length such as 90d, 12h or 2w, or a date such as 2027-03-31"
        raise PermanentError(f'"{text}" does not say when the key expires: {wanted}') from None
    if moment <= now:
        raise PermanentError(f'"{text}" is not in the future: the key would never work')
    return moment


def create_key(
    conn: sa.Connection,
    name: str,
    *,
    scopes: Sequence[Scope] = DEFAULT_SCOPES,
    expires_at: datetime | None = None,
    now: datetime,
) -> NewKey:
    """Make a key with 32 random bytes. Raises PermanentError where it needs another name."""
    name = name.strip()
    if not name or len(name) > MAX_NAME:
        raise PermanentError(f"a key needs a name of 1 to {MAX_NAME} characters")
    text = KEY_PREFIX + secrets.token_urlsafe(32)
    made = NewKey(str(uuid4()), name, text, list(scopes), expires_at)
    row = _row(made.id, name, text, "command", made.scopes, now) | {"expires_at": expires_at}
    added = conn.execute(
        insert(api_keys)
        .values(row)
        .on_conflict_do_nothing(index_elements=[api_keys.c.name], index_where=api_keys.c.revoked_at.is_(None))
        .returning(api_keys.c.id)
    )
    if added.first() is None:
        raise PermanentError(f'a key named "{name}" exists already; revoke it first, or take another name')
    return made


def ensure_key(
    conn: sa.Connection, name: str, key: str, *, scopes: Sequence[Scope] = DEFAULT_SCOPES, now: datetime
) -> str:
    """Make sure that the configured `key` works under `name` with these scopes; return its id.

    Another key of that name stops working at once. A key that a person revoked stays revoked.
    """
    known = conn.execute(
        sa.select(api_keys.c.id, api_keys.c.name, api_keys.c.revoked_by, api_keys.c.scopes).where(
            api_keys.c.sha256 == _hash(key)
        )
    ).first()
    if known is not None and known.revoked_by == "command":
        log.warning("a configured key was revoked by a person and stays revoked", extra={"key_name": name})
        return str(known.id)
    scopes = list(scopes)
    if known is not None and known.revoked_by is None and known.name == name:
        if known.scopes != scopes:
            conn.execute(api_keys.update().where(api_keys.c.id == known.id).values(scopes=scopes))
        return str(known.id)
    _retire(conn, api_keys.c.name == name, now)
    if known is None:
        key_id = str(uuid4())
        conn.execute(api_keys.insert().values(_row(key_id, name, key, "config", scopes, now)))
        return key_id
    again = {"name": name, "source": "config", "scopes": scopes, "revoked_at": None, "revoked_by": None}
    conn.execute(api_keys.update().where(api_keys.c.id == known.id).values(again))
    return str(known.id)


def revoke_unconfigured(conn: sa.Connection, kept: set[str], *, now: datetime) -> None:
    """Revoke keys that came by configuration and are no longer in it; they work again if they come back."""
    _retire(conn, sa.and_(api_keys.c.source == "config", api_keys.c.id.not_in(kept)), now)


def _retire(conn: sa.Connection, which: sa.ColumnElement[bool], now: datetime) -> None:
    """End live keys as the configuration wants it: not for good."""
    conn.execute(
        api_keys.update()
        .where(which, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by="config")
    )


def list_keys(conn: sa.Connection) -> list[ApiKey]:
    """Every key, newest first, the revoked ones too."""
    rows = conn.execute(sa.select(*_COLUMNS).order_by(api_keys.c.created_at.desc(), api_keys.c.name))
    return [ApiKey(**row) for row in rows.mappings()]


def revoke_key(conn: sa.Connection, name: str, *, now: datetime) -> ApiKey:
    """Make a key useless for good. Raises PermanentError where no live key has that name."""
    return _change_live(conn, name, revoked_at=now, revoked_by="command")


def set_access(conn: sa.Connection, name: str, *, enabled: bool) -> ApiKey:
    """The access switch: requests with a disabled key get 403. Raises PermanentError for an unknown name."""
    return _change_live(conn, name, enabled=enabled)


def verify_key(conn: sa.Connection, key: str, *, now: datetime) -> ApiKey | None:
    """Return the key this text is, noting its use once a minute; None where none is live.

    A key that is switched off is returned: it is known, and refused in words of its own.
    """
    if not (key.isascii() and key.isprintable()):
        return None
    digest = _hash(key)
    rows = conn.execute(_LIVE_BY_PREFIX, {"prefix": key[:_LOOK_UP_LENGTH]})
    found = None
    for row in rows.mappings():
        if hmac.compare_digest(bytes(row["sha256"]), digest):
            found = ApiKey(**{column.name: row[column.name] for column in _COLUMNS})
    if found is None or found.state(now) == "expired":
        return None
    _note_use(conn, found, now)
    return found


def _note_use(conn: sa.Connection, key: ApiKey, now: datetime) -> None:
    if key.last_used_at is not None and now - key.last_used_at < _USE_RECORDED_EVERY:
        return
    unnoted = sa.or_(
        api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at <= now - _USE_RECORDED_EVERY
    )  # judged again under the row's lock: of many requests at once, one writes
    conn.execute(api_keys.update().where(api_keys.c.id == key.id, unnoted).values(last_used_at=now))


def _change_live(conn: sa.Connection, name: str, **values: object) -> ApiKey:
    changed = conn.execute(
        api_keys.update()
        .where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
        .values(**values)
        .returning(*_COLUMNS)
    )
    row = changed.mappings().first()
    if row is None:
        raise PermanentError(f'there is no key named "{name}"; `stagecall keys list` shows all')
    return ApiKey(**row)


def _row(
    key_id: str, name: str, key: str, source: str, scopes: Sequence[Scope], now: datetime
) -> dict[str, object]:
    return {
        "id": key_id,
        "name": name,
        "prefix": key[:_LOOK_UP_LENGTH],
        "sha256": _hash(key),
        "last4": key[-4:],
        "source": source,
        "enabled": True,
        "created_at": now,
        "scopes": list(scopes),
    }


def _hash(key: str) -> bytes:
    return sha256(key.encode()).digest()
