"""For every call placed or not, `stagecall explain` says why; `stagecall preview` says the same before, and changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from connector import explanation
from connector.cli import main
from connector.previewing import Question, preview
from tests.flow.conftest import RULES, Start, World
from tests.flow.test_policy import at as night
from tests.flow.test_policy import enters

OFFICE = RULES.replace("window: always", 'window: {days: mon-fri, from: "09:00", until: "18:00"}')
ASKS = "enters: Demo requested"


class Desk:
    """A marketer's desk: the world's stagecall.yaml, and its database."""

    def __init__(self, world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.rules = folder / "rules.yaml"
        self.config = folder / "stagecall.yaml"
        monkeypatch.setenv("STAGECALL_DATABASE_URL", world.database_url)

    def run(self, *arguments: str | Path, exit_code: int = 0) -> str:
        done = CliRunner().invoke(main, [*map(str, arguments), "--config", str(self.config)])
        assert done.exit_code == exit_code, (done.output, done.exception)
        return done.output

    def preview(self, **question: Any) -> dict[str, Any]:
        """What a preview says, as of the world's clock."""
        now = self.world.clock()
        with self.world.parts.engine.connect() as conn:
            asked = Question(self.rules, now, question.pop("entered_at", now), **question)
            return preview(self.config, asked, environment={}, conn=conn)


