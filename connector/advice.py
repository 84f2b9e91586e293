"""What would have to be different for a call to be placed: a sentence for each thing that speaks against it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from connector.mapping.steps import Part, told
from connector.mapping.words import listed
from connector.policy.sentences import moment

CONDITIONS: Final[Mapping[str, str]] = {
    "own": "a person, or another program than this one, has to move the record",
    "pipeline": "the record has to be in the pipeline of the rule, or the rule has to name this one (`pipeline`); a made-up record"
    " without a line `pipeline:` is taken to be in that of the rule",
    "enters": "the record has to enter a stage of the rule (a preview takes it there by --stage), or the rule has to name this"
    " stage (`pipeline`, `enters`)",
    "how": "the record has to come the way that `how` asks for; or leave `how` out of the rule",
    "only_source": "it has to be changed by one of those in `only_source`; or add this one to it",
    "not_source": "somebody has to bring it there who is not in `not_source`; or leave those who did out of `not_source`",
    "from": "the record has to come from a stage that `from` names; or leave `from` out of the rule",
    "stopped": "take `stop: true` from the rule above, or move this rule above it",
    "still_there": "the record has to enter the stage again, and stay there until the call is placed",
    "record": "the record has to be there, and readable with the connection's access token",
    "unread": "give the record with --record FILE, or connect the account, to see whether there would be a call",
}
"""By the key of a step that speaks against the call."""

POLICIES: Final[Mapping[str, str]] = {
    "opted_out": "nothing, while that is this person's wish; `stagecall optouts remove` takes it from the list",
    "do_not_call": "the CRM's own mark has to go, if this person does want to be called",
    "emergency_number": "another number: emergency numbers are never called",
    "short_number": "another number; or allow `short` in `policy.number_types`",
    "number_type_not_allowed": "another number; or allow its type in `policy.number_types`",
    "country_not_allowed": "a number of an allowed country; or allow this one, in `policy.countries` or the connection's `countries`",
    "called_before": "nothing: `once_per` says that this is called once only",
    "cool_down": "the record has to enter the stage {next_at} or later; or make `policy.cool_down` shorter",
    "zone_unknown": "the person's time zone in the CRM; or a zone as `policy.window.otherwise`",
    "window_never_opens": "hours that are open in all of these zones, in `policy.window`",
    "paused": "`stagecall resume`; the call is judged again then",
    "expired": "the record has to enter the stage again; or make `policy.expires` longer",
    "dry_run": "take `dry_run: true` from the rule's policy",
    "rule_hourly_cap": "nothing: it goes when there is room, {next_at}",
    "rule_daily_cap": "nothing: it goes when there is room, {next_at}",
    "connection_hourly_cap": "nothing: it goes when there is room, {next_at}",
    "connection_daily_cap": "nothing: it goes when there is room, {next_at}",
}
"""By the word of a policy's verdict."""

WINDOW: Final[Mapping[str, str]] = {
    "hold": "nothing: it is called when the window opens, {next_at}",
    "skip": "the record has to enter the stage within the window, next {next_at}; or write `outside: hold`",
}
"""For `outside_window`, by the verdict's answer."""

REASONS: Final[Mapping[str, str]] = {
    "rule_gone": "the rules that this ran under have to be readable; move the record into the stage again",
    "rule_not_in_force": "a rule of that name in a rule file again; by what that says then, the call is judged at once",
    "crm_unavailable": "nothing: the CRM is asked again, {due_at}",
    "unknown_agent": "an agent of that name; or another name as `agent` in the rule",
    "not_a_phone_number": "a number in the form +12025550100; then move the record into the stage again",
    "outside_agent_window": "nothing: it is tried again when the agent's own calling window opens, {due_at}",
    "refused": "what the call API says it refuses; then move the record into the stage again",
    "key_refused": "a key that the call API takes, as `calls.api_key` in stagecall.yaml; it is tried again {due_at}",
    "no_trigger": "the call API's address, as `calls.api_url` in stagecall.yaml; it is tried again {due_at}",
    "rate_limited": "nothing: it is tried again, {due_at}",
    "call_api_unavailable": "nothing: it is tried again, {due_at}",
    "lease_over": "nothing: it waits for its next turn",
    "number_changed": "nothing: the new number is called when its turn comes",
    "not_placed": "nothing: it was certainly not placed, and is tried again",
    "worker_stopped": "nothing: the call API is asked whether the call was placed",
    "no_answer": "nothing: the call API is asked whether the call was placed",
    "in_doubt": "a person's word: `stagecall settle DISPATCH --called` or `--not-called`",
}
"""By the word of a dispatch's state, where it is no condition and no policy that decides."""

_DECISIVE: Final[Mapping[str, frozenset[str]]] = {
    "waiting": frozenset({"hold"}),
    "skipped": frozenset({"skip", "dry_run"}),
}
"""Which answers of policies put a dispatch into a state; where one skips, those that hold do not matter."""


def needed(shown: Mapping[str, Any]) -> list[str]:
    """Return what would have to be different for this dispatch (as listing.shown gives it) to become a call.

    Nothing where the call is due, under way or over.
    """
    if shown["state"] in ("sending", "placed", "ended") or shown["why"] == "due":
        return []
    looks = shown["explanation"]
    why, state = shown["why"], shown["state"]
    found = [*_of_steps(looks[-1]["steps"] if looks else ())]
    if not found and why in REASONS:
        found = [REASONS[why].format(due_at=moment(datetime.fromisoformat(shown["due_at"])))]
    elif not found and state in _DECISIVE:
        found = [*_of_verdicts(shown["verdicts"], _DECISIVE[state])]
    return list(dict.fromkeys(found))


def _of_steps(steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    numbers = [each for each in steps if each["part"] == Part.PHONE_NUMBER]
    for each in steps:
        if each.get("holds", True) or each["part"] == Part.PHONE_NUMBER:
            continue
        if each["key"] == "if":
            clause = each["sentence"].split(": false")[0]
            found = each.get("found")
            yield f"`{clause}` has to be true{f'; now {told(found)}' if found else ''}"
        elif each["key"] == "agent":
            yield "`agent` has to give a name; a filter such as `| default('Lead Qualifier')` fills it where it is empty"
        else:
            yield CONDITIONS[each["key"]]
    if numbers and not any(each.get("holds", True) for each in numbers):
        read = sorted({name for each in numbers for name in each.get("found", ())})
        where = listed(read) or "the record"
        read_by = listed(
            sorted({name for each in steps if each["key"] == "region" for name in each.get("found", ())})
        )
        country = "; or `region` under `call`, the country of numbers without a country code: two letters, such as DE, or the field that has them"
        country = (
            f"; or the two letters of the country in {read_by}, which `region` reads" if read_by else country
        )
        raw = any(each.get("found") and any(each["found"].values()) for each in numbers)
        yield f"a phone number that can be dialled, in {where}; or another field in `phone_number`{country if raw else ''}"


def _of_verdicts(verdicts: Sequence[Mapping[str, Any]], decisive: frozenset[str]) -> Iterator[str]:
    for each in verdicts:
        if each["answer"] not in decisive:
            continue
        outside = each["word"] == "outside_window"
        sentence = WINDOW[each["answer"]] if outside else POLICIES[each["word"]]
        next_at = each["next_at"]
        yield sentence.format(next_at=moment(datetime.fromisoformat(next_at)) if next_at else "later")
