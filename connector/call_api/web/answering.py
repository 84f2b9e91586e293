"""Answers: JSON out, also for everything that goes wrong."""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
import psycopg
from flask import Response, request
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from connector.call_api import problems
from connector.call_api.problems import Problem, Refusal

log = logging.getLogger(__name__)

PREFIX = "/api/v1"


def json_answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Raw JSON within `content` goes out as it is."""
    response = Response(msgspec.json.encode(content), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(headers or {})
    return response


def answer_problem(problem: Problem) -> Response:
    """A refusal as its answer."""
    return json_answer(problem.body(), problem.status, problem.headers)


def answer_unknown_path() -> Response | None:
    """404 and 405 as JSON below our prefix: no blueprint is chosen for these, so its handlers do not see them."""
    error = request.routing_exception
    if error is None or not (request.path + "/").startswith(PREFIX + "/"):
        return None
    if isinstance(error, MethodNotAllowed):
        return answer_wrong_method(error.valid_methods or ())
    return answer_problem(problems.PATH_NOT_FOUND)


def answer_wrong_method(allowed: Any) -> Response:
    """405 with the methods that there are."""
    response = answer_problem(problems.METHOD_NOT_ALLOWED)
    response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def answer_error(error: Exception) -> Response:
    """Whatever a view raised, as an answer."""
    if isinstance(error, Refusal):
        return answer_problem(error.problem)
    if isinstance(error, HTTPException):
        status = error.code or 500
        return answer_problem(Problem(status, error.name.lower().replace(" ", "_"), error.name))
    if _is_outage(error):
        log.warning("no answer from the database", extra={"error": str(error).partition("\n")[0]})
        return answer_problem(problems.UNAVAILABLE)
    log.error("a defect", exc_info=error)
    return answer_problem(problems.INTERNAL)


def _is_outage(error: BaseException | None) -> bool:
    """Did the database not answer? Looked for in the causes too: libraries wrap it."""
    while error is not None:
        if isinstance(error, PoolTimeout | psycopg.OperationalError | psycopg.InterfaceError):
            return True
        error = error.__cause__ or error.__context__
    return False
