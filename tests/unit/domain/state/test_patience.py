"""Final needs proof or time: a deadline that is told proves nothing by itself."""

from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, event, record, task
from dev.in_memory.world import world
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkState, FallbackCopy
from recording.domain.state.patience import GIVEN_UP_AFTER, is_abandoned, is_given_up
from recording.errors import RecordingError, SourceBusyError, SourceGoneError, SourceRefusedError, SourceThrottledError
from recording.operate.held import redrive

DAY = timedelta(days=1)
LONG_AGO = task(expires_at=EVENT_TIME - 30 * DAY)
KEPT = FallbackCopy(blob_name="a", length_bytes=1, sha256="ab", kept_at=EVENT_TIME)
A_MOMENT = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("state", "changes", "after", "is_over"),
    [
        (ChunkState.PENDING, {}, 90 * DAY, False),
        (ChunkState.PENDING, {"past_deadline_since": EVENT_TIME}, GIVEN_UP_AFTER - A_MOMENT, False),
        (ChunkState.PENDING, {"past_deadline_since": EVENT_TIME}, GIVEN_UP_AFTER, True),
        (ChunkState.PENDING, {"past_deadline_since": EVENT_TIME, "fallback": KEPT}, 90 * DAY, False),
        (ChunkState.COPIED, {}, GIVEN_UP_AFTER - A_MOMENT, False),
        (ChunkState.COPIED, {}, GIVEN_UP_AFTER, True),
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
