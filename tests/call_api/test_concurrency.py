"""How many calls of a key are under way at once: exact over threads and processes, in line or refused."""

import multiprocessing
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from connector.call_api import CallApi, CallApiSettings, keys
from connector.call_api.carriers import Dial, Placed, Refused, Unknown
from connector.call_api.carriers.simulated import SimulatedCarrier
from connector.call_api.waiting import mark_dialing, next_in_line
from connector.database import create_engine
from tests.call_api.conftest import Client, Running, Serve

UNDER_WAY = "SELECT count(*) FROM call_api.calls WHERE state IN ('dialing', 'in-progress')"


class Ordered(SimulatedCarrier):
    """Keeps in which order it was told to dial."""

    name: ClassVar[str] = "ordered"

    def __init__(self) -> None:
        super().__init__()
        self.dialled: list[str] = []

    def place(self, call: Dial, now: Any) -> Placed | Refused | Unknown:
        self.dialled.append(call.id)
        return super().place(call, now)


def another_key(running: Running, name: str = "other") -> Client:
    with running.api.engine.begin() as conn:
        made = keys.create_key(conn, name, now=running.clock())
    return Client(running.client.url, made.key)


def test_ten_is_the_default_and_null_is_no_limit() -> None:
    assert CallApiSettings().max_concurrent_calls == 10
    assert CallApiSettings().over_concurrency == "queue"
    assert CallApiSettings.model_validate({"max_concurrent_calls": None}).max_concurrent_calls is None


def test_the_eleventh_waits_in_line_oldest_first(serve: Serve) -> None:
    carrier = Ordered()
    running = serve(carrier=carrier, max_concurrent_calls=10)
    ids = []
    for _ in range(25):
        ids.append(running.client.call())
        running.clock.advance(seconds=0.01)
    for under_way in (10, 20, 25):
        running.api.place_calls()
        assert set(carrier.dialled) == set(ids[:under_way])
        running.clock.advance(seconds=10)
        running.api.follow_calls()
    running.execute("DELETE FROM jobs.procrastinate_jobs")
    assert running.scalars("SELECT DISTINCT state FROM call_api.calls") == ["completed"]


def test_the_line_is_by_the_time_a_call_is_due_then_by_age(serve: Serve) -> None:
    carrier = Ordered()
    running = serve(carrier=carrier, max_concurrent_calls=1)
    first, second, third = (running.client.call() for _ in range(3))
    for call_id, seconds in ((first, 3), (second, 1), (third, 2)):
        due = running.clock() + timedelta(seconds=seconds)
        running.execute("UPDATE call_api.calls SET due_at = :due WHERE id = :id", due=due, id=call_id)
    for _ in range(20):
        running.clock.advance(seconds=10)
        running.until_quiet()
    assert carrier.dialled == [second, third, first]


def test_a_call_that_ends_frees_its_place_in_the_same_commit(serve: Serve) -> None:
    running = serve(max_concurrent_calls=1)
    first, second = running.client.call(), running.client.call()
    running.api.place_calls()
    running.execute("DELETE FROM jobs.procrastinate_jobs")
    running.clock.advance(seconds=10)
    running.api.follow_calls()
    assert running.client.show(first)["status"] == "completed"
    assert running.scalars("SELECT task_name FROM jobs.procrastinate_jobs") == ["place_calls"]
    running.api.place_calls()
    assert running.client.show(second)["status"] == "dialing"


def test_a_refused_dial_frees_its_place_too(serve: Serve) -> None:
    running = serve(max_concurrent_calls=1)
    running.client.call("+12025550196")
    second = running.client.call()
    running.api.place_calls()
    assert "place_calls" in running.scalars("SELECT task_name FROM jobs.procrastinate_jobs")
    running.api.place_calls()
    assert running.client.show(second)["status"] == "dialing"


def test_a_busy_key_does_not_starve_another(serve: Serve) -> None:
    running = serve(max_concurrent_calls=2)
    busy = running.client.call()
    running.execute(  # far more than are looked at together, all of them older
        "INSERT INTO call_api.calls (id, key_id, agent_id, agent_name, from_number, to_number, state, provider,"
        " created_at, due_at) SELECT gen_random_uuid(), key_id, agent_id, agent_name, from_number,"
        " to_number, state, provider, created_at, due_at FROM call_api.calls, generate_series(1, 1000)"
    )
    running.clock.advance(seconds=1)
    other = another_key(running).call()
    running.api.place_calls()
    assert running.client.show(other)["status"] == "dialing"
    assert running.scalars(UNDER_WAY) == [3]
    assert running.client.show(busy)["status"] in ("queued", "dialing")


def test_without_a_limit_all_are_dialled(serve: Serve) -> None:
    running = serve(max_concurrent_calls=None)
    for _ in range(15):
        running.client.call()
    running.api.place_calls()
    assert running.scalars(UNDER_WAY) == [15]


def crowd(running: Running, of_each: int) -> None:
    """Calls of three keys in line."""
    for client in (running.client, another_key(running, "second"), another_key(running, "third")):
        client.call()
    running.execute(
        "INSERT INTO call_api.calls (id, key_id, agent_id, agent_name, from_number, to_number, state, provider,"
        " created_at, due_at) SELECT gen_random_uuid(), key_id, agent_id, agent_name, from_number,"
        " to_number, state, provider, created_at, due_at FROM call_api.calls, generate_series(2, :n)",
        n=of_each,
    )


BY_KEY = "SELECT count(*) FROM call_api.calls WHERE state IN ('dialing', 'in-progress') GROUP BY key_id"


