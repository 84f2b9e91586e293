"""The contract for a carrier, held against an asynchronous voice provider over real HTTP."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import requests

from connector.call_api.carriers import Carrier, Dial, Placed, Refused, Sighting, Unknown
from connector.call_api.carriers.simulated import SimulatedCarrier
from tests.call_api.conftest import SECRET, FakeClock, Running, Serve
from tests.call_api.voice_provider import Provider, ProviderCarrier, running_provider

HOOKS = [{"url": "https://example.com/calls", "secret": SECRET}]


@pytest.fixture
def provider(clock: FakeClock) -> Iterator[Provider]:
    with running_provider(clock) as provider:
        yield provider


@pytest.fixture
def running(serve: Serve, provider: Provider) -> Running:
    running = serve(carrier=ProviderCarrier(provider.url), webhooks=HOOKS)
    provider.events_url = f"{running.client.url}/carriers/testprovider/events"
    return running


def told(running: Running, call_id: str) -> list[dict[str, Any]]:
    """The call events that were written down, oldest first."""
    query = (
        "SELECT body FROM call_api.events JOIN call_api.deliveries d ON d.event_id = events.id"
        " WHERE events.call_id = :id ORDER BY d.id"
    )
    return [json.loads(body) for body in running.scalars(query, id=call_id)]


def names(running: Running, call_id: str) -> list[str]:
    return [event["event"] for event in told(running, call_id)]


def placed(running: Running, **fields: Any) -> str:
    call_id = running.client.call(**fields)
    running.api.place_calls()
    return call_id


def test_a_call_is_told_by_events_alone(running: Running, provider: Provider) -> None:
    call_id = placed(running)
    assert running.client.show(call_id)["provider_call_id"] == "call_1"
    running.clock.advance(seconds=4)
    provider.answered(call_id)
    assert provider.tell("call_started", call_id)["matched"] == 1
    assert running.client.show(call_id)["status"] == "in-progress"
    running.clock.advance(seconds=30)
    provider.ended(call_id)
    provider.tell("call_ended", call_id)
    provider.analysed(call_id)
    provider.tell("call_analyzed", call_id)
    call = running.client.show(call_id)
    assert (call["status"], call["duration_seconds"], call["cost_cents"]) == ("completed", 30.0, 19.5)
    assert (call["summary"], call["sentiment"]) == ("A demo on Tuesday.", "positive")
    assert call["transcript"] == "Agent: Hello?\nUser: Yes."
    assert names(running, call_id) == ["call_started", "call_ended"]
    assert told(running, call_id)[-1]["summary"] == "A demo on Tuesday."
    assert provider.looks == 0
    assert [dial["metadata"] for dial in provider.dials] == [{"call_id": call_id}]


def test_a_call_whose_events_are_all_lost_is_told_by_looking(running: Running, provider: Provider) -> None:
    call_id = placed(running)
    for happens in (provider.answered, provider.ended, provider.analysed):
        happens(call_id)
        running.clock.advance(seconds=15)
        running.api.follow_calls()
    assert running.client.show(call_id)["summary"] == "A demo on Tuesday."
    assert names(running, call_id) == ["call_started", "call_ended"]


def test_doubled_and_reordered_events_change_nothing(running: Running, provider: Provider) -> None:
    call_id = placed(running)
    bodies = {}
    for happens, name in (
        (provider.answered, "call_started"),
        (provider.ended, "call_ended"),
        (provider.analysed, "call_analyzed"),
    ):
        happens(call_id)
        bodies[name] = provider.event(name, call_id)
        running.clock.advance(seconds=1)
    for name in ("call_ended", "call_ended", "call_started", "call_analyzed", "call_ended", "call_analyzed"):
        assert provider.send(bodies[name]).status_code == 200
    before = running.client.show(call_id)
    for name in ("call_started", "call_analyzed", "call_ended"):
        assert provider.send(bodies[name]).status_code == 200
    running.clock.advance(minutes=5)
    running.api.follow_calls()
    assert running.client.show(call_id) == before
    assert (before["status"], before["summary"]) == ("completed", "A demo on Tuesday.")
    assert [step["state"] for step in before["history"]] == [
        *("queued", "dialing", "in-progress", "completed", "completed")
    ]
    assert names(running, call_id) == ["call_started", "call_ended"]


def test_the_analysis_may_be_the_only_event_that_comes(running: Running, provider: Provider) -> None:
    call_id = placed(running)
    for happens in (provider.answered, provider.ended, provider.analysed):
        happens(call_id)
    provider.tell("call_analyzed", call_id)
    assert running.client.show(call_id)["summary"] == "A demo on Tuesday."
    assert names(running, call_id) == ["call_started", "call_ended"]


def test_an_analysis_that_never_comes_is_waited_for_a_minute(running: Running, provider: Provider) -> None:
    call_id = placed(running)
    provider.answered(call_id)
    provider.ended(call_id)
    provider.tell("call_ended", call_id)
    for _ in range(5):
        assert names(running, call_id) == ["call_started"]
        assert running.client.show(call_id)["status"] == "completed"
        running.api.follow_calls()
        running.clock.advance(seconds=12)
    running.api.follow_calls()
    assert names(running, call_id) == ["call_started", "call_ended"]
    call = running.client.show(call_id)
    assert call["history"][-1]["reason"] == "its analysis did not come within 60 s"
    assert (told(running, call_id)[-1]["summary"], call["transcript"]) == (None, "Agent: Hello?\nUser: Yes.")
    running.clock.advance(minutes=10)
    running.api.follow_calls()
    looks = provider.looks
    provider.analysed(call_id)  # late, after all
    provider.tell("call_analyzed", call_id)
    assert running.client.show(call_id)["summary"] == "A demo on Tuesday."
    assert names(running, call_id) == ["call_started", "call_ended"]
    assert (looks, provider.looks) == (3, 3)


def test_the_place_of_a_call_is_free_while_its_analysis_is_waited_for(
    serve: Serve, provider: Provider
) -> None:
    running = serve(carrier=ProviderCarrier(provider.url), max_concurrent_calls=1)
    provider.events_url = f"{running.client.url}/carriers/testprovider/events"
    first = placed(running)
    second = placed(running)
    assert running.client.show(second)["status"] == "queued"
    provider.answered(first)
    provider.ended(first)
    provider.tell("call_ended", first)
    running.api.place_calls()
    assert running.client.show(second)["status"] == "dialing"


def test_an_analysis_may_know_better_who_took_the_call(running: Running, provider: Provider) -> None:
    call_id = placed(running)
    provider.answered(call_id)
    provider.ended(call_id)
    provider.tell("call_ended", call_id)
    provider.analysed(call_id)
    provider.of(call_id)["disconnection_reason"] = "voicemail_reached"
    provider.tell("call_analyzed", call_id)
    call = running.client.show(call_id)
    assert (call["status"], call["outcome"]) == ("voicemail", "voicemail")
    assert told(running, call_id)[-1]["outcome"] == "voicemail"


@pytest.mark.parametrize(
    ("reason", "state"), [("dial_no_answer", "no-answer"), ("dial_busy", "busy"), ("error", "failed")]
)
def test_a_call_nobody_took_waits_for_no_analysis(
    running: Running, provider: Provider, reason: str, state: str
) -> None:
    call_id = placed(running)
    provider.ended(call_id, reason)
    provider.tell("call_ended", call_id)
    call = running.client.show(call_id)
    assert (call["status"], call["duration_seconds"], call["reason"]) == (state, 0.0, reason)
    assert names(running, call_id) == ["call_ended"]


def test_a_dial_that_is_refused_fails_with_its_reason(running: Running, provider: Provider) -> None:
    provider.next_answers = [402]
    call = running.client.show(placed(running))
    assert (call["status"], call["reason"]) == ("failed", "refused by the carrier: no_valid_payment")


@pytest.mark.parametrize("status", [0, 500])
def test_a_dial_without_an_answer_is_looked_up_and_never_sent_again(
    running: Running, provider: Provider, status: int
) -> None:
    provider.next_answers = [status]
    call_id = placed(running)
    assert running.client.show(call_id)["status"] == "dialing"
    for _ in range(20):
        running.clock.advance(seconds=15)
        running.api.place_calls()
        running.api.follow_calls()
    assert len(provider.dials) == 1
    call = running.client.show(call_id)
    assert call["provider_call_id"] == ("call_1" if status == 0 else None)  # hung up, but it had dialled


def test_events_may_be_faster_than_the_answer_to_the_dial(running: Running, provider: Provider) -> None:
    """The carrier tells of the end while we still wait for its answer, which then never comes."""
    provider.next_answers = [0]
    call_id = running.client.call()
    running.execute(
        "UPDATE call_api.calls SET state = 'dialing', dialed_at = :now, look_until = :now",
        now=running.clock(),
    )
    provider.take("/v2/create-phone-call", {"metadata": {"call_id": call_id}})
    provider.ended(call_id, "dial_busy")
    provider.tell("call_ended", call_id)
    assert running.client.show(call_id)["provider_call_id"] == "call_1"
    assert names(running, call_id) == ["call_ended"]


def test_a_call_that_outlasts_its_limits_is_ended_at_its_carrier(
    running: Running, provider: Provider
) -> None:
    running.execute("UPDATE call_api.agents SET max_ring_seconds = 30, max_talk_seconds = 60")
    call_id = running.client.call()
    running.execute("UPDATE call_api.calls SET max_ring_seconds = 30, max_talk_seconds = 60")
    running.api.place_calls()
    provider.answered(call_id)
    provider.tell("call_started", call_id)
    for _ in range(7):
        running.clock.advance(seconds=15)
        running.api.follow_calls()
    assert provider.stopped == []
    running.clock.advance(seconds=15)
    running.api.follow_calls()
    assert provider.stopped == ["call_1"]
    provider.analysed(call_id)
    running.clock.advance(seconds=15)
    running.api.follow_calls()
    call = running.client.show(call_id)
    assert (call["status"], call["duration_seconds"]) == ("completed", 120.0)


def test_a_call_that_never_ends_at_its_carrier_is_unknown_in_the_end(
    running: Running, provider: Provider
) -> None:
    call_id = placed(running)
    provider.answered(call_id)
    provider.calls["call_1"]["call_status"] = "ongoing"
    provider.obeys = False
    for _ in range(12):
        running.clock.advance(minutes=11)
        running.api.follow_calls()
    call = running.client.show(call_id)
    assert (call["status"], call["outcome"]) == ("unknown", "unknown")
    assert call["reason"] == "its carrier still says talking, long after any call ends"
    assert names(running, call_id) == ["call_started", "call_ended"]


@pytest.mark.parametrize("signature", ["", "v=1,d=2", "v=0,d=" + "0" * 64])
def test_an_event_without_its_proof_is_401_and_changes_nothing(
    running: Running, provider: Provider, signature: str
) -> None:
    call_id = placed(running)
    provider.ended(call_id, "dial_busy")
    answer = provider.send(provider.event("call_ended", call_id), signature or "none")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_proof")
    body = provider.event("call_ended", call_id)
    assert provider.send(body + b" ", provider.signature(body)).status_code == 401
    old = provider.signature(body)
    running.clock.advance(minutes=6)
    assert provider.send(body, old).status_code == 401
    assert running.client.show(call_id)["status"] == "dialing"


def test_events_that_cannot_be_read_or_are_of_nobody_or_of_no_interest(
    running: Running, provider: Provider
) -> None:
    for body in (b"", b"{", b"[]", b"{}", b'{"event": "call_ended"}', b'{"event": "call_ended", "call": {}}'):
        answer = provider.send(body)
        assert (answer.status_code, answer.json()["code"]) == (400, "unreadable_event"), body
    call_id = placed(running)
    provider.ended(call_id, "dial_busy")
    assert provider.tell("transcript_updated", call_id)["matched"] == 0
    provider.of(call_id).update(call_id="call_9", metadata={"call_id": "x"})
    provider.calls["call_9"] = provider.calls.pop("call_1")
    assert provider.send(
        json.dumps({"event": "call_ended", "call": provider.calls["call_9"]}).encode()
    ).json() == {
        "success": True,
        "matched": 0,
    }


def test_a_carrier_is_found_by_its_name(running: Running) -> None:
    for name in ("nobody", "simulated", "%00"):
        answer = requests.post(f"{running.client.url}/carriers/{name}/events", data=b"{}", timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_simulated_carrier_takes_no_events(serve: Serve) -> None:
    answer = requests.post(f"{serve().client.url}/carriers/simulated/events", data=b"{}", timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_proof")


def test_an_event_may_be_larger_than_a_trigger_but_not_endless(running: Running, provider: Provider) -> None:
    call_id = placed(running)
    provider.answered(call_id)
    provider.ended(call_id)
    provider.of(call_id)["transcript_object"] = [{"role": "user", "content": "Yes. " * 50_000}]
    provider.tell("call_ended", call_id)
    assert len(running.client.show(call_id)["transcript_turns"][0]["content"]) == 250_000
    answer = provider.send(b" " * (4 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "event_too_large")


def test_a_carrier_speaks_only_of_its_own_calls(serve: Serve, provider: Provider) -> None:
    running = serve(others=[ProviderCarrier(provider.url)])
    provider.events_url = f"{running.client.url}/carriers/testprovider/events"
    call_id = placed(running)
    provider.take("/v2/create-phone-call", {"metadata": {"call_id": call_id}})
    provider.ended(call_id, "dial_busy")
    assert provider.tell("call_ended", call_id)["matched"] == 0
    assert running.client.show(call_id)["status"] == "dialing"


def test_every_call_uses_its_own_carrier(serve: Serve, provider: Provider) -> None:
    running = serve(others=[ProviderCarrier(provider.url)])
    here, there, nowhere = (running.client.call() for _ in range(3))
    for call_id, name in ((there, "testprovider"), (nowhere, "gone")):
        running.execute("UPDATE call_api.calls SET provider = :name WHERE id = :id", name=name, id=call_id)
    running.api.place_calls()
    assert running.client.show(here)["provider_call_id"] == f"sim_{here}"
    assert [dial["metadata"]["call_id"] for dial in provider.dials] == [there]
    lost = running.client.show(nowhere)
    assert (lost["status"], lost["reason"]) == (
        "failed",
        "refused by the carrier: there is no carrier named gone",
    )


def test_a_dial_tells_the_carrier_what_the_call_keeps_of_its_agent(
    running: Running, provider: Provider
) -> None:
    running.client.call(name="Ada")
    running.execute(
        'UPDATE call_api.calls SET carrier_agent_id = \'agent_7\', variables = \'{"first_name": "Ada", "n": 7}\','
        " max_ring_seconds = 20, max_talk_seconds = 300"
    )
    running.api.place_calls()
    (dial,) = provider.dials
    assert dial["override_agent_id"] == "agent_7"
    assert dial["retell_llm_dynamic_variables"] == {"first_name": "Ada", "n": "7"}
    assert (dial["max_ring_seconds"], dial["max_talk_seconds"]) == (20, 300)


def test_a_slow_carrier_does_not_make_others_wait_for_their_turn(serve: Serve, provider: Provider) -> None:
    import threading

    class Slow(SimulatedCarrier):
        name: ClassVar[str] = "slow"
        all_at_once = threading.Barrier(4, timeout=5)

        def place(self, call: Dial, now: Any) -> Placed | Refused | Unknown:
            self.all_at_once.wait()  # breaks unless four dials are under way together
            return super().place(call, now)

    running = serve(carrier=Slow())
    ids = [running.client.call() for _ in range(4)]
    running.api.place_calls()
    assert {running.client.show(call_id)["provider_call_id"] for call_id in ids} == {f"sim_{i}" for i in ids}


def test_a_carrier_must_answer_every_question() -> None:
    class Half(Carrier):
        def place(self, call: Dial, now: Any) -> Placed | Refused | Unknown:
            return Refused("half")

        def look_up(self, call: Dial, now: Any) -> Sighting | Unknown:
            return Unknown("half")

    with pytest.raises(TypeError, match=r"cancel.*parse.*verify"):
        Half()  # type: ignore[abstract]
