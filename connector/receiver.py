"""POST /hooks/<adapter>/<connection> and /hooks/calls/<connection>: verify, keep, answer.

A 200 means that the delivery stands in the database with its job, in one commit. What the bytes say is
read later, by the worker.
"""

import logging
from collections import Counter
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from connector import call_events, jobs, process
from connector.errors import InvalidSignature, MalformedDelivery
from connector.model import News, Request
from connector.parts import Parts
from connector.store import deliveries
from connector.store.deliveries import CALLS, Delivery

log = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024


def create_blueprint(parts: Parts) -> Blueprint:
    """The routes that take deliveries."""
    bp = Blueprint("receiver", __name__, url_prefix="/hooks")

    @bp.before_request
    def cap() -> None:
        request.max_content_length = MAX_BODY

    @bp.post(f"/{CALLS}/<connection>")
    def receive_call_event(connection: str) -> tuple[Response, int]:
        if connection not in parts.adapters:
            return _unknown(f'no connection is named "{connection}"')
        arrived = _arrived(parts)
        call_events.verify(arrived, parts.config.calls.webhook_secret.get_secret_value())
        delivery = Delivery(str(uuid4()), CALLS, connection, arrived, "kept")
        with parts.engine.begin() as conn:
            deliveries.keep(conn, delivery)
            jobs.nudge(conn, "read_results")
        return jsonify(delivery=delivery.id), 200

    @bp.post("/<adapter>/<connection>")
    def receive(adapter: str, connection: str) -> tuple[Response, int]:
        crm = parts.adapters.get(connection)
        if crm is None or crm.settings.adapter != adapter:
            return _unknown(f'no {adapter} connection is named "{connection}"')
        arrived = _arrived(parts)
        crm.verify(arrived)
        delivery = Delivery(str(uuid4()), adapter, connection, arrived, "kept")
        try:
            news = crm.parse(arrived)
        except MalformedDelivery:
            news = None  # kept, so that the worker says so where a person sees it
        with parts.engine.begin() as conn:
            if news is not None and not (news.events or news.malformed):
                deliveries.count(conn, connection, arrived.received_at, _names(news))
                _say_unknown(news, connection)
                return jsonify(delivery=delivery.id, counted=sum(_names(news).values())), 200
            deliveries.keep(conn, delivery)
            process.defer_reading(conn, connection, delivery.id)
        return jsonify(delivery=delivery.id), 200

    @bp.errorhandler(InvalidSignature)
    def refuse(error: InvalidSignature) -> tuple[Response, int]:
        url = parts.config.public_url + request.path
        log.warning("delivery refused", extra={"path": request.path, "why": str(error), "expected_url": url})
        return jsonify(error=str(error)), 401

    @bp.errorhandler(RequestEntityTooLarge)
    def too_large(error: RequestEntityTooLarge) -> tuple[Response, int]:
        return jsonify(error=f"a delivery has at most {MAX_BODY} bytes"), 413

    @bp.errorhandler(SQLAlchemyError)
    def unavailable(error: SQLAlchemyError) -> tuple[Response, int]:
        log.error("delivery not kept", extra={"path": request.path, "why": type(error).__name__})
        response = jsonify(error="the delivery could not be kept; send it again")
        response.headers["Retry-After"] = "5"
        return response, 503

    return bp


def _arrived(parts: Parts) -> Request:
    """The delivery as the sender made it: its bytes, and the public URL it used."""
    # adapters' and connections' names need no encoding, so the path is as it was on the wire; so is the query
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    return Request(
        method=request.method,
        url=parts.config.public_url + request.path + query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.get_data(cache=False),
        received_at=parts.clock(),
    )


def _unknown(what: str) -> tuple[Response, int]:
    return jsonify(error=what), 404


def _names(news: News) -> Counter[str]:
    return Counter(news.ignored) + Counter(news.unknown)


def _say_unknown(news: News, connection: str) -> None:
    for name, count in news.unknown.items():
        log.warning(
            "news of a kind never seen", extra={"connection": connection, "kind": name, "count": count}
        )
