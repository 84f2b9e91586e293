"""The web application: joins the parts, decides nothing."""

import logging

import sqlalchemy as sa
from flask import Flask, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from connector import jobs, published, receiver
from connector.call_api.web import create_blueprint
from connector.parts import Parts
from connector.store import dispatches, rule_files

log = logging.getLogger(__name__)


def create_app(parts: Parts) -> Flask:
    """The receivers, the Trigger Call API where the configuration has one, and the health routes."""
    app = Flask("stagecall", static_folder=None)
    app.extensions["stagecall"] = parts
    app.register_blueprint(receiver.create_blueprint(parts))
    app.register_blueprint(published.create_blueprint())
    if parts.call_api is not None:
        app.register_blueprint(create_blueprint(parts.call_api))
    _add_health(app, parts)

    @app.errorhandler(HTTPException)
    def answer(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.description), error.code or 500

    @app.errorhandler(Exception)
    def defect(error: Exception) -> tuple[Response, int]:
        log.exception("a request met a defect")
        return jsonify(error="something went wrong here; it is in the log"), 500

    return app


def _add_health(app: Flask, parts: Parts) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        try:
            with parts.engine.connect() as conn:
                conn.execute(sa.text("SELECT 1"))
        except SQLAlchemyError:
            return jsonify(status="the database does not answer"), 503
        return jsonify(status="ok"), 200

    @app.get("/metrics")
    def metrics() -> Response:
        with parts.engine.connect() as conn:
            by_state = dispatches.counts(conn)
            backlog = jobs.backlog(conn)
            files = rule_files.states(conn)
        lines = ["# TYPE stagecall_dispatches gauge"]
        lines += [f'stagecall_dispatches{{state="{state}"}} {n}' for state, n in sorted(by_state.items())]
        lines += ["# TYPE stagecall_jobs gauge"]
        lines += [f'stagecall_jobs{{state="{state}"}} {n}' for state, n in sorted(backlog.items())]
        lines += ["# TYPE stagecall_rule_files gauge"]
        refused = sum(each.mistakes is not None for each in files)
        lines += [f'stagecall_rule_files{{newest="in force"}} {len(files) - refused}']
        lines += [f'stagecall_rule_files{{newest="refused"}} {refused}']
        return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")
