"""Schedules and waits: pure rules of time."""

import random
from datetime import UTC, datetime

import pytest

from dev.functions_host.functions import AppError
from dev.functions_host.queue.polling import MINIMUM_SECONDS, PollingBackoff
from dev.functions_host.timer.schedule import parse_schedule

START = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/5 * * * * *", "2026-11-24T10:00:05+00:00"),
        ("0 */15 * * * *", "2026-11-24T10:15:00+00:00"),
        ("30 0 9 * * Mon-Fri", "2026-11-25T09:00:30+00:00"),
        ("0 0 0 1 1 *", "2027-01-01T00:00:00+00:00"),
        ("*/15 * * * *", "2026-11-24T10:15:00+00:00"),
    ],
)
def test_seconds_come_first_and_five_fields_mean_second_zero(expression: str, expected: str) -> None:
    """Read as a Unix crontab, six fields would fire at quite another time."""
    assert parse_schedule(expression).next_after(START).isoformat() == expected


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "61 * * * * *", "0 0 0 0 0 0 0", "every minute of the whole day"]
)
def test_an_expression_that_is_no_schedule_is_refused_at_start(expression: str) -> None:
    """A timer that never fires would be noticed by its absence only."""
    with pytest.raises(AppError, match="schedule"):
        parse_schedule(expression)


def test_schedules_under_a_minute_keep_no_status() -> None:
    """The real host does not monitor them: after a pause they do not fire late."""
    assert not parse_schedule("*/30 * * * * *").is_monitored_by_default
    assert parse_schedule("0 * * * * *").is_monitored_by_default


def test_waits_grow_to_the_maximum_and_fall_back_after_a_find() -> None:
    """An idle host must not hammer storage, a busy one must not sleep."""
    backoff = PollingBackoff(5.0, random.Random(1))
    waits = [backoff.after(found=False) for _ in range(40)]
    assert waits == sorted(waits)
    assert waits[0] < 0.3
    assert waits[-1] == 5.0
    assert backoff.after(found=True) == MINIMUM_SECONDS
    assert backoff.after(found=False) < 0.3
