"""Verify: nothing is called proved that was not read."""

from dataclasses import replace

import pytest

from dev.in_memory.builders import record, task
from dev.in_memory.world import world
from recording.domain.state.chunk import ChunkState, Home, SourceOutcome
from recording.operate.verify_recording import verify
from tests.unit.operate.vandal import destroyed


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


@pytest.mark.parametrize("index", ["1e999", '"' + "9" * 5000 + '"', "null", "[]", "{}", "NaN", '"0x1"'])
def test_a_certificate_with_an_odd_index_lists_no_file(index: str) -> None:
    """An index that is no number of any kind ended `verify` with an error of ours."""
    here = world()
    here.works(here.holds(task()))
    name = destroyed(here, here.record())
    blob = here.fakes.archive.blobs[name]
    here.fakes.archive.blobs[name] = replace(blob, data=blob.data.replace(b'"index": 0', f'"index": {index}'.encode()))
    assert here.fakes.archive.blobs[name] != blob
    told = verify(task().recording_id, here.ports, here.settings)
    assert told is not None
    assert [difference.partition(" ")[0] for difference in told.differences] == ["certificate_missing"]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"recordingId": 1, "chunks": [[]]}', b'{"chunks": 7}', b"{"])
def test_a_manifest_that_is_another_is_told_once(content: bytes) -> None:
    """It is read for the comparison, and again for all that it says."""
    here = world()
    here.works(here.holds(task()))
    name = next(name for name in here.fakes.archive.blobs if name.endswith("manifest.json"))
    here.fakes.archive.blobs[name] = replace(here.fakes.archive.blobs[name], data=content)
    told = verify(task().recording_id, here.ports, here.settings)
    assert told is not None
    assert told.differences == (f"manifest_altered {name}",)


def test_a_manifest_in_the_archive_tier_is_unread_once() -> None:
    """Nothing differs, and what was not read is not proved."""
    here = world()
    here.works(here.holds(task()))
    name = next(name for name in here.fakes.archive.blobs if name.endswith("manifest.json"))
    here.fakes.archive.tiers[name] = "Archive"
    told = verify(task().recording_id, here.ports, here.settings)
    assert told is not None
    assert (told.differences, told.unread) == ((), (f"{name}: not read: archive tier",))
