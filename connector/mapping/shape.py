"""Has a file the shape of a rule file? If not: where, what was found, and what is possible."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from connector.mapping.builder import shown
from connector.mapping.habits import INSTEAD, WORDS, excluded
from connector.mapping.keys import FILLED
from connector.mapping.language import schema
from connector.mapping.misplaced import misplaced
from connector.mapping.policy_keys import UNLIMITED
from connector.mapping.words import closest, flow, folded, listed, nearest

_KINDS: Final[Mapping[str, str]] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping (key: value)",
}

_SPELT_FLAGS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("yes", "y", "on", "true", "1"), "true"),
    **dict.fromkeys(("no", "n", "off", "false", "0"), "false"),
}

Path = tuple[str | int, ...]


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


WINDOW: Final = '{days: mon-fri, from: "09:00", until: "18:00"}'
"""What is written for `window`; `always` is only for tests."""
_CLOCKS = frozenset({"from", "until"})
_EVER: Final = frozenset({"anytime", "any time", "any", "24/7", "24h", "off", "none", "all day", "never"})
_EVERY: Final = "leave it out, for every record"
_LIKE_A_FIELD: Final = re.compile(r"[a-z]\w*\.\w+")
_WORDED: Final[Mapping[str, str]] = {
    "zone": "the zone of a place, such as America/New_York, or lead",
    "days": "mon-fri, or mon,wed,fri",
    "holidays": "the country whose holidays count, such as US, or leave the key out",
    "countries": "two letters of a country, such as US, or a list of them",
    "region": "two letters of a country, such as US",
}
"""What is written where a number or a truth value stands."""
_LENGTHS = frozenset({"cool_down", "expires"})
"""Keys whose value is a length of time."""


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
    match error.validator:
        case "required":
            missing = [key for key in wanted if key not in given]
            return f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        case "type" if wanted == ["integer", "string"]:
            return f"must be a whole number, or {UNLIMITED}, and is {_is(given)}"
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            advice = _advice(kinds, given, str(error.absolute_path[-1]) if error.absolute_path else "")
            return f"must be {_either(kinds)}, and is {_is(given)}{advice}"
        case "const":
            without = "; write it without quotes" if str(given) == str(wanted) else ""
            return f"must be {json.dumps(wanted)}, and is {_is(given)}{without}"
        case "enum":
            words = [str(word) for word in wanted]
            if error.absolute_path and error.absolute_path[-1] == "window" and not nearest(str(given), words):
                if isinstance(given, list):
                    return f'{_is(given)} is no window; several hours are {{hours: {{mon-fri: "09:00-18:00", sat: "10:00-14:00"}}}}'
                ever = ", or always, at any hour, for tests" if folded(str(given)) in _EVER else ""
                return f"{_is(given)} is no window; write {WINDOW}{ever}"
            parts = [each.strip() for each in str(given).split(",")]
            if len(parts) > 1 and set(parts) <= set(words):
                return f"{_is(given)} is not possible here; several are a list: [{shown(str(given))}]"
            key = str(next((step for step in reversed(error.absolute_path) if isinstance(step, str)), ""))
            if instead := excluded(key, str(given)):
                return f"{_is(given)} is not possible here; {instead}"
            if said := INSTEAD.get((key, folded(str(given)))):
                return f"{_is(given)} is not possible here; {said}"
            if (meant := WORDS.get(folded(str(given)))) in words:
                return (
                    f'{_is(given)} is not possible here; did you mean "{meant}"? There are: {listed(words)}'
                )
            return f"{_is(given)} is not possible here{closest(str(given), words)}"
        case "pattern" if wanted != FILLED["pattern"]:
            word = wanted.strip("^$")
            digits = re.sub(r"[,. _']", "", str(given))
            if digits.isdigit() and digits != str(given):
                return f"must be a whole number, or {word}, and is {_is(given)}; write {digits}"
            return f"must be a whole number without quotes, or {word}, and is {_is(given)}"
        case "minItems" | "minProperties" | "pattern":
            key = str(error.absolute_path[-1]) if error.absolute_path else ""
            return f"is empty; {'give it a value' if key in _required() else 'leave the key out, or give it a value'}"
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


def _advice(kinds: list[str], value: Any, key: str) -> str:
    if value is None:
        return "; give it a value" if key in _required() else "; leave the key out or give it a value"
    if key == "if" and isinstance(value, bool | int | float):
        return f"; {_EVERY if value else 'a rule that is to rest is taken out of the file'}"
    if key == "if" and isinstance(value, list):
        return '; join the conditions by "and"'
    if key == "agent" and isinstance(value, list | dict):
        return "; a choice is written \"{{ 'Closer' if deal.amount >= 5000 else 'Lead Qualifier' }}\""
    if key == "enters" and isinstance(value, dict):
        if value and all(each is None for each in value.values()):
            return f"; a list stands in brackets: [{', '.join(map(str, value))}]"
        return "; `pipeline` and `enters` are two lines of `when`"
    if (
        isinstance(value, list)
        and "object" in kinds
        and value
        and all(isinstance(each, dict) for each in value)
    ):
        return "; leave the dashes out: a line `key: value` for each"
    if key in ("add", "remove") and isinstance(value, dict):
        return f"; by outcome it is {key}: \"{{{{ 'talked' if call.outcome == 'answered' else 'missed' }}}}\""
    if "null" in kinds and isinstance(value, dict):
        return "; fields stand directly below their record"
    if key == "tags" and isinstance(value, str | list):
        return f"; write tags: {{add: {flow(value)}}}"
    if key == "pipeline" and isinstance(value, list):
        return "; write a rule for each, or leave it out for all"
    if kinds == ["array"] and isinstance(value, dict):
        return '; each item of a list begins with "- "'
    if key == "if" and (written := single_braces(value)):
        return f"; write it without braces: {written}"
    if "string" in kinds and (written := single_braces(value)):
        return f'; a merge field stands in quotes and in two braces: "{{{{ {written} }}}}"'
    if kinds == ["boolean"] and isinstance(value, str | int) and str(value).casefold() in _SPELT_FLAGS:
        return f"; write {_SPELT_FLAGS[str(value).casefold()]}, without quotes"
    if key in _LENGTHS and isinstance(value, bool):
        return "; write a length of time, such as 24h, or leave the key out"
    if key in _LENGTHS and not value:
        return "; leave the key out, or write a length of time, such as 24h"
    if key in _LENGTHS and isinstance(value, int | float):
        return f"; write minutes, hours, days or weeks: {value}m, {value}h, {value}d or {value}w"
    if key in _CLOCKS and type(value) in (int, float) and 0 <= value <= 24:
        return f'; write "{int(value):02}:{round(value % 1 * 100):02}"'
    if key == "hours":
        return '; write {mon-fri: "09:00-18:00"}'
    if key in _WORDED and isinstance(value, bool | int | float):
        return f"; write {_WORDED[key]}"
    if kinds == ["object"]:
        return _example(key)
    if kinds == ["array"] and isinstance(value, str):
        return f"; write [{shown(value)}]"
    if "string" in kinds and isinstance(value, bool | int | float):
        return "; put it in quotes"
    return ""


@cache
def _required() -> frozenset[str]:
    sections = [schema(), *schema()["$defs"].values()]
    return frozenset(key for section in sections for key in section["required"])


def _example(key: str) -> str:
    """A section as it is written, where one is missing."""
    sections = [schema(), *schema()["$defs"].values()]
    known = (section["properties"][key] for section in sections if key in section["properties"])
    found = next((each["examples"][0] for each in known if each.get("examples")), None)
    return f"; write {key}: {flow(found if isinstance(found, dict) else {'name_of_a_field': 'its value'})}"


def single_braces(value: Any) -> str | None:
    """Return what stands between the brackets of `{ contact.phone }` or `[[contact.phone]]`, which YAML reads as a
    mapping or list; else None."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
        if isinstance(value, str):
            return value if _LIKE_A_FIELD.fullmatch(value) else None
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((key, below),) = value.items()
    return key if below is None and "." in key else None
