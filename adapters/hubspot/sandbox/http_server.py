"""A WSGI server on loopback for the sandbox: one thread a connection, connections kept alive, silent.

Werkzeug's development server closes every connection and Granian serves from processes of its own, while a
sandbox lives inside a test.
"""

import io
import socket
import sys
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread, current_thread
from typing import Any
from urllib.parse import unquote
from wsgiref.types import WSGIApplication


class Server:
    """Serves one application until it is stopped."""

    def __init__(self, app: WSGIApplication, port: int = 0) -> None:
        self._server = _Server(app, port)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and wait for their threads."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, app: WSGIApplication, port: int) -> None:
        self.app = app
        self.open: dict[Thread, socket.socket] = {}
        self.lock = Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def hang_up(self) -> None:
        with self.lock:
            serving = dict(self.open)
        for connection in serving.values():
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed by its peer meanwhile
        for thread in serving:
            thread.join(5)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no news; anything else is a defect of the sandbox."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.hung_up = False
        with self.server.lock:
            self.server.open[current_thread()] = self.connection

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            with self.server.lock:
                del self.server.open[current_thread()]

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = self.server.app(self._environ(body), self._begin)
        try:
            self._answer(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close:
                close()

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = serve

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _begin(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.began = status, headers

    def _answer(self, chunks: Iterable[bytes]) -> None:
        body = b"".join(chunks)
        if self.hung_up:
            self.close_connection = True
            return
        status, headers = self.began
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.hung_up = True

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "sandbox.hang_up": self._hang_up,
        }
        for name, value in self.headers.items():
            environ.setdefault(f"HTTP_{name.upper().replace('-', '_')}", value)
        return environ
