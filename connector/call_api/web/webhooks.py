"""Webhooks over HTTP: made, listed, tested, removed; what was sent to them, and sending it again."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from connector.call_api import problems
from connector.call_api.agents import find_agent
from connector.call_api.endpoints import (
    Endpoint,
    add_endpoint,
    get_endpoint,
    list_endpoints,
    remove_endpoint,
    rotate_secret,
)
from connector.call_api.events import nudge_delivering, record_test
from connector.call_api.keys import ApiKey
from connector.call_api.models.base import Answer
from connector.call_api.models.webhooks import (
    DeliveriesPage,
    DeliveriesQuery,
    DeliveryQueued,
    NewWebhook,
    SecretRotated,
    WebhookMade,
    Webhooks,
    WebhookShown,
)
from connector.call_api.outbox import get_delivery, list_deliveries, resend
from connector.call_api.present import moment
from connector.call_api.problems import Refusal
from connector.call_api.service import CallApi
from connector.call_api.settings import EVENT_NAMES
from connector.call_api.targets import TargetRefused
from connector.call_api.web.asking import authenticate, read_body, read_model
from connector.call_api.web.route import Asked, Reply, Route

_DELIVERY_ID = re.compile(r"[0-9]{1,18}")


def create_webhook(api: CallApi) -> Reply:
    """POST /webhooks. The name is looked up between two transactions: that may take seconds."""
    body = read_body()
    with api.engine.begin() as conn:
        key = authenticate(conn, "read", api.clock)
    asked = read_model(NewWebhook, body)
    try:
        api.sender.targets.check(asked.url)
    except TargetRefused as refused:
        raise Refusal(problems.webhook_target_refused(str(refused))) from None
    with api.engine.begin() as conn:
        made = add_endpoint(
            conn,
            asked.url,
            events=[name for name in EVENT_NAMES if name in (asked.events or EVENT_NAMES)],
            agent_id=_agent_id(conn, asked.agent_id),
            description=asked.description,
            payload_format=asked.payload_format or "v2",
            key_id=key.id,
            now=api.clock(),
        )
        if made is None:
            raise Refusal(problems.TOO_MANY_WEBHOOKS)
    return Reply({"success": True, **_shown(made), "secret": made.secret}, 201)


def show_webhooks(asked: Asked) -> Reply:
    """GET /webhooks."""
    found = list_endpoints(asked.conn, _whose(asked.key))
    return Reply({"success": True, "webhooks": [_shown(each) for each in found]})


def show_webhook(asked: Asked, webhook_id: str) -> Reply:
    """GET /webhooks/{webhook_id}."""
    return Reply({"success": True, **_shown(_find(asked, webhook_id))})


def delete_webhook(asked: Asked, webhook_id: str) -> Reply:
    """DELETE /webhooks/{webhook_id}."""
    endpoint = _ours_to_change(asked, webhook_id)
    remove_endpoint(asked.conn, endpoint.id, now=asked.api.clock())
    return Reply({"success": True})


def rotate_webhook_secret(asked: Asked, webhook_id: str) -> Reply:
    """POST /webhooks/{webhook_id}/rotate-secret."""
    endpoint = _ours_to_change(asked, webhook_id)
    secret, until = rotate_secret(asked.conn, endpoint, now=asked.api.clock())
    return Reply(
        {"success": True, "id": endpoint.id, "secret": secret, "previous_secret_until": moment(until)}
    )


def test_webhook(asked: Asked, webhook_id: str) -> Reply:
    """POST /webhooks/{webhook_id}/test."""
    endpoint = _live(asked, webhook_id)
    delivery_id = record_test(asked.conn, endpoint, now=asked.api.clock())
    return Reply({"success": True, "delivery_id": str(delivery_id)}, 202)


def show_deliveries(asked: Asked, webhook_id: str) -> Reply:
    """GET /webhooks/{webhook_id}/deliveries."""
    endpoint, query = _find(asked, webhook_id), asked.query
    before = int(query.cursor) if query.cursor is not None else None
    rows = list_deliveries(asked.conn, endpoint.id, state=query.state, limit=query.limit + 1, before=before)
    page = rows[: query.limit]
    more = str(page[-1]["id"]) if len(rows) > len(page) else None
    return Reply({"success": True, "deliveries": [_delivery(row) for row in page], "next_cursor": more})


def resend_delivery(asked: Asked, webhook_id: str, delivery_id: str) -> Reply:
    """POST /webhooks/{webhook_id}/deliveries/{delivery_id}/resend."""
    endpoint = _live(asked, webhook_id)
    known = _DELIVERY_ID.fullmatch(delivery_id) is not None
    if not known or get_delivery(asked.conn, endpoint.id, int(delivery_id)) is None:
        raise Refusal(problems.DELIVERY_NOT_FOUND)
    resend(asked.conn, int(delivery_id), now=asked.api.clock())
    nudge_delivering(asked.conn, endpoint.id)
    return Reply({"success": True, "delivery_id": str(int(delivery_id))}, 202)


def _whose(key: ApiKey) -> str | None:
    """A key sees what it made; one with `admin` sees everything (None)."""
    return None if "admin" in key.scopes else key.id


def _find(asked: Asked, webhook_id: str) -> Endpoint:
    try:
        wanted = str(UUID(webhook_id))
    except ValueError:
        raise Refusal(problems.WEBHOOK_NOT_FOUND) from None
    found = get_endpoint(asked.conn, wanted, _whose(asked.key))
    if found is None:
        raise Refusal(problems.WEBHOOK_NOT_FOUND)
    return found


def _ours_to_change(asked: Asked, webhook_id: str) -> Endpoint:
    endpoint = _find(asked, webhook_id)
    if endpoint.source == "config":
        raise Refusal(problems.WEBHOOK_FROM_CONFIG)
    return endpoint


def _live(asked: Asked, webhook_id: str) -> Endpoint:
    endpoint = _find(asked, webhook_id)
    if endpoint.ended_reason is not None:
        raise Refusal(problems.WEBHOOK_ENDED)
    return endpoint


def _agent_id(conn: sa.Connection, agent_id: str | None) -> str | None:
    if not agent_id:
        return None
    agent = find_agent(conn, agent_id)
    if agent is None:
        raise Refusal(problems.AGENT_NOT_FOUND)
    return agent.id


def _shown(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": endpoint.events,
        "agent_id": endpoint.agent_id,
        "description": endpoint.description,
        "payload_format": endpoint.payload_format,
        "source": endpoint.source,
        "created_at": moment(endpoint.created_at),
        "previous_secret_until": moment(endpoint.previous_secret_until),
        "ended_reason": endpoint.ended_reason,
    }


def _delivery(row: Mapping[str, Any]) -> dict[str, object]:
    return {
        "id": str(row["id"]),
        "event_id": row["event_id"],
        "event": row["event"],
        "call_id": row["call_id"],
        "state": row["state"],
        "created_at": moment(row["created_at"]),
        "next_try_at": moment(row["due_at"]) if row["state"] == "pending" else None,
        "ended_at": moment(row["ended_at"]),
        "tries": [
            {
                "number": each["number"],
                "at": moment(each["at"]),
                "status": each["status"],
                "error": each["error"],
                "duration_ms": each["duration_ms"],
            }
            for each in row["tried"]
        ],
    }


_ONE = "/webhooks/<webhook_id>"
_GONE = (problems.WEBHOOK_NOT_FOUND,)
_FIXED = (*_GONE, problems.WEBHOOK_FROM_CONFIG)
_ENDED = (*_GONE, problems.WEBHOOK_ENDED)

ROUTES = (
    Route(
        "POST",
        "/webhooks",
        create_webhook,
        "read",
        "Have call events sent to a URL",
        WebhookMade,
        body=NewWebhook,
        status=201,
        refusals=(
            problems.webhook_target_refused("the URL begins with http://; only https:// is possible"),
            problems.AGENT_NOT_FOUND,
            problems.TOO_MANY_WEBHOOKS,
        ),
        answers_alone=True,
        description="The answer holds the secret that signs every event, this once. A URL may be given several "
        "times, as Zapier, Make and n8n do: each has its own id, secret and deliveries.",
    ),
    Route("GET", "/webhooks", show_webhooks, "read", "Your webhooks", Webhooks, operation_id="listWebhooks"),
    Route(
        "GET",
        _ONE,
        show_webhook,
        "read",
        "One webhook",
        WebhookShown,
        refusals=_GONE,
        operation_id="getWebhook",
    ),
    Route(
        "DELETE",
        _ONE,
        delete_webhook,
        "read",
        "Send nothing more to a webhook",
        Answer,
        refusals=_FIXED,
        description="Takes effect at once. What still waits for it is given up.",
    ),
    Route(
        "POST",
        _ONE + "/test",
        test_webhook,
        "read",
        "Send a test event",
        DeliveryQueued,
        status=202,
        refusals=_ENDED,
        description="A `call_ended` of a call that never was, with `test: true`. It is sent and tried again as "
        "every event is; the deliveries say what became of it.",
    ),
    Route(
        "POST",
        _ONE + "/rotate-secret",
        rotate_webhook_secret,
        "read",
        "Give a webhook a new secret",
        SecretRotated,
        refusals=_FIXED,
        description="For 24 hours every event carries two signatures, so both secrets work. The next rotation "
        "ends the older one at once.",
    ),
    Route(
        "GET",
        _ONE + "/deliveries",
        show_deliveries,
        "read",
        "What was sent to a webhook",
        DeliveriesPage,
        query=DeliveriesQuery,
        operation_id="listDeliveries",
        refusals=_GONE,
    ),
    Route(
        "POST",
        _ONE + "/deliveries/<delivery_id>/resend",
        resend_delivery,
        "read",
        "Send an event again",
        DeliveryQueued,
        status=202,
        refusals=(*_ENDED, problems.DELIVERY_NOT_FOUND),
        description="A new series of ten tries begins at once, with the same event id; the tries that were made "
        "are kept. What was sent already can be sent again.",
    ),
)
