"""The keys below `policy`: read into terms, and every mistake told at its place."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import ConfigError
from connector.mapping.evaluate import fields_needed
from connector.mapping.rules import Rule, Vocabulary, load_rules
from connector.policy.kinds import NumberType
from connector.policy.terms import OncePer, Outside, Terms
from connector.policy.windows import Range

WORDS = Vocabulary(("deal", "contact"), ("deal",))
RULE = """\
version: 1
connection: sales
rules:
  - name: R
    when: {enters: Demo requested}
    call: {phone_number: "{{ contact.phone }}"}
    policy:
"""


def rule(policy: str) -> Rule:
    (found,) = load_rules(RULE + "".join(f"      {line}\n" for line in policy.splitlines()), "r", WORDS).rules
    return found


def terms(policy: str) -> Terms:
    return rule(policy).policy.terms


def mistakes(policy: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        rule(policy)
    return [str(each) for each in caught.value.mistakes]


def test_the_policy_of_the_design_is_read() -> None:
    found = terms(
        'window: {days: mon-fri, from: "09:00", until: "18:00", zone: lead, otherwise: America/New_York}\n'
        "outside: skip\nonce_per: record\ncool_down: 24h\nexpires: 4h\nmax_per_hour: 5\nmax_per_day: 20\n"
        "countries: [us, UK]\nnumber_types: [mobile]\ndry_run: true\n"
    )
    assert found.window is not None
    assert found.window.ranges == (Range(frozenset(range(1, 6)), 540, 1080),)
    assert found == Terms(
        window=found.window,
        otherwise="America/New_York",
        outside=Outside.SKIP,
        once_per=OncePer.RECORD,
        cool_down=timedelta(days=1),
        expires=timedelta(hours=4),
        max_per_hour=5,
        max_per_day=20,
        countries=frozenset({"US", "GB"}),
        number_types=frozenset({NumberType.MOBILE}),
        dry_run=True,
    )


def test_a_rule_that_says_nothing_has_the_usual_terms() -> None:
    text = RULE.replace("    policy:\n", "")
    (found,) = load_rules(text, "r", WORDS).rules
    assert found.policy.terms == Terms()
    assert terms("once_per: stage_entry") == Terms()
    assert terms("window: {}") == Terms()


def test_several_ranges_holidays_and_dates_are_read() -> None:
    found = terms(
        'window: {hours: {mon-fri: ["09:00-12:00", "13:00-18:00"], sat: ["22:00-02:00"]}, holidays: US-CA,'
        " closed_dates: [2026-12-24]}"
    )
    assert found.window is not None
    assert len(found.window.ranges) == 3
    assert found.window.holidays == {"US-CA"}
    assert found.window.closed_dates == {date(2026, 12, 24)}
    night = terms("window: {days: [fri, sat], from: 22:00, until: 02:00}").window
    assert night is not None
    assert night.ranges == (Range(frozenset({5, 6}), 1320, 120),)


def test_a_zone_is_the_leads_a_field_or_fixed() -> None:
    assert terms("window: {zone: LEAD}").zone is None
    assert terms("window: {zone: Europe/London}") == replace(Terms(), zone="Europe/London")
    field = rule('window: {zone: "{{ contact.timezone }}"}')
    assert field.policy.terms.zone is None
    assert field.policy.zone_said({"contact": {"timezone": "Europe/London"}}) == "Europe/London"
    assert fields_needed([field])["contact"] == {"phone", "timezone"}, "read from the CRM, too"
    assert rule("window: always").policy.zone_said({}) is None


def test_always_must_be_said() -> None:
    assert terms("window: always").window is None


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ("windw: always", 'r:8:7  rules[0].policy.windw ("R")  "windw" is not a key of "policy"; did you mean "window"?'),
        ("window: allways", 'the text "allways" is not possible here; did you mean "always"?'),
        ("window: 9-17", "is no window; write {days"),
        ("window: {dayz: mon}", 'r:8:16  rules[0].policy.window.dayz ("R")  "dayz" is not a key of "window"; did you mean "days"?'),
        ("window: {days: mun-fri}", 'r:8:16  rules[0].policy.window.days ("R")  "mun" in "mun-fri" is not a day; did you mean'),
        ("window: {from: 09:00}", "`from` stands alone; write `until` too"),
        ("window: {until: 18:00}", "`until` stands alone; write `from` too"),
        ("window: {from: 9am, until: 18:00}", '"9am" is not a time of the clock; write 09:00'),
        ("window: {from: 09:00, until: 25:00}", '"25:00" is not a time of the clock; write one such as 09:00 or 17:30'),
        ("window: {from: 09:00, until: 17.30}", "must be text, and is the number 17.3; write \"17:30\""),
        ("window: {from: 09:00, until: '17.30'}", '"17.30" is not a time of the clock; write 17:30'),
        ("window: {from: 09:00, until: '5:30 p.m.'}", "write 17:30"),
        ("window: {from: 09:00, until: 00:00}", '"00:00" is not a time of the clock; write 24:00'),
        ("window: {from: 09:00, until: midnight}", "write 24:00"),
        ("window: {from: midnight, until: 09:00}", "write 00:00"),
        ("window: {from: noon, until: 18:00}", "write 12:00"),
        ("window: {from: morning, until: 18:00}", "write one such as 09:00 or 17:30"),
        ("window: {from: 18:00, until: 18:00}", "ends when it starts"),
        ('window: {hours: {mon: ["9-17"]}}', 'r:8:30  rules[0].policy.window.hours.mon[0] ("R")  "9-17" is not a range of hours; write 09:00-17:00'),
        ('window: {hours: {mn: ["09:00-17:00"]}}', '"mn" is not a day; did you mean "mon"?'),
        ("window: {hours: {mon: []}}", "has no hours at all, so nobody could ever be called"),
        ('window: {days: mon, hours: {mon: ["09:00-17:00"]}}', "stands in the place of `days`, `from` and `until`"),
        ("window: {hours: {}}", "is empty"),
        ("window: {zone: New York}", '"New York" is not a time zone; did you mean America/New_York?'),
        ("window: {zone: EST}", "would be an hour wrong in summer"),
        ('window: {zone: "{{ contcat.timezone }}"}', '"contcat" is not known here; did you mean "contact"?'),
        ("window: {otherwise: Europe/Lundon}", "did you mean Europe/London?"),
        ("window: {zone: Europe/London, otherwise: Europe/Paris}", "has no use where `zone` is fixed"),
        ("window: {holidays: [US, Utopia]}", 'r:8:31  rules[0].policy.window.holidays[1] ("R")  "Utopia" is not a known country code'),
        ("window: {closed_dates: [24.12.2026]}", '"24.12.2026" is not a day; write one like 2026-12-24'),
        ("outside: wait", 'the text "wait" is not possible here; did you mean "hold"? There are: hold, skip'),
        ("once_per: recrd", 'did you mean "record"?'),
        ("cool_down: 1 day", '"1 day" is not a length of time; write 1d'),
        ("expires: 3", "must be text, and is the number 3"),
        ("max_per_hour: 0", "must be 1 or more, and is 0"),
        ('max_per_day: "5"', "must be a whole number without quotes, or unlimited, and is the text \"5\""),
        ("countries: 49", "must be text or a list, and is the number 49"),
        ("countries: Germany", '"Germany" is not a country; did you mean DE?'),
        ("countries: [Germany]", '"Germany" is not a country; did you mean DE?'),
        ("number_types: [mobil]", 'did you mean "mobile"?'),
        ("number_types: [emergency]", 'the text "emergency" is not possible here'),
        ("dry_run: on", "must be true or false"),
        ("pause: true", '"pause" is not a key of "policy"'),
    ],
)  # fmt: skip
def test_a_mistake_says_where_and_what_to_write(policy: str, wanted: str) -> None:
    (found,) = mistakes(policy)
    assert wanted in found


def test_every_mistake_of_a_policy_comes_at_once() -> None:
    found = mistakes("window: {from: 9, until: 18:00, zone: Mars}\nexpires: never\ncountries: [XX]\n")
    assert len(found) == 4


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["days", "from", "until", "hours", "zone", "otherwise", "holidays", "closed_dates", "x"]
        ),
        st.sampled_from(
            ["mon-fri", "09:00", "24:00", "", "lead", "US", "{{ x", {"mon": ["09:00-10:00"]}, {"mon": 5}]
        )
        | st.lists(st.sampled_from(["US", "2026-12-24", "09:00", 5, None]), max_size=2),
        max_size=5,
    ),
    st.sampled_from(["hold", "3d", 5, None, ["US"], {}]),
)
def test_no_policy_raises_anything_but_our_error(window: dict[str, Any], other: Any) -> None:
    import json

    for key in ("outside", "cool_down", "expires", "countries", "number_types", "max_per_day"):
        text = json.dumps({"window": window, key: other})
        try:
            rule(text)
            found = []
        except ConfigError as error:
            found = [bool(mistake.line and mistake.found) for mistake in error.mistakes]
        assert all(found)


def test_a_length_of_time_without_its_unit_is_told_how_to_write_it() -> None:
    text = "version: 1\nconnection: x\nrules:\n  - {name: R, when: {enters: any}, call: {phone_number: '+12025550100'}, policy: {expires: 24}}\n"
    with pytest.raises(ConfigError, match="write minutes, hours, days or weeks: 24m, 24h, 24d or 24w"):
        load_rules(text, "rules.yaml", Vocabulary(("deal",), ("deal",)))
