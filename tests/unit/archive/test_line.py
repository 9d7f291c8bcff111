"""The line of one chunk: its good case, the order of its effects, and its deadline."""

from typing import Any

import pytest

from dev.in_memory.builders import metadata, mp3, mp4, settings, task, wav
from dev.in_memory.world import World, world
from recording.domain.formats import FormatType
from recording.domain.state.chunk import ChunkState, SourceOutcome
from recording.errors import (
    StorageBusyError,
)


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


@pytest.mark.slow
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


@pytest.mark.parametrize("error", [ValueError("odd"), OverflowError("odd"), RecursionError(), TypeError("odd")])
def test_odd_content_that_breaks_a_step_is_told_and_tried_again(error: Exception) -> None:
    """The host delivered the message again and again, with nothing on record."""
    here = world()
    here.holds(task())
    plain, calls = here.fakes.archive.put_media, iter(range(99))

    def odd(*args: Any) -> Any:
        if next(calls) < 3:
            raise error
        return plain(*args)

    here.fakes.archive.put_media = odd  # type: ignore[method-assign,assignment]
    here.works(task())
    assert (here.state(), here.record().last_error) == (ChunkState.PENDING, "unreadable_record")
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
