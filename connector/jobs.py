"""Durable jobs: the wiring of Procrastinate. Nothing else in the house knows it.

A job is a name and small arguments; what must be true of a call lives in our tables, so every job may
run twice, from any point. Jobs live in the PostgreSQL schema `jobs` of the same database, and are
deferred in the caller's own transaction.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import procrastinate
import sqlalchemy as sa
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Status

from connector.errors import PermanentError, TemporaryError

log = logging.getLogger(__name__)

SCHEMA = "jobs"
QUEUE = "stagecall"
SLOW = "slow"
"""The queue of jobs that do little but wait for servers of strangers: many at once, and never in the way."""
SLOW_CONCURRENCY = 64
HEARTBEAT = 2.0
STALLED_AFTER = 8.0
POLL = 0.1
"""Seconds. New jobs are notified at once; a job that waited for a lock is found by looking."""
MAX_DEFECT_ATTEMPTS = 4
_WORKER = "stagecall-worker-"
"""What the connections of every worker process are called in the database begins so, and ends in its own."""
_OTHERS = """
    SELECT count(*) AS others FROM pg_stat_activity
    WHERE datname = current_database() AND starts_with(application_name, %(prefix)s) AND application_name <> %(own)s
"""
_QUEUED = sa.text(
    "SELECT 1 FROM jobs.procrastinate_jobs WHERE queueing_lock = :key AND status = 'todo' LIMIT 1"
)

Handler = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of job: its handler takes the job's arguments by name."""

    name: str
    handler: Handler
    queue: str = QUEUE
    """QUEUE or SLOW: the same as where it is deferred to."""
    periodic: str | None = None
    """A cron line of six fields (the last one seconds); such a handler takes no arguments."""


_deferrer = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def defer(conn: sa.Connection, name: str, *, lock: str | None = None, **arguments: Any) -> None:
    """Queue a job in the caller's transaction; jobs of one `lock` run one at a time, in order."""
    _defer(conn, name, lock, None, arguments)


def nudge(conn: sa.Connection, name: str, *, queue: str = QUEUE, **arguments: Any) -> None:
    """Make sure a run of this job is queued: one at a time, one waiting at most.

    Cheap when one is waiting already. A run that started just before the caller's commit may miss
    the caller's rows: every nudged job therefore also has a sweep that looks once a second.
    """
    key = ":".join([name, *(str(value) for value in arguments.values())])
    if conn.execute(_QUEUED, {"key": key}).first() is not None:
        return
    try:
        with conn.begin_nested():
            _defer(conn, name, key, key, arguments, queue)
    except AlreadyEnqueued:
        return


def _defer(
    conn: sa.Connection,
    name: str,
    lock: str | None,
    queueing_lock: str | None,
    arguments: dict[str, Any],
    queue: str = QUEUE,
) -> None:
    _deferrer.configure_task(
        name,
        allow_unknown=True,
        queue=queue,
        lock=lock,
        queueing_lock=queueing_lock,
        connection=conn.connection.driver_connection,
    ).defer(**arguments)


def backlog(conn: sa.Connection) -> Mapping[str, int]:
    """How many jobs there are by state (`todo`, `doing`, `failed`)."""
    rows = conn.execute(sa.text("SELECT status::text, count(*) FROM jobs.procrastinate_jobs GROUP BY 1"))
    return {row[0]: row[1] for row in rows}


class _Retries(procrastinate.BaseRetryStrategy):
    """Later for TemporaryError, never for PermanentError, a few times for a defect."""

    def get_retry_decision(
        self, *, exception: BaseException, job: QueuedJob
    ) -> procrastinate.RetryDecision | None:
        if isinstance(exception, PermanentError):
            return None
        if isinstance(exception, TemporaryError):
            wait = exception.after or back_off(job.attempts)
        elif job.attempts + 1 < MAX_DEFECT_ATTEMPTS:
            wait = back_off(job.attempts)
        else:
            return None
        return procrastinate.RetryDecision(retry_at=datetime.now(UTC) + wait)


def back_off(attempts: int) -> timedelta:
    """1 s, 2 s, 4 s ... five minutes at most."""
    return timedelta(seconds=min(300, 2 ** min(attempts, 9)))


