"""The metadata document of a chunk: fetched once a run, and only accepted when it is about this chunk."""

from recording.archive.claim import Work
from recording.domain.chunk import ChunkTask, Home
from recording.domain.metadata import ChunkMetadata, read_metadata
from recording.errors import SourceBrokenError


def fetched_metadata(work: Work) -> ChunkMetadata:
    """What the document says; its bytes stay with the work, as served, even when they cannot be accepted.

    Raises:
        SourceError: it is not there yet, cannot be read (`metadata_unreadable`) or is about another chunk
            (`metadata_mismatch`); all of these may heal.
    """
    task = work.task
    source = work.ports.external if task.home is Home.EXTERNAL else work.ports.source
    if work.metadata is None:
        work.metadata = source.read_metadata(task.metadata_location or "")
    try:
        document = read_metadata(work.metadata)
        _check_is_about(document, task)
    except SourceBrokenError:
        work.metadata_refused, work.metadata = work.metadata, None
        raise
    return document


def _check_is_about(document: ChunkMetadata, task: ChunkTask) -> None:
    if document.document_id not in (None, task.document_id) or document.index not in (None, task.index):
        raise SourceBrokenError("the metadata is about another chunk", code="metadata_mismatch")
