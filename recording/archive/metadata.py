"""The metadata document of a chunk: fetched once a run, and only accepted when it is about this chunk."""

from recording.archive.claim import Work
from recording.domain.incoming.locations import is_external
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.state.chunk import ChunkTask
from recording.errors import SourceBrokenError, SourceError, UnsafeLocationError
from recording.errors.codes import Code


def fetched_metadata(work: Work) -> ChunkMetadata:
    """What the document says; its bytes stay with the work, as served, even when they cannot be accepted.

    Raises:
        SourceError: it is not there yet, cannot be read (`metadata_unreadable`) or is about another chunk
            (`metadata_mismatch`); all of these may heal.
        UnsafeLocationError: its location is not one that may be called; that does not heal.
    """
    task = work.task
    location = task.metadata_location or ""
    if work.metadata is None:
        is_exported = is_external(location, work.settings.external_containers)
        source = work.ports.external if is_exported else work.ports.source
        work.metadata = source.read_metadata(location)
    try:
        document = read_metadata(work.metadata)
        _check_is_about(document, task)
    except SourceBrokenError:
        work.metadata_refused, work.metadata = work.metadata, None
        raise
    return document


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
    if document is None or document.call_id in (None, task.call_id):
        return ()
    return ("the metadata names another call id than the event",)


def _check_is_about(document: ChunkMetadata, task: ChunkTask) -> None:
    if document.document_id not in (None, task.document_id) or document.index not in (None, task.index):
        raise SourceBrokenError("the metadata is about another chunk", code=Code.METADATA_MISMATCH)
