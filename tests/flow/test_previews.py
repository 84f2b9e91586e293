"""`stagecall preview` of made-up records, run as a marketer types it: what it shows, and what it says of slips in them."""

from pathlib import Path

from tests.flow.test_commands import BY_DAY, EXAMPLES, FIXTURES, HIGHLEVELS, RECORD, ROOT, run_command


def _preview(at: str) -> str:
    example = ROOT / "examples/workflows/call-demo-requests.yaml"
    fixture = ROOT / "adapters/hubspot/fixtures/deal_stage_changed.http"
    return run_command("preview", example, "--delivery", fixture, "--record", RECORD, "--at", at).output


def test_preview_works_on_every_example_and_every_fixture() -> None:
    assert len(EXAMPLES) >= 12
    assert min(len(FIXTURES), len(HIGHLEVELS)) >= 10
    for example in EXAMPLES:
        of_highlevel = example.name.startswith("ghl-")
        for fixture in HIGHLEVELS if of_highlevel else FIXTURES:
            for more in ([], [] if of_highlevel else ["--record", str(RECORD)]):
                done = run_command("preview", str(example), "--delivery", str(fixture), *more)
                assert done.exit_code == 0, (example.name, fixture.name, done.output)
                assert done.output.endswith("nothing was sent or written\n")


def test_preview_shows_the_request_of_a_rule_that_fires() -> None:
    example = ROOT / "examples/workflows/call-demo-requests.yaml"
    fixture = ROOT / "adapters/hubspot/fixtures/deal_stage_changed.http"
    said = run_command("preview", example, "--delivery", fixture, "--record", RECORD, "--at", BY_DAY).output
    assert "calls +12025550147" in said
    assert 'name: Ada Lovelace  (contact.firstname is "Ada", contact.lastname is "Lovelace")' in said
    assert 'amount: 4800  (deal.amount is "4800")' in said
    assert "placed: deal.ai_call_status = calling, deal.ai_call_id = {{ call.id }}" in said


def test_preview_says_why_a_rule_does_not_fire(tmp_path: Path) -> None:
    record = tmp_path / "record.yaml"
    record.write_text("stage: Demo requested\npipeline: Sales Pipeline\ncontact: {firstname: Ada}\n")
    example = ROOT / "examples/workflows/call-demo-requests.yaml"
    fixture = ROOT / "adapters/hubspot/fixtures/deal_stage_changed.http"
    said = run_command("preview", str(example), "--delivery", str(fixture), "--record", str(record)).output
    assert "no call yet: there is no phone number (contact.mobilephone, contact.phone are empty)" in said


def test_preview_names_what_means_nothing_in_a_record_file(tmp_path: Path) -> None:
    record = tmp_path / "record.yaml"
    record.write_text("stge: Demo requested\ncontacts: {firstname: Ada}\n")
    done = run_command("preview", EXAMPLES[0], "--delivery", FIXTURES[0], "--record", record)
    assert done.exit_code == 2
    assert f"{record}:1:1" in done.output
    assert f"{record}:2:1" in done.output
    assert "contact" in done.output


def test_preview_of_a_deal_in_another_stage_says_so(tmp_path: Path) -> None:
    record = tmp_path / "record.yaml"
    record.write_text(RECORD.read_text().replace("stage: Demo requested", "stage: Qualified"))
    example = ROOT / "examples/workflows/call-demo-requests.yaml"
    fixture = ROOT / "adapters/hubspot/fixtures/deal_stage_changed.http"
    said = run_command("preview", example, "--delivery", fixture, "--record", record).output
    assert 'no call: stage "Qualified" is not "Demo requested" of rule' in said


def test_preview_of_a_record_as_if_it_had_entered_another_stage() -> None:
    example = ROOT / "examples/workflows/call-demo-requests.yaml"
    said = run_command("preview", example, "--record", RECORD, "--stage", "Closed Lost").output
    assert 'no call: stage "Closed Lost" is not "Demo requested" of rule' in said
    refused = run_command("preview", example, "--delivery", FIXTURES[0], "--stage", "Closed Lost")
    assert refused.exit_code == 2
    assert "--stage goes with --live or --record" in refused.output


