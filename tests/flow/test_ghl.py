"""GoHighLevel end to end: an opportunity enters a stage, or a workflow asks; one call; the outcome stands on it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.ghl.sandbox import Sandbox
from adapters.ghl.sandbox.account import ACCESS_TOKEN, LOCATION_ID, PUBLIC_KEY, WEBHOOK_SECRET
from tests.flow.conftest import Start, World

RULES = """\
version: 1
connection: sales
rules:
  - name: Call
    when: {pipeline: Sales, enters: AI Call, not_source: [workflow]}
    call:
      phone_number: "{{ contact.phone }}"
      name: "{{ contact.firstName }}"
      metadata: {opportunity: "{{ opportunity.id }}", value: "{{ opportunity.monetaryValue }}"}
    policy: {window: always}
    write_back:
      placed: {opportunity: {ai_call_status: calling, ai_call_id: "{{ call.id }}"}}
      ended:
        opportunity: {ai_call_status: "{{ call.outcome }}", ai_call_summary: "{{ call.summary }}"}
        contact: {last_ai_call: "{{ call.outcome }}"}
        stage: {answered: Qualified, voicemail: Call back}
        tags: {add: ["ai-called"]}
        note: "AI call: {{ call.outcome }}"
  - name: Call for a workflow
    when: {pipeline: Sales, enters: AI Call, only_source: [workflow], if: custom.campaign == "spring"}
    call:
      phone_number: "{{ contact.phone }}"
      metadata: {campaign: "{{ custom.campaign }}", language: "{{ contact.preferred_language }}"}
    policy: {window: always}
    write_back:
      ended: {opportunity: {ai_call_status: "{{ custom.campaign }}: {{ call.outcome }}"}}
"""


@pytest.fixture
def highlevel() -> Iterator[Sandbox]:
    with Sandbox(retry_delays=(0.05,) * 3) as sandbox:
        yield sandbox


@pytest.fixture
def world(start: Start, highlevel: Sandbox) -> World:
    key = "\\n".join(PUBLIC_KEY.splitlines())
    connection = (
        f"sales: {{adapter: ghl, access_token: {ACCESS_TOKEN}, location_id: {LOCATION_ID}, webhook_secret:"
        f' {WEBHOOK_SECRET}, api_url: "{highlevel.url}", public_keys: "{key}"}}'
    )
    world = start(rules=RULES, connections=connection)
    highlevel.target = f"{world.url}/hooks/ghl/sales"
    return world


def work(world: World, highlevel: Sandbox) -> None:
    assert highlevel.wait_idle()
    world.work()
    assert highlevel.wait_idle()
    world.work()


def opportunity(highlevel: Sandbox, **contact: Any) -> str:
    person = {"firstName": "Ada", "phone": "+12025550143", **contact}
    ada = highlevel.create_contact(**person)
    return highlevel.create_opportunity("New", ada, announce=False, monetaryValue=40)


def test_an_opportunity_that_enters_the_stage_is_called_once_and_the_outcome_stands_on_it(
    world: World, highlevel: Sandbox
) -> None:
    deal = opportunity(highlevel)
    highlevel.move(deal, "AI Call")
    work(world, highlevel)
    assert highlevel.opportunity(deal)["ai_call_status"] == "calling"
    world.clock.advance(seconds=10)
    work(world, highlevel)
    (dispatch,) = world.dispatches()
    assert (dispatch["state"], dispatch["why"]) == ("ended", "answered")
    (call,) = world.calls()
    assert (call["to_number"], call["name"]) == ("+12025550143", "Ada")
    assert call["metadata"] == {"opportunity": deal, "value": 40, "dispatch_id": dispatch["id"]}
    now = highlevel.opportunity(deal)
    assert (now["ai_call_status"], now["ai_call_id"]) == ("answered", call["id"])
    assert now["ai_call_summary"]
    assert now["pipelineStageId"] == highlevel.state.stage("Qualified")[1]
    ada = highlevel.contact(now["contactId"])
    assert (ada["last_ai_call"], ada["tags"]) == ("answered", ["ai-called"])
    (note,) = highlevel.notes(ada["id"])
    assert note.startswith("AI call: answered")
    assert all(each["state"] == "written" for each in dispatch["write_backs"])
    # the move, and each of our write-backs, the stage's among them, came back as events
    told = Counter(each.body["type"] for each in highlevel.deliveries)
    assert told["OpportunityStageUpdate"] == 2
    assert told["OpportunityUpdate"] >= 3
    assert {each.status for each in highlevel.deliveries} == {200}


def test_a_workflow_with_custom_data_asks_for_one_call(world: World, highlevel: Sandbox) -> None:
    deal = opportunity(highlevel)
    highlevel.target, target = None, highlevel.target
    highlevel.move(deal, "AI Call")
    highlevel.target = target
    highlevel.run_workflow(deal, {"campaign": "spring"})
    highlevel.run_workflow(deal, {"campaign": "spring"})
    work(world, highlevel)
    world.clock.advance(seconds=10)
    work(world, highlevel)
    (call,) = world.calls()
    assert call["metadata"]["campaign"] == "spring"
    (dispatch,) = world.dispatches()
    assert (dispatch["rule"], dispatch["state"]) == ("Call for a workflow", "ended")
    assert highlevel.opportunity(deal)["ai_call_status"] == "spring: answered"


def test_a_workflow_of_another_campaign_makes_no_call_and_says_why(world: World, highlevel: Sandbox) -> None:
    deal = opportunity(highlevel)
    highlevel.target, target = None, highlevel.target
    highlevel.move(deal, "AI Call")
    highlevel.target = target
    highlevel.run_workflow(deal, {"campaign": "autumn"})
    work(world, highlevel)
    assert world.calls() == []
    (dispatch,) = world.dispatches()
    assert dispatch["state"] == "skipped"
    assert "autumn" in str(dispatch)


def test_an_opportunity_created_in_the_stage_is_called(world: World, highlevel: Sandbox) -> None:
    grace = highlevel.create_contact(firstName="Grace", phone="+12025550144")
    highlevel.create_opportunity("AI Call", grace)
    work(world, highlevel)
    (call,) = world.calls()
    assert call["to_number"] == "+12025550144"


def test_nobody_on_do_not_disturb_is_called(world: World, highlevel: Sandbox) -> None:
    deal = opportunity(highlevel, dndSettings={"Call": {"status": "active"}})
    highlevel.move(deal, "AI Call")
    work(world, highlevel)
    assert world.calls() == []
    (dispatch,) = world.dispatches()
    assert "do-not-disturb for calls" in dispatch["reason"]


def test_an_opportunity_that_cannot_be_read_yet_holds_up_no_other(world: World, highlevel: Sandbox) -> None:
    first, second = opportunity(highlevel), opportunity(highlevel, phone="+12025550144")
    highlevel.fail(503, times=10_000, path=f"/opportunities/{first}")
    highlevel.move(first, "AI Call")
    highlevel.move(second, "AI Call")
    work(world, highlevel)
    assert [call["to_number"] for call in world.calls()] == ["+12025550144"]
    highlevel.heal()
    world.make_due()
    work(world, highlevel)
    assert {call["to_number"] for call in world.calls()} == {"+12025550143", "+12025550144"}
