"""Endpoints: where call events are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connector.call_api.settings import WebhookSettings
from connector.call_api.tables import endpoints


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One receiver of call events."""

    id: str
    url: str
    secret: str


_COLUMNS = (endpoints.c.id, endpoints.c.url, endpoints.c.secret)


def sync_endpoints(conn: sa.Connection, webhooks: Sequence[WebhookSettings], *, now: datetime) -> None:
    """Make the endpoints that came by configuration those of `webhooks`."""
    kept = [_ensure(conn, webhook, now) for webhook in webhooks]
    conn.execute(
        endpoints.update()
        .where(endpoints.c.source == "config", endpoints.c.removed_at.is_(None), endpoints.c.id.not_in(kept))
        .values(removed_at=now)
    )


def _ensure(conn: sa.Connection, webhook: WebhookSettings, now: datetime) -> str:
    secret = webhook.secret.get_secret_value()
    if webhook.name is not None:
        _follow(conn, webhook.name, webhook.url)
    known = insert(endpoints).values(
        id=str(uuid4()), name=webhook.name, url=webhook.url, secret=secret, source="config", created_at=now
    )
    changed = {"secret": secret, "name": webhook.name, "removed_at": None}
    endpoint_id: str = conn.execute(
        known.on_conflict_do_update(
            index_elements=[endpoints.c.url], index_where=endpoints.c.source == "config", set_=changed
        ).returning(endpoints.c.id)
    ).scalar_one()
    return endpoint_id


def _follow(conn: sa.Connection, name: str, url: str) -> None:
    """Move the endpoint of this name to `url`, with all that waits for it, unless another is there."""
    others = endpoints.alias("others")
    taken = sa.select(1).select_from(others).where(others.c.url == url).exists()
    conn.execute(endpoints.update().where(endpoints.c.name == name, ~taken).values(url=url))


def list_endpoints(conn: sa.Connection) -> list[Endpoint]:
    """Every endpoint that events are sent to, always in the same order."""
    query = sa.select(*_COLUMNS).where(endpoints.c.removed_at.is_(None)).order_by(endpoints.c.id)
    return [Endpoint(**row) for row in conn.execute(query).mappings()]


def find_endpoint(conn: sa.Connection, endpoint_id: str) -> Endpoint | None:
    """The endpoint of this id, or None where it was removed."""
    query = sa.select(*_COLUMNS).where(endpoints.c.id == endpoint_id, endpoints.c.removed_at.is_(None))
    row = conn.execute(query).mappings().first()
    return Endpoint(**row) if row is not None else None
