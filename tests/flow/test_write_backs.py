"""What rules write in the CRM: on deals, contacts and timelines, once, whatever stops in between."""

from typing import Any

import pytest
import sqlalchemy as sa

from adapters.hubspot.sandbox.account import QUALIFIED
from connector.model import DispatchState
from connector.store.tables import write_backs
from tests.flow.conftest import Start, World

HEAD = """\
version: 1
connection: sales
rules:
  - name: Call
    when: {pipeline: Sales Pipeline, enters: Demo requested, if: deal.amount > 100}
    call: {phone_number: "{{ contact.phone }}"}
    policy: {window: always}
    write_back:
"""
EVERYTHING = (
    HEAD
    + """\
      placed: {deal: {ai_call_status: calling}, note: "Calling {{ contact.firstname }}"}
      ended:
        deal: {ai_call_status: "{{ call.outcome }}"}
        contact: {hs_lead_status: "{{ call.outcome }}"}
        note: "{{ call.outcome }} after {{ call.duration_seconds | round }} s: {{ call.summary }}"
        log_call: true
        stage: {answered: Qualified, no_answer: null, busy: Call back}
      failed: {note: "No call: {{ reason }}"}
      skipped: {deal: {ai_call_status: "not called: {{ reason }}"}, note: "No call: {{ reason }}"}
"""
)


def called(world: World, **contact: str) -> tuple[str, str]:
    """A deal whose call has ended, and its contact."""
    deal = world.deal(**contact)
    (ada,) = world.hubspot.state.links("deals", deal, "contacts")
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    world.clock.advance(seconds=60)
    world.work()
    return deal, ada


def parts(world: World, moment: str = "ended") -> dict[str, dict[str, Any]]:
    (dispatch,) = world.dispatches()
    return {each["part"]: each for each in dispatch["write_backs"] if each["moment"] == moment}


def notes(world: World, deal: str) -> list[str]:
    return [each["hs_note_body"].split("<br><br>")[0] for each in world.hubspot.timeline("notes", deal)]


def test_everything_a_rule_can_write_stands_in_hubspot(start: Start) -> None:
    world = start(rules=EVERYTHING)
    deal, ada = called(world)

    assert world.hubspot.deal(deal)["ai_call_status"] == "answered"
    assert world.hubspot.deal(deal)["dealstage"] == QUALIFIED
    assert world.hubspot.contact(ada)["hs_lead_status"] == "answered"
    first, second = notes(world, deal)
    assert first == "Calling Ada"
    assert second.startswith("answered after 2 s: ")
    assert [each["hs_note_body"] for each in world.hubspot.timeline("notes", ada, "contacts")] == [
        each["hs_note_body"] for each in world.hubspot.timeline("notes", deal)
    ]
    (call,) = world.hubspot.timeline("calls", deal)
    (known,) = world.calls()
    assert (call["hs_call_direction"], call["hs_call_status"]) == ("OUTBOUND", "COMPLETED")
    assert (call["hs_call_to_number"], call["hs_call_duration"]) == ("+12025550123", "2000")
    assert known["transcript"].split("\n")[0][:20] in call["hs_call_body"]
    assert {each["state"] for each in parts(world).values()} == {"written"}
    assert parts(world)["note"]["made_id"]


def test_the_stage_follows_the_outcome_and_null_leaves_it(start: Start) -> None:
    world = start(rules=EVERYTHING)
    deal, _ = called(world, phone="+12025550191")  # rings out

    assert parts(world)["deal"]["content"] == {"ai_call_status": "no_answer"}
    assert "stage" not in parts(world)
    assert world.hubspot.deal(deal)["dealstage"] == world.dispatches()[0]["stage"]


def test_our_own_move_starts_no_call(start: Start) -> None:
    """HubSpot sends the move back (INTEGRATION, our app); a rule of ours listens to that very stage."""
    listening = EVERYTHING + (
        "  - name: Call the qualified\n"
        "    when: {enters: [Qualified, Demo requested], if: deal.amount > 0}\n"
        '    call: {phone_number: "{{ contact.phone }}"}\n    policy: {window: always}\n'
        "    write_back: {ended: {stage: Demo requested}}\n"
    )
    world = start(rules=listening)
    deal = world.deal()
    world.hubspot.move_deal(deal, "Qualified")
    for _ in range(4):
        world.work()
        world.clock.advance(seconds=60)

    (event,) = [each for each in world.dispatches() if each["rule"] == "Call the qualified"]
    assert event["state"] == "ended"
    assert world.hubspot.deal(deal)["dealstage"] != QUALIFIED, "our write-back moved it on"
    own = [
        each
        for each in world.hubspot.deliveries
        if b'"INTEGRATION"' in each.body and b"dealstage" in each.body
    ]
    assert own, "HubSpot told us of our own move"
    assert len(world.dispatches()) == 1
    assert len(world.calls()) == 1


