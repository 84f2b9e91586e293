"""How fast deliveries are acknowledged, beside a bare Flask application under the same server."""

from tests.bench import load
from tests.bench.load import Load, Seen
from tests.bench.processes import Service, World, free_port, hook
from tests.bench.report import Row, Section, share

SECONDS = 4.0
SIDE_BY_SIDE = 8
DELIVERIES = 400


def measure(world: World) -> Section:
    """Deliveries of 1 and of 100 events, on one connection and on several, to us and to the other."""
    hello = world.service("tests.bench.hello", str(port := free_port()), port=port)
    hello.start()
    hello.await_answer("/")
    served = world.stagecall("--no-worker")
    served.start()
    served.await_answer("/readyz")
    rows: list[Row] = []
    for events in (1, 100):
        for connections in (1, SIDE_BY_SIDE):
            rows += _compare(served, hello, events, connections)
    world.stop()
    return Section(
        "Acknowledgement: signed, checked, kept and queued in PostgreSQL, without a worker", tuple(rows)
    )


def _compare(served: Service, hello: Service, events: int, connections: int) -> list[Row]:
    theirs = _load(f"{hello.url}/", events, connections)
    ours = _load(hook(served), events, connections)
    named = (
        f"{events} event{'s' if events > 1 else ''}, {connections} connection{'s' if connections > 1 else ''}"
    )
    ratio = (
        f"{share(ours.rate, theirs.rate):.2f} of hello's rate, {share(ours.percentile(50), theirs.percentile(50)):.1f} x its"
        f" p50, {share(ours.percentile(99), theirs.percentile(99)):.1f} x its p99"
    )
    return [
        Row(f"{named}: Stagecall", described(ours), ratio),
        Row(f"{named}: Flask hello", described(theirs)),
    ]


def described(seen: Seen) -> str:
    """Rate and latencies of a load, and whether anything was refused."""
    refused = f", {seen.refused} REFUSED" if seen.refused else ""
    latencies = f"p50 {seen.percentile(50):.1f} ms, p99 {seen.percentile(99):.1f} ms"
    return f"{seen.rate:,.0f} a second, {latencies}{refused}"


def _load(url: str, events: int, connections: int) -> Seen:
    deals = list(range(1, DELIVERIES * events + 1))
    wanted = Load(url=url, deals=deals, events=events, connections=connections, seconds=SECONDS)
    load.run(
        Load(url=url, deals=deals[:events], events=events, connections=connections, seconds=0.5)
    )  # warm-up
    return load.run(wanted)
