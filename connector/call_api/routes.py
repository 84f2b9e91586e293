"""The routes under /api/v1: HTTP in, JSON out. What they do is in the rooms beside."""

import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa
from flask import Blueprint, Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from connector.call_api import problems
from connector.call_api.agents import default_agent, list_agents
from connector.call_api.body import MAX_BODY
from connector.call_api.calls import get_call, histories, list_calls
from connector.call_api.keys import ApiKey, verify_key
from connector.call_api.limits import check_rate
from connector.call_api.present import call_answer
from connector.call_api.problems import Problem, Refusal
from connector.call_api.service import CallApi
from connector.call_api.trigger import Accepted, accept

log = logging.getLogger(__name__)

PREFIX = "/api/v1"
DEFAULT_LIMIT = 50
MAX_LIMIT = 100
_DRAINED = 4 * 1024 * 1024
_NUMBER = re.compile(r"[0-9]{1,9}")


def create_blueprint(api: CallApi) -> Blueprint:
    """The routes of `api`, to be registered on a Flask app."""
    blueprint = Blueprint("call_api", __name__, url_prefix=PREFIX)
    rules: tuple[tuple[str, str, Callable[..., Response]], ...] = (
        ("POST", "/calls/trigger", _trigger_call),
        ("GET", "/calls/trigger", _only_post),  # else it would be a call of the id "trigger"
        ("GET", "/calls/<call_id>", _show_call),
        ("GET", "/calls", _show_calls),
        ("GET", "/agents", _show_agents),
        ("GET", "/auth/verify", _verify_key),
    )
    for method, path, view in rules:
        name = view.__name__.lstrip("_")
        blueprint.add_url_rule(path, endpoint=name, view_func=partial(view, api), methods=[method])
    blueprint.register_error_handler(Exception, _answer_error)
    blueprint.before_app_request(_answer_unknown_path)
    return blueprint


def _trigger_call(api: CallApi) -> Response:
    body = _read_body()
    with api.engine.connect() as conn:
        key = _authenticate(api, conn)
        check_rate(conn, key.id, api.settings.max_per_minute, api.clock)
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


def _commit(conn: sa.Connection) -> None:
    try:
        conn.commit()
    except DBAPIError:  # the one moment in which nobody can say whether the call is kept
        raise Refusal(problems.IN_DOUBT) from None


def _initiated(accepted: Accepted) -> Response:
    headers = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    return _json({"success": True, "call_id": accepted.call_id, "status": "initiated"}, headers=headers)


def _show_call(api: CallApi, call_id: str) -> Response:
    with api.engine.begin() as conn:
        _authenticate(api, conn)
        row = get_call(conn, call_id)
        if row is None:
            raise Refusal(problems.CALL_NOT_FOUND)
        history = histories(conn, [row["id"]])[row["id"]]
    return _json({"success": True, **call_answer(row, history)})


def _only_post(api: CallApi) -> Response:
    response = _answer_problem(problems.METHOD_NOT_ALLOWED)
    response.headers["Allow"] = "OPTIONS, POST"
    return response


def _show_calls(api: CallApi) -> Response:
    with api.engine.begin() as conn:
        _authenticate(api, conn)
        rows = list_calls(conn, dispatch_id=_dispatch_id(), limit=_limit())
        steps = histories(conn, [row["id"] for row in rows])
    return _json({"success": True, "calls": [call_answer(row, steps[row["id"]]) for row in rows]})


def _show_agents(api: CallApi) -> Response:
    with api.engine.begin() as conn:
        _authenticate(api, conn)
        agents = list_agents(conn)
    return _json({"success": True, "agents": agents})


def _verify_key(api: CallApi) -> Response:
    with api.engine.begin() as conn:
        key = _authenticate(api, conn)
        agent = default_agent(conn)
    return _json(
        {
            "success": True,
            "key": {"name": key.name, "last4": key.last4},
            "default_agent": agent.name if agent is not None else None,
            "enabled": key.enabled,
        }
    )


def _authenticate(api: CallApi, conn: sa.Connection) -> ApiKey:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    key = verify_key(conn, token.strip(), now=api.clock()) if scheme.lower() == "bearer" else None
    if key is None:
        raise Refusal(problems.INVALID_KEY)
    if not key.enabled:
        raise Refusal(problems.ACCESS_DISABLED)
    return key


def _read_body() -> bytes | Problem:
    """The body, or what is wrong with it: read before a connection is taken, judged after the key."""
    if (request.content_length or 0) > MAX_BODY:
        _drain()
        return problems.BODY_TOO_LARGE
    request.max_content_length = MAX_BODY + 1  # of a chunked body: more is cut off without a word
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        return problems.BODY_TOO_LARGE
    if len(body) > MAX_BODY:
        return problems.BODY_TOO_LARGE
    return body if request.is_json else problems.NOT_JSON


def _drain() -> None:
    """Read some of a body that is too large, so that the client gets to see the answer."""
    left = min(request.content_length or 0, _DRAINED)
    while left > 0 and (chunk := request.input_stream.read(min(left, 65536))):
        left -= len(chunk)


def _dispatch_id() -> str | None:
    for name in request.args:
        if name.startswith("metadata.") and name != "metadata.dispatch_id":
            raise Refusal(
                problems.bad_parameter(name, "metadata.dispatch_id: calls are found by that field only")
            )
    value = request.args.get("metadata.dispatch_id")
    if value is not None and "\x00" in value:
        raise Refusal(problems.bad_parameter("metadata.dispatch_id", "text without the character U+0000"))
    return value


def _limit() -> int:
    text = request.args.get("limit", str(DEFAULT_LIMIT))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise Refusal(problems.bad_parameter("limit", f"a number from 1 to {MAX_LIMIT}"))
    return int(text)


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(msgspec.json.encode(content), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(headers or {})
    return response


def _answer_problem(problem: Problem) -> Response:
    return _json(problem.body(), problem.status, problem.headers)


def _answer_unknown_path() -> Response | None:
    """404 and 405 as JSON below our prefix: no blueprint is chosen for these, so its handlers do not see them."""
    error = request.routing_exception
    if error is None or not (request.path + "/").startswith(PREFIX + "/"):
        return None
    if isinstance(error, MethodNotAllowed):
        response = _answer_problem(problems.METHOD_NOT_ALLOWED)
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response
    return _answer_problem(problems.PATH_NOT_FOUND)


def _answer_error(error: Exception) -> Response:
    if isinstance(error, Refusal):
        return _answer_problem(error.problem)
    if isinstance(error, HTTPException):
        status = error.code or 500
        return _answer_problem(Problem(status, error.name.lower().replace(" ", "_"), error.name))
    if _is_outage(error):
        log.warning("no answer from the database", extra={"error": str(error).partition("\n")[0]})
        return _answer_problem(problems.UNAVAILABLE)
    log.error("a defect", exc_info=error)
    return _answer_problem(problems.INTERNAL)


def _is_outage(error: BaseException | None) -> bool:
    """Did the database not answer? Looked for in the causes too: libraries wrap it."""
    while error is not None:
        if isinstance(error, PoolTimeout | psycopg.OperationalError | psycopg.InterfaceError):
            return True
        error = error.__cause__ or error.__context__
    return False
