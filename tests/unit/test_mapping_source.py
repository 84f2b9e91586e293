"""Loading YAML: what values mean, where they stand, and what a hostile file costs."""

import contextlib
import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import ConfigError, Mistake
from connector.mapping.source import MAX_BYTES, load_yaml

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
needs_corpora = pytest.mark.skipif(not CORPORA.exists(), reason="shared/ not here")


def refused(text: str | bytes) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigError) as caught:
        load_yaml(text, "rules.yaml")
    return caught.value.mistakes


def corpus(name: str) -> list[dict[str, Any]]:
    if not CORPORA.exists():
        return []
    return [json.loads(line) for line in (CORPORA / "yaml" / name).read_text().splitlines()]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("yes", "yes"),
        ("08:00", "08:00"),
        ("12:30:45", "12:30:45"),
        ("+12025550100", "+12025550100"),
        ("+5", "+5"),
        ("007", "007"),
        ("1e3", "1e3"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("2026-11-02", "2026-11-02"),
        (".inf", ".inf"),
        ("=", "="),
        ("9" * 40, "9" * 40),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("99.90", 99.9),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ('"12"', "12"),
        ("'true'", "true"),
        ("'{{ contact.phone }}'", "{{ contact.phone }}"),
    ],
)
def test_a_plain_value_is_what_it_looks_like(written: str, value: object) -> None:
    loaded = load_yaml(f"value: {written}\n", "rules.yaml").value["value"]
    assert loaded == value
    assert type(loaded) is type(value)


def test_keys_are_always_text() -> None:
    assert load_yaml("on: 1\n12: 2\nnull: 3\n", "f").value == {"on": 1, "12": 2, "null": 3}


def test_an_empty_file_is_nothing() -> None:
    assert load_yaml("# only a comment\n", "f").value is None
    assert load_yaml("", "f").value is None


def test_bytes_may_begin_with_a_mark_and_end_lines_as_windows_does() -> None:
    document = load_yaml(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: \xc3\xa9\r\n", "f")
    assert document.value == {"a": 1, "b": {"c": "é"}}
    assert document.position(("b", "c")) == (3, 3)


def test_positions_are_those_of_keys_and_items() -> None:
    document = load_yaml("a: 1\nrules:\n  - name: x\n    when: {enters: [one, two]}\n", "rules.yaml")
    assert document.position(()) == (1, 1)
    assert document.position(("a",)) == (1, 1)
    assert document.position(("rules", 0)) == (3, 5)
    assert document.position(("rules", 0, "when", "enters")) == (4, 12)
    assert document.position(("rules", 0, "when", "enters", 1)) == (4, 26)


def test_a_missing_key_is_reported_at_its_parent() -> None:
    document = load_yaml("rules:\n  - name: x\n", "rules.yaml")
    assert str(document.mistake(("rules", 0, "when", "enters"), "is missing")) == (
        "rules.yaml:2:5  rules[0].when.enters  is missing"
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('a: "{{ x.y }} {{ z }}"\n', (1, 18)),
        ("a: '{{ x.y }} {{ z }}'\n", (1, 18)),
        ("a: b {{ z.\n", (1, 9)),
        ("a: |\n  {{ x.y }}\n  and {{ z }}\n", (3, 10)),
        ('a: "\\u0041 {{ z }}"\n', (1, 4)),
    ],
)
def test_a_character_of_a_text_is_found_in_the_file(text: str, place: tuple[int, int]) -> None:
    document = load_yaml(text, "f")
    mistake = document.mistake_in_value(("a",), document.value["a"].index("z"), "?")
    assert (mistake.line, mistake.column) == place


@pytest.mark.parametrize(
    ("text", "line", "column", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, 'the key "a" twice; it is already on line 1'),
        ("a: !!python/tuple [1]\n", 1, 4, "tag"),
        ("a: !x y\n", 1, 4, "tags are not allowed"),
        ("a: &a [*a]\n", 1, 8, "inside itself"),
        ("a: *b\n", 1, 4, "not defined above"),
        ("<<: {a: 1}\n", 1, 1, "merge key"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("%YAML 1.2\n---\na: 1\n", 2, 1, "directive"),
        ("a: b: c\n", 1, 5, 'second ":"'),
        ("a:\n\t- b\n", 2, 1, "tab"),
        ("a:\n  b: 1\n c: 2\n", 3, 2, 'has "c" after 1 blank, and "b" above it after 2'),
        ('a: "b\n', 1, 4, "begins with a quote and does not end with one"),
        ('a: "b\nc: "d"\n', 1, 4, "begins with a quote and does not end with one"),
        ("a:\n  b: 'c\n  d: 'e'\n", 2, 6, "begins with a quote and does not end with one"),
        ('a: {b: "c, d: "e"}\n', 1, 16, "goes on after a closing quote"),
        ("a: 'it's'\n", 1, 8, "A text with a quote in it stands in quotes of the other kind"),
        ("a: \u201cb\u201d\n", 1, 4, "begins with \u201c, which is no quote to YAML"),
        ("\u2018a\u2019: b\n", 1, 1, "begins with \u2018, which is no quote to YAML"),
        ("phone: {{ contact.phone }}\n", 1, 8, "must stand in quotes"),
        ("name: {{ a.b }} {{ a.c }}\n", 1, 7, "must stand in quotes"),
        ("? [a]\n: b\n", 1, 1, "begins with ?"),
        ("[a]: b\n", 1, 1, "list or mapping as a key"),
        ("a: \x07\n", 1, 4, "character that may not be in a file (code 7)"),
    ],
)
def test_a_mistake_has_its_line_column_and_a_plain_sentence(
    text: str, line: int, column: int, found: str
) -> None:
    (mistake,) = refused(text)
    assert (mistake.line, mistake.column) == (line, column)
    assert found in mistake.found


