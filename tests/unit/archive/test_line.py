"""The line of one chunk: claim ▸ copy ▸ verify ▸ catalog ▸ delete source, and what each failure leads to."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import CONTAINER, document_id, location, metadata, mp3, mp4, settings, task, wav
from dev.in_memory.world import World, world
from recording.domain.formats import FormatType
from recording.domain.state.chunk import ChunkState, ChunkTask, Home, MetadataOutcome, SourceOutcome
from recording.errors import (
    ClaimLostError,
    ContentConflictError,
    RecordingError,
    SourceBrokenError,
    SourceBusyError,
    SourceError,
    SourceGoneError,
    SourceRefusedError,
    SourceSlowError,
    StorageBusyError,
    StorageError,
    StorageRefusedError,
)
from recording.errors.codes import Code
from recording.settings.values import MediaCheck


@pytest.fixture
def here() -> World:
    """A world in which ACS holds one good chunk."""
    fresh = world()
    fresh.holds(task())
    return fresh


# --- the good case ---------------------------------------------------------------------------------------------------


def test_a_chunk_is_copied_verified_cataloged_and_then_deleted(here: World) -> None:
    """The promise, in its shortest form."""
    here.works(task())
    record = here.record()
    assert (record.state, record.source) == (ChunkState.SOURCE_DELETED, SourceOutcome.DELETED)
    assert here.media_blobs() == {record.blob_name: wav()}
    assert here.source.deleted == [task().delete_location]
    assert (here.fakes.queue.tasks, here.fakes.quarantine.kept) == ([], {})


def test_the_papers_lie_beside_the_media(here: World) -> None:
    """Raw metadata, receipt and manifest: what makes a file evidence."""
    here.works(task())
    stem = (here.record().blob_name or "").removesuffix(".wav")
    blobs = here.fakes.archive.blobs
    assert blobs[f"{stem}.metadata.json"].data == metadata()
    assert blobs[f"{stem}.wav"].media_type == "audio/wav"
    assert here.receipt()["verifiedHow"] == [
        "length equals the source's declared total",
        "SHA-256 of the bytes as read from the source",
        "opens as wav",
        "read back whole: same length and SHA-256",
        "duration agrees with the metadata minus pauses",
    ]
    assert (here.manifest()["complete"], here.manifest()["missingIndexes"]) == (True, [])


def test_the_order_of_the_effects_is_the_promise(here: World) -> None:
    """Each step is durable before the next begins, and the delete is the last thing that touches the media."""
    here.works(task())
    archive = [call for call in here.fakes.archive.calls if call in ("put_media", "fill", "put_once")]
    assert archive == ["put_media", "fill", "put_once", "put_once"]
    assert here.source.calls[-1] == "delete"


@pytest.mark.parametrize(
    ("media", "changes", "extension"),
    [
        (mp3(), {"format": FormatType.MP3}, "mp3"),
        (mp4(), {"format": FormatType.MP4}, "mp4"),
        (mp3(), {"format": None}, "mp3"),
    ],
)
def test_the_extension_is_the_formats(media: bytes, changes: dict[str, Any], extension: str) -> None:
    """Locations end in /content/video even for MP3; the format field, the metadata or the bytes decide."""
    here = world()
    chunk = task(**changes, metadata_location=None)
    here.holds(chunk, media)
    here.works(chunk)
    assert (here.record().blob_name or "").endswith(f".{extension}")
    assert here.state() is ChunkState.SOURCE_DELETED


def test_the_metadata_tells_the_format_that_the_event_does_not() -> None:
    """Type fields are missing in older events."""
    here = world()
    chunk = task(format=None)
    here.holds(chunk, mp3(), metadata(recordingInfo={"format": "mp3"}))
    here.works(chunk)
    assert (here.record().format, here.state()) == (FormatType.MP3, ChunkState.SOURCE_DELETED)


def test_without_readback_the_committed_length_is_compared(here: World) -> None:
    """The cheaper proof that an operator may choose; the receipt says which one it was."""
    here.settings = settings(verify_readback=False)
    here.works(task())
    assert "read" not in here.fakes.archive.calls
    assert "each block verified by the service; committed length compared" in here.receipt()["verifiedHow"]
    assert here.state() is ChunkState.SOURCE_DELETED


def test_a_tiny_recording_is_archived() -> None:
    """Somebody joins and leaves: less than a second, nobody in the list."""
    here = world()
    here.holds(task(recording_duration_ms=700), wav(700), metadata(chunkDuration=700, participants=[]))
    here.works(task(recording_duration_ms=700))
    assert here.state() is ChunkState.SOURCE_DELETED


# --- failures that time may mend -------------------------------------------------------------------------------------

RETRYABLE: list[RecordingError] = [
    SourceBusyError("busy"),
    SourceRefusedError("401"),
    SourceGoneError("404"),
    SourceBrokenError("short", code=Code.SOURCE_SHORT),
    StorageBusyError("busy"),
    StorageRefusedError("403"),
    StorageError("broken"),
]
PLACES = [
    ("source", "open_content"),
    ("source", "read_metadata"),
    ("source", "delete"),
    ("archive", "stage_block"),
    ("archive", "staged_blocks"),
    ("archive", "commit"),
    ("archive", "committed_blocks"),
    ("archive", "put_media"),
    ("archive", "put_once"),
    ("archive", "put_if_unchanged"),
    ("archive", "get"),
    ("archive", "look_up"),
    ("archive", "fill"),
    ("catalog", "save_chunk"),
    ("catalog", "chunks_of"),
    ("catalog", "get_recording"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("place", PLACES, ids=".".join)
@pytest.mark.parametrize("error", RETRYABLE, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("block_bytes", [None, 1000], ids=["one block", "blocks"])
def test_a_failure_that_time_may_mend_is_tried_again_and_ends_in_the_same_archive(
    error: RecordingError, place: tuple[str, str], after: bool, block_bytes: int | None
) -> None:
    """Every failure class at every port, before and after its effect: a lost answer is as common as a lost question."""
    here = world(copy_block_bytes=block_bytes)
    here.holds(task())
    port, method = place
    is_possible = isinstance(error, SourceError) is (port == "source")
    if not is_possible:
        error = SourceBusyError("busy") if port == "source" else StorageBusyError("busy")
    getattr(here.fakes, port).fail_next(method, error, after=after)
    here.fakes.queue.send(task())
    here.runs(hours=3)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert list(here.media_blobs().values()) == [wav()]
    assert here.fakes.quarantine.kept == {}


def test_a_failed_try_says_why_and_when_the_next_one_comes(here: World) -> None:
    """An operator who looks sees what is going on (I4)."""
    here.source.fail_next("open_content", SourceBusyError("busy", code=Code.SOURCE_BUSY))
    here.works(task())
    record = here.record()
    assert (record.state, record.last_error, record.attempts) == (ChunkState.PENDING, Code.SOURCE_BUSY, 1)
    assert record.claim_owner is None
    (again, visible_at) = here.fakes.queue.sent[0]
    assert again == task().again()
    assert record.next_attempt_at == visible_at > here.now


def test_the_services_retry_after_is_obeyed_by_the_queue_and_not_by_sleeping(here: World) -> None:
    """A function has ten minutes; an hour of waiting belongs to the queue."""
    here.source.fail_next("open_content", SourceBusyError("busy", retry_after=timedelta(minutes=50)))
    here.works(task())
    assert here.fakes.queue.sent[0][1] == here.now + timedelta(minutes=50)


def test_waits_grow_from_try_to_try(here: World) -> None:
    """Hammering makes a busy service busier."""
    waits = []
    for _ in range(6):
        here.source.fail_next("open_content", SourceBusyError("busy"))
        (message, visible_at) = here.fakes.queue.sent.pop() if here.fakes.queue.sent else (task(), here.now)
        here.fakes.clock.advance(seconds=(visible_at - here.now).total_seconds())
        here.works(message)
        waits.append(here.fakes.queue.sent[0][1] - here.now)
    assert waits[5] > waits[3] > waits[1] > timedelta()


def test_a_first_download_of_nothing_is_not_believed(here: World) -> None:
    """0 bytes on the first download after idle time is a known fault; the second is whole."""
    here.source.declared[task().content_location] = 0
    here.source.truncated[task().content_location] = 0
    here.works(task())
    assert (here.record().last_error, here.media_blobs()) == ("source_empty", {})
    here.source.declared.clear()
    here.source.truncated.clear()
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("cut", [0, 1, 20_000, len(wav()) - 1])
@pytest.mark.parametrize("how", ["truncated", "broken"])
def test_a_download_that_ends_early_commits_nothing(here: World, how: str, cut: int) -> None:
    """A stream may break loudly or just end; both are shorter than declared."""
    getattr(here.source, how)[task().content_location] = cut
    here.works(task())
    assert here.media_blobs() == {}
    assert here.state() is ChunkState.PENDING
    getattr(here.source, how).clear()
    here.runs(hours=1)
    assert list(here.media_blobs().values()) == [wav()]


@pytest.mark.parametrize("declared", [None, 10, 10**9])
def test_a_source_that_declares_nothing_or_something_else_is_not_believed(here: World, declared: int | None) -> None:
    """Length is the only fact of the source that the bytes can be held against."""
    here.source.declared[task().content_location] = declared
    here.works(task())
    assert (here.state(), here.media_blobs()) == (ChunkState.PENDING, {})


def test_a_copy_that_takes_too_long_goes_back_to_the_queue() -> None:
    """The host ends a function after half an hour; until then the work must be handed on."""
    here = world(copy_time_budget=timedelta(minutes=1), claim_length=timedelta(hours=1), copy_block_bytes=65_536)
    here.holds(task(), wav(150_000))
    stage = here.fakes.archive.stage_block

    def slowly(name: str, block_id: str, data: bytes | bytearray | memoryview, crc64: int | None = None) -> None:
        here.fakes.clock.advance(minutes=2)
        stage(name, block_id, data, crc64)

    here.fakes.archive.stage_block = slowly  # type: ignore[method-assign]  # a slow network
    here.works(task())
    assert (here.record().last_error, here.media_blobs()) == ("copy_paused", {})


# --- metadata --------------------------------------------------------------------------------------------------------


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


# --- media that does not open ----------------------------------------------------------------------------------------

BROKEN = wav()[:36] + b"junk" + wav()[40:]


def test_media_that_does_not_open_is_fetched_again_before_it_is_believed(here: World) -> None:
    """One bad download is a fault of the network; nothing is committed for it."""
    here.source.objects[task().content_location] = BROKEN
    here.works(task())
    assert (here.record().last_error, here.media_blobs()) == ("media_unreadable", {})
    here.source.objects[task().content_location] = wav()
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


def test_media_that_never_opens_is_kept_beside_and_quarantined_and_its_source_kept(here: World) -> None:
    """The same bytes for hours are what ACS really has: keep them, tell a person, delete nothing, spoil no name."""
    here.holds(task(), BROKEN)
    here.fakes.queue.send(task())
    here.runs(hours=22)
    record = here.record()
    assert (record.state, record.quarantine_reason, record.blob_name) == (ChunkState.QUARANTINED, "media_suspect", None)
    ((name, kept),) = here.media_blobs().items()
    assert (".suspect-" in name, kept) == (True, BROKEN)
    assert [suspect.blob_name for suspect in record.suspects] == [name]
    assert here.manifest()["chunks"][0]["suspects"][0]["blobName"] == name
    assert here.fakes.quarantine.reasons == ["media_suspect"]
    assert "delete" not in here.source.calls


def test_media_that_plays_too_short_is_treated_like_media_that_does_not_open(here: World) -> None:
    """A file of the declared length may still be half a call."""
    here.holds(task(), wav(2000), metadata(chunkDuration=60_000))
    here.fakes.queue.send(task())
    here.runs(hours=22)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["media_suspect"])
    assert "delete" not in here.source.calls


def test_late_metadata_may_show_that_the_media_is_too_short(here: World) -> None:
    """The check is made again when there is something to compare with; the bytes are not the recording any more."""
    place = task().metadata_location or ""
    here.source.objects.pop(place)
    here.works(task())
    here.source.objects[place] = metadata(chunkDuration=60_000)
    here.runs(hours=22)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["media_suspect"])
    assert (here.record().blob_name, len(here.record().suspects)) == (None, 1)
    assert "delete" not in here.source.calls


def test_an_object_that_was_still_growing_does_not_take_the_place_of_the_finished_one(here: World) -> None:
    """Announced too early: the first download is whole by its own declaration, and half a file."""
    here.source.objects[task().content_location] = wav()[:30_000]
    here.works(task())
    assert here.media_blobs() == {}
    here.source.objects[task().content_location] = wav()
    here.runs(hours=1)
    assert (list(here.media_blobs().values()), here.state()) == ([wav()], ChunkState.SOURCE_DELETED)


def test_bytes_that_became_better_after_late_metadata_are_the_recording(here: World) -> None:
    """The first ones stay listed beside it; nothing was replaced."""
    place, short, good = task().metadata_location or "", wav(500), wav(20_000)
    here.holds(task(), good, metadata(chunkDuration=20_000))
    document = here.source.objects.pop(place)
    here.source.objects[task().content_location] = short
    here.works(task())
    assert here.state() is ChunkState.VERIFIED
    here.source.objects |= {place: document, task().content_location: good}
    here.runs(hours=2)
    assert (here.state(), here.receipt()["blobName"][-7:]) == (ChunkState.SOURCE_DELETED, ".v2.wav")
    assert sorted(here.media_blobs().values()) == sorted([short, good])


@pytest.mark.parametrize("check", [MediaCheck.WARN, MediaCheck.OFF])
def test_an_operator_may_let_suspect_media_pass(check: MediaCheck) -> None:
    """With `warn` the receipt carries the finding; with `off` nobody looks."""
    here = world(media_check=check)
    here.holds(task(), BROKEN)
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED
    assert bool(here.receipt()["mediaWarning"]) is (check is MediaCheck.WARN)
    assert here.receipt()["mediaFault"] is None


@pytest.mark.parametrize("check", [MediaCheck.WARN, MediaCheck.OFF])
def test_an_earlier_copy_of_suspect_media_passes_as_well(check: MediaCheck) -> None:
    """A worker that died after its commit must not change what the operator chose."""
    here = world(media_check=check)
    here.holds(task(), BROKEN)
    here.fakes.archive.fail_next("put_media", StorageBusyError("lost"), after=True)
    here.fakes.queue.send(task())
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.receipt()["mediaFault"] is None


# --- what is found in the archive ------------------------------------------------------------------------------------


def test_other_bytes_under_the_name_are_never_replaced(here: World) -> None:
    """Same key, other content: both are kept, a person is told, the source stays (I3)."""
    name = "2026/11/23/call/recording/0000-" + document_id() + ".wav"
    here.fakes.archive.stage_block(name, "x", b"other")
    here.fakes.archive.commit(name, ["x"], "audio/wav", {"source": "another object"})
    here.works(task())
    assert here.media_blobs()[name] == b"other"
    assert sorted(here.media_blobs().values()) == sorted([b"other", wav()])
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["content_conflict"])
    assert "delete" not in here.source.calls


def test_bytes_of_a_hand_under_the_name_are_left_there_and_the_recording_takes_the_next(here: World) -> None:
    """Nobody's recording: nothing is replaced, and nothing waits for a person."""
    name = "2026/11/23/call/recording/0000-" + document_id() + ".wav"
    here.fakes.archive.put_media(name, memoryview(b"other"), "audio/wav", {})
    here.fakes.queue.send(task())
    here.runs(hours=1)
    assert here.media_blobs() == {name: b"other", name.replace(".wav", ".v2.wav"): wav()}
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.receipt()["suspects"][0]["blobName"] == name


