"""Bring a database to the newest version of our tables."""

from pathlib import Path

import sqlalchemy as sa

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 7_242_001  # any number of our own: two processes that start at once migrate one after the other


def head() -> str:
    """The newest migration's name; files are numbered, so no need to import Alembic to know it."""
    return max(path.stem.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def migrate(engine: sa.Engine) -> None:
    """Create or upgrade the schemas `jobs`, `connector` and `call_api`. Quick when there is nothing to do."""
    with engine.begin() as conn:
        conn.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if _version(conn) == head():
            return
        conn.execute(sa.text("CREATE SCHEMA IF NOT EXISTS connector"))
        _upgrade(conn)


def is_current(conn: sa.Connection) -> bool:
    """Are our tables there, as this program wants them?"""
    return _version(conn) == head()


def _version(conn: sa.Connection) -> str | None:
    exists = conn.execute(sa.text("SELECT to_regclass('connector.alembic_version')")).scalar()
    if exists is None:
        return None
    return conn.execute(sa.text("SELECT version_num FROM connector.alembic_version")).scalar()


def _upgrade(conn: sa.Connection) -> None:
    from alembic import command  # imported here: a start without migrations does not pay for it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
