"""A write-back is a row for each part: properties of the record, of its contact, a note, a call, a stage, tags."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("write_backs", sa.Column("part", sa.Text), schema="connector")
    op.execute("UPDATE connector.write_backs SET part = record_type")
    op.alter_column("write_backs", "part", nullable=False, schema="connector")
    op.alter_column("write_backs", "properties", new_column_name="content", schema="connector")
    op.execute("UPDATE connector.write_backs SET content = coalesce(content -> record_type, '{}'::jsonb)")
    op.add_column("write_backs", sa.Column("began_at", moment), schema="connector")
    op.add_column("write_backs", sa.Column("stage", sa.Text), schema="connector")
    op.add_column("write_backs", sa.Column("made_id", sa.Text), schema="connector")
    comments = {
        "moment": "placed, ended, failed, skipped, held",
        "part": "the rule's key: deal, contact, note, log_call ...",
        "content": "what is to be written, by part",
        "state": "due, writing, written, failed, left",
        "began_at": "when it was last sent to the CRM",
        "stage": "the id of the stage that it sets",
        "made_id": "the CRM's id of the note or call that it made",
    }
    for name, comment in comments.items():
        op.alter_column("write_backs", name, comment=comment, schema="connector")
    op.drop_constraint("one_per_moment", "write_backs", schema="connector")
    op.create_unique_constraint(
        "one_per_moment_and_part", "write_backs", ["dispatch_id", "moment", "part"], schema="connector"
    )
    op.create_index(
        "write_backs_stage",
        "write_backs",
        ["connection", "record_id"],
        schema="connector",
        postgresql_where=sa.text("stage IS NOT NULL"),
    )
