"""Comparisons of a field with a text that may be right, and probably are not: a check for each reason."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from connector.mapping.habits import COUNTRY_CODE, WORDS
from connector.mapping.names import Names
from connector.mapping.words import closest
from connector.model import Source
from connector.policy.calendars import other_spelling_of_state
from connector.policy.numbers import not_a_region, region_meant, region_of

_THEIR_WORD: Final = re.compile(r"[A-Z0-9_]+")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_NAME: Final = re.compile(r"[A-Z][a-z]+(?:[ -][A-Z].*)?|.* .*")
_LABEL: Final = re.compile(r"[A-Z].*[a-z]|\s")
_FLAGS: Final = ("yes", "no", "true", "false")
_SEEN: Final = "`stagecall preview RULES --live ID`, with a record of theirs, shows the id in this condition"


@dataclass(frozen=True, slots=True)
class _Compared:
    """A field (`contact.country`), the sign, and the text it is compared with."""

    field: str
    sign: str
    """As Jinja has it: eq, ne, in, notin."""
    value: str
    names: Names

    @property
    def object_name(self) -> str:
        return self.field.partition(".")[0]

    @property
    def key(self) -> str:
        return self.field.partition(".")[2]

    @property
    def is_equality(self) -> bool:
        return self.sign in ("eq", "ne")

    @property
    def excludes(self) -> bool:
        return self.sign in ("ne", "notin")

    @property
    def is_of_record(self) -> bool:
        """Is it a field of the CRM's, and none of ours?"""
        return self.object_name in self.names.usual


def doubtful_value(field: str, sign: str, value: str, names: Names) -> str | None:
    """What is doubtful in comparing a field with a text; None where nothing is."""
    here = _Compared(field, sign, value, names)
    return next((found for check in _CHECKS if (found := check(here))), None)


def other_spelling(field: str, sign: str, values: Sequence[str]) -> str | None:
    """What is doubtful where a state is compared by its name alone, or its letters alone: records hold either."""
    twins = {each: spelling for each in values if (spelling := other_spelling_of_state(each))}
    if field.rpartition(".")[2] != "state" or not twins or not set(twins.values()).isdisjoint(values):
        return None
    both = ", ".join(repr(each) for each in (*values, *twins.values()))
    within = "not in" if sign in ("ne", "notin") else "in"
    return f"{field} holds what somebody typed, a name or its letters; write {field} {within} [{both}]"


def _source(here: _Compared) -> str | None:
    word = WORDS.get(here.value.casefold(), here.value.casefold())
    if here.field == "event.source" and word not in set(Source) and not _THEIR_WORD.fullmatch(here.value):
        return f'event.source holds the CRM\'s own word for who changed the record, and not "{here.value}"; where a person came from is a field of the contact'
    if here.key != "source" or word not in set(Source):
        return None
    if here.field == "event.source":
        if here.value.isupper():  # the CRM's own word
            return None
        sign = "!=" if here.excludes else "=="
        return f"event.source holds the CRM's own words; ours are event.changed_by {sign} '{word}'"
    asked = "not_source" if here.excludes else "only_source"
    return f"who brought a record is not in {here.field}; write {asked}: {word}, beside `if`"


def _label(here: _Compared) -> str | None:
    if not _LABEL.search(here.value):
        return None
    if here.field == here.names.stage_field:
        return f'{here.field} holds ids of stages; "{here.value}" is a label, as in event.stage'
    if here.key in ("pipeline", "pipelineId") and here.is_of_record:
        asked = f"event.pipeline {'!=' if here.excludes else '=='} '{here.value}'"
        return f'{here.field} holds ids of pipelines; "{here.value}" is a label: write {asked}'
    return None


def _pattern(here: _Compared) -> str | None:
    part = here.value.strip("*%")
    if not here.is_equality or part == here.value:
        return None
    return f'"{here.value}" is meant to the letter; a part of a text is looked for by "\'{part}\' in {here.field}"'


def _usual_word(here: _Compared) -> str | None:
    usual = here.names.usual_words.get(here.field)
    if usual is None or here.value in usual:
        return None
    return f'"{here.value}" is not one of the usual values of {here.field}{closest(here.value, usual)}'


def _checkbox(here: _Compared) -> str | None:
    if here.value in ("true", "false") or here.value.casefold() not in _FLAGS or not here.is_of_record:
        return None
    ticked = (here.value.casefold() in ("yes", "true")) != here.excludes
    return f'"{here.value}" is not what a checkbox holds; for one write {here.field if ticked else f"not {here.field}"}'


def _tags(here: _Compared) -> str | None:
    if not here.is_equality or here.key != "tags":
        return None
    within = f"'{here.value}' {'not in' if here.excludes else 'in'} {here.field}"
    return f'{here.field} is a list; write "{within}", with both kinds of quotes'


def _day(here: _Compared) -> str | None:
    if not here.is_equality or not _DAY.fullmatch(here.value) or not here.is_of_record:
        return None
    return f"a moment of the CRM has a time too; for the day write {here.field} | date == '{here.value}'"


def _country(here: _Compared) -> str | None:
    code = region_of(here.value)
    if here.key.endswith(COUNTRY_CODE.removeprefix("hs_")) and code != here.value:
        code = code or region_meant(here.value)
        meant = f"did you mean '{code}'?" if code else not_a_region(here.value).partition("; ")[2]
        return f"{here.field} holds two letters; {meant}"
    has_code = COUNTRY_CODE in here.names.usual.get(here.object_name, ())
    if here.key != "country" or not _COUNTRY.fullmatch(here.value) or not has_code:
        return None
    return (
        f'{here.field} often holds a name, such as United States, and not "{here.value}"; two letters stand in'
        f' {here.object_name}.{COUNTRY_CODE}, as "{code or here.value}"'
    )


def _name(here: _Compared) -> str | None:
    if not here.key.endswith(("_id", "Id", "_by_user_id", "assignedTo")) or not _NAME.fullmatch(here.value):
        return None
    return f'{here.field} holds an id, and "{here.value}" is a name; {_SEEN}'


_CHECKS: Final[tuple[Callable[[_Compared], str | None], ...]] = (
    _source,
    _label,
    _pattern,
    _usual_word,
    _checkbox,
    _tags,
    _day,
    _country,
    _name,
)
"""In the order in which they are asked: the first that has something to say says it."""
