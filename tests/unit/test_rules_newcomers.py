"""What people write who are new to rules: each mistake says what to write instead."""

import re
from dataclasses import replace

import pytest

from connector.errors import ConfigError
from connector.mapping.rules import connection_of
from tests.unit.test_rules import FIELDS, GOOD, LIVE, VOCABULARY, changed, load, mistakes

HUBSPOT = replace(
    VOCABULARY,
    standard_fields={**FIELDS, "contact": FIELDS["contact"] | {"firstname"}},
    crm="HubSpot",
    notes_on=("deal",),
    instead={"tags": "HubSpot gives apps no tags; write a property"},
)


KNOWN = replace(LIVE, stage_field="deal.dealstage")


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("contact.phone == US", "\"US\" is not known here; a text stands in quotes: 'US'"),
        ("amount > 100", '"amount" is not known here; did you mean deal.amount?'),
        ("id == 5", '"id" is not known here; did you mean deal.id or contact.id or event.id?'),
        ("dael", 'did you mean "deal"?'),
        ("name == 'Ada'", "a person's name is contact.firstname and contact.lastname"),
        ("deal.amount > 1,000", "a number is written as 1000 or 1000.50, without a comma"),
        ("deal.amount > 1.000,50", "a number is written as 1000 or 1000.50, without a comma"),
        ("contact.phone == 'DE' or 'CA'", "write contact.phone in ['DE', 'CA']"),
        (
            "deal.amount > 5 or 'CA'",
            "is the same for every record because of 'CA'; compare a field with it, or leave it out",
        ),
        ("not false", "is the same for every record because of False"),
        ("contact.phone != 'US' or contact.phone != 'CA'", "write contact.phone not in ['US', 'CA']"),
        ("contact.phone == 'US' and contact.phone == 'CA'", "write contact.phone in ['US', 'CA']"),
        ("mobil == 5", "a text stands in quotes: 'mobil'"),
        ("phon == 5", "did you mean contact.phone?"),
        (
            "deal.amount > 1000 and deal.amount < 500",
            "is true of no record: deal.amount cannot be > 1000 and < 500; is `or` meant?",
        ),
        ("1000 < deal.amount and deal.amount == 500", "deal.amount cannot be > 1000 and == 500"),
        ("5 > deal.amount > 9", None),
        ("deal.amount >= 5 and deal.amount <= 5", None),
        ("contact.phone and not contact.phone", "contact.phone cannot have a value and have none"),
        ("event.how == 'create'", '"create" is never the value of event.how; did you mean "created"?'),
        (
            "event.changed_by in ['person', 'manual']",
            '"manual" is never the value of event.changed_by; there are:',
        ),
        ("deal.amount > 1 and 'Demo requestd' == event.stage", 'did you mean "Demo requested"?'),
        ("event.previous_stage != 'Qualified' and event.pipeline == 'Renewals'", None),
        (
            "deal.dealstage == 'Demo requested'",
            'deal.dealstage holds ids of stages; write event.stage for "Demo requested", or the id',
        ),
        ("deal.dealstage in ['1001', '1002']", None),
        ("deal.amount => 1000", "write >="),
        ("deal.amount <> 1000", "write !="),
        ("deal.amount > 12/31/2026", "is a calculation here; a day stands in quotes, as '2026-12-31'"),
        (
            "deal.amount > 2026-12-31",
            "has 2026-12-31 without quotes, which is a calculation; a day stands in quotes",
        ),
        ("deal.amount > '12/31/2026'", "it is neither a number nor a day as '2026-12-31'"),
        ("5 > deal.amount > 'high'", "has 'high' in < or >, and it is neither a number nor a day"),
        ("deal.amount.number > 5", "has .number; a filter is written deal.amount | number"),
        ("deal.amount between 1 and 5", "write 1 <= deal.amount <= 5"),
        ("deal.amount > 1 and < 5", "name the field again: deal.amount > 1000 and deal.amount < 5000"),
        ("deal.amount > 1, deal.amount < 3", 'conditions are joined by "and"'),
        ("deal.amount is greater than 5", "write deal.amount > 5"),
        ("contact.phone is empty", "write not contact.phone"),
        ("contact.phone == null", "a field without a value equals ''"),
        ("contact.phone == yes", "a checkbox is compared with true"),
        ("deal.amount > 1 000", "without a comma or blank"),
        ("deal.amount ≥ 5", "write >="),
        ("deal.amount > 20%", "a share is a number as the CRM has it: 20 or 0.2"),
        ("if deal.amount > 5", "the condition stands alone; a choice is written 'a' if condition else 'b'"),
        ("deal.amount > 5 then call", "the condition stands alone"),
        (
            "\"contact.phone | default: 'there'\"",
            "what a filter is given stands in brackets: default('there')",
        ),
        ("contact.phone | default 'there'", "what a filter is given stands in brackets: default('there')"),
        ("deal.amount < 30 days ago", "a day is written '2026-12-31'"),
        ("(deal.amount > 5", 'opens a "(" that nothing closes'),
        ("contact.phone == 'US', 'CA'", "several values are a list: field in ['US', 'CA']"),
        ("contact.phone in US, CA", "several values are a list: field in ['US', 'CA']"),
        ("IF(deal.amount > 5, true, false)", "calls IF(…), which is not available; a choice is written"),
        ("deal.amount.gt(5)", "calls gt(…), which is not available; write >"),
        ("\"contact:phone == 'x'\"", "a field is written with a dot: contact.phone"),
        ("len(contact.phone) > 3", "calls len(…); write it as a filter: field | length"),
        (
            "deal.closedate > now()",
            "calls now(…), which is not available; times that pass are not known here",
        ),
        ("isblank(contact.phone)", "a field by itself is true where it has a value"),
        ("contact.phone | fallback('x') == 'x'", 'did you mean "default"?'),
        ("call.outcome == 'answered'", '"call" is known only in write_back, under placed, ended, failed'),
        ("deal.amount > 10k", "write 10000"),
        ("contact.phone == New York", "a text stands in quotes: 'New York'"),
        ("contact.phone contains '@x'", "write \"'@x' in contact.phone\", with both kinds of quotes"),
        (
            "contact.phone exists",
            "write contact.phone by itself, which is true where it has a value",
        ),
    ],
)
def test_a_condition(condition: str, wanted: str | None) -> None:
    text = changed("deal.amount >= 1000", condition)
    if wanted is None:
        assert load(text, KNOWN).rules
        return
    (found,) = mistakes(text, KNOWN if "event." in condition or "dealstage" in condition else HUBSPOT)
    assert wanted in found


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ('{window: {hours: {mon-fri: "9-18"}}}', '"9-18" is not a range of hours; write 09:00-18:00'),
        ('{window: {hours: "09:00-18:00"}}', 'write hours: {mon-fri: "09:00-18:00"}'),
        (
            '{window: {mon-fri: "09:00-18:00"}}',
            '"mon-fri" is not a key of "window"; days with hours of their own stand below `hours`: hours: {mon-fri: "09:00-18:00"}',
        ),
        ("{window: {from: '09:00', until: '18:00', timezone: lead}}", 'did you mean "zone"?'),
        ("{cooldown: 24h}", '"cooldown" is not a key of "policy"; did you mean "cool_down"?'),
        ("{calling_hours: {days: mon-fri}}", 'did you mean "window"?'),
        ("{window: {moon-fri: []}}", '"moon-fri" is not a key of "window"; there are:'),
        (
            "{window: {zone: \"{{ 'America/New_Yrk' if contact.phone else contact.id }}\"}}",
            '"America/New_Yrk" is not a time zone; did you mean America/New_York?',
        ),
        ("{cool_down: never}", "write 90m, 24h or 3d, or none"),
        ("{number_types: cell}", 'the text "cell" is not possible here; did you mean "mobile"?'),
        ("{number_types: [fixed_line]}", 'did you mean "landline"?'),
        ("{once_per: day}", "once a day is `cool_down: 24h`"),
        ("{number_types: all}", "name the types in a list, such as [mobile, landline]"),
        (
            "{timezone: lead}",
            '"timezone" is not a key of "policy"; it is `zone` here, and belongs under `window`',
        ),
        ("{quiet_hours: x}", "the hours in which people may be called are its `window`"),
        ("{once_per: deal}", 'did you mean "record"?'),
        ("{once_per: contact}", 'did you mean "number"?'),
        ("{outside: drop}", 'did you mean "skip"?'),
        ("{cool_down: 1 month}", "write 30d, or none"),
        ("{cool_down: 1h30m}", "write 90m, or none"),
        ("{expires: two days}", "write 2d"),
        ("{expires: 1.5 hours}", "write 90m"),
        ("{countries: Canada}", '"Canada" is not a country; did you mean CA?'),
        (
            "{countries: all}",
            '"all" is not a country; write its two letters, such as US; NO is Norway, connection',
        ),
        (
            "{window: {holidays: yes}}",
            '"yes" is not a country; write its two letters, such as US; NO is Norway',
        ),
        ("{window: {holidays: no}}", "and without holidays the key is left out"),
        ("{window: {holidays: true}}", "write the country whose holidays count, such as US"),
        ("{window: {zone: -5}}", "write the zone of a place, such as America/New_York, or lead"),
        ("{window: {days: 5}}", "write mon-fri, or mon,wed,fri"),
        ("{window: {days: monday-friday}}", "write mon-fri"),
        ("{retries: 3}", '"retries" is not a key of "policy"; a call is placed once; who was not reached'),
        ("{enabled: false}", "policy.dry_run: true calls nobody, `stagecall pause` stops a rule at once"),
        ("{do_not_call: contact.dnc}", "nobody is called who has opted out (`stagecall optouts`)"),
        ("{delay: 5m}", "a call is placed as soon as its window allows"),
        ("{max_calls: 5}", 'did you mean "max_per_day"?'),
        ("{max_per_day: 10.5}", "must be a whole number, or unlimited, and is the number 10.5"),
        (
            "{cool_down: false}",
            "must be text, and is false (true or false); write a length of time, such as 24h, or leave the key out",
        ),
        ('{countries: "US, CA"}', "several are a list: [US, CA]"),
        ("{window: {zone: GMT+1}}", '"GMT+1" never changes to summer time; write the zone of a place'),
        ("{cool_down: 0}", "leave the key out, or write a length of time"),
        ("{window: {zone: PST}}", '"PST" is not a time zone; did you mean America/Los_Angeles?'),
        ("{window: {zone: Germany}}", '"Germany" is not a time zone; write one like America/New_York'),
        ("{window: {zone: contact.zone}}", 'a merge field is written "{{ contact.zone }}"'),
        ('{max_per_day: "5"}', 'must be a whole number without quotes, or unlimited, and is the text "5"'),
    ],
)
def test_a_policy(policy: str, wanted: str) -> None:
    (found,) = mistakes(changed("    write_back:", f"    policy: {policy}\n    write_back:"), HUBSPOT)
    assert wanted in found