def test_a_record_that_somebody_moved_meanwhile_is_left_there(start: Start) -> None:
    world = start(rules=EVERYTHING)
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    world.hubspot.move_deal(deal, "Contract sent")
    world.clock.advance(seconds=60)
    world.work()

    assert world.hubspot.deal(deal)["dealstage"] == "contractsent"
    stage = parts(world)["stage"]
    assert stage["state"] == "left"
    assert 'was called in "Demo requested" and stands in "Contract Sent" now' in stage["error"]
    assert world.hubspot.deal(deal)["ai_call_status"] == "answered"


def test_a_stage_that_an_earlier_write_back_set_is_ours_to_move_on(start: Start) -> None:
    rules = HEAD + "      placed: {stage: Call back}\n      ended: {stage: {answered: Qualified}}\n"
    world = start(rules=rules)
    deal, _ = called(world)

    assert world.hubspot.deal(deal)["dealstage"] == QUALIFIED
    assert len(world.dispatches()) == 1


def test_a_skip_is_written_once_and_only_where_the_rule_asks(start: Start) -> None:
    silent = (
        "  - name: Silent\n    when: {enters: Demo requested, if: deal.amount > 1000000}\n"
        '    call: {phone_number: "{{ contact.phone }}"}\n    write_back: {failed: {note: "{{ reason }}"}}\n'
    )
    world = start(rules=EVERYTHING.replace("amount > 100}", "amount > 10000}") + silent)
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    world.clock.advance(minutes=10)
    world.work()

    assert world.hubspot.deal(deal)["ai_call_status"].startswith(
        "not called: the condition of the rule is false"
    )
    assert len(notes(world, deal)) == 1
    assert notes(world, deal)[0].startswith("No call: the condition of the rule is false: deal.amount is")
    assert [len(each["write_backs"]) for each in world.dispatches() if each["rule"] == "Silent"] == [0]


@pytest.mark.parametrize("outside", ["hold", "skip"])
def test_a_call_outside_its_hours_is_told_of_once(start: Start, outside: str) -> None:
    closed = (
        "{window: {days: mon-sun, from: '00:00', until: '00:01', zone: Pacific/Kiritimati}, outside: OUT}"
    )
    rules = EVERYTHING.replace("{window: always}", closed.replace("OUT", outside)) + (
        '      held: {deal: {ai_call_status: "waiting: {{ reason }}"}, note: "Waiting: {{ reason }}"}\n'
    )
    world = start(rules=rules)
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    for _ in range(4):
        world.work()
        world.clock.advance(minutes=1)

    moment, word = {"hold": ("held", "waiting: "), "skip": ("skipped", "not called: ")}[outside]
    (dispatch,) = world.dispatches()
    assert [(each["moment"], each["part"]) for each in dispatch["write_backs"]] == [
        (moment, "deal"), (moment, "note")
    ]  # fmt: skip
    assert world.hubspot.deal(deal)["ai_call_status"].startswith(word)
    assert len(notes(world, deal)) == 1
    assert "held" not in notes(world, deal)[0]


def test_a_dry_run_writes_nothing(start: Start) -> None:
    world = start(rules=EVERYTHING.replace("{window: always}", "{window: always, dry_run: true}"))
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()

    (dispatch,) = world.dispatches()
    assert (dispatch["state"], dispatch["why"], dispatch["write_backs"]) == ("skipped", "dry_run", [])
    assert notes(world, deal) == []


def test_a_skip_at_the_instant_of_sending_is_written_too(start: Start) -> None:
    world = start(rules=EVERYTHING)
    deal = world.deal(phone="")
    world.hubspot.move_deal(deal, "Demo requested")
    for _ in range(4):
        world.work()
        world.clock.advance(minutes=6)
    world.work()

    (dispatch,) = world.dispatches()
    assert (dispatch["state"], dispatch["why"]) == (DispatchState.SKIPPED.value, "no_phone_number")
    (text,) = notes(world, deal)
    assert text.startswith("No call: there is no phone number")


@pytest.mark.parametrize("path", ["notes/batch/create", "calls/batch/create", "deals/batch/update"])
@pytest.mark.parametrize("done", [True, False], ids=["its answer lost", "never done"])
def test_a_write_back_that_no_answer_came_to_is_made_once(start: Start, path: str, done: bool) -> None:
    world = start(rules=EVERYTHING)
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    world.hubspot.fail(None, path=path, after=done)
    world.clock.advance(seconds=5)
    for _ in range(5):
        world.work()
        world.clock.advance(seconds=20)

    assert len(notes(world, deal)) == 2
    assert len(world.hubspot.timeline("calls", deal)) == 1
    assert world.hubspot.deal(deal)["dealstage"] == QUALIFIED
    assert {each["state"] for each in parts(world).values()} == {"written"}


