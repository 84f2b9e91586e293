"""Conditions and merge fields as people say them, or as other programs have them: what to write instead."""

import re
from dataclasses import replace

import pytest

from tests.unit.test_rules import FIELDS, changed, load, mistakes
from tests.unit.test_rules_newcomers import HUBSPOT


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("contact.phone == TRUE", "write true, in small letters"),
        ("contact.phone has a value", "write contact.phone by itself, which is true where it has a value"),
        ("contact.phone IS NOT NULL", "write contact.phone by itself, which is true where it has a value"),
        ("contact.phone is known", "write contact.phone by itself"),
        ("contact.phone is unknown", "write not contact.phone"),
        ("contact.phone has no value", "write not contact.phone"),
        ("contact.phone is any of US, CA", "write contact.phone in ['a', 'b']"),
        ("contact.phone is none of US, CA", "write contact.phone not in ['a', 'b']"),
        ("contact.phone is not 'US'", "write contact.phone != 'US'"),
        ("contact.phone is equal to US", "write contact.phone == 'US'"),
        ("deal.amount is at least 10000", "write deal.amount >= 10000"),
        ("deal.amount is at most 10000", "write deal.amount <= 10000"),
        ("deal.amount is less than 5", "write deal.amount < 5"),
        ("deal.amount is after '2026-01-01'", "write deal.amount > '2026-01-01'"),
        ("deal.amount not >= 10000", "write deal.amount < 10000"),
        ("contact.phone does not contain 'CEO'", "write \"'CEO' not in contact.phone\", with both kinds of quotes"),
        ("contact.phone LIKE '%@x.com'", "write \"'@x.com' in contact.phone\", with both kinds of quotes"),
        ("contact.phone starts with '+1'", "which looks in all of it"),
        ("contact.phone NOT IN ['US']", 'write "and", "or", "not" in small letters'),
        ("contact.phone doesn't equal 'US'", "has a lone '; write !="),
        ("deal.amount within last 7 days", "times that pass are not known here"),
        ("deal.amount more than 7 days ago", "times that pass are not known here"),
        ("deal.amount >= 10k", "write 10000"),
        ("deal.amount > 5 AND contact.phone contains vip", 'write "and", "or", "not" in small letters'),
        ("contact.phone contains 'x' and deal.amount > 5", "stands in double quotes as a whole"),
        ("deal.amount is between 2000 and 9000", "write 2000 <= deal.amount <= 9000"),
        ("deal.amount > 5 and \"'vip' in contact.phone\"", "leave the quotes around it out"),
        ("deal.amount > 1000 USD", "amounts are written without their currency"),
        ("deal.amount ==> 5", "write >="),
        ("contact.phone in {'US', 'CA'}", "a list stands in square brackets: ['a', 'b']"),
        ("deal.amount > 5 but not contact.phone", 'write "and"'),
        ("when deal.amount > 5", "the condition stands alone"),
        ("contact.phone starts_with '+1'", "write \"'+1' in contact.phone\""),
        ("'deal.amount' > 5", "put the whole in quotes of the other kind, a field in none"),
        ("deal.amount > 5 ? yes : no", "a choice is written if: 'a' if condition else 'b'"),
        ("deal.amount >= 2m", "write 2000000"),
        ("deal.amount in 1000..5000", "write 1000 <= field <= 5000"),
        ("deal.amount.between(1000, 5000)", "write 1000 <= field <= 5000"),
        ("contact.phone == 02139", "a number does not begin with 0; a text stands in quotes: '02139'"),
        ("deal.amount > 2026-1-1", "has 2026-1-1 without quotes"),
        ("deal.amount > 1000;", "leave it out"),
        ("deal->amount > 5", "a field is written with a dot: deal.amount"),
        ("deal_amount > 1000", "did you mean deal.amount?"),
        ("deal amount > 1000", "a field is written with a dot, as deal.amount"),
        ("deal.amount xor contact.phone", "write (a or b) and not (a and b)"),
        ("AND(deal.amount, contact.phone)", 'write "and", "or" between the conditions'),
        ("contact.phone == 'US' | 'CA'", "several values are a list: field in ['a', 'b']"),
        ("contact.phone in ['US' 'CA']", "has two texts side by side, at 'CA'; a comma is missing"),
        ("weekday == 'Monday'", "days and hours are the policy's window"),
        ("everyone", "where every record is meant, leave the condition out"),
        ("deal.dealname ~ 'renewal'", "a part is looked for by \"'renewal' in deal.dealname\""),
        ("deal.amount + 5", "is a calculation, and no condition; compare it with a number"),
        ("contact.phone has any of hot, webinar", "write 'a' in contact.phone or 'b' in contact.phone"),
        ("contact has tag 'hot'", "write \"'hot' in contact.tags\""),
        ("tag == 'hot'", "tags are contact.tags, where the CRM has them"),
        ("contact.phone contains @gmail.com", "texts stand in quotes: \"'@example.com' in contact.email\""),
        ("contact.phone || 'there'", 'write "or"'),
        ("\"'hot' and 'webinar' in contact.phone\"", "write 'hot' in contact.phone and 'webinar' in contact.phone"),
        ("deal.amount > '30 days ago'", "times that pass are not known here"),
        ("deal.amount > '$1,000'", "write 1000"),
        ("deal.dealname matches 'renewal.*'", "write \"'renewal' in deal.dealname\""),
        ("deal.id > 1000 and < 5000", "name the field again: deal.id > 1000 and deal.id < 5000"),
        ("contact.phone == Yes", "a text stands in quotes: 'Yes'"),
        ("{{ deal.amount > 5,000 }} and contact.phone is US", "`if` is an expression: write it without {{ and }}"),
        ('"{{ deal.amount > 5000 }}" and contact.phone', "`if` is an expression: write it without {{ and }}"),
        ("contact.phone or not contact.phone", "is true of every record: contact.phone has a value or has none"),
        ("deal.amount > 1000 or deal.amount < 5000", "deal.amount is always > 1000 or < 5000; is `and` meant?"),
        ("contact.phone or deal.amount >= 5 and deal.amount <= 1", "is true of no record"),
        ("contact.phone not in ['US'] or contact.phone not in ['CA', 'MX']", "write contact.phone not in ['US', 'CA', 'MX']"),
    ],
)  # fmt: skip
def test_a_condition(condition: str, wanted: str) -> None:
    (found,) = mistakes(changed("deal.amount >= 1000", condition), HUBSPOT)
    assert wanted in found


