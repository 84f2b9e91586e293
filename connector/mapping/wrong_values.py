"""What to write in the place of a value that cannot stand there: of the wrong kind, or an unknown word."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from connector.mapping.builder import shown
from connector.mapping.habits import INSTEAD, WORDS, by_country, excluded
from connector.mapping.language import schema
from connector.mapping.outcomes import note_by_outcome
from connector.mapping.words import LIKE_A_FIELD, closest, flow, folded, listed, nearest
from connector.policy.durations import meant_duration
from connector.policy.hours import DAYS, meant_hours, meant_window

_SPELT_FLAGS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("yes", "y", "on", "true", "1"), "true"),
    **dict.fromkeys(("no", "n", "off", "false", "0"), "false"),
}
_WINDOW: Final = '{days: mon-fri, from: "09:00", until: "18:00"}'
"""What is written for `window`; `always` is only for tests."""
_HOURS: Final = '{hours: {mon-fri: "09:00-18:00", sat: "10:00-14:00"}}'
FURTHER_IN: Final = "two blanks further in"
_OFTEN: Final = {"day": "24h", "week": "7d", "month": "30d"}
_PER: Final = re.compile(r"\b(?:per|a|each|every)\s+(day|week|month)\b", re.IGNORECASE)
STAGE_FIELDS: Final = frozenset({"dealstage", "pipelineStageId", "stage_id", "stageId"})
"""What CRMs call the field of a record's stage."""
BESIDE: Final = frozenset({"stage", "note", "tags", "log_call"})
"""Keys of a moment that people put below `deal`."""
_PARTS: Final = frozenset({"days", "from", "until"})
_EVER: Final = frozenset({"anytime", "any time", "any", "24/7", "24h", "off", "none", "all day", "never"})
_MORNING: Final = 9
_CLOCKS: Final = frozenset({"from", "until"})
_LENGTHS: Final = frozenset({"cool_down", "expires"})
"""Keys whose value is a length of time."""
_EVERY: Final = "leave it out, for every record"
_CHOICE: Final = "a choice is written \"{{ 'Closer' if deal.amount >= 5000 else 'Lead Qualifier' }}\""
_WORDED: Final[Mapping[str, str]] = {
    "zone": "the zone of a place, such as America/New_York, or lead",
    "days": "mon-fri, or mon,wed,fri",
    "holidays": "the country whose holidays count, such as US, or leave the key out",
    "countries": "two letters of a country, such as US, or a list of them",
    "agent": "the name of an agent, such as Lead Qualifier",
    "region": "two letters of a country, such as US",
}
"""What is written where a number or a truth value stands."""


def of_wrong_kind(kinds: Sequence[str], value: Any, key: str) -> str:
    """End the sentence about a value that is none of these kinds (of JSON): `; write ...`, or nothing."""
    if value is None and key[:1].isdigit():
        return '; several ranges of a day are a list in brackets: ["09:00-12:00", "13:00-18:00"]'
    if value is None and key[:3].casefold() in DAYS:
        return '; several days of the same hours stand in quotes: {"mon,tue,fri": "09:00-17:00"}'
    if value is None:
        return f"; {or_leave_out(key)}"
    if isinstance(value, list | dict):
        found = _of_collection(kinds, value, key)
    elif isinstance(value, str):
        found = _of_text(kinds, value, key)
    else:
        found = _of_number(kinds, value, key)
    return f"; {found}" if found else ""


def or_leave_out(key: str) -> str:
    """What to do about a key without a value."""
    sections = [schema(), *schema()["$defs"].values()]
    if any(key in each["properties"] and _is_section(each["properties"][key]) for each in sections):
        return f"{_example(key)}, or what belongs to it on the next lines, {FURTHER_IN}"
    required = any(key in section["required"] for section in sections)
    known = (each["properties"][key] for each in sections if key in each["properties"])
    example = next((each["examples"][0] for each in known if each.get("examples")), None)
    such = f", such as {flow(example)}" if example is not None else ""
    return f"give it a value{such}" if required else f"leave the key out or give it a value{such}"


