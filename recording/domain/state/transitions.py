"""The legal transitions of a chunk, and the one guard before a source is deleted."""

from datetime import datetime, timedelta
from typing import Unpack
from urllib.parse import urlsplit

from recording.domain.incoming.locations import Location
from recording.domain.model import with_changes
from recording.domain.state.chunk import (
    ChunkRecord,
    ChunkState,
    ChunkTask,
    Home,
    MetadataOutcome,
    SourceOutcome,
    Suspect,
)
from recording.domain.state.records import ChunkChanges, changed
from recording.domain.state.stored import Standing, StoredChunk, standing
from recording.domain.times import later
from recording.errors import RecordingError
from recording.errors.codes import Code

_NEXT: dict[ChunkState, frozenset[ChunkState]] = {
    ChunkState.PENDING: frozenset({ChunkState.COPIED, ChunkState.QUARANTINED, ChunkState.EXPIRED}),
    ChunkState.COPIED: frozenset({ChunkState.VERIFIED, ChunkState.PENDING, ChunkState.QUARANTINED}),
    ChunkState.VERIFIED: frozenset({ChunkState.CATALOGED, ChunkState.PENDING, ChunkState.QUARANTINED}),
    ChunkState.CATALOGED: frozenset(
        {ChunkState.SOURCE_DELETED, ChunkState.COPIED, ChunkState.VERIFIED, ChunkState.PENDING}
    ),
    ChunkState.SOURCE_DELETED: frozenset(),
    ChunkState.QUARANTINED: frozenset({ChunkState.PENDING, ChunkState.COPIED}),  # redriven, announced, or accepted
    ChunkState.EXPIRED: frozenset({ChunkState.PENDING, ChunkState.COPIED}),  # ACS kept it longer than promised
}


REANNOUNCED_AFTER = timedelta(minutes=10)  # two delivery paths deliver one event within seconds of each other

# Fields about the answers of one location.
OF_ONE_LOCATION = ChunkChanges(broken_sha256=None, broken_since=None, broken_tries=0, gone_since=None)

# Fields of a verdict that new evidence overturns.
FORGOTTEN = ChunkChanges(
    **OF_ONE_LOCATION,
    past_deadline_since=None,
    at_risk_since=None,
    dismissed=None,
    accepted=None,
    sent_again=False,
)

# Fields of a copy that no longer counts.
UNPROVED = ChunkChanges(
    blob_name=None,
    format=None,
    length_bytes=None,
    sha256=None,
    sha512=None,
    duration_ms=None,
    container=None,
    channels=None,
    sample_rate=None,
    has_video=None,
    remarks=(),
    media_fault=None,
    media_warning=None,
    verified_how=(),
    stored_etag=None,
    metadata_sha256=None,
    facts=None,
    metadata=MetadataOutcome.PENDING,
    metadata_reason=None,
    copied_at=None,
    verified_at=None,
    cataloged_at=None,
    accepted=None,
)


def moved(record: ChunkRecord, state: ChunkState, **changes: Unpack[ChunkChanges]) -> ChunkRecord:
    """Return the record in its next state, with other changes.

    At the start of the line nothing of a chunk counts as destroyed: what is archived from there on must be, again.

    Raises:
        RecordingError: `impossible_transition`, a bug, when the state cannot follow.
    """
    if state not in _NEXT[record.state]:
        raise RecordingError(f"a chunk cannot go from {record.state} to {state}", code=Code.IMPOSSIBLE_TRANSITION)
    again = ChunkChanges(disposed_at=None, disposed_why=None) if state is ChunkState.PENDING else ChunkChanges()
    if is_held(record):  # a dismissal is about the reason for which it was held, and not about a later one
        again["dismissed"] = None
    return with_changes(record, {**again, **changes, "state": state})


def is_held(record: ChunkRecord) -> bool:
    """Return whether a chunk needs attention: the line gave it up, and its source was not deleted by us."""
    return record.state in (ChunkState.QUARANTINED, ChunkState.EXPIRED)


def is_left_at_that(record: ChunkRecord) -> bool:
    """Return whether nothing more is to be done for a held chunk: an operator said so, or it was destroyed."""
    return is_held(record) and (record.dismissed is not None or record.disposed_at is not None)


