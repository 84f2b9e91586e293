"""A choice as people say it (`if deal.amount > 5000 then Closer else Nora`), and how it is written."""

import re
from typing import Final

from connector.mapping.words import folded

_CHOICE: Final = re.compile(r"\bif\b.*\b(?:else|otherwise)\b|\w\.\w+\s+or\s|[=<>]")
_FIRST: Final = re.compile(r"if\s+(.+?)[\s,]+then\s+(.+?)[\s,;]+(?:else|otherwise)\s+(.+)", re.IGNORECASE)
_MIDDLE: Final = re.compile(r"(.+?)\s+if\s+(.+?)[\s,;]+(?:else|otherwise)\s+(.+)", re.IGNORECASE)
_OPEN: Final = re.compile(r"(.+?)\s+if\s+(.+[=<>].+)", re.IGNORECASE)
_THOUSANDS: Final = re.compile(r"(?<=[0-9]),(?=[0-9]{3}\b)")
_IS: Final = re.compile(r"(\w\.\w+) (?:is|equals) (?!not\b|in\b|at\b|one\b|greater|less|more)")
_EQUALS: Final = re.compile(r"(?<![=<>!])=(?![=])")
_TWO: Final = re.compile(r"[,;(]|\s/\s|\bor\b|\bunless\b.*\bthen\b")
_NAME: Final = re.compile(r"(?:(?:but|and|else|otherwise|then) )?(.+?)(?:\)| (?:for|if|when|unless)\b.*)*")
_FIELD: Final = re.compile(r"\w\.\w|\bamount\b")
_BARE: Final = re.compile(r"(==|!=)\s*(?!(?:true|false)\b)([A-Za-z][\w -]*)$")


def is_choice(text: str) -> bool:
    """Is it an expression that lacks its braces?"""
    return _CHOICE.search(text) is not None


def of_two(text: str, owner: str) -> str | None:
    """Say how a choice is written where somebody named two: `Ruby, Carlos for Spanish speakers`; None for one name.

    `owner`: the field that holds the id of a record's owner.
    """
    parts = [found[1].strip() for each in _TWO.split(text) if (found := _NAME.fullmatch(each.strip()))]
    names = [each for each in parts if each and folded(each) != "default"]
    if len(names) < 2 or any(sign in text for sign in "'\""):
        return None
    return f"a choice stands in braces: {_example(names[1], names[0], text, owner)}"


def in_braces(text: str, owner: str) -> str:
    """Say how a choice without its braces is written: with its own names and condition where they can be told."""
    return f"a choice stands in braces: {_spelt(text, owner) or _example('Brian', 'Anna', text, owner)}"


def _example(then: str, otherwise: str, text: str, owner: str) -> str:
    """Two names in braces, with a condition such as may be meant."""
    if owner and "owner" in text.casefold():
        return (
            f"\"{{{{ '{then}' if {owner} == '71' else '{otherwise}' }}}}\", where 71 is the owner's id"
            " (for many owners: examples/workflows/agent-by-owner.yaml)"
        )
    return f"\"{{{{ '{then}' if contact.country == 'GB' else '{otherwise}' }}}}\", with a condition of yours"


def _spelt(text: str, owner: str) -> str | None:
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
    if not _FIELD.search(condition):
        return _example(then.strip("'\""), otherwise.strip("'\""), text, owner)
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
