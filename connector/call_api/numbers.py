"""The form of a phone number, which is all this API judges: nothing is trimmed, nothing is normalised."""

import re

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def is_phone_number(text: str) -> bool:
    """True for `+` and 7 to 15 ASCII digits, the first not 0; whether it exists is another question."""
    return _E164.fullmatch(text) is not None
