"""Verify: nothing is called proved that was not read."""

from dev.in_memory.builders import record, task
from dev.in_memory.world import world
from recording.domain.chunk import ChunkState, Home, SourceOutcome
from recording.operate.verify_recording import verify


def test_media_in_the_customers_own_storage_is_not_called_proved() -> None:
    """It is not read, so the answer must not be empty of differences."""
    here = world()
    outside = task(home=Home.EXTERNAL, content_location="https://customer.blob.core.windows.net/calls/a.wav")
    here.fakes.catalog.add_chunk(record(ChunkState.CATALOGED, task=outside, source=SourceOutcome.NOT_OURS))

    told = verify(outside.recording_id, here.ports, here.settings)

    assert told is not None
    assert "not_read 1 of 1 chunks could not be read" in told.differences


def test_a_recording_read_whole_has_no_such_difference() -> None:
    here = world()
    here.works(here.holds(task()))

    told = verify(task().recording_id, here.ports, here.settings)

    assert told is not None
    assert told.read_whole == told.chunks == 1
    assert not any(difference.startswith("not_read") for difference in told.differences)
