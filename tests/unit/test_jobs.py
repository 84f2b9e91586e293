"""Jobs that outlive failures and dead workers, on the real queue."""

import os
import signal
import threading
import time

import psycopg
import sqlalchemy as sa

from connector import jobs
from connector.errors import TemporaryError
from connector.jobs import Task, Worker


def _rows(engine: sa.Engine) -> list[tuple[str, str]]:
    """Name and state of every job but the queue's own periodic one, oldest first."""
    query = sa.text(
        "SELECT task_name, status::text FROM jobs.procrastinate_jobs"
        " WHERE task_name <> 'rescue_jobs' ORDER BY id"
    )
    with engine.connect() as conn:
        return [(row[0], row[1]) for row in conn.execute(query)]


def test_a_job_is_gone_with_the_transaction_that_deferred_it(engine: sa.Engine) -> None:
    with engine.connect() as conn:
        jobs.defer(conn, "x", n=1)
        conn.rollback()
    assert _rows(engine) == []


def test_a_nudged_job_waits_once_however_often_it_is_nudged(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        for _ in range(5):
            jobs.nudge(conn, "x", connection="sales")
        jobs.nudge(conn, "x", connection="other")
    assert len(_rows(engine)) == 2


def test_a_nudged_job_that_fails_leaves_the_way_free_for_the_next(
    engine: sa.Engine, database_url: str
) -> None:
    """It was nudged again while it ran: retried by the queue it would meet its successor."""
    runs = []

    def fail() -> None:
        runs.append(1)
        if len(runs) == 1:
            with engine.begin() as conn:
                jobs.nudge(conn, "x")
            raise ValueError("a defect")

    with engine.begin() as conn:
        jobs.nudge(conn, "x")
    for _ in range(2):
        Worker(database_url, (Task("x", fail),)).run_until_idle()
    assert len(runs) == 2
    assert _rows(engine) == []


def test_a_nudged_job_of_a_dead_worker_does_not_stand_in_the_way(
    engine: sa.Engine, database_url: str
) -> None:
    runs = []
    with engine.begin() as conn:
        jobs.nudge(conn, "x")
        conn.execute(
            sa.text(
                "WITH dead AS (INSERT INTO jobs.procrastinate_workers (last_heartbeat)"
                " VALUES (now() - interval '1 minute') RETURNING id)"
                " UPDATE jobs.procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead)"
            )
        )
        jobs.nudge(conn, "x")
    worker = Worker(database_url, (Task("x", lambda: runs.append(1)),))
    worker.run_until_idle()
    assert runs == [], "its lock is held by the dead worker's run"
    worker.rescue_once()
    worker.run_until_idle()
    assert runs == [1]
    assert _rows(engine) == []


def test_a_job_of_a_dead_worker_is_run_again(engine: sa.Engine, database_url: str) -> None:
    seen: list[int] = []

    def note(n: int) -> None:
        seen.append(n)

    with engine.begin() as conn:
        jobs.defer(conn, "x", n=1)
        conn.execute(
            sa.text(
                "WITH dead AS (INSERT INTO jobs.procrastinate_workers (last_heartbeat)"
                " VALUES (now() - interval '1 minute') RETURNING id)"
                " UPDATE jobs.procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead)"
            )
        )
    worker = Worker(database_url, (Task("x", note),))
    worker.rescue_once()
    worker.run_until_idle()
    assert seen == [1]


def _begun_by_a_worker_that_just_died(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        jobs.nudge(conn, "x")
        conn.execute(
            sa.text(
                "WITH dead AS (INSERT INTO jobs.procrastinate_workers DEFAULT VALUES RETURNING id)"
                " UPDATE jobs.procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead)"
            )
        )
        jobs.nudge(conn, "x")


def test_a_worker_that_starts_alone_takes_over_at_once_what_another_had_begun(
    engine: sa.Engine, database_url: str
) -> None:
    """After kill -9 of everything, calls go on as soon as we are back, not when the dead are surely dead."""
    began = time.monotonic()
    _begun_by_a_worker_that_just_died(engine)
    Worker(database_url, (Task("x", lambda: os.kill(os.getpid(), signal.SIGTERM)),)).run()
    assert _rows(engine) == []
    assert time.monotonic() - began < jobs.STALLED_AFTER


def test_a_worker_that_starts_beside_another_waits_until_the_dead_are_surely_dead(
    engine: sa.Engine, database_url: str
) -> None:
    _begun_by_a_worker_that_just_died(engine)
    worker = Worker(database_url, (Task("x", lambda: None),))
    with psycopg.connect(database_url, application_name="stagecall-worker-other"):
        worker.rescue_once()
        assert _rows(engine) == [("x", "doing"), ("x", "todo")]
    worker.rescue_once()
    assert _rows(engine) == [("x", "todo")]


def test_a_temporary_error_is_tried_again_later_and_a_defect_a_few_times(
    engine: sa.Engine, database_url: str
) -> None:
    def later() -> None:
        raise TemporaryError("not now")

    def defect() -> None:
        raise ValueError("a defect")

    with engine.begin() as conn:
        jobs.defer(conn, "later")
        jobs.defer(conn, "defect")
    worker = Worker(database_url, (Task("later", later), Task("defect", defect)))
    for _ in range(jobs.MAX_DEFECT_ATTEMPTS + 2):
        worker.run_until_idle()
        with engine.begin() as conn:
            conn.execute(
                sa.text("UPDATE jobs.procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
            )
    assert _rows(engine) == [("later", "todo"), ("defect", "failed")]


def test_jobs_of_the_slow_queue_never_stand_in_the_way(engine: sa.Engine, database_url: str) -> None:
    """More of them hang than there are threads for quick jobs; the quick ones run all the same."""
    release = threading.Event()
    order: list[str] = []

    def hang(n: int) -> None:
        assert release.wait(20)
        order.append("slow")

    def quick() -> None:
        order.append("quick")
        release.set()

    with engine.begin() as conn:
        for n in range(40):
            jobs.nudge(conn, "hang", queue=jobs.SLOW, n=n)
        jobs.nudge(conn, "quick")
    Worker(database_url, (Task("hang", hang, queue=jobs.SLOW), Task("quick", quick))).run_until_idle()
    assert order == ["quick"] + ["slow"] * 40
    assert _rows(engine) == []


def test_a_signal_lets_every_queue_finish_what_runs(engine: sa.Engine, database_url: str) -> None:
    """Both lanes are busy when SIGTERM comes: both jobs are finished, and the worker returns."""
    finished: list[str] = []
    began = threading.Barrier(2)

    def work(which: str) -> None:
        if began.wait(20) == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        finished.append(which)

    with engine.begin() as conn:
        jobs.nudge(conn, "one", which="one")
        jobs.nudge(conn, "two", queue=jobs.SLOW, which="two")
    Worker(database_url, (Task("one", work), Task("two", work, queue=jobs.SLOW))).run()
    assert sorted(finished) == ["one", "two"]
    assert {("one", "doing"), ("two", "doing")}.isdisjoint(_rows(engine))
