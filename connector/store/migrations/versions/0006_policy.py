"""Whom not to call: opt-outs, pauses; who was called when, by indexes; what the policies said of a dispatch."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"

_MOMENT = sa.DateTime(timezone=True)
_LET_GO = sa.text("sent_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "opt_outs",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("phone_number", sa.Text, comment="E.164; of whichever connection"),
        sa.Column("connection", sa.Text),
        sa.Column("record_type", sa.Text),
        sa.Column("record_id", sa.Text),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("source", sa.Text, nullable=False, comment="person, import, call"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("removed_at", _MOMENT, comment="no longer in force since then"),
        sa.CheckConstraint("(phone_number IS NULL) <> (record_id IS NULL)", name="a_number_or_a_record"),
        schema="connector",
    )
    op.create_index(
        "one_opt_out_a_number",
        "opt_outs",
        ["phone_number"],
        unique=True,
        schema="connector",
        postgresql_where=sa.text("removed_at IS NULL AND phone_number IS NOT NULL"),
    )
    op.create_index(
        "one_opt_out_a_record",
        "opt_outs",
        ["connection", "record_type", "record_id"],
        unique=True,
        schema="connector",
        postgresql_where=sa.text("removed_at IS NULL AND record_id IS NOT NULL"),
    )
    op.create_table(
        "pauses",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("connection", sa.Text, nullable=False, comment="empty: all"),
        sa.Column("rule", sa.Text, nullable=False, comment="empty: all"),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("resumed_at", _MOMENT),
        schema="connector",
    )
    op.create_index(
        "one_pause_each",
        "pauses",
        ["connection", "rule"],
        unique=True,
        schema="connector",
        postgresql_where=sa.text("resumed_at IS NULL"),
    )
    verdicts = sa.Column("verdicts", JSONB, comment="what each policy said when it was last judged")
    op.add_column("dispatches", verdicts, schema="connector")
    for name, columns in (
        ("dispatches_let_go_record", ["connection", "record_id", "sent_at"]),
        ("dispatches_let_go_number", ["phone_number", "sent_at"]),
        ("dispatches_let_go_rule", ["connection", "rule", "sent_at"]),
    ):
        op.create_index(name, "dispatches", columns, schema="connector", postgresql_where=_LET_GO)
