"""Conditions, agents and notes as a marketer says them: the message names what was meant, never its opposite."""

import pytest

from tests.unit.said import said
from tests.unit.test_rules_layout import EXAMPLE, IF, WINDOW

CALL = "    call:\n"
ENDED = "      ended:\n"


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("not deal.source == 'import'", "write not_source: import, beside `if`"),
        ("deal.source == 'import'", "write only_source: import, beside `if`"),
        ("lead source is Webinar", '"lead source" is a label; did you mean contact.hs_analytics_source?'),
        (
            "favourite colour is red",
            "write field == 'red', with the name of the field for \"favourite colour\"",
        ),
        ("source == 'Webinar'", '"source" is not known here; did you mean contact.hs_analytics_source?'),
        ("event.source == 'Webinar'", "event.source holds the CRM's own word for who changed the record"),
        ("event.source == 'CRM_UI'", ""),
        ("contact.lifecyclestage == lead", "a text stands in quotes: 'lead'"),
        ("contact.lifecyclestage in [lead, mql]", "a text stands in quotes: 'mql'"),
        ("contact.lifecyclestage not customer", "write contact.lifecyclestage != 'customer'"),
        ("owner == 'Sarah'", '"owner" is not known here; did you mean deal.hubspot_owner_id?'),
        ("deal owner is Sarah Miller", '"deal owner" is a label; did you mean deal.hubspot_owner_id?'),
        ("deal.owner_name == 'x'", 'did you mean "hubspot_owner_id"?'),
        ("contact.lead_source == 'x'", 'did you mean "hs_analytics_source"?'),
        ("contact.hs_analytics_source == 'Organic Search'", 'did you mean "ORGANIC_SEARCH"?'),
        ("deal.pipeline == 'Renewals'", "write event.pipeline == 'Renewals'"),
        ("deal.pipeline != 'Renewals'", "write event.pipeline != 'Renewals'"),
        ("pipeline == 'Renewals'", '"pipeline" is not known here; did you mean event.pipeline?'),
    ],
)
def test_a_condition_as_it_is_meant(condition: str, wanted: str) -> None:
    found = said(EXAMPLE, (IF, f"{IF}      if: {condition}\n"))
    assert wanted in " ".join(found) if wanted else found == []


OWNED = "\"{{ 'Max' if deal.hubspot_owner_id == '71' else 'Nora' }}\", where 71 is the owner's id"
ELSE = "\"{{ 'Max' if contact.country == 'GB' else 'Nora' }}\", with a condition of yours"


