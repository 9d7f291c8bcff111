"""The metadata document of a chunk: fetched once a run, and only accepted when it is about this chunk."""

from recording.archive.claim import Work
from recording.domain.archived.layout import metadata_name
from recording.domain.ids import are_same_id
from recording.domain.incoming.locations import is_external
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.state.chunk import ChunkRecord, ChunkTask, MetadataOutcome
from recording.domain.state.stored import sha256_of
from recording.domain.state.transitions import is_twin
from recording.errors import SourceBrokenError, SourceError, SourceGoneError, SourceSlowError, UnsafeLocationError
from recording.errors.codes import Code


def fetched_metadata(work: Work) -> ChunkMetadata:
    """Return what the document says; its bytes stay with the work, as served, even when they cannot be accepted.

    Raises:
        SourceError: it is not there yet, cannot be read (`metadata_unreadable`) or is about another chunk
            (`metadata_mismatch`); all of these may heal. One that was too slow is asked for once a run.
        UnsafeLocationError: its location is not one that may be called; that does not heal.
    """
    task = work.task
    location = task.metadata_location or ""
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
        raise
    return document


def archived_twin(work: Work) -> ChunkRecord | None:
    """Return the same file as it is archived under another index or recording, if it is."""
    catalog, task = work.ports.catalog, work.task
    known = [*catalog.chunks_of(task.recording_id), *catalog.chunks_of_document(task.document_id)]
    return next((other for other in known if is_twin(other, work.record)), None)


def _from_acs(work: Work, location: str) -> bytes:
    """Read the document at ACS, or as it was archived with the same file before that one's source was deleted."""
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
    """Return the metadata, whose duration the media is compared with; a late or odd one has its own step."""
    if work.task.metadata_location is None:
        return None
    try:
        return fetched_metadata(work)
    except (SourceError, UnsafeLocationError):
        return None


def metadata_remarks(document: ChunkMetadata | None, task: ChunkTask) -> tuple[str, ...]:
    """Return what is odd in a document and does not decide: ACS spells some ids in several ways."""
    if document is None or document.call_id is None or are_same_id(document.call_id, task.call_id):
        return ()
    return ("the metadata names another call id than the event",)


def _check_is_about(document: ChunkMetadata, task: ChunkTask) -> None:
    is_of_other = document.document_id is not None and not are_same_id(document.document_id, task.document_id)
    if is_of_other or document.index not in (None, task.index):
        raise SourceBrokenError("the metadata is about another chunk", code=Code.METADATA_MISMATCH)
