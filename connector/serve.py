"""`stagecall serve`: everything one machine needs, in the foreground, until SIGTERM.

Three kinds of process: this one (watches the others), the web server's worker (granian), and the job
worker. When this one dies without a word, the other two notice and end; PostgreSQL stays and is used again.
"""

import contextlib
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import fasteners
import requests

from connector.config import Config
from connector.database import create_engine, running_database
from connector.errors import PermanentError
from connector.log import configure_logging
from connector.parts import build
from connector.store import migrate
from connector.worker import run_worker

log = logging.getLogger(__name__)

WEB_THREADS = 4
"""How many requests are worked on at once."""
READERS = 512
"""How many may be read at once; a thread that is not needed ends after half a minute."""
WEB_POOL = 4
WORK_POOL = 8
DRAIN = 25.0


def serve(config: Config, *, host: str, port: int, with_worker: bool, say: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT, then finish what runs. Raises PermanentError where it cannot start."""
    check_port(host, port)
    with _alone(config), _prepared(config) as url:
        worker = _WorkerProcess(config, url, own_url(host, port)) if with_worker else None
        if worker:
            worker.start()
        log.info("started", extra={"host": host, "port": port, "worker": with_worker})
        try:
            _announce(host, port, config, say)
            _run_web(config, url, host, port)
        finally:
            log.info("stopping; what runs is finished first")
            if worker:
                worker.stop()


def work(config: Config, *, database_url: str | None, say: Callable[[str], None]) -> None:
    """Run a job worker until SIGTERM; `database_url` is given where `serve` already runs the database."""
    if database_url is not None:
        exit_with_parent(signal.SIGTERM)
        _work(config, database_url)
        return
    with _prepared(config) as url:
        say("working; stop with Ctrl-C")
        _work(config, url)


def own_url(host: str, port: int) -> str:
    """Where a program on this machine reaches us."""
    name = "127.0.0.1" if host in ("0.0.0.0", "") else "[::1]" if host == "::" else host  # noqa: S104
    return f"http://{name}:{port}"


@contextlib.contextmanager
def _alone(config: Config) -> Iterator[None]:
    """One `serve` for a data folder: two would send the call events of both to whichever came last."""
    if config.database_url is not None:
        yield
        return
    with contextlib.suppress(OSError):  # a folder that cannot be written is reported by the database
        config.data.mkdir(parents=True, exist_ok=True)
    lock = fasteners.InterProcessLock(config.data / "serve.lock")
    try:
        held = lock.acquire(blocking=False)
    except OSError:
        held = None
    if held is False:
        raise PermanentError(
            f"another `stagecall serve` works on the data folder {config.data}; "
            "stop it, or name another folder with --data"
        )
    try:
        yield
    finally:
        if held:
            lock.release()


@contextlib.contextmanager
def _prepared(config: Config) -> Iterator[str]:
    """A running database with our tables, and in them what the configuration wants there."""
    with running_database(config.database_url, config.data, keep=True) as url:
        engine = create_engine(url, pool_size=1)
        try:
            migrate(engine)
            parts = build(config, engine)
            if parts.call_api is not None:
                parts.call_api.apply_settings()
        finally:
            engine.dispose()
        yield url


def _work(config: Config, url: str) -> None:
    engine = create_engine(url, pool_size=WORK_POOL)
    try:
        parts = build(config, engine)
        _keep_loaded()
        run_worker(parts, url)
    finally:
        engine.dispose()


def check_port(host: str, port: int) -> None:
    """Raise PermanentError where nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PermanentError(
                f"port {port} on {host} cannot be used ({error.strerror}); "
                "stop what listens there or name another with --port"
            ) from None
        except OverflowError:
            raise PermanentError(f"{port} is not a port; ports go from 1 to 65535") from None


def _announce(host: str, port: int, config: Config, say: Callable[[str], None]) -> None:
    """Say that we listen, once we do."""

    def wait_and_say() -> None:
        for _ in range(600):
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{own_url(host, port)}/readyz", timeout=2).status_code == 200:
                    where = "your PostgreSQL" if config.database_url else str(config.data)
                    say(f"Stagecall listens on {own_url(host, port)}; its data is in {where}")
                    return
            time.sleep(0.05)

    threading.Thread(target=wait_and_say, name="announce", daemon=True).start()


def _run_web(config: Config, url: str, host: str, port: int) -> None:
    # imported here: the job worker, which imports this module too, has no use for them; and before the fork
    from granian.constants import Interfaces
    from granian.server.mp import MPServer

    import connector.app  # noqa: F401

    _keep_loaded()
    MPServer(
        target="connector",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=READERS,
        workers_kill_timeout=10,
        respawn_failed_workers=True,
        log_enabled=False,
    ).serve(target_loader=_Loader(config, url), wrap_loader=False)


def _keep_loaded() -> None:
    """Take all that is loaded out of the garbage collector's rounds.

    It stays until the end anyway, and each full round over it would stop every request for a tenth of a second.
    """
    gc.collect()
    gc.freeze()


@dataclass(frozen=True, slots=True)
class _Loader:
    """Makes the web application in the web server's own process."""

    config: Config
    url: str

    def __call__(self) -> Any:
        from connector.app import create_app
        from connector.buffering import Buffered

        configure_logging()
        exit_with_parent(None)
        app = create_app(build(self.config, create_engine(self.url, pool_size=WEB_POOL)))
        _keep_loaded()
        return Buffered(app, at_once=WEB_THREADS)


def exit_with_parent(with_signal: signal.Signals | None) -> None:
    """End when our parent is gone: by a signal to ourselves, or at once."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        if with_signal is None:
            os._exit(1)
        os.kill(os.getpid(), with_signal)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


@dataclass(slots=True)
class _WorkerProcess:
    """The job worker as a child, started again when it ends by itself."""

    config: Config
    url: str
    own_url: str
    _child: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _watcher: threading.Thread | None = field(default=None, init=False)

    def start(self) -> None:
        self._child = self._spawn()
        self._watcher = threading.Thread(target=self._watch, name="worker-watch", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Let it finish what runs."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join(timeout=5)
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(timeout=DRAIN)
        except subprocess.TimeoutExpired:
            self._child.kill()

    def _watch(self) -> None:
        pause = 1.0
        while not self._stopping.wait(0.2):
            if self._child is None or self._child.poll() is None:
                continue
            log.warning("the job worker ended; starting it again", extra={"code": self._child.returncode})
            if self._stopping.wait(pause):
                return
            pause = min(pause * 2, 30)
            self._child = self._spawn()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "connector.cli", "work", "--config", str(self.config.file)]
        command += ["--data", str(self.config.data), "--own-url", self.own_url]
        environment = {**os.environ, "STAGECALL_SERVED_DATABASE": self.url, "MALLOC_ARENA_MAX": "2"}
        return subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603
