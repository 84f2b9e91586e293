"""Requests are read before they are worked on, so that no slow client keeps one of the few workers waiting.

The web server gives every request a thread, and the thread ends up waiting for the body. Many may wait at once; few
may work at once, because Python runs one of them at a time and each holds a connection to the database.
"""

import threading
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LARGEST: Final = 4 * 1024 * 1024 + 1
"""Bytes that are read beforehand: one more than any route takes, so that each can say that it is too much."""
INCOMPLETE: Final = (
    b'{"success":false,"error":"The body is shorter than its Content-Length","code":"incomplete_body"}'
)
_IN_MEMORY: Final = 256 * 1024
_PART: Final = 64 * 1024


class Buffered:
    """A WSGI application of which so many requests are worked on at once, each after its body has arrived."""

    def __init__(self, app: "WSGIApplication", *, at_once: int) -> None:
        self._app = app
        self._room = threading.Semaphore(at_once)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if "CONTENT_LENGTH" not in environ and "HTTP_TRANSFER_ENCODING" not in environ:
            return self._worked_on(environ, start_response)
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
            arrived = _read(environ["wsgi.input"], body)
            wanted = min(_announced(environ), LARGEST)
            if arrived < wanted:  # the client broke off: what came may not be what it meant
                start_response("400 Bad Request", [("Content-Type", "application/json")])
                return [INCOMPLETE]
            environ["wsgi.input"] = body
            return self._worked_on(environ, start_response)

    def _worked_on(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with self._room:
            return self._app(environ, start_response)


def _read(source: IO[bytes], target: IO[bytes]) -> int:
    """Copy what arrives, up to LARGEST; return how much that is."""
    found = 0
    while found < LARGEST and (part := source.read(min(LARGEST - found, _PART))):
        target.write(part)
        found += len(part)
    target.seek(0)
    return found


def _announced(environ: "WSGIEnvironment") -> int:
    """The bytes of the body by its Content-Length; 0 where it comes in chunks."""
    length = str(environ.get("CONTENT_LENGTH", ""))
    return int(length) if length.isascii() and length.isdigit() else 0