def test_a_blob_that_changed_after_its_commit_is_found(here: World) -> None:
    """The read-back: what the archive gives is not what was read from the source."""
    put = here.fakes.archive.put_media

    def corrupting(name: str, *rest: object) -> bool:
        done = put(name, *rest)  # type: ignore[arg-type]  # passes on what it was given
        blob = here.fakes.archive.blobs[name]
        here.fakes.archive.blobs[name] = type(blob)(blob.data[:-1] + b"?", blob.media_type, blob.facts, blob.etag)
        return done

    here.fakes.archive.put_media = corrupting  # type: ignore[method-assign,assignment]
    here.fakes.queue.send(task())
    here.runs(hours=2)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["stored_differs"])
    assert "delete" not in here.source.calls


def test_a_commit_whose_answer_was_lost_is_found_again(here: World) -> None:
    """A retry that finds its own bytes is success, not a conflict; the source is not read twice."""
    here.fakes.archive.fail_next("put_media", StorageBusyError("lost"), after=True)
    here.fakes.queue.send(task())
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.source.calls.count("open_content") == 1


def test_a_blob_committed_before_the_source_was_forgotten_is_not_lost() -> None:
    """No type in the event, metadata gone with the media: the committed copy is found by its mark all the same."""
    here = world()
    chunk = here.holds(task(format=None))
    here.fakes.archive.fail_next("put_media", StorageBusyError("lost"), after=True)
    here.works(chunk)
    here.forgets(chunk)
    here.runs(hours=48)
    assert list(here.media_blobs().values()) == [wav()]
    assert here.state() is ChunkState.CATALOGED


