"""What is left of ACS's limit."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import EVENT_TIME
from recording.domain.watched import deadline
from recording.domain.watched.deadline import Urgency, urgency

# --- formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (timedelta(hours=24), Urgency.SAFE),
        (timedelta(hours=6), Urgency.SAFE),
        (timedelta(hours=6) - timedelta(microseconds=1), Urgency.AT_RISK),
        (timedelta(microseconds=1), Urgency.AT_RISK),
        (timedelta(), Urgency.LOST),
        (timedelta(hours=-1), Urgency.LOST),
    ],
)
def test_urgency_follows_the_time_left(left: timedelta, expected: Urgency) -> None:
    """Alarms rest on these borders."""
    assert urgency(EVENT_TIME + left, EVENT_TIME, timedelta(hours=6)) is expected


def test_the_expiry_counts_from_the_event() -> None:
    """The earliest bound of an undocumented clock."""
    assert deadline.expires_at(EVENT_TIME, timedelta(hours=24)) == EVENT_TIME + timedelta(days=1)
    assert deadline.time_left(EVENT_TIME, EVENT_TIME + timedelta(hours=1)) == timedelta(hours=-1)
