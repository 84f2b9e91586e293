"""Nobody is called at a forbidden hour, twice, or against their wish; and what is held is not lost."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector import jobs
from connector.model import RecordRef
from connector.opting_out import opt_out
from connector.pacing import pace
from connector.process import read_deliveries
from connector.sending import send
from connector.store import let_go, pauses
from connector.store.gate import pass_gate
from connector.store.opt_outs import Whom
from connector.store.pauses import Scope
from tests.flow.conftest import RULES, Start, World
from tests.flow.contract_server import ContractServer
from tests.flow.test_once import _event, _in_stage, _post

ADA = "+12025550123"
AGENT_WINDOW = {
    "hours": {"mon": ["12:00-13:00"]},
    "timezone_mode": "lead",
    "timezone": "America/New_York",
    "holidays": [],
    "closed_dates": [],
}
OFFICE = 'window: {days: mon-fri, from: "09:00", until: "18:00"}'
ALWAYS = "window: always"


def rules(policy: str) -> str:
    """The usual rule with another policy."""
    assert ALWAYS in RULES
    return RULES.replace(f"policy: {{{ALWAYS}}}", f"policy: {{{policy}}}")


class Telephone:
    """A world whose call API is another program that writes down what it was asked for."""

    def __init__(self, start: Start) -> None:
        self.contract = ContractServer("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        self.start = start

    def world(self, policy: str, **more: Any) -> World:
        return self.start(
            rules=rules(policy), call_api="", **{"calls": f"api_url: '{self.contract.url}'", **more}
        )

    @property
    def numbers(self) -> list[str]:
        return [each["phone_number"] for each in self.contract.triggers]


@pytest.fixture
def telephone(start: Start) -> Iterator[Telephone]:
    found = Telephone(start)
    yield found
    found.contract.close()


MONDAY = datetime(2026, 12, 7, tzinfo=UTC)


def at(world: World, day: int, hour: float) -> datetime:
    """Set the clock to this hour in Washington, so many days after a Monday in December."""
    world.clock.now = MONDAY + timedelta(days=day, hours=hour + 5)
    return world.clock.now


def enters(world: World, *numbers: str, deal: str | None = None, **contact: str) -> list[str]:
    """Deals of people with these numbers enter the stage now, and the news of it is read."""
    deals = []
    for number in numbers:
        found, stage, now = _in_stage(world, phone=number, **contact)
        deals.append(deal or found)
        assert _post(world, _event(deals[-1], stage, now)).status_code == 200
    read_deliveries(world.parts, "sales")
    return deals


def enters_again(world: World, deal: str) -> None:
    """The same deal is dragged out and in again."""
    stage = world.hubspot.state.stage_id("Demo requested")
    assert _post(world, _event(deal, stage, int(world.clock().timestamp() * 1000))).status_code == 200


def only(world: World) -> dict[str, Any]:
    (found,) = world.dispatches()
    return found


def standing(world: World) -> list[tuple[str, str]]:
    """State and word of each dispatch, the first first."""
    return [(each["state"], each["why"]) for each in reversed(world.dispatches())]


def test_held_at_night_called_when_the_window_opens(telephone: Telephone) -> None:
    world = telephone.world(OFFICE)
    at(world, 0, 22)
    enters(world, ADA)
    world.work()
    found = only(world)
    assert (found["state"], found["why"]) == ("waiting", "outside_window")
    assert found["reason"] == (
        "held: it is Mon 22:00 in America/New_York (by the number), outside mon-fri 09:00-18:00;"
        " open again Tue 2026-12-08 09:00 America/New_York"
    )
    at(world, 1, 8.99)
    world.work()
    assert telephone.numbers == []
    at(world, 1, 9)
    world.work()
    assert telephone.numbers == [ADA]
    assert only(world)["state"] == "placed"
    assert {each["word"] for each in only(world)["verdicts"]} == {"allowed"}


def test_outside_skip_is_a_skip(telephone: Telephone) -> None:
    world = telephone.world(f"{OFFICE}, outside: skip")
    at(world, 0, 22)
    enters(world, ADA)
    assert standing(world) == [("skipped", "outside_window")]


def test_a_rule_without_a_policy_calls_by_day_only(telephone: Telephone) -> None:
    world = telephone.start(
        rules=RULES.replace(f"    policy: {{{ALWAYS}}}\n", ""),
        calls=f"api_url: '{telephone.contract.url}'",
        call_api="",
    )
    at(world, 6, 12)
    enters(world, ADA)
    assert "outside mon-sat 09:00-20:00; open again Mon" in only(world)["reason"]


def test_the_crms_time_zone_goes_before_the_numbers(telephone: Telephone) -> None:
    world = telephone.world(OFFICE)
    at(world, 0, 10)
    enters(world, ADA, hs_timezone="america_slash_los_angeles")
    assert "it is Mon 07:00 in America/Los_Angeles (by the CRM)" in only(world)["reason"]


def test_a_field_of_the_rule_says_the_zone(telephone: Telephone) -> None:
    world = telephone.world('window: {zone: "{{ contact.city }}"}')
    at(world, 0, 10)
    enters(world, ADA, city="Europe/London")
    enters(world, "+12025550124", city="Springfield")
    world.work()
    assert sorted(telephone.numbers) == [ADA, "+12025550124"]
    at(world, 0, 16)
    enters(world, "+12025550125", city="Europe/London")
    assert "Mon 21:00 in Europe/London (by the CRM)" in world.dispatches()[0]["reason"]


@pytest.mark.parametrize("seconds", [5, 0])
def test_what_was_let_go_before_the_window_closed_is_not_sent_after(
    telephone: Telephone, seconds: int
) -> None:
    """Judged again at the instant of sending; seconds before it closes no phone begins to ring."""
    world = telephone.world(OFFICE)
    let_go_at = at(world, 0, 17.999)
    enters(world, ADA)
    pace(world.parts)
    assert only(world)["state"] == "sending"
    world.clock.advance(seconds=seconds)
    send(world.parts, [only(world)["id"]], let_go_at)
    assert standing(world) == [("waiting", "outside_window")]
    assert telephone.numbers == []


def test_our_own_call_api_is_told_when_a_call_must_not_begin_any_more(start: Start) -> None:
    world = start(rules=rules(OFFICE))
    at(world, 0, 10)
    enters(world, ADA)
    world.work()
    (call,) = world.calls()
    assert call["expires_at"] == "2026-12-07T23:00:00.000Z", "18:00 in Washington"


def test_an_hour_at_which_our_own_call_api_does_not_call_is_waited_for(start: Start) -> None:
    world = start()
    at(world, 0, 10)
    with world.parts.engine.begin() as conn:
        conn.execute(
            sa.text("UPDATE call_api.agents SET calling_window = CAST(:window AS jsonb), outside = 'reject'"),
            {"window": json.dumps(AGENT_WINDOW)},
        )
    enters(world, ADA)
    world.work()
    assert standing(world) == [("waiting", "outside_agent_window")]
    at(world, 0, 12)
    world.work()
    assert standing(world) == [("placed", "placed")]


def test_a_held_call_of_a_deal_that_left_the_stage_is_off(telephone: Telephone) -> None:
    world = telephone.world(OFFICE)
    at(world, 0, 22)
    (deal,) = enters(world, ADA)
    world.hubspot.set_deal(deal, dealstage="contractsent")
    at(world, 1, 9)
    world.work()
    assert ("skipped", "left_stage") in standing(world)
    assert telephone.numbers == []


def test_a_number_that_changed_while_held_is_judged_by_itself(telephone: Telephone) -> None:
    world = telephone.world(OFFICE)
    at(world, 0, 22)
    (deal,) = enters(world, ADA)
    contact = next(iter(world.hubspot.state.links("deals", deal, "contacts")))
    world.hubspot.set_contact(contact, phone="+12135550188")  # Los Angeles: still 06:00 there
    at(world, 1, 9)
    world.work()
    assert standing(world) == [("waiting", "outside_window")]
    assert "06:00 in America/Los_Angeles" in only(world)["reason"]
    at(world, 1, 12)
    world.work()
    assert telephone.numbers == ["+12135550188"]


def test_a_held_call_expires_with_its_own_reason(telephone: Telephone) -> None:
    world = telephone.world(f"{ALWAYS}, expires: 4h")
    with world.parts.engine.begin() as conn:
        pauses.pause(conn, Scope(), "lunch", world.clock())
    at(world, 0, 10)
    enters(world, ADA)
    assert standing(world) == [("waiting", "paused")]
    at(world, 0, 14)
    world.work()
    assert standing(world) == [("skipped", "expired")]
    assert "wanted for 4 hours after the stage was entered" in only(world)["reason"]


@pytest.mark.parametrize(
    ("phone", "why"),
    [("+19005550100", "number_type_not_allowed"), ("+18095550100", "country_not_allowed")],
)
def test_numbers_that_no_rule_opened_are_not_called(telephone: Telephone, phone: str, why: str) -> None:
    world = telephone.world(ALWAYS)
    enters(world, phone)
    world.work()
    assert standing(world) == [("skipped", why)]
    assert telephone.numbers == []


def test_a_flag_in_the_crm_forbids_the_call_also_when_it_is_set_late(telephone: Telephone) -> None:
    world = telephone.world(OFFICE, connection=", do_not_call: [contact.hs_lead_status]")
    at(world, 0, 22)
    enters(world, "+12025550101", hs_lead_status="UNQUALIFIED")
    (deal,) = enters(world, ADA)
    assert standing(world) == [("skipped", "do_not_call"), ("waiting", "outside_window")]
    contact = next(iter(world.hubspot.state.links("deals", deal, "contacts")))
    world.hubspot.set_contact(contact, hs_lead_status="BAD_TIMING")
    at(world, 1, 9)
    world.work()
    assert standing(world)[1] == ("skipped", "do_not_call")
    assert 'contact.hs_lead_status is "BAD_TIMING" in HubSpot' in world.dispatches()[0]["reason"]
    assert telephone.numbers == []


def _ended(telephone: Telephone, world: World) -> None:
    """Every call so far ends."""
    telephone.contract.end_calls(f"{world.url}/hooks/calls/sales", int(world.clock().timestamp()))
    world.work()


def test_a_cool_down_counts_calls_to_record_and_number(telephone: Telephone) -> None:
    world = telephone.world(f"{ALWAYS}, cool_down: 24h")
    at(world, 0, 10)
    (deal,) = enters(world, ADA)
    world.work()
    _ended(telephone, world)
    at(world, 0, 12)
    enters_again(world, deal)
    enters(world, ADA)  # another deal of the same person
    world.work()
    assert standing(world)[1:] == [("skipped", "cool_down"), ("skipped", "cool_down")]
    at(world, 1, 10)
    enters_again(world, deal)
    world.work()
    assert telephone.numbers == [ADA, ADA]


def test_a_call_that_was_refused_starts_no_cool_down(telephone: Telephone, start: Start) -> None:
    refusing = telephone.world(f"{ALWAYS}, cool_down: 24h", calls="api_url: 'http://127.0.0.1:9'")
    at(refusing, 0, 10)
    enters(refusing, ADA)
    refusing.work()
    assert standing(refusing) == [("waiting", "call_api_unavailable")]
    world = telephone.world(f"{ALWAYS}, cool_down: 24h")
    world.clock.advance(minutes=5)
    world.work()
    assert telephone.numbers == [ADA]


@pytest.mark.parametrize("once_per", ["record", "number"])
def test_once_is_once_also_for_two_that_wait_together(telephone: Telephone, once_per: str) -> None:
    world = telephone.world(f"{OFFICE}, once_per: {once_per}")
    at(world, 0, 22)
    (deal,) = enters(world, ADA)
    at(world, 0, 23)
    enters(world, ADA, deal=deal if once_per == "record" else None)
    assert standing(world) == [("waiting", "outside_window")] * 2
    for hour in (9, 10):
        at(world, 1, hour)
        world.work()
        _ended(telephone, world)
    assert telephone.numbers == [ADA]
    assert standing(world) == [("ended", "answered"), ("skipped", "called_before")]


def _numbers(count: int) -> list[str]:
    return [f"+1202555{100 + number:04d}" for number in range(count)]


def test_a_cap_is_exact_while_many_let_go_at_once(telephone: Telephone) -> None:
    world = telephone.world(f"{ALWAYS}, max_per_hour: 5, max_per_day: 8")
    other = telephone.world(f"{ALWAYS}, max_per_hour: 5, max_per_day: 8")
    other.clock = world.clock
    start_at = at(world, 0, 10)
    enters(world, *_numbers(12))
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(pace, each.parts) for each in (world, other) * 8]:
            done.result()
    assert sorted(standing(world)) == [("sending", "sending")] * 5 + [("waiting", "rule_hourly_cap")] * 7
    world.work()
    assert len(telephone.numbers) == 5
    dues = sorted(_due(world))
    assert dues[0] == start_at + timedelta(hours=1)
    for seconds, most in ((3599, 5), (1, 8), (7200, 8)):
        world.clock.advance(seconds=seconds)
        world.work()
        assert len(telephone.numbers) == most
    assert standing(world).count(("waiting", "rule_daily_cap")) == 4
    world.clock.now = start_at + timedelta(hours=24)
    world.work()
    world.clock.advance(hours=2)
    world.work()
    assert len(telephone.numbers) == 12, "what a cap holds is not lost"


def _due(world: World) -> list[datetime]:
    from connector.store.tables import dispatches

    with world.parts.engine.connect() as conn:
        query = dispatches.select().where(dispatches.c.state == "waiting")
        return [row.due_at for row in conn.execute(query)]


def test_a_connections_cap_counts_all_its_rules(telephone: Telephone) -> None:
    world = telephone.world(ALWAYS, connection=", max_per_hour: 3")
    at(world, 0, 10)
    enters(world, *_numbers(5))
    world.work()
    assert len(telephone.numbers) == 3
    assert standing(world).count(("waiting", "connection_hourly_cap")) == 2
    assert "the connection sales makes 3 calls an hour at most; room again" in world.dispatches()[0]["reason"]


def test_a_capped_rule_keeps_no_other_rule_waiting(telephone: Telephone) -> None:
    second = RULES[RULES.index("  - name: Call") :].replace("name: Call", "name: Also")
    world = telephone.start(
        rules=rules(f"{ALWAYS}, max_per_hour: 1")
        + second.replace("enters: Demo requested", "enters: Contract sent"),
        calls=f"api_url: '{telephone.contract.url}', max_per_minute: 4",
        call_api="",
    )
    at(world, 0, 10)
    enters(world, *_numbers(9))
    stage = world.hubspot.state.stage_id("Contract sent")
    ada = world.hubspot.create_contact(firstname="Ada", phone="+12025550190")
    deal = world.hubspot.create_deal("Contract sent", [ada], announce=False)
    _post(world, _event(deal, stage, int(world.clock().timestamp() * 1000)))
    world.work()
    assert "+12025550190" in telephone.numbers
    assert len(telephone.numbers) == 2


def _let_go(world: World) -> tuple[list[str], datetime]:
    """Ada's call is decided on and let go, and not sent yet."""
    at(world, 0, 10)
    enters(world, ADA)
    pace(world.parts)
    assert only(world)["state"] == "sending"
    return [only(world)["id"]], world.clock()