def test_metadata_that_comes_between_two_tries_does_not_make_a_second_blob() -> None:
    """Exactly one media blob for a chunk (I3), even when the papers give the format another name than the bytes."""
    here = world(media_check=MediaCheck.WARN)
    chunk = here.holds(task(format=None), document=b"")
    here.fakes.archive.fail_next("put_media", StorageBusyError("lost"), after=True)
    here.works(chunk)
    here.source.objects[chunk.metadata_location or ""] = metadata(recordingInfo={"format": "mp3"})
    here.truth[document_id()] = wav(), metadata(recordingInfo={"format": "mp3"})
    here.runs(hours=2)
    assert len(here.media_blobs()) == 1


# --- the source ------------------------------------------------------------------------------------------------------


def test_a_source_that_is_gone_already_counts_as_deleted(here: World) -> None:
    """The delete's answer was lost, or ACS was faster: 404 is what was wanted."""
    here.source.fail_next("delete", SourceBusyError("lost"), after=True)
    here.fakes.queue.send(task())
    here.runs(hours=1)
    assert (here.state(), here.record().source) == (ChunkState.SOURCE_DELETED, SourceOutcome.ALREADY_GONE)


@pytest.mark.parametrize("reason", ["foreign_host", "unsafe_location", "metadata_refused"])
def test_a_delete_location_that_the_event_named_and_ingest_refused_is_told_as_refused(reason: str) -> None:
    """The event did name one: who looks into it must not be told that ACS sent none."""
    here = world()
    chunk = task(delete_location=None, delete_refused=reason)
    here.holds(chunk)
    here.works(chunk)
    assert here.record().source is SourceOutcome.LEFT_TO_EXPIRE
    assert here.record().source_reason == f"the delete location was refused: {reason}"


