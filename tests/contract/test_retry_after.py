"""Retry-After in both of its forms, and in none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.adapters.azure_sdk.retry_after import read_retry_after

NOW = datetime(2026, 11, 3, 9, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("Tue, 03 Nov 2026 09:05:30 GMT", 30),
        ("Tue, 03 Nov 2026 09:00:00 GMT", 0),
        ("Tue, 03 Nov 2026 09:05:30", 30),
    ],
)
def test_seconds_and_dates_are_read(text: str, seconds: int) -> None:
    """HTTP allows both; a date in the past means now."""
    assert read_retry_after(text, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", [None, "", "soon", "-5", "1.5", "٣", "Tue, 99 Nov 2026 09:05:30 GMT"])
def test_what_cannot_be_read_is_no_wish(text: str | None) -> None:
    """Our own back-off applies then."""
    assert read_retry_after(text, NOW) is None


PIECES = st.sampled_from(
    ["Tue,", "03", "Nov", "2026", "09:05:30", "GMT", "+0000", "-99999999999", "9" * 20, "9" * 5000, "0", ":", ",", "-"]
)


@given(st.lists(PIECES, max_size=9).map(" ".join) | st.text(max_size=40))
def test_no_header_ends_a_worker(text: str) -> None:
    """It comes with a 503 or a 429, and whatever it says the chunk is tried again."""
    wait = read_retry_after(text, NOW)
    assert wait is None or wait >= timedelta()


@pytest.mark.parametrize("digits", [5, 20, 400])
def test_a_year_beyond_every_calendar_is_no_wish(digits: int) -> None:
    """Python's reader of dates has another error for some of them."""
    assert read_retry_after(f"Tue, 03 Nov {'9' * digits} 09:05:30", NOW) is None


def test_an_absurd_number_is_no_crash() -> None:
    """A hostile header must not take the worker down."""
    wait = read_retry_after("9" * 5000, NOW)
    assert wait is not None
    assert wait > timedelta(days=365)