def test_never_more_than_the_limit_over_threads(serve: Serve) -> None:
    running = serve(max_concurrent_calls=7)
    crowd(running, 40)
    for _ in range(8):
        with ThreadPoolExecutor(4) as pool:
            for job in [pool.submit(running.api.place_calls) for _ in range(4)]:
                job.result()
        assert running.scalars(BY_KEY) == [7, 7, 7]
        running.execute("UPDATE call_api.calls SET state = 'queued' WHERE state = 'dialing'")


def test_an_older_call_that_comes_meanwhile_gets_no_place_too_many(serve: Serve) -> None:
    """Two who take calls at once see different lines, and neither sees what the other is about to mark."""
    running = serve(max_concurrent_calls=1)
    running.client.call()
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with ThreadPoolExecutor(1) as pool, running.api.engine.begin() as conn:
        taken = next_in_line(conn, max_concurrent=1, limit=10, now=running.clock())
        assert len(mark_dialing(conn, taken, running.clock())) == 1
        older = running.client.call()
        before = running.clock() - timedelta(seconds=5)
        running.execute("UPDATE call_api.calls SET due_at = :at WHERE id = :id", at=before, id=older)
        other = pool.submit(running.api.place_calls)
        with running.api.engine.connect() as watching:
            until = time.monotonic() + 10
            while not other.done() and not watching.execute(waiting).scalar() and time.monotonic() < until:
                watching.rollback()
        conn.commit()
        other.result()
    assert running.scalars(UNDER_WAY) == [1]


def _place_and_follow(url: str, seconds: float) -> int:
    """What a worker does, in a process of its own, until all is done; returns the most calls of one key it saw
    under way.
    """
    engine = create_engine(url, pool_size=2)
    settings = {"max_concurrent_calls": 3, "simulated": {"ring_seconds": 0.01, "talk_seconds": 0.01}}
    api = CallApi(engine, CallApiSettings.model_validate(settings))
    until, most, left = time.monotonic() + seconds, 0, True
    open_calls = sa.text("SELECT EXISTS (SELECT 1 FROM call_api.calls WHERE state <> 'completed')")
    while left and time.monotonic() < until:
        api.place_calls()
        with engine.connect() as conn:
            most = max(most, *conn.execute(sa.text(BY_KEY)).scalars(), 0)
        api.follow_calls()
        with engine.connect() as conn:
            left = bool(conn.execute(open_calls).scalar())
    engine.dispose()
    return most


def test_never_more_than_the_limit_over_processes(serve: Serve, database_url: str) -> None:
    running = serve()
    crowd(running, 30)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        seen = [
            job.result() for job in [pool.submit(_place_and_follow, database_url, 60.0) for _ in range(2)]
        ]
    assert max(seen) == 3
    assert running.scalars("SELECT count(*) FROM call_api.call_states WHERE state = 'dialing'") == [90]
    assert running.scalars("SELECT DISTINCT state FROM call_api.calls") == ["completed"]
    # of each call's time under way, how many others of its key were under way when it was dialled
    overlaps = running.scalars(
        "SELECT count(*) FROM call_api.calls a JOIN call_api.calls b ON b.key_id = a.key_id"
        " AND b.dialed_at <= a.dialed_at AND b.ended_at > a.dialed_at GROUP BY a.id"
    )
    assert max(overlaps) <= 3


@pytest.mark.parametrize("setting", ["queue", "refuse"])
def test_twenty_at_once(serve: Serve, setting: str) -> None:
    running = serve(max_concurrent_calls=10, over_concurrency=setting)
    body = {"phone_number": "+12025550101"}
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: running.client.trigger(body), range(20)))
    accepted = [answer for answer in answers if answer.status_code == 200]
    assert len(accepted) == (20 if setting == "queue" else 10)
    for answer in answers:
        if answer.status_code != 200:
            assert answer.status_code == 429
            assert answer.headers["Retry-After"] == "5"
            assert answer.json() == {
                "success": False,
                "error": "This key has 10 calls under way or about to be dialed, and may not have more",
                "code": "concurrency_limit",
            }
    running.api.place_calls()
    assert running.scalars(UNDER_WAY) == [10]


def test_refused_until_a_call_ends_and_each_key_for_itself(serve: Serve) -> None:
    running = serve(max_concurrent_calls=2, over_concurrency="refuse")
    body = {"phone_number": "+12025550101"}
    for _ in range(2):
        running.client.call()
    assert running.client.trigger(body).status_code == 429
    assert another_key(running).trigger(body).status_code == 200
    running.api.place_calls()
    assert running.client.trigger(body).status_code == 429
    running.clock.advance(seconds=10)
    running.api.follow_calls()
    assert Counter(running.client.trigger(body).status_code for _ in range(3)) == {200: 2, 429: 1}


def test_a_call_that_waits_for_later_takes_no_place(serve: Serve) -> None:
    running = serve(max_concurrent_calls=1, over_concurrency="refuse")
    running.client.call()
    running.execute("UPDATE call_api.calls SET due_at = due_at + interval '1 h'")
    running.client.call()
    assert running.client.trigger({"phone_number": "+12025550101"}).status_code == 429


def test_a_repeated_request_is_answered_also_when_no_place_is_free(serve: Serve) -> None:
    running = serve(max_concurrent_calls=1, over_concurrency="refuse")
    headers = {"Idempotency-Key": "one"}
    body = {"phone_number": "+12025550101"}
    first, again = (running.client.trigger(body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert running.client.trigger(body, headers={"Idempotency-Key": "two"}).status_code == 429


def test_the_same_request_twenty_times_at_once_takes_one_place(serve: Serve) -> None:
    running = serve(max_concurrent_calls=1, over_concurrency="refuse")
    headers = {"Idempotency-Key": "one"}
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(
                lambda _: running.client.trigger({"phone_number": "+12025550101"}, headers=headers), range(20)
            )
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["call_id"] for answer in answers}) == 1
