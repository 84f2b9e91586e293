"""Merge fields and conditions: what they mean, what they refuse and where."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from connector.mapping.filters import FILTERS
from connector.mapping.merge import BadMergeField, Condition, MergeField, Names

NAMES = Names(
    {"deal": None, "contact": None, "event": frozenset({"id", "stage"})},
    texts=frozenset({"reason"}),
    elsewhere={"call": "write_back"},
    tables={"agents": {"71": "Closer", "demo requested": "Qualifier", "no": False, "n": 5}},
    region="US",
)
VALUES: Mapping[str, Any] = {
    "deal": {
        "id": "9001",
        "amount": "1200.50",
        "big": 25000,
        "dealname": "Analytical engine",
        "tags": "vip;gold",
        "list": ["vip", "gold"],
        "closedate": "2026-11-02",
        "empty": "",
        "none": None,
        "no": "false",
        "yes": "True",
        "flag": True,
        "My Field": "mine",
        "nested": {"inner": {"key": "deep"}},
    },
    "contact": {"id": "501", "firstname": "ada", "phone": "+12025550100"},
    "event": {"id": "e1", "stage": "Demo requested"},
    "reason": "no credit",
}


def value(source: str, values: Mapping[str, Any] = VALUES) -> Any:
    return MergeField.compile(source, NAMES).value(values, [])


def notes(source: str) -> list[str]:
    found: list[str] = []
    MergeField.compile(source, NAMES).value(VALUES, found)
    return found


def holds(expression: str) -> bool:
    return Condition.compile(expression, NAMES).failing(VALUES) is None


def refused(source: str) -> tuple[int, str]:
    with pytest.raises(BadMergeField) as caught:
        MergeField.compile(source, NAMES)
    (problem,) = caught.value.problems
    return problem.offset, problem.found


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("just text", "just text"),
        ("", ""),
        ("{{ contact.firstname }}", "ada"),
        ("Dear {{ contact.firstname | title }},", "Dear Ada,"),
        ("{{ contact.firstname }} {{ contact.lastname }}", "ada "),
        ("{{ deal.missing }}", None),
        ("x{{ deal.missing }}y", "xy"),
        ("{{ deal.amount | number }}", 1200.5),
        ("  {{ deal.amount | number }}\n", 1200.5),
        ("{{ deal.big }}", 25000),
        ("is {{ deal.big }}", "is 25000"),
        ("{{ deal.flag }}", True),
        ("is {{ deal.flag }}", "is true"),
        ("is {{ 12.0 }} {{ 0.5 }}", "is 12 0.5"),
        ("{{ deal.list }}", ["vip", "gold"]),
        ("tags: {{ deal.list }}", "tags: vip, gold"),
        ("{{ deal['My Field'] }}", "mine"),
        ("{{ deal.nested.inner.key }}", "deep"),
        ("{{ deal.nested.nothing.key }}", None),
        ("{{ deal.list[1] }}", "gold"),
        ("{{ deal.list[7] }}", None),
        ("{{ (deal.tags | split(';'))[0] }}", "vip"),
        ("{{ contact.mobilephone or contact.phone }}", "+12025550100"),
        ("{{ contact.phone and deal.id }}", "9001"),
        ("{{ 'large' if deal.big >= 10000 else 'small' }}", "large"),
        ("{{ 'large' if deal.amount >= 10000 }}", None),
        ("{{ contact.firstname ~ '-' ~ deal.id ~ deal.missing }}", "ada-9001"),
        ("{{ deal.amount + 1 }}", 1201.5),
        ("{{ deal.big / 2 - 500 * 3 }}", 11000.0),
        ("{{ -deal.big }}", -25000),
        ("{{ 1 / 0 }}", None),
        ("{{ contact.firstname + 1 }}", None),
        ("{{ reason }}", "no credit"),
        ("{{ true }} {{ none }}", "true "),
    ],
)
def test_what_a_text_becomes(source: str, wanted: object) -> None:
    found = value(source)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("{{ deal.missing | default('there') }}", "there"),
        ("{{ deal.empty | default('there') }}", "there"),
        ("{{ contact.mobilephone | default(contact.phone) }}", "+12025550100"),
        ("{{ 'x' | number }}", None),
        ("{{ '1e3' | number }}", 1000.0),
        ("{{ ' 42 ' | number }}", 42),
        ("{{ '-7.9' | integer }}", -7),
        ("{{ 12.5 | round }}", 12),
        ("{{ deal.amount | round(1) }}", 1200.5),
        ("{{ 1.5 | round(400) }}", 1.5),
        ("{{ 'é' | upper }}", "É"),
        ("{{ 'ÀB' | lower }}", "àb"),
        ("{{ 'ann o\\'neil-smith' | title }}", "Ann O'neil-Smith"),
        ("{{ '  ADA  (countess) <lovelace' | title }}", "  Ada  (Countess) <Lovelace"),
        ("{{ '  x ' | trim }}", "x"),
        ("{{ 'abcdef' | truncate(4) }}", "abc…"),
        ("{{ 'abcd' | truncate(4) }}", "abcd"),
        ("{{ '202-555-0100' | replace('-', '') }}", "2025550100"),
        ("{{ 'abc' | replace('', 'x') }}", "abc"),
        ("{{ deal.tags | split(';') }}", ["vip", "gold"]),
        ("{{ ' a  b ' | split }}", ["a", "b"]),
        ("{{ deal.tags | split(';') | first }}", "vip"),
        ("{{ deal.list | last }}", "gold"),
        ("{{ deal.missing | first }}", None),
        ("{{ deal.list | join(' & ') }}", "vip & gold"),
        ("{{ deal.tags | length }}", 8),
        ("{{ deal.list | length }}", 2),
        ("{{ deal.missing | length }}", 0),
        ("{{ '+1 (202) 555-0100' | digits }}", "12025550100"),
        ("{{ deal.list | json }}", '["vip", "gold"]'),
        ("{{ deal.nested | json }}", '{"inner": {"key": "deep"}}'),
        ("{{ deal.closedate | date }}", "2026-11-02"),
        ("{{ deal.closedate | date('%A, %e %B %Y') }}", "Monday, 2 November 2026"),
        ("{{ '2026-11-02T23:30:00Z' | date('%a %d %b %y %H:%M') }}", "Mon 02 Nov 26 23:30"),
        ("{{ '2026-11-02T23:30:00Z' | date('%d %l:%M %p %Z', 'America/New_York') }}", "02 6:30 PM EST"),
        ("{{ '2026-07-02T23:30:05.250+02:00' | date('%I:%M:%S %z', 'Europe/London') }}", "10:30:05 +0100"),
        ("{{ '1790000000945' | date('%Y-%m-%d %H:%M') }}", "2026-09-21 14:13"),
        ("{{ 1790000000945 | date('%d', 'Asia/Tokyo') }}", "21"),
        ("{{ '2026-11-02' | date('%d %H:%M', 'Asia/Tokyo') }}", "02 00:00"),
        ("{{ deal.closedate | date('100 %%') }}", "100 %"),
        ("{{ '2026-11-02T23:30:00' | date('%H:%M', deal.none) }}", "23:30"),
        ("{{ '2026-11-02T23:30:00' | date('%H:%M', deal.id) }}", None),
        ("{{ '2026-12-01T12:00Z' | date('%H:%M', 'america/new_york') }}", "07:00"),
        ("{{ 'soon' | date }}", None),
        ("{{ deal.missing | date }}", None),
        ("{{ '2026-02-30' | date }}", None),
        ("{{ '(202) 555-0100' | phone }}", "+12025550100"),
        ("{{ '020 7946 0000' | phone('GB') }}", "+442079460000"),
        ("{{ '020 7946 0000' | phone('uk') }}", "+442079460000"),
        ("{{ '(202) 555-0100' | phone(deal.none) }}", "+12025550100"),
        ("{{ '+44 20 7946 0000 ext. 9' | phone }}", "+442079460000"),
        ("{{ 'ask Ada' | phone }}", None),
        ("{{ deal.missing | phone }}", None),
        ("{{ '71' | map('agents') }}", "Closer"),
        ("{{ 71 | map('agents') }}", "Closer"),
        ("{{ event.stage | map('agents') }}", "Qualifier"),
        ("{{ ' DEMO  Requested ' | map('agents') }}", "Qualifier"),
        ("{{ 'n' | map('agents') }}", 5),
        ("{{ 'no' | map('agents') }}", False),
        ("{{ '72' | map('agents') }}", None),
        ("{{ '72' | map('agents') | default('Anyone') }}", "Anyone"),
        ("{{ deal.missing | map('agents') }}", None),
    ],
)
def test_what_a_filter_does(source: str, wanted: object) -> None:
    found = value(source)
    assert found == wanted
    assert type(found) is type(wanted)


def test_every_filter_bears_every_kind_of_value() -> None:
    odd: dict[str, Any] = {
        "none": None, "text": "a;b", "number": 12, "float": 1.5, "huge": 10**40, "inf": float("inf"),
        "nan": float("nan"), "bool": False, "list": [1, None, ["x"]], "map": {"a": {"b": 1}}, "object": object(),
    }  # fmt: skip
    for name, filter_ in FILTERS.items():
        second = "deal.number" if name == "date" else "2"
        arguments = ", ".join(["deal.other", second, "deal.text"][: filter_.most])
        if name == "map":
            arguments = "'agents'"
        for key in odd:
            for other in odd.values():
                source = f"{{{{ deal.{key} | {name}{f'({arguments})' if arguments else ''} }}}}"
                json.dumps(value(source, {"deal": {**odd, "other": other}}), allow_nan=False)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("deal.amount >= 1000", True),
        ("'2026-11-02T23:00-05:00' > '2026-11-03T00:30Z'", True),
        ("'2026-11-02T23:00' > '2026-11-03T00:30Z'", False),
        ("'2026-11-03' > '2026-11-02T23:00Z'", True),
        ("deal.amount >= 1000 and not deal.no", True),
        ("deal.amount > '999'", True),
        ("1000 <= deal.amount < 2000", True),
        ("deal.amount == 1200.5", True),
        ("deal.big == '25000'", True),
        ("deal.id == '9001'", True),
        ("deal.dealname == 'analytical engine'", False),
        ("deal.dealname | lower == 'analytical engine'", True),
        ("deal.missing > 5", False),
        ("deal.missing < 5", False),
        ("deal.dealname > 5", False),
        ("deal.missing == ''", True),
        ("deal.none == none", True),
        ("deal.missing != 'x'", True),
        ("deal.no", False),
        ("not deal.no", True),
        ("deal.yes == true", True),
        ("deal.no == false", True),
        ("deal.missing == false", False),
        ("deal.flag == 1", False),
        ("deal.empty or deal.none", False),
        ("deal.id", True),
        ("deal.list", True),
        ("[]", False),
        ("0", False),
        ("deal.closedate >= '2026-01-01'", True),
        ("deal.closedate < '2026-01-01'", False),
        ("'vip' in deal.tags", True),
        ("'vip' in deal.list", True),
        ("'v' in deal.list", False),
        ("deal.missing in 'US,CA'", False),
        ("'x' in deal.missing", False),
        ("deal.id in ['9001', '9002']", True),
        ("deal.id in (9001, 9002)", True),
        ("deal.id not in ['9001']", False),
        ("'inner' in deal.nested", True),
    ],
)
def test_what_is_true(expression: str, wanted: bool) -> None:
    assert holds(expression) is wanted


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("{{ deal.missing }} {{ deal.missing }}", ["deal.missing is empty"]),
        ("{{ deal.nested.x }}", ["deal.nested.x is empty"]),
        ("{{ deal.dealname | number }}", ['"Analytical engine" is not a number']),
        (
            "{{ deal.dealname > 5 }}",
            ['deal.dealname > 5 is false: deal.dealname is "Analytical engine", not a number'],
        ),
        ("{{ 1 / 0 }}", ["1 / 0 has no result"]),
        ("{{ contact.firstname + 1 }}", ["ada + 1 is not a calculation"]),
        ("{{ deal.dealname | date }}", ['"Analytical engine" is not a date; CRMs give one as 2026-12-15']),
        ("{{ 1790000000945 | date('%H', deal.id) }}", ['"9001" is not a time zone; the date was left out']),
        ("{{ deal.id | phone }}", ['"9001" is not a phone number in US']),
        ("{{ deal.id | map('agents') }}", ['"9001" is not in the table agents']),
    ],
)
def test_what_makes_no_sense_is_noted(source: str, wanted: list[str]) -> None:
    assert notes(source) == wanted


@pytest.mark.parametrize(
    ("source", "offset", "found"),
    [
        ("{{ deals.amount }}", 3, '"deals" is not known here; did you mean "deal"?'),
        ("Dear {{ contact.name | tittle }}", 23, 'is not a filter; did you mean "title"?'),
        ("{{ deal.amount | int }}", 17, 'did you mean "integer"?'),
        ("{{ event.stages }}", 9, '"stages" is not a field of event; did you mean "stage"?'),
        ("{{ call.id }}", 3, '"call" is known only in write_back'),
        ("{{ deal }}", 3, "names no field of deal"),
        ("{{ deal[0] }}", 3, "write the name of a field"),
        ("{{ deal.amount", 0, "has {{ without }}"),
        ("{{ }}", 0, "is empty"),
        ("{{ deal.a = 1 }}", 10, "a comparison is written =="),
        ("{{ deal.a deal.b }}", 10, "an operator is missing"),
        ("{{ deal.a && deal.b }}", 10, 'write "and"'),
        ("{{ deal.a || deal.b }}", 11, 'write "or"'),
        ("{{ deal.a and }}", 10, 'is not complete; something is missing after "and"'),
        ("{{ 'x }}", 3, "closing quote is missing"),
        ("{{ (deal.a }}", 11, "bracket too many or too few"),
        ("{{- deal.a }}", 0, "without a sign beside them"),
        ("{{ deal.a -}}", 10, "without a sign beside them"),
        ("{{ $deal.a }}", 3, "written without it"),
        ("{% if deal.a %}x{% endif %}", 0, "{% … %}, which is not available"),
        ("x {# note #}", 2, "comments are written with #"),
        ("{{ deal.a.split(' ') }}", 0, "write it as a filter: | split(';')"),
        ("{{ range(9) }}", 0, "calls range(…), which is not available; there are the filters default"),
        ("{{ deal.a is defined }}", 10, '"is", which is not available; write deal.a by itself'),
        ("{{ deal.a % 2 }}", 0, "%, which is not available"),
        ("{{ 2 ** 9 }}", 0, "**, which is not available"),
        ("{{ {'a': 1} }}", 0, "{…}, which is not available"),
        ("{{ 'a' * 9 }}", 7, "~ joins texts"),
        ("{{ deal.__class__ }}", 8, "a field cannot begin with _"),
        ("{{ deal.a._b }}", 10, "a field cannot begin with _"),
        ("{{ deal['_b'] }}", 0, "a field cannot begin with _"),
        ("{{ deal.list[deal.id] }}", 0, "use the filters first and last"),
        ("{{ deal.list[1:2] }}", 0, "use the filters first and last"),
        ("{{ deal.a | default }}", 12, "write default('there')"),
        ("{{ deal.a | round(places=2) }}", 12, "write round(2)"),
        ("{{ deal.closedate | date('%Q') }}", 20, 'has "%Q", which stands for nothing; there are: %Y'),
        ("{{ deal.closedate | date('d/m/Y') }}", 20, '"d/m/Y" has no code that begins with %; write one such as'),
        ("{{ deal.closedate | date('%d', 'Europe/Londn') }}", 20, 'did you mean "Europe/London"?'),
        ("{{ deal.closedate | datetimeformat('%d') }}", 20, 'did you mean "date"?'),
        ("{{ contact.phone | phone('Germany') }}", 19, "did you mean DE?"),
        ("{{ deal.id | map('agent') }}", 13, '"agent" is not one of the tables of this file; did you mean "agents"?'),
        ("{{ deal.id | map(deal.x) }}", 13, "without the name of a table; write map('agents')"),
        ("{{ deal.id | map }}", 13, "write map('agents')"),
        ("{{ 9999999999999999999 }}", 0, "number that is too large"),
        ("{{ " + "(" * 20 + "1" + ")" * 20 + " }}", 15, "brackets within brackets"),
        ("{{ " + "1+" * 200 + "1 }}", 0, "more than 300 words and signs"),
        ("{{ " + "-" * 200 + "1 }}", 0, "without a sign beside them"),
        ("{{ 1" + "-1" * 100 + " }}", 0, "operators within operators"),
        ("x" * 4097, 0, "at most 4,096"),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(source: str, offset: int, found: str) -> None:
    if source.startswith("{{ ---"):
        source = source.replace("{{ ", "{{")
    at, sentence = refused(source)
    assert found in sentence
    assert at == offset


def test_every_problem_of_a_text_is_told() -> None:
    with pytest.raises(BadMergeField) as caught:
        MergeField.compile("{{ deals.x }} {{ deal.y | nope }} {{ call.id }}", NAMES)
    assert [problem.offset for problem in caught.value.problems] == [3, 26, 37]


def test_a_condition_stands_without_braces() -> None:
    with pytest.raises(BadMergeField, match="write it without"):
        Condition.compile("{{ deal.amount > 5 }}", NAMES)


def test_what_a_text_reads_is_known_before_it_is_evaluated() -> None:
    field = MergeField.compile("{{ deal.a or deal['b'].c }} {{ event.id }} {{ reason }}", NAMES)
    assert field.fields == {("deal", "a"), ("deal", "b"), ("event", "id")}
    assert Condition.compile("contact.x in [deal.y]", NAMES).fields == {("contact", "x"), ("deal", "y")}


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("Closer", {"Closer"}),
        ("{{ 'Closer' if deal.amount > 5 else 'Qualifier' }}", {"Closer", "Qualifier"}),
        ("{{ deal.agent | default('Qualifier') }}", {"Qualifier"}),
        ("{{ deal.agent or 'Qualifier' }}", {"Qualifier"}),
        ("{{ deal.agent }}", set()),
        ("{{ deal.owner | map('agents') | default('X') }}", {"Closer", "Qualifier", "false", "5", "X"}),
        ("{{ deal.agent }} 2", set()),
    ],
)
def test_constant_results_are_known_before_too(source: str, wanted: set[str]) -> None:
    assert MergeField.compile(source, NAMES).constant_results == wanted


def test_a_value_is_never_evaluated() -> None:
    assert (
        value("{{ contact.firstname }}", {"contact": {"firstname": "{{ 7*7 }}{% if 1 %}"}})
        == "{{ 7*7 }}{% if 1 %}"
    )


def test_what_no_database_keeps_is_replaced() -> None:
    assert value("{{ contact.firstname }}", {"contact": {"firstname": "a\x00b\ud800c"}}) == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(
    ("source", "offset", "found"),
    [
        (
            "{ contact.email }",
            0,
            "has {contact.email} in single braces; a merge field has two: {{ contact.email }}",
        ),
        ("Dear {contact.firstname | title},", 5, "{{ contact.firstname | title }}"),
        ("{{ deal.id }} { contcat.email }", 14, "in single braces"),
        ("{ contact.email }}", 0, "in single braces"),
        ("{firstname}", 0, "a merge field has two: {{ deal.firstname }}"),
        ("{ call.id }", 0, "in single braces"),
        ("{{ \u201cx\u201d }}", 3, "texts stand in straight quotes: 'text'"),
        ("{{ contact.email }", 17, "has a single }; a merge field ends with two: }}"),
    ],
)
def test_braces_and_quotes_that_are_nearly_right_are_told(source: str, offset: int, found: str) -> None:
    at, sentence = refused(source)
    assert found in sentence
    assert at == offset


@pytest.mark.parametrize(
    "source", ["{1}", "{ }", '{"a": 1}', "a {b c} d", "{x.y}", "}} {", "say \u201chello\u201d"]
)
def test_other_braces_and_quotes_are_text(source: str) -> None:
    assert value(source) == source