def test_preview_of_a_record_by_who_brought_it_there(tmp_path: Path) -> None:
    example = ROOT / "examples/workflows/not-for-imports.yaml"
    proposal = ("preview", example, "--record", RECORD, "--stage", "Proposal sent")
    usual = run_command(*proposal).output
    assert "the record is taken to be brought there by: person; `--changed-by import` shows it" in usual
    assert "the record was changed by hand" in usual
    said = run_command(*proposal, "--changed-by", "import").output
    assert "no call: the record was changed by an import; rule" in said
    assert "is taken to be" not in said
    wrong = run_command(*proposal, "--changed-by", "imported")
    assert wrong.exit_code == 2
    assert "'person', 'bulk_edit', 'import', 'integration', 'workflow', 'unknown'" in wrong.output
    refused = run_command("preview", example, "--delivery", FIXTURES[0], "--changed-by", "import")
    assert "--changed-by goes with --live or --record" in refused.output
    grace = ROOT / "examples/records/grace-highlevel.yaml"
    highlevel = ROOT / "examples/workflows/ghl-opportunity.yaml"
    untold = run_command("preview", highlevel, "--record", grace, "--changed-by", "import").output
    assert "--changed-by import: HighLevel tells only: unknown, workflow" in untold


def test_preview_of_a_deal_in_another_pipeline_says_so(tmp_path: Path) -> None:
    record = tmp_path / "record.yaml"
    record.write_text(RECORD.read_text().replace("pipeline: Sales Pipeline", "pipeline: Sale Pipeline"))
    said = run_command(
        "preview", ROOT / "examples/workflows/call-demo-requests.yaml", "--record", record
    ).output
    assert 'no call: pipeline "Sale Pipeline" is not "Sales Pipeline" of rule "Call people' in said


def test_preview_says_what_is_a_label_in_a_record_file_and_which_stage_is_meant(tmp_path: Path) -> None:
    record = tmp_path / "record.yaml"
    record.write_text(
        RECORD.read_text().replace("amount:", "Amount:").replace("Demo requested", "Demo requestd")
    )
    said = run_command(
        "preview", ROOT / "examples/workflows/call-demo-requests.yaml", "--record", record
    ).output
    assert '"Amount" is not one of the standard fields of deal; did you mean "amount"?' in said
    assert (
        'the record stands in "Demo requestd"; did you mean "Demo requested", which the rules name?' in said
    )


def test_preview_shows_what_a_reason_will_be_written_as_and_that_a_dry_run_writes_nothing(
    tmp_path: Path,
) -> None:
    rules = tmp_path / "rules.yaml"
    example = (ROOT / "examples/workflows/call-demo-requests.yaml").read_text()
    entered, writes = "      enters: Demo requested\n", "    write_back:\n"
    skipped = f'{writes}      skipped: {{deal: {{why: "not called: {{{{ reason }}}}"}}}}\n'
    text = example.replace(entered, f"{entered}      not_source: import\n      if: deal.amount > 9000\n")
    rules.write_text(text.replace(writes, skipped))
    said = run_command("preview", rules, "--record", RECORD).output
    assert 'skipped: deal.why = not called: the condition of the rule is false: deal.amount is "4800"' in said
    imported = run_command("preview", rules, "--record", RECORD, "--changed-by", "import").output
    assert "nothing: who brought the record there makes it none of this rule's" in imported
    dry_run = text.replace(writes, skipped).replace("    policy:\n", "    policy:\n      dry_run: true\n")
    rules.write_text(dry_run)
    dry = run_command("preview", rules, "--record", RECORD).output
    assert "nothing: a dry run writes nothing" in dry
    assert "deal.why" not in dry


def test_preview_says_where_a_field_of_a_record_stands_in_the_crm_that_it_is_of(tmp_path: Path) -> None:
    record = tmp_path / "record.yaml"
    record.write_text("stage: New\nname: Ada\nsource: import\ndeal: {amount: 5}\ncontact: {phone: x}\n")
    said = run_command(
        "preview", ROOT / "examples/workflows/call-demo-requests.yaml", "--record", record
    ).output
    assert "who brought it there is said by the option --changed-by import" in said
    assert "opportunity" not in said