def test_a_crash_between_the_answer_and_its_commit_makes_nothing_twice(start: Start) -> None:
    """After a kill every row stands as it was committed last: begun, and nothing known of what was made."""
    world = start(rules=EVERYTHING)
    deal, _ = called(world)
    before = len(notes(world, deal)), len(world.hubspot.timeline("calls", deal))
    with world.parts.engine.begin() as conn:
        forgotten = {"state": "writing", "made_id": None, "written_at": None}
        conn.execute(write_backs.update().values(**forgotten, began_at=world.clock()))
    for _ in range(3):
        world.work()
        world.clock.advance(seconds=31)

    assert (len(notes(world, deal)), len(world.hubspot.timeline("calls", deal))) == before == (2, 1)
    with world.parts.engine.connect() as conn:
        rows = conn.execute(sa.select(write_backs.c.part, write_backs.c.state, write_backs.c.made_id)).all()
    assert {row.state for row in rows} == {"written"}
    assert all(row.made_id for row in rows if row.part in ("note", "log_call"))


def test_what_hubspot_does_not_show_yet_is_not_made_again_at_once(start: Start) -> None:
    world = start(rules=EVERYTHING)
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    world.hubspot.fail(None, path="notes/batch/create")
    world.work()
    assert asked(world, "notes/batch/create") == 1
    world.clock.advance(seconds=2)
    world.work()
    assert asked(world, "notes/batch/create") == 1
    assert asked(world, "associations/deals/notes/batch/read") == 1
    world.clock.advance(seconds=30)
    world.work()
    assert "Calling Ada" in notes(world, deal)


def asked(world: World, path: str) -> int:
    return sum(path in each["path"] for each in world.hubspot.requests)


def test_what_waits_is_looked_for_and_made_by_the_hundred(start: Start) -> None:
    world = start(rules=EVERYTHING)
    deals = world.hubspot.create_deals(60, deal={"amount": "500"})
    world.hubspot.fail(503, path="calls/batch/create", times=None)
    world.hubspot.move_deals(deals, "Demo requested")
    for _ in range(15):  # so many calls are under way at once
        world.work()
        world.clock.advance(seconds=10)
    assert {each["state"] for each in world.dispatches()} == {"ended"}
    world.hubspot.heal()
    world.clock.advance(minutes=10)
    before = len(world.hubspot.requests)
    world.work()

    assert [len(world.hubspot.timeline("calls", deal)) for deal in deals] == [1] * 60
    assert [each["path"] for each in world.hubspot.requests[before:]] == [
        "/crm/v4/associations/deals/calls/batch/read",
        "/crm/v3/objects/calls/batch/create",
    ]


def test_one_wrong_part_spoils_no_other(start: Start) -> None:
    """A property that the account lacks, a value of the wrong type: seen, named, alone."""
    rules = HEAD + (
        "      ended:\n"
        '        deal: {ai_call_duration: "{{ call.summary }}"}\n'
        "        contact: {no_such_property: x}\n"
        "        note: Called\n"
        "        log_call: true\n"
        "        stage: {answered: Qualified}\n"
    )
    world = start(rules=rules)
    deal, _ = called(world)

    found = parts(world)
    states = {part: each["state"] for part, each in found.items()}
    assert states == {
        "deal": "failed", "contact": "failed", "note": "written", "log_call": "written", "stage": "written"
    }  # fmt: skip
    assert "was not a valid number" in found["deal"]["error"]
    assert "no_such_property" in found["contact"]["error"]
    assert world.hubspot.deal(deal)["dealstage"] == QUALIFIED


def test_a_missing_scope_is_told_and_nothing_is_lost(start: Start) -> None:
    world = start(rules=EVERYTHING)
    world.hubspot.account.scopes.discard("crm.objects.contacts.write")
    deal, ada = called(world)

    assert world.hubspot.deal(deal)["ai_call_status"] == "answered"
    for part in ("note", "log_call", "contact"):
        waiting = parts(world)[part]
        assert waiting["state"] == "writing"
        assert "scopes wanted: crm.objects.contacts.write" in waiting["error"]
    world.hubspot.account.scopes.add("crm.objects.contacts.write")
    for _ in range(3):
        world.clock.advance(seconds=61)
        world.work()
    assert world.hubspot.contact(ada)["hs_lead_status"] == "answered"
    assert len(notes(world, deal)) == 2
    assert len(world.hubspot.timeline("calls", deal)) == 1


def test_a_deal_without_a_contact_says_what_could_not_be_written(start: Start) -> None:
    rules = EVERYTHING.replace("contact.phone", "deal.description").replace(" {{ contact.firstname }}", "")
    world = start(rules=rules)
    deal = world.hubspot.create_deal(announce=False, amount="500", description="+12025550123")
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    world.clock.advance(seconds=60)
    world.work()

    assert parts(world)["contact"]["state"] == "failed"
    assert "has no contact to write on" in parts(world)["contact"]["error"]
    assert len(notes(world, deal)) == 2
