"""Why a call is placed, held, or not placed, in lines for a marketer: the same for `explain` and `preview`.

What is shown are dispatches as listing.shown gives them, kept ones or those that a preview would make.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from connector.advice import needed
from connector.mapping.steps import Part, told
from connector.mapping.values import short
from connector.permission import HELD_UNDER

_MARKS: Final[Mapping[str, str]] = {
    "allow": "yes",
    "hold": "wait",
    "skip": "no",
    "dry_run": "no",
    "unknown": "?",
}
_PARTS: Final[Mapping[Part, str]] = {
    Part.WHEN: "when",
    Part.PHONE_NUMBER: "phone number",
    Part.CALL: "what the agent is told",
}
_MARK = 6


def explained(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON: a dispatch with `needed`, what would have to be different."""
    return {**shown, "needed": needed(shown)}


def lines(shown: Mapping[str, Any]) -> Iterator[str]:
    """What became of a rule's call, what was decided and why, and what would have to be different."""
    yield f'rule "{shown["rule"]}": {headline(shown)}'
    looks = shown["explanation"]
    if looks:
        yield from _steps(looks[-1]["steps"])
    yield from _section("may this person be called now", _verdicts(shown["verdicts"]))
    yield from _section("for a call to be placed", (f"  - {each}" for each in needed(shown)))
    if len(looks) > 1:
        yield from _section(f"different at the first look, {_time(looks[0]['at'])}", _changed(looks))
    yield from _section("what happened", (_happened(each) for each in shown["history"]))
    yield from _section("written into the CRM", (_written(each) for each in shown["write_backs"]))
    yield from _section("to be written into the CRM", (f"  {each}" for each in shown.get("afterwards", ())))


def about(shown: Mapping[str, Any]) -> Iterator[str]:
    """The lines of one dispatch that is kept, from its id to the version of its rules."""
    yield f"dispatch {shown['id']}: {shown['record']}, {shown['state']}"
    yield from lines(shown)
    yield f"  decided by version {shown['rules_version'][:12]} of the rules; `stagecall rules diff FILE VERSION` shows"
    yield "  what has changed since"


def headline(shown: Mapping[str, Any]) -> str:
    """What becomes of the call, in one line."""
    number, reason = shown["phone_number"], shown["reason"]
    match shown["state"]:
        case "waiting" if shown["why"] == "due":
            return f"calls {number}"
        case "waiting" if shown["why"] in HELD_UNDER:
            return f"holds the call to {number}: {reason.removeprefix('held: ')}"
        case "waiting":
            return f"no call yet: {reason}"
        case "skipped" if shown["why"] == "unread":
            return f"may call: {reason}"
        case "skipped" | "failed":
            return f"no call: {reason}"
        case "unknown":
            return f"nobody knows yet whether {number} was called: {reason}"
        case "sending":
            return f"{number} is being called"
    return f"called {number}: {reason}"


def _steps(steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in steps:
        if each["part"] == Part.ENTERED:
            yield f"  {each['sentence']}"
    for part, title in _PARTS.items():
        yield from _section(title, _of_part(part, steps))


def _of_part(part: Part, steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in steps:
        if each["part"] != part:
            continue
        mark = "" if part is Part.CALL else "yes" if each.get("holds", True) else "no"
        found = each.get("found")
        shown = f"  ({told(found)})" if part is Part.CALL and found else ""
        key = f"{each['key']}: " if part is Part.WHEN and each["key"] in ("if", "from") else ""
        yield f"  {mark:<{_MARK}}{key}{each['sentence']}{shown}"
        yield from (f"  {'':<{_MARK}}  {remark}" for remark in each.get("remarks", ()))


def _verdicts(verdicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in verdicts:
        yield f"  {_MARKS[each['answer']]:<{_MARK}}{each['policy']}: {each['sentence']}"


def _changed(looks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    last = {each["sentence"] for each in looks[-1]["steps"]}
    yield from (f"  - {each['sentence']}" for each in looks[0]["steps"] if each["sentence"] not in last)


def _happened(step: Mapping[str, Any]) -> str:
    return f"  {_time(step['at'])}  {step['state']}: {step['reason']}"


def _written(write: Mapping[str, Any]) -> str:
    error = f" ({write['error']})" if write["error"] else ""
    return f"  {write['moment']}: {_content(write['part'], write['content'])}: {write['state']}{error}"


def _content(part: str, content: Mapping[str, Any]) -> str:
    match part:
        case "note":
            return f"a note {short(content['text'])!r}"
        case "log_call":
            return "the call, on the timeline"
        case "stage":
            return f"moved to the stage {content['to']}"
        case "tags":
            changes = [f"+{tag}" for tag in content["add"]] + [f"-{tag}" for tag in content["remove"]]
            return f"tags {', '.join(changes)}"
    return ", ".join(f"{part}.{key} = {short(value)!r}" for key, value in sorted(content.items()))


def _section(title: str, rows: Iterable[str]) -> Iterator[str]:
    """A title and its lines, indented; nothing where there are no lines."""
    first = True
    for row in rows:
        if first:
            yield f"  {title}"
            first = False
        yield f"  {row}"


def _time(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M:%S} UTC"
