"""The opt-out list and pauses, by the commands that operators use and by what people say in calls."""

import json
import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.cli import main
from connector.errors import PermanentError
from connector.model import RecordRef
from connector.opting_out import opt_out, read_numbers
from connector.store import opt_outs
from connector.store.opt_outs import Whom
from tests.flow.conftest import RULES, Start, World
from tests.flow.contract_server import ContractServer

ADA, GRACE = "+12025550123", "+442079460958"
Run = Callable[..., Result]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the world's database and configuration; a traceback fails the test."""
    monkeypatch.setenv("STAGECALL_DATABASE_URL", world.database_url)

    def command(*arguments: str | Path) -> Result:
        words = [str(each) for each in arguments]
        place = next((n for n, each in enumerate(words) if each.startswith("-")), len(words))
        words[place:place] = ["--config", str(world.parts.config.file)]
        done = CliRunner(env={**os.environ}).invoke(main, words)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return command


def test_a_number_is_put_on_the_list_and_taken_off(run: Run) -> None:
    assert run("optouts", "add", "(202) 555-0123", "--region", "us").output == (
        f"{ADA} is on the opt-out list now\n"
    )
    assert "was on the opt-out list already" in run("optouts", "add", ADA).output
    run("optouts", "add", "--record", "deal 9001", "--reason", "a letter")
    listed = json.loads(run("optouts", "list", "--json").output)
    assert [(each["phone_number"], each["record"], each["connection"]) for each in listed] == [
        (None, "deal 9001", "sales"),
        (ADA, None, None),
    ]
    assert [(each["source"], each["reason"]) for each in listed] == [
        ("person", "a letter"),
        ("person", "told to the operator"),
    ]
    assert "2 on the opt-out list" in run("optouts", "list").output
    assert run("optouts", "remove", ADA).exit_code == 0
    assert run("optouts", "remove", ADA).output == f"stagecall: {ADA} is not on the opt-out list\n"
    assert "1 on the opt-out list" in run("optouts", "list").output
    assert "is on the opt-out list now" in run("optouts", "add", ADA).output, "again, after it was taken off"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "555-0123"), "is not a phone number; write it with its country code"),
        (("add", "555-0123", "--region", "US"), "is not a phone number"),
        (("add", ADA, "--region", "Utopia"), '"Utopia" is not a country'),
        (("add",), 'name a number, or a record with --record "deal 9001"'),
        (("add", "--record", "9001"), '"9001" is not a record; write its type and id'),
        (
            ("add", "--record", "deal 9001", "--connection", "sale"),
            '"sale" is not a connection; did you mean "sales"',
        ),
        (("import", "no-such-file.csv"), "no-such-file.csv cannot be read"),
    ],
)
def test_a_mistake_is_one_helpful_sentence(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run("optouts", *arguments)
    assert done.exit_code == 1
    assert said in done.output
    assert len(done.output.splitlines()) == 1


def test_a_list_is_imported_with_a_count_and_every_bad_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "\ufeffname;Phone;since\nAda;+1 202 555 0123;2026\nGrace;nobody;2026\n\n# a remark\n"
        "Katherine;(202) 555-0188;2026\nAda again;+12025550123;\nshort\n",
        encoding="utf-8",
    )
    done = run("optouts", "import", file, "--region", "US", "--json")
    assert done.exit_code == 1, "a script notices that lines were left out"
    said = json.loads(done.output)
    assert (said["added"], said["known"]) == (2, 0)
    assert [each["line"] for each in said["bad_lines"]] == [3, 8]
    again = run("optouts", "import", file, "--region", "US")
    assert again.output.startswith("0 added, 2 on the list already, 2 not read\n")
    assert f'{file}:3  "nobody" is not a phone number' in again.output
    assert {each["reason"] for each in json.loads(run("optouts", "list", "--json").output)} == {
        "imported from list.csv"
    }


def test_a_plain_list_needs_no_heading() -> None:
    found = read_numbers(f"{ADA}\n{GRACE}\r\n{ADA}\n", None)
    assert (found.numbers, found.bad_lines) == ((ADA, GRACE), ())
    assert read_numbers("", None).numbers == ()
    assert read_numbers('phone,name\n"+1 202-555-0123","Lovelace, Ada"\n', None).numbers == (ADA,)


def test_pauses_are_put_listed_and_ended(run: Run) -> None:
    assert run("pause", "--rule", "call", "--reason", "wrong script").output == (
        'the rule "Call" is paused now; `stagecall resume --rule "Call"` ends it\n'
    )
    assert "was paused already" in run("pause", "--rule", "Call").output
    run("pause")
    assert [each["rule"] for each in json.loads(run("pauses", "--json").output)] == ["Call", None]
    assert 'the rule "Call" is paused since' in run("pauses").output
    assert re.search(r'paused: the rule "Call" since [-\d]{10} [:\d]{8} UTC;', run("status").output)
    missing = run("resume", "--connection", "sales")
    assert missing.exit_code == 1
    assert "the connection sales is not paused; paused: " in missing.output
    assert (
        'the rule "Call" (`stagecall resume --rule "Call"`); everything (`stagecall resume`)'
        in missing.output
    )
    assert run("resume", "--rule", "CALL").output == 'the rule "Call" goes on; 0 waiting calls judged again\n'
    assert run("resume").exit_code == 0
    assert run("pauses").output == "nothing is paused\n"


