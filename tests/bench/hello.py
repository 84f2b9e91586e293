"""What we are compared with: a bare Flask application under the same server, started as `stagecall serve` does."""

import sys
from typing import Any

from flask import Flask
from granian.constants import Interfaces
from granian.server.mp import MPServer

from connector.buffering import Buffered
from connector.serve import READERS, WEB_THREADS


def load(*_: object) -> Any:
    """The smallest application that takes a POST."""
    app = Flask("hello")

    @app.get("/")
    @app.post("/")
    def hello() -> str:
        return "hello"

    return Buffered(app, at_once=WEB_THREADS)


def main() -> None:
    """Serve on the port given as the only argument until SIGTERM."""
    MPServer(
        target="hello",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=READERS,
        log_enabled=False,
    ).serve(target_loader=load, wrap_loader=False)


if __name__ == "__main__":
    main()
