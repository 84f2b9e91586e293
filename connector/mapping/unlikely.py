"""What loads, and is rarely meant: a warning each, with the place in the file that it is about."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from connector.mapping.choices import in_braces, is_choice, of_two
from connector.mapping.habits import COUNTRY_CODE, excluded
from connector.mapping.language import ANY, Call, Rule, When, schema
from connector.mapping.merge import Condition, MergeField
from connector.mapping.policy_keys import Policy
from connector.mapping.shape import Path
from connector.mapping.stages import is_every
from connector.mapping.tokens import QUOTED
from connector.mapping.unlikely_writes import HALF_CHOICE, Doubt, unlikely_writes
from connector.mapping.vocabulary import Vocabulary
from connector.mapping.words import flow, folded
from connector.policy.calendars import part_that_keeps_more
from connector.policy.durations import spelled
from connector.policy.numbers import region_of
from connector.policy.terms import OncePer, Outside
from connector.policy.week import longest_closed

_SHORT: Final = timedelta(minutes=5)
_ON_STAGE: Final = re.compile(r"\bevent\.stage\s*==\s*(['\"])(.+?)\1")
_LISTED: Final = re.compile(r",|;|//|\bor\b|\s/\s")
_TWO_LABELS: Final = re.compile(r"(\w+ \w.*) and (\w+ \w.*)")
_OTHERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("agent", "phone_number", "region"), "beside `metadata`"),
    **dict.fromkeys(schema()["$defs"]["Policy"]["properties"], "under `policy`"),
    **dict.fromkeys(("if", "only_source", "not_source"), "under `when`"),
}
"""Keys of a rule that people put below `metadata`, each with its place."""
_A_PERSON: Final = re.compile(r"^(?!.*id\b).*(?:owner|assigned|name|rep\b|consultant|salesperson)")
_FIELDS: Final = re.compile(r"\b((?:contact|deal|opportunity|company)\.\w+)")
_GROUPED: Final = re.compile(r"(?<![\w.])([0-9]{1,3})\.([0-9]{3})(?![\w.])")


def unlikely(rules: Sequence[tuple[Path, Rule]], words: Vocabulary) -> Iterator[Doubt]:
    """Yield what is probably not meant in rules that have no mistake; each rule with its place."""
    for number, (path, rule) in enumerate(rules):
        yield from _when((*path, "when"), rule.when, words)
        yield from _call((*path, "call"), rule.call, words)
        yield from _region((*path, "call", "region"), rule, words)
        yield from _policy((*path, "policy"), rule.policy)
        yield from unlikely_writes((*path, "write_back"), rule, words)
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
    if noun == "pipeline" and _LISTED.search(word):
        return f'is one pipeline called "{word}"; write a rule for each, or leave it out for all'
    two = _TWO_LABELS.fullmatch(word)
    if noun == "stage" and (_LISTED.search(word) or word.startswith("(") or '"' in word or two):
        parts = two.groups() if two and not _LISTED.search(word) else _LISTED.split(word)
        several = [each.strip(" ()[]\"'") for each in parts if each.strip(" ()[]\"'")]
        comment = ", and a comment begins with #" if "//" in word or word.startswith("(") else ""
        return (
            f'is one stage called "{word}"; several are a list in brackets: {key}: {flow(several)}{comment}'
        )
    return ""


def _call(path: Path, call: Call, words: Vocabulary) -> Iterator[Doubt]:
    if call.agent is not None:
        yield from (((*path, "agent"), found) for found in _agent(call.agent, words))
    for key, field, example in (("name", call.name, "firstname"), ("email", call.email, "email")):
        if field is not None and field.is_constant and field.source.strip():
            written = _FIELDS.sub(r"{{ \1 }}", field.source) if _FIELDS.search(field.source) else ""
            written = written or f"{{{{ contact.{example} }}}}"
            yield (*path, key), f'is the same for everybody; a field is written "{written}"'
    yield from (((*path, "metadata", key), found) for key, found in _metadata(call, words.owner_field))
    for field in call.phone_number:
        if found := _no_number(field):
            yield (*path, "phone_number"), found


def _agent(agent: MergeField, words: Vocabulary) -> Iterator[str]:
    name = agent.source.strip()
    if agent.is_constant and is_choice(name):
        yield f"is a name as it stands; {in_braces(name, words.owner_field)}"
    elif agent.is_constant and (two := of_two(name, words.owner_field)):
        yield f"is one agent of that name; {two}"
    elif HALF_CHOICE.search(QUOTED.sub("", name)):
        yield "has no `else`: where its condition is false there is no agent, and no call"
    elif name.startswith("+") and name[1:].replace(" ", "").isdigit():
        yield "is a number, and an agent goes by its name (`stagecall agents list`)"


def _metadata(call: Call, owner: str) -> Iterator[tuple[str, str]]:
    for key, told in call.metadata.items():
        if key in _OTHERS:
            yield (
                key,
                f"is told to the agent, and is no setting here; {key} stands {_OTHERS[key]}, not below `metadata`",
            )
        source = told.source.strip("{ }") if isinstance(told, MergeField) else ""
        if owner and source == owner and _A_PERSON.search(folded(key)):
            yield (
                key,
                f"tells the agent {owner}, which is the id of a user, not a name; a table (`tables`, and | map)"
                " gives each its name",
            )


def _region(path: Path, rule: Rule, words: Vocabulary) -> Iterator[Doubt]:
    """One that many have no letters of, or that is of some people and read for all."""
    region, asked = rule.call.region, rule.when.condition.fields if rule.when.condition else ()
    has_code = {name for name, known in words.standard_fields.items() if COUNTRY_CODE in known}
    for name, key in region.fields if region else ():
        if key == "country" and name in has_code:
            found = f"needs two letters such as US, and {name}.country often holds a name; {name}.{COUNTRY_CODE} holds them"
            yield path, found
    if region is None or not region.is_constant or any("country" in key for _, key in asked):
        return
    named = region_of(region.source)
    if named is not None and named != words.default_region:
        own = f"contact.{COUNTRY_CODE if 'contact' in has_code else 'country'}"
        found = (
            f"reads each number without a country code as one of {named}, also those of people elsewhere:"
            f' "{{{{ {own} }}}}" is each person\'s own, or an `if` on it says whom the rule is for'
        )
        yield path, found


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
    for code in sorted(policy.terms.window.holidays if policy.terms.window else ()):
        if part := part_that_keeps_more(code):
            found = f"has the days that all of {code} keeps, and every part keeps more; write the part, such as {part}, or several in a list"
            yield (*path, "window", "holidays"), found
    if policy.cool_down is not None and policy.terms.once_per is OncePer.NUMBER:
        found = "means once ever: this rule calls no number again, also after `cool_down`; for once within a time `cool_down` alone is enough"
        yield (*path, "once_per"), found
    if policy.cool_down is not None and policy.cool_down < _SHORT:
        yield (*path, "cool_down"), f"is {spelled(policy.cool_down)}: m stands for minutes; a month is 30d"
    if policy.terms.window is not None and policy.terms.outside is Outside.HOLD:
        length, begins, ends = longest_closed(policy.terms.window.ranges)
        if _SHORT <= policy.expires < length:
            found = (
                f"drops calls of whoever comes when the window is closed for longer: from {begins} to {ends} are"
                f" {spelled(length)}"
            )
            yield (*path, "expires"), found
    if policy.expires < _SHORT:
        found = f"drops a call that has to wait longer than {spelled(policy.expires)}, as it may where many come at once"
        yield (*path, "expires"), found


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
