"""Call events on their way to a real receiver on loopback."""

import json
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from connector.call_api.deliver import BATCH
from connector.call_api.outbox import list_dead
from tests.call_api.conftest import SECRET, Receiver, Running, Serve

OTHER_SECRET = "whsec_" + "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI="
AT_ONCE = {"ring_seconds": 0, "talk_seconds": 0}
LOCAL = {"simulated": AT_ONCE, "allow_private_webhook_targets": True}
"""The receivers of these tests are on loopback."""


@pytest.fixture
def running(serve: Serve, receiver: Receiver) -> Running:
    return serve(webhooks=[{"url": receiver.url, "secret": SECRET}], **LOCAL)


def names(receiver: Receiver) -> list[str]:
    return [json.loads(each.body)["event"] for each in receiver.received]


def tries(running: Running) -> list[tuple[int | None, str | None]]:
    rows = running.rows("SELECT status, error FROM call_api.delivery_tries ORDER BY delivery_id, number")
    return [(row["status"], row["error"]) for row in rows]


def test_events_arrive_signed_in_order_and_once(running: Running, receiver: Receiver) -> None:
    call_id = running.client.call(metadata={"deal": "9001"})
    running.until_quiet()
    running.until_quiet()
    assert names(receiver) == ["call_started", "call_ended"]
    for each in receiver.received:
        event = Webhook(SECRET).verify(each.body, each.headers)
        assert event["id"] == each.headers["webhook-id"]
        assert (event["call_id"], event["metadata"]) == (call_id, {"deal": "9001"})
        assert each.headers["content-type"] == "application/json"
        assert each.headers["webhook-timestamp"] == str(int(running.clock().timestamp()))
    assert tries(running) == [(200, None), (200, None)]
    assert running.scalars("SELECT DISTINCT state FROM call_api.deliveries") == ["sent"]


def test_a_retry_has_the_same_id_and_body_and_a_fresh_signature(running: Running, receiver: Receiver) -> None:
    receiver.answers = [500]
    running.client.call("+12025550191")
    running.until_quiet()
    assert len(receiver.received) == 1
    running.clock.advance(seconds=4)
    running.until_quiet()
    assert len(receiver.received) == 1
    running.clock.advance(seconds=2)
    running.until_quiet()
    first, second = receiver.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 6
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    Webhook(SECRET).verify(second.body, second.headers)
    assert tries(running) == [(500, "answered 500"), (200, None)]


def test_call_ended_waits_for_call_started(running: Running, receiver: Receiver) -> None:
    receiver.answers = [500]
    running.client.call()
    running.until_quiet()
    running.until_quiet()
    assert names(receiver) == ["call_started"]
    running.clock.advance(seconds=6)
    running.until_quiet()
    assert names(receiver) == ["call_started", "call_started", "call_ended"]


def test_a_dead_call_started_lets_call_ended_go(running: Running, receiver: Receiver) -> None:
    receiver.answers = [400]
    running.client.call()
    running.until_quiet()
    running.until_quiet()
    assert names(receiver) == ["call_started", "call_ended"]


def test_other_calls_do_not_wait_for_a_call_that_failed(running: Running, receiver: Receiver) -> None:
    receiver.answers = [500]
    for _ in range(30):
        running.client.call("+12025550191")
    running.until_quiet()
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 30
    assert running.rows("SELECT state, count(*) FROM call_api.deliveries GROUP BY 1 ORDER BY 1") == [
        {"state": "pending", "count": 1},
        {"state": "sent", "count": 29},
    ]


@pytest.mark.parametrize("status", [400, 404, 302])
def test_what_will_not_pass_is_dead_kept_and_visible(
    running: Running, receiver: Receiver, status: int
) -> None:
    receiver.answers = [status]
    receiver.headers = {"Location": receiver.url}
    call_id = running.client.call("+12025550191")
    running.until_quiet()
    running.clock.advance(days=3)
    running.until_quiet()
    assert len(receiver.received) == 1
    with running.api.engine.connect() as conn:
        (dead,) = list_dead(conn)
    assert (dead["call_id"], dead["event"], dead["url"]) == (call_id, "call_ended", receiver.url)
    assert (dead["status"], dead["tries"]) == (status, 1)


