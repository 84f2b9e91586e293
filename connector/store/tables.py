"""The connector's tables, in the PostgreSQL schema `connector`."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = sa.MetaData(schema="connector")

_moment = sa.DateTime(timezone=True)
_let_go = sa.text("sent_at IS NOT NULL")

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", UUID(as_uuid=False), primary_key=True),
    sa.Column("adapter", sa.Text, nullable=False, comment="an adapter's name, or `calls` for call events"),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("received_at", _moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False, comment="kept, read, dead"),
    sa.Column("report", JSONB, comment="what it said: events, dispatches, and why the others made none"),
    sa.Column("error", sa.Text, comment="why it is dead, with the traceback of a defect"),
    sa.Column("read_at", _moment),
    sa.Index("deliveries_unread", "adapter", "received_at", postgresql_where=sa.text("state = 'kept'")),
)

news_counts = sa.Table(
    "news_counts",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True, comment="the CRM's name of news that concerns no rule"),
    sa.Column("count", sa.BigInteger, nullable=False),
)

rule_versions = sa.Table(
    "rule_versions",
    metadata,
    sa.Column("version", sa.Text, primary_key=True, comment="SHA-256 of the text"),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("first_used_at", _moment, nullable=False),
)

rule_files = sa.Table(
    "rule_files",
    metadata,
    sa.Column("file", sa.Text, primary_key=True),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False, comment="in force"),
    sa.Column("in_force_at", _moment, nullable=False),
    sa.Column("refused_at", _moment, comment="when a newer text was refused; null: none is"),
    sa.Column("mistakes", sa.Text, comment="why it was refused"),
)

rule_history = sa.Table(
    "rule_history",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("at", _moment, nullable=False, comment="when it came in force"),
    sa.Index("rule_history_by_file", "file", "id"),
)

dispatches = sa.Table(
    "dispatches",
    metadata,
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
    sa.Column("entered_at", _moment, nullable=False, comment="when the record entered the stage"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("word", sa.Text, nullable=False, comment="why it stands there, in one word for machines"),
    sa.Column("reason", sa.Text, nullable=False, comment="the same, for a person"),
    sa.Column("due_at", _moment, nullable=False, comment="when it may be looked at next"),
    sa.Column("looks", sa.Integer, nullable=False, comment="how often no number was found yet"),
    sa.Column("attempts", sa.Integer, nullable=False, comment="trigger requests begun"),
    sa.Column("phone_number", sa.Text),
    sa.Column("values", JSONB, comment="the fields the rule read, for the write-backs"),
    sa.Column("explanation", JSONB, nullable=False),
    sa.Column("verdicts", JSONB, comment="what each policy said when it was last judged"),
    sa.Column("sent_at", _moment, comment="when the last trigger request was let go"),
    sa.Column("claimed_at", _moment, comment="a run has taken it to send: no other does"),
    sa.Column("call_id", sa.Text),
    sa.Column("result", JSONB),
    sa.Column("created_at", _moment, nullable=False),
    sa.UniqueConstraint(
        "connection", "rule", "record_type", "record_id", "stage", "entered_at", name="one_per_stage_entry"
    ),
    sa.Index("dispatches_due", "due_at", postgresql_where=sa.text("state = 'waiting'")),
    sa.Index("dispatches_call", "call_id"),
    sa.Index(
        "dispatches_number_under_way",
        "phone_number",
        postgresql_where=sa.text("state IN ('sending', 'placed', 'unknown')"),
    ),
    sa.Index(
        "dispatches_record_under_way",
        "connection",
        "record_id",
        postgresql_where=sa.text("state IN ('sending', 'placed', 'unknown')"),
    ),
    sa.Index(
        "dispatches_open",
        "state",
        "sent_at",
        postgresql_where=sa.text("state IN ('sending', 'placed', 'unknown')"),
    ),
    sa.Index("dispatches_let_go_record", "connection", "record_id", "sent_at", postgresql_where=_let_go),
    sa.Index("dispatches_let_go_number", "phone_number", "sent_at", postgresql_where=_let_go),
    sa.Index("dispatches_let_go_rule", "connection", "rule", "sent_at", postgresql_where=_let_go),
)

dispatch_history = sa.Table(
    "dispatch_history",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("dispatch_id", UUID(as_uuid=False), nullable=False),
    sa.Column("at", _moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("dispatch_history_dispatch", "dispatch_id"),
    sa.Index("dispatch_history_sent", "at", postgresql_where=sa.text("state = 'sending'")),
)

write_backs = sa.Table(
    "write_backs",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("dispatch_id", UUID(as_uuid=False), nullable=False),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("moment", sa.Text, nullable=False, comment="placed, ended, failed, skipped, held"),
    sa.Column("part", sa.Text, nullable=False, comment="the rule's key: deal, contact, note, log_call ..."),
    sa.Column("record_type", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("content", JSONB, nullable=False, comment="what is to be written, by part"),
    sa.Column("state", sa.Text, nullable=False, comment="due, writing, written, failed, left"),
    sa.Column("due_at", _moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("began_at", _moment, comment="when it was last sent to the CRM"),
    sa.Column("stage", sa.Text, comment="the id of the stage that it sets"),
    sa.Column("made_id", sa.Text, comment="the CRM's id of the note or call that it made"),
    sa.Column("error", sa.Text),
    sa.Column("written_at", _moment),
    sa.UniqueConstraint("dispatch_id", "moment", "part", name="one_per_moment_and_part"),
    sa.Index(
        "write_backs_due", "connection", "due_at", postgresql_where=sa.text("state IN ('due', 'writing')")
    ),
    sa.Index("write_backs_stage", "connection", "record_id", postgresql_where=sa.text("stage IS NOT NULL")),
)

opt_outs = sa.Table(
    "opt_outs",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("phone_number", sa.Text, comment="E.164; of whichever connection"),
    sa.Column("connection", sa.Text),
    sa.Column("record_type", sa.Text),
    sa.Column("record_id", sa.Text),
    sa.Column("since", _moment, nullable=False),
    sa.Column("source", sa.Text, nullable=False, comment="person, import, call"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("removed_at", _moment, comment="no longer in force since then"),
    sa.CheckConstraint("(phone_number IS NULL) <> (record_id IS NULL)", name="a_number_or_a_record"),
    sa.Index(
        "one_opt_out_a_number",
        "phone_number",
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL AND phone_number IS NOT NULL"),
    ),
    sa.Index(
        "one_opt_out_a_record",
        "connection",
        "record_type",
        "record_id",
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL AND record_id IS NOT NULL"),
    ),
)

pauses = sa.Table(
    "pauses",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("connection", sa.Text, nullable=False, comment="empty: all"),
    sa.Column("rule", sa.Text, nullable=False, comment="empty: all"),
    sa.Column("since", _moment, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("resumed_at", _moment),
    sa.Index(
        "one_pause_each",
        "connection",
        "rule",
        unique=True,
        postgresql_where=sa.text("resumed_at IS NULL"),
    ),
)
