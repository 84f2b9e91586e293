"""The Trigger Call API's first tables, in the schema `call_api`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0002"
down_revision = "0001"

SCHEMA = "call_api"
ID = UUID(as_uuid=False)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS call_api")
    _create_keys()
    _create_agents()
    _create_calls()
    _create_call_states()
    _create_endpoints()
    _create_events()
    _create_deliveries()


def _create_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False, comment="the first characters, to find the row by"),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("last4", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False, comment="command or config"),
        sa.Column("enabled", sa.Boolean, nullable=False, comment="the access switch"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, comment="right to the minute"),
        sa.Column("revoked_at", MOMENT),
        sa.Column("revoked_by", sa.Text, comment="command or config"),
        schema=SCHEMA,
    )
    op.create_index("api_keys_by_prefix", "api_keys", ["prefix"], schema=SCHEMA)
    op.create_index("api_keys_one_hash", "api_keys", ["sha256"], unique=True, schema=SCHEMA)
    op.create_index(
        "api_keys_one_name",
        "api_keys",
        ["name"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def _create_agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("phone_number", sa.Text, comment="the caller id; without one an agent cannot dial"),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        schema=SCHEMA,
    )
    op.create_index("agents_one_name", "agents", ["name"], unique=True, schema=SCHEMA)
    op.create_index(
        "agents_one_default",
        "agents",
        ["is_default"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("is_default"),
    )


def _create_calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", ID, primary_key=True),
        sa.Column("key_id", ID, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("body_sha256", sa.LargeBinary, comment="of the body that came with the idempotency key"),
        sa.Column("agent_id", ID, nullable=False),
        sa.Column("agent_name", sa.Text, nullable=False, comment="as it was when the call was asked for"),
        sa.Column("from_number", sa.Text, nullable=False, comment="as it was when the call was asked for"),
        sa.Column("to_number", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("metadata", sa.Text, comment="JSON exactly as it was sent: no parser ever rewrites it"),
        sa.Column("dispatch_id", sa.Text, comment="metadata.dispatch_id, to find calls by"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False, comment="the carrier's name"),
        sa.Column("provider_call_id", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column(
            "dialed_at", MOMENT, comment="committed before the carrier is asked, which happens once, ever"
        ),
        sa.Column("answered_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("next_look_at", MOMENT, comment="when to ask the carrier again"),
        sa.Column(
            "look_until", MOMENT, comment="if the carrier still knows nothing then, the call is unknown"
        ),
        sa.Column("outcome", sa.Text),
        sa.Column("duration_seconds", sa.Double),
        sa.Column("transcript", JSONB(none_as_null=True), comment="turns: role and content"),
        sa.Column("summary", sa.Text),
        sa.Column("sentiment", sa.Text),
        sa.Column("recording_url", sa.Text),
        sa.Column("cost_cents", sa.Double),
        sa.Column("reason", sa.Text, comment="why it ended as it did, where there is more to say"),
        schema=SCHEMA,
    )
    op.create_index("calls_newest", "calls", ["created_at", "id"], schema=SCHEMA)
    op.create_index("calls_by_key", "calls", ["key_id", "created_at"], schema=SCHEMA)
    _index_some_calls(
        "one_per_idempotency_key", ["key_id", "idempotency_key"], "idempotency_key IS NOT NULL", True
    )
    _index_some_calls("by_dispatch", ["dispatch_id", "created_at"], "dispatch_id IS NOT NULL")
    _index_some_calls("queued", ["created_at"], "state = 'queued'")
    _index_some_calls("followed", ["next_look_at"], "state IN ('dialing', 'in-progress')")


def _index_some_calls(name: str, columns: list[str], where: str, unique: bool = False) -> None:
    op.create_index(
        f"calls_{name}", "calls", columns, unique=unique, schema=SCHEMA, postgresql_where=sa.text(where)
    )


def _create_call_states() -> None:
    op.create_table(
        "call_states",
        sa.Column("call_id", ID, sa.ForeignKey("call_api.calls.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text),
        schema=SCHEMA,
    )


def _create_endpoints() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.Text, comment="given by configuration: what waits follows it to another url"),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column(
            "secret", sa.Text, nullable=False, comment="needed in clear: every event is signed with it"
        ),
        sa.Column("source", sa.Text, nullable=False, comment="config"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT, comment="what waits for it is kept, and sent if it comes back"),
        schema=SCHEMA,
    )
    op.create_index("endpoints_one_url", "endpoints", ["url"], unique=True, schema=SCHEMA)


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Text, primary_key=True, comment="sent as webhook-id: the same for every try"),
        sa.Column("call_id", ID, sa.ForeignKey("call_api.calls.id", ondelete="CASCADE"), nullable=False),
        sa.Column("event", sa.Text, nullable=False, comment="call_started or call_ended"),
        sa.Column("body", sa.Text, nullable=False, comment="exactly what is signed and sent"),
        sa.Column("created_at", MOMENT, nullable=False),
        schema=SCHEMA,
    )
    op.create_index("events_by_call", "events", ["call_id"], schema=SCHEMA)


def _create_deliveries() -> None:
    endpoint = sa.ForeignKey("call_api.endpoints.id", ondelete="CASCADE")
    event = sa.ForeignKey("call_api.events.id", ondelete="CASCADE")
    delivery = sa.ForeignKey("call_api.deliveries.id", ondelete="CASCADE")
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("endpoint_id", ID, endpoint, nullable=False),
        sa.Column("event_id", sa.Text, event, nullable=False),
        sa.Column("call_id", ID, nullable=False, comment="of its event: events of one call go out in order"),
        sa.Column("state", sa.Text, nullable=False, comment="pending, sent or dead"),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("ended_at", MOMENT),
        schema=SCHEMA,
    )
    _index_pending("deliveries_due", ["endpoint_id", "due_at"])
    _index_pending("deliveries_in_order", ["call_id", "endpoint_id"])
    op.create_table(
        "delivery_tries",
        sa.Column("delivery_id", sa.BigInteger, delivery, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("status", sa.Integer, comment="of the answer; null where none came"),
        sa.Column("error", sa.Text),
        schema=SCHEMA,
    )


def _index_pending(name: str, columns: list[str]) -> None:
    op.create_index(name, "deliveries", columns, schema=SCHEMA, postgresql_where=sa.text("state = 'pending'"))
