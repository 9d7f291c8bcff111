"""Final needs proof or time: a deadline that is told proves nothing by itself."""

from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, event, record, task
from dev.in_memory.world import world
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkRecord, ChunkState, FallbackCopy
from recording.domain.state.patience import (
    GIVEN_UP_AFTER,
    GONE_FOR,
    GROWS_FOR,
    KEPT_AFTER,
    NEAR_DEADLINE,
    STEADY_FOR,
    STEADY_TRIES,
    is_abandoned,
    is_forgotten,
    is_given_up,
    is_metadata_given_up,
    is_steady,
    is_worth_keeping,
    still_grows_for,
)
from recording.errors import RecordingError, SourceBusyError, SourceGoneError, SourceRefusedError, SourceThrottledError
from recording.operate.held import redrive

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
LONG_AGO = task(expires_at=EVENT_TIME - 30 * DAY)
KEPT = FallbackCopy(blob_name="a", length_bytes=1, sha256="ab", kept_at=EVENT_TIME)
A_MOMENT = timedelta(seconds=1)


def test_the_waits_are_as_documented() -> None:
    """Each is a promise of the page about waits; a deadline's hour is worth nothing to a chunk that is given up."""
    assert (timedelta(hours=8), 8, timedelta(hours=1)) == (STEADY_FOR, STEADY_TRIES, KEPT_AFTER)
    assert (timedelta(minutes=30), timedelta(minutes=30), timedelta(minutes=10)) == (NEAR_DEADLINE, GONE_FOR, GROWS_FOR)
    assert timedelta(days=7) == GIVEN_UP_AFTER


def seen(after: timedelta, tries: int, **changes: Any) -> ChunkRecord:
    """A chunk whose deadline is a day after the event, and whose source serves the same bad bytes since `after`."""
    return record(
        broken_since=EVENT_TIME + after, broken_tries=tries, task=task(expires_at=EVENT_TIME + DAY), **changes
    )


@pytest.mark.parametrize(
    ("lasted", "tries", "is_final"),
    [
        (STEADY_FOR, STEADY_TRIES, True),
        (STEADY_FOR - A_MOMENT, STEADY_TRIES, False),
        (STEADY_FOR, STEADY_TRIES - 1, False),
    ],
)
def test_bad_bytes_are_final_after_hours_and_many_tries(lasted: timedelta, tries: int, *, is_final: bool) -> None:
    """A block page may be served steadily for hours."""
    assert is_steady(seen(timedelta(), tries), EVENT_TIME + lasted) is is_final


@pytest.mark.parametrize(
    ("began", "now", "tries", "is_final"),
    [
        (DAY - GONE_FOR, DAY, 2, True),
        (DAY - GONE_FOR, DAY, 1, False),
        (DAY - GONE_FOR - A_MOMENT, DAY - A_MOMENT, 2, False),
        (DAY - GONE_FOR + A_MOMENT, DAY, 2, False),
        (DAY + A_MOMENT, DAY + GONE_FOR + A_MOMENT, 3, True),
    ],
)
def test_past_the_deadline_two_bad_answers_half_an_hour_apart_are_final(
    began: timedelta, now: timedelta, tries: int, *, is_final: bool
) -> None:
    """Nothing better will come."""
    assert is_steady(seen(began, tries), EVENT_TIME + now) is is_final


@pytest.mark.parametrize(
    ("began", "now", "tries", "is_kept"),
    [
        (timedelta(), KEPT_AFTER, 1, True),
        (timedelta(), KEPT_AFTER - A_MOMENT, 99, False),
        (DAY - NEAR_DEADLINE, DAY - NEAR_DEADLINE, 2, True),
        (DAY - NEAR_DEADLINE, DAY - NEAR_DEADLINE, 1, False),
        (DAY - NEAR_DEADLINE - A_MOMENT, DAY - NEAR_DEADLINE - A_MOMENT, 2, False),
        (DAY, DAY, 1, True),
        (DAY - A_MOMENT, DAY - A_MOMENT, 1, False),
    ],
)
def test_bad_bytes_are_stored_aside_after_an_hour_or_near_the_deadline(
    began: timedelta, now: timedelta, tries: int, *, is_kept: bool
) -> None:
    """ACS may delete them soon, and nothing better may ever arrive."""
    assert is_worth_keeping(seen(began, tries), EVENT_TIME + now) is is_kept


