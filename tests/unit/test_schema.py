"""The migrations make exactly the tables that the code speaks of."""

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from connector.store import migrate
from connector.store.tables import metadata


def test_the_connectors_tables_are_as_migrated(engine: sa.Engine) -> None:
    def ours(name: str | None, kind: str, parents: object) -> bool:
        return name == "connector" if kind == "schema" else name != "alembic_version"

    with engine.connect() as conn:
        options = {"include_schemas": True, "include_name": ours, "compare_server_default": False}
        context = MigrationContext.configure(conn, opts=options)
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(engine: sa.Engine) -> None:
    migrate(engine)
    migrate(engine)
