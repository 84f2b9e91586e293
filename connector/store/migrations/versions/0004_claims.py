"""A trigger request is claimed, durably, before it is sent."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    column = sa.Column(
        "claimed_at",
        sa.DateTime(timezone=True),
        comment="a run has taken it to send: no other does",
    )
    op.add_column("dispatches", column, schema="connector")