def test_a_chunk_whose_bytes_were_never_bad_is_neither_steady_nor_kept_aside() -> None:
    """However late it is."""
    assert is_steady(record(broken_tries=99), EVENT_TIME + 90 * DAY) is False
    assert is_worth_keeping(record(broken_tries=99), EVENT_TIME + 90 * DAY) is False


def test_a_file_may_grow_for_ten_minutes_from_its_copy() -> None:
    """Or from when it was first seen, by a version that did not record the copy."""
    copied = record(ChunkState.COPIED, copied_at=EVENT_TIME + DAY)
    assert still_grows_for(copied, EVENT_TIME + DAY + A_MOMENT) == GROWS_FOR - A_MOMENT
    assert still_grows_for(copied, EVENT_TIME + DAY + GROWS_FOR + A_MOMENT) == timedelta()
    unknown = record(ChunkState.COPIED, copied_at=None, first_seen_at=EVENT_TIME + A_MOMENT)
    assert still_grows_for(unknown, EVENT_TIME) == GROWS_FOR + A_MOMENT


@pytest.mark.parametrize(
    ("first", "now", "is_gone"),
    [
        (DAY - GONE_FOR, DAY, True),
        (DAY - GONE_FOR + A_MOMENT, DAY, False),
        (timedelta(), DAY - A_MOMENT, False),
        (None, 90 * DAY, False),
    ],
)
def test_two_answers_not_found_past_the_deadline_prove_that_media_is_gone(
    first: timedelta | None, now: timedelta, *, is_gone: bool
) -> None:
    """A replica that lags answers so as well."""
    gone_since = None if first is None else EVENT_TIME + first
    made = record(gone_since=gone_since, task=task(expires_at=EVENT_TIME + DAY))
    assert is_forgotten(made, EVENT_TIME + now) is is_gone


@pytest.mark.parametrize(
    ("verified", "now", "is_over"),
    [
        (DAY - GONE_FOR, DAY, True),
        (timedelta(), DAY - A_MOMENT, False),
        (DAY - GONE_FOR + A_MOMENT, DAY, False),
        (None, 90 * DAY, False),
    ],
)
def test_metadata_is_given_up_past_the_deadline_when_it_was_asked_for_long_enough(
    verified: timedelta | None, now: timedelta, *, is_over: bool
) -> None:
    """A chunk may be worked on late; one failed attempt proves nothing then either."""
    verified_at = None if verified is None else EVENT_TIME + verified
    made = record(ChunkState.VERIFIED, verified_at=verified_at, task=task(expires_at=EVENT_TIME + DAY))
    assert is_metadata_given_up(made, EVENT_TIME + now) is is_over


@pytest.mark.parametrize(
    ("state", "changes", "after", "is_over"),
    [
        (ChunkState.PENDING, {}, 90 * DAY, False),
        (ChunkState.PENDING, {"past_deadline_since": EVENT_TIME}, GIVEN_UP_AFTER - A_MOMENT, False),
        (ChunkState.PENDING, {"past_deadline_since": EVENT_TIME}, GIVEN_UP_AFTER, True),
        (ChunkState.PENDING, {"past_deadline_since": EVENT_TIME, "fallback": KEPT}, 90 * DAY, False),
        (ChunkState.COPIED, {}, GIVEN_UP_AFTER - A_MOMENT, False),
        (ChunkState.COPIED, {}, GIVEN_UP_AFTER, True),
        (ChunkState.COPIED, {"copied_at": EVENT_TIME + DAY}, GIVEN_UP_AFTER, False),
        (ChunkState.VERIFIED, {"copied_at": None}, GIVEN_UP_AFTER, True),
        (ChunkState.VERIFIED, {"copied_at": None, "first_seen_at": EVENT_TIME + DAY}, GIVEN_UP_AFTER, False),
    ],
)
def test_a_chunk_is_given_up_only_when_it_was_tried_for_days(
    state: ChunkState, changes: dict[str, Any], after: timedelta, is_over: bool
) -> None:
    """Its deadline was over before it was announced."""
    assert is_given_up(record(state, task=LONG_AGO, **changes), EVENT_TIME + after) is is_over