@pytest.mark.parametrize(
    "condition",
    [
        "deal.amount > 5000 or deal.amount < 1000",
        "contact.phone not in ['US', 'CA'] and deal.amount > 5",
        "contact.phone == 'is it' or 'is' in contact.phone",
        "deal.dealname == 'a 2026-01-01 b'",
    ],
)
def test_what_is_only_alike_is_left_alone(condition: str) -> None:
    assert load(changed("if: deal.amount >= 1000", f'if: "{condition}"'), HUBSPOT).warnings == ()


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ('{window: {hours: {mon-fri: "09:00-12:00, 13:00-18:00"}}}', 'write ["09:00-12:00", "13:00-18:00"]'),
        ("{window: [{days: mon-fri}, {days: sat}]}", "a list is no window; several hours are {hours: {mon-fri:"),
        ("{window: 24/7}", "or always, at any hour, for tests"),
        ('{window: {mon-thu: "10:00-16:00"}}', 'it belongs under `hours`: hours: {mon-thu: "10:00-16:00"}'),
        ('{window: {hours: mon-thu: "10:00-16:00"}}', "write hours: {mon-thu: ...}"),
        ("{window: {days: mon, from: 09:00, until: 12:00, days: tue}}", "other hours on other days are written hours:"),
        ("{window: {hours: {tue-sat: 09:30-12:00, 13:00-17:30}}}", "several ranges of a day are a list in brackets"),
        ("{window: {lunch: 12:00-13:00}}", "hours with a break are written hours:"),
        ("{window: {closed_dates: Dec 24}}", 'write a list of days: ["2026-12-24"]'),
        ("{window: {days:mon-fri}}", 'lacks a blank after its ":"; write days: mon-fri'),
        ("{window: {holidays: Christmas}}", "single days are `closed_dates`"),
        ('{window: {holidays: ["2026-12-25"]}}', "single days are `closed_dates`"),
        ("{window: {holidays: US, GB}}", "several values are a list in brackets, as [US, GB]"),
        ("{window: {days: mon,wed}}", 'days with commas stand in quotes, as days: "mon,wed,fri"'),
        ("{window: {days: mon-fri, from: 09:00, to: 18:00}}", None),
        ("{window: {days: business days}}", '"business days" is not a list of days; write mon-fri'),
        ("{business_hours: true}", "the hours in which people may be called are its `window`"),
        ("{countries: US, CA}", '"CA" stands where a key belongs; several values are a list in brackets'),
        ("{number_types: mobile, landline}", '"landline" stands where a key belongs'),
        ("{dry_run: 1}", "write true, without quotes"),
        ("{hold: true}", "what happens outside the window is `outside: hold` or skip"),
        ("{caps: {per_day: 5}}", "there are caps an hour and a day"),
        ("{once_per: customer}", 'did you mean "number"?'),
        ('{window: {from: "9:00", until: "6:00"}}', None),
        ('{window: {closed_dates: ["2026-12-24 - 2026-12-31"]}}', "each day by itself"),
        ("{number_types: not premium}", "name those that are called, in a list; premium is then left out"),
        ("{number_types: [no landline]}", "landline is then left out"),
        ("{countries: not US}", "US is then left out"),
        ("{max_per_week: 100}", "there are caps an hour and a day"),
        ("{max_per_contact: 1}", "one call each is `once_per: record`, or number"),
        ("{max_per_day: 1,000}", '"000" stands where a key belongs; a number is written without a comma'),
        ('{max_per_day: "1,000"}', "write 1000"),
        ("{respect_optout: true}", "nobody is called who has opted out"),
        ("{countries: []}", "is empty; leave the key out or give it a value"),
    ],
)  # fmt: skip
def test_a_policy(policy: str, wanted: str | None) -> None:
    found = mistakes(changed("    write_back:", f"    policy: {policy}\n    write_back:"), HUBSPOT)
    assert len(found) == (1 if wanted else 2)
    assert wanted in found[-1] if wanted else re.search('did you mean "until"|18:00, or 06:00', found[-1])


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("if: deal.amount >= 1000", "only_source: not import", "stands in `not_source`: import"),
        ("if: deal.amount >= 1000", "only_source: import\n      not_source: import", "names everybody that only_source names"),
        ("if: deal.amount >= 1000", "how: manually", "who changed it is `only_source: person`"),
        ("if: deal.amount >= 1000", "unless: deal.amount < 5", "write it as `if: not (...)`"),
        ("if: deal.amount >= 1000", "owner: Anna", "conditions on fields are written `if: contact.country == 'US'`"),
        ("if: deal.amount >= 1000", "after: 2h", "a call is placed as soon as its window allows"),
        ("version: 1", "version: 1\npolicy: {cool_down: 24h}", '"policy" belongs into each rule, below `rules`'),
        ("agent: Lead Qualifier", "amount: 5", "what else the agent is told stands below `metadata`"),
        ("agent: Lead Qualifier", "tables: {a: {b: c}}", '"tables" stands at the top of the file'),
        ("      ended:", "      answered:", "those are told apart under `ended`: stage: {answered: Qualified}"),
        ("        deal: {dealname:", "        notes: {x:", 'did you mean "note"?'),
        ("if: deal.amount >= 1000", "tags: hot", "tags are asked by `if`"),
        ("if: deal.amount >= 1000", "trigger: x", "leave it out: `enters` says what starts the rule"),
        ("if: deal.amount >= 1000", "workflow: x", "a workflow that asks for the call is `only_source: workflow`"),
        ("if: deal.amount >= 1000", "deal.amount: 5", "conditions on fields are written"),
        ("      ended:", '      "placed, ended":', "is several keys in one; write what stands below it under each of them"),
        ('        deal: {dealname: "{{ call.outcome }}"}', "        deal: {custom: {x: y}}", "fields stand directly below their record"),
        ('        deal: {dealname: "{{ call.outcome }}"}', "        deal: x", "write deal: {name_of_a_field: its value}"),
        ('"{{ contact.phone }}"', "[contact.phone, +1 202 555 0100]", "is a number and no field"),
        ("        deal: {dealname:", "        task: {x:", "tasks are not made; a `note` stands on the timeline"),
        ('        deal: {dealname: "{{ call.outcome }}"}', "        my_field: x", "a property stands below its record: deal: {my_field: ...}"),
        ("enters: Demo requested", 'enters: "{{ deal.dealstage }}"', "has a merge field in the name of a stage"),
        ("{{ deal.id }}", "{{ contact.firstname & ' ' }}", "texts are joined by ~"),
        ("{{ deal.id }}", "{{ contact.firstname, deal.id }}", "texts by ~"),
        ("{{ deal.id }}", "{{ contact.firstname | 'there' }}", "write | default('there')"),
        ("{{ deal.id }}", "{{ First Name }}", '"First Name" is a label; did you mean contact.firstname?'),
        ("{{ deal.id }}", "{{ contact.firstname.toUpperCase() }}", "write it as a filter: field | upper"),
        ("{{ deal.id }}", "{{ deal.amount | round('two') }}", '"two" is not a number'),
        ("{{ deal.id }}", "{{ deal.dealname | truncate 20 }}", "stands in brackets: truncate(20)"),
        ("{{ deal.id }}", "{{ deal[dealname] }}", "write deal.dealname"),
        ("{{ deal.id }}", "${contact.firstname}", "without the $"),
        ("{{ deal.id }}", "{{ deal.amount / 300 | round(2) }}", "brackets take all of it: (deal.amount / 300) | round"),
        ("{{ deal.id }}", "{{ deal.dealname | date('%d.%M.%Y') }}", "has %M, which is minutes, and no hours; the month is %m"),
        ('"{{ contact.phone }}"', '["contact.phone, deal.id"]', "each is an item of its own: [contact.phone, deal.id], without quotes"),
        ('"{{ contact.phone }}"', '"[contact.phone, deal.id]"', "several fields are a list, without quotes: [contact.phone, deal.id]"),
        ("deal.amount >= 1000", "contact.phone == ['US', 'CA']", "compares with a list; write contact.phone in [...]"),
        ("deal.amount >= 1000", "deal.amount in [1000-5000]", "a span is written 1000 <= field <= 5000"),
        ("deal.amount >= 1000", "deal.dealname == 'Upsell: Gold'", "put the whole of it in double quotes: if: \"deal.dealname == 'Upsell: Gold'\""),
        ("deal.amount >= 1000", "deal.dealname == 'Deal #1'", "ends before the #, which begins a comment to YAML"),
        ("deal.amount >= 1000", "{deal.amount} > 1000", "goes on after a closing bracket"),
        ("enters: Demo requested", "enters: #1 Demo", "ends before the #, which begins a comment to YAML"),
        ("enters: Demo requested", "enters: &Demo", "begins with &, which YAML keeps for itself"),
        ("enters: Demo requested", "enters: *Demo", "a text that begins with * stands in quotes"),
        ("enters: Demo requested", "enters: !Demo", "a text that begins with ! stands in quotes"),
        ("enters: Demo requested", "enters: > 90 Demo", 'put the whole in quotes: enters: "> 90 Demo"'),
        ("enters: Demo requested", "enters:Demo requested", 'lacks a blank after its ":"; write enters: Demo requested'),
        ("enters: Demo requested", "enters = Demo requested", 'has "=" after a key; write enters: Demo requested'),
        ("enters: Demo requested", "enters:\n      -Demo requested", 'lacks a blank after its "-"; write - Demo requested'),
        ("  - name: Call", "  -name: Call", 'lacks a blank after its "-", in the line above'),
        ("version: 1", 'version: "1"', "write it without quotes"),
        ("agent: Lead Qualifier", "agent: {{ deal.amount > 5 ? 'A' : 'B' }}", "in quotes, with all of the value: \"{{ deal.amount > 5 ? 'A' : 'B' }}\""),
        ('deal: {dealname: "{{ call.outcome }}"}', 'note: "Called: {{ call.outcome }}', "begins with a quote and does not end with one"),
        ('deal: {dealname: "{{ call.outcome }}"}', "tags: add: [called]", "write tags: {add: [called]}, or add on the next line"),
        ("enters: Demo requested", "enters: {A, B}", "a list stands in brackets: [A, B]"),
        ("enters: Demo requested", 'enters: "A", "B"', 'several texts are a list in brackets: ["A", "B"]'),
        ("enters: Demo requested", 'enters: "A",', "leave the comma out"),
        ("enters: Demo requested", "enters: Demo requested\n    // for demos", "a comment begins with #"),
        ("enters: Demo requested", "enters: {pipeline: x, stage: y}", "are two lines of `when`"),
        ("  - name: Call", "  \u2022 name: Call", 'an item of a list begins with "- "'),
        ("rules:", 'tables:\n  agents:\n    "71" = Senior\nrules:', 'has "=" after a key; write ": " in its place'),
        ("rules:", "tables:\n  agents:\n    - 71: Senior\nrules:", "leave the dashes out"),
    ],
)  # fmt: skip
def test_a_shape(old: str, new: str, wanted: str) -> None:
    (found,) = mistakes(changed(old, new), HUBSPOT)
    assert wanted in found


