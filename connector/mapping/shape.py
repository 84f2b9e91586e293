"""Has a file the shape of a rule file? If not: where, what was found, and what is possible."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from connector.mapping.builder import shown
from connector.mapping.keys import FILLED
from connector.mapping.language import schema
from connector.mapping.misplaced import misplaced
from connector.mapping.policy_keys import UNLIMITED
from connector.mapping.words import flow, listed
from connector.mapping.wrong_values import BESIDE, STAGE_FIELDS, of_wrong_kind, or_leave_out, unknown_word

_KINDS: Final[Mapping[str, str]] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping (key: value)",
}

Path = tuple[str | int, ...]


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def misshapen(value: Any) -> Iterator[tuple[Path, str]]:
    """Yield every place where a file has not the shape of a rule file, and what is wrong there."""
    for error in _validator().iter_errors(value):
        yield from _wrong(error)


def places(path: Path, value: Any) -> list[tuple[Path, Any]]:
    """Return every item of a list, or the value that stands in its place, each with where it stands."""
    return (
        [((*path, number), each) for number, each in enumerate(value)]
        if isinstance(value, list)
        else [(path, value)]
    )


def _wrong(error: ValidationError) -> Iterator[tuple[Path, str]]:
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        given: Any = error.instance
        section: Any = error.schema
        yield from (((*path, key), found) for key, found in misplaced(given, section, path))
    elif error.validator == "anyOf":
        for closer in _of_its_kind(error):
            yield from _wrong(closer)
    else:
        yield path, _found(error)


def _of_its_kind(error: ValidationError) -> list[ValidationError]:
    """What is wrong with a value that may be one word, a list of them, or a section: the complaints of its kind."""
    kind = (
        "array"
        if isinstance(error.instance, list)
        else "$ref"
        if isinstance(error.instance, dict)
        else "enum"
    )
    branches: Any = error.validator_value
    fits = [number for number, each in enumerate(branches) if kind in (each.get("type"), *each)]
    wanted = fits[0] if fits else next(number for number, each in enumerate(branches) if "enum" in each)
    return [each for each in error.context or () if each.relative_schema_path[0] == wanted]


def _found(error: ValidationError) -> str:
    given: Any = error.instance
    wanted: Any = error.validator_value
    key = str(error.absolute_path[-1]) if error.absolute_path else ""
    match error.validator:
        case "required":
            missing = [key for key in wanted if key not in given]
            write = "; write version: 1" if missing == ["version"] else ""
            return f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing{write}"
        case "type" if wanted == ["integer", "string"]:
            return f"must be a whole number, or {UNLIMITED}, and is {_is(given)}"
        case "type" if list(error.absolute_path)[-2:-1] == ["stage"] and isinstance(given, list):
            turned = ", ".join(f"{each}: {key}" for each in given)
            return f"the outcome comes first: stage: {{{turned}}}"
        case "type" if key in STAGE_FIELDS and isinstance(given, dict) and len(error.absolute_path) > 2:
            *_, moment, record, _ = error.absolute_path
            moved = f"stage: {flow(given)} under `{moment}`, as far in as `{record}`"
            return f"takes no stages by outcome; write {moved}, and leave {key} out"
        case "type" if key in BESIDE and list(error.absolute_path)[-4:-3] == ["write_back"]:
            *_, moment, record, _ = error.absolute_path
            return f"stands below `{record}`, and belongs beside it: put `{key}` under `{moment}`, as far in as `{record}`"
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            return f"must be {_either(kinds)}, and is {_is(given)}{of_wrong_kind(kinds, given, key)}"
        case "const":
            without = "; write it without quotes" if str(given) == str(wanted) else ""
            return f"must be {json.dumps(wanted)}, and is {_is(given)}{without}"
        case "enum":
            named = str(next((step for step in reversed(error.absolute_path) if isinstance(step, str)), ""))
            return f"{_is(given)} {unknown_word(given, [str(word) for word in wanted], named)}"
        case "pattern" if wanted != FILLED["pattern"]:
            word = wanted.strip("^$")
            digits = re.sub(r"[,. _']", "", str(given))
            if digits.isdigit() and digits != str(given):
                return f"must be a whole number, or {word}, and is {_is(given)}; write {digits}"
            if number := re.match(r"[0-9]+(?=\D)", str(given)):
                return f"must be a whole number, or {word}, and is {_is(given)}; write {number[0]}"
            quotes = " without quotes" if digits.isdigit() else ""
            return f"must be a whole number{quotes}, or {word}, and is {_is(given)}"
        case "minItems" | "minProperties" | "pattern":
            return f"is empty; {or_leave_out(key)}"
        case "maxItems":
            return f"has more than {wanted} items"
        case "minimum":
            return f"must be {wanted} or more, and is {given}"
        case "uniqueItems":
            return "has a word twice"
        case "maxLength":
            return f"is longer than {wanted} characters"
    return error.message


def _either(kinds: list[str]) -> str:
    words = [_KINDS[kind] for kind in kinds]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _is(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"{str(value).lower()} (true or false)"
    if isinstance(value, int | float):
        return f"the number {shown(str(value))}"
    if isinstance(value, str):
        return f'the text "{shown(value)}"'
    return "a list" if isinstance(value, list) else "a mapping"
