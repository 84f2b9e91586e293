"""Endpoints: where call events are sent, which of them, and the secrets that sign them."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connector.call_api.settings import EventName, PayloadFormat, WebhookSettings
from connector.call_api.tables import deliveries, endpoints

BOTH_SECRETS_FOR = timedelta(hours=24)
MAX_OF_A_KEY = 1000
"""Endpoints that one key may have."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One receiver of call events."""

    id: str
    url: str
    secret: str
    source: Literal["config", "api"]
    created_at: datetime
    events: list[EventName]
    agent_id: str | None
    description: str | None
    payload_format: PayloadFormat
    key_id: str | None
    previous_secret: str | None
    previous_secret_until: datetime | None
    ended_reason: str | None
    """Why it gets nothing more, where its receiver wanted that."""

    def wants(self, event: str, agent_id: str) -> bool:
        """Is this event of this agent's call for it?"""
        return event in self.events and self.agent_id in (None, agent_id)

    def secrets_at(self, now: datetime) -> list[str]:
        """What its events are signed with: the secret, and for a day the one before."""
        until = self.previous_secret_until
        if self.previous_secret is None or until is None or until <= now:
            return [self.secret]
        return [self.secret, self.previous_secret]


_COLUMNS = tuple(endpoints.c[name] for name in Endpoint.__dataclass_fields__)
_LIVE = sa.and_(endpoints.c.removed_at.is_(None), endpoints.c.ended_reason.is_(None))


def sync_endpoints(conn: sa.Connection, webhooks: Sequence[WebhookSettings], *, now: datetime) -> None:
    """Make the endpoints that came by configuration those of `webhooks`."""
    kept = [_ensure(conn, webhook, now) for webhook in webhooks]
    conn.execute(
        endpoints.update()
        .where(endpoints.c.source == "config", endpoints.c.removed_at.is_(None), endpoints.c.id.not_in(kept))
        .values(removed_at=now)
    )


def _ensure(conn: sa.Connection, webhook: WebhookSettings, now: datetime) -> str:
    if webhook.name is not None:
        _follow(conn, webhook.name, webhook.url)
    changed = {
        "secret": webhook.secret.get_secret_value(),
        "name": webhook.name,
        "events": list(webhook.events),
        "agent_id": webhook.agent_id,
        "description": webhook.description,
        "payload_format": webhook.payload_format,
    }
    new = insert(endpoints).values(
        id=str(uuid4()), url=webhook.url, source="config", created_at=now, **changed
    )
    other = endpoints.c.secret != new.excluded.secret
    before = {
        "previous_secret": sa.case((other, endpoints.c.secret), else_=endpoints.c.previous_secret),
        "previous_secret_until": sa.case(
            (other, now + BOTH_SECRETS_FOR), else_=endpoints.c.previous_secret_until
        ),
    }
    endpoint_id: str = conn.execute(
        new.on_conflict_do_update(
            index_elements=[endpoints.c.url],
            index_where=sa.text("source = 'config'"),  # a parameter would fail once the statement is prepared
            set_={**changed, **before, "removed_at": None, "ended_reason": None},
        ).returning(endpoints.c.id)
    ).scalar_one()
    return endpoint_id


def _follow(conn: sa.Connection, name: str, url: str) -> None:
    """Move the endpoint of this name to `url`, with all that waits for it, unless another is there."""
    others = endpoints.alias("others")
    taken = sa.select(1).select_from(others).where(others.c.url == url, others.c.source == "config").exists()
    conn.execute(endpoints.update().where(endpoints.c.name == name, ~taken).values(url=url))


def add_endpoint(
    conn: sa.Connection,
    url: str,
    *,
    events: Sequence[EventName],
    agent_id: str | None,
    description: str | None,
    payload_format: PayloadFormat,
    key_id: str,
    now: datetime,
) -> Endpoint | None:
    """Keep a new endpoint with a new secret; None where the key has as many as it may."""
    mine = sa.select(sa.func.count()).where(endpoints.c.key_id == key_id, endpoints.c.removed_at.is_(None))
    if conn.execute(mine).scalar_one() >= MAX_OF_A_KEY:
        return None
    row = conn.execute(
        endpoints.insert()
        .values(
            id=str(uuid4()),
            url=url,
            secret=_new_secret(),
            source="api",
            created_at=now,
            events=list(events),
            agent_id=agent_id,
            description=description,
            payload_format=payload_format,
            key_id=key_id,
        )
        .returning(*_COLUMNS)
    )
    return Endpoint(**row.mappings().one())


def live_endpoints(conn: sa.Connection) -> list[Endpoint]:
    """Every endpoint that events are sent to, always in the same order."""
    return _read(conn, _LIVE, endpoints.c.id)


def find_live(conn: sa.Connection, endpoint_id: str) -> Endpoint | None:
    """The endpoint of this id, or None where nothing may be sent to it any more."""
    return next(iter(_read(conn, sa.and_(_LIVE, endpoints.c.id == endpoint_id))), None)


def list_endpoints(conn: sa.Connection, key_id: str | None) -> list[Endpoint]:
    """The endpoints that this key made, newest first; None: all, those from configuration too."""
    return _read(conn, _of_key(key_id), endpoints.c.created_at.desc(), endpoints.c.id)


def get_endpoint(conn: sa.Connection, endpoint_id: str, key_id: str | None) -> Endpoint | None:
    """One of those that `list_endpoints` lists, or None."""
    return next(iter(_read(conn, sa.and_(_of_key(key_id), endpoints.c.id == endpoint_id))), None)


def remove_endpoint(conn: sa.Connection, endpoint_id: str, *, now: datetime) -> None:
    """Send it nothing more; what waits for it is given up."""
    conn.execute(endpoints.update().where(endpoints.c.id == endpoint_id).values(removed_at=now))
    _give_up(conn, endpoint_id, now)


def end_endpoint(conn: sa.Connection, endpoint_id: str, reason: str, *, now: datetime) -> None:
    """Its receiver wants nothing more: keep why, and give up what waits for it."""
    conn.execute(endpoints.update().where(endpoints.c.id == endpoint_id).values(ended_reason=reason))
    _give_up(conn, endpoint_id, now)


def rotate_secret(conn: sa.Connection, endpoint: Endpoint, *, now: datetime) -> tuple[str, datetime]:
    """A new secret, and until when the present one signs beside it."""
    secret, until = _new_secret(), now + BOTH_SECRETS_FOR
    conn.execute(
        endpoints.update()
        .where(endpoints.c.id == endpoint.id)
        .values(secret=secret, previous_secret=endpoints.c.secret, previous_secret_until=until)
    )
    return secret, until


def _read(
    conn: sa.Connection, condition: sa.ColumnElement[bool], *order: sa.ColumnElement[object]
) -> list[Endpoint]:
    query = sa.select(*_COLUMNS).where(condition).order_by(*order)
    return [Endpoint(**row) for row in conn.execute(query).mappings()]


def _of_key(key_id: str | None) -> sa.ColumnElement[bool]:
    there = endpoints.c.removed_at.is_(None)
    return there if key_id is None else sa.and_(there, endpoints.c.key_id == key_id)


def _give_up(conn: sa.Connection, endpoint_id: str, now: datetime) -> None:
    conn.execute(
        deliveries.update()
        .where(deliveries.c.endpoint_id == endpoint_id, deliveries.c.state == "pending")
        .values(state="dead", ended_at=now)
    )


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
