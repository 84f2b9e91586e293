"""The worker: which function runs for which job, and the sweep that makes sure nothing waits for ever."""

import logging
from datetime import datetime

from connector import jobs
from connector.doubts import in_doubt, look_up
from connector.jobs import Task, Worker
from connector.pacing import pace
from connector.parts import Parts
from connector.process import defer_reading, read_deliveries
from connector.results import read_results
from connector.rule_watch import watching
from connector.sending import send
from connector.store import deliveries, dispatches, write_backs
from connector.store.deliveries import CALLS
from connector.writing import write_back

log = logging.getLogger(__name__)


def tasks(parts: Parts) -> tuple[Task, ...]:
    """Every kind of job, with the parts it works on."""

    def read(connection: str, delivery_id: str) -> None:
        read_deliveries(parts, connection)

    def send_chunk(dispatch_ids: list[str], let_go_at: str) -> None:
        send(parts, dispatch_ids, datetime.fromisoformat(let_go_at))

    def write(connection: str) -> None:
        write_back(parts, connection)

    own = (
        Task("read_deliveries", read),
        Task("pace", lambda: pace(parts)),
        Task("send", send_chunk),
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
    with parts.engine.connect() as conn:
        due: list[tuple[str, dict[str, str]]] = []
        if dispatches.has_due(conn, now):
            due.append(("pace", {}))
        if deliveries.has_unread(conn, CALLS):
            due.append(("read_results", {}))
        due += [("write_back", {"connection": each}) for each in write_backs.due_connections(conn, now)]
    for name, arguments in due:  # a commit each: two nudges in one could wait for each other elsewhere
        with parts.engine.begin() as conn:
            jobs.nudge(conn, name, **arguments)


def rescue(parts: Parts) -> None:
    """Every quarter of a minute: look up what is in doubt, give deliveries without a job a new one."""
    with parts.engine.begin() as conn:
        if in_doubt(conn, parts.clock(), most=1):
            jobs.nudge(conn, "look_up")
        for delivery_id, connection in deliveries.without_job(conn, parts.clock()):
            log.warning("delivery had no job", extra={"delivery": delivery_id})
            defer_reading(conn, connection, delivery_id)


def run_worker(parts: Parts, database_url: str) -> None:
    """Work until SIGTERM; a database that goes away is waited for, and rule files are looked at."""
    with watching(parts):
        Worker(database_url, tasks(parts)).run()
