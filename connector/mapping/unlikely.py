"""What loads, and is rarely meant: a warning each, with the place in the file that it is about."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Final

from connector.mapping.choices import in_braces, is_choice
from connector.mapping.habits import excluded
from connector.mapping.language import ANY, Call, Rule, When
from connector.mapping.merge import Condition, MergeField
from connector.mapping.policy_keys import Policy
from connector.mapping.shape import Path
from connector.mapping.stages import is_every
from connector.mapping.tokens import QUOTED
from connector.mapping.vocabulary import Vocabulary
from connector.mapping.words import closest, flow, folded, nearly
from connector.mapping.write_back_keys import Moment, WriteBacks
from connector.model import Outcome
from connector.policy.durations import spelled
from connector.policy.terms import OncePer

_SHORT: Final = timedelta(minutes=5)
_WRITTEN_DAY: Final = re.compile(r"[0-9]{1,2}[/.][0-9]{1,2}[/.](?:[0-9]{2}){1,2}")
_OUR_KEYS: Final = frozenset({"stage", "note", "tags", "log_call"})
_HALF_CHOICE: Final = re.compile(r"\bif\b(?!.*\belse\b)")
_ON_STAGE: Final = re.compile(r"\bevent\.stage\s*==\s*(['\"])(.+?)\1")
_LISTED: Final = re.compile(r",|;|//|\bor\b|\s/\s")
_COUNTER: Final = re.compile(r"\{\{\s*(\w+\.\w+)(\s*[+-]\s*[0-9]+\s*)\}\}")
_IF_OUTCOME: Final = re.compile(
    rf"(.+) (?:if|when) (?:call\.outcome == '?)?({'|'.join(Outcome)})'?", re.IGNORECASE
)
_TAGS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("tag", "add_tag", "add_tags", "addtag", "addTag", "new_tag"), "add"),
    **dict.fromkeys(("remove_tag", "remove_tags", "removetag", "removeTag", "delete_tag"), "remove"),
}
"""What people write for tags as if they were properties."""
_FIELDS: Final = re.compile(r"\b((?:contact|deal|opportunity|company)\.\w+)")
_LATE: Final = frozenset(
    {
        "outcome",
        "ended_at",
        "duration_seconds",
        "summary",
        "transcript",
        "sentiment",
        "recording_url",
        "cost_cents",
    }
)
"""What of a call is known only when it has ended."""
_GROUPED: Final = re.compile(r"(?<![\w.])([0-9]{1,3})\.([0-9]{3})(?![\w.])")

Doubt = tuple[Path, str]
"""A place of the file, and what is doubtful there."""


def unlikely(rules: Sequence[tuple[Path, Rule]], words: Vocabulary) -> Iterator[Doubt]:
    """Yield what is probably not meant in rules that have no mistake; each rule with its place."""
    for number, (path, rule) in enumerate(rules):
        yield from _when((*path, "when"), rule.when, words)
        yield from _call((*path, "call"), rule.call)
        yield from _policy((*path, "policy"), rule.policy)
        yield from _write_back((*path, "write_back"), rule, words)
        above = [other for _, other in rules[:number]]
        if found := _beside(rule, above):
            yield (*path, "when"), found


def _when(path: Path, when: When, words: Vocabulary) -> Iterator[Doubt]:
    if words.catalog is None:
        for key, named in (
            ("enters", when.enters),
            ("from", when.came_from),
            ("pipeline", (when.pipeline or "",)),
        ):
            yield from (((*path, key), found) for word in named if (found := _no_label(key, word)))
    if when.condition is not None:
        yield from (((*path, "if"), found) for found in _condition(when, when.condition, words))


def _condition(when: When, condition: Condition, words: Vocabulary) -> Iterator[str]:
    for number in _GROUPED.finditer(QUOTED.sub("", condition.source)):
        few, many = number[1], f"{number[1]}{number[2]}"
        written = f"{many} is written without a point ({few} without zeros)"
        yield f"has {number[0]}, which is {float(number[0]):g}; {written}"
    if ("event", "previous_stage") in condition.fields and not words.tells_previous_stage:
        yield f"reads event.previous_stage, which is always empty: {words.crm} does not tell it"
    stages = {folded(each) for each in when.enters}
    if ANY in stages or any(each.isdigit() for each in stages):
        return  # ids may be of a stage of that label
    for asked in _ON_STAGE.finditer(condition.source):
        if folded(asked[2]) not in stages:
            yield f'asks for the stage "{asked[2]}", which `enters` does not name, so it is never true'


def _no_label(key: str, word: str) -> str:
    """What is doubtful in the name of a stage or pipeline that nobody has looked up."""
    noun = "pipeline" if key == "pipeline" else "stage"
    if is_every(word):
        return f'is a {noun} called "{word}"; whichever it is, is written {ANY}'
    if noun == "stage" and (instead := excluded("enters", word)):
        return f'is a stage called "{word}"; {instead}'
    if noun == "stage" and (_LISTED.search(word) or word.startswith("(") or '"' in word):
        several = [each.strip(" ()[]\"'") for each in _LISTED.split(word) if each.strip(" ()[]\"'")]
        comment = ", and a comment begins with #" if "//" in word or word.startswith("(") else ""
        return (
            f'is one stage called "{word}"; several are a list in brackets: {key}: {flow(several)}{comment}'
        )
    return ""


def _call(path: Path, call: Call) -> Iterator[Doubt]:
    agent = call.agent.source.strip() if call.agent is not None else ""
    if call.agent is not None and call.agent.is_constant and is_choice(agent):
        yield (*path, "agent"), f"is a name as it stands; {in_braces(agent)}"
    elif _HALF_CHOICE.search(QUOTED.sub("", agent)):
        yield (*path, "agent"), "has no `else`: where its condition is false there is no agent, and no call"
    elif agent.startswith("+") and agent[1:].replace(" ", "").isdigit():
        yield (*path, "agent"), "is a number, and an agent goes by its name (`stagecall agents list`)"
    for key, field, example in (("name", call.name, "firstname"), ("email", call.email, "email")):
        if field is not None and field.is_constant and field.source.strip():
            written = _FIELDS.sub(r"{{ \1 }}", field.source) if _FIELDS.search(field.source) else ""
            written = written or f"{{{{ contact.{example} }}}}"
            yield (*path, key), f'is the same for everybody; a field is written "{written}"'
    for name, key in call.region.fields if call.region else ():
        if key == "country":
            yield (
                (*path, "region"),
                f"needs two letters such as US, and {name}.country often holds a name; numbers of such people are not called",
            )
    for field in call.phone_number:
        if found := _no_number(field):
            yield (*path, "phone_number"), found


def _no_number(field: MergeField) -> str:
    """Why a candidate is probably no number."""
    read = sorted(f"{name}.{key}" for name, key in field.fields)
    source = QUOTED.sub("''", field.source)
    before = (
        field.parts[0] if field.parts and isinstance(field.parts[0], str) and not field.is_constant else ""
    )
    if field.is_constant:
        return 'is one number for every record; a field is written "{{ contact.phone }}"'
    if not read:
        return f"reads no field: {field.source} is a text; without the inner quotes it is the field"
    if all(each.endswith("email") for each in read):
        return f"is an email address ({', '.join(read)}), so nobody could be called"
    if _is_joined(field):
        return f"joins two numbers into one; numbers to try in turn are a list: [{', '.join(read)}]"
    if before.strip().startswith(("+", "00")):
        return f'puts "{before.strip()}" before numbers that may have their country code already; `region` is for those that lack it'
    if re.search(r"\band\b", source):
        return "is empty unless all of these fields are filled; `or` takes the first that is"
    if re.search(r"\|\s*(?:number|integer|round)\b", source):
        return "makes a number of it that can be calculated with, and a phone number is none; leave the filter out"
    return ""


def _is_joined(field: MergeField) -> bool:
    """Two phone fields side by side, each a number of its own."""
    parts = [part for part in field.parts if not isinstance(part, str)]
    phones = [part for part in parts if any("phone" in key or "mobile" in key for _, key in part.fields)]
    return len(phones) > 1


def _policy(path: Path, policy: Policy) -> Iterator[Doubt]:
    if policy.terms.zone is not None:
        found = f"goes by the clock of {policy.terms.zone} for everybody, wherever they are; lead is each person's own clock"
        yield (*path, "window", "zone"), found
    if policy.cool_down is not None and policy.terms.once_per is OncePer.NUMBER:
        found = "means once ever: this rule calls no number again, also after `cool_down`; for once within a time `cool_down` alone is enough"
        yield (*path, "once_per"), found
    if policy.cool_down is not None and policy.cool_down < _SHORT:
        yield (*path, "cool_down"), f"is {spelled(policy.cool_down)}: m stands for minutes; a month is 30d"
    if policy.expires < _SHORT:
        found = f"drops a call that has to wait longer than {spelled(policy.expires)}, as it may where many come at once"
        yield (*path, "expires"), found


def _write_back(path: Path, rule: Rule, words: Vocabulary) -> Iterator[Doubt]:
    called = {field for each in rule.call.phone_number for field in each.fields}
    for moment, name, key, written in _properties(rule.write_back):
        at, value = (*path, moment, name, key), _constant(written)
        counter = _COUNTER.fullmatch(written.source) if isinstance(written, MergeField) else None
        if counter:
            yield (
                at,
                f"stays empty where {counter[1]} is; write {{{{ ({counter[1]} | default(0)){counter[2]}}}}}",
            )
        elif isinstance(written, MergeField) and _HALF_CHOICE.search(QUOTED.sub("", written.source)):
            yield at, "has no `else`: where its condition is false the property is cleared"
        elif (name, key) in called:
            yield at, f"writes over {name}.{key}, the number that this rule calls"
        elif f"{name}.{key}" == words.stage_field:
            yield (
                at,
                "moves the record; `stage:` does that too, takes labels, and leaves a record alone that somebody has moved",
            )
        elif name == words.tags_on and key == "tags":
            yield at, "replaces all tags; `tags: {add: ..., remove: ...}` of this moment leaves the others"
        elif value and value not in words.usual_words.get(f"{name}.{key}", {value}):
            usual = closest(value, words.usual_words[f"{name}.{key}"])
            yield at, f'is "{value}", which is not one of the usual values of {name}.{key}{usual}'
        elif key.endswith("owner_id") and " " in value:
            yield at, f'is the name "{value}", and {name}.{key} takes an id'
        elif words.tags_on and key in _TAGS:
            made = f"{{{_TAGS[key]}: {flow(value or 'called')}}}"
            yield (
                at,
                f"is a property of {name} that is called {key}; tags are written tags: {made}, beside {name}",
            )
        elif (meant := _nearly_standard(key, words.standard_fields.get(name, frozenset()))) is not None:
            yield (
                at,
                f'is the property "{key}", which is not one of the standard ones of {name}; did you mean "{meant}"?',
            )
        elif (ours := folded(key).replace(" ", "_")) in _OUR_KEYS:
            found = f"is a property of {name} that is called {key}; if our own `{ours}` is meant, put it beside `{name}`, not below it"
            yield at, found
        elif " " in key:
            yield (
                at,
                f'is the property "{key}", and names of properties have no blanks: its internal name is meant',
            )
        elif _WRITTEN_DAY.fullmatch(value):
            yield at, f'is the text "{value}"; CRMs take days as 2026-12-31'

    yield from _too_early((*path, "placed"), rule.write_back.placed)
    for each in fields(write_back := rule.write_back):
        yield from _stage_and_tags((*path, each.name), getattr(write_back, each.name), rule.when)


def _nearly_standard(key: str, known: frozenset[str]) -> str | None:
    """The vendor's own property that differs by a letter or two; a name in several words is an account's own."""
    return nearly(key, known) if key not in known and "_" not in key else None


def _too_early(path: Path, placed: Moment) -> Iterator[Doubt]:
    """What is known only when a call has ended."""
    texts = [
        ((*path, name, key), each) for name, all_ in placed.records.items() for key, each in all_.items()
    ]
    for at, text in [*texts, ((*path, "note"), placed.note)]:
        read = sorted(
            key for name, key in (text.fields if isinstance(text, MergeField) else ()) if name == "call"
        )
        if late := [f"call.{key}" for key in read if key in _LATE]:
            yield (
                at,
                f"is written when the call begins, before there is a {' or '.join(late)}; put it under `ended`",
            )


def _stage_and_tags(path: Path, moment: Moment, when: When) -> Iterator[Doubt]:
    """A record that is moved where it stands; tags that are several, or come and go."""
    entered = {folded(each) for each in when.enters}
    stages = moment.stage.values() if isinstance(moment.stage, Mapping) else [moment.stage]
    for stage in stages:
        if stage and folded(stage) in entered:
            yield (
                (*path, "stage"),
                f'moves the record into "{stage}", where this rule finds it; leave it out, or name the stage to go to',
            )
        elif stage and (by_outcome := _IF_OUTCOME.fullmatch(stage)):
            found = f"by outcome it is stage: {{{by_outcome[2]}: {by_outcome[1]}}}"
            yield (*path, "stage"), f'is one stage called "{stage}"; {found}'
        elif stage and "," in stage:
            yield (*path, "stage"), f'is one stage called "{stage}"; a record can be moved to one only'
    added, removed = ({each.source for each in tags} for tags in (moment.tags.add, moment.tags.remove))
    for tag in sorted(added | removed):
        if "," in tag and "{{" not in tag:
            yield (*path, "tags"), f'has one tag "{tag}"; several are a list in brackets'
    if added & removed:
        yield (*path, "tags"), f'adds and removes "{min(added & removed)}"; it is added'


def _constant(written: str | MergeField) -> str:
    """The text that is written, where it is the same for every record."""
    return (
        written.strip() if isinstance(written, str) else written.source.strip() if written.is_constant else ""
    )


def _properties(write_back: WriteBacks) -> Iterator[tuple[str, str, str, str | MergeField]]:
    """Every property that is written: moment, object, property, and what."""
    for each in fields(write_back):
        moment: Moment = getattr(write_back, each.name)
        for name, properties in moment.records.items():
            for key, value in properties.items():
                yield each.name, name, key, value


def _beside(rule: Rule, above: Sequence[Rule]) -> str | None:
    """A rule above that takes all of this one's events: nothing is left, or two calls come of each."""
    for other in above:
        if not _covers(other.when, rule.when):
            if (
                not other.stop
                and _covers(rule.when, other.when)
                and rule.policy.cool_down is None
                and not _is_dry(rule, other)
            ):
                return f'is for the events of the rule "{other.name}" too; if one call is enough, that rule says stop: true'
            continue
        if other.stop:
            return (
                f'is asked about no event: the rule "{other.name}" above takes them all, and says stop: true'
            )
        if rule.when.condition is None and rule.policy.cool_down is None and not _is_dry(rule, other):
            return f'makes a second call of each event, beside the rule "{other.name}"; if one is enough, that rule says stop: true'
    return None


def _is_dry(rule: Rule, other: Rule) -> bool:
    return rule.policy.dry_run or other.policy.dry_run


def _covers(wide: When, narrow: When) -> bool:
    """Is every event of one rule an event of the other?"""
    stages = {folded(each) for each in wide.enters}
    return (
        wide.condition is None
        and (ANY in stages or {folded(each) for each in narrow.enters} <= stages)
        and (wide.pipeline is None or folded(wide.pipeline) == folded(narrow.pipeline or ""))
        and wide.how in (None, narrow.how)
        and (not wide.came_from or wide.came_from == narrow.came_from)
        and (not wide.only_source or wide.only_source == narrow.only_source)
        and wide.not_source <= narrow.not_source
    )