def test_after_ten_tries_an_event_is_dead(running: Running, receiver: Receiver) -> None:
    receiver.answers = [500] * 20
    running.client.call("+12025550191")
    began = running.clock()
    for _ in range(500):
        running.until_quiet()
        if running.scalars("SELECT state FROM call_api.deliveries") == ["dead"]:
            break
        running.clock.now = running.scalars("SELECT due_at FROM call_api.deliveries")[0]
    assert len(receiver.received) == 10
    assert timedelta(days=2.5) < running.clock() - began < timedelta(days=3.3)
    assert running.scalars("SELECT number FROM call_api.delivery_tries ORDER BY number") == list(range(1, 11))


def test_retry_after_is_obeyed(running: Running, receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [429], {"Retry-After": "90"}
    running.client.call("+12025550191")
    running.until_quiet()
    assert running.scalars("SELECT due_at FROM call_api.deliveries") == [
        running.clock() + timedelta(seconds=90)
    ]


def test_no_answer_and_nobody_there_are_tried_again(serve: Serve, receiver: Receiver) -> None:
    hooks = [{"url": receiver.url, "secret": SECRET}, {"url": "http://127.0.0.1:9/", "secret": SECRET}]
    running = serve(webhooks=hooks, **LOCAL)
    receiver.answers = [0]
    running.client.call("+12025550191")
    running.until_quiet()
    assert [status for status, _ in tries(running)] == [None, None]
    assert sorted(str(error).partition(":")[0] for _, error in tries(running)) == [
        "no answer",
        "no connection",
    ]
    assert running.scalars("SELECT DISTINCT state FROM call_api.deliveries") == ["pending"]


def test_every_endpoint_gets_every_event_with_its_own_signature(serve: Serve, receiver: Receiver) -> None:
    hooks = [{"url": receiver.url, "secret": SECRET}, {"url": receiver.url + "/b", "secret": OTHER_SECRET}]
    running = serve(webhooks=hooks, **LOCAL)
    running.client.call("+12025550191")
    running.until_quiet()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_events_for_an_endpoint_that_was_removed_wait_until_it_is_back(
    serve: Serve, receiver: Receiver
) -> None:
    hooks = [{"url": receiver.url, "secret": SECRET}]
    running = serve(webhooks=hooks, **LOCAL)
    running.client.call("+12025550191")
    running.api.place_calls()
    running.api.follow_calls()
    serve(webhooks=[], **LOCAL)
    running.until_quiet()
    running.api.sweep()
    assert receiver.received == []
    running.client.call("+12025550191")
    running.until_quiet()
    serve(webhooks=[hooks[0] | {"secret": OTHER_SECRET}], **LOCAL)
    running.until_quiet()
    (only,) = receiver.received
    Webhook(OTHER_SECRET).verify(only.body, only.headers)


def test_an_endpoint_of_a_name_takes_what_waits_to_its_new_url(serve: Serve, receiver: Receiver) -> None:
    """The port of a server changed between two starts: the events in flight follow it."""
    old = {"url": "http://127.0.0.1:9/old", "secret": SECRET, "name": "connector: sales"}
    running = serve(webhooks=[old], **LOCAL)
    running.client.call("+12025550191")
    running.api.place_calls()
    running.api.follow_calls()
    serve(webhooks=[old | {"url": receiver.url}], **LOCAL)
    running.until_quiet()
    assert len(receiver.received) == 1


def test_many_calls_arrive_each_in_order(running: Running, receiver: Receiver) -> None:
    ids = [running.client.call() for _ in range(45)]
    running.until_quiet()
    order = [(json.loads(each.body)["call_id"], json.loads(each.body)["event"]) for each in receiver.received]
    assert sorted(order) == sorted((i, event) for i in ids for event in ("call_started", "call_ended"))
    assert all(order.index((i, "call_started")) < order.index((i, "call_ended")) for i in ids)


def test_an_endpoint_that_fails_leaves_the_worker_and_is_nudged_again(
    running: Running, receiver: Receiver
) -> None:
    receiver.answers = [500] * 100
    for _ in range(BATCH + 10):
        running.client.call("+12025550191")
    running.api.place_calls()
    running.api.follow_calls()
    running.execute("DELETE FROM jobs.procrastinate_jobs")
    (endpoint_id,) = running.scalars("SELECT id::text FROM call_api.endpoints")
    running.api.deliver(endpoint_id)
    assert len(receiver.received) == BATCH
    assert running.scalars("SELECT task_name FROM jobs.procrastinate_jobs") == ["deliver"]
