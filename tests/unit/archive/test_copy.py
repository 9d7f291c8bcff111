"""What a copy finds in the archive: other bytes, changed bytes, its own earlier commit."""

from dataclasses import replace

import pytest

from dev.in_memory.builders import document_id, metadata, task, wav
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkState
from recording.errors import (
    StorageBusyError,
)
from recording.settings.values import MediaCheck


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


@pytest.mark.parametrize("told", ["", "nan", "1e400", "-1", "two", "1_0", "٣", " 7", "9" * 40])
def test_a_length_that_another_hand_wrote_beside_an_earlier_commit_is_absent(here: World, told: str) -> None:
    """The chunk was tried, with the same failure, until ACS forgot the file."""
    here.fakes.archive.fail_next("put_media", StorageBusyError("lost"), after=True)
    here.fakes.queue.send(task())
    here.runs_due()
    ((name, blob),) = [(name, blob) for name, blob in here.fakes.archive.blobs.items() if name.endswith(".wav")]
    here.fakes.archive.blobs[name] = replace(blob, facts={**blob.facts, "durationms": told})
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.source.calls.count("open_content") == 1


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
