"""One file under two names: whoever announces it first must not keep it from its own recording."""

import json
from typing import Any

import pytest

from dev.in_memory.builders import chunk, document_id, event, location, metadata, task, wav
from dev.in_memory.world import World, world
from recording.domain.archived.layout import metadata_name
from recording.domain.state.chunk import ChunkRecord, ChunkState, MetadataOutcome, SourceOutcome
from recording.domain.state.transitions import is_archived
from recording.operate.attention import needs_attention
from recording.operate.verify_recording import verify

FORGED = "forged-recording"
FORGED_SUBJECT = f"/recording/call/FORGED-CALL/recordingId/{FORGED}"


@pytest.fixture
def here() -> World:
    made = world()
    made.holds(task(), wav())
    return made


def records(here: World) -> dict[str, ChunkRecord]:
    return {record.task.recording_id: record for record in here.fakes.catalog.chunks.values()}


def forged(**changes: Any) -> dict[str, Any]:
    return event(chunk(), subject=FORGED_SUBJECT, id="forged", **changes)


def assert_true_one_is_archived(here: World) -> None:
    """Media, metadata and receipt of the true recording, and nothing that needs attention for it."""
    record = records(here)[task().recording_id]
    assert is_archived(record), record.last_error
    media, document = here.truth[task().document_id]
    blobs = here.fakes.archive.blobs
    assert blobs[record.blob_name or ""].data == media
    assert record.metadata is MetadataOutcome.ARCHIVED
    assert blobs[metadata_name(record.blob_name or "")].data == document
    assert [one for one in needs_attention(here.ports, here.settings).items if one.recording_id != FORGED] == []
    found = verify(task().recording_id, here.ports, here.settings)
    assert found is not None
    assert found.differences == ()


def test_a_file_announced_first_of_a_forged_recording_is_archived_of_its_own(here: World) -> None:
    """Archived and deleted under the forged name; the true event finds 404 at ACS and the bytes in the archive."""
    here.announces(forged())
    here.runs(hours=1)
    assert records(here)[FORGED].source is SourceOutcome.DELETED
    here.fakes.clock.advance(hours=2)
    here.announces()
    here.runs(hours=1)
    assert_true_one_is_archived(here)
    assert [one for one in here.receipt()["remarks"] if FORGED in one]


@pytest.mark.parametrize("is_forged_first", [True, False])
def test_both_announced_at_once_are_both_archived(here: World, is_forged_first: bool) -> None:
    """Their turns mix; the source goes once, whoever is done first."""
    for envelope in (forged(), event()) if is_forged_first else (event(), forged()):
        here.announces(envelope)
    here.runs(hours=1)
    assert_true_one_is_archived(here)
    assert is_archived(records(here)[FORGED])
    assert len(here.source.deleted) == 1


def test_the_source_is_deleted_between_the_copy_and_the_metadata(here: World) -> None:
    """The media was in time, its document was not: the archive has it beside the other name."""
    here.fakes.source.objects.pop(task().metadata_location or "")
    here.announces()
    here.runs(hours=0.5, until_quiet=False)
    assert here.record().state is ChunkState.VERIFIED
    here.fakes.source.objects[task().metadata_location or ""] = metadata(task())
    here.announces(forged())
    while not is_archived(records(here).get(FORGED, here.record())):
        (message,) = [one for one, _ in here.fakes.queue.sent if one.recording_id == FORGED]
        here.delivers(message)
    assert here.source.objects == {}
    here.runs(hours=2)
    assert_true_one_is_archived(here)


@pytest.mark.parametrize("late", [0, 1])
def test_two_files_of_one_document_id_are_never_taken_for_each_other(late: int) -> None:
    """A file that is a minute late got the other's bytes, and its own was deleted at ACS or left to expire."""
    here, own = world(), {0: wav(sample=b"\x01\x02"), 1: wav(sample=b"\x11\x12")}
    other = {"contentLocation": location(document_id(7)), "metadataLocation": None, "deleteLocation": None}
    chunks = {0: chunk(), 1: chunk(1, document_id(), **other)}
    tasks = {0: task(), 1: task(1, document_id(), content_location=other["contentLocation"], metadata_location=None)}
    here.holds(tasks[1 - late], own[1 - late])
    for index in (1 - late, late):
        here.announces(event(chunks[index], id=f"event-{index}"))
        here.runs_due()
    here.source.objects |= {tasks[late].content_location: own[late]}
    if late == 0:
        here.holds(tasks[0], own[0])
    here.truth[document_id()] = own[0], here.truth[document_id()][1]
    here.runs(hours=30)
    for index, found in enumerate(sorted(here.fakes.catalog.chunks.values(), key=lambda one: one.task.index)):
        assert is_archived(found)
        assert here.fakes.archive.blobs[found.blob_name or ""].data == own[index]


def test_bytes_of_a_twin_allow_no_delete(here: World) -> None:
    """They were not fetched for this chunk; the file went with the other one."""
    here.announces(forged())
    here.runs(hours=1)
    here.announces()
    here.runs(hours=1)
    record = records(here)[task().recording_id]
    assert record.taken_from == f"{FORGED}/{record.key}"
    assert (record.state, record.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert len(here.source.deleted) == 1


def test_a_twin_that_lost_its_bytes_gives_nothing(here: World) -> None:
    """What the archive does not hold as proved is no source; the chunk is named lost at its deadline."""
    here.announces(forged())
    here.runs(hours=1)
    name = records(here)[FORGED].blob_name or ""
    blob = here.fakes.archive.blobs[name]
    here.fakes.archive.blobs[name] = type(blob)(b"other bytes", blob.media_type, blob.facts, blob.etag)
    here.announces()
    here.runs(hours=1, until_quiet=False)
    assert not is_archived(records(here)[task().recording_id])


def test_another_document_of_the_same_index_is_no_twin(here: World) -> None:
    """Only the same document is the same file."""
    here.announces(forged())
    here.runs(hours=1)
    other = task(0, document_id(9))
    here.announces(event(chunk(0, document_id(9))))
    here.runs(hours=1, until_quiet=False)
    assert here.state(other) is ChunkState.PENDING


def test_a_document_of_another_spelling_of_its_id_is_of_this_chunk(here: World) -> None:
    """A GUID in capitals is the same GUID; without its metadata the source would never be deleted."""
    guid = "0a6d2f9e-77b1-4c1d-8e3e-2b1f5d9c4a10"
    made = task(0, guid)
    told = json.loads(metadata(made)) | {"chunkDocumentId": guid.upper(), "callId": made.call_id.upper()}
    here.holds(made, wav(), json.dumps(told).encode())
    here.announces(event(chunk(0, guid)))
    here.runs(hours=1)
    assert here.state(made) is ChunkState.SOURCE_DELETED
    assert here.record(made).remarks == ()
