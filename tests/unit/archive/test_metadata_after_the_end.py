"""A chunk that was finished without its metadata, and a later event that says where the document is."""

from typing import Any

import pytest

from dev.in_memory.builders import chunk, document_id, event, event_file, location, metadata, task, wav
from dev.in_memory.world import World, world
from recording.domain.archived.layout import metadata_name
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, MetadataOutcome, SourceOutcome
from recording.domain.state.records import stored_name
from recording.library.rebuild import rebuild
from recording.operate.verify_recording import verify

pytestmark = pytest.mark.slow

WITHOUT: dict[str, dict[str, Any]] = {
    "at a foreign host": {"metadataLocation": "https://files.example.org/x"},
    "not a text": {"metadataLocation": 7},
    "not announced": {"metadataLocation": None, "deleteLocation": None},
    "not announced, and a delete location of another": {
        "metadataLocation": None,
        "deleteLocation": location(document_id(9), ""),
    },
}


def _finished_without(changes: dict[str, Any], document: bytes | None = None) -> tuple[World, ChunkTask]:
    here = world()
    made = here.holds(task(0), wav(), document)
    here.announces(event(chunk(0, **changes)))
    here.runs(hours=1, until_quiet=False)
    found = here.record(made)
    assert (found.state, found.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    return here, made


def _check_has_document(here: World, found: ChunkRecord) -> None:
    assert (found.state, found.metadata, found.metadata_reason) == (
        ChunkState.CATALOGED,
        MetadataOutcome.ARCHIVED,
        None,
    )
    assert here.fakes.archive.blobs[metadata_name(stored_name(found))].data == metadata(found.task)
    assert [entry["facts"] is not None for entry in here.manifest()["chunks"]] == [True]
    proved = verify(found.task.recording_id, here.ports, here.settings)
    assert proved is not None
    assert (proved.differences, proved.unread) == ((), ())


@pytest.mark.parametrize("changes", WITHOUT.values(), ids=WITHOUT)
@pytest.mark.parametrize("further", [0, 2])
def test_a_document_that_is_announced_later_is_archived(changes: dict[str, Any], further: int) -> None:
    """It was taken for a duplicate, and the document was lost a day later. Its source stays left, as was told."""
    here, made = _finished_without(changes)
    reason = here.record(made).source_reason
    for number in range(further + 1):
        here.announces(event(chunk(0), id=f"later-{number}"))
        here.announces(event(chunk(0, **changes), id=f"again-{number}"))
    here.runs(hours=2, until_quiet=False)
    found = here.record(made)
    _check_has_document(here, found)
    assert (found.source, found.source_reason) == (SourceOutcome.LEFT_TO_EXPIRE, reason)
    assert list(here.media_blobs().values()) == [wav()]
    assert here.fakes.queue.sent == []


@pytest.mark.parametrize("changes", WITHOUT.values(), ids=WITHOUT)
def test_both_events_may_be_there_before_the_chunk_is_worked_on(changes: dict[str, Any]) -> None:
    """The first one's message ends the chunk, the second one's follows."""
    here = world()
    made = here.holds(task(0))
    here.announces(event(chunk(0, **changes)))
    here.announces(event(chunk(0), id="event-2"))
    here.runs(hours=2, until_quiet=False)
    _check_has_document(here, here.record(made))


def test_a_late_document_is_awaited_while_the_chunk_stays_archived() -> None:
    """Until it is there the recording can be heard; nothing but the document is asked for."""
    here, made = _finished_without(WITHOUT["at a foreign host"], b"")
    here.announces(event(chunk(0), id="event-2"))
    before = len([call for call in here.source.calls if made.content_location in str(call)])
    here.runs(hours=3, until_quiet=False)
    assert here.state(made) is ChunkState.CATALOGED
    assert len([call for call in here.source.calls if made.content_location in str(call)]) == before
    here.source.objects[made.metadata_location or ""] = metadata(made)
    here.runs(hours=2, until_quiet=False)
    _check_has_document(here, here.record(made))


@pytest.mark.parametrize("document", [b"", b"{}", metadata(task(3))], ids=["none", "of no chunk", "of another"])
def test_what_is_not_its_document_changes_nothing(document: bytes) -> None:
    """It is asked for until the deadline, and then no more."""
    here, made = _finished_without(WITHOUT["at a foreign host"], b"")
    before = here.record(made)
    if document:
        here.source.objects[made.metadata_location or ""] = document
    here.announces(event(chunk(0), id="event-2"))
    here.runs(hours=40, until_quiet=False)
    assert here.record(made) == before
    assert (here.fakes.queue.sent, here.fakes.quarantine.reasons) == ([], [])


def test_a_document_that_contradicts_the_media_lets_it_be_copied_again() -> None:
    """As one that is late does: half a file opens and plays like a whole one, and ACS still has it."""
    here, made = _finished_without(WITHOUT["at a foreign host"], metadata(chunkDuration=9000))
    here.source.objects[made.content_location] = wav(9000)
    here.announces(event(chunk(0), id="event-2", data={"recordingDurationMs": None}))
    here.runs(hours=20, until_quiet=False)
    found = here.record(made)
    assert (found.state, found.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert here.fakes.archive.blobs[stored_name(found)].data == wav(9000)


def test_an_export_whose_metadata_is_announced_later_gets_it() -> None:
    """The file in the customer's container has no deadline, and neither has its document."""
    here, told = world(), event_file("event_grid_external_storage")
    (raw,) = told["data"]["recordingStorageInfo"]["recordingChunks"]
    without = event_file("event_grid_external_storage")
    without["data"]["recordingStorageInfo"]["recordingChunks"][0]["metadataLocation"] = None
    here.announces(without)
    (made,) = here.fakes.queue.tasks
    here.fakes.external.objects[made.content_location] = wav()
    here.runs(hours=1, until_quiet=False)
    found = here.record(made)
    assert (found.source, found.metadata) == (SourceOutcome.NOT_OURS, MetadataOutcome.NOT_ANNOUNCED)
    here.fakes.external.objects[raw["metadataLocation"]] = metadata(made)
    here.fakes.clock.advance(days=3)
    here.announces({**told, "id": "event-2"})
    here.runs(hours=2, until_quiet=False)
    found = here.record(made)
    assert (found.state, found.source) == (ChunkState.CATALOGED, SourceOutcome.NOT_OURS)
    assert (found.metadata, here.source.calls) == (MetadataOutcome.ARCHIVED, [])


def test_the_message_may_come_out_of_the_poison_queue() -> None:
    """A settled chunk's messages are removed there; this one is not settled yet."""
    here, made = _finished_without(WITHOUT["at a foreign host"])
    here.fakes.queue.poison(made.model_dump_json())
    here.runs(hours=2, until_quiet=False)
    _check_has_document(here, here.record(made))


def test_a_rebuild_finds_the_document_beside_a_receipt_that_does_not_know_it() -> None:
    """Receipts are never replaced; without the document nobody would be found as a participant."""
    here, made = _finished_without(WITHOUT["at a foreign host"])
    here.announces(event(chunk(0), id="event-2"))
    here.runs(hours=2, until_quiet=False)
    before = here.record(made)
    here.fakes.catalog.chunks.clear()
    here.fakes.catalog.recordings.clear()
    rebuild(here.ports, here.settings)
    found = here.record(made)
    assert (found.metadata, found.metadata_reason, found.facts) == (MetadataOutcome.ARCHIVED, None, before.facts)


@pytest.mark.parametrize("hours", [25, 23])
def test_past_the_deadline_of_acs_no_document_is_asked_for(hours: float) -> None:
    """If it contradicted the media, nothing could be copied again."""
    here, made = _finished_without(WITHOUT["at a foreign host"])
    here.fakes.clock.advance(hours=hours - 1)
    here.announces(event(chunk(0), id="event-2"))
    here.runs(hours=2, until_quiet=False)
    assert (here.record(made).metadata is MetadataOutcome.ARCHIVED) is (hours < 24)


@pytest.mark.parametrize("change", ["disposed_at", "silenced"])
def test_a_destroyed_recording_and_one_with_erased_speakers_get_no_document(change: str) -> None:
    """It names the people who were there."""
    here, made = _finished_without(WITHOUT["at a foreign host"])
    erased = {"channels": [0], "at": here.now, "request_id": "r"}
    stored = here.record(made).model_dump() | {change: here.now if change == "disposed_at" else [erased]}
    for key, row in here.fakes.catalog.chunks.items():
        fresh = ChunkRecord.model_validate(stored)
        here.fakes.catalog.chunks[key] = fresh.model_copy(update={"etag": row.etag, "saved_at": row.saved_at})
    here.announces(event(chunk(0), id="event-2"))
    here.runs(hours=2, until_quiet=False)
    assert here.record(made).metadata is MetadataOutcome.NOT_ASKED
    assert not [name for name in here.fakes.archive.blobs if name.endswith(".metadata.json")]


@pytest.mark.parametrize("is_same", [True, False], ids=["the same bytes", "other bytes"])
def test_a_document_that_is_announced_with_another_location_of_the_same_file_is_archived(*, is_same: bool) -> None:
    """Which file an event is about is only known once its bytes are; another file's document is not taken."""
    here, made = _finished_without(WITHOUT["not announced"])
    host = "us-storage.asm.skype.com"
    elsewhere = {
        "contentLocation": location(document_id(), host=host),
        "metadataLocation": location(document_id(), "/content/acsmetadata", host),
    }
    here.source.objects[elsewhere["contentLocation"]] = wav() if is_same else wav(1500)
    here.source.objects[elsewhere["metadataLocation"]] = metadata(made)
    for number in range(2):
        here.announces(event(chunk(0, **elsewhere), id=f"later-{number}"))
    here.runs(hours=2, until_quiet=False)
    found = here.record(made)
    if is_same:
        _check_has_document(here, found)
    assert (found.metadata is MetadataOutcome.ARCHIVED) is is_same
    assert found.task.content_location == made.content_location
    assert set(here.fakes.quarantine.reasons) == (set() if is_same else {"content_conflict"})
