"""Reading a trigger request: strict, and metadata untouched."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.call_api.body import MAX_METADATA, Trigger, read_trigger
from connector.call_api.problems import Refusal

NUMBER = '"phone_number": "+12025550101"'


def read(rest: str) -> Trigger:
    return read_trigger(("{" + NUMBER + rest + "}").encode("utf-8", "surrogatepass"))


def refusal(rest: str) -> str:
    with pytest.raises(Refusal) as caught:
        read(rest)
    return caught.value.problem.code


def test_the_fields_of_a_request() -> None:
    trigger = read(
        ', "agent_id": "a", "name": "Ada \\u00e9", "email": "ada@example.com", "metadata": {"a": 1.10}'
    )
    assert trigger == Trigger("+12025550101", "a", "Ada é", "ada@example.com", '{"a": 1.10}', ["a=1.10"])


def test_null_is_as_absent() -> None:
    assert read(', "agent_id": null, "name": null, "metadata": null') == read("")


@pytest.mark.parametrize(
    "metadata",
    [
        *("{}", "{ }", '{"a":1.10}', '{"a": 1e400}', '{"a":-0}', '{"a":-0.0, "b":12345678901234567890123}'),
        *(
            '{"a":1E+2}',
            '{"a" :\t[1 ,2]\n}',
            '{"é":"日本 \U0001f600"}',
            '{"a":"\\u00e9\\ud83d\\ude00\\/\\u001b"}',
        ),
        *('{"a":1,"a":2}', '{"a":"\\\\u0000"}', '{"a":"\u2028\x7f"}', '{"n":' + "9" * 5000 + "}"),
        *('{"__class__": {"__init__": null}}', '{"": ""}'),
    ],
)
def test_metadata_is_kept_as_it_was_sent(metadata: str) -> None:
    assert read(f', "metadata":{metadata}').metadata == metadata


@pytest.mark.parametrize(
    "value",
    [
        *(
            "NaN",
            "Infinity",
            "-Infinity",
            "nan",
            "+1",
            ".5",
            "1.",
            "01",
            "0x10",
            "1_000",
            "\u0663",
            "tru",
            "'a'",
        ),
        *(
            '"\\ud800"',
            '"\\udc00x"',
            '"\\udc00\\ud800"',
            '"\ud800"',
            '"\\v"',
            '"\x00"',
            '"\t"',
            "[1,]",
            '{"a":1,}',
        ),
        *("", "// x\n1", "1 2", "\ufeff1", '"\\u00"'),
    ],
)
def test_what_is_not_json_is_refused(value: str) -> None:
    assert refusal(f', "metadata": {{"a": {value}}}') == "invalid_json"
    assert refusal(f', "ignored": [{value}]' if value else ', "ignored": [,]') == "invalid_json"


@pytest.mark.parametrize(
    "place", ['"name": "a\\u0000b"', '"metadata": {"\\u0000": 1}', '"x": ["\\\\\\u0000"]']
)
def test_nul_is_refused(place: str) -> None:
    assert refusal(f", {place}") == "nul_character"


@pytest.mark.parametrize(
    "body", [b"", b" ", b"{", b"\xff", b"\xef\xbb\xbf{}", b"{}\x00", b"[1 true]", b'{"a":"\xed\xa0\x80"}']
)
def test_broken_bodies_are_invalid_json(body: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        read_trigger(body)
    assert caught.value.problem.text == "Invalid JSON"


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1", b"true"])
def test_a_body_that_is_no_object_says_so(body: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        read_trigger(body)
    assert caught.value.problem.code == "invalid_body"


def test_sixty_four_levels_and_no_more() -> None:
    assert read(', "metadata": {"a": ' + "[" * 62 + "]" * 62 + "}").metadata
    assert refusal(', "metadata": {"a": ' + "[" * 63 + "]" * 63 + "}") == "too_deep"


def test_brackets_in_strings_are_not_levels() -> None:
    assert read(', "name": "' + '[{\\"' * 500 + '"').name == '[{"' * 500


def test_ten_thousand_characters_of_metadata_and_no_more() -> None:
    room = MAX_METADATA - len('{"a":""}')
    assert len(read(', "metadata": {"a":"' + "é" * room + '"}').metadata or "") == MAX_METADATA
    assert refusal(', "metadata": {"a":"' + "é" * (room + 1) + '"}') == "metadata_too_large"


@pytest.mark.parametrize(
    ("metadata", "pairs"),
    [
        ('{"dispatch_id": "d-1", "n": 1.10, "big": 1e400}', ["dispatch_id=d-1", "n=1.10", "big=1e400"]),
        ('{"dispatch_id": "a", "dispatch_id": "b"}', ["dispatch_id=b"]),
        ('{"dispatch\\u005fid": "escaped"}', ["dispatch_id=escaped"]),
        ('{"hot": true, "cold": false, "empty": "", "none": null}', ["hot=true", "cold=false", "empty="]),
        ('{"x": {"dispatch_id": "inside"}, "y": ["a"]}', []),
        ('{"long": "' + "x" * 300 + '"}', []),
        ("{" + ", ".join(f'"k{n}": {n}' for n in range(600)) + "}", [f"k{n}={n}" for n in range(600)]),
        ("null", []),
        ('{"a=b": "c", "a": "b=c", "d\\\\": "="}', ["a\\=b=c", "a=b=c", "d\\\\=="]),
    ],
)
def test_plain_fields_of_metadata_are_kept_to_be_found_by(metadata: str, pairs: list[str]) -> None:
    assert read(f', "metadata": {metadata}').metadata_pairs == pairs


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values, max_size=5), st.booleans())
def test_any_object_comes_through_or_is_refused_for_its_nul(
    metadata: dict[str, object], ascii_only: bool
) -> None:
    text = json.dumps(metadata, ensure_ascii=ascii_only)
    if "\\u0000" in json.dumps(metadata).replace("\\\\", ""):
        assert refusal(f', "metadata": {text}') == "nul_character"
    else:
        assert read(f', "metadata": {text}').metadata == text


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for candidate in (body, b'{"phone_number": "+12025550101", "metadata": {"a": ' + body + b"}}"):
        with suppress(Refusal):
            read_trigger(candidate)
            json.loads(candidate)