def redriven(record: ChunkRecord, now: datetime) -> ChunkRecord:
    """Return a held chunk that an operator puts back to the start, counted as a redrive; findings are kept.

    Raises:
        RecordingError: `impossible_transition` when the chunk is not held.
    """
    if not is_held(record):
        raise RecordingError(f"a chunk in {record.state} is not held", code=Code.IMPOSSIBLE_TRANSITION)
    changes = ChunkChanges(**FORGOTTEN)
    changes.update(
        {"quarantine_reason": None, "redrives": record.redrives + 1, "next_attempt_at": now, "changed_at": now}
    )
    return moved(record, ChunkState.PENDING, **changes)


def is_reopened_by(record: ChunkRecord, task: ChunkTask, now: datetime) -> bool:
    """Return whether an announcement reopens a chunk that was given up.

    New evidence does so at once: another event, a later time, another location. The same event does so when it arrives
    well after it was first seen; its second delivery path does not. What was destroyed since then stays so.
    """
    is_another_event = task.event_id != record.task.event_id
    is_later = now - record.first_seen_at >= REANNOUNCED_AFTER
    is_again = (is_another_event or is_later) and record.disposed_at is None
    return is_held(record) and (is_again or is_new_evidence(record, task))


def is_new_evidence(record: ChunkRecord, task: ChunkTask) -> bool:
    """Return whether a task has facts about a chunk that its record lacks; of what was destroyed, only another file."""
    known = record.task
    is_later = task.expires_at > known.expires_at and record.disposed_at is None
    return is_later or task.content_location != known.content_location


def reopened(record: ChunkRecord, task: ChunkTask, now: datetime) -> ChunkRecord:
    """Return a chunk that was given up at the start of the line, with the better facts of both tasks."""
    better = task
    if task.content_location == record.task.content_location:
        better = record.task.completed_by(task).expiring_at(later(record.task.expires_at, task.expires_at, now))
        better = with_changes(better, {"event_id": task.event_id})  # its second delivery path reopens nothing
    changes = ChunkChanges(**FORGOTTEN)
    changes.update({"task": better, "quarantine_reason": None, "next_attempt_at": now, "changed_at": now})
    return moved(record, ChunkState.PENDING, **changes)


def recopied(record: ChunkRecord, taken: Suspect | None = None) -> ChunkRecord:
    """Return a chunk at the start of the line, because the stored files are not what was verified.

    Args:
        record: the chunk as it was.
        taken: the blob that has its name; nothing is ever replaced, so the next copy gets another name.
    """
    changes = ChunkChanges(**UNPROVED)
    if taken is not None:
        others = (known for known in record.suspects if known.blob_name != taken.blob_name)
        changes.update({"suspects": (*others, taken), "name_version": record.name_version + 1})
    if record.state is ChunkState.PENDING:
        return changed(record, **changes)
    return moved(record, ChunkState.PENDING, **changes)


def is_otherwise(before: ChunkRecord, after: ChunkRecord) -> bool:
    """Return whether a chunk's visible facts have changed, so that derived data must be made again."""
    return _told(before) != _told(after)


def _told(record: ChunkRecord) -> tuple[object, ...]:
    return record.state, record.fallback is None, record.task.expires_at, record.suspects, record.blob_name


def is_finished(record: ChunkRecord) -> bool:
    """Return whether nothing is left to do for this chunk (I2): its source is settled, or its state alarms."""
    if record.state is ChunkState.CATALOGED:
        return record.source in (SourceOutcome.LEFT_TO_EXPIRE, SourceOutcome.NOT_OURS)
    return record.state in (ChunkState.SOURCE_DELETED, ChunkState.QUARANTINED, ChunkState.EXPIRED)


def is_settled_for(record: ChunkRecord, task: ChunkTask) -> bool:
    """Return whether a task has no work left: its chunk is finished, and it names the archived object, and no more."""
    is_same = record.task.content_location == task.content_location
    return is_finished(record) and is_same and not brings_metadata(record, task)


