"""Every policy with its own word and sentence; and what all of them together make of a call."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.policy.durations import parse_duration, spelled
from connector.policy.facts import DAY, HOUR, Cap, Facts, OptOut, Pause
from connector.policy.judging import judge
from connector.policy.kinds import CALLED, NumberType
from connector.policy.sentences import describe_window, moment
from connector.policy.terms import USUAL_WINDOW, OncePer, Outside, Terms
from connector.policy.verdicts import HELD_WORDS, Answer, Verdict
from connector.policy.windows import Window, check_countries, parse_hours

ADA = "+12025550123"
KATHERINE = "+12085550123"  # Idaho: two zones
LONDON = "+442079460958"
OFFICE = Window(parse_hours({"mon-fri": ["09:00-12:00", "13:00-18:00"]}))
TERMS = Terms(window=OFFICE)


def at(text: str) -> datetime:
    """A moment of November 2026 in UTC: `Mon 23 14:30`."""
    return datetime.strptime(f"2026-11 {text}", "%Y-%m %a %d %H:%M").replace(tzinfo=UTC)


NOON = at("Mon 23 16:00")  # 11:00 in Washington


def facts(**more: Any) -> Facts:
    moment = more.get("at", NOON)
    given = {"at": moment, "phone_number": ADA, "entered_at": moment - HOUR, "countries": frozenset({"US"})}
    return Facts(**{**given, **more})


def of(policy: str, terms: Terms, known: Facts) -> Verdict:
    (found,) = (each for each in judge(terms, known).verdicts if each.policy == policy)
    return found


def test_all_policies_are_returned_also_where_they_allow() -> None:
    found = judge(replace(TERMS, cool_down=DAY), facts(caps=[Cap("rule_hourly_cap", "the rule", 1, HOUR)]))
    assert found.answer is Answer.ALLOW
    assert [each.policy for each in found.verdicts] == [
        "opt_outs",
        "do_not_call",
        "number_types",
        "countries",
        "once_per",
        "cool_down",
        "window",
        "pauses",
        "caps",
        "expires",
    ]
    assert {each.word for each in found.verdicts} == {"allowed"}
    assert all(each.next_at == NOON for each in found.verdicts)
    assert found.lines[6] == (
        "window: allow: it is Mon 11:00 in America/New_York (by the number), inside mon-fri 09:00-12:00, 13:00-18:00"
    )


@pytest.mark.parametrize(
    ("number", "word", "part"),
    [
        (
            "+18095550100",
            "country_not_allowed",
            "is in DO (Dominican Republic), and the connection calls US only",
        ),
        (LONDON, "country_not_allowed", "is in GB"),
        ("+19005550100", "number_type_not_allowed", "is of the type premium"),
        ("+18005550199", "number_type_not_allowed", "toll_free"),
        ("+15551234567", "number_type_not_allowed", "is of no known range"),
        ("+881612345678", "number_type_not_allowed", "satellite"),
        ("+1911", "emergency_number", "emergency number"),
        ("+1411", "short_number", "short number"),
    ],
)
def test_numbers_that_are_not_called(number: str, word: str, part: str) -> None:
    found = judge(TERMS, facts(phone_number=number))
    assert (found.answer, found.decisive.word) == (Answer.SKIP, word)
    assert part in found.decisive.sentence
    assert found.decisive.next_at is None


def test_a_rule_may_name_its_own_countries_and_types() -> None:
    free = Terms(window=None)
    both = replace(free, countries=frozenset({"US", "GB"}))
    assert judge(both, facts(phone_number=LONDON)).answer is Answer.ALLOW
    assert judge(replace(free, countries=frozenset({"GB"})), facts()).decisive.word == "country_not_allowed"
    tolls = replace(free, number_types=CALLED | {NumberType.TOLL_FREE})
    assert judge(tolls, facts(phone_number="+18005550199")).answer is Answer.ALLOW
    mobiles = replace(free, number_types=frozenset({NumberType.MOBILE}), countries=frozenset({"GB"}))
    assert judge(mobiles, facts(phone_number=LONDON)).decisive.word == "number_type_not_allowed"


def test_an_opt_out_is_never_called() -> None:
    wish = OptOut(ADA, at("Mon 02 09:00"), "said so in call c1")
    found = judge(TERMS, facts(opt_outs=[wish]))
    assert (found.answer, found.decisive.word) == (Answer.SKIP, "opted_out")
    assert found.decisive.sentence == f"{ADA} has opted out of calls since 2026-11-02 (said so in call c1)"


def test_the_crms_flag_is_kept_to() -> None:
    found = judge(TERMS, facts(do_not_call="contact.do_not_call is true"))
    assert (found.decisive.word, found.decisive.sentence) == ("do_not_call", "contact.do_not_call is true")


def test_outside_the_window_it_is_held_until_it_opens() -> None:
    found = judge(TERMS, facts(at=at("Mon 23 23:30")))
    assert (found.answer, found.decisive.word) == (Answer.HOLD, "outside_window")
    assert found.until == at("Tue 24 14:00")
    assert found.decisive.sentence == (
        "it is Mon 18:30 in America/New_York (by the number), outside mon-fri 09:00-12:00, 13:00-18:00;"
        " open again Tue 2026-11-24 09:00 America/New_York"
    )
    assert judge(TERMS, facts(at=at("Mon 23 17:30"))).until == at("Mon 23 18:00")


def test_outside_the_window_it_is_skipped_where_the_rule_says_so() -> None:
    found = judge(replace(TERMS, outside=Outside.SKIP), facts(at=at("Mon 23 23:30")))
    assert (found.answer, found.decisive.word) == (Answer.SKIP, "outside_window")
    assert found.decisive.next_at == at("Tue 24 14:00")


def test_the_crm_knows_better_than_the_number_where_a_lead_is() -> None:
    early = facts(at=at("Mon 23 14:30"))  # 09:30 in New York, 06:30 in Los Angeles
    assert judge(TERMS, early).answer is Answer.ALLOW
    moved = judge(TERMS, replace(early, zone="America/Los_Angeles"))
    assert moved.until == at("Mon 23 17:00")
    assert "06:30 in America/Los_Angeles (by the CRM)" in moved.decisive.sentence
    assert judge(TERMS, replace(early, zone="america/los angeles")).answer is Answer.HOLD
    for unclear in ("EST", "Pacific", "GMT+25", "  "):
        assert judge(TERMS, replace(early, zone=unclear)).answer is Answer.ALLOW, "the number tells"


def test_every_zone_of_an_ambiguous_number_must_be_open() -> None:
    found = judge(TERMS, facts(phone_number=KATHERINE, at=at("Mon 23 16:30")))  # 09:30 Boise, 08:30 Pacific
    assert found.until == at("Mon 23 17:00")
    assert "1 more time zone" in found.decisive.sentence


def test_a_fixed_zone_of_the_rule_goes_first() -> None:
    fixed = replace(TERMS, zone="Europe/London")
    assert judge(fixed, facts(at=at("Mon 23 10:00"), zone="America/New_York")).answer is Answer.ALLOW


def test_where_nobody_knows_the_zone_there_is_no_call() -> None:
    nowhere = facts(phone_number="+15551234567")
    terms = replace(TERMS, number_types=CALLED | {NumberType.UNKNOWN})
    found = judge(terms, nowhere)
    assert (found.answer, found.decisive.word) == (Answer.SKIP, "zone_unknown")
    assert "window.otherwise" in found.decisive.sentence
    with_otherwise = replace(terms, otherwise="America/New_York")
    assert judge(with_otherwise, nowhere).answer is Answer.ALLOW
    assert "by the rule's otherwise" in of("window", with_otherwise, nowhere).sentence


def test_a_window_that_never_opens_is_a_skip() -> None:
    never = Window(OFFICE.ranges, closed_dates=frozenset(NOON.date() + timedelta(days=n) for n in range(500)))
    assert judge(Terms(window=never), facts()).decisive.word == "window_never_opens"


def test_a_rule_that_says_nothing_has_the_usual_window() -> None:
    assert Terms().window == USUAL_WINDOW
    assert describe_window(USUAL_WINDOW) == "mon-sat 09:00-20:00"
    assert judge(Terms(), facts(at=at("Sun 29 16:00"))).until == at("Mon 30 14:00")
    assert judge(Terms(window=None), facts(at=at("Sun 29 04:00"))).answer is Answer.ALLOW


def test_once_per_record_or_number_is_once() -> None:
    known = facts(rule_called_record_at=at("Sun 01 15:00"))
    assert judge(TERMS, known).answer is Answer.ALLOW
    found = judge(replace(TERMS, once_per=OncePer.RECORD), known)
    assert (found.answer, found.decisive.word) == (Answer.SKIP, "called_before")
    assert "calls a record once, and did so on Sun 2026-11-01 15:00 UTC" in found.decisive.sentence
    number = replace(TERMS, once_per=OncePer.NUMBER)
    assert judge(number, known).answer is Answer.ALLOW
    assert judge(number, facts(rule_called_number_at=NOON - DAY)).decisive.word == "called_before"


@pytest.mark.parametrize("who", ["record_called_at", "number_called_at"])
def test_a_cool_down_leaves_a_record_and_a_number_alone(who: str) -> None:
    terms = replace(TERMS, cool_down=DAY)
    found = judge(terms, facts(**{who: NOON - 2 * HOUR}))
    assert (found.answer, found.decisive.word) == (Answer.SKIP, "cool_down")
    assert found.decisive.next_at == NOON + 22 * HOUR
    assert judge(terms, facts(**{who: NOON - DAY})).answer is Answer.ALLOW
    assert judge(TERMS, facts(**{who: NOON - HOUR})).answer is Answer.ALLOW


def test_a_paused_call_waits_and_goes_when_it_expires() -> None:
    found = judge(TERMS, facts(pauses=[Pause('the rule "Call"', NOON - HOUR, "wrong script")]))
    assert (found.answer, found.decisive.word) == (Answer.HOLD, "paused")
    assert found.until == NOON - HOUR + 3 * DAY
    assert found.decisive.next_at is None
    assert 'the rule "Call" is paused since Mon 2026-11-23 15:00 UTC: wrong script' in found.decisive.sentence


def _cap(most: int, *ago: int, in_line: int = 0, span: timedelta = HOUR) -> Cap:
    """A cap and how many minutes ago calls were let go, the oldest first."""
    let_go = [NOON - timedelta(minutes=minutes) for minutes in ago]
    return Cap("rule_hourly_cap", 'the rule "Call"', most, span, let_go, in_line)


def test_a_full_cap_holds_until_there_is_room() -> None:
    assert judge(TERMS, facts(caps=[_cap(3, 90, 40, 10)])).answer is Answer.ALLOW
    found = judge(TERMS, facts(caps=[_cap(3, 50, 40, 10)]))
    assert (found.answer, found.decisive.word) == (Answer.HOLD, "rule_hourly_cap")
    assert found.until == NOON + timedelta(minutes=10)
    assert "makes 3 calls an hour at most" in found.decisive.sentence


@pytest.mark.parametrize(
    ("in_line", "minutes"),
    [(0, 10), (1, 20), (2, 50), (3, 70), (4, 80), (7, 140)],
)
def test_calls_in_line_for_a_cap_each_have_their_own_turn(in_line: int, minutes: int) -> None:
    caps = [_cap(3, 59, 50, 40, 10, in_line=in_line)]
    found = judge(replace(TERMS, window=None), facts(caps=caps))
    assert found.until == NOON + timedelta(minutes=minutes)


def test_a_call_expires() -> None:
    late = facts(entered_at=NOON - 4 * DAY)
    found = judge(TERMS, late)
    assert (found.answer, found.decisive.word) == (Answer.SKIP, "expired")
    assert "3 days after the stage was entered, and that was over on" in found.decisive.sentence
    assert judge(replace(TERMS, expires=7 * DAY), late).answer is Answer.ALLOW


def test_what_would_be_held_past_its_expiry_is_skipped_at_once() -> None:
    friday = facts(at=at("Fri 27 23:30"))
    found = judge(replace(TERMS, expires=DAY), friday)
    assert (found.answer, found.decisive.word) == (Answer.SKIP, "expired")
    assert "Mon 2026-11-30 14:00 UTC at the earliest" in found.decisive.sentence


def test_a_call_that_several_policies_hold_waits_for_the_last() -> None:
    night = at("Mon 23 23:30")
    cap = Cap("connection_daily_cap", "the connection sales", 1, DAY, [night - HOUR])
    found = judge(TERMS, facts(at=night, caps=[cap]))
    assert (found.until, found.decisive.word) == (at("Tue 24 22:30"), "connection_daily_cap")
    assert {each.word for each in found.verdicts if each.answer is Answer.HOLD} <= HELD_WORDS


def test_a_dry_run_calls_nobody_and_says_what_would_happen() -> None:
    dry = replace(TERMS, dry_run=True)
    found = judge(dry, facts())
    assert (found.answer, found.decisive.word) == (Answer.DRY_RUN, "dry_run")
    assert found.decisive.sentence == f"dry run: {ADA} would be called now"
    assert "would be held: it is Mon 18:30" in judge(dry, facts(at=at("Mon 23 23:30"))).decisive.sentence
    refused = judge(dry, facts(do_not_call="no"))
    assert refused.answer is Answer.SKIP
    assert refused.decisive.word == "do_not_call"


def test_a_verdict_is_kept_as_json() -> None:
    found = of("window", TERMS, facts(at=at("Mon 23 23:30"))).as_json()
    assert (found["answer"], found["word"], found["next_at"]) == (
        "hold",
        "outside_window",
        "2026-11-24T14:00:00+00:00",
    )


@pytest.mark.parametrize(
    ("text", "length", "words"),
    [
        ("90m", timedelta(minutes=90), "1 hour 30 minutes"),
        ("24h", DAY, "1 day"),
        ("3d", 3 * DAY, "3 days"),
        ("2w", 14 * DAY, "14 days"),
        (" 1 h ", HOUR, "1 hour"),
    ],
)
def test_a_duration_is_a_number_and_a_letter(text: str, length: timedelta, words: str) -> None:
    assert parse_duration(text) == length
    assert spelled(length) == words


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("3 days", "write 3d"),
        ("24 hours", "write 24h"),
        ("90 minutes", "write 90m"),
        ("tomorrow", "write 90m, 24h or 3d"),
        ("0h", "is no time at all"),
        ("-3d", "is not a length of time"),
        ("99999w", "longer than ten years"),
        (24, "is not a length of time"),
        ("٣d", "is not a length of time"),
    ],
)
def test_what_is_no_duration_says_what_to_write(text: Any, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        parse_duration(text)


def test_moments_and_windows_are_spelled_for_people() -> None:
    assert moment(at("Tue 24 14:00"), "America/New_York") == "Tue 2026-11-24 09:00 America/New_York"
    assert moment(at("Tue 24 14:00") + timedelta(seconds=1)) == "Tue 2026-11-24 14:01 UTC", "never too early"
    hours = parse_hours({"mon-wed,fri": ["09:00-12:00"], "sat": ["22:00-02:00"]})
    whole = Window(hours, check_countries(["US"]), frozenset({NOON.date()}))
    assert describe_window(whole) == (
        "mon-wed,fri 09:00-12:00; sat 22:00-02:00 without public holidays in US without 1 closed date"
    )


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        ("Thu 26", "it is Thu 11:00 in America/New_York (by the number), a public holiday in US, outside mon-fri"),
        ("Fri 27", "it is Fri 11:00 in America/New_York (by the number), one of the closed dates, outside mon-fri"),
        ("Sat 28", "it is Sat 11:00 in America/New_York (by the number), outside mon-fri"),
    ],
)  # fmt: skip
def test_a_day_that_is_closed_whatever_the_hours_is_named(day: str, wanted: str) -> None:
    closed = Window(OFFICE.ranges, check_countries(["US"]), frozenset({at("Fri 27 00:00").date()}))
    assert of("window", Terms(window=closed), facts(at=at(f"{day} 16:00"))).sentence.startswith(wanted)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=300, deadline=None)
@given(
    moment=moments,
    zone=st.sampled_from(["", "America/New_York", "Asia/Kolkata", "nonsense"]),
    number=st.sampled_from([ADA, KATHERINE, LONDON, "+919876543210"]),
    ago=st.lists(st.integers(0, 100), max_size=6),
    most=st.integers(1, 4),
    in_line=st.integers(0, 9),
)
def test_a_held_call_is_allowed_at_the_moment_that_was_promised(
    moment: datetime, zone: str, number: str, ago: list[int], most: int, in_line: int
) -> None:
    """What holds a call holds it no longer than it says, and nothing of what was said was too early."""
    let_go = [moment - timedelta(minutes=minutes) for minutes in sorted(ago, reverse=True)]
    cap = Cap("rule_hourly_cap", "the rule", most, HOUR, let_go, in_line)
    terms = Terms(expires=400 * DAY, countries=frozenset({"US", "GB", "IN"}))
    known = facts(at=moment, entered_at=moment, phone_number=number, zone=zone, caps=[cap])
    found = judge(terms, known)
    if found.answer is Answer.HOLD:
        assert found.until is not None
        assert found.until > moment
        window = of("window", terms, known)
        if window.next_at is not None:
            then = of("window", terms, replace(known, at=window.next_at))
            assert then.answer is Answer.ALLOW
