"""The shape of a rule file: rules.schema.json, which editors read too, and what a wrong shape is called.

The schema is the one source of the language's keys. Nothing else lists them; a test sees that each is read.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from connector.mapping.builder import shown
from connector.mapping.words import closest, listed

LATER: Final = frozenset(
    {
        "policy",
        "stop",
        "dry_run",
        "from",
        "only_source",
        "not_source",
        "skipped",
        "held",
        "note",
        "log_call",
        "stage",
        "tags",
    }
)
"""Keys that the design has and this version has not: a file that uses one must not load as if it had."""

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


def schema() -> dict[str, Any]:
    """Return the published JSON Schema of rule files."""
    found: dict[str, Any] = json.loads(_text())
    return found


@cache
def _text() -> str:
    return files("connector.mapping").joinpath("rules.schema.json").read_text(encoding="utf-8")


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def misshapen(value: Any) -> Iterator[tuple[Path, str]]:
    """Yield every place where a file has not the shape of a rule file, and what is wrong there."""
    for error in _validator().iter_errors(value):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            yield from _unknown_keys(error, path)
        else:
            yield path, _found(error)


def unknown_key(key: str, what: str, known: list[str]) -> str:
    """Say that a key is not known, or not yet."""
    if key in LATER:
        return f'"{key}" is not available in this version yet; leave it out'
    return f'"{shown(key)}" is not a key of {what}{closest(key, known)}'


def _unknown_keys(error: ValidationError, path: Path) -> Iterator[tuple[Path, str]]:
    section: Any = error.schema
    known, what = list(section["properties"]), section["title"]
    given: Any = error.instance
    for key in given:
        if key not in known:
            yield (*path, key), unknown_key(key, f'"{what}"', known)


def _found(error: ValidationError) -> str:
    given: Any = error.instance
    wanted: Any = error.validator_value
    match error.validator:
        case "required":
            missing = [key for key in wanted if key not in given]
            return f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            return f"must be {_either(kinds)}, and is {_is(given)}{_advice(kinds, given)}"
        case "const":
            return f"must be {json.dumps(wanted)}, and is {_is(given)}"
        case "minItems" | "pattern":
            return "is empty"
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


def _advice(kinds: list[str], value: Any) -> str:
    if value is None:
        return "; leave the key out or give it a value"
    if "string" in kinds and isinstance(value, bool | int | float):
        return "; put it in quotes"
    return ""
