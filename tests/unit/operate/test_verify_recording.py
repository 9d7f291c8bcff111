"""Verify: nothing is called proved that was not read."""

from dev.in_memory.builders import record, task
from dev.in_memory.world import world
from recording.domain.state.chunk import ChunkState, Home, SourceOutcome
from recording.operate.verify_recording import verify


def test_media_in_the_customers_own_storage_is_not_called_proved() -> None:
    """It is not read, so the answer must not be empty of differences."""
    here = world()
    outside = task(home=Home.EXTERNAL, content_location="https://customer.blob.core.windows.net/calls/a.wav")
    here.fakes.catalog.add_chunk(record(ChunkState.CATALOGED, task=outside, source=SourceOutcome.NOT_OURS))

    told = verify(outside.recording_id, here.ports, here.settings)

    assert told is not None
    assert not told.is_proved
    assert "media_missing" in " ".join(told.differences)


def test_media_in_the_archive_tier_is_unread_not_failed() -> None:
    """Nothing differs, and nothing is proved."""
    here = world()
    here.works(here.holds(task()))
    name = here.record().blob_name or ""
    here.fakes.archive.tiers[name] = "Archive"

    told = verify(task().recording_id, here.ports, here.settings)

    assert told is not None
    assert (told.differences, told.unread, told.is_proved) == ((), (f"{name}: not read: archive tier",), False)


def test_a_recording_read_whole_has_no_such_difference() -> None:
    here = world()
    here.works(here.holds(task()))

    told = verify(task().recording_id, here.ports, here.settings)

    assert told is not None
    assert told.read_whole == told.chunks == 1
    assert (told.is_proved, told.unread) == (True, ())