@pytest.fixture
def desk(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda rules=RULES, **more: Desk(start(rules=rules, **more), tmp_path, monkeypatch)


def _moved(world: World, stage: str = "Demo requested", **contact: str) -> str:
    deal = world.deal(**contact)
    world.hubspot.move_deal(deal, stage)
    world.work()
    return deal


def test_a_placed_call_is_explained_with_all_that_was_found(desk: Any) -> None:
    at = desk(RULES.replace(ASKS, f"{ASKS}, if: deal.amount > 1000 and not deal.closed"))
    deal = _moved(at.world)
    at.world.clock.advance(seconds=30)
    at.world.work()
    (dispatch,) = at.world.dispatches()
    said = at.run("explain", dispatch["id"][:8])
    for line in (
        f"dispatch {dispatch['id']}: deal {deal}, ended",
        'yes   if: deal.amount > 1000: true (deal.amount is "4800")',
        "yes   if: not deal.closed: true (deal.closed is empty)",
        'yes   phone number: +12025550123 (from "(202) 555-0123", region US)',
        'name: Ada  (contact.firstname is "Ada")',
        "yes   countries: +12025550123 is in US; the connection calls GB, US",
        "waiting: ",
        "placed: call ",
        "deal.ai_call_status = 'calling': written",
        f"decided by version {dispatch['rules_version'][:12]} of the rules",
    ):
        assert line in said, said
    assert "for a call to be placed" not in said
    assert [len(dispatch["explanation"]), len(dispatch["verdicts"]) > 5] == [2, True], "read, and sent"


@pytest.mark.parametrize(
    ("rules", "contact", "why", "lines"),
    [
        (
            RULES.replace(ASKS, f"{ASKS}, if: deal.amount >= 5000 and deal.dealname == 'x' or deal.id == 1"),
            {},
            "condition_false",
            ["no    if: deal.amount >= 5000 and deal.dealname == 'x' or deal.id == 1: false", "has to be true; now"],
        ),
        (
            RULES.replace(ASKS, f"{ASKS}, if: deal.amount >= 5000 and deal.id"),
            {},
            "condition_false",
            ['- `deal.amount >= 5000` has to be true; now deal.amount is "4800"', "yes   if: deal.id: true"],
        ),
        (
            RULES,
            {"phone": ""},
            "no_phone_number",
            ["no    contact.mobilephone, contact.phone are empty",
             "- a phone number that can be dialled, in contact.mobilephone, contact.phone"],
        ),
        (
            RULES.replace("call:\n", "call:\n      agent: '{{ deal.voice }}'\n"),
            {},
            "no_agent",
            ["agent is given as {{ deal.voice }} and that is empty", "- `agent` has to give a name"],
        ),
        (
            RULES.replace("window: always", "window: always, countries: [GB]"),
            {},
            "country_not_allowed",
            ["no    countries: +12025550123 is in US (United States), and the rule calls GB only", "- a number of an allowed country"],
        ),
        (
            RULES.replace("window: always", "window: always, dry_run: true"),
            {},
            "dry_run",
            ["no    dry_run: dry run: +12025550123 would be called now", "- take `dry_run: true` from the rule"],
        ),
    ],
)  # fmt: skip
def test_explain_and_preview_agree_on_why_there_is_no_call(
    desk: Any, rules: str, contact: dict[str, str], why: str, lines: list[str]
) -> None:
    at = desk(rules)
    deal = _moved(at.world, **contact)
    (dispatch,) = at.world.dispatches()
    assert dispatch["why"] == why
    kept = list(explanation.lines(explanation.explained({**dispatch, "history": [], "write_backs": []})))
    for line in lines:
        assert any(line in each for each in kept), kept
    assert lines[0] in at.run("explain", dispatch["id"])
    now = at.world.clock()
    (event,) = at.preview(live=deal)["events"]
    (foreseen,) = event["rules"]
    entered = kept[1]
    assert "entered" in entered
    foreseen["afterwards"] = []  # a preview's own
    same = [each for each in explanation.lines(foreseen) if each != f"  {event['event']}"]
    assert [_timeless(each, now) for each in same] == [
        _timeless(each, now) for each in kept if each != entered
    ]


def _timeless(line: str, now: Any) -> str:
    """A dispatch expires as long after the CRM's moment as a preview after ours."""
    return line.split(", until ")[0] if "wanted for" in line else line


def test_a_held_call_is_explained_with_the_moment_that_ends_it(desk: Any) -> None:
    at = desk(OFFICE)
    night(at.world, 5, 17)
    enters(at.world, "+12025550123")
    (dispatch,) = at.world.dispatches()
    assert dispatch["why"] == "outside_window"
    found = json.loads(at.run("explain", dispatch["id"], "--json"))
    (window,) = [each for each in found["verdicts"] if each["policy"] == "window"]
    assert (window["answer"], window["next_at"] == dispatch["due_at"]) == ("hold", True)
    assert found["needed"][0].startswith("nothing: it is called when the window opens, Mon ")
    assert "holds the call to +12025550123: it is " in at.run("explain", dispatch["id"])


def test_the_look_before_sending_is_kept_beside_the_first(desk: Any) -> None:
    at = desk(RULES, calls="max_per_minute: 1")
    world = at.world
    first, second = world.deal(phone="+12025550101"), world.deal(phone="+12025550102")
    world.hubspot.move_deals([first, second], "Demo requested")
    world.work()
    world.hubspot.move_deal(second, "contractsent")
    world.clock.advance(seconds=61)
    world.work()
    (dispatch,) = world.dispatches(record_id=second)
    said = at.run("explain", dispatch["id"])
    assert "no    deal " in said
    assert 'stands in "Contract Sent" now' in said
    assert "different at the first look" in said
    assert "- the record has to enter the stage again, and stay there until the call is placed" in said


def test_a_failure_says_what_the_call_api_wants(desk: Any) -> None:
    at = desk(RULES.replace("    call:\n", "    call:\n      agent: Nobody\n"))
    _moved(at.world)
    (dispatch,) = at.world.dispatches()
    said = at.run("explain", dispatch["id"])
    assert dispatch["state"] == "failed"
    assert "- an agent of that name; or another name as `agent` in the rule" in said
    assert "failed: deal.ai_call_status = 'not called: " in said


def test_the_first_verdicts_are_kept(desk: Any) -> None:
    at = desk(RULES.replace("window: always", "window: always, countries: [GB]"))
    _moved(at.world)
    (dispatch,) = at.world.dispatches()
    assert "countries" in {each["policy"] for each in dispatch["verdicts"] if each["answer"] == "skip"}


def _content(engine: sa.Engine) -> dict[str, list[Any]]:
    """Every row of every table of ours."""
    with engine.connect() as conn:
        names = conn.execute(sa.text(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('connector', 'call_api', 'jobs')"
        )).scalars().all()  # fmt: skip
        return {
            name: sorted(map(repr, conn.execute(sa.text(f"SELECT * FROM {name}"))))  # noqa: S608  # our own tables
            for name in names
        }


def test_preview_changes_nothing(desk: Any) -> None:
    at = desk(RULES)
    world = at.world
    done, deal = _moved(world), world.deal(phone="+12025550177")
    world.hubspot.move_deal(deal, "Demo requested")
    world.work()
    rows, deals = _content(world.parts.engine), [world.hubspot.deal(each) for each in (done, deal)]
    asked, calls = len(world.hubspot.requests), world.calls()
    said = at.run("preview", at.rules, "--live", deal)
    assert "calls +12025550177" in said
    assert said.endswith("nothing was sent or written\n")
    assert _content(world.parts.engine) == rows
    assert [world.hubspot.deal(each) for each in (done, deal)] == deals
    assert world.calls() == calls
    made = world.hubspot.requests[asked:]
    assert made
    assert all(each["method"] == "GET" or each["path"].endswith("/read") for each in made)


def test_preview_judges_cool_down_and_expiry_as_of_its_moment(desk: Any) -> None:
    at = desk(RULES.replace("window: always", "window: always, cool_down: 2d, expires: 3d"))
    deal = _moved(at.world)
    at.world.clock.advance(seconds=30)
    at.world.work()
    at.world.clock.advance(hours=47)
    (early,) = at.preview(live=deal)["events"][0]["rules"]
    assert early["why"] == "cool_down"
    assert early["needed"][0].startswith("the record has to enter the stage ")
    at.world.clock.advance(hours=2)
    assert at.preview(live=deal)["events"][0]["rules"][0]["why"] == "due"
    entered_at = at.world.clock().replace(year=2025)
    (late,) = at.preview(live=deal, entered_at=entered_at)["events"][0]["rules"]
    assert late["why"] == "expired"


def test_every_rule_is_shown_and_a_rule_that_is_not_concerned_says_why(desk: Any) -> None:
    text = RULES + RULES.split("rules:\n")[1].replace("name: Call", "name: Others").replace(
        ASKS, "enters: Closed Won"
    )
    at = desk(text)
    deal = _moved(at.world)
    said = at.run("preview", at.rules, "--live", deal)
    assert 'rule "Call": calls +12025550123' in said
    assert 'rule "Others": no call: stage "Demo requested" is not "Closed Won" of rule "Others"' in said
    assert "- the record has to enter a stage of the rule (a preview takes it there by --stage)" in said


def test_what_cannot_be_previewed_or_explained_is_a_sentence(desk: Any) -> None:
    at = desk(RULES)
    deal = _moved(at.world)
    assert "say what to preview: --live ID" in at.run("preview", at.rules, exit_code=1)
    assert "deal 424242" in at.run("preview", at.rules, "--live", "424242", exit_code=1)
    assert "`stagecall dispatches` lists them" in at.run("explain", "0123", exit_code=1)
    (dispatch,) = at.world.dispatches()
    assert dispatch["id"] in at.run("explain", deal, exit_code=1), (
        "the id of a record leads to its dispatches"
    )


def test_preview_without_an_account_says_what_live_needs(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    arguments = ["preview", str(rules), "--live", "1", "--config", str(tmp_path / "none.yaml")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert '--live reads the record from the connection "sales"' in done.output


def test_values_never_reach_the_log(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    at = desk(RULES)
    _moved(at.world, firstname="Katherine")
    (dispatch,) = at.world.dispatches()
    at.run("explain", dispatch["id"])
    assert "Katherine" in json.dumps(dispatch["explanation"])
    assert "Katherine" not in caplog.text
