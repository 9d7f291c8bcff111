"""Metadata that is late, wrong, slow or missing, and what the record says of it."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from dev.in_memory.builders import document_id, metadata, task, wav
from dev.in_memory.hand import ERRORS_AS_METADATA, serve_wrongly
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkState, MetadataOutcome, SourceOutcome
from recording.errors import (
    SourceBusyError,
    SourceError,
    SourceGoneError,
    SourceRefusedError,
    SourceSlowError,
)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (None, "source_not_found"),
        (b"<html>busy</html>", "metadata_unreadable"),
        (metadata(chunkDocumentId=document_id(9)), "metadata_mismatch"),
        (metadata(chunkIndex=4), "metadata_mismatch"),
    ],
)
def test_late_or_wrong_metadata_keeps_the_source_until_it_is_right(
    here: World, document: bytes | None, code: str
) -> None:
    """Without it unmixed audio cannot be attributed; the media is safe meanwhile."""
    place = task().metadata_location or ""
    here.source.objects.pop(place)
    if document:
        here.source.objects[place] = document
    here.works(task())
    assert (here.state(), here.record().last_error) == (ChunkState.VERIFIED, code)
    assert list(here.media_blobs().values()) == [wav()]
    assert "delete" not in here.source.calls
    here.source.objects[place] = metadata()
    here.runs(hours=1)
    assert (here.state(), here.record().metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


def test_a_wrong_clock_is_noticed_within_the_second_of_the_last_save(here: World) -> None:
    """The service tells its time in whole seconds: a turn right after another one's learns from it all the same."""
    here.holds(task())
    good = here.source.objects[task().content_location]
    here.source.objects[task().content_location] = b"<html>busy</html>"
    here.works(task())
    here.skew = timedelta(hours=49)
    here.works(task().again())
    assert here.state() is ChunkState.PENDING, "by that clock the deadline is over, and bad bytes would be final"
    here.source.objects[task().content_location] = good
    here.skew = timedelta()
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


def test_metadata_that_drips_is_asked_for_once_a_turn(here: World) -> None:
    """Copy, verify and catalog all want it; each would hold the worker for the whole limit."""
    here.holds(task())
    here.source.fail_next("read_metadata", SourceSlowError("too slow"), times=3)
    here.works(task())
    assert (here.state(), here.source.calls.count("read_metadata")) == (ChunkState.VERIFIED, 1)
    here.works(task())
    assert (here.state(), here.source.calls.count("read_metadata")) == (ChunkState.VERIFIED, 2)
    here.runs(hours=1)
    assert (here.state(), here.record().metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


@pytest.mark.parametrize("wrong", ERRORS_AS_METADATA)
def test_a_document_that_says_nothing_of_the_chunk_is_asked_for_again(
    here: World, wrong: Callable[[bytes], bytes]
) -> None:
    """The true document goes with the source; whatever is served in its place, the media is archived at once."""
    heals = serve_wrongly(here.source, task().metadata_location or "", wrong)
    here.works(task())
    assert (here.state(), here.record().last_error) == (ChunkState.VERIFIED, "metadata_unreadable")
    assert list(here.media_blobs().values()) == [wav()]
    assert "delete" not in here.source.calls
    heals()
    here.runs(hours=1)
    assert (here.state(), here.record().metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


@pytest.mark.parametrize("count", [10, 1000, 14_000])
def test_a_document_of_any_length_is_archived_and_ends_no_chunk(here: World, count: int) -> None:
    """A row has a limit that a document has not; the document itself is archived as served."""
    pauses = [{"startTime": "2026-11-23T08:56:02Z", "duration": 0.001}] * count
    people = [{"participantId": f"8:acs:{number}", "channel": number} for number in range(count // 3)]
    content = json.loads(metadata()) | {"pauseResumeIntervals": pauses, "participants": people}
    here.holds(task(), document=json.dumps(content, separators=(",", ":")).encode())
    here.works(task())
    here.runs(hours=2)
    assert (here.state(), here.record().metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


def test_a_document_with_little_in_it_is_the_chunks_own(here: World) -> None:
    """A length of zero and no participants are seen live; the id says whose document it is."""
    document = json.dumps({"chunkDocumentId": document_id(), "chunkDuration": 0, "participants": []}).encode()
    here.holds(task(), document=document)
    here.works(task())
    assert (here.state(), here.record().metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.ARCHIVED)


@pytest.mark.parametrize("error", [SourceBusyError("503"), SourceGoneError("404"), SourceRefusedError("401")])
def test_one_failed_try_past_the_deadline_is_no_proof_that_there_is_no_metadata(
    here: World, error: SourceError
) -> None:
    """The deadline may be told falsely, and after an outage of our own chunks are worked on late."""
    late = task(expires_at=here.now - timedelta(minutes=5))
    here.holds(late)
    here.source.fail_next("read_metadata", error, times=2)
    here.works(late)
    assert here.state() is ChunkState.VERIFIED
    here.runs(hours=1)
    assert (here.state(), here.record().metadata) == (ChunkState.CATALOGED, MetadataOutcome.ARCHIVED)


@pytest.mark.parametrize("document", [None, b"<html>", metadata(chunkIndex=4)])
def test_at_the_deadline_the_record_says_why_there_is_no_metadata(here: World, document: bytes | None) -> None:
    """What was served is kept as it is; the source is left to expire, it was never proven whole."""
    place = task().metadata_location or ""
    here.source.objects.pop(place)
    if document:
        here.source.objects[place] = document
    here.fakes.queue.send(task())
    here.runs(hours=30)
    record = here.record()
    assert (record.state, record.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert record.metadata is MetadataOutcome.NEVER_CAME
    assert record.metadata_reason
    assert "delete" not in here.source.calls
    stem = (record.blob_name or "").removesuffix(".wav")
    kept = here.fakes.archive.blobs.get(f"{stem}.metadata.json")
    assert (kept.data if kept else None) == document


def test_an_event_without_metadata_location_says_so_and_lets_the_source_go() -> None:
    """There is nothing to wait for; the reason is on record."""
    here = world()
    chunk = task(metadata_location=None)
    here.holds(chunk)
    here.works(chunk)
    assert (here.state(), here.record().metadata) == (ChunkState.SOURCE_DELETED, MetadataOutcome.NOT_ANNOUNCED)
    assert here.receipt()["metadataReason"] == "the event names no metadata location"
