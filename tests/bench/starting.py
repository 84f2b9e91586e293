"""Cold start: from the command to the first acknowledged delivery."""

import contextlib
import statistics
import time

from tests.bench import load
from tests.bench.load import Load
from tests.bench.processes import PATIENCE, Service, World, hook
from tests.bench.report import Row, Section, against

TIMES = 3
AIM_SECONDS = 3.0


def measure(world: World) -> Section:
    """Start on a fresh data folder, stop, start again on the same; a few times."""
    fresh: list[float] = []
    existing: list[float] = []
    first_acknowledgement(world.stagecall("--no-worker"))  # not counted: compiles the modules
    world.stop()
    for _ in range(TIMES):
        served = world.stagecall("--no-worker")
        for found in (fresh, existing):
            found.append(first_acknowledgement(served))
            served.stop()
    return Section(
        f"Cold start to the first acknowledgement, {TIMES} times",
        tuple(
            _row(what, found)
            for what, found in (("fresh data folder", fresh), ("existing data folder", existing))
        ),
    )


def first_acknowledgement(served: Service) -> float:
    """Start it; seconds until a signed delivery is answered with 200."""
    request = load.deliveries(Load(url=hook(served), deals=[1]))[0]
    began = time.perf_counter()
    served.start()
    while time.perf_counter() - began < PATIENCE:
        with contextlib.suppress(OSError):
            if load.send_once(served.port, request) == b"200":
                return time.perf_counter() - began
        time.sleep(0.005)
    return float("nan")


def _row(what: str, seconds: list[float]) -> Row:
    median = statistics.median(seconds)
    value = f"{median:.2f} s (between {min(seconds):.2f} and {max(seconds):.2f})"
    return Row(f"cold start, {what}", value, against(median, AIM_SECONDS, "s", least=False))
