"""From a queued call to its end: dialled once, followed, and told of."""

import json
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from connector.call_api.calls import lock_calls
from connector.call_api.carriers import Dial, Placed, Refused, Sighting, Unknown
from connector.call_api.carriers.simulated import SimulatedCarrier
from connector.call_api.judging import PutOff
from connector.call_api.moving import move_calls
from connector.call_api.placing import AT_ONCE, AT_RISK, after_turn
from connector.call_api.waiting import after_judging, next_in_line
from tests.call_api.conftest import SECRET, Running, Serve

HOOKS = [{"url": "https://example.com/calls", "secret": SECRET}]


def events(running: Running, call_id: str) -> list[dict[str, Any]]:
    query = "SELECT body FROM call_api.events WHERE call_id = :id ORDER BY event DESC"
    bodies = running.scalars(query, id=call_id)
    return [json.loads(body) for body in bodies]


def step(running: Running) -> None:
    running.api.place_calls()
    running.api.follow_calls()


def jobs(running: Running) -> set[str]:
    return set(running.scalars("SELECT task_name FROM jobs.procrastinate_jobs WHERE status = 'todo'"))


@pytest.mark.parametrize(
    ("number", "state", "outcome", "told"),
    [
        ("+12025550190", "completed", "answered", ["in-progress", "completed"]),
        ("+12025550101", "completed", "answered", ["in-progress", "completed"]),
        ("+12025550191", "no-answer", "no_answer", ["no-answer"]),
        ("+12025550192", "busy", "busy", ["no-answer"]),
        ("+12025550193", "voicemail", "voicemail", ["in-progress", "completed"]),
        ("+12025550194", "failed", "failed", ["failed"]),
        ("+12025550195", "completed", "answered", ["in-progress", "completed"]),
        ("+12025550196", "failed", "failed", ["failed"]),
    ],
)
def test_the_reserved_numbers(serve: Serve, number: str, state: str, outcome: str, told: list[str]) -> None:
    running = serve(webhooks=HOOKS)
    call_id = running.client.call(number)
    for _ in range(40):
        step(running)
        running.clock.advance(seconds=1)
    call = running.client.show(call_id)
    assert (call["status"], call["outcome"]) == (state, outcome)
    assert call["history"][-1]["state"] == state
    assert [event["status"] for event in events(running, call_id)] == told
    assert events(running, call_id)[-1]["outcome"] == outcome
    assert (call["reason"] is None) == (outcome in ("answered", "voicemail"))


def test_a_call_goes_through_its_states_at_their_times(running: Running) -> None:
    call_id = running.client.call()
    began = running.clock()
    running.clock.advance(seconds=5)
    states = []
    for _ in range(5):
        step(running)
        states.append(running.client.show(call_id)["status"])
        running.clock.advance(seconds=1)
    assert states == ["dialing", "in-progress", "in-progress", "completed", "completed"]
    at = [
        (s["state"], datetime.fromisoformat(s["at"]) - began) for s in running.client.show(call_id)["history"]
    ]
    assert at == [
        ("queued", timedelta(0)),
        ("dialing", timedelta(seconds=5)),
        ("in-progress", timedelta(seconds=6)),
        ("completed", timedelta(seconds=8)),
    ]


def test_without_any_waiting_one_look_tells_both_events(serve: Serve) -> None:
    running = serve(webhooks=HOOKS, simulated={"ring_seconds": 0, "talk_seconds": 0})
    call_id = running.client.call()
    running.api.place_calls()
    assert jobs(running) >= {"follow_calls"}
    running.api.follow_calls()
    assert [event["event"] for event in events(running, call_id)] == ["call_started", "call_ended"]
    assert "deliver" in jobs(running)


def test_an_event_holds_the_documented_fields_and_metadata_to_the_digit(serve: Serve) -> None:
    running = serve(webhooks=HOOKS)
    metadata = '{"deal": 1.10, "n": 1e400, "é":"\\u00e9"}'
    answer = running.client.trigger(
        '{"phone_number": "+12025550190", "name": "Ada", "metadata": ' + metadata + "}"
    )
    call_id = answer.json()["call_id"]
    for _ in range(5):
        step(running)
        running.clock.advance(seconds=1)
    bodies = running.scalars("SELECT body FROM call_api.events ORDER BY event DESC")
    assert all(f'"metadata":{metadata},' in body for body in bodies)
    started, ended = (json.loads(body) for body in bodies)
    call = running.client.show(call_id)
    shared = {
        **{name: call[name] for name in ("call_id", "agent_id", "agent_name", "from_number", "to_number")},
        **{name: call[name] for name in ("started_at", "provider", "provider_call_id", "metadata")},
        "direction": "outbound",
    }
    assert started == {"id": started["id"], "event": "call_started", "status": "in-progress", **shared}
    more = (
        "ended_at",
        "duration_seconds",
        "cost_cents",
        "transcript",
        "summary",
        "sentiment",
        "recording_url",
    )
    assert ended == {
        **{"id": ended["id"], "event": "call_ended", "status": "completed", **shared},
        **{"outcome": "answered", "reason": None},
        **{name: call[name] for name in more},
    }
    assert started["id"] != ended["id"]


