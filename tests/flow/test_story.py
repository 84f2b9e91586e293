"""The main job, end to end: a deal enters a stage, is called, and the outcome stands on it."""

import requests

from tests.flow.conftest import API_KEY, World


def test_a_deal_that_asks_for_a_demo_is_called_and_the_outcome_stands_on_it(world: World) -> None:
    deal = world.deal(email="ada@example.com")
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    (dispatch,) = world.dispatches()
    assert dispatch["state"] == "placed"
    assert world.hubspot.deal(deal)["ai_call_status"] == "calling"
    world.clock.advance(seconds=2)
    world.work()
    world.clock.advance(seconds=5)
    world.work()
    (dispatch,) = world.dispatches()
    assert (dispatch["state"], dispatch["why"]) == ("ended", "answered")
    (call,) = world.calls()
    assert call["to_number"] == "+12025550123"
    assert call["metadata"] == {"deal_id": deal, "amount": 4800, "dispatch_id": dispatch["id"]}
    now = world.hubspot.deal(deal)
    assert now["ai_call_status"] == "answered"
    assert now["ai_call_id"] == call["id"]
    assert now["ai_call_summary"]
    assert [step["state"] for step in dispatch["history"]][:3] == ["waiting", "sending", "placed"]
    assert all(each["state"] == "written" for each in dispatch["write_backs"])


def test_each_reserved_number_ends_as_it_is_listed(world: World) -> None:
    outcomes = {"0191": "no_answer", "0192": "busy", "0193": "voicemail", "0194": "failed", "0196": "failed"}
    deals = {world.deal(phone=f"+1202555{end}"): outcome for end, outcome in outcomes.items()}
    world.hubspot.move_deals(list(deals), "Demo requested")
    world.work()
    world.clock.advance(seconds=60)
    world.work()
    stands = {deal: world.hubspot.deal(deal)["ai_call_status"] for deal in deals}
    assert stands == deals


def test_the_call_api_of_the_same_program_answers_with_the_configured_key(world: World) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    answer = requests.get(f"{world.url}/api/v1/auth/verify", headers=headers, timeout=5)
    assert answer.status_code == 200