def test_an_invisible_blank_is_told() -> None:
    found = mistakes(changed("enters: Demo requested", "\u00a0enters: Demo requested"), HUBSPOT)
    assert any("has an invisible blank (a non-breaking space) at it" in each for each in found)


WORDS = replace(
    HUBSPOT,
    standard_fields={**HUBSPOT.standard_fields, "deal": FIELDS["deal"] | {"dealtype", "hubspot_owner_id"}},
    stage_field="deal.dealstage",
    usual_words={"deal.dealtype": frozenset({"newbusiness", "existingbusiness"})},
    writable=("deal", "contact"),
    tells_previous_stage=False,
    moves_stage=True,
    tags_on="contact",
)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("enters: Demo requested", "enters: not Closed Lost", "a stage cannot be left out"),
        ("enters: Demo requested", "enters: (Demo requested, Trial)", "several are a list in brackets"),
        ("enters: Demo requested", "enters: Demo requested // main", "a comment begins with #"),
        ("deal.amount >= 1000", "event.previous_stage == 'New'", "reads event.previous_stage, which is always empty"),
        ("deal.amount >= 1000", "event.source == 'import'", "ours are event.changed_by == 'import'"),
        ("deal.amount >= 1000", "event.stage == 'Proposal'", 'asks for the stage "Proposal", which `enters` does not name'),
        ("deal.amount >= 1000", "contact.phone == 'Yes'", "for one write contact.phone"),
        ("deal.amount >= 1000", "contact.phone == 'No'", "for one write not contact.phone"),
        ("deal.amount >= 1000", "contact.phone == false", "is not true of an empty checkbox; `not contact.phone` is"),
        ("deal.amount >= 1000", "deal.dealname == '*renewal*'", "a part of a text is looked for by \"'renewal' in deal.dealname\""),
        ("deal.amount >= 1000", "deal.dealname | lower == 'Bob'", "is never the result of the filter lower; write 'bob'"),
        ("deal.amount >= 1000", "deal.dealstage == 'Closed won'", 'holds ids of stages; "Closed won" is a label, as in event.stage'),
        ("deal.amount >= 1000", "deal.pipeline == 'Sales Pipeline'", 'holds ids of pipelines; "Sales Pipeline" is a label'),
        ("deal.amount >= 1000", "contact.tags.hot", "write 'hot' in contact.tags"),
        ("deal.amount >= 1000", "deal.custom.budget", "has no part deal.custom; write deal.budget"),
        ("deal.amount >= 1000", "contact.phone in '@gmail.com'", "the other way round it is '@gmail.com' in contact.phone"),
        ("deal.amount >= 1000", "deal.id == '1' or deal.id == '2' and deal.amount > 5", '"and" binds before "or"'),
        ("deal.amount >= 1000", "deal.dealname == '2026-12-24'", "write deal.dealname | date == '2026-12-24'"),
        ("deal.amount >= 1000", "deal.dealtype == 'New Business'", "usual values of deal.dealtype: existingbusiness, newbusiness"),
        ("deal.amount >= 1000", "deal.properties.amount", "has no part deal.properties; write deal.amount"),
        ("deal.amount >= 1000", "deal.contact.phone", "has no part deal.contact; write contact.phone"),
        ("deal.amount >= 1000", "deal.hubspot_owner_id == 'Anna Smith'", 'holds an id, and "Anna Smith" is a name'),
        ("deal.amount >= 1000", "deal.stage == 'x'", 'did you mean "dealstage"?'),
        ("deal.amount >= 1000", "contact.fullname == 'x'", 'did you mean "firstname" and "lastname"?'),
        ('"{{ contact.phone }}"', '"{{ contact.phone and deal.id }}"', "`or` takes the first that is"),
        ('"{{ contact.phone }}"', '"+1{{ contact.phone }}"', 'puts "+1" before numbers that may have their country code'),
        ('"{{ contact.phone }}"', "[\"'contact.phone'\"]", "without the inner quotes it is the field"),
        ('"{{ contact.phone }}"', '"{{ contact.phone | number }}"', "a phone number is none; leave the filter out"),
        ("agent: Lead Qualifier", "agent: \"{{ 'A' if deal.amount > 5 }}\"", "has no `else`"),
        ("agent: Lead Qualifier", 'agent: "+12025550100"', "is a number, and an agent goes by its name"),
        ("agent: Lead Qualifier", 'region: "{{ contact.country }}"', "needs two letters such as US"),
        ("rules:", "tables: {agents: {default: x}}\nrules:", 'is the word "default" and no catch-all'),
        ("    write_back:", '    policy: {window: {hours: {mon-fri: 09:00-18:00, fri: 09:00-12:00}}}\n    write_back:', "has hours for fri in two places"),
        ("    write_back:", "    policy: {cool_down: 1m}\n    write_back:", "is 1 minute: m stands for minutes"),
        ("        deal: {", "        stage: Demo requested\n        deal: {", "where this rule finds it; that starts no other call"),
        ("        deal: {", "        deal: {x: \"{{ 'a' if call.outcome == 'busy' }}\", ", "where its condition is false the property is cleared"),
        ("        deal: {", "        deal: {stage: Won, ", "the stage of this moment stands beside deal, not below it"),
        ("        deal: {", "        deal: {AI Outcome: x, ", "names of properties have no blanks"),
        ("        deal: {", "        tags: {add: 'a, b'}\n        deal: {", 'has one tag "a, b"; several are a list'),
        ("        deal: {", "        tags: {add: a, remove: a}\n        deal: {", 'adds and removes "a"; it is added'),
        ("        deal: {", "        deal: {hubspot_owner_id: Anna Smith, ", 'is the name "Anna Smith", and deal.hubspot_owner_id takes an id'),
    ],
)  # fmt: skip
def test_what_is_probably_not_meant(old: str, new: str, wanted: str) -> None:
    (found,) = load(changed(old, new), WORDS).warnings
    assert wanted in found.found