@pytest.mark.parametrize(
    ("delete", "words"),
    [
        (None, "names no delete location"),
        (location(document_id(9), ""), "names another object"),
        (location("", "").rstrip("/"), "names another object"),
        ("https://evil.example/v1/objects/x", "foreign_host"),
        ("http://weu-storage.asm.skype.com/v1", "unsafe_location"),
    ],
)
def test_a_delete_location_that_cannot_be_trusted_is_not_called(delete: str | None, words: str) -> None:
    """A published sample names another document; it is left to expire, and the record says so."""
    here = world()
    chunk = task(delete_location=delete)
    here.holds(chunk)
    here.works(chunk)
    record = here.record()
    assert (record.state, record.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert words in (record.source_reason or "")
    assert "delete" not in here.source.calls


@pytest.mark.parametrize("error", [SourceRefusedError("403"), SourceBusyError("503")])
def test_a_refused_delete_is_asked_again_until_the_deadline_and_then_left(here: World, error: SourceError) -> None:
    """The recording is safe; the source goes by itself in the end."""
    here.source.fail_next("delete", error, times=10_000)
    here.fakes.queue.send(task())
    here.runs(hours=30)
    record = here.record()
    assert (record.state, record.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert record.source_reason == "the deadline has passed"
    assert (here.fakes.queue.tasks, here.fakes.quarantine.kept) == ([], {})


def test_nothing_is_deleted_after_the_deadline(here: World) -> None:
    """ACS deletes by itself then; a late DELETE proves nothing and risks what took the id over."""
    here.fakes.clock.advance(hours=25)
    here.works(task())
    assert (here.state(), here.record().source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert "delete" not in here.source.calls


# --- the deadline ----------------------------------------------------------------------------------------------------


def test_trying_ends_at_the_deadline_and_not_at_a_count(here: World) -> None:
    """A chunk that was never there is tried for as long as it may come (I9), then it is an alarm (I2)."""
    here.forgets(task())
    here.fakes.queue.send(task())
    here.runs(hours=23)
    assert (here.state(), here.record().attempts > 40) == (ChunkState.PENDING, True)
    here.runs(hours=5)
    assert (here.state(), here.record().last_error) == (ChunkState.EXPIRED, "source_not_found")
    assert here.fakes.queue.tasks == []


def test_a_chunk_found_after_the_deadline_is_archived_if_acs_still_has_it(here: World) -> None:
    """The start of ACS's clock is unknown; 24 h are promised, 48 were."""
    here.fakes.clock.advance(hours=40)
    here.works(task())
    assert (here.state(), list(here.media_blobs().values())) == (ChunkState.CATALOGED, [wav()])


@pytest.mark.parametrize("method", ["stage_block", "commit", "put_media"])
def test_an_outage_of_our_own_storage_does_not_end_at_the_deadline(method: str) -> None:
    """ACS may keep it longer than promised; giving up is for what ACS has lost, not for what we cannot write."""
    here = world(copy_block_bytes=None if method == "put_media" else 1024)
    here.holds(task())
    here.fakes.archive.fail_next(method, StorageBusyError("down"), times=10_000)
    here.fakes.queue.send(task())
    here.runs(hours=26)
    assert here.state() is ChunkState.PENDING
    here.fakes.archive._failures[method].clear()
    here.runs(hours=3)
    assert list(here.media_blobs().values()) == [wav()]


@pytest.mark.parametrize(
    ("port", "method"), [("archive", "read"), ("archive", "put_once"), ("archive", "put_if_unchanged")]
)
def test_what_is_archived_never_expires(here: World, port: str, method: str) -> None:
    """The bytes are safe; however long storage is down, the chunk is finished and not called lost."""
    getattr(here.fakes, port).fail_next(method, StorageBusyError("down"), times=200)
    here.fakes.queue.send(task())
    here.runs(hours=200)
    assert here.state() in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED)


# --- bring your own storage ------------------------------------------------------------------------------------------

EXTERNAL = task(
    home=Home.EXTERNAL,
    content_location=f"{CONTAINER}/20261123/call/0.wav",
    metadata_location=f"{CONTAINER}/20261123/call/0.json",
    delete_location=None,
)


def test_a_file_in_the_customers_own_storage_is_proved_where_it_lies_and_never_deleted() -> None:
    """It is their only copy: read, hashed, described; not copied, not touched."""
    here = world()
    here.fakes.external.objects |= {EXTERNAL.content_location: wav(), EXTERNAL.metadata_location or "": metadata()}
    here.works(EXTERNAL)
    record = here.record(EXTERNAL)
    assert (record.state, record.source) == (ChunkState.CATALOGED, SourceOutcome.NOT_OURS)
    assert here.media_blobs() == {}
    assert here.source.calls == []
    assert here.receipt(EXTERNAL)["externalLocation"] == EXTERNAL.content_location
    assert here.manifest()["complete"]


def test_an_external_file_that_changes_between_two_reads_is_read_anew() -> None:
    """Two reads must agree before anything is promised about it; one that was written to meanwhile is no loss."""
    here = world()
    here.fakes.external.objects |= {EXTERNAL.content_location: wav(), EXTERNAL.metadata_location or "": metadata()}
    save = here.fakes.catalog.save_chunk

    def changing(record: object) -> object:
        saved = save(record)  # type: ignore[arg-type]  # passes on what it was given
        if saved.state is ChunkState.COPIED:
            here.fakes.external.objects[EXTERNAL.content_location] = wav()[:-2] + b"??"
        return saved

    here.fakes.catalog.save_chunk = changing  # type: ignore[method-assign,assignment]
    here.works(EXTERNAL)
    assert (here.state(EXTERNAL), here.record(EXTERNAL).last_error) == (ChunkState.PENDING, "source_changed")
    here.runs(hours=1)
    assert here.state(EXTERNAL) is ChunkState.CATALOGED
    assert here.record(EXTERNAL).sha256 == hashlib.sha256(wav()[:-2] + b"??").hexdigest()


# --- what is no task, and what nobody can arrange --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", '{"version": 1}', task().model_dump_json().replace('"index":0', '"index":-1')]
)
def test_a_message_that_is_no_task_is_kept_for_a_person(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """Dropping it would lose a recording; delivering it again would never end."""
    here = world()
    here.fakes.queue.poison("x")
    from recording.archive.line import archive_message

    archive_message(text, here.ports, here.settings)
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, entry.payload, entry.came_from) == ("unreadable_task", text, "chunk_queue")
    assert 'recording.event.rejected reason="unreadable_task"' in caplog.text
    assert here.source.calls == []


def test_an_unsafe_location_in_a_task_makes_no_request() -> None:
    """The guard is asked again where the request is made (I5, I6)."""
    here = world()
    here.works(task(content_location="https://evil.example/x", metadata_location=None))
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["foreign_host"])


