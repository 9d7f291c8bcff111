"""Catalog: the raw metadata, the receipt and the record."""

from recording import __version__
from recording.archive.claim import Work
from recording.archive.metadata import fetch_metadata, metadata_remarks
from recording.archive.recopy import copy_anew
from recording.archive.suspects import refusal
from recording.domain.archived import layout
from recording.domain.archived.integrity import (
    PROOF_EVENT,
    PROOF_METADATA,
    Digest,
    duration_fault,
    is_as_long,
    media_remarks,
)
from recording.domain.archived.layout import JSON
from recording.domain.archived.receipt import receipt_of
from recording.domain.formats import requested_combination
from recording.domain.incoming.facts import facts_of_metadata
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.media import MediaFacts
from recording.domain.state import patience
from recording.domain.state.chunk import ANOTHER_OBJECT, ChunkRecord, ChunkState, ChunkTask, MetadataOutcome
from recording.domain.state.records import ChunkChanges, changed, required
from recording.domain.state.stored import is_receipt_of, sha256_of
from recording.errors import SourceBrokenError, SourceError, StorageBusyError, UnsafeLocationError
from recording.errors.codes import Code
from recording.settings.values import MediaCheck
from recording.telemetry import Event, emit

REMARK_ANOTHER = "the content location names another document than the event: the bytes may be another chunk's"


def catalog(work: Work) -> None:
    """Take a chunk from VERIFIED to CATALOGED: metadata archived as served, receipt written, record saved.

    Raises:
        SourceError: the metadata is late; the media is safe, and the source is kept until it arrives or the deadline.
            Or `media_unreadable`: late metadata contradicts the media, which is copied again.
        StorageError: a sidecar document could not be written; try again.
    """
    outcome, reason, raw = _metadata(work)
    document = _readable(raw)
    fault = duration_fault(work.record.duration_ms, document, work.task) if _is_checked(work) else None
    if fault is not None and work.settings.media_check is not MediaCheck.WARN:
        work.record = changed(work.record, media_fault=fault)
        digest = Digest(required(work.record.length_bytes, "length_bytes"), required(work.record.sha256, "sha256"))
        work.save(**refusal(work, digest))
        copy_anew(work, Code.MEDIA_UNREADABLE, fault, is_name_taken=True)
    how = [*work.record.verified_how, *_duration_proof(work, document, fault)]
    changes = _fault_changes(work, fault)
    changes.update({"metadata": outcome, "metadata_reason": reason, "verified_how": tuple(how)})
    changes["metadata_sha256"] = sha256_of(raw) if raw is not None else None
    changes["facts"] = facts_of_metadata(document)
    changes["remarks"] = _remarks(work, document)
    cataloged = changed(work.record, **changes)
    name = required(cataloged.blob_name, "blob_name")
    receipt = _keep(work, layout.receipt_name(name), receipt_of(cataloged, __version__))
    if not is_receipt_of(cataloged, receipt):  # it is of bytes that had this name before; receipts are never replaced
        copy_anew(work, Code.DOCUMENTS_ALTERED, "another receipt is stored under this name", is_name_taken=True)
    changes["cataloged_at"] = work.now()
    work.move(ChunkState.CATALOGED, **changes)
    _report(work.record)


def _metadata(work: Work) -> tuple[MetadataOutcome, str | None, bytes | None]:
    """Return the outcome of the metadata document, the reason, and its bytes.

    Raises:
        SourceError: it is late, unreadable or about another chunk, and will be requested again.
    """
    task = work.task
    name = layout.metadata_name(required(work.record.blob_name, "blob_name"))
    if task.metadata_location is None:
        return _not_told(task)
    if work.found is None and work.metadata is not None:  # the chunk's first turn, which has the document in hand
        return _archive_metadata(work, name, work.metadata)
    archived = work.ports.archive.get(name)
    if archived is not None and sha256_of(archived[0]) == work.record.metadata_sha256:
        return MetadataOutcome.ARCHIVED, None, archived[0]
    try:
        fetch_metadata(work)
    except UnsafeLocationError as error:
        return MetadataOutcome.NOT_ASKED, f"the metadata location was refused: {error.code}", None
    except SourceError as error:
        if not patience.is_metadata_given_up(work.record, work.now()):
            raise
        if archived is not None:  # by an attempt that died before saving; there is nothing left to compare it with
            return MetadataOutcome.ARCHIVED, None, archived[0]
        return _give_up(work, name, work.metadata_refused, error)
    return _archive_metadata(work, name, work.metadata or b"")