def test_several_mistakes_come_at_once() -> None:
    assert [mistake.line for mistake in refused("a: !x 1\na: 2\nb:\n  c: 1\n  c: 2\n")] == [1, 2, 5]


def test_a_mistake_says_where_in_the_structure_it_is() -> None:
    (mistake,) = refused("rules:\n  - name: x\n    name: y\n")
    assert mistake.where == "rules[0]"


def test_broken_utf8_is_refused_at_its_place() -> None:
    (mistake,) = refused(b"a: 1\nb: \xff\n")
    assert (mistake.line, mistake.column, mistake.found) == (2, 4, "is not UTF-8 text")


def test_a_file_has_a_largest_size() -> None:
    assert load_yaml("#" * (MAX_BYTES - 1), "f").value is None
    (mistake,) = refused("a: " + "x" * MAX_BYTES)
    assert "262,144" in mistake.found


def test_a_file_has_a_largest_number_of_values() -> None:
    assert len(load_yaml("- a\n" * 11_000, "f").value) == 11_000
    (mistake,) = refused("- a\n" * 13_000)
    assert (mistake.line, "more than 12,000 values" in mistake.found) == (12_001, True)


def test_a_file_of_mistakes_is_not_read_to_its_end() -> None:
    assert len(refused("a: 1\n" * 1_000)) == 100


def test_values_behind_aliases_are_their_own_positions() -> None:
    document = load_yaml("a: &x {b: 1}\nc: *x\n", "f")
    assert document.value == {"a": {"b": 1}, "c": {"b": 1}}
    assert document.position(("c",)) == (2, 1)
    assert document.position(("c", "b")) == (1, 8)


def generated(row: dict[str, Any]) -> str:
    if "yaml" in row:
        return str(row["yaml"])
    gen = row["gen"]
    if gen["kind"] == "rep":
        return str(gen["prefix"] + gen["unit"] * gen["n"] + gen["suffix"])
    if gen["kind"] == "indent":
        return "".join(" " * level + "k:\n" for level in range(gen["n"]))
    levels = [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, gen["levels"] + 1)]
    return "a0: &a0 {k: v}\n" + "".join(levels)


def outcome(text: str) -> str:
    """Load within 1 s of processor time, or be refused with a place."""
    begin = time.process_time()
    try:
        load_yaml(text, "f")
        result = "accept"
        placed = True
    except ConfigError as error:
        result = "reject"
        placed = all(mistake.line and mistake.column for mistake in error.mistakes)
    assert placed
    assert time.process_time() - begin < 1
    return result


@needs_corpora
def test_every_file_of_the_corpora_takes_little_memory(counted: Callable[[str, str], None]) -> None:
    largest = 0
    for name in ("hostile.jsonl", "yaml_test_suite.jsonl"):
        for row in corpus(name):
            text = generated(row)
            tracemalloc.start()
            try:
                with contextlib.suppress(ConfigError):
                    load_yaml(text, "f")
                largest = max(largest, tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
    assert largest < 50 * 1024 * 1024
    counted("yaml, largest memory", f"{largest / 1024 / 1024:.1f} MiB, allowed 50")


@needs_corpora
def test_hostile_files_are_refused_or_cost_little(counted: Callable[[str, str], None]) -> None:
    rows = corpus("hostile.jsonl")
    wrong = []
    for row in rows:
        found = outcome(generated(row))
        # "unknown-key" is a matter of the rule file's shape, see test_rules.py
        if row["expect"] in ("accept", "reject") and found != row["expect"] and row["id"] != "unknown-key":
            wrong.append(row["id"])
    assert (len(rows), wrong) == (33, [])
    counted("yaml/hostile", f"{len(rows) - len(wrong)} of {len(rows)}")


@needs_corpora
def test_the_yaml_test_suite_loads_or_is_refused_and_broken_files_never_load(
    counted: Callable[[str, str], None],
) -> None:
    rows = corpus("yaml_test_suite.jsonl")
    found = {row["id"]: outcome(row["yaml"]) for row in rows}
    assert len(rows) == 212
    assert [row["id"] for row in rows if row.get("fail") and found[row["id"]] == "accept"] == []
    loaded = sum(verdict == "accept" for verdict in found.values())
    assert loaded > 90
    counted("yaml/yaml_test_suite", f"{len(rows)} of {len(rows)} ({loaded} load, the others are refused)")


@needs_corpora
def test_what_loads_is_what_the_yaml_test_suite_says() -> None:
    checked = 0
    for row in corpus("yaml_test_suite.jsonl"):
        try:
            loaded = load_yaml(row["yaml"], "f").value
            wanted = json.loads(row["json"])
        except (ConfigError, KeyError, ValueError):
            continue
        assert loaded == wanted, row["id"]
        checked += 1
    assert checked > 80


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=200)
    | st.text(alphabet="ab:-{}[]\"'#&*!|>?%@ \n\t", max_size=80)
    | st.binary(max_size=60)
)
def test_no_file_raises_anything_but_our_error(text: str | bytes) -> None:
    try:
        document = load_yaml(text, "f")
    except ConfigError as error:
        mistakes = error.mistakes
    else:
        json.dumps(document.value)
        mistakes = (document.mistake_in_value((), 0, "?"),)
    assert mistakes
    assert all(mistake.line > 0 and mistake.column > 0 for mistake in mistakes)
