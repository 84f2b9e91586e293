"""A line to one receiver: connections only to addresses that were checked, answers only within a deadline.

The name is looked up once for each connection, every address is judged, and the connection goes to what was
judged: a name that answers differently a moment later wins nothing. Certificate, SNI and Host are the name's.
"""

import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ssl import SSLContext
from types import TracebackType
from typing import Any

import httpcore

from connector.call_api.retry import Answer
from connector.call_api.targets import Target, TargetRefused, Targets

LONGEST_CONNECT = 5.0
"""Seconds for one address, so that a second one gets its turn."""
DRAINED = 64 * 1024
"""Of an answer's body we want nothing; a short one is read, so that the connection can be used again."""
LONGEST_DRAIN = 1.0
_PIECE = 64 * 1024


class Line:
    """One connection to one receiver, kept between posts; for one thread at a time."""

    def __init__(
        self,
        targets: Targets,
        ssl_context: SSLContext,
        *,
        seconds: float,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        """`seconds` are for a whole post: the look-up, the connection, the request and the answer."""
        self._seconds = seconds
        self._deadline = _Deadline()
        backend = _Checked(targets, self._deadline, network or httpcore.SyncBackend())
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context, max_connections=1, network_backend=backend, retries=0
        )

    def __enter__(self) -> "Line":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request; what came of it. Its status is the answer, whatever becomes of the body."""
        self._deadline.start(self._seconds)
        url = httpcore.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        head = {"Host": target.authority, **headers}
        try:
            with self._pool.stream("POST", url, headers=list(head.items()), content=body) as response:
                answer = _answer(response)
                self._drain(response)
                return answer
        except TargetRefused as refused:
            return Answer(error=f"not sent: {refused}")
        except httpcore.TimeoutException:
            return Answer(error=f"no answer within {self._seconds:g} seconds")
        except httpcore.ConnectError as error:
            return Answer(error=f"no connection: {error}"[:500])
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Answer(error=f"no answer: {error}"[:500])

    def _drain(self, response: httpcore.Response) -> None:
        self._deadline.shorten(LONGEST_DRAIN)
        read = 0
        with suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
            for piece in response.iter_stream():
                read += len(piece)
                if read > DRAINED:
                    return  # the connection is closed


class _Deadline:
    """When the post that is under way must be over."""

    def __init__(self) -> None:
        self._at = 0.0

    def start(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def shorten(self, seconds: float) -> None:
        self._at = min(self._at, time.monotonic() + seconds)

    def left(self, kind: type[httpcore.TimeoutException]) -> float:
        """Seconds that are left. Raises `kind` where none are."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise kind("out of time")
        return left


class _Checked(httpcore.NetworkBackend):
    """Opens connections to addresses that `targets` lets through, and to no other."""

    def __init__(self, targets: Targets, deadline: _Deadline, network: httpcore.NetworkBackend) -> None:
        self._targets = targets
        self._deadline = deadline
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first checked address that answers. Raises TargetRefused, or as httpcore does."""
        failed: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._targets.addresses(host, self._deadline.left(httpcore.ConnectTimeout)):
            left = min(LONGEST_CONNECT, self._deadline.left(httpcore.ConnectTimeout))
            try:
                stream = self._network.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Bounded(stream, self._deadline)
        raise failed or httpcore.ConnectError("no address")


class _Bounded(httpcore.NetworkStream):
    """A connection on which everything together takes no longer than the deadline: a byte now and then does not help."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come, or b"" at the end."""
        return self._stream.read(max_bytes, self._deadline.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it. The library's own loop would give each piece the whole time."""
        sock: socket.socket = self._stream.get_extra_info("socket")
        left = memoryview(buffer)
        while left:
            sock.settimeout(self._deadline.left(httpcore.WriteTimeout))
            try:
                left = left[sock.send(left[:_PIECE]) :]
            except TimeoutError as error:
                raise httpcore.WriteTimeout(str(error)) from error
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted; Python bounds a handshake as a whole."""
        left = self._deadline.left(httpcore.ConnectTimeout)
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        return self._stream.get_extra_info(info)


def _answer(response: httpcore.Response) -> Answer:
    status = response.status
    headers = {name.lower(): value for name, value in response.headers}
    error = None if 200 <= status < 300 else f"answered {status}"
    if 300 <= status < 400:
        error = f"answered {status}: redirects are not followed"
    retry_after = headers.get(b"retry-after")
    return Answer(status, error, retry_after.decode("latin-1") if retry_after is not None else None)
