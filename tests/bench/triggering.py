"""How fast trigger requests are accepted for good, beside a bare Flask route that commits one row.

Both write into the same PostgreSQL, under the same server with as many threads, in turn and several times, so that
what else the machine does meets both; a ratio is the median of the rounds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from tests.bench import footprint, load, one_row
from tests.bench.acknowledging import described
from tests.bench.load import Load, Seen
from tests.bench.processes import Service, World, database_url, free_port
from tests.bench.report import Row, Section, share

ROUNDS = 3
SECONDS = 2.5
HALF_SECONDS = 4.0
WARM_UP = 1.0
SIDE_BY_SIDE = 8
FASTEST = 3000
"""Requests a second that are made in advance: more than any of these servers takes."""
NOT_REFUSED = 100_000
TRIGGER = "/api/v1/calls/trigger"


@dataclass(frozen=True, slots=True)
class Rival:
    """A server that is measured."""

    name: str
    url: str
    service: Service
    postgres: Callable[[], float]
    """Seconds of processor time that PostgreSQL has used."""

    def used(self) -> float:
        """Seconds of processor time of the server and PostgreSQL."""
        own = footprint.processor_time(self.service)
        return sum(seconds for role, seconds in own.items() if role != "postgres") + self.postgres()


@dataclass(frozen=True, slots=True)
class Round:
    """One load on one rival."""

    seen: Seen
    milliseconds: float
    """Processor time a request."""


def measure(world: World) -> Section:
    """Triggers without a limit and under one that refuses nobody, against one committed row."""
    one, ours, limited = _rivals(world)
    rows: list[Row] = []
    for connections in (1, SIDE_BY_SIDE):
        rounds = [
            [_loaded(each, connections, SECONDS) for each in (one, ours, limited)] for _ in range(ROUNDS)
        ]
        rows += _compared([one, ours, limited], rounds, connections)
    rows += _at_half(one, ours, median(each[1].seen.rate for each in rounds) / 2)
    world.stop()
    return Section("Trigger requests: checked, kept and queued in PostgreSQL, without a worker", tuple(rows))


def _rivals(world: World) -> tuple[Rival, Rival, Rival]:
    """One row, and Stagecall twice on databases of their own: the row goes into that of the one without a limit."""
    served = [world.stagecall("--no-worker", max_per_minute=most) for most in (None, NOT_REFUSED)]
    for each in served:
        each.start()
        each.await_answer("/readyz")
    bare = world.service("tests.bench.one_row", str(port := free_port()), database_url(served[0]), port=port)
    bare.start()
    bare.await_answer("/")
    rivals = (
        Rival("one row", bare.url + one_row.PATH, bare, lambda: _postgres(served[0])),
        Rival("Stagecall, no limit", served[0].url + TRIGGER, served[0], lambda: _postgres(served[0])),
        Rival("Stagecall, with a limit", served[1].url + TRIGGER, served[1], lambda: _postgres(served[1])),
    )
    for rival in rivals:
        _loaded(rival, SIDE_BY_SIDE, WARM_UP)
    return rivals


def _postgres(served: Service) -> float:
    return footprint.processor_time(served).get("postgres", 0.0)


def _loaded(rival: Rival, connections: int, seconds: float, rate: float | None = None) -> Round:
    numbers = list(range(int(FASTEST * seconds)))
    before = rival.used()
    seen = load.run(
        Load(rival.url, numbers, connections=connections, seconds=seconds, triggers=True, rate=rate)
    )
    return Round(seen, share((rival.used() - before) * 1000, len(seen.latencies)))


def _compared(rivals: list[Rival], rounds: list[list[Round]], connections: int) -> list[Row]:
    """A row for each rival, with its median rate and ratios to the first."""
    named = f"{connections} connection{'s' * (connections > 1)}"
    rows = []
    for column, rival in enumerate(rivals):
        own = [each[column] for each in rounds]
        middle = sorted(own, key=lambda one: one.seen.rate)[len(own) // 2]
        rate = median(share(each[column].seen.rate, each[0].seen.rate) for each in rounds)
        used = median(share(each[column].milliseconds, each[0].milliseconds) for each in rounds)
        ratio = f"{rate:.2f} of one row's rate, {used:.1f} x its processor time" if column else ""
        value = f"{described(middle.seen)}, {middle.milliseconds:.2f} ms of processor time each"
        rows.append(Row(f"{named}: {rival.name}", value, ratio))
    return rows


def _at_half(one: Rival, ours: Rival, rate: float) -> list[Row]:
    """Latencies at half of what we take, on a beat: for the bare route the same requests a second."""
    rounds = [
        [_loaded(each, SIDE_BY_SIDE, HALF_SECONDS, rate).seen for each in (one, ours)] for _ in range(ROUNDS)
    ]
    named = f"half of that, {rate:,.0f} a second on a beat"
    slower = median(share(each[1].percentile(99), each[0].percentile(99)) for each in rounds)
    middles = [
        sorted((each[column] for each in rounds), key=lambda seen: seen.percentile(99))[ROUNDS // 2]
        for column in (0, 1)
    ]
    return [
        Row(f"{named}: one row", described(middles[0])),
        Row(f"{named}: Stagecall", described(middles[1]), f"{slower:.1f} x one row's p99"),
    ]