@pytest.mark.parametrize(
    ("agent", "wanted"),
    [
        ("Nora, but Max if deal owner is Sarah Miller", OWNED),
        ("Max if deal owner is Sarah Miller else Nora", OWNED),
        ("Nora unless owner is Sarah Miller then Max", OWNED),
        ("Nora, Max for Sarah Miller", ELSE),
        ("Nora (default), Max", ELSE),
        ("Nora (Max for Sarah Miller)", ELSE),
        ("Nora or Max", ELSE),
        ("Max if contact.state = Texas else Nora", "\"{{ 'Max' if contact.state == 'Texas' else 'Nora' }}\""),
        ("Nora", None),
        ("Nora of sales & renewals", None),
    ],
)
def test_an_agent_as_it_is_meant(agent: str, wanted: str | None) -> None:
    found = said(EXAMPLE, (CALL, f"{CALL}      agent: {agent}\n"))
    assert found == [] if wanted is None else wanted in " ".join(found)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (IF, f"{IF}      source: not import\n", '"source" is not a key of "when"; write not_source: import'),
        (IF, f"{IF}      if_not: imported\n", '"if_not" is not a key of "when"; write not_source: import'),
        ("call.outcome }}", "'x' if call.outcome == 'not answered' else 'y' }}", 'did you mean "no_answer"?'),
        ("call.outcome }}", "'x' if no_answer else 'y' }}", "write call.outcome == 'no_answer'"),
        ("call.outcome }}", "'x' if 'no_answer' else 'y' }}", "is true whatever the record"),
        (ENDED, f"{ENDED}        note: {{no_answer: Nobody picked up}}\n",
         "note: \"{{ 'Nobody picked up' if call.outcome == 'no_answer' else '' }}\""),
        (ENDED, f"{ENDED}        note: {{no answer: Nobody, busy: Engaged}}\n",
         "{{ 'Nobody' if call.outcome == 'no_answer' else 'Engaged' if call.outcome == 'busy' else '' }}"),
        (ENDED, f"{ENDED}        no_answer: {{note: Nobody picked up}}\n", "'Nobody picked up' if call.outcome == 'no_answer'"),
        (ENDED, f"      not_answered: {{deal: {{note: Nobody}}}}\n{ENDED}", "under `ended`: note: \"{{ 'Nobody' if call.outcome == 'no_answer'"),
        (ENDED, f"      answered: {{stage: Won}}\n{ENDED}", "stage: {answered: Qualified}"),
        (WINDOW, "not_twice_within: 2 weeks", "the same person again only after a time is `cool_down: 14d`"),
        (WINDOW, "once per two weeks: true", "the same person again only after a time is `cool_down: 14d`"),
        (WINDOW, "time zone: local", "it is `zone` here, and belongs under `window`"),
        (WINDOW, "once_per: 2 weeks", "once within a time is `cool_down: 2w`"),
        (WINDOW, "window: {days: mon-fri, from: 9, until: 5}", 'write "17:00", or "05:00" if the night is meant'),
        (WINDOW, "window: \"{{ 'a' if contact.country == 'GB' else 'b' }}\"", "other hours for others are a rule of their own"),
        (WINDOW, f"{WINDOW} and {{days: sat}}", "has two windows side by side"),
        (WINDOW, WINDOW.replace("}", ", hours: {UK: 10:00-16:00}}"), "rule of their own, with if: contact.country == 'GB'"),
        (WINDOW, WINDOW.replace("}", ", otherwise: {UK: x}}"), "it is the time zone of people whose own nobody knows"),
        (IF, f"{IF}      if: {{amount: 5000}}\n", "it is one line: if: deal.amount > 5000"),
        (IF, "      enters: Contract sent and Decision maker bought in\n", "enters: [Contract sent, Decision maker bought in]"),
        ("pipeline: Sales Pipeline", "pipeline: Sales Pipeline or Renewals", "write a rule for each, or leave it out for all"),
        ("rules:\n", "rules: []\nrules:\n", 'of a second rule only its lines from "- name" on stand in the file'),
        (ENDED, f"{ENDED}        stage: {{no_answer: stay}}\n", "where it is to stay, leave the outcome out"),
        (ENDED, f"{ENDED}        stage: {{answered: Won, no_answer: Chase}}\n        note: \"{{{{ 'x' if call.outcome == 'busy' }}}}\"\n", ""),
        (IF, f"{IF}      not_source: [import bulk_edit]\n", "several are a list, with commas: [import, bulk_edit]"),
        (IF, f"{IF}      not_source: import, bulk_edit\n", "several are a list, with commas: [import, bulk_edit]"),
        (WINDOW, "countries: USA, Canada", "several are a list: [US, CA]"),
        (WINDOW, "max_per_hour: eight", 'must be a whole number, or unlimited, and is the text "eight"'),
        ("        amount:", '        owner_name: "{{ deal.hubspot_owner_id }}"\n        amount:', "which is the id of a user, not a name"),
        (IF, f"{IF}      if: contact.city in ['Rome', 'Pisa'] and contact.state not Texas\n", "write contact.state != 'Texas'"),
        (IF, f"{IF}      if: ('director' or 'head' in contact.jobtitle)\n", "capitals count, unless it is (contact.jobtitle | lower)"),
        ("{{ contact.lastname }}", "{firstname}", "a merge field has two: {{ contact.firstname }}"),
        ("{{ contact.lastname }}", "[First Name]", "has [First Name], which is sent as it stands"),
        ("{{ contact.lastname }}", "<first name>", "has <first name>, which is sent as it stands"),
    ],
)  # fmt: skip
def test_a_line_as_it_is_meant(old: str, new: str, wanted: str) -> None:
    assert wanted in " ".join(said(EXAMPLE, (old, new)))
