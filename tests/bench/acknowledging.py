"""How fast deliveries are acknowledged, beside a bare Flask application under the same server."""

from dataclasses import dataclass

from tests.bench import footprint, load
from tests.bench.load import Load, Seen
from tests.bench.processes import Service, World, free_port, hook
from tests.bench.report import Row, Section, share

SECONDS = 4.0
WARM_UP = 0.5
SIDE_BY_SIDE = 8
DELIVERIES = 400


@dataclass(frozen=True, slots=True)
class Measured:
    """A load on one server, and the processor time that all of the server's processes took for a delivery."""

    seen: Seen
    milliseconds: float

    def __str__(self) -> str:
        return f"{described(self.seen)}, {self.milliseconds:.2f} ms of processor time each"


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
    theirs = _measured(hello, f"{hello.url}/", events, connections)
    ours = _measured(served, hook(served), events, connections)
    named = f"{events} event{'s' * (events > 1)}, {connections} connection{'s' * (connections > 1)}"
    rate = share(ours.seen.rate, theirs.seen.rate)
    slower = [share(ours.seen.percentile(each), theirs.seen.percentile(each)) for each in (50, 99)]
    ratio = f"{rate:.2f} of hello's rate, {slower[0]:.1f} x its p50, {slower[1]:.1f} x its p99"
    return [Row(f"{named}: Stagecall", str(ours), ratio), Row(f"{named}: Flask hello", str(theirs))]


def described(seen: Seen) -> str:
    """Rate and latencies of a load, and whether anything was refused."""
    refused = f", {seen.refused} REFUSED" if seen.refused else ""
    latencies = f"p50 {seen.percentile(50):.1f} ms, p99 {seen.percentile(99):.1f} ms"
    return f"{seen.rate:,.0f} a second, {latencies}{refused}"


def _measured(service: Service, url: str, events: int, connections: int) -> Measured:
    deals = list(range(1, DELIVERIES * events + 1))
    few = deals[: 20 * events]
    load.run(Load(url=url, deals=few, events=events, connections=connections, seconds=WARM_UP))
    before = sum(footprint.processor_time(service).values())
    seen = load.run(Load(url=url, deals=deals, events=events, connections=connections, seconds=SECONDS))
    used = sum(footprint.processor_time(service).values()) - before
    return Measured(seen, share(used * 1000, len(seen.latencies)))
