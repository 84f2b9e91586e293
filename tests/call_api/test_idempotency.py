"""The header Idempotency-Key: one call, however often the request arrives."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import quote

import pytest
import requests

from connector.call_api import keys
from tests.call_api.conftest import Running, Serve

BODY = {"phone_number": "+12025550101", "name": "Ada"}


def send(running: Running, key: str, body: object = BODY) -> requests.Response:
    return running.client.trigger(body, headers={"Idempotency-Key": key})


def calls(running: Running) -> int:
    return int(running.scalars("SELECT count(*) FROM call_api.calls")[0])


def test_the_first_answer_comes_again(running: Running) -> None:
    first, again = send(running, "deal-1"), send(running, "deal-1")
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert calls(running) == 1


def test_also_when_the_agent_has_gone_mute_since(running: Running) -> None:
    first = send(running, "deal-1")
    running.execute("UPDATE call_api.agents SET phone_number = NULL")
    assert send(running, "deal-1").json() == first.json()


def test_another_body_is_409(running: Running) -> None:
    send(running, "deal-1")
    answer = send(running, "deal-1", BODY | {"name": "Grace"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "idempotency_key_reused"
    assert calls(running) == 1


def test_a_refused_request_leaves_its_key_free(running: Running) -> None:
    assert send(running, "deal-1", {"phone_number": "1"}).status_code == 400
    assert send(running, "deal-1").status_code == 200


def test_the_same_text_under_another_api_key_is_another_call(running: Running) -> None:
    send(running, "deal-1")
    with running.api.engine.begin() as conn:
        running.client.key = keys.create_key(conn, "other", now=running.clock()).key
    assert "Idempotent-Replayed" not in send(running, "deal-1").headers
    assert calls(running) == 2


@pytest.mark.parametrize("limit", [None, 20])
def test_twenty_at_once_are_one_call(serve: Serve, limit: int | None) -> None:
    running = serve(max_per_minute=limit)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: send(running, "deal-1"), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["call_id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 19
    assert calls(running) == 1


def test_twenty_at_once_with_two_bodies_are_one_call_and_conflicts(running: Running) -> None:
    bodies = [BODY, BODY | {"name": "Grace"}] * 10
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda body: send(running, "deal-1", body), bodies))
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [409] * 10
    assert calls(running) == 1


def test_the_limit_is_exact_for_twenty_at_once(serve: Serve) -> None:
    running = serve(max_per_minute=7)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: running.client.trigger(BODY), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [429] * 13
    assert calls(running) == 7


@pytest.mark.parametrize("key", ["x" * 255, "a b", "deal/1?&=", quote("Käufer-7 \u260e")])
def test_any_ascii_text_of_255_characters_is_a_key(running: Running, key: str) -> None:
    assert send(running, key).status_code == 200
    assert send(running, key).headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 256, "\xe9"])
def test_400_for_a_key_too_short_or_long_or_not_ascii(running: Running, key: str) -> None:
    answer = send(running, key)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_idempotency_key"
    assert "percent-encode others" in answer.json()["error"]


def test_a_key_is_remembered_for_a_week(running: Running) -> None:
    first = send(running, "deal-1").json()["call_id"]
    running.clock.advance(days=6, hours=23, minutes=59)
    assert send(running, "deal-1").json()["call_id"] == first
    running.clock.advance(minutes=1)
    second = send(running, "deal-1")
    assert "Idempotent-Replayed" not in second.headers
    assert second.json()["call_id"] != first
    assert send(running, "deal-1").json()["call_id"] == second.json()["call_id"]


def test_old_keys_are_forgotten_by_the_sweep(running: Running) -> None:
    send(running, "deal-1")
    running.clock.advance(days=7)
    send(running, "deal-2")
    running.api.sweep()
    assert running.scalars("SELECT idempotency_key FROM call_api.calls ORDER BY created_at") == [
        None,
        "deal-2",
    ]


def test_the_answer_of_a_waiting_call_comes_again_to_the_letter(running: Running) -> None:
    at = (running.clock() + timedelta(hours=2)).isoformat()
    body = {
        "phone_number": "+12025550190",
        "scheduled_at": at,
        "expires_at": at.replace("+00:00", ".5+00:00"),
    }
    first = send(running, "later", body)
    assert first.json()["call_status"] == "queued"
    running.clock.advance(days=3)  # both moments are over, and the answer is still the first one
    again = send(running, "later", body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == first.content
