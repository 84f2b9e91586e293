"""Which rule takes an event: who changed the record, how it came there, `stop`, candidates and tables, end to end."""

from pathlib import Path

import requests
from click.testing import CliRunner

from connector.cli import main
from connector.mapping.language import schema
from tests.flow.conftest import RULES, Start, World
from tests.flow.test_once import _event, _post

ROOT = Path(__file__).resolve().parents[2]
CALL = '{phone_number: "{{ contact.phone }}"}'


def _rules(*rules: str, more: str = "") -> str:
    return f"version: 1\nconnection: sales\n{more}rules:\n" + "".join(
        f"  - {{{rule}, policy: {{window: always}}}}\n" for rule in rules
    )


def _in_stage(world: World, amount: str = "4800", **contact: str) -> tuple[str, str, int]:
    """A deal that stands in the stage, of which no webhook was sent; with the stage's id and a moment."""
    stage = world.hubspot.state.stage_id("Demo requested")
    ada = world.hubspot.create_contact(firstname="Ada", **{"phone": "(202) 555-0123", **contact})
    deal = world.hubspot.create_deal("Demo requested", [ada], announce=False, amount=amount)
    return deal, stage, int(world.clock().timestamp() * 1000)


def _rules_that_call(world: World) -> list[tuple[str, str]]:
    """Each dispatch that was not skipped: its rule and record."""
    return sorted((each["rule"], each["record"]) for each in world.dispatches() if each["state"] != "skipped")


def test_an_imported_deal_is_not_called_where_the_rule_says_so(start: Start) -> None:
    world = start(rules=_rules(f"name: People, when: {{enters: any, not_source: import}}, call: {CALL}"))
    deal, stage, at = _in_stage(world)
    _post(world, _event(deal, stage, at, changeSource="IMPORT"))
    world.work()
    assert not world.dispatches()
    _post(world, _event(deal, stage, at + 60_000))
    world.work()
    assert len(world.calls()) == 1


def test_created_and_moved_deals_go_to_their_own_rules(start: Start) -> None:
    rules = [
        f"name: New, when: {{enters: Demo requested, how: created}}, call: {CALL}",
        f"name: Old, when: {{enters: Demo requested, how: moved}}, call: {CALL}",
    ]
    world = start(rules=_rules(*rules))
    grace = world.hubspot.create_contact(firstname="Grace", phone="+442079460958")
    world.hubspot.create_deal("Demo requested", [grace])
    world.hubspot.move_deal(world.deal(), "Demo requested")
    world.work()
    assert sorted(each["rule"] for each in world.dispatches()) == ["New", "Old"]
    assert {each["rule"]: each["phone_number"] for each in world.dispatches()} == {
        "New": "+442079460958",
        "Old": "+12025550123",
    }


LARGE_FIRST = _rules(
    f"name: Large, when: {{enters: Demo requested, if: deal.amount >= 10000}}, call: {CALL}, stop: true",
    f"name: Everyone, when: {{enters: Demo requested}}, call: {CALL}",
)


def test_a_rule_that_stops_is_the_last_one_for_its_events(start: Start) -> None:
    world = start(rules=LARGE_FIRST)
    large, small = _in_stage(world, "25000"), _in_stage(world, "4800", phone="+1 202 555 0124")
    _post(world, *(_event(deal, stage, at) for deal, stage, at in (large, small)))
    world.work()
    assert _rules_that_call(world) == [("Everyone", f"deal {small[0]}"), ("Large", f"deal {large[0]}")]


def test_without_stop_both_rules_make_a_dispatch(start: Start) -> None:
    world = start(rules=LARGE_FIRST.replace(", stop: true", ""))
    deal, stage, at = _in_stage(world, "25000")
    _post(world, _event(deal, stage, at))
    world.work()
    assert [rule for rule, _ in _rules_that_call(world)] == ["Everyone", "Large"]


def test_a_rule_that_stops_takes_the_event_also_without_a_number(start: Start) -> None:
    world = start(rules=LARGE_FIRST.replace("contact.phone", "contact.fax", 1))
    deal, stage, at = _in_stage(world, "25000")
    _post(world, _event(deal, stage, at))
    world.work()
    assert [each["rule"] for each in world.dispatches()] == ["Large"]


