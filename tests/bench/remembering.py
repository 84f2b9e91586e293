"""What the Trigger Call API alone takes of memory when it has been through a hundred thousand calls.

Every call is triggered over HTTP, dialled by the simulated carrier and followed to its end. That takes long, so only
`python -m tests.bench memory` runs it.
"""

import time

import psycopg

from tests.bench import footprint, load
from tests.bench.acknowledging import described
from tests.bench.load import Load
from tests.bench.processes import Service, World, database_url
from tests.bench.report import Row, Section, share
from tests.bench.triggering import SIDE_BY_SIDE, TRIGGER

CALLS = 100_000
SETTLED = 5.0
LONGEST = 3 * 3600.0
_UNFINISHED = "SELECT count(*) FROM call_api.calls WHERE ended_at IS NULL"


def measure(world: World) -> Section:
    """Memory by role: idle, when the last trigger was answered, and when every call has ended."""
    served = world.stagecall(alone=True)
    served.start()
    served.await_answer("/readyz")
    time.sleep(SETTLED)
    idle = footprint.memory(served)
    seen = load.run(Load(served.url + TRIGGER, list(range(CALLS)), connections=SIDE_BY_SIDE, triggers=True))
    answered = footprint.memory(served)
    took = seen.seconds + _await_end(served)
    time.sleep(SETTLED)
    ended = footprint.memory(served)
    world.stop()
    rows = [Row(f"{CALLS:,} triggers, with the worker", described(seen))]
    rows.append(Row("until every call had ended", f"{took:,.0f} s"))
    for when, found in (("idle", idle), ("when the last was answered", answered), ("at the end", ended)):
        parts = ", ".join(f"{role} {mib:.0f}" for role, mib in sorted(found.items()))
        ratio = f"{share(sum(found.values()), sum(idle.values())):.2f} of idle" if found is not idle else ""
        rows.append(Row(f"memory, {when}", f"{sum(found.values()):.0f} MiB ({parts})", ratio))
    return Section(f"Memory through {CALLS:,} calls, PostgreSQL included (PSS)", tuple(rows))


def _await_end(served: Service) -> float:
    """Wait until nothing is left to do, or too long; the seconds that took."""
    began = time.monotonic()
    with psycopg.connect(database_url(served), autocommit=True) as conn:
        while (left := conn.execute(_UNFINISHED).fetchone()) and left[0]:
            if time.monotonic() - began > LONGEST:
                break
            time.sleep(1.0)
    return time.monotonic() - began