def test_when_not_even_the_queue_answers_the_host_delivers_again(here: World) -> None:
    """Returning would let the message go, and nothing would carry the chunk on."""
    here.source.fail_next("open_content", SourceBusyError("busy"))
    here.fakes.queue.fail_next("send", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.works(task())


@pytest.mark.parametrize("method", ["get_chunk", "add_chunk"])
def test_when_the_catalog_does_not_answer_the_host_delivers_again(here: World, method: str) -> None:
    """Without a claim nothing may be done, and without a record nothing can be said."""
    here.fakes.catalog.fail_next(method, StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.works(task())
    assert here.source.calls == []


def test_an_entry_that_cannot_be_kept_leaves_the_chunk_unfinished(here: World) -> None:
    """A terminal state without its entry would be a loss that nobody sees (I2)."""
    here.holds(task(), BROKEN)
    here.fakes.quarantine.fail_next("put", StorageBusyError("down"), times=3)
    here.fakes.queue.send(task())
    here.runs(hours=22)
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["media_suspect"])


def test_a_non_retryable_error_of_storage_is_quarantined(here: World) -> None:
    """Other bytes under a name are for a person, wherever they are met."""
    here.fakes.archive.fail_next("put_once", ContentConflictError("other bytes"))
    here.works(task())
    assert (here.state(), here.fakes.quarantine.reasons) == (ChunkState.QUARANTINED, ["content_conflict"])
    assert "delete" not in here.source.calls


@pytest.mark.parametrize("paper", [".metadata.json", ".receipt.json"])
def test_a_paper_that_is_refused_as_present_and_is_not_there_keeps_the_source(here: World, paper: str) -> None:
    """A refusal (409, 412) has many reasons; the fault matrix found sources deleted without their papers."""
    put_once, refused = here.fakes.archive.put_once, list[str]()

    def refusing(name: str, data: bytes, media_type: str) -> bool:
        if name.endswith(paper) and not refused:
            refused.append(name)
            return False
        return put_once(name, data, media_type)

    here.fakes.archive.put_once = refusing  # type: ignore[method-assign]  # one refusal without a reason
    here.works(task())
    assert (here.record().last_error, here.source.deleted) == ("storage_busy", [])
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert refused[0] in here.fakes.archive.blobs


def test_a_quarantine_entry_holds_the_task_to_redrive() -> None:
    """A person who has mended the cause can put it back to work from the entry alone."""
    here = world()
    bad = task(content_location="https://evil.example/x", metadata_location=None)
    here.works(bad)
    (entry,) = here.fakes.quarantine.kept.values()
    assert ChunkTask.model_validate_json(entry.payload) == bad
    assert (entry.recording_id, entry.document_id) == (bad.recording_id, bad.document_id)


def test_a_lost_claim_changes_nothing_and_comes_back(here: World) -> None:
    """The record changed under this worker; what it has not saved is not its to save."""
    here.fakes.catalog.fail_next("save_chunk", ClaimLostError("changed"))
    here.works(task())
    assert here.source.calls == []
    assert here.fakes.queue.sent == [(task(), here.now + timedelta(seconds=1))]


def test_the_manifest_lists_every_chunk_and_every_gap() -> None:
    """Chunk 1 of three was never announced."""
    here = world()
    for index in (2, 0):
        here.works(here.holds(task(index, end_reason="SessionEnded" if index == 2 else "ChunkMaximumSizeExceeded")))
    told = here.manifest()
    assert ([entry["index"] for entry in told["chunks"]], told["missingIndexes"]) == ([0, 2], [1])
    assert told["complete"] is False
    assert json.dumps(told).count("archived") == 2


def test_a_small_chunk_makes_no_call_whose_answer_is_known(here: World) -> None:
    """Most chunks are small, and storage operations are what they cost: each one here is part of the proof."""
    here.works(task())
    archive = [call for call in here.fakes.archive.calls if not call.startswith("_")]
    assert "committed_blocks" not in archive, "what was put at once has no list of blocks"
    assert archive.index("put_once") < archive.index("get"), "the first turn knows that no document is there yet"
    assert archive.count("get") == 3  # the manifest's, before it is written; receipt and metadata, before the delete