def unknown_word(given: Any, words: Sequence[str], key: str) -> str:
    """What is wrong with a word that is not one of a closed list, and what to write."""
    word = str(given)
    if key == "window" and not nearest(word, words):
        return f"is no window; {_window(given, word)}"
    if key == "once_per" and (length := _length(word)):
        return f"is not possible here; {length}"
    parts = [each.strip() for each in word.split(",")]
    meant = WORDS.get(folded(word))
    if len(parts) == 1 and len(word.split()) > 1 and set(word.split()) <= set(words):
        parts = word.split()
    if len(parts) > 1 and set(parts) <= set(words):
        instead = f"; several are a list, with commas: [{', '.join(parts)}]"
    elif said := excluded(key, word) or INSTEAD.get((key, folded(word))):
        instead = f"; {said}"
    elif meant in words:
        instead = f'; did you mean "{meant}"? There are: {listed(words)}'
        instead += "; each means once ever, and once a month is `cool_down: 30d`" if key == "once_per" else ""
    else:
        instead = closest(word, words)
    if key in ("only_source", "not_source") and "did you mean" not in instead and len(parts) == 1:
        sign = "in" if key == "only_source" else "not in"
        instead += f"; where a person came from is a condition: `if: contact.source {sign} [{shown(word)!r}]`"
    return f"is not possible here{instead}"


def _window(given: Any, word: str) -> str:
    """What to write for a value that is no window."""
    if given is None:
        return f"write window: {_WINDOW}, or what belongs to it on the next lines, {FURTHER_IN}"
    if isinstance(given, list):
        return _windows(given)
    if "{{" in word:
        return "one is the same for everybody; other hours for others are a rule of their own"
    if len(several := _hours_of(re.split(r"\s*[,;]\s*", word))) > 1:
        return f"write window: {{hours: {flow(several)}}}"
    if meant := meant_window(word):
        days, begins, ends = meant
        return f'write {{days: {flow(days)}, from: "{begins}", until: "{ends}"}}'
    return f"write {_WINDOW}{', or always, at any hour, for tests' if folded(word) in _EVER else ''}"


def _windows(given: list[Any]) -> str:
    """What to write for a list in the place of a window: its keys one by one, or several windows."""
    if given and all(isinstance(each, dict) for each in given):
        merged = {key: value for each in given for key, value in each.items()}
        spans = [{"days": "mon-fri", **each} for each in given]
        if len(merged) < sum(map(len, given)) and all(each.keys() >= _PARTS for each in spans):
            hours = _hours_of([f"{each['days']} {each['from']}-{each['until']}" for each in spans])
            return f"several hours are {{hours: {flow(hours)}}}"
        if len(merged) == sum(map(len, given)):
            return f"its keys stand in braces: {flow(merged)}"
    return f"several hours are {_HOURS}"


def _length(word: str) -> str:
    """What to write for a length of time in the place of what a call is once for; nothing for other words."""
    if ("once_per", folded(word)) in INSTEAD:
        return ""
    if length := meant_duration(word):
        return f"once within a time is `cool_down: {length}`"
    often = _PER.search(word)
    return f"once a {often[1]} is `cool_down: {_OFTEN[often[1]]}`" if often else ""


def _hours_of(spans: Sequence[str]) -> dict[str, str]:
    """`hours` of several texts such as `mon-thu 10-4`; empty where one of them is not so."""
    found = [meant_window(each) for each in spans]
    return (
        {days: f"{begins}-{ends}" for days, begins, ends in (each for each in found if each)}
        if all(found)
        else {}
    )


def _of_collection(kinds: Sequence[str], value: Any, key: str) -> str:
    """A list or mapping in the place of something else, or of the other."""
    field, is_list = _field_in(value), isinstance(value, list)
    if by_key := _list_of(value, key) if is_list else _mapping_of(value, key, field):
        return by_key
    if is_list and "object" in kinds and value and all(isinstance(each, dict) for each in value):
        return "leave the dashes out: a line `key: value` for each"
    if "null" in kinds and not is_list:
        return "fields stand directly below their record"
    if list(kinds) == ["array"]:
        return 'each item of a list begins with "- "'
    if "string" in kinds:
        return f'a merge field stands in quotes and in two braces: "{{{{ {field} }}}}"' if field else ""
    return _example(key) if list(kinds) == ["object"] else ""


def _list_of(value: list[Any], key: str) -> str:
    """What to write for a list at a key that takes none."""
    if key == "if":
        return 'join the conditions by "and"'
    if key == "agent":
        return _CHOICE
    if key == "pipeline":
        return "write a rule for each, or leave it out for all"
    if key == "note" and value:
        return f"write note: {flow(value[0])}"
    if key == "tags":
        return f"write tags: {{add: {flow(value)}}}"
    if key == "stage" and value and all(isinstance(each, str) for each in value):
        return f"a record can be moved to one only: stage: {flow(value[0])}"
    return ""


