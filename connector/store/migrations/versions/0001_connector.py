"""The jobs of Procrastinate, and the connector's first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_jobs()
    _create_deliveries()
    _create_dispatches()
    _create_write_backs()


def _create_jobs() -> None:
    """Procrastinate 3.10's own schema, in `jobs`; its later versions bring migrations of their own."""
    op.execute("CREATE SCHEMA IF NOT EXISTS jobs")
    driver: Any = op.get_bind().connection.driver_connection
    driver.execute("SET LOCAL search_path = jobs")
    driver.execute(SchemaManager.get_schema())


def _create_deliveries() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "deliveries",
        sa.Column("id", UUID(as_uuid=False), primary_key=True),
        sa.Column(
            "adapter", sa.Text, nullable=False, comment="an adapter's name, or `calls` for call events"
        ),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="kept, read, dead"),
        sa.Column("report", JSONB, comment="what it said: events, dispatches, and why the others made none"),
        sa.Column("error", sa.Text, comment="why it is dead, with the traceback of a defect"),
        sa.Column("read_at", moment),
        sa.Index("deliveries_unread", "adapter", "received_at", postgresql_where=sa.text("state = 'kept'")),
        schema="connector",
    )
    op.create_table(
        "news_counts",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True, comment="the CRM's name of news that concerns no rule"),
        sa.Column("count", sa.BigInteger, nullable=False),
        schema="connector",
    )
    op.create_table(
        "rule_versions",
        sa.Column("version", sa.Text, primary_key=True, comment="SHA-256 of the text"),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("first_used_at", moment, nullable=False),
        schema="connector",
    )


def _create_dispatches() -> None:
    moment = sa.DateTime(timezone=True)
    under_way = sa.text("state IN ('sending', 'placed', 'unknown')")
    op.create_table(
        "dispatches",
        sa.Column("id", UUID(as_uuid=False), primary_key=True),
        sa.Column("number", sa.BigInteger, sa.Identity(), nullable=False, comment="first come, first called"),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("rules_version", sa.Text, nullable=False),
        sa.Column("delivery_id", UUID(as_uuid=False), nullable=False),
        sa.Column("event", JSONB, nullable=False, comment="the stage event"),
        sa.Column("record_type", sa.Text, nullable=False),
        sa.Column("record_id", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("entered_at", moment, nullable=False, comment="when the record entered the stage"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("word", sa.Text, nullable=False, comment="why it stands there, in one word for machines"),
        sa.Column("reason", sa.Text, nullable=False, comment="the same, for a person"),
        sa.Column("due_at", moment, nullable=False, comment="when it may be looked at next"),
        sa.Column("looks", sa.Integer, nullable=False, comment="how often no number was found yet"),
        sa.Column("attempts", sa.Integer, nullable=False, comment="trigger requests begun"),
        sa.Column("phone_number", sa.Text),
        sa.Column("values", JSONB, comment="the fields the rule read, for the write-backs"),
        sa.Column("explanation", JSONB, nullable=False),
        sa.Column("sent_at", moment, comment="when the last trigger request was let go"),
        sa.Column("call_id", sa.Text),
        sa.Column("result", JSONB),
        sa.Column("created_at", moment, nullable=False),
        sa.UniqueConstraint(
            "connection",
            "rule",
            "record_type",
            "record_id",
            "stage",
            "entered_at",
            name="one_per_stage_entry",
        ),
        sa.Index("dispatches_due", "due_at", postgresql_where=sa.text("state = 'waiting'")),
        sa.Index("dispatches_call", "call_id"),
        sa.Index("dispatches_number_under_way", "phone_number", postgresql_where=under_way),
        sa.Index("dispatches_record_under_way", "connection", "record_id", postgresql_where=under_way),
        sa.Index("dispatches_open", "state", "sent_at", postgresql_where=under_way),
        schema="connector",
    )
    op.create_table(
        "dispatch_history",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("dispatch_id", UUID(as_uuid=False), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Index("dispatch_history_dispatch", "dispatch_id"),
        sa.Index("dispatch_history_sent", "at", postgresql_where=sa.text("state = 'sending'")),
        schema="connector",
    )


def _create_write_backs() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "write_backs",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("dispatch_id", UUID(as_uuid=False), nullable=False),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("moment", sa.Text, nullable=False, comment="placed, ended, failed"),
        sa.Column("record_type", sa.Text, nullable=False),
        sa.Column("record_id", sa.Text, nullable=False),
        sa.Column("properties", JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="due, writing, written, failed"),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("written_at", moment),
        sa.UniqueConstraint("dispatch_id", "moment", name="one_per_moment"),
        sa.Index(
            "write_backs_due",
            "connection",
            "due_at",
            postgresql_where=sa.text("state IN ('due', 'writing')"),
        ),
        schema="connector",
    )
