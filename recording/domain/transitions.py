"""What may become of a chunk, and the one guard before a source is deleted."""

from datetime import datetime
from typing import Unpack

from recording.domain.chunk import ChunkRecord, ChunkState, ChunkTask, Home, MetadataOutcome, SourceOutcome
from recording.domain.locations import Location
from recording.domain.model import with_changes
from recording.domain.records import ChunkChanges
from recording.errors import RecordingError

_NEXT: dict[ChunkState, frozenset[ChunkState]] = {
    ChunkState.PENDING: frozenset({ChunkState.COPIED, ChunkState.QUARANTINED, ChunkState.EXPIRED}),
    ChunkState.COPIED: frozenset({ChunkState.VERIFIED, ChunkState.QUARANTINED}),
    ChunkState.VERIFIED: frozenset({ChunkState.CATALOGED, ChunkState.QUARANTINED}),
    ChunkState.CATALOGED: frozenset({ChunkState.SOURCE_DELETED}),
    ChunkState.SOURCE_DELETED: frozenset(),
    ChunkState.QUARANTINED: frozenset({ChunkState.PENDING}),  # redriven by a person
    ChunkState.EXPIRED: frozenset({ChunkState.PENDING, ChunkState.COPIED}),  # ACS kept it longer than promised
}


def moved(record: ChunkRecord, state: ChunkState, **changes: Unpack[ChunkChanges]) -> ChunkRecord:
    """The record in its next state, with what was learned on the way.

    Raises:
        RecordingError: `impossible_transition`, a fault of ours, when the line does not lead there.
    """
    if state not in _NEXT[record.state]:
        raise RecordingError(f"a chunk cannot go from {record.state} to {state}", code="impossible_transition")
    return with_changes(record, {**changes, "state": state})


def is_held(record: ChunkRecord) -> bool:
    """Whether a chunk waits for a person: the line has given it up, and its source was not deleted by us."""
    return record.state in (ChunkState.QUARANTINED, ChunkState.EXPIRED)


def redriven(record: ChunkRecord, now: datetime) -> ChunkRecord:
    """A held chunk, put back to the start of the line by a person and counted; all that was found out stays.

    Raises:
        RecordingError: `impossible_transition` when the chunk is not held.
    """
    if not is_held(record):
        raise RecordingError(f"a chunk in {record.state} is not held", code="impossible_transition")
    return moved(
        record,
        ChunkState.PENDING,
        quarantine_reason=None,
        redrives=record.redrives + 1,
        next_attempt_at=now,
        changed_at=now,
    )


def is_finished(record: ChunkRecord) -> bool:
    """Nothing is left to do for this chunk (I2): its source is settled, or it rests in a state that alarms."""
    if record.state is ChunkState.CATALOGED:
        return record.source in (SourceOutcome.LEFT_TO_EXPIRE, SourceOutcome.NOT_OURS)
    return record.state in (ChunkState.SOURCE_DELETED, ChunkState.QUARANTINED, ChunkState.EXPIRED)


def is_settled_for(record: ChunkRecord, task: ChunkTask) -> bool:
    """Whether a task asks for nothing more: its chunk is finished, and it names the object that was archived."""
    return is_finished(record) and record.task.content_location == task.content_location


def is_archived(record: ChunkRecord) -> bool:
    """The archive holds the proven media and its catalog entry."""
    return record.state in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED)


def may_delete_source(record: ChunkRecord) -> bool:
    """Only what is verified and cataloged may vanish from ACS (I1).

    Cataloged includes the raw metadata, or the recorded reason why there is none.
    """
    return (
        record.state is ChunkState.CATALOGED
        and record.source is None
        and record.task.home is Home.ACS
        and record.verified_at is not None
        and record.cataloged_at is not None
        and bool(record.blob_name)
        and bool(record.sha256)
        and bool(record.length_bytes)
        and record.media_fault is None
        and _metadata_is_settled(record)
    )


def _metadata_is_settled(record: ChunkRecord) -> bool:
    if record.metadata is MetadataOutcome.ARCHIVED:
        return True
    return record.metadata is MetadataOutcome.NOT_ANNOUNCED and bool(record.metadata_reason)


def names_the_same_object(delete: Location, content: Location, document_id: str) -> bool:
    """Whether a delete location is about this chunk's own object: the ids of all three must agree.

    Published samples hold delete locations of another document; calling one would erase somebody else's recording.
    """
    return delete.object_id == document_id and content.object_id == document_id
