"""How long a window is closed at a stretch, against a scan of every minute of two weeks."""

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.policy.hours import Range
from connector.policy.week import longest_closed

WEEK = 7 * 1440
ranges = st.builds(
    Range,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.integers(0, 95).map(lambda quarter: quarter * 15),
    st.integers(0, 96).map(lambda quarter: quarter * 15),
)


def scanned(given: list[Range]) -> int:
    """Minutes of the longest closed stretch; the week is a circle, gone round twice."""
    opened = [False] * WEEK
    for each in given:
        for day in each.weekdays:
            begins = (day - 1) * 1440 + each.start
            length = (each.end - each.start) % 1440 or 1440
            for minute in range(begins, begins + length):
                opened[minute % WEEK] = True
    run = longest = 0
    for is_open in opened * 2:
        run = 0 if is_open else run + 1
        longest = max(longest, run)
    return longest


@settings(max_examples=300, deadline=None)
@given(st.lists(ranges, min_size=1, max_size=4))
def test_the_longest_closed_stretch_is_what_a_scan_finds(given: list[Range]) -> None:
    length, _, _ = longest_closed(given)
    assert length.total_seconds() == 60 * scanned(given)
