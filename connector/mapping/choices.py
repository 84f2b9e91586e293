"""A choice as people say it (`if deal.amount > 5000 then Closer else Nora`), and how it is written."""

import re
from typing import Final

_CHOICE: Final = re.compile(r"\bif\b.*\b(?:else|otherwise)\b|\w\.\w+\s+or\s|[=<>]")
_FIRST: Final = re.compile(r"if\s+(.+?)[\s,]+then\s+(.+?)[\s,;]+(?:else|otherwise)\s+(.+)", re.IGNORECASE)
_MIDDLE: Final = re.compile(r"(.+?)\s+if\s+(.+?)[\s,;]+(?:else|otherwise)\s+(.+)", re.IGNORECASE)
_OPEN: Final = re.compile(r"(.+?)\s+if\s+(.+[=<>].+)", re.IGNORECASE)
_THOUSANDS: Final = re.compile(r"(?<=[0-9]),(?=[0-9]{3}\b)")
_IS: Final = re.compile(r"(\w\.\w+) (?:is|equals) (?!not\b|in\b|at\b|one\b|greater|less|more)")
_EQUALS: Final = re.compile(r"(?<![=<>!])=(?![=])")
_TWO: Final = re.compile(r",|;|\s/\s|\bor\b")
_BARE: Final = re.compile(r"(==|!=)\s*(?!(?:true|false)\b)([A-Za-z][\w -]*)$")
_AN_EXAMPLE: Final = "\"{{ 'Brian' if contact.country == 'GB' else 'Anna' }}\""


def is_choice(text: str) -> bool:
    """Is it an expression that lacks its braces?"""
    return _CHOICE.search(text) is not None


def of_two(text: str) -> str | None:
    """Say how a choice is written where somebody named two: `Ruby, Carlos for Spanish speakers`; None for one name."""
    names = [each.partition(" for ")[0].strip() for each in _TWO.split(text)]
    if len(names) < 2 or not all(names) or any(sign in text for sign in "'\""):
        return None
    return (
        f"a choice stands in braces: \"{{{{ '{names[1]}' if contact.country == 'GB' else '{names[0]}' }}}}\""
    )


def in_braces(text: str) -> str:
    """Say how a choice without its braces is written: with its own names and condition where they can be told."""
    return f"a choice stands in braces: {_spelt(text) or _AN_EXAMPLE}"


def _spelt(text: str) -> str | None:
    if first := _FIRST.fullmatch(text.strip()):
        condition, then, otherwise = first.groups()
    elif middle := _MIDDLE.fullmatch(text.strip()):
        then, condition, otherwise = middle.groups()
    elif open_end := _OPEN.fullmatch(text.strip()):
        (then, condition), otherwise = open_end.groups(), "default"
    else:
        return None
    if any(word in part for part in (then, condition, otherwise) for word in "{}"):
        return None
    choice = f"{_quoted(then)} if {_comparison(condition)} else {_quoted(otherwise)}"
    return f'"{{{{ {choice} }}}}"'


def _comparison(condition: str) -> str:
    """`contact.state == 'Texas'` for `contact.state = Texas` and `contact.state is Texas`."""
    spelt = _IS.sub(r"\1 == ", condition.replace('"', "'"))
    compared = _EQUALS.sub("==", _THOUSANDS.sub("", spelt))
    return _BARE.sub(lambda found: f"{found[1]} '{found[2].strip()}'", compared)


def _quoted(name: str) -> str:
    plain = name.strip("'\"")
    return f"'{plain}'"