class Ledger(SimulatedCarrier):
    """Counts dials, and can fail in the ways carriers do."""

    name: ClassVar[str] = "ledger"

    def __init__(self) -> None:
        super().__init__()
        self.dials: Counter[str] = Counter()
        self.looks = 0
        self.answer: Placed | Refused | Unknown | Exception | None = None
        self.lost = False

    def place(self, call: Dial, now: datetime) -> Placed | Refused | Unknown:
        self.dials[call.id] += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or super().place(call, now)

    def look_up(self, call: Dial, now: datetime) -> Sighting | Unknown:
        self.looks += 1
        return Unknown("it does not know this call") if self.lost else super().look_up(call, now)


@pytest.fixture
def carrier() -> Ledger:
    return Ledger()


def test_a_crash_between_dialing_and_the_answer_never_dials_again(serve: Serve, carrier: Ledger) -> None:
    running = serve(carrier=carrier, webhooks=HOOKS)
    call_id = running.client.call()
    running.execute(  # as place_calls leaves it if it dies right after its first commit
        "UPDATE call_api.calls SET state = 'dialing', dialed_at = :now,"
        " next_look_at = :now + interval '30 s', look_until = :now + interval '2 h'",
        now=running.clock(),
    )
    for _ in range(40):
        step(running)
        running.clock.advance(seconds=1)
    assert carrier.dials == {}
    assert running.client.show(call_id)["status"] == "completed"


def test_a_dial_that_never_left_frees_its_place_soon_and_is_never_made(serve: Serve) -> None:
    """Killed after `dialing` was committed: the carrier answers that it knows no such call, and is believed."""

    class Forgetful(Ledger):
        def look_up(self, call: Dial, now: datetime) -> Sighting | Unknown:
            known = self.dials[call.id] > 0
            return super().look_up(call, now) if known else Unknown("no such call", not_there=True)

    carrier = Forgetful()
    running = serve(carrier=carrier, webhooks=HOOKS, max_concurrent_calls=1)
    cut_off, waiting = running.client.call(), running.client.call()
    running.execute(
        "UPDATE call_api.calls SET state = 'dialing', dialed_at = :now,"
        " next_look_at = :now + interval '30 s', look_until = :now + interval '2 h' WHERE id = :id",
        now=running.clock(),
        id=cut_off,
    )
    for _ in range(19):
        running.clock.advance(seconds=15)
        step(running)
        assert running.client.show(cut_off)["status"] == "dialing"
        assert running.client.show(waiting)["status"] == "queued"
    running.clock.advance(seconds=15)
    running.api.follow_calls()
    call = running.client.show(cut_off)
    assert (call["status"], call["reason"]) == (
        "unknown",
        "nobody could tell what became of it: no such call",
    )
    step(running)
    assert carrier.dials == {waiting: 1}


def test_an_unknown_dial_is_looked_up_and_never_repeated(serve: Serve, carrier: Ledger) -> None:
    carrier.answer = Unknown("a time-out")
    running = serve(carrier=carrier)
    call_id = running.client.call()
    step(running)
    assert running.client.show(call_id)["reason"] == "a time-out"
    running.clock.advance(seconds=15)
    step(running)
    assert running.client.show(call_id)["status"] == "completed"
    assert carrier.dials == {call_id: 1}


def test_a_call_nobody_can_tell_of_ends_as_unknown(serve: Serve, carrier: Ledger) -> None:
    carrier.answer, carrier.lost = RuntimeError("boom"), True
    running = serve(carrier=carrier, webhooks=HOOKS)
    call_id = running.client.call()
    for _ in range(9):
        step(running)
        assert running.client.show(call_id)["status"] == "dialing"
        running.clock.advance(minutes=14)
    step(running)
    call = running.client.show(call_id)
    assert (call["status"], call["outcome"]) == ("unknown", "unknown")
    assert call["reason"] == "nobody could tell what became of it: it does not know this call"
    assert [event["status"] for event in events(running, call_id)] == ["failed"]
    assert carrier.dials == {call_id: 1}


