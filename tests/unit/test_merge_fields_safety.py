"""What merge fields can never do: escape, run on, raise, or read what they did not say they would."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.mapping.filters import FILTERS
from connector.mapping.merge import BadMergeField, Condition, MergeField, Names
from connector.mapping.operations import holds, prepared
from connector.mapping.values import Scope

Counted = Callable[[str, str], None]
NAMES = Names(
    {"deal": None, "contact": None, "event": frozenset({"id", "stage"})},
    texts=frozenset({"reason"}),
    tables={"agents": {"a": "x", "9001": 5}},
    region="US",
)
VALUES: Mapping[str, Any] = {
    "deal": {
        "id": "9001",
        "amount": "1200.50",
        "list": ["vip", "gold"],
        "nested": {"inner": {"key": "deep"}},
    },
    "contact": {"id": "501", "firstname": "ada"},
    "event": {"id": "e1", "stage": "Demo requested"},
    "reason": "no credit",
}


def value(source: str, values: Mapping[str, Any]) -> Any:
    return MergeField.compile(source, NAMES).value(values, [])


@pytest.mark.parametrize(
    "source",
    [
        "{{ deal.text }}" * 200,
        "{{ deal.text ~ deal.text ~ deal.text }}",
        "{{ deal.text" + " | title" * 60 + " }}",
        "{{ deal.text | replace('a', deal.text) }}",
        "{{ deal.text | split('a') | join(deal.text) }}",
        "{{ deal.list | join(deal.text) }}",
        "{{ deal.list | json }}",
        "{{ '2026-11-02' | date(deal.codes) }}" * 90,
        "{{ '2026-11-02' | date('%A', deal.text) }}" * 90,
        "{{ deal.text | date }}{{ deal.text | phone }}{{ deal.text | map('agents') }}" * 40,
        "{{ 'a' | replace(deal.text, deal.text) | replace('a', deal.text) | split(deal.text) }}" * 40,
        "{{ deal.text in deal.list or 'x' in deal.list" + " or deal.text in deal.list" * 30 + " }}",
    ],
)
def test_the_largest_values_stay_within_time_and_output(source: str) -> None:
    large = {"deal": {"text": "aé " * 400_000, "codes": "%A" * 30_000, "list": ["aé " * 20_000] * 5_000}}
    field = MergeField.compile(source, NAMES)
    begin = time.process_time()
    text = field.text(large, [])
    assert time.process_time() - begin < 0.25
    assert len(text.encode()) <= 64 * 1024


@pytest.mark.parametrize(
    ("source", "found"),
    [("{{ deal.list }}", None), ("a{{ deal.list }}", ""), ("{{ deal.nested == deal.nested }}", None)],
)
def test_lists_have_the_same_limits_as_texts(source: str, found: object) -> None:
    """A custom field of a CRM may be a list of lists."""
    nested = [[["a"] * 100] * 100] * 25
    values = {"deal": {"list": ["x" * 65_536] * 1000, "nested": nested}}
    field = MergeField.compile(source, NAMES)
    notes: list[str] = []
    begin = time.process_time()
    assert field.value(values, notes) == found
    assert time.process_time() - begin < 0.25
    assert notes


def test_a_text_that_is_cut_says_so() -> None:
    found: list[str] = []
    text = MergeField.compile("{{ deal.text }}!", NAMES).text({"deal": {"text": "é" * 60_000}}, found)
    assert len(text.encode()) == 64 * 1024
    assert found == ["a text was cut to 65,536 bytes"]


CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "templates" / "jinja.jsonl"
THEIR_NAMES = Names({"lead": None}, texts=frozenset({"tags"}))
THEIR_VALUES: dict[str, Any] = {"lead": {"name": "Ann", "phone": "+12025550100"}, "tags": ["gold"]}


def their_template(row: dict[str, Any]) -> str:
    if row["template"] is not None:
        return str(row["template"])
    gen = row["gen"]
    return str(gen["prefix"] + gen["unit"] * gen["n"] + gen["mid"] + gen["closer"] * gen["n"] + gen["suffix"])


def their_result(template: str, values: Mapping[str, Any]) -> str | None:
    """What it renders to, None where it is refused."""
    try:
        return str(MergeField.compile(template, THEIR_NAMES).value(values, []))
    except BadMergeField:
        return None


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    if not CORPUS.exists():
        pytest.skip("shared/ not here")
    monkeypatch.setitem(os.environ, "REL_CANARY", "canary-7f3a")
    return [json.loads(line) for line in CORPUS.read_text().splitlines()]


def test_no_template_of_the_corpus_escapes_or_changes_anything(
    rows: list[dict[str, Any]], counted: Counted
) -> None:
    tried = [row for row in rows if row["cls"] in ("escape", "mutation")]
    for row in tried:
        values = {"lead": dict(THEIR_VALUES["lead"]), "tags": ["gold"]}
        result = their_result(their_template(row), values) or ""
        assert "canary" not in result, row["id"]
        assert "<" not in result, row["id"]
        assert values == THEIR_VALUES, row["id"]
    assert len(tried) == 38
    counted("templates/jinja, escapes and mutations", "38 of 38 held")


def test_every_template_of_the_corpus_stays_within_its_limits(
    rows: list[dict[str, Any]], counted: Counted
) -> None:
    tried = [row for row in rows if row["cls"] == "resource"]
    for row in tried:
        template = their_template(row)
        begin = time.process_time()
        result = their_result(template, THEIR_VALUES) or ""
        assert time.process_time() - begin < 0.25, row["id"]
        assert len(result) <= 64 * 1024, row["id"]
    assert len(tried) == 32
    counted("templates/jinja, resources", "32 of 32 within 250 ms and 64 KiB")


def test_values_of_the_corpus_arrive_as_they_are(rows: list[dict[str, Any]], counted: Counted) -> None:
    tried = [row["template"] for row in rows if row["cls"] == "value"]
    for text in tried:
        assert value("{{ contact.firstname }}", {"contact": {"firstname": text}}) == text
        assert value("x{{ contact.firstname }}", {"contact": {"firstname": text}}) == "x" + text
    assert len(tried) == 10
    counted("templates/jinja, values", "10 of 10 arrive as they are")


def test_ordinary_uses_of_the_corpus_are_right_or_refused_with_the_way_to_write_them(
    rows: list[dict[str, Any]], counted: Counted
) -> None:
    tried = [row for row in rows if row["cls"] == "usable"]
    found = {row["id"]: their_result(row["template"], THEIR_VALUES) for row in tried}
    wanted = {row["id"]: row["expect"] for row in tried}
    # a method call, a statement, and a filter that is called `integer` here
    other_words = {"use-first", "use-if", "use-round"}
    assert {key for key, result in found.items() if result is None} == other_words
    assert all(found[key] == wanted[key] for key in found.keys() - other_words)
    assert their_result("{{ 'Ann Smith' | split(' ') | first }}", THEIR_VALUES) == wanted["use-first"]
    assert their_result("{{ 'yes' if lead.name == 'Ann' else 'no' }}", THEIR_VALUES) == wanted["use-if"]
    assert their_result("{{ 12.5 | round | integer }}", THEIR_VALUES) == wanted["use-round"]
    assert len(tried) == 9
    counted("templates/jinja, ordinary uses", "9 of 9: 6 as they stand, 3 refused with the way to write them")


class Watched(Mapping[str, Any]):
    """A mapping that remembers what was read from it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values_ = values
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return self.values_[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


WORDS = st.sampled_from(
    ["deal", "contact", "event", "reason", "call", ".", "amount", "id", "list", "nested", "missing", "_x", "|", "(", ")",
     "[", "]", ",", "'a'", "'-'", "1", "0", "2.5", "+", "-", "*", "/", "~", "==", "!=", "<", ">=", "and", "or", "not", "in",
     "if", "else", "is", "none", "true", "'agents'", "'%d'", "{{", "}}", "{%", "%}", "{#", " ", "\n", *FILTERS]
)  # fmt: skip
SOURCES = (
    st.lists(WORDS, max_size=25).map(" ".join).map("{{{{ {} }}}}".format)
    | st.lists(WORDS, max_size=25).map("".join)
    | st.text(max_size=60)
)
WITH_ARGUMENTS = (
    "map('agents')",
    "date('%A %e %B %Y %H:%M %Z', deal.id)",
    "date(deal.amount, 'Europe/London')",
    "phone(deal.id)",
    "replace('a', deal.id)",
    "split(deal.id)",
    "join(deal.amount)",
    "truncate(deal.amount)",
    "round(deal.amount)",
    "default(deal.list)",
)
PATHS = st.sampled_from(
    ["deal.amount", "deal.id", "deal.list", "deal.nested", "deal.none", "contact.x", "reason"]
)
GOOD: st.SearchStrategy[str] = st.recursive(
    PATHS | st.sampled_from(["1", "'a'", "2.5", "none", "true"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["or", "and", "==", "<", "in", "~"]), inner)
        | st.builds(
            "({} | {})".format,
            inner,
            st.sampled_from([*(k for k, f in FILTERS.items() if f.least == 0), *WITH_ARGUMENTS]),
        )
        | st.builds("({} if {} else {})".format, inner, inner, inner)
        | st.builds("(not {})".format, inner)
    ),
    max_leaves=8,
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(SOURCES)
def test_no_text_raises_anything_but_our_error(source: str) -> None:
    try:
        field = MergeField.compile(source, NAMES)
    except BadMergeField as error:
        offsets = [problem.offset for problem in error.problems]
    else:
        offsets = []
        json.dumps(field.value(VALUES, []), allow_nan=False)
    assert all(0 <= offset <= len(source) for offset in offsets)


@settings(max_examples=400, deadline=None)
@given(GOOD, st.fixed_dictionaries({"amount": PLAIN, "id": PLAIN, "list": PLAIN, "nested": PLAIN}))
def test_evaluating_never_raises_is_repeatable_and_reads_only_what_it_said(
    source: str, deal: dict[str, Any]
) -> None:
    try:
        field = MergeField.compile(f"{{{{ {source} }}}}", NAMES)
    except BadMergeField as refused:
        senseless = ("neither a number nor a day", "alone; write")
        assert any(each in str(refused) for each in senseless), refused  # noqa: PT017
        return
    watched = Watched(deal)
    values = {"deal": watched, "contact": {}, "reason": "why"}
    notes: list[list[str]] = [[], []]
    first, second = (json.dumps(field.value(values, each), allow_nan=False) for each in notes)
    assert first == second
    assert notes[0] == notes[1]
    assert watched.read <= {key for name, key in field.fields if name == "deal"}
    try:
        condition = Condition.compile(source, NAMES)
    except BadMergeField as refused:
        assert re.search("is the same for every record|is true of (every|no)", str(refused))  # noqa: PT017
    else:
        assert condition.failing(values) in (None, *condition.clauses)


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(-5, 5), st.sampled_from(["", " ", "true", "3", "3.0", " 3 ", "2026-12-31", "US", "x"])
)  # fmt: skip


@settings(max_examples=1000)
@given(
    st.sampled_from(["lt", "lteq", "gt", "gteq", "eq", "ne", "in", "notin"]),
    st.one_of(_SCALARS, st.lists(_SCALARS, max_size=3)),
    st.one_of(_SCALARS, st.lists(_SCALARS, max_size=3)),
)
def test_the_quick_comparison_says_what_the_slow_one_says(sign: str, value: Any, constant: Any) -> None:
    quick = prepared(sign, constant)
    found = quick(value) if quick is not None else None
    assert found in (None, holds(Scope({}, []), sign, (value, "value"), (constant, "constant")))
