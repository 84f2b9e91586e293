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

_COUNTED = "counted: "


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Say what was counted, such as the rows of a corpus that are as they should be; the end of the output lists it."""
    return lambda what, found: record_property(f"{_COUNTED}{what}", found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was counted."""
    reports = (each for found in terminalreporter.stats.values() for each in found)
    told = [pair for each in reports for pair in getattr(each, "user_properties", ())]
    counts = {name.removeprefix(_COUNTED): found for name, found in told if name.startswith(_COUNTED)}
    if counts:
        terminalreporter.section("counted")
    for what, found in sorted(counts.items()):
        terminalreporter.write_line(f"{what}: {found}")


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
