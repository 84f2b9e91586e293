"""What people write who are new to rules: each mistake says what to write instead."""

from dataclasses import replace

import pytest

from tests.unit.test_rules import VOCABULARY, changed, load, mistakes

HUBSPOT = replace(
    VOCABULARY,
    crm="HubSpot",
    notes_on=("deal",),
    instead={"tags": "HubSpot gives apps no tags; write a property"},
)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("contact.phone == US", "\"US\" is not known here; a text stands in quotes: 'US'"),
        ("amount > 100", '"amount" is not known here; did you mean deal.amount?'),
        ("id == 5", '"id" is not known here; did you mean deal.id or contact.id or event.id?'),
        ("dael", 'did you mean "deal"?'),
        ("deal.amount > 1,000", "a number is written as 1000 or 1000.50, without a comma"),
        ("deal.amount > 1.000,50", "a number is written as 1000 or 1000.50, without a comma"),
        ("deal.amount > 10k", '("10" and "k" stand side by side)'),
        ("contact.phone == New York", "or the quotes of a text"),
        ("contact.phone contains '@x'", "write 'text' in field"),
        (
            "contact.phone exists",
            "a field by itself is true where it has a value, `not field` where it has none",
        ),
    ],
)
def test_a_condition(condition: str, wanted: str) -> None:
    (found,) = mistakes(changed("deal.amount >= 1000", condition), HUBSPOT)
    assert wanted in found


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ('{window: {hours: {mon-fri: "9-18"}}}', '"9-18" is not a range of hours; write 09:00-18:00'),
        ('{window: {hours: "09:00-18:00"}}', 'write {mon-fri: "09:00-18:00"}'),
        (
            '{window: {mon-fri: "09:00-18:00"}}',
            '"mon-fri" is not a key of "window"; it belongs under `hours`',
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
        ("{number_types: mobile}", 'must be a list, and is the text "mobile"; write [mobile]'),
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
        ('{hours: {mon-fri: ["09:00-18:00", "22:00-00:00", "20:00-24:00"]}}', False),
    ],
)
def test_hours_over_midnight_are_warned_of(window: str, *, warned: bool) -> None:
    text = changed("    write_back:", f"    policy: {{window: {window}}}\n    write_back:")
    found = [each.found for each in load(text, HUBSPOT).warnings]
    night = "goes over midnight: people are called from 18:00 until 09:00 of the next day"
    assert found == [f"{night}; by day it would be 09:00 until 18:00"] * warned