def test_one_call_that_breaks_the_carrier_does_not_stop_the_others(serve: Serve) -> None:
    class Brittle(Ledger):
        def place(self, call: Dial, now: datetime) -> Placed | Refused | Unknown:
            if call.to_number == "+12025550102":
                raise ValueError("a defect")
            return super().place(call, now)

    running = serve(carrier=Brittle())
    ids = [running.client.call(f"+1202555010{last}") for last in (1, 2, 3)]
    running.api.place_calls()
    reasons = [running.client.show(call_id)["reason"] for call_id in ids]
    assert reasons == [None, "ValueError in the code of the carrier ledger", None]


def test_hundreds_of_calls_are_dialled_once_each_also_by_two_jobs(serve: Serve, carrier: Ledger) -> None:
    from concurrent.futures import ThreadPoolExecutor

    running = serve(carrier=carrier, webhooks=HOOKS)
    ids = {running.client.call() for _ in range(230)}
    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(running.api.place_calls) for _ in range(2)]:
            job.result()
    assert carrier.dials == dict.fromkeys(ids, 1)
    running.clock.advance(seconds=10)
    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(running.api.follow_calls) for _ in range(2)]:
            job.result()
    assert running.scalars("SELECT DISTINCT state FROM call_api.calls") == ["completed"]
    assert running.scalars("SELECT count(*) FROM call_api.events") == [460]


def test_the_agent_is_kept_as_it_was(running: Running) -> None:
    call_id = running.client.call()
    running.execute(
        "UPDATE call_api.agents SET name = 'Renamed', phone_number = '+12025550109' WHERE is_default"
    )
    call = running.client.show(call_id)
    assert (call["agent_name"], call["from_number"]) == ("Lead Qualifier", "+12025550100")


def test_the_sweep_starts_what_is_due_and_nothing_else(serve: Serve) -> None:
    running = serve(webhooks=HOOKS)
    running.api.sweep()
    assert jobs(running) == set()
    running.client.call()
    running.execute("DELETE FROM jobs.procrastinate_jobs")  # the nudge is lost
    running.api.sweep()
    running.api.sweep()
    assert running.scalars("SELECT task_name FROM jobs.procrastinate_jobs") == ["place_calls"]
    running.api.place_calls()
    running.execute("DELETE FROM jobs.procrastinate_jobs")
    running.api.sweep()
    assert jobs(running) == set()
    running.clock.advance(seconds=1)
    running.api.sweep()
    assert jobs(running) == {"follow_calls"}
    running.api.follow_calls()
    running.execute("DELETE FROM jobs.procrastinate_jobs")
    running.api.sweep()
    assert jobs(running) == {"deliver"}


def test_the_tasks_have_their_names(running: Running) -> None:
    tasks = running.api.tasks()
    assert [task.name for task in tasks] == ["place_calls", "follow_calls", "deliver", "call_api_sweep"]
    assert [task.periodic for task in tasks] == [None, None, None, "* * * * * *"]


def test_a_waiting_call_expires(serve: Serve) -> None:
    running = serve(webhooks=HOOKS)
    kept, dropped = running.client.call(), running.client.call()
    running.execute(  # far from its turn, as outside a calling window
        "UPDATE call_api.calls SET due_at = :due, expires_at = :end WHERE id = :id",
        due=running.clock() + timedelta(days=3),
        end=running.clock() + timedelta(hours=1),
        id=dropped,
    )
    running.api.place_calls()
    running.clock.advance(minutes=59, seconds=59)
    running.execute("DELETE FROM jobs.procrastinate_jobs")
    running.api.sweep()
    assert "place_calls" not in jobs(running)
    running.clock.advance(seconds=1)
    running.api.sweep()
    assert "place_calls" in jobs(running)
    running.api.place_calls()
    running.api.place_calls()
    call = running.client.show(dropped)
    assert (call["status"], call["outcome"], call["dialed_at"]) == ("expired", "expired", None)
    assert call["reason"] == "it was still waiting when it expired"
    assert call["history"][-1]["reason"] == call["reason"]
    assert [event["event"] for event in events(running, dropped)] == ["call_ended"]
    assert running.client.show(kept)["status"] != "expired"


