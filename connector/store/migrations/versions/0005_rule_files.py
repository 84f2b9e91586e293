"""Which rule files are in force, which were refused, and what was in force before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

SCHEMA = "connector"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rule_files",
        sa.Column("file", sa.Text, primary_key=True),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False, comment="in force"),
        sa.Column("in_force_at", MOMENT, nullable=False),
        sa.Column("refused_at", MOMENT, comment="when a newer text was refused; null: none is"),
        sa.Column("mistakes", sa.Text, comment="why it was refused"),
        schema=SCHEMA,
    )
    op.create_table(
        "rule_history",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False, comment="when it came in force"),
        schema=SCHEMA,
    )
    op.create_index("rule_history_by_file", "rule_history", ["file", "id"], schema=SCHEMA)
