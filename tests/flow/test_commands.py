"""The commands a CRM admin and a marketer use, run as they type them."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.cli import main
from tests.flow.conftest import ACCESS_TOKEN, API_KEY, CLIENT_SECRET, RULES, WEBHOOK_SECRET, World

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples/workflows").glob("*.yaml"))
FIXTURES = sorted((ROOT / "adapters/hubspot/fixtures").glob("*.http"))
HIGHLEVELS = sorted((ROOT / "adapters/ghl/fixtures").glob("*.http"))
RECORD = ROOT / "examples/records/ada.yaml"
BY_DAY = "2026-12-07T10:00-05:00"


def run_command(*arguments: str | Path) -> Result:
    """Run the command; a traceback fails the test."""
    done = CliRunner().invoke(main, [str(each) for each in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def config(world: World, tmp_path: Path) -> Path:
    """A stagecall.yaml that points to the world's sandbox and receiver."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/rules.yaml").write_text(RULES)
    file = tmp_path / "mine/stagecall.yaml"
    file.write_text(
        f"public_url: {world.url}\n"
        f"connections: {{sales: {{adapter: hubspot, access_token: {ACCESS_TOKEN},"
        f" client_secret: {CLIENT_SECRET}, api_url: '{world.hubspot.url}'}}}}\n"
        "rules: [rules.yaml]\n"
        f"calls: {{api_url: '{world.url}', api_key: {API_KEY}, webhook_secret: {WEBHOOK_SECRET}}}\n"
    )
    return file


def test_preview_reads_the_connected_account_and_changes_nothing(world: World, config: Path) -> None:
    deal = world.deal()
    world.hubspot.move_deal(deal, "Demo requested")
    assert world.hubspot.wait_idle()
    body = config.parent / "delivery.json"
    body.write_bytes(world.hubspot.deliveries[-1].body)
    before = [each["method"] for each in world.hubspot.requests]
    done = run_command("preview", config.parent / "rules.yaml", "--delivery", body, "--config", config)
    assert done.exit_code == 0, done.output
    assert "calls +12025550123" in done.output
    made = world.hubspot.requests[len(before) :]
    assert made
    assert all(each["method"] == "GET" or each["path"].endswith("/read") for each in made)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_passes_check(example: Path) -> None:
    done = run_command("check", str(example))
    alone, first, second = done.output.splitlines()
    assert alone.endswith("files are checked by themselves: the names of connections were not looked up")
    assert done.exit_code == 0
    assert re.fullmatch(rf"{re.escape(str(example))}: [12] rules?, no mistakes", first)
    assert "check --live" in second


def test_check_names_every_mistake_with_file_line_and_column(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.replace("contact.mobilephone", "contakt.mobilephone").replace("enters:", "entrs:"))
    done = run_command("check", str(rules))
    assert done.exit_code == 2
    assert f"{rules}:5:" in done.output
    assert f"{rules}:7:" in done.output
    assert "did you mean" in done.output
    assert "2 mistakes; nothing was done" in done.output or "3 mistakes" in done.output


def test_check_live_compares_with_the_account(world: World, config: Path) -> None:
    assert "no mistakes" in run_command("check", "--live", "--config", config).output
    (config.parent / "rules.yaml").write_text(
        RULES.replace("Demo requested", "Demo requestd").replace(
            "    call:\n", "    call:\n      agent: Nobdy\n"
        )
    )
    assert run_command("check", "--config", config).exit_code == 0, "without --live nobody is asked"
    done = run_command("check", "--live", "--config", config)
    assert done.exit_code == 2
    assert 'did you mean "Demo requested"?' in done.output
    assert "Nobdy" in done.output


def test_check_live_knows_the_accounts_properties(world: World, config: Path) -> None:
    """The most likely mistake of an admin: a property that nobody has created yet."""
    (config.parent / "rules.yaml").write_text(RULES.replace("ai_call_summary:", "ai_call_sumary:"))
    done = run_command("check", "--live", "--config", config)
    assert done.exit_code == 2
    assert '"ai_call_sumary" is not a property of deal; did you mean "ai_call_summary"?' in done.output


def test_check_live_knows_a_do_not_call_field_that_there_is_not(world: World, config: Path) -> None:
    """A mistyped one would forbid nothing, and nobody would know."""
    flag = "do_not_call: [contact.hs_lead_statis], api_url"
    config.write_text(config.read_text().replace("api_url", flag, 1))
    assert run_command("check", "--config", config).exit_code == 0, "without --live nobody is asked"
    done = run_command("check", "--live", "--config", config)
    assert done.exit_code == 2
    assert '"hs_lead_statis" is not a property of contact; did you mean "hs_lead_status"?' in done.output


