"""A call that waits is judged by the rules in force when its time comes, not by those it began under."""

from typing import Any

import pytest

from tests.flow.conftest import RULES, Start, World
from tests.flow.test_rule_changes import Watched

OFFICE = 'window: {days: mon-fri, from: "09:00", until: "18:00"}'
HELD = RULES.replace("window: always", OFFICE)
MONDAY_NIGHT, TUESDAY_NINE = "2026-12-07T22:00-05:00", "2026-12-08T09:00-05:00"


@pytest.fixture
def night(start: Start) -> Watched:
    """A Monday night on which calls wait for the morning."""
    world = start(rules=HELD)
    watched = Watched(world)
    world.clock.show(MONDAY_NIGHT)
    return watched


def held(world: World, **contact: str) -> str:
    deal = world.deal(**contact)
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    newest = world.dispatches()[0]
    assert (newest["record"], newest["why"]) == (f"deal {deal}", "outside_window")
    return deal


def at(world: World, moment: str) -> dict[str, Any]:
    """The newest dispatch once everything that is due at this moment is done."""
    world.clock.show(moment)
    world.work()
    return world.dispatches()[0]


def test_a_dry_run_stops_what_waits(night: Watched) -> None:
    held(night.world)
    night.write(HELD.replace(OFFICE, f"dry_run: true, {OFFICE}"))
    found = at(night.world, TUESDAY_NINE)
    assert (found["state"], found["why"]) == ("skipped", "dry_run")
    assert night.world.calls() == []


def test_a_narrower_window_holds_what_waits(night: Watched) -> None:
    held(night.world)
    night.write(HELD.replace('"09:00"', '"11:00"'))
    assert at(night.world, TUESDAY_NINE)["why"] == "outside_window"
    assert night.world.calls() == []
    assert at(night.world, "2026-12-08T11:00-05:00")["state"] == "placed"


def test_a_wider_window_lets_go_at_once_what_waits(night: Watched) -> None:
    held(night.world)
    night.write(HELD.replace('until: "18:00"', 'until: "23:30"'))
    night.world.work()
    (found,) = night.world.dispatches()
    assert found["state"] == "placed"
    assert found["rules_version"] == night.world.parts.rules.files[0].rules.version


def test_a_condition_that_came_later_counts_for_what_waits(night: Watched) -> None:
    held(night.world)
    night.write(HELD.replace("enters: Demo requested", "enters: Demo requested, if: deal.amount > 100000"))
    found = at(night.world, TUESDAY_NINE)
    assert (found["state"], found["why"]) == ("skipped", "condition_false")


def test_a_rule_that_is_taken_out_calls_nobody_and_goes_on_when_it_is_back(night: Watched) -> None:
    held(night.world)
    night.write(HELD.replace("name: Call\n", "name: Another\n"))
    found = at(night.world, TUESDAY_NINE)
    assert (found["state"], found["why"]) == ("waiting", "rule_not_in_force")
    assert 'held: no rule "Call" is in force any more' in found["reason"]
    night.write(HELD)
    night.world.work()
    assert night.world.dispatches()[0]["state"] == "placed"


def test_a_call_whose_rule_never_comes_back_expires(night: Watched) -> None:
    held(night.world)
    night.write(HELD.replace("name: Call\n", "name: Another\n"))
    at(night.world, TUESDAY_NINE)
    found = at(night.world, "2026-12-10T22:01-05:00")
    assert (found["state"], found["why"]) == ("skipped", "expired")
    assert night.world.calls() == []


def test_a_cap_counts_calls_of_every_version_of_its_rule(night: Watched) -> None:
    held(night.world, phone="+12025550120")
    night.write(HELD.replace(OFFICE, f"max_per_hour: 1, {OFFICE}"))
    for number in ("+12025550121", "+12025550122"):
        held(night.world, phone=number)
    at(night.world, TUESDAY_NINE)
    assert sorted(each["state"] for each in night.world.dispatches()) == ["placed", "waiting", "waiting"]
    assert {each["why"] for each in night.world.dispatches()[:2]} == {"rule_hourly_cap"}
