"""What loads, reads well, and would call people who must not be called: each has a warning that says so."""

import pytest

from connector.mapping.steps import capitals
from tests.unit.said import said

RULE = """\
version: 1
connection: sales
rules:
  - name: Call new leads
    when:
      enters: New
      if: "contact.email"
    call:
      phone_number: "{{ contact.phone }}"
    policy:
      window: {days: mon-fri, from: "09:00", until: "18:00"}
"""
IF = '"contact.email"'
PHONE = '"{{ contact.phone }}"\n'
WINDOW = '"18:00"}'
TAGGED = "not ('do not call' in contact.tags)"


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        (
            f"'a' in contact.tags or contact.source == 'Ad' and {TAGGED}",
            f"this is 'a' in contact.tags or (contact.source == 'Ad' and {TAGGED}), and not "
            f"('a' in contact.tags or contact.source == 'Ad') and {TAGGED}; brackets show which is meant",
        ),
        (
            f"{TAGGED} and (contact.source == 'a' or contact.source == 'b' and contact.city == 'c')",
            "this is contact.source == 'a' or (contact.source == 'b' and contact.city == 'c'), and not",
        ),
        (f"('a' in contact.tags or contact.source == 'Ad') and {TAGGED}", None),
        (f"'a' in contact.tags or (contact.source == 'this and that' and {TAGGED})", None),
    ],
)
def test_and_binds_before_or_also_beside_brackets(condition: str, wanted: str | None) -> None:
    found = said(RULE, (IF, f'"{condition}"'), crm="ghl")
    assert found == [] if wanted is None else any(wanted in each for each in found)


@pytest.mark.parametrize(
    ("agent", "wanted"),
    [
        (
            "Ruby, Carlos for Spanish speakers",
            "is one agent of that name; a choice stands in braces: "
            "\"{{ 'Carlos' if contact.country == 'GB' else 'Ruby' }}\"",
        ),
        ("Ruby or Carlos", "\"{{ 'Carlos' if contact.country == 'GB' else 'Ruby' }}\""),
        ("Ruby / Carlos", "\"{{ 'Carlos' if contact.country == 'GB' else 'Ruby' }}\""),
        ("Ruby", None),
        ("Demo follow-up for EMEA", None),
    ],
)
def test_an_agent_that_is_two(agent: str, wanted: str | None) -> None:
    found = said(RULE, (PHONE, f"{PHONE}      agent: {agent}\n"))
    assert found == [] if wanted is None else wanted in " ".join(found)


@pytest.mark.parametrize(
    ("condition", "holds", "wanted"),
    [
        (TAGGED, True, 'capitals count: contact.tags has "Do Not Call", not "do not call"'),
        ("'do not call' not in contact.tags", True, 'capitals count: contact.tags has "Do Not Call"'),
        (TAGGED, False, None),
        ("'do not call' in contact.tags", False, 'capitals count: contact.tags has "Do Not Call"'),
        ("'do not call' in contact.tags", True, None),
    ],
)
def test_capitals_also_where_they_let_somebody_through(
    condition: str, *, holds: bool, wanted: str | None
) -> None:
    found = list(capitals(condition, {"contact.tags": "webinar, Do Not Call"}, holds=holds))
    assert found == [] if wanted is None else any(wanted in each for each in found)


@pytest.mark.parametrize(
    ("holidays", "wanted"),
    [
        ("GB", "has the days that all of GB keeps, and every part keeps more; write the part, such as GB-ENG"),
        ("UK", "has the days that all of UK keeps, and every part keeps more; write the part, such as UK-ENG"),
        ("[US, CA]", "has the days that all of CA keeps, and every part keeps more; write the part, such as CA-AB"),
        ("England", '"England" is not a known country code; did you mean GB-ENG?'),
        ("Bayern", '"Bayern" is not a known country code; did you mean DE-BY?'),
        ("Engalnd", '"Engalnd" is not a known country code; did you mean GB-ENG?'),
        ("Germany", '"Germany" is not a known country code; did you mean DE?'),
        ("US", None),
        ("GB-ENG", None),
        ("[GB-ENG, GB-WLS]", None),
    ],
)  # fmt: skip
def test_holidays_of_a_country_whose_parts_keep_more(holidays: str, wanted: str | None) -> None:
    found = said(RULE, (WINDOW, f'"18:00", holidays: {holidays}}}'))
    assert found == [] if wanted is None else wanted in " ".join(found)


