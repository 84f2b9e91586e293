"""Calls over HTTP: trigger one, look at it, list them."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated

import sqlalchemy as sa
from flask import Response, after_this_request, request
from pydantic import Field
from sqlalchemy.exc import DBAPIError

from connector.call_api import problems
from connector.call_api.body import metadata_pair
from connector.call_api.calls import get_call, histories, list_calls
from connector.call_api.keys import ApiKey
from connector.call_api.limits import take
from connector.call_api.models.base import Answer, ApiModel
from connector.call_api.present import call_answer
from connector.call_api.problems import Problem, Refusal
from connector.call_api.service import CallApi
from connector.call_api.trigger import Accepted, accept
from connector.call_api.web.answering import json_answer
from connector.call_api.web.asking import authenticate, read_body
from connector.call_api.web.route import Asked, Reply, Route

MAX_LIMIT = 100


class CallsQuery(ApiModel):
    """Which calls to list."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50
    metadata: dict[str, str] = Field(default_factory=dict)


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
            provider=api.carrier.name,
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


def _commit(conn: sa.Connection) -> None:
    try:
        conn.commit()
    except DBAPIError:  # the one moment in which nobody can say whether the call is kept
        raise Refusal(problems.IN_DOUBT) from None


def _initiated(accepted: Accepted) -> Response:
    headers = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    return json_answer({"success": True, "call_id": accepted.call_id, "status": "initiated"}, headers=headers)


def show_call(asked: Asked, call_id: str) -> Reply:
    """GET /calls/{call_id}."""
    row = get_call(asked.conn, call_id)
    if row is None:
        raise Refusal(problems.CALL_NOT_FOUND)
    history = histories(asked.conn, [row["id"]])[row["id"]]
    return Reply({"success": True, **call_answer(row, history)})


def show_calls(asked: Asked) -> Reply:
    """GET /calls."""
    query: CallsQuery = asked.query
    pairs = [metadata_pair(name, value) for name, value in query.metadata.items()]
    rows = list_calls(asked.conn, pairs=pairs, limit=query.limit)
    steps = histories(asked.conn, [row["id"] for row in rows])
    return Reply({"success": True, "calls": [call_answer(row, steps[row["id"]]) for row in rows]})


ROUTES = (
    Route("POST", "/calls/trigger", trigger_call, "trigger", "Trigger a call", Answer, answers_alone=True),
    Route("GET", "/calls/<call_id>", show_call, "read", "Everything known of a call", Answer),
    Route("GET", "/calls", show_calls, "read", "The newest calls", Answer, query=CallsQuery),
)
