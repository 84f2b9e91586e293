"""Alembic's entry: migrations run on the connection that connector.store.migrate passes in."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema="connector",
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
