"""A receipt says no more than was compared: a length that the event tells is an upper bound, and pauses are unknown."""

from typing import Any

import pytest

from dev.in_memory.builders import chunk, event, metadata, task, wav
from dev.in_memory.world import world
from recording.domain.archived.integrity import REMARK_SHORTER
from recording.domain.formats import MORE_TO_COME
from recording.domain.state.chunk import ChunkState

AGREES, NO_LONGER = "duration agrees with the event", "plays no longer than the event says"


@pytest.mark.parametrize(
    ("plays_ms", "told_ms", "says", "is_remarked"),
    [
        (20_000, 20_000, AGREES, False),
        (20_000, 21_500, AGREES, False),
        (20_000, 20, AGREES, False),
        (20_000, 60_000, NO_LONGER, True),
        (5_000, 3_600_000, NO_LONGER, True),
    ],
)
def test_a_file_that_is_shorter_than_the_event_says_is_not_called_equal(
    plays_ms: int, told_ms: int, says: str, is_remarked: bool
) -> None:
    """Without metadata nobody knows whether it was paused or cut: the file is kept, and the receipt says so."""
    here = world()
    made = here.holds(task(metadata_location=None, recording_duration_ms=told_ms), wav(plays_ms))
    here.fakes.queue.send(made)
    here.runs(hours=1)
    assert here.state(made) is ChunkState.SOURCE_DELETED
    receipt = here.receipt(made)
    assert [one for one in receipt["verifiedHow"] if "event" in one] == [says]
    assert (REMARK_SHORTER in receipt["remarks"]) is is_remarked


@pytest.mark.parametrize(
    "changes",
    [{"index": 1, "document": None}, {"end_reason": MORE_TO_COME}, {"chunks_in_event": 2}],
    ids=["a later chunk", "one of several", "one of two in an event"],
)
def test_one_part_of_a_recording_is_shorter_than_all_of_it(changes: dict[str, Any]) -> None:
    """The event's length is of all chunks together."""
    here = world()
    made = task(changes.pop("index", 0), changes.pop("document", None), metadata_location=None, **changes)
    made = here.holds(made.model_copy(update={"recording_duration_ms": 60_000}), wav(20_000))
    here.works(made)
    assert REMARK_SHORTER not in here.receipt(made)["remarks"]


def test_metadata_that_tells_the_length_leaves_nothing_to_remark() -> None:
    """Then pauses are known, and the lower bound holds."""
    here = world()
    pause = [{"startTime": "2026-11-23T08:56:10Z", "duration": 40_000}]
    made = task(recording_duration_ms=60_000)
    here.holds(made, wav(20_000), metadata(made, chunkDuration=60_000, pauseResumeIntervals=pause))
    here.announces(event(chunk(), data={"recordingDurationMs": 60_000}))
    here.runs(hours=1)
    assert here.state(made) is ChunkState.SOURCE_DELETED
    assert REMARK_SHORTER not in here.receipt(made)["remarks"]
    assert not [one for one in here.receipt(made)["verifiedHow"] if "event" in one]
