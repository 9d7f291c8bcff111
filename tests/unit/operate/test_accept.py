"""Accept: suspect bytes become the recording by an operator's word, and only so."""

import pytest

from dev.in_memory.builders import metadata, task, wav
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkState, SourceOutcome
from recording.errors import RequestError
from recording.operate.accept import accept_suspect


@pytest.fixture
def here() -> World:
    """A world whose chunk ended with suspect bytes: half of what the metadata tells."""
    made = world()
    made.holds(task(), wav(2000), metadata(chunkDuration=60_000))
    made.fakes.queue.send(task())
    made.runs(hours=22)
    assert made.state() is ChunkState.QUARANTINED
    return made


def test_accepted_bytes_are_the_recording_with_note_receipt_and_audit(here: World) -> None:
    """They keep their name, the receipt says who and why, and the source is left."""
    (suspect,) = here.record().suspects
    accept_suspect(task().key, suspect.blob_name, "The call was cut; heard it.", "operator-1", here.ports)
    here.runs(hours=1)
    record, receipt = here.record(), here.receipt()
    assert (record.state, record.source) == (ChunkState.CATALOGED, SourceOutcome.LEFT_TO_EXPIRE)
    assert (record.blob_name, record.sha256) == (suspect.blob_name, suspect.sha256)
    assert receipt["accepted"]["note"] == "The call was cut; heard it."
    assert receipt["mediaWarning"] == suspect.reason
    assert here.manifest()["complete"] is True
    assert [entry.outcome for entry in here.fakes.audit.written] == ["asked", "done"]
    assert here.source.deleted == []


@pytest.mark.parametrize("note", ["", "  ", "x" * 1001, "bell\x07"])
def test_a_note_is_needed(here: World, note: str) -> None:
    """A decision without a reason cannot be explained later."""
    (suspect,) = here.record().suspects
    with pytest.raises(RequestError):
        accept_suspect(task().key, suspect.blob_name, note, None, here.ports)
    assert here.state() is ChunkState.QUARANTINED


def test_only_bytes_that_are_listed_of_a_held_chunk_can_be_accepted(here: World) -> None:
    """Anything else would let a blob in that nobody has seen."""
    for key, name, code in (
        (task().key, "another.wav", "invalid_request"),
        (task(7).key, "another.wav", "recording_not_found"),
    ):
        with pytest.raises(RequestError) as refused:
            accept_suspect(key, name, "why", None, here.ports)
        assert refused.value.code == code
    assert here.fakes.audit.written == []
