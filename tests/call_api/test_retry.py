"""What follows from a try: pure, so a line of input and a line of output each."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.call_api.retry import MAX_TRIES, WAITS, Again, Answer, Dead, Sent, decide, parse_retry_after

NOW = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)


def after(answer: Answer, tries: int = 1) -> Sent | Again | Dead:
    return decide(answer, tries=tries, event_id="evt_1", now=NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert after(Answer(status)) == Sent()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599, None])
def test_what_may_pass_is_tried_again(status: int | None) -> None:
    assert isinstance(after(Answer(status)), Again)


@pytest.mark.parametrize("status", [301, 302, 304, 307, 400, 401, 403, 404, 409, 422])
def test_what_will_not_pass_is_dead_at_once(status: int) -> None:
    assert after(Answer(status)) == Dead()


def test_gone_is_dead_and_more() -> None:
    assert after(Answer(410)) == Dead(gone=True)


def test_ten_tries_over_three_days_each_within_a_tenth_of_its_time() -> None:
    assert MAX_TRIES == 10
    for tries, wait in enumerate(WAITS, start=1):
        decision = after(Answer(500), tries)
        assert isinstance(decision, Again)
        assert 0.9 * wait <= decision.at - NOW <= 1.1 * wait
    assert after(Answer(500), 10) == Dead()
    assert timedelta(days=2.5) < sum(WAITS, timedelta()) <= timedelta(days=3)


def test_different_events_are_spread_out() -> None:
    times = {decide(Answer(500), tries=1, event_id=f"evt_{n}", now=NOW) for n in range(20)}
    assert len(times) == 20


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *((None, 0), ("", 0), ("120", 120), (" 7 ", 7), ("-5", 0), ("soon", 0), ("1.5", 0), ("9" * 30, 0)),
        *(("Mon, 02 Nov 2026 15:01:00 GMT", 60), ("Mon, 02 Nov 2026 14:00:00 GMT", 0), ("\u0663", 0)),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(header: str | None, seconds: int) -> None:
    assert parse_retry_after(header, NOW) == timedelta(seconds=seconds)


def test_retry_after_is_obeyed_where_it_is_later_but_not_for_weeks() -> None:
    assert after(Answer(503, retry_after="3600")) == Again(NOW + timedelta(hours=1))
    assert after(Answer(503, retry_after="999999999")) == Again(NOW + timedelta(hours=24))
    soon = after(Answer(503, retry_after="1"))
    assert isinstance(soon, Again)
    assert soon.at > NOW + timedelta(seconds=4)
