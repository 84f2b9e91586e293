"""What a plain YAML value means: the core schema, minus the surprises.

Only `null`, `true`, `false` and decimal numbers are anything but text. What an operator writes as a
name, a time or a phone number arrives as written: `on`, `no`, `08:00`, `+12025550100`, `007`, `1e3`,
`0x1F`, `2026-11-02` are text.
"""

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
# Longer rows of digits are ids, and an id must not be rounded on its way through JSON.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")


def plain_scalar(text: str) -> Scalar:
    """Return the value of a plain (unquoted) scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