def test_a_call_that_is_due_and_expired_is_not_dialled(serve: Serve, carrier: Ledger) -> None:
    running = serve(carrier=carrier)
    late, good = running.client.call(), running.client.call()
    running.execute(
        "UPDATE call_api.calls SET expires_at = :now WHERE id = :id", now=running.clock(), id=late
    )
    running.api.place_calls()
    assert carrier.dials == {good: 1}
    assert running.client.show(late)["status"] == "expired"


def test_more_calls_expire_than_fit_one_batch(running: Running) -> None:
    for _ in range(3):
        running.client.call()
    running.execute("UPDATE call_api.calls SET expires_at = :now", now=running.clock())
    running.execute(
        "INSERT INTO call_api.calls (id, key_id, agent_id, agent_name, from_number, to_number, state, provider,"
        " created_at, due_at, expires_at) SELECT gen_random_uuid(), key_id, agent_id, agent_name, from_number,"
        " to_number, state, provider, created_at, due_at, expires_at FROM call_api.calls, generate_series(1, 150)"
    )
    running.api.place_calls()
    assert running.rows("SELECT state, count(*) AS n FROM call_api.calls GROUP BY 1") == [
        {"state": "expired", "n": 453}
    ]


def test_what_is_judged_to_wait_waits_with_its_reason(running: Running) -> None:
    """The path that a calling window takes at the instant of dialling."""
    call_id = running.client.call()
    later = running.clock() + timedelta(hours=2)
    with running.api.engine.begin() as conn:
        now = running.clock()
        (row,) = next_in_line(conn, max_concurrent=None, limit=10, now=now)
        move_calls(conn, [(row, after_judging(PutOff(later, "it is night there"), now))], now)
    running.api.place_calls()
    call = running.client.show(call_id)
    assert (call["status"], datetime.fromisoformat(call["scheduled_for"])) == ("queued", later)
    assert call["history"][-1]["reason"] == "it is night there"
    running.clock.advance(hours=2)
    running.api.place_calls()
    call = running.client.show(call_id)
    assert (call["status"], datetime.fromisoformat(call["scheduled_for"])) == ("dialing", later)


def test_a_call_put_off_until_now_waits_a_little_all_the_same(running: Running) -> None:
    now = running.clock()
    assert after_judging(PutOff(now, "a slip"), now).columns == {"due_at": now + timedelta(seconds=1)}


def test_a_long_talk_is_not_given_up_too_soon(serve: Serve, carrier: Ledger) -> None:
    carrier.lost = True
    running = serve(carrier=carrier)
    call_id = running.client.call()
    running.execute("UPDATE call_api.calls SET max_talk_seconds = 4 * 3600")
    running.api.place_calls()
    running.clock.advance(hours=4)
    running.api.follow_calls()
    assert running.client.show(call_id)["status"] == "dialing"
    running.clock.advance(minutes=5)
    running.api.follow_calls()
    assert running.client.show(call_id)["status"] == "unknown"


def test_a_crash_takes_few_calls_from_a_slow_carrier_however_many_wait(serve: Serve) -> None:
    """A call marked to be dialled is lost to a crash: so few are, and the next when these are dialled."""
    marked: list[int] = []

    class Slow(SimulatedCarrier):
        name: ClassVar[str] = "slow"

        def place(self, call: Dial, now: datetime) -> Placed | Refused | Unknown:
            count = "SELECT count(*) FROM call_api.calls WHERE state = 'dialing' AND provider_call_id IS NULL"
            marked.append(running.scalars(count)[0])
            threading.Event().wait(AT_RISK)
            return super().place(call, now)

    running = serve(carrier=Slow())
    for _ in range(3 * AT_ONCE):
        running.client.call()
    running.api.place_calls()
    assert len(marked) == 3 * AT_ONCE
    assert max(marked) == AT_ONCE


def test_what_ended_while_it_waited_for_its_turn_stays_ended(running: Running) -> None:
    """The calls before it took so long that it was looked up as lost; then its window had closed."""
    call_id = running.client.call()
    running.until_quiet()
    running.clock.advance(seconds=10)
    running.until_quiet()
    with running.api.engine.begin() as conn:
        row = lock_calls(conn, [call_id])[call_id]
    assert row["state"] == "completed"
    later = running.clock() + timedelta(hours=2)
    assert not after_turn(row, PutOff(later, "it is night there"), running.clock())
    assert not after_turn(row, Refused("too late"), running.clock())
    assert after_turn({**row, "state": "dialing"}, PutOff(later, "it is night there"), running.clock())