def test_an_opt_out_between_decision_and_sending_holds(telephone: Telephone) -> None:
    world = telephone.world(ALWAYS)
    ids, let_go_at = _let_go(world)
    with world.parts.engine.begin() as conn:
        opt_out(conn, [Whom(ADA)], source="person", reason="asked", at=world.clock())
    send(world.parts, ids, let_go_at)
    assert standing(world) == [("skipped", "opted_out")]
    assert telephone.numbers == []


def test_an_opt_out_ends_what_is_held_at_once(telephone: Telephone) -> None:
    world = telephone.world(OFFICE)
    at(world, 0, 22)
    (deal,) = enters(world, ADA)
    with world.parts.engine.begin() as conn:
        record = Whom(None, "sales", RecordRef("deal", deal))
        opt_out(conn, [record], source="person", reason="a letter", at=world.clock())
    world.work()
    assert standing(world) == [("skipped", "opted_out")]
    assert f"deal {deal} of sales has opted out of calls since 2026-12-08 (a letter)" in only(world)["reason"]


def test_a_pause_between_decision_and_sending_holds_and_resume_sends(telephone: Telephone) -> None:
    world = telephone.world(ALWAYS)
    ids, let_go_at = _let_go(world)
    scope = Scope("sales", "Call")
    with world.parts.engine.begin() as conn:
        assert pauses.pause(conn, scope, "wrong script", world.clock())
    send(world.parts, ids, let_go_at)
    assert standing(world) == [("waiting", "paused")]
    assert 'the rule "Call" of the connection sales is paused since' in only(world)["reason"]
    world.clock.advance(hours=1)
    world.work()
    assert telephone.numbers == []
    with world.parts.engine.begin() as conn:
        assert pauses.resume(conn, scope, world.clock())
        assert let_go.look_again_paused(conn, world.clock()) == 1
        jobs.nudge(conn, "pace")
    world.work()
    assert telephone.numbers == [ADA]