def test_preview_says_which_field_of_highlevel_a_label_is(tmp_path: Path) -> None:
    record = tmp_path / "record.yaml"
    record.write_text(
        "stage: New Lead\nopportunity: {name: Engine}\ncontact: {first name: Ada, last name: Lovelace}\n"
    )
    said = run_command("preview", ROOT / "examples/workflows/ghl-opportunity.yaml", "--record", record).output
    assert '"first name" is not one of the standard fields of contact; did you mean "firstName"?' in said
    assert 'did you mean "lastName"?' in said


def test_preview_says_which_field_and_amount_of_a_record_file_is_meant_and_that_capitals_count(
    tmp_path: Path,
) -> None:
    record, rules = tmp_path / "record.yaml", tmp_path / "rules.yaml"
    given = RECORD.read_text().replace("dealname:", "name:").replace("amount: 4800", 'amount: "$4,800"')
    record.write_text(given.replace("  phone:", "  phone number:"))
    example = (ROOT / "examples/workflows/call-demo-requests.yaml").read_text()
    entered = "      enters: Demo requested\n"
    rules.write_text(example.replace(entered, f"{entered}      if: contact.firstname == 'ada'\n"))
    said = run_command("preview", rules, "--record", record).output
    assert '"name" is not one of the standard fields of deal; did you mean "dealname"?' in said
    assert '"phone number" is not one of the standard fields of contact; did you mean "phone"?' in said
    assert 'is the text "$4,800", not a number; CRMs give amounts as 4800' in said
    record.write_text(RECORD.read_text().replace("newbusiness", "New Business"))
    usual = run_command("preview", rules, "--record", record).output
    assert 'is "New Business", which is not one of the usual values; did you mean "newbusiness"?' in usual
    assert 'capitals count: contact.firstname has "Ada", not "ada"' in said


def test_preview_says_where_capitals_differ_within_a_text_and_how_foreign_numbers_are_read(
    tmp_path: Path,
) -> None:
    record, rules = tmp_path / "record.yaml", tmp_path / "rules.yaml"
    record.write_text(
        RECORD.read_text().replace("(202) 555-0147", "020 7946 0123").replace("Ada\n", "Ada Maria\n")
    )
    example = (ROOT / "examples/workflows/call-demo-requests.yaml").read_text()
    entered = "      enters: Demo requested\n"
    rules.write_text(example.replace(entered, f"{entered}      if: \"'maria' in contact.firstname\"\n"))
    said = run_command("preview", rules, "--record", record).output
    wanted = (
        "capitals count: contact.firstname has \"Ada Maria\"; write 'maria' in (contact.firstname | lower)"
    )
    assert wanted in said
    negated = "'maria' not in (contact.firstname | lower)"
    rules.write_text(example.replace(entered, f'{entered}      if: "{negated}"\n'))
    assert "capitals count" not in run_command("preview", rules, "--record", record).output
    rules.write_text(example)
    said = run_command("preview", rules, "--record", record).output
    assert "or `region` under `call`, the country of numbers without a country code" in said