def test_check_live_works_before_anything_is_served(world: World, config: Path) -> None:
    config.write_text(config.read_text().replace(f"api_url: '{world.url}'", "api_url: 'http://127.0.0.1:9'"))
    done = run_command("check", "--live", "--config", config)
    assert done.exit_code == 0, done.output
    assert "agents were not compared: the call API does not answer at http://127.0.0.1:9" in done.output


def test_check_knows_the_connections_and_the_crm_that_a_file_speaks_of(config: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(RULES.replace("connection: sales", "connection: salse"))
    done = run_command("check", mine, "--config", config)
    assert done.exit_code == 2
    assert (
        f'{mine}:2:1  connection  "salse" is not a connection of stagecall.yaml; did you mean "sales"?'
        in done.output
    )
    mine.write_text(RULES.replace("pipeline: Sales Pipeline,", "pipeline: Sales Pipeline, from: New,"))
    done = run_command("check", mine)
    assert "HubSpot does not say which stage a record comes from" in done.output


def test_check_takes_a_folder() -> None:
    done = run_command("check", ROOT / "examples/workflows")
    assert done.output.count("no mistakes") == len(EXAMPLES)


def test_preview_of_a_made_up_record_needs_no_account(config: Path, world: World) -> None:
    config.write_text(config.read_text().replace(world.hubspot.url, "http://127.0.0.1:9"))
    done = run_command(
        "preview", config.parent / "rules.yaml", "--record", RECORD, "--at", BY_DAY, "--config", config
    )
    assert done.exit_code == 0, done.output
    assert "calls +12025550147" in done.output


def test_preview_of_a_deal_of_the_account_as_if_it_had_entered_another_stage(
    world: World, config: Path
) -> None:
    ada = world.hubspot.create_contact(firstname="Ada", phone="(202) 555-0123")
    deal = world.hubspot.create_deal("contractsent", [ada], announce=False, amount="4800")
    rules = config.parent / "rules.yaml"
    asked = ("preview", rules, "--live", deal, "--at", BY_DAY, "--config", config)
    assert 'no call: stage "Contract Sent" is not' in run_command(*asked).output
    assert "calls +12025550123" in run_command(*asked, "--stage", "demo requested").output
    wrong = run_command(*asked, "--stage", "Demo requestd")
    assert wrong.exit_code == 1
    assert 'did you mean "Demo requested"?' in wrong.output


def test_check_names_agents_that_stagecall_yaml_does_not_list(tmp_path: Path) -> None:
    assert run_command("init", tmp_path).exit_code == 0
    secrets, rules = tmp_path / "stagecall.env", tmp_path / "rules/first-rule.yaml"
    secrets.write_text(re.sub(r"(?m)^(HUBSPOT_\w+)=$", r"\1=x", secrets.read_text()))
    call = "    call:\n"
    rules.write_text(rules.read_text().replace(call, f"{call}      agent: Lead Qualifer\n"))
    said = run_command("check", "--config", tmp_path / "stagecall.yaml").output
    assert 'agent "Lead Qualifer" is none of call_api.agents in' in said
    assert 'did you mean "Lead Qualifier"?' in said
    rules.write_text(rules.read_text().replace("Lead Qualifer", "Lead Qualifier"))
    assert "is none of" not in run_command("check", "--config", tmp_path / "stagecall.yaml").output


def test_a_rule_file_is_checked_though_the_configuration_is_not_finished(tmp_path: Path) -> None:
    assert run_command("init", tmp_path).exit_code == 0
    rules = tmp_path / "rules/first-rule.yaml"
    rules.write_text(rules.read_text().replace("enters:", "stage:"))
    said = run_command("check", rules, "--config", tmp_path / "stagecall.yaml").output
    assert "was left aside: it has 2 mistakes, which `stagecall check` names" in said
    assert 'did you mean "enters"?' in said


@pytest.mark.parametrize(
    ("crm", "rule"),
    [
        ("hubspot", 'name: "{{ contact.firstname }}"'),
        ("hubspot", 'region: "{{ contact.hs_country_region_code }}"'),
        ("ghl", 'name: "{{ contact.firstName }}"'),
    ],
)
def test_a_file_without_configuration_is_checked_by_the_words_of_its_crm(
    tmp_path: Path, crm: str, rule: str
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        f"version: 1\nconnection: sales-{crm}\nrules:\n  - name: One\n    when: {{enters: New}}\n"
        f'    call: {{phone_number: "{{{{ contact.phone }}}}", {rule}}}\n'
    )
    assert "warning" not in run_command("check", rules).output


def test_a_rule_may_name_the_pipeline_of_a_made_up_record_by_its_id(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    example = ROOT / "examples/workflows/call-demo-requests.yaml"
    rules.write_text(example.read_text().replace("pipeline: Sales Pipeline", "pipeline: default"))
    assert "calls +12025550147" in run_command("preview", rules, "--record", RECORD, "--at", BY_DAY).output


def test_a_name_that_two_files_use_is_a_mistake_with_its_lines(config: Path) -> None:
    again = config.parent / "again.yaml"
    again.write_text((config.parent / "rules.yaml").read_text())
    config.write_text(config.read_text().replace("[rules.yaml]", "[rules.yaml, again.yaml]"))
    done = run_command("check", "--config", config)
    line = again.read_text().split("  - name:")[0].count("\n") + 1
    assert f"{again}:{line}:" in done.output
    assert f"is the name of a rule in {config.parent / 'rules.yaml'}:{line} too" in done.output


def test_send_plays_a_recorded_delivery_signed_anew(world: World, config: Path) -> None:
    fixture = ROOT / "adapters/hubspot/fixtures/deal_stage_changed.http"
    done = run_command("send", fixture, "--config", config, "--connection", "sales", "--to", world.url)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output.removeprefix("kept: "))["delivery"]
    gone = run_command(
        "send", fixture, "--config", config, "--connection", "sales", "--to", "http://127.0.0.1:9"
    )
    assert gone.exit_code == 1
    assert "is `stagecall serve` running?" in gone.output
    other = run_command("send", fixture, "--config", config, "--connection", "nobody", "--to", world.url)
    assert '"nobody" is not a connection' in other.output


def test_init_then_check_leads_a_newcomer_by_sentences(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert run_command("init", str(folder)).exit_code == 0
    done = run_command("check", "--config", folder / "stagecall.yaml")
    assert done.exit_code == 2
    assert "HUBSPOT_ACCESS_TOKEN is empty" in done.output
    env = (folder / "stagecall.env").read_text()
    env = env.replace("TOKEN=", "TOKEN=pat-na1-x").replace("CLIENT_SECRET=", "CLIENT_SECRET=x")
    (folder / "stagecall.env").write_text(env)
    done = run_command("check", "--config", folder / "stagecall.yaml")
    assert (done.exit_code, done.output.count("no mistakes")) == (0, 2), done.output


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    missing = tmp_path / "nothing.yaml"
    for arguments in (
        ("check", missing),
        ("serve", "--config", missing),
        ("preview", missing, "--delivery", FIXTURES[0]),
        ("preview", EXAMPLES[0], "--delivery", missing),
        ("preview", EXAMPLES[0], "--delivery", FIXTURES[0], "--record", missing),
        ("send", missing, "--config", missing),
    ):
        done = run_command(*arguments)
        assert done.exit_code in (1, 2), arguments
        assert str(missing) in done.output
        assert "Traceback" not in done.output


def test_check_live_compares_the_rest_where_an_object_cannot_be_asked(world: World, config: Path) -> None:
    """An account whose app may not read companies still learns of a mistyped property of the deal."""
    world.hubspot.account.scopes -= {"crm.objects.companies.read", "crm.schemas.deals.read"}
    assert "not compared" not in run_command("check", "--live", "--config", config).output
    rules = RULES.replace("contact.mobilephone or contact.phone", "contact.phone or company.phone")
    (config.parent / "rules.yaml").write_text(rules)
    said = run_command("check", "--live", "--config", config).output
    assert "fields of company were not compared with sales: " in said
    assert "crm.objects.companies.read" in said
    (config.parent / "rules.yaml").write_text(rules.replace("ai_call_summary:", "ai_call_sumary:"))
    assert 'did you mean "ai_call_summary"?' in run_command("check", "--live", "--config", config).output


def test_dispatches_of_a_record_say_what_became_of_its_news(
    world: World, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGECALL_DATABASE_URL", world.database_url)
    deal = world.deal()
    world.hubspot.move_deal(deal, "Qualified")
    world.work()
    said = run_command("dispatches", "--record", deal, "--config", config).output
    assert f'names {deal}: stage "Qualified" is not "Demo requested" of rule' in said
    assert (
        "no delivery that names 404404 was kept"
        in run_command("dispatches", "--record", "404404", "--config", config).output
    )


def test_an_unfinished_configuration_keeps_nobody_from_a_preview(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert run_command("init", str(folder)).exit_code == 0
    question = ("preview", folder / "rules/first-rule.yaml", "--config", folder / "stagecall.yaml")
    done = run_command(*question, "--record", RECORD, "--at", BY_DAY)
    assert done.exit_code == 0, done.output
    assert "was left aside: it has 2 mistakes, which `stagecall check` names" in done.output
    assert "calls +12025550147" in done.output
    assert "HUBSPOT_ACCESS_TOKEN is empty" in run_command(*question, "--live", "9001").output


def test_a_file_in_another_encoding_is_told_how_to_be_saved(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_bytes(RULES.replace("name: Call", "name: Ca\u00fcl").encode("latin-1"))
    assert "is not UTF-8 text: save it with the encoding UTF-8" in run_command("check", file).output