def test_before_the_deadline_nothing_is_given_up() -> None:
    """However long it was tried."""
    waiting = record(ChunkState.COPIED, task=task(expires_at=EVENT_TIME + 20 * DAY))
    assert not is_given_up(waiting, EVENT_TIME + 26 * DAY)
    assert is_given_up(waiting, EVENT_TIME + 27 * DAY)


@pytest.mark.parametrize(
    ("changes", "after", "is_over"),
    [
        ({}, GIVEN_UP_AFTER - A_MOMENT, False),
        ({}, GIVEN_UP_AFTER, True),
        ({"changed_at": EVENT_TIME + DAY}, GIVEN_UP_AFTER, False),
        ({"task": task(expires_at=EVENT_TIME + DAY)}, GIVEN_UP_AFTER, False),
        ({"fallback": KEPT}, 90 * DAY, False),
        ({"state": ChunkState.COPIED}, 90 * DAY, False),
    ],
)
def test_a_chunk_is_abandoned_only_when_nobody_had_it_for_days(
    changes: dict[str, Any], after: timedelta, is_over: bool
) -> None:
    """A redrive begins anew."""
    made = record(**{"task": LONG_AGO, **changes})
    assert is_abandoned(made, EVENT_TIME + after) is is_over


ERRORS = [SourceBusyError("503"), SourceThrottledError("429"), SourceRefusedError("401"), SourceGoneError("404")]


@pytest.mark.parametrize("days", [2, 8, 9, 40, 300, 2000])
@pytest.mark.parametrize("error", ERRORS, ids=["503", "429", "401", "404"])
def test_an_event_of_long_ago_is_not_ended_by_one_failed_try(days: int, error: RecordingError) -> None:
    """A date with its parts mixed up, a replayed dead letter, a clock that was never set: ACS has it all the same."""
    here = world()
    here.holds(task())
    here.source.fail_next("open_content", error, times=3 if not isinstance(error, SourceGoneError) else 1)
    here.announces(event(eventTime=(EVENT_TIME - days * DAY).isoformat()))
    here.runs(hours=6)
    assert here.media_blobs()
    assert here.record().blob_name is not None


@pytest.mark.parametrize("days", [9, 40])
def test_a_redrive_long_after_the_deadline_is_tried_for_days_again(days: int) -> None:
    """An operator knows something that the app does not; one answer 503 must not undo it."""
    here = world()
    here.source.fail_next("open_content", SourceBusyError("503"), times=10_000)
    here.announces()
    here.runs(hours=24 * days)
    assert here.state() is ChunkState.QUARANTINED
    here.source.fails_no_more("open_content")
    here.source.fail_next("open_content", SourceBusyError("503"), times=5)
    here.holds(task())
    redrive(here.ports, here.settings, HeldFilter())
    here.runs(hours=5)
    assert here.record().blob_name is not None


def test_a_redriven_chunk_whose_message_is_lost_is_sent_again() -> None:
    """Not called lost ten minutes later, because its deadline is long over."""
    here = world()
    here.source.fail_next("open_content", SourceBusyError("503"), times=10_000)
    here.announces()
    here.runs(hours=24 * 9)
    here.source.fails_no_more("open_content")
    here.holds(task())
    redrive(here.ports, here.settings, HeldFilter())
    here.fakes.queue.sent.clear()
    here.runs(hours=1)
    assert here.record().blob_name is not None
