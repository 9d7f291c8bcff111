"""What is still to come of a recording: the rules, without any I/O."""

from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, record, task
from recording.domain.archived.receipt import gaps_in
from recording.domain.formats import MORE_TO_COME
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.domain.watched.expectation import (
    GIVEN_UP_AFTER,
    Expectation,
    expectation,
    is_question_due,
    is_settled,
    over_since,
)

HOUR = timedelta(hours=1)


def recording(**facts: Any) -> RecordingRecord:
    """A recording that was started here at the time of the event."""
    return RecordingRecord(**{"recording_id": "r", "started_here": True, "started_at": EVENT_TIME, **facts})


def stopped(**facts: Any) -> RecordingRecord:
    """The same, stopped at once."""
    return recording(last_action=LastAction.STOPPED, last_action_at=EVENT_TIME, **facts)


def chunks(*indexes: int, last: str = "SessionEnded") -> list[ChunkRecord]:
    """Chunks with these indexes; the last one ended for this reason."""
    ends = {index: last if index == max(indexes) else MORE_TO_COME for index in indexes}
    return [record(task=task(index, end_reason=ends[index])) for index in indexes]


@pytest.mark.parametrize(
    ("of", "known", "hours", "stands"),
    [
        (recording(), [], 9, Expectation.RUNNING),
        (stopped(), [], 0.99, Expectation.AWAITED),
        (stopped(), [], 1, Expectation.MISSING),
        (stopped(), chunks(0), 9, Expectation.MET),
        (stopped(), chunks(0, 2), 0.5, Expectation.AWAITED),
        (stopped(), chunks(0, 2), 1, Expectation.INCOMPLETE),
        (recording(), chunks(0, 2), 1, Expectation.INCOMPLETE),
        (recording(), chunks(0, last=MORE_TO_COME), 9, Expectation.RUNNING),
        (stopped(), chunks(0, last=MORE_TO_COME), 1, Expectation.INCOMPLETE),
        (stopped(chunk_count=3), chunks(0, 1), 1, Expectation.INCOMPLETE),
        (stopped(chunk_count=2), chunks(0, 1), 1, Expectation.MET),
        (recording(ended_seen_at=EVENT_TIME + 5 * HOUR), [], 5.5, Expectation.AWAITED),
        (recording(ended_seen_at=EVENT_TIME + 5 * HOUR), [], 6, Expectation.MISSING),
        (recording(unanswered_since=EVENT_TIME + 5 * HOUR), [], 6, Expectation.MISSING),
        (stopped(request={"pauseOnStart": True}), [], 9, Expectation.NOTHING),
        (stopped(request={"pauseOnStart": True}), chunks(0), 9, Expectation.MET),
        (stopped(request={"pauseOnStart": True}, was_resumed=True), [], 9, Expectation.MISSING),
        (recording(request={"pauseOnStart": True}), [], 9, Expectation.RUNNING),
    ],
)
def test_what_is_still_to_come(
    of: RecordingRecord, known: list[ChunkRecord], hours: float, stands: Expectation
) -> None:
    """Every case is a way in which an alarm would be missing, or would ring for nothing."""
    assert expectation(of, known, EVENT_TIME + hours * HOUR, HOUR, ()) is stands


def test_each_file_that_comes_gives_the_others_some_more_time() -> None:
    """Six files of one recording may arrive one by one."""
    late = [c.model_copy(update={"first_seen_at": EVENT_TIME + 5 * HOUR}) for c in chunks(0, 2)]
    assert over_since(stopped(), late, ()) == EVENT_TIME + 5 * HOUR
    assert expectation(stopped(), late, EVENT_TIME + 5.5 * HOUR, HOUR, ()) is Expectation.AWAITED


@pytest.mark.parametrize(
    ("of", "known", "hours", "due"),
    [
        (recording(), [], 0.9, False),
        (recording(), [], 1, True),
        (recording(asked_at=EVENT_TIME + HOUR), [], 1.2, False),
        (recording(asked_at=EVENT_TIME + HOUR), [], 1.25, True),
        (stopped(), [], 9, False),
        (recording(), chunks(0, 2), 9, False),
        (recording(), chunks(0, last=MORE_TO_COME), 9, True),
        (recording(unanswered_since=EVENT_TIME, asked_at=EVENT_TIME), [], 0.1, True),
        (RecordingRecord(recording_id="r"), [], 0, True),
        (recording(ended_seen_at=EVENT_TIME), [], 9, False),
    ],
)
def test_acs_is_asked_only_what_is_not_known(
    of: RecordingRecord, known: list[ChunkRecord], hours: float, due: bool
) -> None:
    """A thousand recordings at a time must not become a thousand questions every five minutes."""
    assert is_question_due(of, known, EVENT_TIME + hours * HOUR, HOUR, ()) is due


@pytest.mark.parametrize(
    ("of", "known", "after", "settled"),
    [
        (stopped(), chunks(0), 0.9 * HOUR, False),
        (stopped(), chunks(0), HOUR, True),
        (stopped(), [], 2 * HOUR, False),
        (stopped(), [], GIVEN_UP_AFTER, False),
        (stopped(), chunks(0, 2), GIVEN_UP_AFTER - HOUR, False),
        (stopped(), chunks(0, 2), GIVEN_UP_AFTER, False),
        (stopped(request={"pauseOnStart": True}), [], HOUR, True),
        (recording(), [], 9 * GIVEN_UP_AFTER, False),
    ],
)
def test_looking_ends_when_nothing_can_come_any_more(
    of: RecordingRecord, known: list[ChunkRecord], after: timedelta, settled: bool
) -> None:
    """Else the list of open recordings would grow for ever."""
    assert is_settled(of, known, EVENT_TIME + after, HOUR, ()) is settled


@pytest.mark.parametrize(
    ("known", "count", "gaps"),
    [
        (chunks(0, last=MORE_TO_COME), None, [1]),
        (chunks(0, 2, last=MORE_TO_COME), None, [1, 3]),
        ([*chunks(0, last=MORE_TO_COME), record(task=task(0, "0-weu-d7-f", end_reason="SessionEnded"))], None, []),
        (chunks(0), 3, [1, 2]),
        (chunks(0, 1, 2), 1, []),
        ([], 2, [0, 1]),
        ([], None, []),
    ],
)
def test_a_gap_is_seen_after_the_last_known_chunk_too(
    known: list[ChunkRecord], count: int | None, gaps: list[int]
) -> None:
    """A chunk that ended for its size promises another; ACS's own log counts them all."""
    assert [index for gap in gaps_in(known, count, ()) for index in gap] == gaps
