"""POST /calls/{id}/cancel: a call that waits is canceled or dialled, never both."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import ClassVar

import pytest

from connector.call_api.carriers import Dial, Placed, Refused, Unknown
from connector.call_api.carriers.simulated import SimulatedCarrier
from connector.call_api.models.calls import CallShown
from tests.call_api.conftest import SECRET, Running, Serve

HOOKS = [{"url": "https://example.com/calls", "secret": SECRET}]


def events(running: Running, call_id: str) -> list[str]:
    bodies = running.scalars("SELECT body FROM call_api.events WHERE call_id = :id", id=call_id)
    return [f"{(event := json.loads(body))['event']} {event['outcome']}" for body in bodies]


def test_a_waiting_call_is_canceled(serve: Serve) -> None:
    running = serve(webhooks=HOOKS)
    call_id = running.client.call(metadata={"deal_id": "9001"})
    running.clock.advance(seconds=7)
    answer = running.client.request("POST", f"/calls/{call_id}/cancel")
    assert answer.status_code == 200, answer.text
    CallShown.model_validate_json(answer.content)
    call = answer.json()
    assert (call["status"], call["outcome"], call["dialed_at"]) == ("canceled", "canceled", None)
    assert call["reason"] == "canceled with the key tests"
    assert [step["state"] for step in call["history"]] == ["queued", "canceled"]
    assert call == running.client.show(call_id)
    assert events(running, call_id) == ["call_ended canceled"]
    running.api.place_calls()
    assert running.client.show(call_id)["status"] == "canceled"


def test_only_a_waiting_call_is_canceled(serve: Serve) -> None:
    running = serve(webhooks=HOOKS)
    call_id = running.client.call()
    for _ in range(5):
        running.until_quiet()
        before = running.client.show(call_id)
        answer = running.client.request("POST", f"/calls/{call_id}/cancel")
        assert answer.status_code == 409
        assert answer.json() == {
            "success": False,
            "error": "Only a call that is still waiting can be canceled",
            "code": "not_waiting",
        }
        assert running.client.show(call_id) == before
        running.clock.advance(seconds=1)
    assert running.client.show(call_id)["status"] == "completed"


def test_a_second_cancel_is_409(running: Running) -> None:
    call_id = running.client.call()
    answers = [running.client.request("POST", f"/calls/{call_id}/cancel").status_code for _ in range(2)]
    assert answers == [200, 409]


@pytest.mark.parametrize("call_id", ["00000000-0000-0000-0000-000000000000", "x", "%00", "'"])
def test_404_for_a_call_nobody_knows(running: Running, call_id: str) -> None:
    answer = running.client.request("POST", f"/calls/{call_id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_it_takes_a_key_that_may_trigger(running: Running) -> None:
    call_id = running.client.call()
    running.execute("UPDATE call_api.api_keys SET scopes = '{read}'")
    answer = running.client.request("POST", f"/calls/{call_id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert running.client.show(call_id)["status"] == "queued"


class Counting(SimulatedCarrier):
    """Keeps the ids it was told to dial."""

    name: ClassVar[str] = "counting"

    def __init__(self) -> None:
        super().__init__()
        self.dials: Counter[str] = Counter()

    def place(self, call: Dial, now: object) -> Placed | Refused | Unknown:
        self.dials[call.id] += 1
        return super().place(call, call.dialed_at)


def test_a_call_is_dialled_or_canceled_never_both(serve: Serve) -> None:
    carrier = Counting()
    running = serve(carrier=carrier, webhooks=HOOKS, max_concurrent_calls=40)
    ids = [running.client.call() for _ in range(60)]
    start = Barrier(5)

    def cancel(part: list[str]) -> list[int]:
        start.wait()
        return [running.client.request("POST", f"/calls/{call_id}/cancel").status_code for call_id in part]

    def place() -> None:
        start.wait()
        for _ in range(20):
            running.api.place_calls()

    with ThreadPoolExecutor(5) as pool:
        placing = [pool.submit(place) for _ in range(2)]
        # the oldest first: just those that are being dialled
        answers = [pool.submit(cancel, ids[first::3]) for first in range(3)]
        for job in placing:
            job.result()
        status = {
            call_id: code
            for first, job in enumerate(answers)
            for call_id, code in zip(ids[first::3], job.result(), strict=True)
        }
    canceled = {call_id for call_id, code in status.items() if code == 200}
    assert set(status.values()) <= {200, 409}
    assert canceled.isdisjoint(carrier.dials)
    assert set(carrier.dials.values()) == {1}
    assert canceled | set(carrier.dials) == set(ids)
    states = Counter(running.scalars("SELECT state FROM call_api.calls"))
    assert states == {"canceled": len(canceled), "dialing": len(ids) - len(canceled)}
    assert canceled
