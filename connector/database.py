"""Which PostgreSQL: the one in STAGECALL_DATABASE_URL, else the embedded one in the data folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
import psycopg
import sqlalchemy as sa

from connector.embedded import EmbeddedServer, is_root
from connector.errors import PermanentError

OUTAGES = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
"""What SQLAlchemy raises when the database is to blame, not the data: worth another try."""
OLDEST_SERVER = 14


def default_data_folder() -> Path:
    """/var/lib/stagecall for root, else the platform's folder for a user's data."""
    if is_root():
        return Path("/var/lib/stagecall")
    return Path(platformdirs.user_data_dir("stagecall", appauthor=False))


@contextmanager
def running_database(url: str | None, data: Path, *, keep: bool = False) -> Iterator[str]:
    """Yield the URL of a PostgreSQL that answers: `url`, else the embedded one in `data`.

    `keep`: start the embedded one again whenever it dies. Raises PermanentError with a sentence for the
    operator when there can be none.
    """
    if url:
        _check_server(url)
        yield url
        return
    server = EmbeddedServer(data)
    try:
        ready = server.ensure()
        if keep:
            server.keep_running()
        yield ready
    finally:
        server.stop_if_unused()


def create_engine(url: str, *, pool_size: int = 10) -> sa.Engine:
    """Return a pool for `url` (postgresql://...); every connection speaks UTC and finds the jobs' functions."""
    return sa.create_engine(
        _sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        connect_args={"connect_timeout": 5, "options": "-csearch_path=jobs -ctimezone=UTC"},
    )


def _sqlalchemy_url(url: str) -> sa.URL:
    return sa.make_url(url).set(drivername="postgresql+psycopg")


def _check_server(url: str) -> None:
    try:
        shown = sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        shown = ""
    if not shown.startswith(("postgresql://", "postgres://")):
        raise PermanentError("STAGECALL_DATABASE_URL must be like postgresql://user:password@host:5432/name")
    try:
        with psycopg.connect(url, connect_timeout=5) as conn:
            version = conn.info.server_version // 10000
    except psycopg.Error as error:
        raise PermanentError(
            f"STAGECALL_DATABASE_URL: {shown} does not answer: {_first_line(error)}"
        ) from None
    if version < OLDEST_SERVER:
        raise PermanentError(
            f"STAGECALL_DATABASE_URL: {shown} is PostgreSQL {version}; {OLDEST_SERVER} or newer is needed"
        )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