def test_preview_says_why_nothing_is_written_of_a_call_that_is_skipped(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    example = (ROOT / "examples/workflows/call-demo-requests.yaml").read_text()
    entered = "      enters: Demo requested\n"
    unmet = "contact.firstname == 'Ada' and deal.amount > 9000"
    rules.write_text(example.replace(entered, f"{entered}      if: {unmet}\n"))
    said = run_command("preview", rules, "--record", RECORD).output
    assert (
        "nothing; to write the reason on the record, add below `write_back`: skipped: {deal: {ai_call_status:"
        ' "{{ reason }}"}}' in said
    )
    assert 'no call: the condition of the rule is false: deal.amount is "4800"\n' in said


def test_preview_says_how_tags_of_a_record_file_are_written(tmp_path: Path) -> None:
    grace = (ROOT / "examples/records/grace-highlevel.yaml").read_text()
    record = tmp_path / "record.yaml"
    record.write_text(grace.replace("tags: [webinar]", "tags: hot, new lead"))
    said = run_command("preview", ROOT / "examples/workflows/ghl-opportunity.yaml", "--record", record).output
    assert 'contact.tags  is the text "hot, new lead", and tags are a list: [hot, new lead]' in said


def test_preview_without_a_database_claims_nothing_of_earlier_calls() -> None:
    said = _preview(BY_DAY)
    unseen = "not looked at: no record of earlier calls is here"
    assert all(
        f"?     {policy}: {unseen}" in said for policy in ("opt_outs", "once_per", "cool_down", "pauses")
    )
    assert "yes   countries:" in said


def test_preview_says_where_a_field_of_a_record_file_belongs_and_which_agent_calls(tmp_path: Path) -> None:
    record, rules = tmp_path / "record.yaml", tmp_path / "rules.yaml"
    record.write_text(RECORD.read_text().replace("  dealname:", "  city: Rome\n  dealname:"))
    example = (ROOT / "examples/workflows/call-demo-requests.yaml").read_text()
    entered, call = "      enters: Demo requested\n", "    call:\n"
    agent = "      agent: \"{{ 'Ada' if deal.amount > 5000 else 'default' }}\"\n"
    rules.write_text(example.replace(call, call + agent))
    assert "agent: the default agent" in run_command("preview", rules, "--record", record).output
    rules.write_text(
        example.replace(call, call + agent.replace("deal.amount > 5000", "contact.firstname == 'ADA'"))
    )
    said = run_command("preview", rules, "--record", record).output
    assert 'capitals count: contact.firstname has "Ada", not "ADA"' in said
    rules.write_text(example.replace("cool_down: 24h", "max_per_hour: 5"))
    said = run_command("preview", rules, "--record", record).output
    assert "?     caps: 5 an hour at most; not counted: no record of earlier calls is here" in said
    rules.write_text(example.replace(entered, f"{entered}      if: contact.city == 'Rome'\n"))
    said = run_command("preview", rules, "--record", record).output
    assert "deal.city  is read by the rules as contact.city; put it below contact" in said


def test_preview_names_what_no_crm_has_in_a_record_file_and_a_record_of_another_crm(tmp_path: Path) -> None:
    record = tmp_path / "record.yaml"
    record.write_text(RECORD.read_text().replace("contact:", "contacts:"))
    said = run_command("preview", ROOT / "examples/workflows/call-demo-requests.yaml", "--record", record)
    assert f"{record}:8:1  contacts  is not part of a record; did you mean" in said.output
    record.write_text("stage: Demo requested\namount: 4800\ndeal: Acme\n")
    said = run_command("preview", ROOT / "examples/workflows/call-demo-requests.yaml", "--record", record)
    assert "it is a field, and stands below its record: deal: {amount: ...}" in said.output
    assert "deal  has its fields below it; write deal: {dealname: Acme}" in said.output
    other = run_command(
        "preview", ROOT / "examples/workflows/ghl-opportunity.yaml", "--record", RECORD
    ).output
    assert "is a record of HubSpot, and the rules read opportunity, which that has not" in other


def test_preview_takes_the_source_that_a_rule_asks_for() -> None:
    grace = ROOT / "examples/records/grace-highlevel.yaml"
    example = ROOT / "examples/workflows/ghl-workflow-with-custom-data.yaml"
    said = run_command("preview", example, "--record", grace, "--at", BY_DAY).output
    assert "calls +12025550143" in said
    assert "campaign: Webinar in November" in said
    other = run_command(
        "preview", ROOT / "examples/workflows/ghl-opportunity.yaml", "--record", grace, "--at", BY_DAY
    )
    assert "by hand" not in other.output, "HighLevel does not tell"


def test_preview_of_what_is_no_delivery_names_the_file() -> None:
    done = run_command("preview", EXAMPLES[0], "--delivery", RECORD)
    assert done.exit_code == 1
    assert f"{RECORD} does not say which CRM it is of" in done.output


def test_preview_shows_what_each_policy_says() -> None:
    said = _preview("2026-12-05T23:30-05:00")
    assert "holds the call to +12025550147: it is Sat 23:30 in America/New_York (by the number)" in said
    assert "wait  window: it is Sat 23:30" in said
    assert "open again Mon 2026-12-07 09:00 America/New_York" in said
    assert "yes   countries: +12025550147 is in US; the connection calls US" in said
    assert "- nothing: it is called when the window opens, Mon 2026-12-07 14:00 UTC" in said
    assert "yes   window: it is Mon 10:00 in America/New_York" in _preview(BY_DAY)
