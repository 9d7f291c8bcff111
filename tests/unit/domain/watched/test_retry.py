"""How long a failed chunk waits."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from recording.domain.watched import retry
from recording.domain.watched.retry import LAST_TRY_MARGIN, LONGEST_RETRY_AFTER, retry_delay

# --- formats ---------------------------------------------------------------------------------------------------------

# --- retention -------------------------------------------------------------------------------------------------------

Attempts = st.integers(1, 10_000)
Left = st.timedeltas(min_value=timedelta(hours=-48), max_value=timedelta(hours=48))
Jitter = st.floats(0, 1, exclude_max=True)
RetryAfter = st.none() | st.timedeltas(min_value=timedelta(), max_value=timedelta(days=7))


@given(Attempts, Left, Jitter, RetryAfter)
def test_a_wait_is_never_negative_and_never_longer_than_an_hour(
    attempt: int, left: timedelta, jitter: float, retry_after: timedelta | None
) -> None:
    """A Retry-After of a week once parked a worker for a week."""
    delay = retry_delay(attempt, left, jitter, retry_after)
    assert timedelta() <= delay <= LONGEST_RETRY_AFTER


@given(Attempts, st.timedeltas(min_value=timedelta(seconds=13), max_value=timedelta(hours=48)), Jitter, RetryAfter)
def test_a_wait_ends_before_the_media_does(
    attempt: int, left: timedelta, jitter: float, retry_after: timedelta | None
) -> None:
    """A try after the expiry is wasted when one before it was possible (I9)."""
    delay = retry_delay(attempt, left, jitter, retry_after)
    assert delay < left
    if left > 2 * LAST_TRY_MARGIN:
        assert left - delay >= LAST_TRY_MARGIN


@given(Attempts, Jitter)
def test_waits_grow_with_the_tries(attempt: int, jitter: float) -> None:
    """Hammering a busy service makes it busier."""
    day = timedelta(hours=24)
    assert retry_delay(attempt + 1, day, jitter) >= retry_delay(attempt, day, jitter)


def test_the_last_minute_sees_a_handful_of_tries() -> None:
    """Halving what is left without a floor ended in a busy loop."""
    left, tries = timedelta(minutes=1), 0
    while left > timedelta():
        left -= retry_delay(50, left, 0.5)
        tries += 1
    assert tries <= 6


def test_the_first_wait_is_short_and_the_longest_is_half_an_hour_with_jitter() -> None:
    """An object announced before it is readable heals in seconds; a day has 48 half hours."""
    day = timedelta(hours=24)
    assert timedelta(seconds=7.5) <= retry_delay(1, day, 0.0) <= retry_delay(1, day, 0.999) <= timedelta(seconds=12.5)
    assert timedelta(minutes=22) < retry_delay(50, day, 0.0) < retry_delay(50, day, 0.999) < timedelta(minutes=38)


def test_a_short_retry_after_is_obeyed() -> None:
    """The service knows best, up to an hour."""
    asked = timedelta(minutes=50)
    assert retry_delay(1, timedelta(hours=24), 0.5, asked) == asked


def test_past_the_expiry_waits_go_on_growing() -> None:
    """Our own storage may fail past the deadline; a wait of nothing would be a busy loop."""
    assert retry_delay(1, timedelta(hours=-1), 0.5) == retry.FIRST_DELAY
    assert retry_delay(9, timedelta(hours=-1), 0.5) == retry.LONGEST_DELAY
