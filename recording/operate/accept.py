"""Accept: an operator accepts suspect media as the recording, with a note that its receipt keeps."""

from typing import Any

from recording.archive.claim import ids_of
from recording.control.audit import run_audited
from recording.domain.archived.layout import FORMAT_BY_EXTENSION
from recording.domain.ids import without_numbers
from recording.domain.incoming.roles import Operation
from recording.domain.state.chunk import Acceptance, ChunkKey, ChunkRecord, ChunkState, Suspect
from recording.domain.state.records import ChunkChanges
from recording.domain.state.transitions import UNPROVED, moved
from recording.errors import ClaimLostError, RequestError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.telemetry import Event, emit

LONGEST_NOTE = 1000


def accept_suspect(key: ChunkKey, blob_name: str, note: str, caller: str | None, ports: Ports) -> ChunkRecord:
    """Accept suspect media as the recording: it is read back, gets a receipt, and continues in the line.

    The media keeps its name, since nothing in the archive is replaced; the source is left to expire.

    Args:
        key: the chunk, which must be quarantined.
        blob_name: which of its suspects.
        note: why, for the receipt, where telephone numbers are withheld; not empty.
        caller: the caller, as authenticated by the platform.
        ports: what the use case touches.

    Raises:
        RequestError: no such chunk (404), or not held with this media, or no note (400).
        StorageError: storage does not answer; nothing was accepted, or the same request completes it.
    """
    check_note(note)
    record = ports.catalog.get_chunk(key)
    if record is None:
        raise RequestError("the catalog knows no such chunk", code=Code.RECORDING_NOT_FOUND)
    suspect = next((known for known in record.suspects if known.blob_name == blob_name), None)
    if record.state is not ChunkState.QUARANTINED or suspect is None:
        raise RequestError("the chunk does not hold these suspect bytes")
    now, note = ports.clock.now(), without_numbers(note)

    def act() -> dict[str, Any]:
        try:
            saved.append(ports.catalog.save_chunk(_accepted(record, suspect, Acceptance(by=caller, note=note, at=now))))
        except ClaimLostError:
            raise RequestError("the chunk changed meanwhile; look again") from None
        ports.queue.send(record.task)
        return {}

    saved: list[ChunkRecord] = []
    run_audited(Operation.ACCEPT_HELD, key.recording_id, caller, ports, act, note=note)
    emit(Event.REDRIVEN, reason="accepted", state=record.state, **ids_of(record.task))
    return saved[0]


def check_note(note: str) -> None:
    """Check that the note can be stored.

    Raises:
        RequestError: it is empty, too long, or not printable.
    """
    if not note.strip() or len(note) > LONGEST_NOTE or not note.isprintable():
        raise RequestError(f"a note of 1 to {LONGEST_NOTE} printable characters is needed")


def _accepted(record: ChunkRecord, suspect: Suspect, acceptance: Acceptance) -> ChunkRecord:
    """Return the chunk as if it had just been copied, with nothing of another copy; it is read back next."""
    changes = ChunkChanges(**UNPROVED)
    changes.update(
        {
            "blob_name": suspect.blob_name,
            "format": FORMAT_BY_EXTENSION.get(suspect.blob_name.rpartition(".")[2]),
            "length_bytes": suspect.length_bytes,
            "sha256": suspect.sha256,
            "media_warning": suspect.reason,
            "copied_at": suspect.at,
            "accepted": acceptance,
            "quarantine_reason": None,
            "next_attempt_at": acceptance.at,
            "changed_at": acceptance.at,
        }
    )
    return moved(record, ChunkState.COPIED, **changes)
