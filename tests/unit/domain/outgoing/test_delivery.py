"""How far a delivery is: the schedule of retries, and when a way is given up."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import FAKE_CLOCK_START as NOW
from recording.domain.model import with_changes
from recording.domain.outgoing.delivery import (
    DEAD_AFTER,
    SCHEDULE,
    Progress,
    Result,
    WayHealth,
    after_try,
    enabled,
    health_after,
)


@given(st.floats(0, 1))
def test_a_failing_delivery_follows_the_schedule_with_a_little_more_and_ends(jitter: float) -> None:
    """Ten tries in about three and a half days; each wait is at most a tenth longer."""
    progress, now = Progress(), NOW
    for number, wait in enumerate(SCHEDULE, start=1):
        progress = after_try(progress, Result.FAILED, "endpoint_refused", now, jitter)
        assert progress.tries == number
        assert progress.due is not None
        assert wait <= progress.due - now <= wait * 1.1 + timedelta(milliseconds=1)
        now = progress.due
    last = after_try(progress, Result.FAILED, "endpoint_refused", now, jitter)
    assert last.is_over
    assert last.tries == 10
    assert timedelta(days=3) < now - NOW < timedelta(days=4)


def test_what_arrived_and_what_is_not_wanted_is_over_at_once() -> None:
    """410 says that the receiver wants no more."""
    for result in (Result.DELIVERED, Result.GONE):
        assert after_try(Progress(), result, None, NOW, 0.5).is_over
    assert not after_try(Progress(), Result.REFUSED, "endpoint_unsafe", NOW, 0.5).is_over


def test_a_way_is_disabled_after_days_without_one_success_or_by_410() -> None:
    """One success in between begins the time anew."""
    health = WayHealth(way="crm")
    for hours in range(0, int(DEAD_AFTER.total_seconds() // 3600), 12):
        health = health_after(health, Result.FAILED, "endpoint_refused", NOW + timedelta(hours=hours), is_lost=False)
        assert not health.is_disabled
    recovered = health_after(health, Result.DELIVERED, None, NOW + timedelta(hours=119), is_lost=False)
    assert recovered.failing_since is None
    dead = health_after(health, Result.FAILED, "endpoint_refused", NOW + DEAD_AFTER, is_lost=True)
    assert dead.is_disabled
    assert dead.given_up == 1
    assert health_after(WayHealth(way="crm"), Result.GONE, "endpoint_gone", NOW, is_lost=True).is_disabled
    assert not enabled(dead).is_disabled


def test_a_way_rests_after_a_failure_and_needs_attention_after_an_hour() -> None:
    """A thousand events do not each find out for themselves that a receiver is down."""
    health = health_after(WayHealth(way="crm"), Result.FAILED, "endpoint_refused", NOW, is_lost=False)
    assert health.is_resting(NOW + timedelta(seconds=29))
    assert not health.is_resting(NOW + timedelta(seconds=30))
    assert not health.needs_attention(NOW + timedelta(minutes=59))
    assert health.needs_attention(NOW + timedelta(minutes=60))


@pytest.mark.parametrize("result", Result)
def test_what_another_version_noted_about_a_way_stays_after_a_try(result: Result) -> None:
    """Both versions send from one outbox during an upgrade."""
    before = Progress.model_validate({"tries": 1, "later": [1, "two"]})
    for tries in (1, 99):
        after = after_try(with_changes(before, {"tries": tries}), result, "code", NOW, 0.5)
        assert (after.model_extra or {}) == {"later": [1, "two"]}
    health = WayHealth.model_validate({"way": "a", "given_up": 3, "disabled_at": NOW, "etag": "1", "later": 1})
    assert health_after(health, result, "code", NOW, is_lost=True).model_extra == {"later": 1}
    again = enabled(health)
    assert (again.model_extra, again.given_up, again.etag, again.is_disabled) == ({"later": 1}, 3, "1", False)
    assert with_changes(again, {"given_up": 0}) == WayHealth.model_validate({"way": "a", "later": 1, "etag": "1"})