def brings_metadata(record: ChunkRecord, task: ChunkTask) -> bool:
    """Return whether a task says where the metadata is of a chunk that was finished without it.

    What was destroyed, or lost a speaker to an erasure, gets no document that names people.
    """
    is_left = record.state is ChunkState.CATALOGED and is_finished(record)
    is_erased = bool(record.silenced) or record.disposed_at is not None
    is_new = (
        record.metadata is not MetadataOutcome.NEVER_CAME or task.metadata_location != record.task.metadata_location
    )
    return (
        is_left
        and not is_erased
        and record.metadata is not MetadataOutcome.ARCHIVED
        and record.metadata_sha256 is None
        and task.metadata_location is not None
        and is_new
        and task.content_location == record.task.content_location
    )


def reopened_for_metadata(record: ChunkRecord, task: ChunkTask, now: datetime) -> ChunkRecord:
    """Return a chunk that was finished without its metadata, before that step; the media keeps its proof.

    The reason for which its source was left stays: the documents in the archive say so.
    """
    told = with_changes(record.task, {"metadata_location": task.metadata_location, "metadata_refused": None})
    return moved(
        record,
        ChunkState.VERIFIED,
        task=told.expiring_at(later(record.task.expires_at, task.expires_at, now)),
        metadata=MetadataOutcome.PENDING,
        metadata_reason=None,
        source=None,
        last_error=None,
        next_attempt_at=now,
        changed_at=now,
    )


def is_archived(record: ChunkRecord) -> bool:
    """Return whether the verified media and its catalog entry exist."""
    return record.state in (ChunkState.CATALOGED, ChunkState.SOURCE_DELETED)


def is_disowned(record: ChunkRecord) -> bool:
    """Return whether the file's own metadata names another index, under which it is announced too."""
    return record.state is ChunkState.QUARANTINED and record.quarantine_reason == Code.DUPLICATE_DOCUMENT


def is_twin(other: ChunkRecord, record: ChunkRecord, now: datetime) -> bool:
    """Return whether another chunk, of any recording, has the same file of ACS, archived, which ACS has no longer.

    Two files may have one document id, so that the location decides. While ACS has the other's file, one that is not
    found is late, and is asked for again. What an operator accepted or erased from is not what ACS had.
    """
    is_same_file = (
        other.task.document_id == record.task.document_id
        and Home.ACS is other.task.home is record.task.home
        and _place_of(other) == _place_of(record)
    )
    is_as_fetched = is_archived(other) and other.accepted is None and not other.silenced and other.disposed_at is None
    is_gone = other.source in (SourceOutcome.DELETED, SourceOutcome.ALREADY_GONE) or now >= record.task.expires_at
    return is_same_file and other.key != record.key and is_as_fetched and is_gone


def _place_of(record: ChunkRecord) -> tuple[str, str]:
    """Return host and path of a chunk's media; what follows them names no object."""
    parts = urlsplit(record.task.content_location)
    return (parts.hostname or "").lower(), parts.path


def may_delete_source(record: ChunkRecord, stored: StoredChunk) -> bool:
    """Allow a delete only of what is verified, cataloged and in the archive at this moment (I1).

    Cataloged includes the raw metadata, or the recorded reason why there is none.

    Args:
        record: the chunk as last saved.
        stored: what the archive answered right before.
    """
    return (
        record.state is ChunkState.CATALOGED
        and standing(record, stored) is Standing.AS_PROVED
        and record.source is None
        and record.task.home is Home.ACS
        and record.verified_at is not None
        and record.cataloged_at is not None
        and bool(record.blob_name)
        and bool(record.sha256)
        and bool(record.length_bytes)
        and record.media_fault is None
        and record.accepted is None
        and record.taken_from is None
        and metadata_is_settled(record)
    )


def metadata_is_settled(record: ChunkRecord) -> bool:
    """Return whether the raw metadata is archived, or none was announced."""
    if record.metadata is MetadataOutcome.ARCHIVED:
        return True
    return record.metadata is MetadataOutcome.NOT_ANNOUNCED and bool(record.metadata_reason)


def names_the_same_object(delete: Location, content: Location, document_id: str) -> bool:
    """Return whether a delete location is about this chunk's own object: the ids of all three must agree.

    Published samples hold delete locations of another document; calling one would erase another recording.
    """
    is_plain = not delete.path.endswith("/")  # a folder, to some servers: what cannot be undone asks for the plain form
    return is_plain and delete.object_id == document_id and content.object_id == document_id
