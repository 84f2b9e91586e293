"""The limit of requests a minute: what counts, what is told of it, and that it is exact however many ask at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import sqlalchemy as sa

from connector.call_api import keys, limits
from connector.database import create_engine
from tests.call_api.conftest import Running, Serve

FINE = {"phone_number": "+12025550101"}


def told(answer: requests.Response) -> tuple[str | None, ...]:
    """Limit, remaining, reset."""
    return tuple(answer.headers.get(f"X-RateLimit-{name}") for name in ("Limit", "Remaining", "Reset"))


def test_every_answer_tells_what_is_left(serve: Serve) -> None:
    running = serve(max_per_minute=3)
    assert told(running.client.trigger(FINE)) == ("3", "2", "60")
    running.clock.advance(seconds=10)
    assert told(running.client.trigger("not even JSON")) == ("3", "1", "50")
    running.clock.advance(seconds=20.5)
    assert told(running.client.trigger(FINE)) == ("3", "0", "30")
    full = running.client.trigger(FINE)
    assert (full.status_code, full.headers["Retry-After"]) == (429, "30")
    assert told(full) == ("3", "0", "30")
    running.clock.advance(seconds=29.5)
    assert told(running.client.trigger(FINE)) == ("3", "0", "10")


def test_429_before_the_body_is_judged(serve: Serve) -> None:
    running = serve(max_per_minute=1)
    running.client.call()
    answer = running.client.trigger("not even JSON")
    assert answer.status_code == 429
    assert answer.json() == {"success": False, "error": "Rate limit exceeded", "code": "rate_limited"}


def test_a_place_is_free_exactly_when_the_window_has_slid(serve: Serve) -> None:
    running = serve(max_per_minute=2)
    running.client.call()
    running.clock.advance(seconds=59.999999)
    running.client.call()
    assert running.client.trigger(FINE).headers["Retry-After"] == "1"
    running.clock.advance(microseconds=1)
    running.client.call()
    assert running.client.trigger(FINE).headers["Retry-After"] == "60"


@pytest.mark.parametrize(
    "body", ["{", {"phone_number": "1"}, {**FINE, "agent_id": "nobody"}, {**FINE, "name": 5}]
)
def test_a_refused_request_counts(serve: Serve, body: object) -> None:
    running = serve(max_per_minute=2)
    assert running.client.trigger(body).status_code == 400
    running.client.call()
    assert running.client.trigger(FINE).status_code == 429


def test_a_replay_counts(serve: Serve) -> None:
    running = serve(max_per_minute=2)
    for remaining in ("1", "0"):
        answer = running.client.trigger(FINE, headers={"Idempotency-Key": "one"})
        assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (200, remaining)
    assert running.client.trigger(FINE, headers={"Idempotency-Key": "one"}).status_code == 429


def test_what_is_refused_for_the_limit_reading_and_strangers_do_not_count(serve: Serve) -> None:
    running = serve(max_per_minute=1)
    for _ in range(3):
        assert told(running.client.get("/calls")) == (None, None, None)
    assert told(running.client.trigger(FINE, headers={"Authorization": "Bearer x"})) == (None, None, None)
    with running.api.engine.begin() as conn:
        keys.set_access(conn, "tests", enabled=False)
    assert told(running.client.trigger(FINE)) == (None, None, None)
    with running.api.engine.begin() as conn:
        keys.set_access(conn, "tests", enabled=True)
    running.client.call()
    running.clock.advance(seconds=59)
    assert running.client.trigger(FINE).status_code == 429
    running.clock.advance(seconds=1)
    running.client.call()


def test_every_key_has_a_limit_of_its_own(serve: Serve) -> None:
    running = serve(max_per_minute=1)
    with running.api.engine.begin() as conn:
        other = keys.create_key(conn, "other", now=running.clock())
    running.client.call()
    running.client.key = other.key
    running.client.call()
    assert running.client.trigger(FINE).status_code == 429


def test_without_a_limit_nothing_is_counted_or_told(serve: Serve) -> None:
    running = serve(max_per_minute=None)
    assert told(running.client.trigger(FINE)) == (None, None, None)
    assert running.scalars("SELECT at FROM call_api.trigger_requests") == []


def test_a_limit_that_was_lowered_holds_at_once(serve: Serve) -> None:
    running = serve(max_per_minute=10)
    for _ in range(4):
        running.client.call()
        running.clock.advance(seconds=1)
    lower = serve(max_per_minute=2)
    answer = lower.client.trigger(FINE)
    assert (answer.status_code, answer.headers["Retry-After"], told(answer)[1]) == (429, "58", "0")
    lower.clock.advance(seconds=58)
    assert lower.client.call()


def test_exact_however_many_ask_two_servers_at_once(serve: Serve, database_url: str) -> None:
    here = serve(max_per_minute=25)
    elsewhere = create_engine(database_url)
    try:
        servers = (here.client, serve(max_per_minute=25, using=elsewhere).client)
        for _ in range(2):
            with ThreadPoolExecutor(40) as threads:
                answers = list(threads.map(lambda n: servers[n % 2].trigger(FINE), range(80)))
            assert Counter(answer.status_code for answer in answers) == {200: 25, 429: 55}
            left = [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers if answer.ok]
            assert sorted(left) == list(range(25))  # each got a place of its own
            here.clock.advance(seconds=60)
    finally:
        elsewhere.dispose()


def test_clocks_that_differ_do_not_let_more_through(serve: Serve) -> None:
    running = serve(max_per_minute=4)
    for seconds in (0, 2, -1.5, -0.5):  # of machines that take turns
        running.clock.advance(seconds=seconds)
        running.client.call()
    assert running.client.trigger(FINE).status_code == 429
    running.clock.advance(seconds=-10)
    assert running.client.trigger(FINE).status_code == 429
    running.clock.advance(seconds=70)
    assert told(running.client.trigger(FINE)) == ("4", "0", "2")


def test_a_clock_that_was_far_ahead_blocks_nobody(serve: Serve) -> None:
    running = serve(max_per_minute=1)
    running.client.call()
    running.clock.advance(hours=-1)
    running.client.call()
    assert running.client.trigger(FINE).status_code == 429


def test_what_silent_keys_leave_behind_is_swept(running: Running, engine: sa.Engine) -> None:
    add = "INSERT INTO call_api.trigger_requests SELECT id, :at, n FROM call_api.api_keys, generate_series(1, 5) n"
    with engine.begin() as conn:
        keys.create_key(conn, "silent", now=running.clock())
    running.execute(add, at=running.clock())
    running.clock.advance(seconds=1)
    running.execute(add, at=running.clock())
    running.clock.advance(seconds=59)
    running.api.sweep()
    left = running.scalars("SELECT at FROM call_api.trigger_requests")
    assert [(running.clock() - at).total_seconds() for at in left] == [59.0] * 10
    running.clock.advance(seconds=1)
    running.api.sweep()
    assert running.scalars("SELECT at FROM call_api.trigger_requests") == []


def test_a_trigger_forgets_what_is_older_than_its_window(serve: Serve) -> None:
    running = serve(max_per_minute=5)
    for _ in range(20):
        running.client.call()
        running.clock.advance(seconds=15)
    assert len(running.scalars("SELECT at FROM call_api.trigger_requests")) == 4


def test_looking_counts_nothing(serve: Serve) -> None:
    running = serve(max_per_minute=5)
    key_id = running.scalars("SELECT id::text FROM call_api.api_keys")[0]
    with running.api.engine.connect() as conn:
        assert limits.look(conn, key_id, 5, running.clock()) == limits.Allowance(5, 5, 0)
        running.client.call()
        running.clock.advance(seconds=20)
        for _ in range(2):
            assert limits.look(conn, key_id, 5, running.clock()) == limits.Allowance(5, 4, 40)
