"""What to say of a key that does not belong where it stands."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from connector.mapping.builder import shown
from connector.mapping.choices import of_two
from connector.mapping.habits import ELSEWHERE, KEYS, WORDS, by_country, left_out
from connector.mapping.language import schema
from connector.mapping.outcomes import by_outcome, outcome_of
from connector.mapping.words import closest, flow, folded, listed, nearest, nearly
from connector.model import Source
from connector.policy.hours import meant_days, meant_hours, meant_window
from connector.policy.kinds import NumberType

_NAME: Final = re.compile(r"[a-z_]+")
_EQUALS: Final = re.compile(r"(\w+)\s*=\s*(.+)")
_FIELD: Final = re.compile(r"[a-zA-Z_]+(?:\.\w+)?")
_AGENT: Final = re.compile(r"agents?_\w+|\w+_agents?")
_LEFT_OUT: Final = ("exclude", "except", "without", "not")
_TAG: Final = re.compile(r"(?:has )?(?:the )?tag(?:ged)?:? ['\"]?([^'\"]+)['\"]?", re.IGNORECASE)
_IN_WHEN: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("tags", "tag", "tag_added", "has_tag"),
        "tags are asked by `if`: \"'hot' in contact.tags\", where the CRM has them",
    ),
    **dict.fromkeys(
        ("workflow", "automation"), "a workflow that asks for the call is `only_source: workflow`"
    ),
    **dict.fromkeys(
        _LEFT_OUT,
        "who brought it is left out by `not_source: import`, other records by `if: not (...)`",
    ),
    **dict.fromkeys(
        ("and", "or"), "conditions are joined within `if`: if: contact.city == 'Austin' and contact.email"
    ),
    **dict.fromkeys(("trigger", "event", "on", "when"), "leave it out: `enters` says what starts the rule"),
    **dict.fromkeys(
        ("leaves", "left", "exits"),
        "what leaves a stage is not followed; `from` names the stage it came from",
    ),
}
"""What to say of these below `when`."""
_LONG: Final = 6
"""Letters of a key that is recognised though it is misspelt and in another place."""
_CAPS: Final = frozenset({"max_per_hour", "max_per_day"})
_CAP: Final = re.compile(r"([0-9]+)\s*(?:calls?)?\s*(?:per|an?|each|/)\s*(hour|day)")
_AGAIN: Final = re.compile(
    r"\b(?:once|twice|within|again|repeat)(?:\b|_)|_(?:once|twice|within|again|repeat)\b"
)
_TIMES: Final = frozenset({"between", "time", "times", "clock", "at"})
_FIELDS: Final[Mapping[str, str]] = {
    "when": "; conditions on fields are written `if: contact.city == 'Austin'`",
    "call": "; what else the agent is told stands below `metadata`",
}
"""Where a field of the CRM has its place, that somebody wrote as a key of this section."""


def misplaced(
    given: Mapping[str, Any], section: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[tuple[str, str]]:
    """Yield each key that a section (of the schema, at `path` of the file) does not have, with what to write."""
    properties, what = section["properties"], section["title"]
    for key, value in given.items():
        if key not in properties:
            yield (
                key,
                (
                    _slip(key, given, what)
                    or _two_in_one(key, given, what)
                    or _far(key, value, path, properties)
                    or _hours(key, given, what)
                    or _near(key, value, what, properties)
                    or _unknown(key, what, properties)
                ),
            )


def unknown_key(key: str, what: str, known: list[str]) -> str:
    """Say that a key is not known, and which is meant or what there is."""
    if "\u00a0" in key or "\u200b" in key:
        return (
            f'"{shown(key)}" has an invisible blank (a non-breaking space) at it; replace it by a plain one'
        )
    meant, elsewhere = KEYS.get(folded(key)), ELSEWHERE.get(folded(key))
    if meant in known:
        hint = f'; did you mean "{meant}"?'
    else:
        hint = f"; {elsewhere}" if elsewhere else closest(key, known)
    return f'"{shown(key)}" is not a key of {what}{hint}'


def _slip(key: str, given: Mapping[str, Any], what: str) -> str:
    """What a key is that is none: a part of a list, of a number, a blank forgotten after its colon."""
    name, colon, rest = key.partition(":")
    if given[key] is not None:
        return ""
    if what == "tags":
        first = next((each for each in given.values() if isinstance(each, str)), "called")
        return f'"{shown(key)}" stands where a key belongs; several tags are a list in brackets: [{first}, {key}]'
    if equals := _EQUALS.fullmatch(key):
        return f'"{shown(key)}" has "=" in the place of ": "; write {equals[1]}: {equals[2]}'
    if colon and rest:
        return f'"{shown(key)}" lacks a blank after its ":"; write {name}: {rest.strip()}'
    here = f'"{shown(key)}" stands where a key belongs'
    if key.isdigit():
        return f"{here}; a number is written without a comma"
    if what == "window" and meant_days(key):
        return f'{here}; days with commas stand in quotes, as days: "mon,wed,fri"'
    if what in ("window", "policy") and (not _NAME.fullmatch(key) or key in set(NumberType)):
        return f"{here}; several values are a list in brackets, as [US, GB]"
    return ""


def _two_in_one(key: str, given: Mapping[str, Any], what: str) -> str:
    """A second agent, a second tag: one is chosen in braces."""
    value = given[key]
    if what == "call" and _AGENT.fullmatch(key) and isinstance(value, str):
        choice = of_two(f"{given.get('agent') or 'Lead Qualifier'}, {value}", "")
        return f'"{shown(key)}" is not a key of "call"; a call has one agent, and {choice}' if choice else ""
    if what == "tags" and (outcome := outcome_of(key)) and isinstance(value, str):
        first = given.get("add")
        other = f" else '{first}'" if isinstance(first, str) else ""
        one = f"'{value}' if call.outcome == '{outcome}'{other}"
        return f'"{shown(key)}" is not a key of "tags"; a tag by outcome is add: "{{{{ {one} }}}}"'
    return ""


def _far(key: str, value: Any, path: tuple[str | int, ...], known: Mapping[str, Any]) -> str:
    """What to say of a key of the file's first level, of a rule's, and of an outcome."""
    if KEYS.get(folded(key)) in known:
        return ""
    if path and key in schema()["properties"]:
        return f'"{shown(key)}" stands at the top of the file'
    if not path and key in schema()["$defs"]["Rule"]["properties"]:
        return f'"{shown(key)}" belongs into each rule, below `rules`'
    if path[-1:] == ("write_back",) and (outcome := outcome_of(key)):
        apart = by_outcome(outcome, value, moves=True)
        return f'"{shown(key)}" is an outcome; those are told apart under `ended`: {apart}'
    return ""


def _hours(key: str, window: Mapping[str, Any], what: str) -> str:
    """Days below `window`, without `hours`."""
    if what == "window" and (apart := by_country(key)):
        return f'"{key}" is not a key of "window"; {apart}'
    if what != "window" or not meant_days(key):
        return ""
    simple = [each for each in ("days", "from", "until") if each in window]
    instead = f" in the place of {listed(simple)}" if simple else ""
    whole = flow(meant_hours(window))
    return f'"{shown(key)}" is not a key of "window"; days with hours of their own stand below `hours`{instead}: hours: {whole}'


def _near(key: str, value: Any, what: str, known: Mapping[str, Any]) -> str:
    """What to say of a key that another section has, or that is another word for one."""
    of_section = _IN_SECTION.get(what)
    if of_section and (said := of_section(key, value)):
        return f'"{shown(key)}" is not a key of "{what}"; {said}'
    if "," in key:
        return f'"{shown(key)}" is several keys in one; write what stands below it under each of them'
    meant = KEYS.get(folded(key), "")
    if meant in known or nearly(key, known) or (what == "write_back" and nearest(key, known)):
        return ""
    if meant and meant != key and folded(key) not in ELSEWHERE and (home := _home(meant, known)):
        return f'"{shown(key)}" is not a key of "{what}"; it is `{meant}` here, and belongs under `{home}`'
    home = _home(key, known)
    if home is None:
        return _nearly_elsewhere(key, what)
    place = (
        f"stands beside `{what}`, not below it" if home == "rule" else f"belongs under `{home}`, further in"
    )
    return f'"{shown(key)}" is not a key of "{what}"; it {place}'


def _in_when(key: str, value: Any) -> str:
    if folded(key) in _LEFT_OUT and (tag := _TAG.fullmatch(str(value))):
        return f"people with a tag are left out by if: \"'{tag[1]}' not in contact.tags\""
    if word := _brought(key, value):
        return f"write not_source: {word}"
    return _IN_WHEN.get(folded(key), "")


def _in_policy(key: str, value: Any) -> str:
    meant = KEYS.get(folded(key))
    if key == "hours" and isinstance(value, str) and (several := meant_window(value)):
        days, begins, ends = several
        return f'write window: {{days: {days}, from: "{begins}", until: "{ends}"}}'
    if key == "hours" and isinstance(value, dict):
        return f"it belongs under `window`: window: {{hours: {flow(value)}}}"
    if meant in _CAPS and (capped := _CAP.match(str(value))):
        return f"write max_per_{capped[2]}: {capped[1]}"
    if meant is None and _AGAIN.search(folded(key)):
        return "the same person again only after a time is `cool_down: 14d`"
    return ""


def _in_window(key: str, _: Any) -> str:
    return 'its hours are from: "09:00", until: "18:00"' if folded(key) in _TIMES else ""


_IN_SECTION: Final[Mapping[str, Callable[[str, Any], str]]] = {
    "when": _in_when,
    "policy": _in_policy,
    "window": _in_window,
}
"""What to say of a key that is another word for something of a section, by its value."""


def _brought(key: str, value: Any) -> str:
    """The source that a key leaves out: `source: not import`, `if_not: import`."""
    word = str(value).strip()
    if KEYS.get(folded(key)) == "only_source":
        word = left_out(word)
    elif folded(key) not in ("if_not", "unless", *_LEFT_OUT):
        return ""
    meant = WORDS.get(folded(word), folded(word))
    return meant if meant in set(Source) else ""


def _nearly_elsewhere(key: str, what: str) -> str:
    """What to say of a key that is nearly one of another section: `max_calls_per_hour` beside `policy`."""
    homes = {
        each: section["title"] for section in schema()["$defs"].values() for each in section["properties"]
    }
    meant = nearly(key, [each for each, home in homes.items() if "," not in home])
    if meant is None or homes[meant] == what or len(meant) < _LONG or folded(key) in (*KEYS, *ELSEWHERE):
        return ""
    return f'"{shown(key)}" is not a key of "{what}"; did you mean "{meant}"? It belongs under `{homes[meant]}`, further in'


def _unknown(key: str, what: str, known: Mapping[str, Any]) -> str:
    word = folded(key)
    a_field = word not in ELSEWHERE and word not in KEYS and (what == "when" or _FIELD.fullmatch(key))
    below = "; what is written stands below one of them, such as ended" if what == "write_back" else ""
    found = unknown_key(key, f'"{what}"', list(known))
    return found if found.endswith("?") else found + (_FIELDS.get(what, "") if a_field else "") + below


def _home(key: str, siblings: Mapping[str, Any]) -> str | None:
    """The key beside this one, below which it has its place; None where there is none or several."""
    sections = schema()["$defs"]
    below = {name: str(each.get("$ref", "")).rpartition("/")[2] for name, each in siblings.items()}
    if "window" in siblings:  # a word as well as a section, and so no reference alone
        below["window"] = "CallingWindow"
    fitting = [name for name, of in below.items() if of and key in sections[of]["properties"]]
    if fitting:
        return fitting[0] if len(fitting) == 1 else None
    homes = {section["title"] for section in sections.values() if key in section["properties"]}
    return homes.pop() if len(homes) == 1 else None
