"""5,000 events at once: how soon their trigger requests are sent, their outcomes written, all is done."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg

from tests.bench import footprint, load
from tests.bench.load import Load, Seen
from tests.bench.processes import CONNECTION, WEBHOOK_SECRET, Service, World, database_url, free_port, hook

EVENTS = 5000
BATCH = 100
CONNECTIONS = 4
LONGEST = 100.0
"""Seconds after which a drain is cut short; its rates are then those of what was done."""
SETTLED = 3.0
PROBES_A_SECOND = 20
PROBE_SECONDS = 10.0
ELSEWHERE = "qualifiedtobuy"
"""A stage of which the rules say nothing: such a delivery is kept and read like any other, and calls nobody."""
PHONES = (
    *(f"+44207946{number:04d}" for number in range(1000)),
    *(f"+1202555{number:04d}" for number in range(100, 190)),
)
"""Kept for fiction, and all there are but the call API's test numbers: nobody has them."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain was like. Times in seconds from the first byte sent."""

    arrived: Seen
    probes: Seen | None
    triggers: int
    triggered_after: float
    written: int
    written_after: float
    processor: Mapping[str, float]
    """Seconds of processor time used for it, by role."""
    idle: Mapping[str, float]
    """MiB by role, before anything came."""
    after: Mapping[str, float]


@dataclass(slots=True)
class Ledger:
    """What the sandbox was told to write on deals, read as it grows."""

    file: Path
    ended: dict[str, str] = field(default_factory=dict, init=False)
    """Deals whose call's end was written, and when."""
    _offset: int = field(default=0, init=False)

    def await_ended(self, count: int) -> None:
        """Wait until the end of so many calls stands on the deals, or too long."""
        deadline = time.monotonic() + LONGEST
        while self._read() < count and time.monotonic() < deadline:
            time.sleep(0.1)

    def last_at(self) -> float:
        return max(
            (datetime.fromisoformat(at).timestamp() for at in self.ended.values()), default=float("nan")
        )

    def _read(self) -> int:
        with self.file.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                entry = json.loads(line)
                if "ai_call_summary" in entry["properties"]:  # the rule writes it when the call has ended
                    self.ended.setdefault(entry["deal"], entry["at"])
        return len(self.ended)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything of a drain, running."""

    served: Service
    hubspot: Service
    ledger: Ledger
    triggers: Callable[[], tuple[int, float]]
    """How many trigger requests have come, and when the last came."""


def drain(world: World, *, other: bool, probe: bool = False) -> Drained:
    """Measure one drain, against our own Trigger Call API or an`other`; `probe`: acknowledgements meanwhile."""
    stage = _set(world, other=other)
    time.sleep(SETTLED)
    idle = footprint.memory(stage.served)
    deals = _deals(stage.hubspot, EVENTS + BATCH)
    url = hook(stage.served)
    load.run(Load(url=url, deals=deals[:BATCH], events=BATCH))  # warm-up: imports, pools, pipelines
    stage.ledger.await_ended(BATCH)
    before = footprint.processor_time(stage.served)
    probing = load.start(_probe(url)) if probe else None
    time.sleep(0.5 if probe else 0)
    arrived = load.run(Load(url=url, deals=deals[BATCH:], events=BATCH, connections=CONNECTIONS))
    stage.ledger.await_ended(BATCH + EVENTS)
    used = footprint.processor_time(stage.served)
    triggers, last_trigger = stage.triggers()
    time.sleep(SETTLED)
    found = Drained(
        arrived=arrived,
        probes=load.finish(probing) if probing else None,
        triggers=triggers - BATCH,
        triggered_after=last_trigger - arrived.began,
        written=len(stage.ledger.ended) - BATCH,
        written_after=stage.ledger.last_at() - arrived.began,
        processor={role: used[role] - before.get(role, 0.0) for role in used},
        idle=idle,
        after=footprint.memory(stage.served),
    )
    world.stop()
    return found


def _set(world: World, *, other: bool) -> Stage:
    ledger = Ledger(world.folder / f"ledger-{free_port()}.jsonl")
    hubspot = world.sandbox(ledger.file)
    if other:
        port = free_port()
        served = world.stagecall(hubspot=hubspot.url, api_url=f"http://127.0.0.1:{port}")
        call_hook = f"{served.url}/hooks/calls/{CONNECTION}"
        api = world.service("tests.bench.other_api", str(port), call_hook, WEBHOOK_SECRET, port=port)
        api.start()
        api.await_answer("/seen")
        stage = Stage(served, hubspot, ledger, lambda: _seen_by_other(api))
    else:
        served = world.stagecall(hubspot=hubspot.url)
        stage = Stage(served, hubspot, ledger, lambda: _seen_by_own(served))
    served.start()
    served.await_answer("/readyz")
    return stage


def _deals(hubspot: Service, count: int) -> list[int]:
    """Deals with a contact each, standing in the stage already; no webhook tells of them: the load does."""
    wanted = {"count": count, "stage": "Demo requested", "phones": PHONES}
    return [int(id_) for id_ in hubspot.post("/sandbox/batch", wanted)["ids"]]


def _probe(url: str) -> Load:
    count = int(PROBE_SECONDS * PROBES_A_SECOND)
    deals = list(range(1, count + 1))
    return Load(url=url, deals=deals, seconds=PROBE_SECONDS, pause=1 / PROBES_A_SECOND, stage=ELSEWHERE)


def _seen_by_own(served: Service) -> tuple[int, float]:
    with psycopg.connect(database_url(served)) as conn:
        query = "SELECT count(*), extract(epoch FROM max(created_at))::float8 FROM call_api.calls"
        count, last_at = conn.execute(query).fetchone() or (0, None)
    return count, last_at if last_at is not None else float("nan")


def _seen_by_other(api: Service) -> tuple[int, float]:
    seen = json.loads(api.get("/seen")[1])
    return seen["calls"], seen["last_at"]