def test_news_that_comes_again_after_a_change_does_not_reach_the_stopped_rule(start: Start) -> None:
    world = start(rules=LARGE_FIRST)
    deal, stage, at = _in_stage(world, "25000")
    _post(world, _event(deal, stage, at))
    world.work()
    world.hubspot.set_deal(deal, amount="100")
    _post(world, _event(deal, stage, at, attemptNumber=1))
    world.work()
    assert [rule for rule, _ in _rules_that_call(world)] == ["Large"]
    assert len(world.calls()) == 1


def test_candidates_and_tables_reach_the_call(start: Start) -> None:
    call = (
        "{phone_number: [contact.mobilephone, contact.phone],"
        " agent: \"{{ deal.hubspot_owner_id | map('agents') | default('Nobody') }}\","
        " name: \"{{ '2026-11-02' | date('%e %B') }} {{ contact.phone | phone }}\"}"
    )
    tables = "tables: {agents: {71: Lead Qualifier}}\n"
    world = start(rules=_rules(f"name: A, when: {{enters: Demo requested}}, call: {call}", more=tables))
    deal, stage, at = _in_stage(world, mobilephone="ask Ada")
    world.hubspot.set_deal(deal, hubspot_owner_id="71")
    _post(world, _event(deal, stage, at))
    world.work()
    (made,) = world.calls()
    assert (made["to_number"], made["agent_name"]) == ("+12025550123", "Lead Qualifier")
    assert made["name"] == "2 November +12025550123"


def test_the_schema_is_published(world: World) -> None:
    answer = requests.get(f"{world.url}/rules.schema.json", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/schema+json")
    assert answer.json() == schema()


def test_the_reference_and_the_schema_are_printed() -> None:
    docs = CliRunner().invoke(main, ["rules", "docs"])
    assert docs.exit_code == 0
    assert "### `not_source`: Unless changed by (left out: [])" in docs.output
    printed = CliRunner().invoke(main, ["rules", "schema"])
    assert printed.exit_code == 0
    assert printed.output.lstrip().startswith('{\n  "$schema"')


def test_check_warns_of_a_field_that_is_nearly_a_standard_one(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES.replace("deal.amount", "deal.ammount"))
    done = CliRunner().invoke(main, ["check", "--config", str(tmp_path / "none.yaml"), str(file)])
    assert done.exit_code == 0
    assert f"{file}: 1 rule, no mistakes" in done.output
    assert "warning: " in done.output
    assert '"ammount" is not one of the standard fields of deal; did you mean "amount"?' in done.output


def test_preview_stops_where_the_rules_do(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(LARGE_FIRST)
    record = tmp_path / "record.yaml"
    record.write_text("stage: Demo requested\ndeal: {amount: 25000}\ncontact: {phone: '+1 202 555 0123'}\n")
    fixture = ROOT / "adapters/hubspot/fixtures/deal_stage_changed.http"
    arguments = ["preview", str(file), "--delivery", str(fixture), "--record", str(record)]
    said = CliRunner().invoke(main, [*arguments, "--config", str(tmp_path / "none.yaml")]).output
    assert 'rule "Large": calls +12025550123' in said
    assert 'rule "Everyone": no call: rule "Large" above has taken the event, and says stop: true' in said


def test_preview_shows_who_changed_the_record(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(_rules(f"name: A, when: {{enters: any, only_source: workflow}}, call: {CALL}"))
    fixture = ROOT / "adapters/hubspot/fixtures/deal_stage_changed.http"
    arguments = ["preview", str(file), "--delivery", str(fixture), "--config", str(tmp_path / "none.yaml")]
    said = CliRunner().invoke(main, arguments).output
    assert (
        'the record was changed by hand (the CRM says "CRM_UI"); rule "A" says only_source: workflow' in said
    )


def test_what_the_crm_cannot_tell_may_not_be_asked(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(_rules(f"name: A, when: {{enters: any, from: New}}, call: {CALL}"))
    done = CliRunner().invoke(main, ["check", "--config", str(tmp_path / "none.yaml"), str(file)])
    assert done.exit_code == 2
    assert "does not say which stage a record comes from; leave `from` out" in done.output