@pytest.mark.parametrize("scope", [Scope(), Scope("sales"), Scope(rule="Call")])
def test_a_pause_covers_what_it_names(telephone: Telephone, scope: Scope) -> None:
    world = telephone.world(ALWAYS)
    with world.parts.engine.begin() as conn:
        pauses.pause(conn, Scope("another"), "", world.clock())
        pauses.pause(conn, Scope(rule="Another"), "", world.clock())
    enters(world, "+12025550101")
    with world.parts.engine.begin() as conn:
        pauses.pause(conn, scope, "", world.clock())
    enters(world, ADA)
    world.work()
    assert telephone.numbers == []
    assert standing(world) == [("waiting", "paused")] * 2


def test_whom_not_to_call_changes_before_or_after_a_commit_to_send_never_within(telephone: Telephone) -> None:
    world = telephone.world(ALWAYS)

    def add() -> bool:
        with world.parts.engine.begin() as conn:
            return bool(opt_out(conn, [Whom(ADA)], source="person", reason="asked", at=world.clock()))

    with ThreadPoolExecutor(1) as pool:
        with world.parts.engine.begin() as conn:
            pass_gate(conn)
            waiting = pool.submit(add)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)
        assert waiting.result(10)


def test_a_dry_run_sends_nothing_and_says_what_would_be(telephone: Telephone) -> None:
    world = telephone.world(f"{OFFICE}, dry_run: true")
    at(world, 0, 10)
    enters(world, ADA)
    at(world, 0, 22)
    enters(world, "+12025550101")
    world.work()
    at(world, 1, 10)
    world.work()
    assert standing(world) == [("skipped", "dry_run")] * 2
    later, sooner = world.dispatches()
    assert sooner["reason"] == f"dry run: {ADA} would be called now"
    assert later["reason"].startswith("dry run: +12025550101 would be held: it is Mon 22:00")
    assert telephone.numbers == []