def _mapping_of(value: dict[str, Any], key: str, field: str | None) -> str:
    """What to write for keys and values at a key that takes none."""
    if key == "if":
        return f"write it without braces: {field}" if field else "it is one line: if: deal.amount > 5000"
    if key == "agent":
        return _CHOICE
    if key == "otherwise":
        return "it is the time zone of people whose own nobody knows, such as America/New_York"
    if key == "note":
        text = next((each for each in value.values() if isinstance(each, str)), "...")
        return f"write {note_by_outcome(value) or f'note: {flow(text)}'}"
    if key == "enters":
        names = value if value and all(each is None for each in value.values()) else ()
        brackets = f"a list stands in brackets: [{', '.join(names)}]"
        return brackets if names else "`pipeline` and `enters` are two lines of `when`"
    if key in ("add", "remove"):
        return f"by outcome it is {key}: \"{{{{ 'talked' if call.outcome == 'answered' else 'missed' }}}}\""
    return by_country(key)


def _of_text(kinds: Sequence[str], value: str, key: str) -> str:
    if list(kinds) == ["boolean"]:
        flag = _SPELT_FLAGS.get(value.casefold())
        return f"write {flag}, without quotes" if flag else ""
    if key == "tags":
        return f"write tags: {{add: {flow(value)}}}"
    if key == "closed_dates":
        return 'write a list of days: ["2026-12-24"]'
    if key == "hours":
        return f"write hours: {flow(_hours_of([value]) or meant_hours({'hours': {'mon-fri': value}}))}"
    if list(kinds) == ["array"]:
        return f"write [{shown(value)}]"
    return _example(key) if list(kinds) == ["object"] else ""


def _of_number(kinds: Sequence[str], value: float, key: str) -> str:
    """A number, or true or false."""
    is_flag = isinstance(value, bool)
    if key == "if":
        return _EVERY if value else "a rule that is to rest is taken out of the file"
    if list(kinds) == ["boolean"]:
        flag = _SPELT_FLAGS.get(str(value))
        return f"write {flag}, without quotes" if flag else ""
    if key in _LENGTHS and is_flag:
        return "write a length of time, such as 24h, or leave the key out"
    if key in _LENGTHS and not value:
        return "leave the key out, or write a length of time, such as 24h"
    if key in _LENGTHS:
        return f"write minutes, hours, days or weeks: {value}m, {value}h, {value}d or {value}w"
    if key == "until" and not is_flag and 1 <= value < _MORNING:
        return f'write "{_clock(value + 12)}", or "{_clock(value)}" if the night is meant'
    if key in _CLOCKS and not is_flag and 0 <= value <= 24:
        return f'write "{_clock(value)}"'
    if key in _CLOCKS and not is_flag and 100 <= value <= 2400 and value % 100 < 60:
        return f'write "{int(value) // 100:02}:{int(value) % 100:02}"'
    if key in _WORDED:
        return f"write {_WORDED[key]}"
    if list(kinds) == ["object"]:
        return _example(key)
    return "put it in quotes" if "string" in kinds else ""


def _clock(hour: float) -> str:
    """09:30 for 9.3."""
    return f"{int(hour):02}:{round(hour % 1 * 100):02}"


def _is_section(key: Mapping[str, Any]) -> bool:
    return "$ref" in key and "anyOf" not in key


@cache
def _example(key: str) -> str:
    """A section as it is written, where one is missing."""
    sections = [schema(), *schema()["$defs"].values()]
    known = (section["properties"][key] for section in sections if key in section["properties"])
    found = next((each["examples"][0] for each in known if each.get("examples")), None)
    return f"write {key}: {flow(found if isinstance(found, dict) else {'name_of_a_field': 'its value'})}"


def _field_in(value: Any) -> str | None:
    """Return what stands between the brackets of `{ contact.phone }` or `[[contact.phone]]`, which YAML reads as a
    mapping or list; else None."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
        if isinstance(value, str):
            return value if LIKE_A_FIELD.fullmatch(value) else None
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((key, below),) = value.items()
    return key if below is None and "." in key else None
