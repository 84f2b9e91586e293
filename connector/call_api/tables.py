"""The tables of the Trigger Call API, in the PostgreSQL schema `call_api`.

Calls name their key and agent without a foreign key: neither is ever deleted, and locking the one key's
row for every call would slow the trigger down.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = sa.MetaData(schema="call_api")

_id = UUID(as_uuid=False)
_moment = sa.DateTime(timezone=True)
_words = ARRAY(sa.Text)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("prefix", sa.Text, nullable=False, comment="the first characters, to find the row by"),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("last4", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False, comment="command or config"),
    sa.Column("enabled", sa.Boolean, nullable=False, comment="the access switch"),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("last_used_at", _moment, comment="right to the minute"),
    sa.Column("revoked_at", _moment),
    sa.Column("revoked_by", sa.Text, comment="command or config"),
    sa.Column("scopes", _words, nullable=False, server_default="{trigger,read}"),
    sa.Column("expires_at", _moment),
    sa.Index("api_keys_by_prefix", "prefix"),
    sa.Index("api_keys_one_hash", "sha256", unique=True),
    sa.Index("api_keys_one_name", "name", unique=True, postgresql_where=sa.text("revoked_at IS NULL")),
)

trigger_requests = sa.Table(
    "trigger_requests",
    metadata,
    sa.Column("key_id", _id, nullable=False),
    sa.Column("at", _moment, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False, comment="counts up while the key has rows"),
    sa.Index("trigger_requests_by_key", "key_id", "at"),
)

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("phone_number", sa.Text, comment="the caller id; without one an agent cannot dial"),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("carrier", sa.Text, comment="null: the configured one"),
    sa.Column("carrier_agent_id", sa.Text, comment="the agent's id at its carrier"),
    sa.Column("variables", JSONB, nullable=False, server_default="{}", comment="prompt variables"),
    sa.Column("calling_window", JSONB(none_as_null=True), comment="null: the configured one"),
    sa.Column("outside", sa.Text, nullable=False, server_default="queue", comment="queue or reject"),
    sa.Column("expires_after_seconds", sa.Integer),
    sa.Column("max_ring_seconds", sa.Integer),
    sa.Column("max_talk_seconds", sa.Integer),
    sa.Column("archived_at", _moment),
    sa.Index("agents_one_name", "name", unique=True, postgresql_where=sa.text("archived_at IS NULL")),
    sa.Index("agents_one_default", "is_default", unique=True, postgresql_where=sa.text("is_default")),
)

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("key_id", _id, nullable=False),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("body_sha256", sa.LargeBinary, comment="of the body that came with the idempotency key"),
    sa.Column("agent_id", _id, nullable=False),
    sa.Column("agent_name", sa.Text, nullable=False, comment="as it was when the call was asked for"),
    sa.Column("from_number", sa.Text, nullable=False, comment="as it was when the call was asked for"),
    sa.Column("to_number", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("metadata", sa.Text, comment="JSON exactly as it was sent: no parser ever rewrites it"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False, comment="the carrier's name"),
    sa.Column("provider_call_id", sa.Text),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column(
        "dialed_at", _moment, comment="committed before the carrier is asked, which happens once, ever"
    ),
    sa.Column("answered_at", _moment),
    sa.Column("ended_at", _moment),
    sa.Column("next_look_at", _moment, comment="when to ask the carrier again"),
    sa.Column("look_until", _moment, comment="if the carrier still knows nothing then, the call is unknown"),
    sa.Column("outcome", sa.Text),
    sa.Column("duration_seconds", sa.Double),
    sa.Column("transcript", JSONB(none_as_null=True), comment="turns: role and content"),
    sa.Column("summary", sa.Text),
    sa.Column("sentiment", sa.Text),
    sa.Column("recording_url", sa.Text),
    sa.Column("cost_cents", sa.Double),
    sa.Column("reason", sa.Text, comment="why it ended as it did, where there is more to say"),
    sa.Column("direction", sa.Text, nullable=False, server_default="outbound"),
    sa.Column("first_answer", JSONB(none_as_null=True), comment="what the trigger told of the waiting"),
    sa.Column("due_at", _moment, nullable=False, server_default=sa.func.now()),
    sa.Column("timezone", sa.Text, comment="in which its calling window was judged"),
    sa.Column("expires_at", _moment, comment="a call still waiting then is not placed"),
    sa.Column("calling_window", JSONB(none_as_null=True), comment="as it was when the call was asked for"),
    sa.Column("outside", sa.Text, nullable=False, server_default="queue"),
    sa.Column("carrier_agent_id", sa.Text),
    sa.Column("variables", JSONB, nullable=False, server_default="{}"),
    sa.Column("max_ring_seconds", sa.Integer),
    sa.Column("max_talk_seconds", sa.Integer),
    sa.Column("analysis_until", _moment, comment="it has ended; its summary is waited for until then"),
    sa.Index("calls_newest", "created_at", "id"),
    sa.Index("calls_by_key", "key_id", "created_at"),
    sa.Index(
        "calls_one_per_idempotency_key",
        "key_id",
        "idempotency_key",
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    ),
    sa.Index("calls_queued", "due_at", postgresql_where=sa.text("state = 'queued'")),
    sa.Index("calls_in_line", "key_id", "due_at", "created_at", postgresql_where=sa.text("state = 'queued'")),
    sa.Index("calls_inbound", "created_at", "id", postgresql_where=sa.text("direction = 'inbound'")),
    sa.Index(
        "calls_at_carrier",
        "provider_call_id",
        "provider",
        postgresql_where=sa.text("provider_call_id IS NOT NULL"),
    ),
    sa.Index(
        "calls_expiring",
        "expires_at",
        postgresql_where=sa.text("state = 'queued' AND expires_at IS NOT NULL"),
    ),
    sa.Index("calls_under_way", "key_id", postgresql_where=sa.text("state IN ('dialing', 'in-progress')")),
    sa.Index(
        "calls_analysed_later", "analysis_until", postgresql_where=sa.text("analysis_until IS NOT NULL")
    ),
    sa.Index(
        "calls_with_idempotency_key",
        "created_at",
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    ),
    sa.Index("calls_by_state", "state", "created_at", "id"),
    sa.Index("calls_by_agent", "agent_id", "created_at", "id"),
    sa.Index("calls_by_agent_and_state", "agent_id", "state", "created_at", "id"),
    sa.Index("calls_by_number", "to_number", "created_at", "id", postgresql_include=["state", "agent_id"]),
    sa.Index(
        "calls_followed", "next_look_at", postgresql_where=sa.text("state IN ('dialing', 'in-progress')")
    ),
)

call_pairs = sa.Table(
    "call_pairs",
    metadata,
    sa.Column("pair", sa.Text, primary_key=True, comment="key=value of a plain field of a call's metadata"),
    sa.Column(
        "created_at", _moment, primary_key=True, comment="of the call, so that they stand in its order"
    ),
    sa.Column("call_id", _id, primary_key=True),
)

call_states = sa.Table(
    "call_states",
    metadata,
    sa.Column("call_id", _id, sa.ForeignKey(calls.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", _moment, nullable=False),
    sa.Column("reason", sa.Text),
)

endpoints = sa.Table(
    "endpoints",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.Text, comment="given by configuration: what waits follows it to another url"),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False, comment="needed in clear: every event is signed with it"),
    sa.Column("source", sa.Text, nullable=False, comment="config or api"),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("removed_at", _moment, comment="what waits for it is kept, and sent if it comes back"),
    sa.Column("events", _words, nullable=False, server_default="{call_started,call_ended}"),
    sa.Column("agent_id", _id, comment="only events of this agent's calls"),
    sa.Column("description", sa.Text),
    sa.Column("payload_format", sa.Text, nullable=False, server_default="v2"),
    sa.Column("key_id", _id, comment="the key that made it"),
    sa.Column("previous_secret", sa.Text, comment="signs beside the new one until it ends"),
    sa.Column("previous_secret_until", _moment),
    sa.Column("ended_reason", sa.Text, comment="why it was ended, where its receiver did it"),
    sa.Index("endpoints_one_url", "url", unique=True, postgresql_where=sa.text("source = 'config'")),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="sent as webhook-id: the same for every try"),
    sa.Column("call_id", _id, sa.ForeignKey(calls.c.id, ondelete="CASCADE"), comment="null of a test"),
    sa.Column("event", sa.Text, nullable=False, comment="call_started, call_ended or test"),
    sa.Column("body", sa.Text, nullable=False, comment="exactly what is signed and sent"),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("body_v1", sa.Text, comment="in the older format, where an endpoint wants it"),
    sa.Index("events_by_call", "call_id"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("endpoint_id", _id, sa.ForeignKey(endpoints.c.id, ondelete="CASCADE"), nullable=False),
    sa.Column("event_id", sa.Text, sa.ForeignKey(events.c.id, ondelete="CASCADE"), nullable=False),
    sa.Column("call_id", _id, comment="of its event: events of one call go out in order"),
    sa.Column("state", sa.Text, nullable=False, comment="pending, sent or dead"),
    sa.Column("due_at", _moment, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("ended_at", _moment),
    sa.Column(
        "resent_after", sa.Integer, nullable=False, server_default="0", comment="tries made before a resend"
    ),
    sa.Index("deliveries_newest", "endpoint_id", "id"),
    sa.Index("deliveries_due", "endpoint_id", "due_at", postgresql_where=sa.text("state = 'pending'")),
    sa.Index("deliveries_in_order", "call_id", "endpoint_id", postgresql_where=sa.text("state = 'pending'")),
)

delivery_tries = sa.Table(
    "delivery_tries",
    metadata,
    sa.Column(
        "delivery_id", sa.BigInteger, sa.ForeignKey(deliveries.c.id, ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", _moment, nullable=False),
    sa.Column("status", sa.Integer, comment="of the answer; null where none came"),
    sa.Column("error", sa.Text),
    sa.Column("duration_ms", sa.Integer),
)