@pytest.mark.parametrize(
    ("window", "expires", "wanted"),
    [
        ("{days: mon-fri, from: '09:00', until: '18:00'}", "2d",
         "from fri 18:00 to mon 09:00 are 2 days 15 hours"),
        ("{hours: {mon-thu: '09:30-17:00', fri: '09:30-12:00'}}", "2d", "from fri 12:00 to mon 09:30 are 2 days 21 hours 30 minutes"),
        ("{hours: {mon: '22:00-02:00'}}", "6d", "from tue 02:00 to mon 22:00 are 6 days 20 hours"),
        ("{days: mon-fri, from: '09:00', until: '18:00'}", "3d", None),
        ("{days: mon-sun, from: '00:00', until: '24:00'}", "10m", None),
        ("{days: mon-sun, from: '09:00', until: '21:00'}", "12h", None),
        ("{days: mon-fri, from: '09:00', until: '18:00'}, outside: skip", "2d", None),
    ],
)  # fmt: skip
def test_a_call_that_is_dropped_while_the_window_is_closed(
    window: str, expires: str, wanted: str | None
) -> None:
    policy = f"    policy: {{expires: {expires}, window: {window}}}\n"
    found = said(RULE[: RULE.index("    policy:")] + policy)
    dropped = f"drops calls of whoever comes when the window is closed for longer: {wanted}"
    assert (dropped in " ".join(found)) if wanted else not any("drops calls" in each for each in found)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("contact.state != 'California'", "write contact.state not in ['California', 'CA']"),
        ("contact.state == 'TX'", "write contact.state in ['TX', 'Texas']"),
        ("contact.state in ['CA', 'NV']", "write contact.state in ['CA', 'NV', 'California', 'Nevada']"),
        ("not contact.state == 'Ontario'", "write contact.state not in ['Ontario', 'ON']"),
        ("contact.state in ['CA', 'California']", None),
        ("contact.state == 'Bayern'", None),
        ("contact.city == 'Washington'", None),
    ],
)
def test_a_state_that_has_another_spelling(condition: str, wanted: str | None) -> None:
    found = said(RULE, (IF, f'"{condition}"'))
    assert found == [] if wanted is None else wanted in " ".join(found)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("contact.tags not in ['patient']", "which is a list, among values; write 'patient' not in contact.tags"),
        ("contact.tags in ['a', 'b']", "write ('a' in contact.tags or 'b' in contact.tags)"),
        ("['a', 'b'] not in contact.tags", "looks for a list in contact.tags; write ('a' not in contact.tags and 'b' not in contact.tags)"),
        ("contact.source in ['Google' or 'Facebook']", "they stand with commas: ['Google', 'Facebook']"),
        ("contact.source in ['Google, Facebook']", "is one text; several are a list: ['Google', 'Facebook']"),
        ("contact.source in 'Google, Facebook'", "several are a list: contact.source in ['Google', 'Facebook']"),
        ("patient not in contact.tags", "a text stands in quotes: 'patient'"),
        ("contact.email and contact.tags not 'patient'", "write 'patient' not in contact.tags"),
        ("contact.source in ['Google', 'Facebook'] and 'patient' not in contact.tags", None),
    ],
)  # fmt: skip
def test_tags_and_lists_that_are_compared_the_wrong_way(condition: str, wanted: str | None) -> None:
    found = said(RULE, (IF, f'"{condition}"'), crm="ghl")
    assert found == [] if wanted is None else wanted in " ".join(found)


OTHERS = "reads each number without a country code as one of GB, also those of people elsewhere"


@pytest.mark.parametrize(
    ("region", "condition", "crm", "wanted"),
    [
        ("GB", "contact.email", "hubspot", f'{OTHERS}: "{{{{ contact.hs_country_region_code }}}}" is each person\'s own'),
        ("UK", "contact.email", "ghl", f'{OTHERS}: "{{{{ contact.country }}}}" is each person\'s own'),
        ("GB", "contact.country == 'GB'", "ghl", None),
        ("GB", "contact.hs_country_region_code == 'GB'", "hubspot", None),
        ("'{{ contact.country }}'", "contact.email", "ghl", None),
        ("'{{ contact.country }}'", "contact.email", "hubspot", "needs two letters such as US, and contact.country often"),
    ],
)  # fmt: skip
def test_a_region_for_everybody(region: str, condition: str, crm: str, wanted: str | None) -> None:
    found = said(RULE, (IF, f'"{condition}"'), (PHONE, f"{PHONE}      region: {region}\n"), crm=crm)
    assert found == [] if wanted is None else wanted in " ".join(found)
