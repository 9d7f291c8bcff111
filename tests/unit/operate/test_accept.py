"""Accept: suspect bytes become the recording by an operator's word, and only so."""

import hashlib

import pytest

from dev.in_memory.builders import metadata, task, wav
from dev.in_memory.hand import HandInArchive
from dev.in_memory.world import World, intercept, leave_alone, world
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkState, SourceOutcome
from recording.domain.state.transitions import is_left_at_that, moved
from recording.errors import RequestError, StorageBusyError
from recording.operate.accept import accept_suspect
from recording.operate.attention import needs_attention
from recording.operate.decide import dismiss
from recording.operate.held import redrive


@pytest.fixture
def here() -> World:
    """A world whose chunk ended with suspect bytes: half of what the metadata tells."""
    return _held()


def _held() -> World:
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


def test_a_dismissal_does_not_hide_what_becomes_of_bytes_that_are_accepted_later(here: World) -> None:
    """It was about the reason of that time; accepted bytes that were damaged meanwhile are a new one."""
    (suspect,) = here.record().suspects
    dismiss(HeldFilter(reason="media_suspect"), "Nothing to be done.", "operator-1", here.ports, here.settings)
    accept_suspect(task().key, suspect.blob_name, "Heard it after all.", "operator-2", here.ports)
    HandInArchive(here.fakes.archive).overwrites(suspect.blob_name)
    here.forgets(task())
    here.runs(hours=24 * 12, until_quiet=False)
    assert here.state() is ChunkState.QUARANTINED
    assert not is_left_at_that(here.record())
    assert [item.reason for item in needs_attention(here.ports, here.settings).items]


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


@pytest.mark.parametrize("days", [0, 10])
def test_bytes_accepted_long_after_the_deadline_survive_a_failure_at_any_port_call(days: int) -> None:
    """They were counted as tried in vain since they were stored: one failure quarantined them again."""
    calls = 0
    while True:
        again = _held()
        again.fakes.clock.advance(hours=24 * days)
        (suspect,) = again.record().suspects
        accept_suspect(task().key, suspect.blob_name, "heard it", "operator-1", again.ports)
        seen = 0

        def decide(_port: str, _method: str, at: int = calls) -> tuple[Exception | None, bool]:
            nonlocal seen
            seen += 1
            return (StorageBusyError("not now") if seen == at else None), False

        intercept(again, decide)
        again.runs(hours=3)
        leave_alone(again)
        assert again.state() is ChunkState.CATALOGED, (calls, again.record().quarantine_reason)
        if seen < calls:
            break
        calls += 1


def _held_with_a_good_copy() -> World:
    """Return a world whose chunk has suspect bytes, then a good copy, and is held with that copy on record."""
    made, told = world(), task(recording_duration_ms=60_000)
    made.holds(told, wav(2000), metadata(chunkDuration=60_000))
    made.fakes.queue.send(told)
    made.runs(hours=3)
    assert made.record().suspects
    made.holds(told, wav(60_000), metadata(chunkDuration=60_000))
    document = made.source.objects.pop(told.metadata_location or "")
    made.runs(hours=5)
    assert made.state() is ChunkState.VERIFIED
    record = made.record()
    made.fakes.catalog.save_chunk(moved(record, ChunkState.QUARANTINED, quarantine_reason="storage_busy"))
    made.source.objects[told.metadata_location or ""] = document
    return made


def test_nothing_of_another_copy_is_said_of_accepted_bytes() -> None:
    """The receipt had the SHA-512 of the other copy, beside the SHA-256 of these bytes."""
    here = _held_with_a_good_copy()
    other, (suspect,) = here.record(), here.record().suspects
    accept_suspect(task().key, suspect.blob_name, "heard it", "operator-1", here.ports)
    here.runs(hours=1)
    record, bytes_ = here.record(), here.fakes.archive.blobs[suspect.blob_name].data
    assert (record.state, record.sha256) == (ChunkState.CATALOGED, hashlib.sha256(bytes_).hexdigest())
    assert here.receipt()["sha512"] == hashlib.sha512(bytes_).hexdigest() != other.sha512
    assert (record.duration_ms, other.duration_ms) == (2000, 60_000)


def test_what_is_copied_after_a_redrive_is_not_called_accepted(here: World) -> None:
    """An operator has accepted other bytes; these pass the check, and their source is deleted by all the rules."""
    (suspect,) = here.record().suspects
    accept_suspect(task().key, suspect.blob_name, "heard it", "operator-1", here.ports)
    here.fakes.catalog.save_chunk(moved(here.record(), ChunkState.QUARANTINED, quarantine_reason="storage_busy"))
    here.holds(task(), wav(60_000), metadata(chunkDuration=60_000))
    redrive(here.ports, here.settings, HeldFilter())
    here.runs(hours=1)
    assert (here.state(), here.record().accepted) == (ChunkState.SOURCE_DELETED, None)
    assert "accepted" not in here.receipt()
