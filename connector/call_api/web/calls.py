"""Calls over HTTP: trigger one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa
from flask import Response, after_this_request, request
from sqlalchemy.exc import DBAPIError

from connector.call_api import problems
from connector.call_api.keys import ApiKey
from connector.call_api.limits import take
from connector.call_api.models.trigger import TriggerAnswer, TriggerRequest
from connector.call_api.problems import Problem, Refusal
from connector.call_api.service import CallApi
from connector.call_api.trigger import Accepted, Defaults, accept
from connector.call_api.web.answering import json_answer
from connector.call_api.web.asking import authenticate, read_body
from connector.call_api.web.route import Route


def trigger_call(api: CallApi) -> Response:
    """POST /calls/trigger: key, access, rate, body, number, agent are judged in this order."""
    body = read_body()
    with api.engine.connect() as conn:
        key = authenticate(conn, "trigger", api.clock)
        _count_request(conn, key, api)
        if isinstance(body, Problem):
            raise Refusal(body)
        accepted = accept(
            conn,
            body,
            key_id=key.id,
            idempotency_key=request.headers.get("Idempotency-Key"),
            defaults=_defaults(api),
            settings=api.settings,
            now=api.clock(),
        )
        _commit(conn)
    return _initiated(accepted)  # after the commit: a 200 has its row


def _count_request(conn: sa.Connection, key: ApiKey, api: CallApi) -> None:
    """Take one of the key's places in this minute, and tell of it in whatever is answered now."""
    allowance = take(conn, key.id, api.settings.max_per_minute, api.clock)
    if allowance is not None:
        after_this_request(partial(_add_headers, allowance.headers()))


def _add_headers(headers: Mapping[str, str], response: Response) -> Response:
    response.headers.update(headers)
    return response


def _defaults(api: CallApi) -> Defaults:
    window = api.settings.calling_window
    return Defaults(api.carrier.name, window.model_dump(mode="json") if window is not None else None)


def _commit(conn: sa.Connection) -> None:
    try:
        conn.commit()
    except DBAPIError:  # the one moment in which nobody can say whether the call is kept
        raise Refusal(problems.IN_DOUBT) from None


def _initiated(accepted: Accepted) -> Response:
    headers = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    content = {"success": True, "call_id": accepted.call_id, "status": "initiated", **accepted.waiting}
    return json_answer(content, headers=headers)


ROUTES = (
    Route(
        "POST",
        "/calls/trigger",
        trigger_call,
        "trigger",
        "Trigger a call",
        TriggerAnswer,
        body=TriggerRequest,
        refusals=(
            problems.INVALID_NUMBER,
            problems.AGENT_NOT_FOUND,
            problems.NO_AGENT,
            problems.AGENT_WITHOUT_NUMBER,
            problems.BAD_IDEMPOTENCY_KEY,
            problems.IDEMPOTENCY_KEY_REUSED,
            problems.METADATA_TOO_LARGE,
            problems.outside_calling_window(None),
            problems.expires_too_soon(datetime(2026, 11, 30, 14, tzinfo=UTC)),
            problems.rate_limited(12),
            problems.concurrency_limit(10, 5),
            problems.IN_DOUBT,
        ),
        answers_alone=True,
        request_headers=("Idempotency-Key",),
        answer_headers=(
            "Idempotent-Replayed",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
        ),
    ),
)
