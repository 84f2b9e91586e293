"""`make bench`, or `python -m tests.bench [acknowledge] [drain] [start] [rules] [trigger] [memory]` for parts of it."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tests.bench import acknowledging, draining, remembering, ruling, starting, triggering
from tests.bench.acknowledging import described
from tests.bench.draining import BATCH, CONNECTIONS, EVENTS, LONGEST, PHONES, Drained
from tests.bench.processes import World, world
from tests.bench.report import Row, Section, against, render, share

AIM_P99 = 20.0
AIM_EVENTS = 800.0
AIM_MEMORY = 200.0
AT_ONCE = EVENTS // BATCH
ON_REQUEST = {"memory"}
"""Measured only where it is named: it takes half an hour."""


def main() -> None:
    """Measure the parts that are named, or all, and print the table."""
    parts: Mapping[str, Callable[[World], list[Section]]] = {
        "start": lambda here: [starting.measure(here)],
        "acknowledge": lambda here: [acknowledging.measure(here)],
        "drain": _drains,
        "rules": lambda _: ruling.measure(),
        "trigger": lambda here: [triggering.measure(here)],
        "memory": lambda here: [remembering.measure(here)],
    }
    chosen = sys.argv[1:] or [name for name in parts if name not in ON_REQUEST]
    if unknown := [each for each in chosen if each not in parts]:
        sys.exit(f"not a part: {', '.join(unknown)}; there are: {', '.join(parts)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the world is tidied up then too
    sections = []
    with world() as here:
        for name in chosen:
            _tell(f"measuring: {name} ...")
            sections += parts[name](here)
    sys.stdout.write(f"{_about()}\n\n{render(sections)}\n")


def _drains(here: World) -> list[Section]:
    _tell("  against our own Trigger Call API")
    own = draining.drain(here, other=False)
    _tell("  against another server of the contract")
    other = draining.drain(here, other=True)
    _tell("  the same, while single deliveries are timed")
    probed = draining.drain(here, other=True, probe=True)
    return [
        _acknowledged_meanwhile(probed),
        _drained("another server of the contract", other),
        _drained("our own Trigger Call API", own),
        _memory(own),
    ]


def _acknowledged_meanwhile(drained: Drained) -> Section:
    rows = [Row(f"the {AT_ONCE} batches, {CONNECTIONS} connections", described(drained.arrived))]
    if drained.probes is not None:
        p99 = against(drained.probes.percentile(99), AIM_P99, "ms", least=False)
        rows.append(
            Row("single deliveries, before, during and after", described(drained.probes), f"p99 {p99}")
        )
    return Section(f"Acknowledgement while {AT_ONCE} batches of {BATCH} arrive, with the worker", tuple(rows))


def _drained(against_what: str, drained: Drained) -> Section:
    rate = share(drained.written, drained.written_after)
    triggers = share(drained.triggers, drained.triggered_after)
    cut = "" if drained.written >= EVENTS else f" (not within {LONGEST:.0f} s: {drained.written:,} done)"
    rows = [
        Row("batches acknowledged", f"{drained.arrived.seconds:.2f} s; {described(drained.arrived)}"),
        Row(
            "delivery to trigger request",
            f"{triggers:,.0f} events a second ({drained.triggers:,} requests,"
            f" the last after {drained.triggered_after:.1f} s)",
        ),
        Row(
            f"delivery to write-back, {against_what}",
            f"{rate:,.0f} events a second ({drained.written:,} outcomes)",
            against(rate, AIM_EVENTS, "events/s", least=True),
        ),
        Row(f"time to drain {EVENTS:,}", f"{drained.written_after:.1f} s{cut}"),
        _processor(drained),
    ]
    return Section(f"{EVENTS:,} events in {AT_ONCE} batches, against {against_what}", tuple(rows))


def _processor(drained: Drained) -> Row:
    used = {role: share(seconds, drained.written) * 1000 for role, seconds in drained.processor.items()}
    parts = ", ".join(f"{role} {ms:.2f}" for role, ms in sorted(used.items()))
    return Row("processor time an event", f"{sum(used.values()):.2f} ms ({parts})")


def _memory(drained: Drained) -> Section:
    rows = []
    for when, found in (("idle", drained.idle), (f"after {EVENTS:,} events", drained.after)):
        total = sum(found.values())
        parts = ", ".join(f"{role} {mib:.0f}" for role, mib in sorted(found.items()))
        ratio = against(total, AIM_MEMORY, "MiB", least=False)
        rows.append(Row(f"memory, {when}", f"{total:.0f} MiB ({parts})", ratio))
    return Section("Memory of everything `stagecall serve` runs, PostgreSQL included (PSS)", tuple(rows))


def _about() -> str:
    return (
        f"Stagecall, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {sys.version.split()[0]}; load, sandbox HubSpot"
        f" and database on the same cores.\n{EVENTS:,} events go to {len(PHONES):,} reserved numbers, so each number"
        f" comes up to {-(-EVENTS // len(PHONES))} times, and calls to one number wait for each other."
    )


def _tell(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
