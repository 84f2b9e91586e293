"""Conditions and merge fields as people say them, or as other programs have them: what to write instead."""

import pytest

from tests.unit.test_rules import changed, load, mistakes
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
