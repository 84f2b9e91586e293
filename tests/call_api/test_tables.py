"""The migration makes exactly the tables the code speaks of."""

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from connector.call_api.tables import metadata


def test_the_migration_equals_the_tables(engine: sa.Engine) -> None:
    def ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "schema" or name == "call_api"

    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"include_schemas": True, "include_name": ours})
        assert compare_metadata(context, metadata) == []


def test_no_table_refers_to_another_schema(engine: sa.Engine) -> None:
    with engine.connect() as conn:
        schemas = conn.execute(
            sa.text(
                "SELECT DISTINCT split_part(confrelid::regclass::text, '.', 1) FROM pg_constraint"
                " WHERE contype = 'f' AND connamespace = 'call_api'::regnamespace"
            )
        )
        assert list(schemas.scalars()) == ["call_api"]
