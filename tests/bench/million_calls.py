"""GET /calls and GET /calls/{id} with a million calls in the table: `python -m tests.bench.million_calls`.

Fills a fresh data folder by SQL, then asks a real `stagecall serve` over HTTP, one request after the other, with
other values each time. Prints p50 and p99 of each kind of question. `--rows 100000` is enough for a first look,
`--explain` adds the plan of what took longer than the aim. Nobody runs it in a loop: it takes some minutes and 4 GB.
"""

import argparse
import http.client
import json
import random
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa

from connector.call_api.listing import Wanted, list_calls
from connector.call_api.models.calls import CallsQuery
from connector.call_api.web.finding import wanted_calls
from connector.database import create_engine
from tests.bench.footprint import processor_time
from tests.bench.processes import API_KEY, Service, database_url, world

AIM_MS = 20.0
ASKED = 100
_SEED = 20261124
_DAYS = 90
_AGENTS = ("Lead Qualifier", "Renewals", "Reminders", "Surveys", "Rare")

_CALLS = """
INSERT INTO call_api.calls (id, key_id, agent_id, agent_name, from_number, to_number, name, email, metadata,
    state, provider, provider_call_id, created_at, due_at, dialed_at, answered_at, ended_at,
    look_until, outcome, duration_seconds, transcript, summary, sentiment, cost_cents, reason)
SELECT gen_random_uuid(), :key_id, agent.id, agent.name, '+12025550100',
    '+1202555' || lpad((n % 100 + 100)::text, 4, '0'), 'Ada', 'ada@example.com',
    format('{"deal_id": "%s", "source": "%s", "campaign": %s}', deal, source, campaign),
    state, 'simulated', 'sim_' || n, at, at, at, CASE WHEN talked THEN at + interval '4 s' END,
    at + interval '2 min', at + interval '2 h', CASE state WHEN 'completed' THEN 'answered' ELSE 'failed' END,
    CASE WHEN talked THEN 116 ELSE 0 END, CASE WHEN talked THEN CAST(:transcript AS jsonb) END,
    CASE WHEN talked THEN 'Ada would like a demo next week and asked for an invitation.' END,
    CASE WHEN talked THEN 'positive' END, 19.5, CASE WHEN NOT talked THEN 'it rang and nobody answered' END
FROM (
    SELECT n, CAST(:first AS timestamptz) + n * CAST(:step AS interval) AS at, n % 400000 AS deal,
        (ARRAY['hubspot', 'ghl', 'zapier'])[1 + n % 3] AS source, n % 211 AS campaign,
        CASE WHEN n % 1000 < 620 THEN 'completed' WHEN n % 1000 < 820 THEN 'no-answer'
            WHEN n % 1000 < 910 THEN 'voicemail' WHEN n % 1000 < 950 THEN 'busy' WHEN n % 1000 < 980 THEN 'failed'
            WHEN n % 1000 < 990 THEN 'canceled' WHEN n % 1000 < 996 THEN 'expired' ELSE 'unknown' END AS state,
        n % 1000 < 620 OR n % 1000 BETWEEN 820 AND 909 AS talked,
        CASE WHEN n % 97 < 60 THEN 1 WHEN n % 97 < 85 THEN 2 WHEN n % 97 < 94 THEN 3 WHEN n % 97 < 96 THEN 4
            ELSE 5 END AS agent_number
    FROM generate_series(1, :rows) AS n
) AS made JOIN (SELECT *, row_number() OVER (ORDER BY created_at, name) AS number FROM call_api.agents) AS agent
    ON agent.number = made.agent_number
"""
_PAIRS = """
INSERT INTO call_api.call_pairs (pair, created_at, call_id)
SELECT field.key || '=' || field.value, created_at, id FROM call_api.calls, json_each_text(metadata::json) AS field
"""
_STEPS = """
INSERT INTO call_api.call_states (call_id, state, at, reason)
SELECT id, step.state, created_at + step.after, NULL FROM call_api.calls, LATERAL (VALUES
    ('queued', interval '0'), ('dialing', interval '1 s'), ('in-progress', interval '4 s'),
    (calls.state, interval '2 min')) AS step(state, after)
"""


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--explain", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the world is tidied up then too
    with world() as here:
        served = here.stagecall("--no-worker")
        served.start()
        served.await_answer("/readyz")
        engine = create_engine(database_url(served), pool_size=2)
        print(f"filling {arguments.rows:,} calls ...", flush=True)  # noqa: T201
        began = time.monotonic()
        fill(engine, arguments.rows)
        print(f"filled in {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
        slow = measure(served, engine)
        if arguments.explain:
            explain(engine, slow)
        engine.dispose()


def fill(engine: sa.Engine, rows: int) -> None:
    """Calls over the last 90 days with all their columns and history; indexes are made afterwards, as is faster."""
    turns = [
        {"role": ("agent", "user")[n % 2], "content": f"This is what was said in turn {n}, about a demo."}
        for n in range(16)
    ]
    with engine.begin() as conn:
        conn.execute(sa.text("SET LOCAL session_replication_role = replica"))  # no check for each history row
        conn.execute(sa.text("SET LOCAL synchronous_commit = off"))
        conn.execute(
            sa.text(
                "INSERT INTO call_api.agents (id, name, phone_number, is_default, created_at)"
                " SELECT gen_random_uuid(), name, '+12025550100', false, now()"
                " FROM unnest(CAST(:names AS text[])) AS name ON CONFLICT DO NOTHING"
            ),
            {"names": list(_AGENTS)},
        )
        key_id = conn.execute(sa.text("SELECT id FROM call_api.api_keys")).scalar_one()
        indexes = conn.execute(
            sa.text(
                "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made"
                " FROM pg_index WHERE indrelid = 'call_api.calls'::regclass AND NOT indisunique"
            )
        ).all()
        for index in indexes:
            conn.execute(sa.text(f"DROP INDEX {index.name}"))
        first = conn.execute(sa.text(f"SELECT now() - interval '{_DAYS} d'")).scalar_one()
        values = {
            "first": first,
            "key_id": key_id,
            "rows": rows,
            "step": f"{_DAYS * 86400 / rows} s",
            "transcript": json.dumps(turns),
        }
        conn.execute(sa.text(_CALLS), values)
        conn.execute(sa.text(_PAIRS))
        conn.execute(sa.text(_STEPS))
        for index in indexes:
            conn.execute(sa.text(index.made))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(sa.text("VACUUM ANALYZE call_api.calls, call_api.call_pairs, call_api.call_states"))


@dataclass(frozen=True)
class Question:
    """A kind of request: its name, and a request of that kind with values of its own each time."""

    name: str
    path: Callable[[], str]


def questions(engine: sa.Engine, ask: Callable[[str], bytes]) -> Iterator[Question]:
    """Every filter alone, the pairs that an index cannot serve together, pages, and one call."""
    chance = random.Random(_SEED)
    with engine.connect() as conn:
        ids = (
            conn.execute(sa.text("SELECT id::text FROM call_api.calls TABLESAMPLE SYSTEM (0.5)"))
            .scalars()
            .all()
        )
        agents: dict[str, str] = dict(
            conn.execute(sa.text("SELECT name, id::text FROM call_api.agents")).all()
        )
        now, first = conn.execute(
            sa.text("SELECT max(created_at), min(created_at) FROM call_api.calls")
        ).one()

    def query(**fields: object) -> Callable[[], str]:
        def path() -> str:
            given = {name: value() if callable(value) else value for name, value in fields.items()}
            return "/api/v1/calls?" + urlencode(
                {name.replace("__", "."): value for name, value in given.items()}
            )

        return path

    def number() -> str:
        return f"+1202555{chance.randrange(100, 200):04}"

    def day() -> str:
        return str((first + (now - first) * chance.random()).isoformat())

    def deal() -> int:
        return chance.randrange(400_000)

    def campaign() -> int:
        return chance.randrange(211)

    def source() -> str:
        return chance.choice(("hubspot", "ghl", "zapier"))

    common, rare = chance.choice(("completed", "no-answer")), "unknown"
    yield Question("(for comparison: auth/verify)", lambda: "/api/v1/auth/verify")
    yield Question("one call", lambda: f"/api/v1/calls/{chance.choice(ids)}")
    yield Question("newest 50", query())
    yield Question("newest 100", query(limit=100))
    yield Question("status, common", query(status=common))
    yield Question("status, rare", query(status=rare))
    yield Question("status, none there", query(status="in-progress"))
    yield Question("status, three", query(status="failed,busy,unknown"))
    yield Question("agent by id, busy", query(agent=agents["Lead Qualifier"]))
    yield Question("agent by name, rare", query(agent="Rare"))
    yield Question("agent, unknown", query(agent="Nobody"))
    yield Question("phone_number", query(phone_number=number))
    yield Question("phone_number, never called", query(phone_number="+442079460999"))
    yield Question("direction=outbound", query(direction="outbound"))
    yield Question("direction=inbound, none there", query(direction="inbound"))
    yield Question("until a day", query(until=day))
    yield Question("since a day", query(since=day))
    yield Question("metadata, 2 or 3 calls", query(metadata__deal_id=deal))
    yield Question("metadata, none there", query(metadata__deal_id="none"))
    yield Question("metadata, a third of all", query(metadata__source=source))
    yield Question("metadata, 1 in 211", query(metadata__campaign=campaign))
    yield Question("metadata, two", query(metadata__source=source, metadata__campaign=campaign))
    yield Question("status + agent", query(status="failed", agent="Rare"))
    yield Question("status + number", query(status="unknown", phone_number=number))
    yield Question("agent + number", query(agent="Rare", phone_number=number))
    yield Question("agent + until", query(agent="Rare", until=day))
    yield Question("metadata, rare + status", query(status="completed", metadata__deal_id=deal))
    yield Question("metadata, a third + status, rare", query(status="unknown", metadata__source=source))
    yield Question("status + metadata 1 in 211", query(status="busy", metadata__campaign=campaign))
    yield Question("agent + metadata 1 in 211", query(agent="Rare", metadata__campaign=campaign))
    yield Question("another agent + metadata", query(agent="Surveys", metadata__campaign=campaign))
    yield Question("number + metadata 1 in 211", query(phone_number=number, metadata__campaign=campaign))
    yield Question(
        "status + agent + number + until",
        query(status="failed,busy", agent="Lead Qualifier", phone_number=number, until=day),
    )
    for name, fields in (
        ("all", {}),
        ("status", {"status": "failed"}),
        ("three states", {"status": "failed,busy,unknown"}),
    ):
        answer = json.loads(ask(query(**fields, until=day, limit=100)()))
        assert answer["success"], answer
        yield Question(f"deep page, {name}", _deep(ask, fields))


def _deep(ask: Callable[[str], bytes], fields: dict[str, str]) -> Callable[[], str]:
    """Page after page: each request goes on where the last one ended."""
    place: dict[str, str] = {}

    def path() -> str:
        here = "/api/v1/calls?" + urlencode({**fields, **place})
        cursor = json.loads(ask(here))["next_cursor"]
        place.clear()
        place.update({"cursor": cursor} if cursor else {})
        return here

    return path


def measure(served: Service, engine: sa.Engine) -> list[str]:
    """Ask each question many times; print its times; return one path of each that misses the aim.

    Processor time is that of the server and of PostgreSQL together: what a request would take on a machine that
    does nothing else.
    """
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)

    def ask(path: str) -> bytes:
        connection.request("GET", path, headers={"Authorization": f"Bearer {API_KEY}"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, body)
        return body

    slow = []
    print(f"{'':34}{'p50 ms':>9}{'p99 ms':>9}{'most ms':>9}{'cpu ms':>9}{'KB':>8}")  # noqa: T201
    for question in questions(engine, ask):
        paths = [question.path() for _ in range(ASKED)]
        for path in paths[:10]:
            ask(path)
        times, size, used = [], 0, sum(processor_time(served).values())
        for path in paths:
            began = time.perf_counter()
            size += len(ask(path))
            times.append((time.perf_counter() - began) * 1000)
        used = (sum(processor_time(served).values()) - used) * 1000 / ASKED
        p99 = statistics.quantiles(times, n=100)[98]
        late = "  <- over the aim" if p99 > AIM_MS else ""
        print(  # noqa: T201
            f"{question.name:34}{statistics.median(times):9.1f}{p99:9.1f}{max(times):9.1f}{used:9.1f}"
            f"{size / ASKED / 1024:8.1f}{late}",
            flush=True,
        )
        if late:
            slow.append(paths[-1])
    return slow


def explain(engine: sa.Engine, paths: list[str]) -> None:
    """Print how PostgreSQL answers these requests."""
    from urllib.parse import parse_qsl

    for path in paths:
        fields = dict(parse_qsl(urlsplit(path).query))
        metadata = {name[9:]: value for name, value in fields.items() if name.startswith("metadata.")}
        plain = {name: value for name, value in fields.items() if not name.startswith("metadata.")}
        query = CallsQuery.model_validate({**plain, "metadata": metadata}, strict=False)
        wanted: Wanted = wanted_calls(query)
        seen: list[tuple[str, object]] = []

        def keep(conn: object, cursor: object, statement: str, values: object, *rest: object) -> None:
            seen.append((statement, values))  # noqa: B023

        with engine.connect() as conn:
            sa.event.listen(conn, "before_cursor_execute", keep)
            list_calls(conn, wanted, limit=query.limit)
            statement, values = seen[-1]
            if statement.startswith("SET"):
                continue  # it was not even asked: nothing can be found
            print(f"\n{path}")  # noqa: T201
            plan = conn.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", values)  # type: ignore[arg-type]
            for (line,) in plan:
                print("   ", line)  # noqa: T201


if __name__ == "__main__":
    main()
