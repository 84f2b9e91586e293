"""The worker: which function runs for which job, and the sweep that makes sure nothing waits for ever."""

import logging
import traceback

from connector import jobs
from connector.doubts import in_doubt, look_up
from connector.errors import TemporaryError
from connector.jobs import Run, Task, Worker
from connector.pacing import pace
from connector.parts import Parts
from connector.process import read_delivery
from connector.results import read_results
from connector.sending import send
from connector.store import deliveries, dispatches, write_backs
from connector.store.deliveries import CALLS
from connector.writing import write_back

log = logging.getLogger(__name__)


def tasks(parts: Parts) -> tuple[Task, ...]:
    """Every kind of job, with the parts it works on."""

    def read(delivery_id: str, run: Run) -> None:
        try:
            read_delivery(parts, delivery_id, run)
        except TemporaryError:
            raise
        except Exception:
            if run.last:  # a defect of ours, four times: a dead letter that a person can see and replay
                with parts.engine.begin() as conn:
                    deliveries.mark_dead(conn, [delivery_id], traceback.format_exc(), parts.clock())
            raise

    def send_chunk(dispatch_ids: list[str], run: Run) -> None:
        send(parts, dispatch_ids, run)

    def write(connection: str) -> None:
        write_back(parts, connection)

    own = (
        Task("read_delivery", read, wants_run=True),
        Task("pace", lambda: pace(parts)),
        Task("send", send_chunk, wants_run=True),
        Task("read_results", lambda: read_results(parts)),
        Task("write_back", write),
        Task("look_up", lambda: look_up(parts)),
        Task("sweep", lambda: sweep(parts), periodic="* * * * * *"),
        Task("rescue", lambda: rescue(parts), periodic="* * * * * */15"),
    )
    return own + (parts.call_api.tasks() if parts.call_api is not None else ())


def sweep(parts: Parts) -> None:
    """Once a second: a run for everything that is due, in case its nudge came a moment too early."""
    now = parts.clock()
    with parts.engine.begin() as conn:
        if dispatches.has_due(conn, now):
            jobs.nudge(conn, "pace")
        if deliveries.has_unread(conn, CALLS):
            jobs.nudge(conn, "read_results")
        for connection in write_backs.due_connections(conn, now):
            jobs.nudge(conn, "write_back", connection=connection)


def rescue(parts: Parts) -> None:
    """Every quarter of a minute: look up what is in doubt, give deliveries without a job a new one."""
    with parts.engine.begin() as conn:
        if in_doubt(conn, parts.clock(), most=1):
            jobs.nudge(conn, "look_up")
        for delivery_id, connection in deliveries.without_job(conn, parts.clock()):
            log.warning("delivery had no job", extra={"delivery": delivery_id})
            jobs.defer(conn, "read_delivery", lock=f"read:{connection}", delivery_id=delivery_id)


def run_worker(parts: Parts, database_url: str) -> None:
    """Work until SIGTERM; a database that goes away is waited for."""
    Worker(database_url, tasks(parts)).run()
