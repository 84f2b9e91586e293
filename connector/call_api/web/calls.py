"""Calls over HTTP: trigger one."""

from collections.abc import Mapping
from functools import partial

import sqlalchemy as sa
from flask import Response, after_this_request, request
from sqlalchemy.exc import DBAPIError

from connector.call_api import problems
from connector.call_api.keys import ApiKey
from connector.call_api.limits import take
from connector.call_api.models.base import Answer
from connector.call_api.problems import Problem, Refusal
from connector.call_api.service import CallApi
from connector.call_api.trigger import Accepted, accept
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
            provider=api.carrier.name,
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


def _commit(conn: sa.Connection) -> None:
    try:
        conn.commit()
    except DBAPIError:  # the one moment in which nobody can say whether the call is kept
        raise Refusal(problems.IN_DOUBT) from None


def _initiated(accepted: Accepted) -> Response:
    headers = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    return json_answer({"success": True, "call_id": accepted.call_id, "status": "initiated"}, headers=headers)


ROUTES = (
    Route("POST", "/calls/trigger", trigger_call, "trigger", "Trigger a call", Answer, answers_alone=True),
)