@pytest.mark.parametrize("key", ["tag", "tags"])
def test_a_write_back_that_the_crm_cannot_do(key: str) -> None:
    (found,) = mistakes(changed('deal: {dealname: "{{ call.outcome }}"}', f"{key}: [x]"), HUBSPOT)
    assert "`tags` is not possible with HubSpot; HubSpot gives apps no tags; write a property" in found
    assert "possible here: deal, note" in found


@pytest.mark.parametrize(
    ("window", "warned"),
    [
        ('{days: mon-fri, from: "18:00", until: "09:00"}', True),
        ('{hours: {mon-fri: "18:00-09:00"}}', True),
        ('{hours: {mon-fri: ["09:00-12:00", "18:00 - 09:00"]}}', True),
        ('{hours: {mon-fri: ["08:00-12:00", "13:00-21:00"]}}', False),
    ],
)
def test_hours_over_midnight_are_warned_of(window: str, *, warned: bool) -> None:
    text = changed("    write_back:", f"    policy: {{window: {window}}}\n    write_back:")
    found = [each.found for each in load(text, HUBSPOT).warnings]
    night = "goes over midnight: people are called from 18:00 until 09:00 of the next day"
    assert found == [f"{night}; by day it would be 09:00 until 18:00"] * warned


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (
            "    write_back:",
            "    policy: {window: {hours: {mon-sun: 06:00-09:00}}}\n    write_back:",
            "06:00-09:00 is before 08:00 or after 21:00, when many laws forbid calls",
        ),
        (
            "    write_back:",
            "    policy: {window: {days: mon-sun, from: 12:00, until: 23:00}}\n    write_back:",
            "12:00-23:00 is before 08:00 or after 21:00",
        ),
        ("    write_back:", "    policy: {window: always}\n    write_back:", "calls people at any hour"),
        ("deal.amount >= 1000", "1 == 1", "reads no field, so it is the same for every record"),
        ("name: Call people", "name: Call #1 people", "ends before the #: what follows is a comment to YAML"),
        ("{{ contact.phone }}", "{{ contact.phone }} %mobile%", "has %mobile%, which is sent as it stands"),
        ("{{ deal.id }}", "[[deal.id]]", "has [[deal.id]], which is sent as it stands"),
        (
            '"{{ call.outcome }}"',
            "call.outcome",
            'is the text "call.outcome"; a merge field is written "{{ call.outcome }}"',
        ),
        ('"{{ deal.id }}"', "deal.id", 'is the text "deal.id"; a merge field is written "{{ deal.id }}"'),
        (
            "    write_back:",
            "    policy: {window: {days: mon-sun, from: '09:00', until: '05:00'}}\n    write_back:",
            "by day it would be 09:00 until 17:00",
        ),
        (
            "      enters: Demo requested\n      if: deal.amount >= 1000\n",
            "      enters: any\n",
            "is for every record that enters any stage",
        ),
        ("{{ deal.id }}", "*|EMAIL|*", "a merge field is written {{ contact.email }}"),
        (
            "deal.amount >= 1000",
            "deal.amount >= 10.000",
            "has 10.000, which is 10; 10000 is written without a point",
        ),
        ("enters: Demo requested", "enters: all", 'is a stage called "all"; whichever it is, is written any'),
        (
            "agent: Lead Qualifier",
            "name: firstname",
            'is the same for everybody; a field is written "{{ contact.firstname }}"',
        ),
        (
            "agent: Lead Qualifier",
            "email: <email>",
            'is the same for everybody; a field is written "{{ contact.email }}"',
        ),
        ('"{{ contact.phone }}"', '"+12025550100"', "is one number for every record"),
        (
            "{{ contact.phone }}",
            "{{ contact.email }}",
            "is an email address (contact.email), so nobody could be called",
        ),
        (
            "{{ contact.phone }}",
            "{{ contact.phone }} {{ contact.phone | digits }}",
            "are a list: [contact.phone]",
        ),
        (
            "    write_back:",
            "    policy: {window: {zone: America/New_York}}\n    write_back:",
            "goes by the clock of America/New_York for everybody",
        ),
        (
            "    write_back:",
            "    policy: {expires: 1m}\n    write_back:",
            "drops a call that has to wait longer than 1 minute",
        ),
        (
            "        deal: {dealname:",
            "        deal: {closedate: 12/31/2026, dealname:",
            'is the text "12/31/2026"; CRMs take days as 2026-12-31',
        ),
        (
            "        deal: {dealname:",
            "        deal: {dealstage: '1002', dealname:",
            "moves the record whatever the outcome; write `stage:` in its place",
        ),
        (
            "        deal: {dealname:",
            "        contact: {phone: ''}\n        deal: {dealname:",
            "writes over contact.phone, the number that this rule calls",
        ),
    ],
)
def test_what_loads_and_is_rarely_meant_is_warned_of(old: str, new: str, wanted: str) -> None:
    (found,) = load(
        changed(old, new), replace(HUBSPOT, stage_field="deal.dealstage", writable=("deal", "contact"))
    ).warnings
    assert wanted in found.found


