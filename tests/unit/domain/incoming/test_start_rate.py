"""The rate limit of starts: a minute that moves along, from two numbers a caller."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.incoming.start_rate import StartCount, one_more

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def starts(at: list[float], limit: int) -> list[float]:
    """Return the seconds at which a start was let in."""
    known: StartCount | None = None
    taken = []
    for second in at:
        counted = one_more(known, "ada", limit, NOON + timedelta(seconds=second))
        if isinstance(counted, StartCount):
            known = counted
            taken.append(second)
    return taken


@given(
    st.lists(st.integers(0, 300_000).map(lambda milliseconds: milliseconds / 1000), max_size=80).map(sorted),
    st.integers(1, 20),
)
def test_no_minute_of_the_clock_has_more_than_the_limit(at: list[float], limit: int) -> None:
    """And no 60 seconds have more than twice that, however the starts fall."""
    taken = starts(at, limit)
    for minute in range(6):
        assert sum(60 * minute <= second < 60 * (minute + 1) for second in taken) <= limit
    for first in taken:
        assert sum(first <= second < first + 60 for second in taken) < 2 * limit + 1


@given(
    st.lists(st.integers(0, 300_000).map(lambda milliseconds: milliseconds / 1000), min_size=1, max_size=60).map(
        sorted
    ),
    st.integers(1, 20),
)
def test_who_waits_as_told_is_let_in(at: list[float], limit: int) -> None:
    """The wait is long enough, and never longer than two minutes."""
    known: StartCount | None = None
    for second in at:
        now = NOON + timedelta(seconds=second)
        counted = one_more(known, "ada", limit, now)
        if isinstance(counted, timedelta):
            assert timedelta(seconds=1) <= counted <= timedelta(minutes=2)
            assert isinstance(one_more(known, "ada", limit, now + counted), StartCount)
        else:
            known = counted


def test_an_even_pace_at_the_limit_is_never_refused() -> None:
    """Who keeps to the limit must not be told that they do not."""
    even = [2.0 * number for number in range(150)]
    assert starts(even, 30) == even


def test_a_burst_over_the_turn_of_a_minute_is_seen() -> None:
    """Counting by minutes of the clock alone would let in twice the limit within two seconds."""
    assert len(starts([59.0] * 10 + [61.0] * 10, 10)) <= 11


@pytest.mark.parametrize("ahead", [timedelta(hours=25), timedelta(days=-3)])
def test_a_wrong_clock_of_one_instance_refuses_nobody(ahead: timedelta) -> None:
    """Its minute is far away from ours: it counts as none."""
    full = StartCount("ada", int((NOON + ahead).timestamp() // 60), 300)
    assert isinstance(one_more(full, "ada", 300, NOON), StartCount)


def test_a_clock_a_little_ahead_counts_in_the_same_minute() -> None:
    """Two instances a few seconds apart at the turn of a minute must not begin anew in turns."""
    known: StartCount | None = None
    for number in range(20):
        counted = one_more(known, "ada", 10, NOON + timedelta(seconds=59 + 2 * (number % 2)))
        known = counted if isinstance(counted, StartCount) else known
    assert known is not None
    assert known.count + known.before <= 11
