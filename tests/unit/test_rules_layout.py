"""Slips of the layout of an example file: blanks before a line, commas, brackets, quotes; and what loads but is not meant."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.said import said

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "examples/workflows/call-demo-requests.yaml").read_text()
WINDOW = 'window: {days: mon-fri, from: "09:00", until: "18:00"}'
IF = "      enters: Demo requested\n"
TWO = EXAMPLE.replace("Call people", "First, call people") + EXAMPLE[EXAMPLE.index("  - name") :]


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("      enters:", "       enters:", '17:8  rules[0].when  has "enters" after 7 blanks, and "pipeline" above it after 6; keys'),
        ("      enters:", "     enters:", 'the same number: 6, two more than "when"'),
        ("      pipeline:", "       pipeline:", 'has "enters" after 6 blanks, and "pipeline" above it after 7; keys that belong'),
        ("      pipeline:", "    pipeline:", 'beside "when"; what belongs to "when" stands further in: both after 6'),
        ("    policy:", "  policy:", 'has "policy" after 2 blanks, and "call" above it after 4; keys that belong together'),
        ("    policy:", "     policy:", 'has "policy" after 5 blanks, and "call" above it after 4'),
        ("      cool_down", "     cool_down", 'has "cool_down" after 5 blanks, and "window" above it after 6'),
        ("    when:", "     when:", '("- " counts as two); keys that belong together begin after the same number: put 3 before the dash, or 4'),
        ("connection:", " connection:", 'has "connection" after 1 blank, and "version" above it after 0'),
        ("\nrules:", "\n  rules:", 'has "rules" after 2 blanks, and "connection" above it after 0'),
        ("        amount:", "       amount:", 'and "deal_id" above it after 8; keys that belong together begin after the same number: 8, two more'),
        ("      name: ", "    agent: Closer\n      name: ", 'and "agent" above it after 4, beside "call"'),
        ("\n  - name: Call", "\n   - name: Call", 'has "- name" after 3 blanks, and "- name" above it after 2; items of one list'),
    ],
)  # fmt: skip
def test_a_line_too_far_in_or_out_is_told_by_its_blanks(old: str, new: str, wanted: str) -> None:
    (found,) = said(TWO if "- name" in new else EXAMPLE, (old, new))
    assert wanted in found


@pytest.mark.parametrize(
    ("new", "wanted"),
    [
        (WINDOW.replace(", from", " from"), 'misses a "," before from'),
        (WINDOW.replace(", until", " until"), 'misses a "," before until'),
        (WINDOW.replace("}", ""), 'opens a "{" that nothing closes on its line; put a "}" at the end'),
        (WINDOW.replace("{", ""), f"several keys on one line, which stand in braces; write {WINDOW}"),
        (WINDOW.replace("{", "").replace("}", ""), f"stand in braces; write {WINDOW}"),
        (WINDOW.replace("{", "(").replace("}", ")"), f"stand in braces; write {WINDOW}"),
        (WINDOW.replace("}", "]"), f"stand in braces; write {WINDOW}"),
        (WINDOW.replace(",", ";"), 'has ";" where a "," belongs'),
        (WINDOW.replace("{", "[").replace("}", "]"), "a list is no window; its keys stand in braces: {days: mon-fri"),
        ("window: {days= mon-fri}", '"days= mon-fri" has "=" in the place of ": "; write days: mon-fri'),
        ("window:", f"empty is no window; write {WINDOW}, or what belongs to it on the next lines, two blanks further"),
        ("window: {hours: {saturday: 10-14}}", '"saturday" is not a day; did you mean "sat"?'),
        ("window: {hours: {saturday: 10-14}}", '"10-14" is not a range of hours; write 10:00-14:00'),
    ],
)  # fmt: skip
def test_a_window_on_one_line(new: str, wanted: str) -> None:
    assert wanted in " ".join(said(EXAMPLE, (WINDOW, new)))


def _usual() -> list[tuple[str, str, str]]:
    """What README.md says people usually change: what, the section, and the line for it."""
    readme = (ROOT / "README.md").read_text()
    row = r"^\| ([^|]+) \| `(when|call|metadata|policy|write_back|ended|failed)`[^|]* \| `(.+)` \|$"
    found = re.findall(row, readme, re.MULTILINE)
    return [(what, section, line.replace("\\|", "|")) for what, section, line in found]


def _without(key: str, section: str, lines: list[str]) -> Iterator[str]:
    """The lines but those of a key of the section."""
    inside, dropped = -1, -1
    for each in lines:
        blanks = len(each) - len(each.lstrip())
        inside = blanks if each.strip() == f"{section}:" else inside if blanks > inside else -1
        if inside >= 0 and blanks == inside + 2:
            dropped = blanks if each.strip().partition(":")[0] == key else -1
        elif blanks <= dropped:
            dropped = -1
        if dropped < 0:
            yield each


@pytest.mark.parametrize(("what", "section", "line"), _usual())
def test_what_the_readme_says_people_change_has_no_mistake(what: str, section: str, line: str) -> None:
    of_highlevel = what.startswith("HighLevel")
    example = (ROOT / "examples/workflows/ghl-opportunity.yaml").read_text() if of_highlevel else EXAMPLE
    lines = list(_without(line.partition(":")[0], section, example.splitlines()))
    at = next(number for number, each in enumerate(lines) if each.strip() == f"{section}:")
    further = len(lines[at]) - len(lines[at].lstrip()) + 2
    lines.insert(at + 1, " " * further + line)
    assert said("\n".join(lines), crm="ghl" if of_highlevel else "hubspot") == []


def test_the_readme_names_usual_changes() -> None:
    assert len(_usual()) >= 12


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("enters: Demo requested", "enters Demo requested", "17:7  rules[0].when  has no \":\"; write enters: Demo requested"),
        ("pipeline: Sales", "pipeline Sales", "16:7  rules[0]  has no \":\"; write pipeline: Sales Pipeline"),
        ("    when:", "    when", 'has no ":"; write when:'),
        ("enters: Demo requested", "enters: - Demo requested", "write enters: [Demo requested]"),
        ("enters: Demo requested", 'enters: "A" or "B"', 'several are a list in brackets: enters: ["A", "B"]'),
        ("enters: Demo requested", "enters: A, B", "several are a list in brackets: enters: [A, B]"),
        (WINDOW, "window: mon-thu 10-4, fri 10-1", '{hours: {mon-thu: "10:00-16:00", fri: "10:00-13:00"}}'),
        (WINDOW, "window: [{days: mon-thu, from: '10', until: '16'}, {days: fri, from: '10', until: '13'}]",
         'several hours are {hours: {mon-thu: "10:00-16:00", fri: "10:00-13:00"}}'),
        (WINDOW, f"{WINDOW}\n      {WINDOW}", "other hours on other days are written window: {hours:"),
        (WINDOW, 'hours: {mon-thu: "10:00-16:00"}', 'it belongs under `window`: window: {hours: {mon-thu: "10:00-16:00"}}'),
        ("cool_down: 24h", "cool_down: weekly", '"weekly" is not a length of time; write 7d'),
        ("    call:\n", "    call:\n      agent: if deal.amount > 5 then Ada else Grace\n",
         "a choice stands in braces: \"{{ 'Ada' if deal.amount > 5 else 'Grace' }}\""),
        ("    call:\n", "    call:\n      agent: Ada if deal.amount > 5 else Grace\n", "\"{{ 'Ada' if deal.amount > 5 else 'Grace' }}\""),
        ("    call:\n", '    call:\n      agent: {{ "Ada" if deal.amount > 5 else "Grace" }}\n',
         "of the other kind than those inside: '{{ \"Ada\" if deal.amount > 5 else \"Grace\" }}'"),
        ("    call:\n", '    call:\n      agent: "{{ "Ada" if deal.amount > 5 else "Grace" }}"\n',
         "has the same quotes inside a text as around it; write agent: \"{{ 'Ada' if deal.amount > 5 else 'Grace' }}\""),
        ("    call:\n", '    call:\n      agent: "{{ Ada if deal.amount > 5 else Lead Qualifier }}"\n',
         "a text stands in quotes: 'Lead Qualifier'"),
        ("      ended:\n", "      ended:\n        stage: Qualified if answered\n", "by outcome it is stage: {answered: Qualified}"),
        ("      ended:\n", "      ended:\n        stage: {answered = Qualified}\n", "write answered: Qualified"),
        ("      ended:\n", "      ended:\n        move: Qualified\n", '"move" is not a key of "ended"; did you mean "stage"?'),
        ("      ended:\n", "      ended:\n        dealstage: Qualified\n", 'did you mean "stage"?'),
        (IF, f"{IF}      if: deal.amount is at least 3,000\n", "write deal.amount >= 3000"),
        (IF, f"{IF}      if: contact.city is Rome or Pisa\n", "write contact.city in ['Rome', 'Pisa']"),
        (IF, f"{IF}      if: deal.amount > 5 and contact.city == 'Rome' or Pisa\n", "write contact.city in ['Rome', 'Pisa']"),
        (IF, f"{IF}      if: deal.amount > 5 and contact.city == 'Rome' or contact.email\n",
         "this is (deal.amount > 5 and contact.city == 'Rome') or contact.email, and not deal.amount > 5 and (contact.city =="),
        (IF, f"{IF}      if: contact.hs_country_region_code == 'Canada'\n", "holds two letters; did you mean 'CA'?"),
        (IF, f"{IF}      if: contact.city contains 'x' and deal.amount > $500\n", "write 'x' in contact.city; an `if` that begins"),
        ("          ai_call_status: ended", "          stage: {answered: X}", "put `stage` under `ended`, as far in as `deal`"),
        ("      ended:\n", "      ended:\n        note: {{ call.outcome }} - {{ call.summary }}\n",
         'with all of the value: "{{ call.outcome }} - {{ call.summary }}"'),
        ("      ended:\n", '      ended:\n        note: "{{ call.outcome }}" - "{{ call.summary }}"\n',
         'one pair of quotes stands around the whole: note: "{{ call.outcome }} - {{ call.summary }}"'),
        (WINDOW, 'window: {days: mon-fri, from: "9am", until: "6pm", sat: 10am-2pm}',
         'below `hours` in the place of days, from, until: hours: {mon-fri: "09:00-18:00", sat: "10:00-14:00"}'),
        (WINDOW, WINDOW.replace("}", ", hours: {sat: 10am-2pm}}"),
         'write hours: {mon-fri: "09:00-18:00", sat: "10:00-14:00"}, and leave those out'),
        ('name: "{{ contact.firstname }} {{ contact.lastname }}"', "name: {contact.firstname} {contact.lastname}",
         'stands in quotes: name: "{{ contact.firstname }} {{ contact.lastname }}"'),
        ('name: "{{ contact.firstname }} {{ contact.lastname }}"', "name: contact.firstname contact.lastname",
         'is the same for everybody; a field is written "{{ contact.firstname }} {{ contact.lastname }}"'),
        ("contact.mobilephone or contact.phone", "deal.phone", "standard fields of deal; did you mean contact.phone?"),
        ("contact.mobilephone or contact.phone", "contact.mobilephone, contact.phone",
         "contact.mobilephone or contact.phone is the first of them with a value"),
        ("      ended:", "      end:", 'did you mean "ended"?'),
        ("      ended:", "      after_call:", 'did you mean "ended"?'),
        (IF, f"{IF}      if: deal.amount > 5 and contact.jobtitle contains manager\n", "on; write 'manager' in contact.jobtitle"),
        (IF, f"{IF}      if: deal.amount > 5 or lead status is open deal\n", '"lead status" is a label; did you mean contact.hs_lead'),
        (IF, f"{IF}      if: contact.city is New York\n", "write contact.city == 'New York'"),
        (IF, f"{IF}      if: contact.hs_country_region_code == 'UK'\n", "holds two letters; did you mean 'GB'?"),
        (WINDOW, 'window: {hours: "9:30-12, 13-5"}', 'write hours: {mon-fri: ["09:30-12:00", "13:00-17:00"]}'),
        (WINDOW, 'window: {days: mon-fri, hours: {mon-fri: "9-5", sat: closed}}', 'write hours: {mon-fri: "09:00-17:00", sat: []}'),
        ("    call:\n", "    call:\n      agent: Ada if contact.state = New York else Grace\n",
         "\"{{ 'Ada' if contact.state == 'New York' else 'Grace' }}\""),
        ("ai_call_status: calling", "dealnam: x", 'did you mean "dealname"?'),
        (IF, f"{IF}      if: deal.amount > 5 and not import\n", "left out by `not_source: import`, beside `if`"),
        (IF, f"{IF}      if: deal.source != 'import'\n", "write not_source: import, beside `if`"),
        (IF, f"{IF}      exclude: import\n", "write not_source: import"),
        (WINDOW, "window: {days: mon-fri, from: 10-16}", 'write from: "10:00", until: "16:00"'),
        (WINDOW, "window: {days: mon-fri, between: 10 and 4}", 'its hours are from: "09:00", until: "18:00"'),
        (WINDOW, "skip_holidays: US", "it is `holidays` here, and belongs under `window`"),
        (WINDOW, "once_per: number per month", "once a month is `cool_down: 30d`"),
        (WINDOW, "give_up_after: 2d", 'did you mean "expires"?'),
        ("      ended:\n", "      ended:\n        log: true\n", 'did you mean "log_call"?'),
        ("      ended:\n", "      ended:\n        stage: {nobody answered: X}\n", 'did you mean "no_answer"?'),
        ("      ended:\n", "      ended:\n        stage: {no_answer, busy: X}\n", "each outcome is written with its own: no_answer: X"),
        ("      ended:\n", "      ended:\n        no_answer: X\n", "by outcome there is stage: {no_answer: Call back}"),
        ("      failed:", "      not_placed:", 'did you mean "failed"?'),
        ('"not called: {{ reason | truncate(200) }}"', "reason", 'a merge field is written "{{ reason }}"'),
        ("      ended:\n", "      ended:\n        stage: {Back: [busy, no_answer]}\n", "first: stage: {busy: Back, no_answer: Back}"),
        ("      ended:\n", "      ended:\n        stage: {Back: busy}\n", "the outcome comes first: {busy: Back}"),
        (WINDOW, "window: {days: mon-fri, hours: 8-12 and 2-6}", 'write hours: {mon-fri: ["08:00-12:00", "14:00-18:00"]}'),
        (IF, f"{IF}      deal amount: 1,500 or more\n", "conditions on fields are written `if: contact.city == 'Austin'`"),
        (WINDOW, "once_per: person", "each means once ever, and once a month is `cool_down: 30d`"),
        (WINDOW, "once_per: number", "means once ever: this rule calls no number again, also after `cool_down`"),
        ("    call:\n", '    call:\n      agent: if contact.city is "Rome" then "Ada" else "Grace"\n',
         "\"{{ 'Ada' if contact.city == 'Rome' else 'Grace' }}\""),
        (IF, f"{IF}      if: deal.amount > 5 and contact.jobtitle contains manager\n", "unless it is (contact.jobtitle | lower)"),
        ("          ai_call_status: ended", "          log call: yes", "if our own `log_call` is meant, put it beside `deal`"),
        ("    policy:\n", "    max_calls_per_hour: 5\n    policy:\n", 'did you mean "max_per_hour"? It belongs under `policy`'),
        (IF, f"{IF}      if: contact.state is TX or FL and contact.phone is not empty\n", "write contact.state in ['TX', 'FL']"),
        (IF, f"{IF}      if: contact.state == 'TX' or FL and contact.phone\n", "write contact.state in ['TX', 'FL']"),
        (IF, f"{IF}      if: contact.state == 'TX' or 'FL' and contact.phone\n", "write contact.state in ['TX', 'FL']"),
        (IF, f"{IF}      if: contact.country in ['Ireland', 'UK']\n", 'two letters stand in contact.hs_country_region_code, as "GB"'),
        (WINDOW, "window: {hours: {sat: until 2pm}}", '"until 2pm" is not a range of hours; write 09:00-14:00'),
        (WINDOW, "window: {hours: {sat: mornings}}", '"mornings" is not a range of hours; write one such as 09:00-18:00'),
        (IF, f"{IF}      if: deal.amount > 5 and contact.email not contains acme.example\n", "write 'acme.example' not in contact"),
        (IF, f"{IF}      if: contact.email does not end with acme.example\n", "write \"'acme.example' not in contact.email\""),
        (IF, f"{IF}      if: contact.email ends with @acme.example\n", "looked for by in: '@acme.example' in contact.email"),
        (WINDOW, 'window: {hours: {mon,tue: "09:00-19:00"}}', 'stand in quotes: {"mon,tue,fri": "09:00-17:00"}'),
        (WINDOW, f"{WINDOW}, {{days: sun, from: '12', until: '17'}}", "has two windows side by side; write window: {hours:"),
        ("    call:\n", "    call:\n      agent = Ada\n", 'has no ":"; write agent: Ada'),
        ("    call:\n", "    call:\n      agent: Ada if 'x' in contact.city, otherwise Grace\n",
         "\"{{ 'Ada' if 'x' in contact.city else 'Grace' }}\""),
        ("      ended:\n", "      ended:\n        stage: {missed: X}\n", 'did you mean "no_answer"?'),
        (WINDOW, 'window: {hours: {mon-sat: "09:00-19:00", wed: "09:00-12:00"}}', 'write "mon-tue,thu-sat" for mon-sat'),
        ("      ended:\n", "      ended:\n        timeline: x\n", 'did you mean "note"?'),
        ("      ended:\n", "      ended:\n        calender: x\n", "where there are deal, contact, note, log_call, stage; a property"),
        (IF, f"{IF}      if: ('a' or 'b') in contact.city\n", "looks at 'a' alone; write ('a' in contact.city or 'b' in contact.city)"),
        (IF, f"{IF}      if: contact.city == ('Rome' or 'Pisa')\n", "looks at 'Rome' alone; write contact.city in ['Rome', 'Pisa']"),
        (IF, f"{IF}      if: amount > 1,000 and state = NY\n", "a comparison is written =="),
        (IF, f"{IF}      if: contact.city in [Rome Pisa]\n", "with commas: ['Rome', 'Pisa']"),
        (IF, f"{IF}      if: contact.city in {{Rome, Pisa}}\n", "with commas: ['Rome', 'Pisa']"),
        (IF, f"{IF}      if: contact.state: NY\n", "a comparison is written ==: if: contact.state == 'NY'"),
        (IF, f"{IF}      if: deal.amount > USD 1000\n", "amounts are written without their currency"),
        (IF, f"{IF}      and: deal.amount > 5\n", "conditions are joined within `if`"),
        (WINDOW, "hours: 9:30-17:00", 'write window: {days: mon-fri, from: "09:30", until: "17:00"}'),
        (WINDOW, "max_per_day: 20 calls", 'the text "20 calls"; write 20'),
        (WINDOW, "once_per: 10d", "once within a time is `cool_down: 10d`"),
        (WINDOW, "window: {days: mon-fri, from: half past 9, until: 1700}", '"half past 9" is not a time of the clock; write 09:30'),
        (WINDOW, "window: {days: mon-fri, from: half past 9, until: 1700}", 'is the number 1700; write "17:00"'),
        ("    call:\n", "    call:\n      agent: Ada if amount > 10,000\n", "\"{{ 'Ada' if amount > 10000 else 'default' }}\""),
        ("      ended:\n", "      ended:\n        save: x\n", "write deal in its place, and the properties below it"),
        ("      ended:\n", "      ended:\n        stage: {answered -> X}\n", "write answered: X"),
        (WINDOW, WINDOW.replace("}", ", zone: their own}"), "did you mean lead, each person's own?"),
        (IF, f"{IF}      only_source: Google\n", "is a condition: `if: contact.source in ['Google']`"),
        ("      ended:\n", "      ended:\n        stage: {answered: A, busy, no_answer: B}\n", "with its own: busy: B"),
        ("        amount:", "        agent: Ada\n        amount:", "agent stands beside `metadata`, not below `metadata`"),
        ("        amount:", "        cool_down: 7d\n        amount:", "cool_down stands under `policy`, not below `metadata`"),
        (WINDOW, "max_calls: 15 per hour", "write max_per_hour: 15"),
        ("          ai_call_status: ended", "          dealstage: {answered: X}",
         "write stage: {answered: X} under `ended`, as far in as `deal`, and leave dealstage out"),
        ("          ai_call_status: ended", "          dealstage: X", "moves the record whatever the outcome; write `stage:` in its place"),
        (EXAMPLE, TWO.replace("\n  - name: Call", "\n  name: Call"), "lacks its dash; a rule begins with it: - name: Call people"),
        (EXAMPLE, EXAMPLE.replace("        amount:", "        - x\n        amount:"), "has an item of a list beside keys; several"),
        ("  - name: Call", "  name: Call", "14:3  rules  lacks its dash; a rule begins with it: - name: Call people"),
        ("version: 1\n", "", "version is missing; write version: 1"),
        (WINDOW, "countries: [US CA]", "several are a list: [US, CA]"),
        ("      ended:\n", "      ended:\n        owner: x\n", "below its record: deal: {hubspot_owner_id: ...}"),
        ("cool_down: 24h", "frequency: 24h", 'did you mean "cool_down"?'),
        ("        amount:", "        - amount:", 'has a dash, and "deal_id" above it, beside which it stands, has none; leave it out: amount'),
        (EXAMPLE, TWO.replace("\n  - name: Call", "\n    name: Call"), 'has the key "name" twice'),
    ],
)  # fmt: skip
def test_a_slip_is_told_with_what_to_write(old: str, new: str, wanted: str) -> None:
    assert wanted in " ".join(said(EXAMPLE, (old, new)))


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("deal.amount > 1,000 and contact.city == Rome", ["without a comma", "a text stands in quotes: 'Rome'"]),
        ("deal.amount => 5 and contact.city = 'Rome'", ["write >=", "a comparison is written =="]),
        ("contact.city in (Rome, Pisa)", ["in quotes: 'Rome'", "in quotes: 'Pisa'"]),
        ("deal.amount is at least 5 and deal.amount is at most 9", ["deal.amount >= 5", "has \"is\""]),
        ("deal.amount >= 5 & contact.city = 'Rome'", ['write "and"', "a comparison is written =="]),
        ("deal.amount between 1000 and 5000", ["write 1000 <= deal.amount <= 5000"]),
        ("deal.amount > 1000 and < 5000", ["name the field again"]),
        ("(deal.amount => 5 and contact.city = 'Rome')", ["write >="]),
    ],
)  # fmt: skip
def test_every_slip_of_a_condition_is_told_at_once(condition: str, wanted: list[str]) -> None:
    mistakes = said(EXAMPLE, (IF, f"{IF}      if: {condition}\n"))
    assert len(mistakes) == len(wanted)
    assert all(each in found for each, found in zip(wanted, mistakes, strict=True))


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("      ended:\n", "      ended:\n        note: {text: hello}\n", "is a mapping; write note: hello"),
        ("call.outcome", "call.result", '"result" is not a field of call; did you mean "outcome"?'),
        ("{{ reason |", "{{ call.reason |", '"reason" is not a field of call; write reason alone: {{ reason }}'),
        ("    call:\n", "    call:\n      agent: 5\n", "write the name of an agent, such as Lead Qualifier"),
        ("enters: Demo requested", "enters:", "and is empty; give it a value, such as Demo requested"),
        ("      pipeline: Sales Pipeline\n      enters", "    pipeline: x\n    enters", "it belongs under `when`, further in"),
        ("calling\n", 'calling\n          x: "{{ call.summary }}"\n', "before there is a call.summary; put it under `ended`"),
        ("      placed:\n", '      placed:\n        note: "{{ call.outcome }}"\n', "before there is a call.outcome; put it"),
        ("ai_call_status: calling", 'calls: "{{ deal.calls + 1 }}"', "write {{ (deal.calls | default(0)) + 1 }}"),
        ("      ended:\n", "      ended:\n        stage: Demo requested\n", "leave it out, or name the stage to go to"),
        (IF, f"{IF}      if: contact.lifecyclestage == 'Lead'\n", 'did you mean "lead"? There are: customer,'),
        (IF, f"{IF}      if: contact.country in ['US', 'CA']\n", "two letters stand in contact.hs_country_region_code"),
        (IF, f"{IF}      if: deal.hubspot_owner_id == 'Ada L'\n", "`stagecall preview RULES --live ID`, with a record"),
        (IF, '      enters: [Demo requested "Contract sent"]\n', "several are a list in brackets"),
    ],
)  # fmt: skip
def test_what_is_not_meant(old: str, new: str, wanted: str) -> None:
    assert wanted in " ".join(said(EXAMPLE, (old, new)))
