"""The routes under /api/v1, joined."""

from functools import partial
from typing import Any

from flask import Blueprint, Response

from connector.call_api.service import CallApi
from connector.call_api.web import account, agents, calls, carriers, docs, finding, webhooks
from connector.call_api.web.answering import (
    PREFIX,
    answer_error,
    answer_unknown_path,
    json_answer,
)
from connector.call_api.web.asking import authenticate, read_body, read_model, read_query
from connector.call_api.web.route import Asked, Reply, Route

ROUTES: tuple[Route, ...] = (
    *calls.ROUTES,
    *finding.ROUTES,
    *carriers.ROUTES,
    *agents.ROUTES,
    *webhooks.ROUTES,
    *account.ROUTES,
)


def create_blueprint(api: CallApi) -> Blueprint:
    """The routes of `api`, to be registered on a Flask app."""
    blueprint = Blueprint("call_api", __name__, url_prefix=PREFIX)
    for route in ROUTES:
        view = partial(_answer_alone if route.answers_alone else _answer, api, route)
        name = f"{route.method.lower()}_{route.view.__name__}"
        blueprint.add_url_rule(
            route.path, endpoint=name, view_func=view, methods=[route.method], provide_automatic_options=False
        )
    docs.add_pages(blueprint, ROUTES)
    blueprint.register_error_handler(Exception, answer_error)
    blueprint.before_app_request(answer_unknown_path)
    return blueprint


def _answer_alone(api: CallApi, route: Route, **parts: Any) -> Response:
    reply = route.view(api, **parts)
    return reply if isinstance(reply, Response) else _sent(reply)


def _answer(api: CallApi, route: Route, **parts: Any) -> Response:
    body = read_body() if route.body is not None else b""
    with api.engine.begin() as conn:
        key = authenticate(conn, route.scope, api.clock)
        query = read_query(route.query) if route.query is not None else None
        asked = Asked(api, conn, key, read_model(route.body, body) if route.body is not None else None, query)
        reply = route.view(asked, **parts)
    return reply if isinstance(reply, Response) else _sent(reply)  # after the commit: it is true


def _sent(reply: Reply) -> Response:
    return json_answer(reply.content, reply.status, reply.headers)