SECOND = """\
  - name: {name}
    when: {{pipeline: Sales Pipeline, enters: Demo requested{more}}}
    call: {{phone_number: "{{{{ contact.phone }}}}"}}
"""


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("", "", 'makes a second call of each event, beside the rule "One"; if one is enough, that rule says stop: true'),
        (", not_source: import", ", not_source: [import, workflow]", "makes a second call of each event"),
        ("}\n    stop: true\n    policy: {", "", 'is asked about no event: the rule "One" above takes them all, and says stop: true'),
        ("}\n    stop: true\n    policy: {", ", if: deal.amount > 5", "is asked about no event"),
        (", if: deal.amount > 5}\n    stop: true\n    policy: {", "", None),
        ("", ", if: deal.amount > 5", None),
        ("", "}\n    policy: {cool_down: 24h", None),
        ("}\n    policy: {dry_run: true", "", None),
        (", how: created", "", 'is for the events of the rule "One" too; if one call is enough, that rule says stop: true'),
        (", if: deal.amount > 5", "", 'is for the events of the rule "One" too'),
        (", how: created", "}\n    policy: {cool_down: 1h", None),
        (", only_source: person", ", only_source: import", None),
    ],
)  # fmt: skip
def test_two_rules_for_the_same_events(first: str, second: str, wanted: str | None) -> None:
    text = (
        GOOD[: GOOD.index("  - name")]
        + SECOND.format(name="One", more=first)
        + SECOND.format(name="Two", more=second)
    )
    found = [each.found for each in load(text, HUBSPOT).warnings]
    assert [wanted in each for each in found] == [True] if wanted else found == []


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("connection: sales-hubspot", "Connection: sales-hubspot", "rules.yaml:2:1  Connection  is written connection, in small letters"),
        ("connection: sales-hubspot", "connection: [a, b]", "is a list; a rule file is for one connection"),
    ],
)  # fmt: skip
def test_whose_rules_they_are(old: str, new: str, wanted: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(wanted)):
        connection_of(changed(old, new), "rules.yaml")


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("enters: Demo requested", "enters: Demo requested, Qualified", "several are a list: [Demo requested, Qualified]"),
        ("enters: Demo requested", "enters: Demo requested or Qualified", "several are a list: [Demo requested, Qualified]"),
        ("enters: Demo requested", 'enters: "*"', "whichever it is, is written any"),
        ("enters: Demo requested", "enters: all", "whichever it is, is written any"),
        ("pipeline: Sales Pipeline", "pipeline: all", "whichever it is, is written any"),
        ("enters: Demo requested", "enters: Demo requested\n      stage: x", '"stage" is not a key of "when"; did you mean "enters"?'),
        ("enters: Demo requested", "enters:", "must be text, a whole number or a list, and is empty; give it a value"),
        ("pipeline: Sales Pipeline", "pipeline: [Sales Pipeline, Renewals]", "write a rule for each, or leave it out"),
        ("agent: Lead Qualifier", "agent: [Lead Qualifier, Closer]", "a choice is written"),
        ("if: deal.amount >= 1000", "if: [deal.amount, deal.id]", 'join the conditions by "and"'),
        ("if: deal.amount >= 1000", "if: 1", "leave it out, for every record"),
        ("if: deal.amount >= 1000", "source: import", 'did you mean "only_source"?'),
        ("if: deal.amount >= 1000", "only_source: manual", 'did you mean "person"?'),
        ("if: deal.amount >= 1000", "how: create", 'did you mean "created"?'),
        ("      metadata:\n        deal_id: \"{{ deal.id }}\"\n", "      metadata: x\n", "write metadata: {deal_id: \"{{ deal.id }}\", amount: "),
        ("      agent: Lead Qualifier", "      email: [[contact.email]]", 'a merge field stands in quotes and in two braces: "{{ contact.email }}"'),
        ("      agent: Lead Qualifier", "      from_number: x", "it belongs to the agent (`stagecall agents`), which `agent` names"),
        ("      ended:\n", "      ended:\n        if: call.outcome == 'answered'\n", "what is written can depend on the call"),
        ("enters: Demo requested", "enters: [Demo requested, Qualified", "rules.yaml:7:15  rules[0].when.enters[2]  opens a \"[\" that nothing closes on its line; put a \"]\" at the end"),
        ("if: deal.amount >= 1000", "if: false", "a rule that is to rest is taken out of the file"),
        ("if: deal.amount >= 1000", "not_source: import, workflow", "several are a list, with commas: [import, workflow]"),
        (
            "if: deal.amount >= 1000",
            "not_source: [person, bulk_edit, import, integration, workflow, unknown]",
            "names everybody, so no event could ever be for this rule",
        ),
        ("      agent: Lead Qualifier", "      policy: {}", '"policy" is not a key of "call"; it stands beside `call`, not below it'),
        ("      agent: Lead Qualifier", "      agent: @sales", "has @, which YAML keeps for itself; put the text in quotes"),
        ("      agent: Lead Qualifier", "      agent: %agent%", "has %, which YAML keeps for itself; put the text in quotes"),
        ("        deal: {dealname:", "        dealname: {x:", '"dealname" is not a key of "ended"; write deal: {dealname: ...}'),
        ("      ended:", "      completed:", 'did you mean "ended"?'),
        ("      ended:\n        deal:", "      deal:", '"deal" is not a key of "write_back"; there are: ended'),
        ("      agent: Lead Qualifier", "\tagent: x", "has a tab here; indent with spaces"),
        ("      agent: Lead Qualifier", "      agent: *", "has a lone * or &, which YAML keeps for itself"),
    ],
)  # fmt: skip
def test_what_is_written_in_the_wrong_shape(old: str, new: str, wanted: str) -> None:
    (found,) = mistakes(changed(old, new), LIVE)
    assert wanted in found
