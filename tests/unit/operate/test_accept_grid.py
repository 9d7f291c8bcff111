"""Accept, over the whole grid: each state of the chunk, and each fault of its suspect bytes and its metadata."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from dev.in_memory.builders import metadata, task, wav
from dev.in_memory.hand import HandInArchive, error_as_object
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkRecord, ChunkState, SourceOutcome, Suspect
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_archived, is_finished
from recording.errors import RequestError
from recording.operate.accept import accept_suspect
from recording.operate.verify_recording import verify

BYTES = ["as listed", "deleted", "emptied", "overwritten", "shorter", "in the archive tier"]
METADATA = ["there", "gone", "an error", "of another file", "garbage"]
READ_BACK = [True, False]
STATES = list(ChunkState)
SUSPECT = f"{task().folder}/0000-{task().document_id}.suspect-d6a8a27a56ebf3ff.wav"
MEDIA = wav(2000)


def _world(*, read_back: bool) -> World:
    """ACS has a file that plays two of the sixty seconds its metadata speaks of."""
    made = world(verify_readback=read_back)
    made.holds(task(), MEDIA, metadata(chunkDuration=60_000))
    made.fakes.archive.put_media(
        SUSPECT, memoryview(MEDIA), "audio/wav", {"recordingid": task().recording_id, "documentid": task().document_id}
    )
    return made


def _held(here: World, state: ChunkState) -> ChunkRecord:
    digest = hashlib.sha256(MEDIA).hexdigest()
    suspect = Suspect(blob_name=SUSPECT, sha256=digest, length_bytes=len(MEDIA), reason="plays 2 s", at=here.now)
    made = ChunkRecord(task=task(), first_seen_at=here.now, changed_at=here.now, suspects=(suspect,), attempts=25)
    facts: dict[str, Any] = {"state": state, "last_error": "media_suspect"}
    if state is ChunkState.QUARANTINED:
        facts["quarantine_reason"] = "media_suspect"
    here.fakes.catalog.add_chunk(changed(made, **facts))
    return here.record()


def _break(here: World, bytes_: str, document: str) -> None:
    hand, blobs = HandInArchive(here.fakes.archive), here.fakes.archive.blobs
    if bytes_ == "deleted":
        hand.deletes(SUSPECT)
    elif bytes_ == "emptied":
        hand.empties(SUSPECT)
    elif bytes_ == "overwritten":
        hand.overwrites(SUSPECT)
    elif bytes_ == "shorter":
        blobs[SUSPECT] = replace(blobs[SUSPECT], data=MEDIA[:-10], etag='"hand"')
    elif bytes_ == "in the archive tier":
        here.fakes.archive.tiers[SUSPECT] = "Archive"
    place = task().metadata_location or ""
    objects = here.source.objects
    if document == "gone":
        del objects[place]
    elif document != "there":
        wrong = {"an error": error_as_object(b""), "of another file": metadata(task(1)), "garbage": b"\xff\x00{"}
        objects[place] = wrong[document]


def _check(here: World, cell: tuple[object, ...]) -> None:
    """Check the end: archived with the bytes that are said, or held with all that is stored; the source is left."""
    record, blobs = here.record(), here.fakes.archive.blobs
    assert is_finished(record), cell
    assert here.source.deleted == [], cell
    if is_archived(record):
        name = record.blob_name or ""
        assert record.source is SourceOutcome.LEFT_TO_EXPIRE, cell
        assert hashlib.sha256(blobs[name].data).hexdigest() == record.sha256 == here.receipt()["sha256"], cell
        assert len(blobs[name].data) == record.length_bytes, cell
        found = verify(task().recording_id, here.ports, here.settings)
        assert found is not None
        assert not found.differences, (cell, found)
        assert found.is_proved or here.fakes.archive.tiers, (cell, found)
    else:
        assert record.state is ChunkState.QUARANTINED, cell
        assert record.quarantine_reason, cell
        listed = {suspect.blob_name for suspect in record.suspects}
        assert listed >= set(here.media_blobs()), (cell, "what is stored is listed")


@pytest.mark.slow
@pytest.mark.parametrize("read_back", READ_BACK)
@pytest.mark.parametrize("bytes_", BYTES)
def test_every_cell_of_a_held_chunk_ends_proved_or_held(bytes_: str, *, read_back: bool) -> None:
    """An operator accepts days later, and finds things as they are then."""
    for document in METADATA:
        here = _world(read_back=read_back)
        here.fakes.clock.advance(hours=10 if read_back else 30)  # before and after the deadline
        _held(here, ChunkState.QUARANTINED)
        _break(here, bytes_, document)
        accept_suspect(task().key, SUSPECT, "heard it", "operator-1", here.ports)
        here.runs(hours=60)
        _check(here, (bytes_, document, read_back))


@pytest.mark.parametrize("state", [state for state in STATES if state is not ChunkState.QUARANTINED])
@pytest.mark.parametrize("bytes_", BYTES)
def test_in_every_other_state_nothing_is_accepted_or_changed(state: ChunkState, bytes_: str) -> None:
    """A chunk in work has a worker that may finish it; a finished one has its bytes."""
    for document in METADATA:
        here = _world(read_back=True)
        before = _held(here, state)
        _break(here, bytes_, document)
        with pytest.raises(RequestError):
            accept_suspect(task().key, SUSPECT, "heard it", "operator-1", here.ports)
        assert here.record() == before
        assert here.fakes.audit.written == []
        assert here.fakes.queue.sent == []