def test_a_pause_of_what_there_is_not_is_a_mistake(run: Run) -> None:
    """A mistyped name would pause nothing while everybody believes it does."""
    done = run("pause", "--rule", "Cal")
    assert (done.exit_code, done.output) == (
        1,
        'stagecall: "Cal" is not a rule; did you mean "Call"? There are: Call\n',
    )
    assert '"sale" is not a connection' in run("pause", "--connection", "sale").output


def test_pausing_works_while_a_rule_file_has_mistakes(run: Run, world: World) -> None:
    world.parts.config.rule_files[0].write_text(RULES.replace("enters:", "entrs:"))
    assert run("pause").exit_code == 0
    assert run("pause", "--connection", "sales").exit_code == 0


def _listed(world: World) -> dict[str, str]:
    with world.parts.engine.connect() as conn:
        return {str(each.whom): each.reason for each in opt_outs.listed(conn, 100)}


def test_a_wish_in_a_call_puts_number_and_record_on_the_list(start: Start) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    contract = ContractServer(secret)
    contract.says = {"disposition": "DO_NOT_CONTACT"}
    try:
        world = start(calls=f"api_url: '{contract.url}'", call_api="")
        deal = world.deal()
        world.hubspot.move_deal(deal, "Demo requested")
        world.work()
        for _ in range(2):
            hook = f"{world.url}/hooks/calls/sales"
            assert contract.end_calls(hook, int(world.clock().timestamp())) == [200]
            world.work()
        (call,) = contract.triggers
        why = f"said so in call {call['call_id']} (do_not_contact)"
        assert _listed(world) == {ADA: why, f"deal {deal} of sales": why}
    finally:
        contract.close()


def test_the_list_is_one_for_all_and_finds_by_number_and_record(world: World) -> None:
    at: datetime = world.clock()
    with world.parts.engine.begin() as conn:
        assert opt_out(conn, [Whom(ADA)], source="person", reason="asked", at=at) == [Whom(ADA)]
        assert opt_out(conn, [Whom(ADA)], source="person", reason="asked", at=at) == []
        assert [str(each.whom) for each in opt_outs.find(conn, [ADA, GRACE], [])] == [ADA]
        assert opt_outs.find(conn, [GRACE], []) == []
        assert opt_outs.find(conn, [], []) == []


def test_a_person_of_a_record_is_called_by_no_deal_of_theirs(world: World) -> None:
    """The wish of a contact, whichever deal enters the stage."""
    ada = world.hubspot.create_contact(firstname="Ada", phone="+12025550123")
    deals = [world.hubspot.create_deal(contacts=[ada], announce=False) for _ in range(2)]
    with world.parts.engine.begin() as conn:
        whom = Whom(None, "sales", RecordRef("contact", ada))
        opt_out(conn, [whom], source="person", reason="told us", at=world.clock())
    world.hubspot.move_deals(deals, "Demo requested")
    world.work()
    assert {(each["state"], each["why"]) for each in world.dispatches()} == {("skipped", "opted_out")}
    assert world.calls() == []


def test_a_wish_of_a_person_ends_what_is_held_for_them(start: Start) -> None:
    world = start(
        rules=RULES.replace("window: always", 'window: {days: mon-fri, from: "09:00", until: "18:00"}')
    )
    world.clock.show("2026-12-07T22:00-05:00")
    ada = world.hubspot.create_contact(firstname="Ada", phone="+12025550123")
    world.hubspot.move_deal(world.hubspot.create_deal(contacts=[ada], announce=False), "Demo requested")
    world.work()
    assert world.dispatches()[0]["why"] == "outside_window"
    with world.parts.engine.begin() as conn:
        whom = Whom(None, "sales", RecordRef("contact", ada))
        opt_out(conn, [whom], source="person", reason="told us", at=world.clock())
    world.work()
    assert world.dispatches()[0]["why"] == "opted_out"


def test_a_record_that_could_never_be_met_is_refused(run: Run) -> None:
    for record, said in (
        ("deals 9001", '"deals" is not a record of sales; did you mean "deal"?'),
        ("banana 9", '"banana" is not a record of sales'),
    ):
        done = run("optouts", "add", "--record", record)
        assert done.exit_code == 1
        assert said in done.output
    assert (
        "deal 9001 of sales is on the opt-out list now"
        in run("optouts", "add", "--record", "Deal 9001").output
    )


def test_the_columns_of_numbers_are_found_by_their_headings() -> None:
    found = read_numbers(
        "id,Mobile Phone,Work phone\n2025550199,+1 202 555 0123,\n7,,202-555-0111\n8,,\n", "US"
    )
    assert found.numbers == (ADA, "+12025550111")
    assert [line for line, _ in found.bad_lines] == [4]
    with pytest.raises(
        PermanentError, match='none of the headings "id", "wish" says that it is a phone number'
    ):
        read_numbers("id,wish\n2025550199,no calls\n", "US")


def test_people_can_be_spared_while_a_rule_file_is_missing(run: Run, world: World) -> None:
    file = world.parts.config.rule_files[0]
    file.rename(file.with_suffix(".gone"))
    assert "is on the opt-out list now" in run("optouts", "add", "+12025550123").output
    assert "is paused now" in run("pause").output
    assert run("status").exit_code == 0
    assert run("dispatches").exit_code == 0
