"""The metadata document of a chunk: fetched once a run, and accepted only if it describes this chunk.

It names the chunk's index. Where one file is announced under two indexes, it decides which one is right.
"""

from collections.abc import Sequence
from typing import NoReturn

from recording.archive.claim import Work, ids_of
from recording.archive.recopy import leave_name
from recording.domain.archived.layout import metadata_name
from recording.domain.ids import are_same_id
from recording.domain.incoming.locations import is_external
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.state.chunk import ChunkKey, ChunkRecord, ChunkTask, Home, MetadataOutcome
from recording.domain.state.records import required
from recording.domain.state.stored import sha256_of
from recording.domain.state.transitions import is_archived, is_held, is_twin
from recording.domain.watched import deadline, retry
from recording.errors import (
    ContentConflictError,
    SourceBrokenError,
    SourceError,
    SourceGoneError,
    SourceSlowError,
    UnsafeLocationError,
)
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.clock import shared_now
from recording.settings import Settings
from recording.telemetry import Event, emit


def fetch_metadata(work: Work) -> ChunkMetadata:
    """Return the document's content; its bytes stay with the work, as served, even when they are not accepted.

    Raises:
        SourceError: it is not there yet, cannot be read (`metadata_unreadable`) or is about another chunk
            (`metadata_mismatch`); all of these may pass. One that was too slow is requested once a run.
        ContentConflictError: `duplicate_document`; it names another index, under which the file is announced too.
        UnsafeLocationError: its location must not be called; that is permanent.
    """
    task = work.task
    location = required(task.metadata_location, "metadata_location")
    if work.metadata is None and work.metadata_slow is not None:
        raise work.metadata_slow
    if work.metadata is None:
        is_exported = is_external(location, work.settings.external_containers)
        try:
            work.metadata = work.ports.external.read_metadata(location) if is_exported else _from_acs(work, location)
        except SourceSlowError as error:
            work.metadata_slow = error
            raise
    try:
        document = read_metadata(work.metadata)
        _check_is_about(document, task)
    except SourceBrokenError:
        work.metadata_refused, work.metadata = work.metadata, None
        _yield_to_the_index_told(work, work.metadata_refused)
        raise
    return document


def archived_twin(work: Work) -> ChunkRecord | None:
    """Return the chunk under whose index or recording the same file is already archived, if any."""
    catalog, task = work.ports.catalog, work.task
    known = [*catalog.chunks_of(task.recording_id), *catalog.chunks_of_document(task.document_id)]
    return next((other for other in known if is_twin(other, work.record, work.now())), None)


def _from_acs(work: Work, location: str) -> bytes:
    """Read the document from ACS, or as archived with the same file before that file's source was deleted."""
    try:
        return work.ports.source.read_metadata(location)
    except SourceGoneError:
        twin = archived_twin(work)
        if twin is None or twin.blob_name is None or twin.metadata is not MetadataOutcome.ARCHIVED:
            raise
        archived = work.ports.archive.get(metadata_name(twin.blob_name))
        if archived is None or sha256_of(archived[0]) != twin.metadata_sha256:
            raise
        return archived[0]


def metadata_if_there(work: Work) -> ChunkMetadata | None:
    """Return the metadata for comparing the duration; late or odd metadata is handled in its own step."""
    if work.task.metadata_location is None:
        return None
    try:
        return fetch_metadata(work)
    except (SourceError, UnsafeLocationError):
        return None


def metadata_remarks(document: ChunkMetadata | None, task: ChunkTask) -> tuple[str, ...]:
    """Return minor mismatches in a document, which decide nothing: ACS spells some ids in several ways."""
    if document is None or document.call_id is None or are_same_id(document.call_id, task.call_id):
        return ()
    return ("the metadata names another call id than the event",)


def _check_is_about(document: ChunkMetadata, task: ChunkTask) -> None:
    """Check that a document is the chunk's: an error sent with status 200 is JSON too, but describes no chunk."""
    if not document.is_of_a_chunk:
        raise SourceBrokenError("the metadata does not describe a chunk", code=Code.METADATA_UNREADABLE)
    is_of_other = document.document_id is not None and not are_same_id(document.document_id, task.document_id)
    if is_of_other or document.index not in (None, task.index):
        raise SourceBrokenError("the metadata describes another chunk", code=Code.METADATA_MISMATCH)


# --- one file under two indexes


def is_right_index(task: ChunkTask, ports: Ports, settings: Settings) -> bool:
    """Return whether a file that already has another index is this chunk, according to its metadata.

    Where the metadata is late, the task is sent again with a delay. The losing chunk is already held as
    `duplicate_document`.

    Raises:
        StorageError: catalog or queue do not answer; the host delivers the message again.
    """
    others = [one for one in ports.catalog.chunks_of(task.recording_id) if one.task.document_id == task.document_id]
    if any(one.key == task.key for one in others):  # decided before
        return True
    location = task.metadata_location
    if location is None or any(one.metadata is MetadataOutcome.ARCHIVED for one in others):
        return False
    try:
        document = read_metadata(_document(location, others, ports, settings))
    except UnsafeLocationError:
        return False
    except SourceError as error:
        left = deadline.time_left(task.expires_at, shared_now(ports))
        if left.total_seconds() > 0:
            delay = retry.retry_delay(task.attempt + 1, left, ports.jitter(), error.retry_after)
            ports.queue.send(task.again(), delay)
            emit(Event.CHUNK_WAITING, code=error.code, delay_seconds=delay, **ids_of(task))
        return False
    is_about_it = document.document_id is not None and are_same_id(document.document_id, task.document_id)
    return is_about_it and document.index == task.index


def _document(location: str, others: Sequence[ChunkRecord], ports: Ports, settings: Settings) -> bytes:
    """Read the document from the announced location, or as archived with the file under the other name."""
    try:
        if is_external(location, settings.external_containers):
            return ports.external.read_metadata(location)
        return ports.source.read_metadata(location)
    except SourceGoneError:
        for other in others:
            if other.blob_name is not None and (kept := ports.archive.get(metadata_name(other.blob_name))) is not None:
                return kept[0]
        raise


def _yield_to_the_index_told(work: Work, raw: bytes) -> None:
    """Give way if the document names another index, under which the same file is announced and will be archived.

    Raises:
        ContentConflictError: `duplicate_document`. Bytes committed under this name stay listed beside it.
    """
    task = work.task
    try:
        document = read_metadata(raw)
    except SourceBrokenError:
        return
    index, named = document.index, document.document_id
    if index is None or index == task.index or named is None or not are_same_id(named, task.document_id):
        return
    key = ChunkKey(recording_id=task.recording_id, index=index, document_id=task.document_id)
    other = work.ports.catalog.get_chunk(key)
    has_bytes = work.record.blob_name is not None
    if other is None or not other.task.is_contested:  # else the metadata was not requested for that one
        return
    if is_archived(other) or not (has_bytes or is_held(other)):
        _yield(work, f"its metadata names index {index}, under which it is announced too")


def _yield(work: Work, reason: str) -> NoReturn:
    if work.record.blob_name is not None and work.task.home is Home.ACS:
        leave_name(work, reason)
    raise ContentConflictError(reason, code=Code.DUPLICATE_DOCUMENT)
