"""The Trigger Call API, whole: scopes, agents' settings, calls that wait, endpoints that anyone may add."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "0003"
down_revision = "0002"

SCHEMA = "call_api"
ID = UUID(as_uuid=False)
MOMENT = sa.DateTime(timezone=True)
WORDS = ARRAY(sa.Text)


def upgrade() -> None:
    _change_keys()
    _change_agents()
    _change_calls()
    _index_calls()
    _change_webhooks()


def _add(table: str, *columns: sa.Column[object]) -> None:
    for column in columns:
        op.add_column(table, column, schema=SCHEMA)


def _change_keys() -> None:
    _add(
        "api_keys",
        sa.Column("scopes", WORDS, nullable=False, server_default="{trigger,read}"),
        sa.Column("expires_at", MOMENT),
    )
    op.create_table(
        "trigger_requests",
        sa.Column("key_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False, comment="counts up while the key has rows"),
        schema=SCHEMA,
    )
    op.create_index("trigger_requests_by_key", "trigger_requests", ["key_id", "at"], schema=SCHEMA)


def _change_agents() -> None:
    _add(
        "agents",
        sa.Column("carrier", sa.Text, comment="null: the configured one"),
        sa.Column("carrier_agent_id", sa.Text, comment="the agent's id at its carrier"),
        sa.Column("variables", JSONB, nullable=False, server_default="{}", comment="prompt variables"),
        sa.Column("calling_window", JSONB(none_as_null=True), comment="null: the configured one"),
        sa.Column("outside", sa.Text, nullable=False, server_default="queue", comment="queue or reject"),
        sa.Column("expires_after_seconds", sa.Integer),
        sa.Column("max_ring_seconds", sa.Integer),
        sa.Column("max_talk_seconds", sa.Integer),
        sa.Column("archived_at", MOMENT),
    )
    op.drop_index("agents_one_name", "agents", schema=SCHEMA)
    op.create_index(
        "agents_one_name",
        "agents",
        ["name"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("archived_at IS NULL"),
    )


def _change_calls() -> None:
    _add(
        "calls",
        sa.Column("direction", sa.Text, nullable=False, server_default="outbound"),
        sa.Column("metadata_pairs", WORDS, comment="key=value of its plain fields, to find calls by"),
        sa.Column("first_answer", JSONB(none_as_null=True), comment="what the trigger told of the waiting"),
        sa.Column("due_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("timezone", sa.Text, comment="in which its calling window was judged"),
        sa.Column("expires_at", MOMENT, comment="a call still waiting then is not placed"),
        sa.Column(
            "calling_window", JSONB(none_as_null=True), comment="as it was when the call was asked for"
        ),
        sa.Column("outside", sa.Text, nullable=False, server_default="queue"),
        sa.Column("carrier_agent_id", sa.Text),
        sa.Column("variables", JSONB, nullable=False, server_default="{}"),
        sa.Column("max_ring_seconds", sa.Integer),
        sa.Column("max_talk_seconds", sa.Integer),
        sa.Column("analysis_until", MOMENT, comment="it has ended; its summary is waited for until then"),
    )
    op.execute("UPDATE call_api.calls SET due_at = created_at")
    op.drop_column("calls", "dispatch_id", schema=SCHEMA)  # and its index


def _index_calls() -> None:
    op.drop_index("calls_queued", "calls", schema=SCHEMA)
    _index_some_calls("queued", ["due_at"], "state = 'queued'")
    _index_some_calls("in_line", ["key_id", "due_at", "created_at"], "state = 'queued'")
    _index_some_calls("inbound", ["created_at", "id"], "direction = 'inbound'")
    _index_some_calls("at_carrier", ["provider_call_id", "provider"], "provider_call_id IS NOT NULL")
    _index_some_calls("expiring", ["expires_at"], "state = 'queued' AND expires_at IS NOT NULL")
    _index_some_calls("under_way", ["key_id"], "state IN ('dialing', 'in-progress')")
    _index_some_calls("analysed_later", ["analysis_until"], "analysis_until IS NOT NULL")
    _index_some_calls("with_idempotency_key", ["created_at"], "idempotency_key IS NOT NULL")
    for name, column in (("by_state", "state"), ("by_agent", "agent_id"), ("by_number", "to_number")):
        op.create_index(f"calls_{name}", "calls", [column, "created_at", "id"], schema=SCHEMA)
    op.create_index("calls_by_metadata", "calls", ["metadata_pairs"], schema=SCHEMA, postgresql_using="gin")


def _index_some_calls(name: str, columns: list[str], where: str) -> None:
    op.create_index(f"calls_{name}", "calls", columns, schema=SCHEMA, postgresql_where=sa.text(where))


def _change_webhooks() -> None:
    _add(
        "endpoints",
        sa.Column("events", WORDS, nullable=False, server_default="{call_started,call_ended}"),
        sa.Column("agent_id", ID, comment="only events of this agent's calls"),
        sa.Column("description", sa.Text),
        sa.Column("payload_format", sa.Text, nullable=False, server_default="v2"),
        sa.Column("key_id", ID, comment="the key that made it"),
        sa.Column("previous_secret", sa.Text, comment="signs beside the new one until it ends"),
        sa.Column("previous_secret_until", MOMENT),
        sa.Column("ended_reason", sa.Text, comment="why it was ended, where its receiver did it"),
    )
    op.drop_index("endpoints_one_url", "endpoints", schema=SCHEMA)
    op.create_index(
        "endpoints_one_url",
        "endpoints",
        ["url"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("source = 'config'"),
    )
    op.alter_column("events", "call_id", nullable=True, schema=SCHEMA, comment="null of a test")
    op.alter_column("events", "event", schema=SCHEMA, comment="call_started, call_ended or test")
    op.alter_column("endpoints", "source", schema=SCHEMA, comment="config or api")
    _add("events", sa.Column("body_v1", sa.Text, comment="in the older format, where an endpoint wants it"))
    op.alter_column("deliveries", "call_id", nullable=True, schema=SCHEMA)
    _add(
        "deliveries",
        sa.Column(
            "resent_after",
            sa.Integer,
            nullable=False,
            server_default="0",
            comment="tries made before a resend",
        ),
    )
    op.create_index("deliveries_newest", "deliveries", ["endpoint_id", "id"], schema=SCHEMA)
    _add("delivery_tries", sa.Column("duration_ms", sa.Integer))
