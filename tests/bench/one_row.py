"""What triggers are compared with: a bare Flask route under the same server that commits one row and answers JSON.

As little as can be for a durable 200: the body is parsed, and one statement in autocommit keeps it, over one kept
psycopg connection a thread; no key, no limit, no idempotency, no job.
"""

import sys
import threading
from typing import Any
from uuid import uuid4

import psycopg
from flask import Flask, Response, jsonify, request
from granian.constants import Interfaces
from granian.server.mp import MPServer
from psycopg.types.json import Jsonb

from connector.buffering import Buffered
from connector.serve import READERS, WEB_THREADS

PATH = "/calls"


def load(*_: object) -> Any:
    """The application; its table is made when it does not exist yet."""
    url = sys.argv[2]
    with psycopg.connect(url) as conn:
        conn.execute("CREATE SCHEMA IF NOT EXISTS bench")
        conn.execute("CREATE TABLE IF NOT EXISTS bench.one_row (id uuid PRIMARY KEY, body jsonb NOT NULL)")
    app = Flask("one_row")
    kept = threading.local()

    def connection() -> "psycopg.Connection[Any]":
        if not hasattr(kept, "connection"):
            kept.connection = psycopg.connect(url, autocommit=True)
        own: psycopg.Connection[Any] = kept.connection
        return own

    @app.post(PATH)
    def keep() -> Response:
        call_id = str(uuid4())
        values = (call_id, Jsonb(request.get_json()))
        connection().execute("INSERT INTO bench.one_row (id, body) VALUES (%s, %s)", values)
        return jsonify(success=True, call_id=call_id, status="initiated")

    @app.get("/")
    def ready() -> str:
        return "ready"

    return Buffered(app, at_once=WEB_THREADS)


def main() -> None:
    """Serve until SIGTERM; arguments: the port and the database's URL."""
    MPServer(
        target="one_row",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=READERS,
        log_enabled=False,
    ).serve(target_loader=load, wrap_loader=False)


if __name__ == "__main__":
    main()
