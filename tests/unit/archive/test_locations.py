"""Where media and metadata are: each location has its own home, and what is odd is not called."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import (
    CONTAINER,
    chunk,
    document_id,
    event,
    metadata,
    task,
    wav,
)
from dev.in_memory.world import world
from recording.archive.catalog import REMARK_ANOTHER
from recording.domain.state.chunk import ChunkState, Home, MetadataOutcome, SourceOutcome


def test_an_odd_metadata_location_is_not_called_and_the_media_is_archived() -> None:
    """Its reason is in the receipt, and the source is left: its metadata was not fetched."""
    here, odd = world(), task(metadata_location="https://files.example.org/metadata")
    here.holds(odd)
    here.fakes.queue.send(odd)
    here.runs(hours=1)
    found = here.record(odd)
    assert (found.state, found.metadata) == (ChunkState.CATALOGED, MetadataOutcome.NOT_ASKED)
    assert found.source is SourceOutcome.LEFT_TO_EXPIRE
    assert "foreign_host" in here.receipt(odd)["metadataReason"]


def test_each_location_has_its_own_home() -> None:
    """Half an export: the content at ACS, the metadata in the customer's container."""
    here = world()
    place = "https://customer.blob.core.windows.net/calls/metadata.json"
    half = task(metadata_location=place)
    here.holds(half)
    here.fakes.external.objects[place] = here.source.objects.pop(place)
    here.fakes.queue.send(half)
    here.runs(hours=1)
    assert (here.state(half), here.record(half).metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


def test_the_other_half_of_an_export_is_read_where_it_lies_and_described_from_acs() -> None:
    """The content in the customer's container, the metadata at ACS."""
    here, place = world(), f"{CONTAINER}/20261123/call/0.wav"
    half = task(content_location=place, home=Home.EXTERNAL, delete_location=None)
    here.fakes.external.objects[place] = wav()
    here.source.objects[half.metadata_location or ""] = metadata(half)
    here.announces(event(chunk(contentLocation=place), data={"storageType": "blobstorage"}))
    here.runs(hours=1)
    found = here.record(half)
    assert (found.state, found.source) == (ChunkState.CATALOGED, SourceOutcome.NOT_OURS)
    assert found.metadata is MetadataOutcome.ARCHIVED
    assert "delete" not in here.source.calls


@pytest.mark.parametrize("minutes", [1, 45, 300])
def test_an_export_that_is_still_written_is_read_once_it_is_whole(minutes: int) -> None:
    """Each read finds more than the one before; nothing of it is final."""
    here, place = world(), f"{CONTAINER}/20261123/call/0.wav"
    growing, whole = task(content_location=place, home=Home.EXTERNAL, delete_location=None), wav()
    here.source.objects[growing.metadata_location or ""] = metadata(growing)
    begun, plain, reads = here.now, here.fakes.external.open, [0]

    def served(location: str, *part: int) -> object:
        reads[0] += 1
        is_whole = here.now - begun >= timedelta(minutes=minutes)
        sound = wav(1900 + reads[0] % 50)  # plays within the slack, and is another file each time
        here.fakes.external.objects[place] = whole if is_whole else sound
        return plain(location, *part)

    here.fakes.external.open = served  # type: ignore[assignment,method-assign]
    here.announces(event(chunk(contentLocation=place), data={"storageType": "blobstorage"}))
    here.runs(hours=10)
    found = here.record(growing)
    assert (found.state, found.length_bytes) == (ChunkState.CATALOGED, len(whole))


def test_crossed_content_locations_are_told_and_nothing_is_deleted(caplog: pytest.LogCaptureFixture) -> None:
    """Two chunks, each with the other's file: both are kept, and neither is said to be all right."""
    here, tasks = world(), [task(0), task(1)]
    for index, made in enumerate(tasks):
        here.holds(made, wav(1000 + 500 * index), metadata(made, chunkDuration=1000 + 500 * (1 - index)))
    places = [made.content_location for made in tasks]
    here.announces(event(*(chunk(index, contentLocation=places[1 - index]) for index in (0, 1))))
    here.runs(hours=1)
    for index, made in enumerate(tasks):
        crossed = made.model_copy(update={"content_location": places[1 - index]})
        assert (here.state(crossed), here.record(crossed).source) == (
            ChunkState.CATALOGED,
            SourceOutcome.LEFT_TO_EXPIRE,
        )
        assert REMARK_ANOTHER in here.receipt(crossed)["remarks"]
    assert "delete" not in here.source.calls
    assert sum(line.getMessage().startswith("recording.event.location_refused") for line in caplog.records) == 2


def test_the_digits_of_a_document_id_have_no_case() -> None:
    """The metadata may spell it otherwise than the event; only what is deleted is compared letter by letter."""
    here, made = world(), task(0, document_id(0xABCDEF))
    here.holds(made, document=metadata(made, chunkDocumentId=made.document_id.upper()))
    here.works(made)
    assert (here.state(made), here.record(made).metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


@pytest.mark.slow
def test_one_document_under_two_indexes_is_one_file() -> None:
    """The second is archived from the first, not called lost."""
    here = world()
    here.holds(task(0))
    here.works(task(0))
    other = task(1, document_id(0))
    here.fakes.queue.send(other)
    here.runs(hours=30)
    assert here.record(other).sha256 == here.record(task(0)).sha256
    assert "expired" not in here.fakes.quarantine.reasons


def test_metadata_is_asked_for_only_after_the_media() -> None:
    """An optional document that drips must not delay it."""
    here = world()
    here.holds(task())
    here.works(task())
    assert here.source.calls.index("open_content") < here.source.calls.index("read_metadata")


def test_another_call_id_in_the_metadata_is_a_remark() -> None:
    """ACS spells ids in several ways; the media is about this chunk."""
    here = world()
    here.holds(task(), document=metadata(callId="another"))
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.receipt()["remarks"]
