"""For every call not placed a person can read why."""

import pytest

from tests.flow.conftest import RULES, Start, World


def test_no_number_is_looked_for_again_and_then_skipped(world: World) -> None:
    deal = world.deal(phone="")
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    (dispatch,) = world.dispatches()
    assert dispatch["state"] == "waiting"
    assert "no phone number" in dispatch["reason"]
    assert "read again in 15 s" in dispatch["reason"]
    for seconds in (16, 61, 301):
        world.clock.advance(seconds=seconds)
        world.work()
    (dispatch,) = world.dispatches()
    assert (dispatch["state"], dispatch["why"]) == ("skipped", "no_phone_number")
    assert not world.calls()


def test_a_contact_associated_a_moment_later_is_called(world: World) -> None:
    deal = world.hubspot.create_deal("appointmentscheduled", [], announce=False)
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    world.hubspot.associate(deal, world.hubspot.create_contact(firstname="Grace", phone="+442079460958"))
    world.clock.advance(seconds=16)
    world.work()
    (call,) = world.calls()
    assert call["to_number"] == "+442079460958"


def test_a_deal_that_left_the_stage_before_its_turn_is_not_called(start: Start) -> None:
    world = start(calls="max_per_minute: 1")
    first, second = world.deal(phone="+12025550101"), world.deal(phone="+12025550102")
    world.hubspot.move_deals([first, second], "Demo requested")
    world.work()
    world.hubspot.move_deal(second, "contractsent")
    world.clock.advance(seconds=61)
    world.work()
    (dispatch,) = world.dispatches(record_id=second)
    assert (dispatch["state"], dispatch["why"]) == ("skipped", "left_stage")
    assert "Contract Sent" in dispatch["reason"]
    assert len(world.calls()) == 1


def test_a_deal_deleted_before_its_turn_is_not_called(start: Start) -> None:
    world = start(calls="max_per_minute: 1")
    first, second = world.deal(phone="+12025550101"), world.deal(phone="+12025550102")
    world.hubspot.move_deals([first, second], "Demo requested")
    world.work()
    world.hubspot.delete_deal(second)
    world.clock.advance(seconds=61)
    world.work()
    (dispatch,) = world.dispatches(record_id=second)
    assert (dispatch["state"], dispatch["why"]) == ("skipped", "record_gone")


def test_a_number_changed_before_its_turn_is_the_one_called(start: Start) -> None:
    world = start(calls="max_per_minute: 1")
    first, second = world.deal(phone="+12025550101"), world.deal(phone="+12025550102")
    world.hubspot.move_deals([first, second], "Demo requested")
    world.work()
    contact = next(iter(world.hubspot.state.links("deals", second, "contacts")))
    world.hubspot.set_contact(contact, phone="+12025550177")
    for _ in range(2):
        world.clock.advance(seconds=61)
        world.work()
    assert sorted(call["to_number"] for call in world.calls()) == ["+12025550101", "+12025550177"]


def test_a_false_condition_is_a_skip_with_its_values(start: Start) -> None:
    rules = RULES.replace("enters: Demo requested}", "enters: Demo requested, if: deal.amount >= 5000}")
    world = start(rules=rules)
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    (dispatch,) = world.dispatches()
    assert (dispatch["state"], dispatch["why"]) == ("skipped", "condition_false")
    assert 'deal.amount is "4800"' in dispatch["reason"]


@pytest.mark.parametrize("phone", ["garbage", "911", "+1 900"])
def test_what_is_not_a_number_never_reaches_the_call_api(world: World, phone: str) -> None:
    world.hubspot.move_deal(world.deal(phone=phone), "Demo requested")
    for seconds in (0, 16, 61, 301):
        world.clock.advance(seconds=seconds)
        world.work()
    (dispatch,) = world.dispatches()
    assert (dispatch["state"], dispatch["why"]) == ("skipped", "not_a_phone_number")
    assert not world.calls()


def test_an_unknown_agent_fails_with_the_names_there_are(start: Start) -> None:
    rules = RULES.replace("    call:\n", "    call:\n      agent: Nobody\n")
    world = start(rules=rules)
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    (dispatch,) = world.dispatches()
    assert (dispatch["state"], dispatch["why"]) == ("failed", "unknown_agent")
    assert "Lead Qualifier" in dispatch["reason"]
    assert world.hubspot.deal(deal)["ai_call_status"].startswith('not called: "Nobody"')


def test_the_write_back_uses_the_rules_the_call_was_placed_under(start: Start) -> None:
    world = start()
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    changed = start(rules=RULES.replace("- name: Call", "- name: Another").replace("calling", "changed"))
    changed.clock.advance(seconds=30)
    changed.work()
    assert changed.hubspot.deal(deal)["ai_call_status"] == "answered"