@dataclass(frozen=True, slots=True)
class Worker:
    """Runs jobs until told to stop. `drain` seconds are left to running jobs."""

    conninfo: str
    tasks: tuple[Task, ...]
    concurrency: int = 8
    drain: float = 20.0
    _name: str = field(default_factory=lambda: _WORKER + uuid4().hex[:12], init=False)

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then finish what runs and return."""
        asyncio.run(self._run(periodic=True, wait=True))

    def run_until_idle(self) -> None:
        """Run what is queued and due now, and what that queues, then return; nothing periodic runs."""
        asyncio.run(self._run(periodic=False, wait=False))

    def rescue_once(self) -> None:
        """Give the jobs of workers that are gone to the living, now."""

        async def run() -> None:
            app = self._app()
            async with app.open_async():
                await self._first_rescue(app)

        asyncio.run(run())

    def _app(self) -> procrastinate.App:
        # What the queue itself commits (a job taken, a job done) need not reach the disk before it goes on:
        # lost in a crash it means a job run twice, as if for the first time, and every job may. Deferring is in our own transactions.
        options = {
            "options": f"-csearch_path={SCHEMA} -csynchronous_commit=off",
            "application_name": self._name,
        }
        return procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=self.conninfo, min_size=1, max_size=4, kwargs=options
            )
        )

    async def _run(self, *, periodic: bool, wait: bool) -> None:
        lanes = {QUEUE: self.concurrency}
        if any(task.queue == SLOW for task in self.tasks):
            lanes[SLOW] = SLOW_CONCURRENCY
        threads = ThreadPoolExecutor(sum(lanes.values()), thread_name_prefix="job")  # asyncio's own has few
        asyncio.get_running_loop().set_default_executor(threads)
        async with contextlib.AsyncExitStack() as opened:
            apps = {queue: self._registered(periodic=periodic and queue == QUEUE) for queue in lanes}
            for app in apps.values():
                await opened.enter_async_context(app.open_async())
            if wait:
                await self._first_rescue(apps[QUEUE])
            await self._run_lanes(apps, lanes, wait=wait)

    async def _first_rescue(self, app: procrastinate.App) -> None:
        """Where no other worker is connected, whatever a worker had begun is nobody's: no need to wait.

        Two that start at once see each other, since both are connected before they look.
        """
        row = await app.connector.execute_query_one_async(_OTHERS, prefix=_WORKER, own=self._name)
        await _rescue(app, STALLED_AFTER if row["others"] else 0.0)

    async def _run_lanes(
        self, apps: Mapping[str, procrastinate.App], lanes: Mapping[str, int], *, wait: bool
    ) -> None:
        running = [
            asyncio.create_task(self._run_lane(apps[queue], queue, concurrency, wait=wait))
            for queue, concurrency in lanes.items()
        ]

        def stop() -> None:
            while stopping:
                stopping.pop().cancel()  # once: it then finishes what runs, and a second would cut that off

        stopping = [*running]
        if wait:
            _on_stop_signal(stop)
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED if wait else asyncio.ALL_COMPLETED)
        stop()
        for ended in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    def _registered(self, *, periodic: bool) -> procrastinate.App:
        app = self._app()
        for task in self.tasks:
            _register(app, task, periodic=periodic)
        if periodic:
            _register_rescue(app)
        return app

    async def _run_lane(self, app: procrastinate.App, queue: str, concurrency: int, *, wait: bool) -> None:
        await app.run_worker_async(
            queues=[queue],
            concurrency=concurrency,
            wait=wait,
            delete_jobs="successful",
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=STALLED_AFTER,
            fetch_job_polling_interval=POLL,
            shutdown_graceful_timeout=self.drain,
            install_signal_handlers=False,  # ours stops all lanes
        )


def _on_stop_signal(stop: Callable[[], None]) -> None:
    """Call `stop` at the first SIGTERM or SIGINT; a second one ends the process as it always does."""
    loop = asyncio.get_running_loop()

    def stop_once() -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
        stop()

    for each in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; no main thread
            loop.add_signal_handler(each, stop_once)


def _register(app: procrastinate.App, task: Task, *, periodic: bool) -> None:
    def run(context: procrastinate.JobContext, /, timestamp: int | None = None, **arguments: Any) -> None:
        try:
            task.handler(**arguments)
        except Exception:
            if context.job.queueing_lock is None:
                raise
            # A nudged job has nothing to lose: its work stands in our tables, and the sweep starts it again
            # in a second. Retried by the queue, it could meet its own successor and stay `doing` for ever.
            log.exception("job failed; the sweep starts it again", extra={"job": task.name})

    registered = app.task(name=task.name, queue=task.queue, retry=_Retries(), pass_context=True)(run)
    if task.periodic and periodic:
        lock = f"periodic:{task.name}"
        app.periodic(cron=task.periodic, periodic_id=task.name, lock=lock, queueing_lock=lock)(registered)


def _register_rescue(app: procrastinate.App) -> None:
    """Every few seconds, give the jobs of workers that stopped beating to the living."""

    async def rescue(timestamp: int) -> None:
        await _rescue(app, STALLED_AFTER)

    task = app.task(name="rescue_jobs", queue=QUEUE)(rescue)
    app.periodic(cron="* * * * * */3", periodic_id="rescue_jobs", queueing_lock="rescue_jobs")(task)


async def _rescue(app: procrastinate.App, after: float) -> None:
    """Take over what workers had begun that have not beaten for so many seconds."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=after):
        log.warning("job taken over from a worker that stopped", extra={"job": job.task_name})
        if job.queueing_lock is None:
            await app.job_manager.retry_job(job)
        else:  # its successor may be queued already, and the sweep sees to it that there is one
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