def _not_told(task: ChunkTask) -> tuple[MetadataOutcome, str | None, bytes | None]:
    if task.metadata_refused is not None:
        return MetadataOutcome.NOT_ASKED, f"the metadata location was refused: {task.metadata_refused}", None
    return MetadataOutcome.NOT_ANNOUNCED, "the event names no metadata location", None


def _archive_metadata(work: Work, name: str, raw: bytes) -> tuple[MetadataOutcome, str | None, bytes]:
    """Archive the document as served.

    Raises:
        SourceBrokenError: `documents_altered`; other bytes are stored under its name, and nothing is replaced: the
            chunk is copied again under another name.
    """
    if _keep(work, name, raw) != raw:
        copy_anew(work, Code.DOCUMENTS_ALTERED, "another metadata document has this name", is_name_taken=True)
    return MetadataOutcome.ARCHIVED, None, raw


def _keep(work: Work, name: str, document: bytes) -> bytes:
    """Return what is stored under the name now: this document, or one that an earlier attempt wrote.

    Raises:
        StorageBusyError: the archive refused the write as if the blob existed, but there is none. Refusals have many
            reasons (a lease, an account failing over), and no source is deleted without its sidecar documents.
    """
    if work.ports.archive.put_once(name, document, JSON):
        return document
    stored = work.ports.archive.get(name)
    if stored is None:
        raise StorageBusyError("the archive says that a document exists, but cannot return it")
    return stored[0]


def _give_up(
    work: Work, name: str, raw: bytes | None, error: SourceError
) -> tuple[MetadataOutcome, str | None, bytes | None]:
    """Return what is archived at the deadline: whatever was served, even if unreadable; the record has the reason."""
    if raw is not None:
        _keep(work, name, raw)
    task = work.task
    emit(
        Event.CHUNK_METADATA_MISSING,
        recording_id=task.recording_id,
        document_id=task.document_id,
        index=task.index,
        code=error.code,
    )
    return MetadataOutcome.NEVER_CAME, error.code, raw


def _readable(raw: bytes | None) -> ChunkMetadata | None:
    try:
        return read_metadata(raw) if raw is not None else None
    except SourceBrokenError:  # archived as served at the deadline; it has nothing to compare with
        return None


def _is_checked(work: Work) -> bool:
    return work.settings.media_check is not MediaCheck.OFF and work.record.accepted is None


def _duration_proof(work: Work, document: ChunkMetadata | None, fault: str | None) -> list[str]:
    if not _is_checked(work) or fault is not None or work.record.duration_ms is None:
        return []
    if document is not None and document.duration_ms is not None:
        return [PROOF_METADATA]
    told = work.task.recording_duration_ms
    if not told:
        return []
    is_equal = is_as_long(work.record.duration_ms, told)
    return [PROOF_EVENT if is_equal else "plays no longer than the event says"]


def _remarks(work: Work, document: ChunkMetadata | None) -> tuple[str, ...]:
    """Return the remarks about media and metadata, those of copy and verify first."""
    record = work.record
    media = MediaFacts(
        record.format,
        record.duration_ms,
        record.channels,
        record.sample_rate,
        fault=record.media_fault or record.media_warning,
        remarks=record.remarks,
        has_video=record.has_video,
    )
    recording = work.ports.catalog.get_recording(work.task.recording_id)
    found = media_remarks(media, document, work.task, requested_combination(recording.request if recording else {}))
    crossed = (REMARK_ANOTHER,) if work.task.delete_refused == ANOTHER_OBJECT else ()
    return tuple(dict.fromkeys((*found, *crossed, *metadata_remarks(document, work.task))))


def _fault_changes(work: Work, fault: str | None) -> ChunkChanges:
    if fault is None:
        return {}
    return {"media_warning": fault} if work.settings.media_check is MediaCheck.WARN else {"media_fault": fault}


def _report(record: ChunkRecord) -> None:
    ids = {"recording_id": record.task.recording_id, "document_id": record.task.document_id}
    emit(
        Event.CHUNK_ARCHIVED,
        index=record.task.index,
        length_bytes=record.length_bytes,
        sha256=record.sha256,
        blob_name=record.blob_name,
        latency_seconds=record.verified_at - record.task.event_time if record.verified_at else None,
        **ids,
    )
    if record.media_warning is not None and record.accepted is None:  # an operator has listened to accepted media
        emit(Event.CHUNK_MEDIA_SUSPECT, index=record.task.index, detail=record.media_warning, **ids)
