"""A real PostgreSQL for every test that asks for one: the embedded server, one for the whole run."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from connector.database import create_engine
from connector.embedded import EmbeddedServer
from connector.store import migrate

_COUNTS = pytest.StashKey[dict[str, str]]()


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Say how many rows of a corpus are as they should be; the end of the test output lists it."""
    counts = request.config.stash.setdefault(_COUNTS, {})
    return counts.__setitem__


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List what was counted in the corpora of shared/."""
    counts = config.stash.get(_COUNTS, {})
    if counts:
        terminalreporter.section("corpora")
        for corpus, found in sorted(counts.items()):
            terminalreporter.write_line(f"{corpus}: {found}")


@pytest.fixture(scope="session")
def data_folder() -> Iterator[Path]:
    """A data folder that PostgreSQL's own user can reach (pytest's tmp_path is closed to it under root)."""
    folder = Path(tempfile.mkdtemp(prefix="stagecall-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_url(data_folder: Path) -> Iterator[str]:
    """A running PostgreSQL with all tables."""
    server = EmbeddedServer(data_folder)
    url = server.ensure()
    engine = create_engine(url, pool_size=1)
    migrate(engine)
    engine.dispose()
    yield url
    server.stop_if_unused()


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """A pool on that PostgreSQL, with every table empty."""
    engine = create_engine(database_url)
    with engine.begin() as conn:
        names = conn.execute(
            sa.text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname IN ('jobs', 'connector', 'call_api') AND tablename <> 'alembic_version'"
            )
        ).scalars()
        conn.execute(sa.text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
    yield engine
    engine.dispose()
