"""Values as other writers send them: times in every spelling of ISO 8601, and nothing else for a time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import EVENT_TIME
from recording.domain.incoming.lenient import read_time


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-11-23T08:58:00.1234567Z", 123_456),
        ("2026-11-23T08:58:00.123456789Z", 123_456),
        ("2026-11-23T08:58:00.12Z", 120_000),
        ("2026-11-23T08:58:00Z", 0),
        ("2026-11-23T08:58:00+00:00", 0),
        ("2026-11-23T10:58:00+02:00", 0),
        ("2026-11-23T08:58:00", 0),
        (" 2026-11-23T08:58:00Z ", 0),
    ],
)
def test_times_are_read_with_any_number_of_digits(text: str, microsecond: int) -> None:
    """ACS writes seven digits of a second, callbacks an offset; all times are aware UTC inside."""
    assert read_time(text) == EVENT_TIME.replace(microsecond=microsecond)
    assert read_time(text).tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-14, 14))
def test_a_time_means_the_same_moment_in_every_zone(moment: datetime, hours: int) -> None:
    """Deadlines are compared across clocks."""
    try:
        local = moment.astimezone(timezone(timedelta(hours=hours)))
    except OverflowError:  # no such local time in the calendar
        return
    assert read_time(local.isoformat()) == moment


@pytest.mark.parametrize("value", [None, 5, "", "soon", "2026-13-01T00:00:00Z", [], "0001-01-01T00:00:00+23:59"])
def test_what_is_no_time_is_refused(value: object) -> None:
    """Pydantic's validators answer a ValueError; anything else would be an unexpected exception."""
    with pytest.raises(ValueError, match=r".+"):
        read_time(value)
