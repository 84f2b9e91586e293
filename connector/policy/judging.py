"""The judge: may this call be placed at this moment? Every policy answers, and all answers are returned.

Read `judge` first. Each policy below is one function from the rule's terms and the facts to its verdict.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from connector.policy.durations import spelled
from connector.policy.facts import HOUR, Cap, Facts
from connector.policy.kinds import NumberType, country_of, types_of
from connector.policy.numbers import region_name
from connector.policy.sentences import describe_window, moment, past
from connector.policy.terms import OncePer, Outside, Terms
from connector.policy.verdicts import Answer, Judgement, Verdict
from connector.policy.whereabouts import Whereabouts, whereabouts
from connector.policy.windows import closed_as, is_open, next_open
from connector.policy.zones import zone_of

ALLOWED: Final = "allowed"


def judge(terms: Terms, facts: Facts) -> Judgement:
    """Ask every policy, and say what follows: skip before dry run before hold before allow.

    A held call waits for the last of the policies that hold it; one that would be held past its expiry is skipped.
    """
    verdicts = [verdict for policy in _POLICIES for verdict in policy(terms, facts)]
    held = [each for each in verdicts if each.answer is Answer.HOLD]
    verdicts.append(_expiry(terms, facts, held))
    skipped = next((each for each in verdicts if each.answer is Answer.SKIP), None)
    if terms.dry_run:
        verdicts.append(_dry_run(facts, skipped, held))
    if skipped is not None:
        return Judgement(tuple(verdicts), skipped)
    if terms.dry_run:
        return Judgement(tuple(verdicts), verdicts[-1])
    if held:
        until, decisive = _last(held, facts.entered_at + terms.expires)
        return Judgement(tuple(verdicts), decisive, until)
    return Judgement(tuple(verdicts), _allow("all", facts, "nothing speaks against the call"))


def _allow(policy: str, facts: Facts, sentence: str) -> Verdict:
    return Verdict(policy, Answer.ALLOW, ALLOWED, sentence, facts.at)


def _skip(policy: str, word: str, sentence: str, next_at: datetime | None = None) -> Verdict:
    return Verdict(policy, Answer.SKIP, word, sentence, next_at)


def _last(held: Sequence[Verdict], expires_at: datetime) -> tuple[datetime, Verdict]:
    """Until when a call is held, and by which policy; what has no end of its own ends with the expiry."""
    endless = next((each for each in held if each.next_at is None), None)
    if endless is not None:
        return expires_at, endless
    ends = [(each.next_at, each) for each in held if each.next_at is not None]
    return max(ends, key=lambda each: each[0])


def _opt_outs(_: Terms, facts: Facts) -> Iterator[Verdict]:
    if not facts.opt_outs:
        yield _allow("opt_outs", facts, "neither the number nor the record is on the opt-out list")
    for each in facts.opt_outs[:1]:
        sentence = f"{each.by} has opted out of calls since {each.since:%Y-%m-%d} ({each.why})"
        yield _skip("opt_outs", "opted_out", sentence)


def _do_not_call(_: Terms, facts: Facts) -> Iterator[Verdict]:
    if facts.do_not_call is None:
        yield _allow("do_not_call", facts, "the CRM does not forbid to call this person")
    else:
        yield _skip("do_not_call", "do_not_call", facts.do_not_call)


def _number_types(terms: Terms, facts: Facts) -> Iterator[Verdict]:
    found = types_of(facts.phone_number)
    words = " or ".join(sorted(each.value for each in found))
    if found & terms.number_types:
        yield _allow("number_types", facts, f"{facts.phone_number} is a number of the type {words}")
    elif NumberType.EMERGENCY in found:
        sentence = f"{facts.phone_number} is an emergency number behind a country code"
        yield _skip("number_types", "emergency_number", sentence)
    elif NumberType.SHORT in found:
        yield _skip("number_types", "short_number", f"{facts.phone_number} is a short number, not a person's")
    else:
        possible = ", ".join(sorted(each.value for each in terms.number_types))
        why = "is of no known range" if NumberType.UNKNOWN in found else f"is of the type {words}"
        sentence = f"{facts.phone_number} {why}, and the rule calls {possible} only (number_types)"
        yield _skip("number_types", "number_type_not_allowed", sentence)


def _countries(terms: Terms, facts: Facts) -> Iterator[Verdict]:
    allowed = terms.countries if terms.countries is not None else facts.countries
    whose = "the rule" if terms.countries is not None else "the connection"
    country = country_of(facts.phone_number)
    listed = ", ".join(sorted(allowed))
    if country in allowed:
        yield _allow("countries", facts, f"{facts.phone_number} is in {country}; {whose} calls {listed}")
    else:
        where = f"is in {region_name(country)}" if country else "is in no country"
        sentence = f"{facts.phone_number} {where}, and {whose} calls {listed} only (countries)"
        yield _skip("countries", "country_not_allowed", sentence)


def _once_per(terms: Terms, facts: Facts) -> Iterator[Verdict]:
    called = {
        OncePer.STAGE_ENTRY: None,  # one dispatch for each entry: its unique key sees to that
        OncePer.RECORD: facts.rule_called_record_at,
        OncePer.NUMBER: facts.rule_called_number_at,
    }[terms.once_per]
    what = terms.once_per.value.replace("_", " ")
    if called is None:
        yield _allow("once_per", facts, f"this rule has made no call for this {what} yet")
    else:
        sentence = f"this rule calls a {what} once, and did so on {past(called)} (once_per)"
        yield _skip("once_per", "called_before", sentence)


def _cool_down(terms: Terms, facts: Facts) -> Iterator[Verdict]:
    if terms.cool_down is None:
        return
    calls = [each for each in (facts.record_called_at, facts.number_called_at) if each is not None]
    over_at = max(calls) + terms.cool_down if calls else facts.at
    if over_at <= facts.at:
        sentence = f"the last {spelled(terms.cool_down)} saw no call to this record or number"
        yield _allow("cool_down", facts, sentence)
    else:
        sentence = (
            f"this record or number was called on {past(max(calls))}, and is left alone for"
            f" {spelled(terms.cool_down)} after a call, until {moment(over_at)} (cool_down)"
        )
        yield _skip("cool_down", "cool_down", sentence, over_at)


def _window(terms: Terms, facts: Facts) -> Iterator[Verdict]:
    if terms.window is None:
        yield _allow("window", facts, "the rule calls at any time (window: always)")
        return
    place = whereabouts(terms, facts)
    if not place.zones:
        sentence = (
            f"nobody knows what time it is where {facts.phone_number} is: the CRM has no time zone for this"
            " person and the number tells none; name one as window.otherwise"
        )
        yield _skip("window", "zone_unknown", sentence)
        return
    hours = describe_window(terms.window)
    if is_open(terms.window, facts.at, place.zones):
        yield _allow("window", facts, f"it is {place.clock(facts.at)}, inside {hours}")
        return
    yield _closed(terms, facts, place, hours, next_open(terms.window, facts.at, place.zones))


def _closed(terms: Terms, facts: Facts, place: Whereabouts, hours: str, opens: datetime | None) -> Verdict:
    closed = f"it is {place.clock(facts.at)}, {_day_off(terms, facts, place)}outside {hours}"
    if opens is None:
        sentence = f"{closed}, and that is never open in all of {place.words()}"
        return _skip("window", "window_never_opens", sentence)
    sentence = f"{closed}; open again {moment(opens, place.zones[0])}"
    answer = Answer.HOLD if terms.outside is Outside.HOLD else Answer.SKIP
    return Verdict("window", answer, "outside_window", sentence, opens)


def _day_off(terms: Terms, facts: Facts, place: Whereabouts) -> str:
    """Why the day itself is closed where the lead is, if it is."""
    day = facts.at.astimezone(zone_of(place.zones[0])).date()
    said = closed_as(terms.window, day) if terms.window is not None else None
    return f"{said}, " if said else ""


def _pauses(_: Terms, facts: Facts) -> Iterator[Verdict]:
    if not facts.pauses:
        yield _allow("pauses", facts, "nothing is paused")
    for each in facts.pauses[:1]:
        why = f": {each.why}" if each.why else ""
        sentence = f"{each.what} is paused since {past(each.since)}{why}; `stagecall resume` ends it"
        yield Verdict("pauses", Answer.HOLD, "paused", sentence)


def _caps(_: Terms, facts: Facts) -> Iterator[Verdict]:
    for cap in facts.caps:
        span = "an hour" if cap.span == HOUR else "a day"
        recent = [each for each in cap.let_go if each > facts.at - cap.span]
        if len(recent) < cap.most:
            sentence = f"{cap.of} has made {len(recent)} of its {cap.most} calls {span}"
            yield _allow("caps", facts, sentence)
        else:
            free_at = next_free(cap, recent)
            line = f", after {cap.in_line} other calls in line" if cap.in_line else ""
            sentence = f"{cap.of} makes {cap.most} calls {span} at most; room again {moment(free_at)}{line}"
            yield Verdict("caps", Answer.HOLD, cap.word, sentence, free_at)


def next_free(cap: Cap, recent: Sequence[datetime]) -> datetime:
    """Return when a full cap has room for one more call, behind those that are in line already.

    `recent` are the calls within the cap's span, oldest first, at least as many as it allows. The first in line goes
    when the oldest of the last `most` calls is a span old, and so on; every `most` later, one span later.
    """
    rounds, place = divmod(cap.in_line, cap.most)
    return recent[len(recent) - cap.most + place] + cap.span * (1 + rounds)


def _expiry(terms: Terms, facts: Facts, held: Sequence[Verdict]) -> Verdict:
    expires_at = facts.entered_at + terms.expires
    wanted = f"the call is wanted for {spelled(terms.expires)} after the stage was entered"
    if facts.at >= expires_at:
        return _skip("expires", "expired", f"{wanted}, and that was over on {moment(expires_at)} (expires)")
    later = [(each.next_at, each.sentence) for each in held if each.next_at and each.next_at >= expires_at]
    if later:
        earliest, why = max(later)
        sentence = (
            f"{wanted}, until {moment(expires_at)}, and may be placed on {moment(earliest)} at the earliest"
            f" (expires): {why}"
        )
        return _skip("expires", "expired", sentence)
    return _allow("expires", facts, f"{wanted}, until {moment(expires_at)}")


def _dry_run(facts: Facts, skipped: Verdict | None, held: Sequence[Verdict]) -> Verdict:
    if skipped is not None:
        would = f"there would be no call: {skipped.sentence}"
    elif held:
        would = f"{facts.phone_number} would be held: {held[-1].sentence}"
    else:
        would = f"{facts.phone_number} would be called now"
    return Verdict("dry_run", Answer.DRY_RUN, "dry_run", f"dry run: {would}")


_POLICIES: Final[tuple[Callable[[Terms, Facts], Iterator[Verdict]], ...]] = (
    _opt_outs,
    _do_not_call,
    _number_types,
    _countries,
    _once_per,
    _cool_down,
    _window,
    _pauses,
    _caps,
)
