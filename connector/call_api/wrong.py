"""What is wrong with a shape, in words that follow "must be". Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

_WANTED = {
    "missing": "given",
    "string_type": "a string",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "a list",
    "tuple_type": "a list",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    **dict.fromkeys(
        ("timezone_aware", "datetime_type", "datetime_parsing", "datetime_from_date_parsing"),
        "a moment with its offset, such as 2026-11-30T10:00:00-05:00",
    ),
}
_LIMITS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "of the form {pattern}",
}
_BEGINNINGS = ("Value error, ", "Input should be ", "must be ", "Value should be ")


def wrong_fields(error: ValidationError) -> list[tuple[str, str]]:
    """The name of each wrong field, and what would be right, in the order of the model's fields."""
    details = error.errors(include_url=False, include_input=False)
    return [(".".join(map(str, detail["loc"])) or "the body", _wanted(detail)) for detail in details]


def own_sentence(error: ValidationError) -> tuple[str, str] | None:
    """The first wrong field, and what its check says of it in a whole sentence; None where it says "must be"."""
    first = error.errors(include_url=False, include_input=False)[0]
    sentence = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] != "value_error" or sentence.startswith("must be "):
        return None
    return ".".join(map(str, first["loc"])), sentence


def _wanted(detail: Mapping[str, Any]) -> str:
    plain = _WANTED.get(detail["type"])
    if plain is not None:
        return plain
    if detail["type"] in _LIMITS:
        return _LIMITS[detail["type"]].format(**detail["ctx"])
    if detail["type"] == "json_invalid":  # the JSON was read before: what is left is a number
        return "without numbers of thousands of digits"
    message = str(detail["msg"])
    for beginning in _BEGINNINGS:
        message = message.removeprefix(beginning)
    return message
