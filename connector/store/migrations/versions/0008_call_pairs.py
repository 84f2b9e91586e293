"""A list of calls for each pair of metadata, in the order of time; and indexes that answer several filters at once."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
SCHEMA = "call_api"


def upgrade() -> None:
    op.create_table(
        "call_pairs",
        sa.Column(
            "pair", sa.Text, primary_key=True, comment="key=value of a plain field of a call's metadata"
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            primary_key=True,
            comment="of the call, so that they stand in its order",
        ),
        sa.Column("call_id", sa.UUID(as_uuid=False), primary_key=True),
        schema=SCHEMA,
    )
    # Some pairs are common, most are rare: which ones, the planner has to know to choose where to begin.
    op.execute("ALTER TABLE call_api.call_pairs ALTER COLUMN pair SET STATISTICS 1000")
    op.execute(
        "INSERT INTO call_api.call_pairs (pair, created_at, call_id)"
        " SELECT unnest(metadata_pairs), created_at, id FROM call_api.calls ON CONFLICT DO NOTHING"
    )
    op.drop_index("calls_by_metadata", "calls", schema=SCHEMA)
    op.drop_column("calls", "metadata_pairs", schema=SCHEMA)
    op.drop_index("calls_by_number", "calls", schema=SCHEMA)
    op.create_index(
        "calls_by_number",
        "calls",
        ["to_number", "created_at", "id"],
        schema=SCHEMA,
        postgresql_include=["state", "agent_id"],
    )
    op.create_index(
        "calls_by_agent_and_state", "calls", ["agent_id", "state", "created_at", "id"], schema=SCHEMA
    )
