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
            _read(environ["wsgi.input"], body)
            environ["wsgi.input"] = body
            return self._worked_on(environ, start_response)

    def _worked_on(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with self._room:
            return self._app(environ, start_response)


def _read(source: IO[bytes], target: IO[bytes]) -> None:
    left = LARGEST
    while left > 0 and (part := source.read(min(left, _PART))):
        target.write(part)
        left -= len(part)
    target.seek(0)
