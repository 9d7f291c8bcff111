"""One object announced under two indexes is one file, and is archived once."""

from collections.abc import Sequence

from recording.domain.incoming.events import OddChunk
from recording.domain.state.chunk import ChunkTask
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageError
from recording.errors.codes import Code
from recording.ports import Ports


def one_of_each_object(
    tasks: Sequence[ChunkTask], recording: RecordingRecord, ports: Ports
) -> tuple[list[ChunkTask], list[OddChunk]]:
    """Return the tasks without those for an object that has another index already: one file under two names.

    Whoever came second would find the object deleted, and be raised as lost although its bytes are archived.
    """
    known = {(task.document_id, task.content_location): task.index for task in _known_tasks(recording, ports)}
    kept: list[ChunkTask] = []
    twins: list[OddChunk] = []
    for task in tasks:
        first = known.setdefault((task.document_id, task.content_location), task.index)
        if first == task.index:
            kept.append(task)
        else:
            twins.append(_twin(task, first))
    return kept, twins


def _known_tasks(recording: RecordingRecord, ports: Ports) -> list[ChunkTask]:
    """Return what was announced of this recording before; nothing can have been when its row is new."""
    if recording.etag is None:
        return []
    try:
        return [record.task for record in ports.catalog.chunks_of(recording.recording_id)]
    except StorageError:  # an unreadable row of one chunk must not keep the others waiting
        return []


def _twin(task: ChunkTask, first: int) -> OddChunk:
    raw = {
        "documentId": task.document_id,
        "index": task.index,
        "contentLocation": task.content_location,
        "metadataLocation": task.metadata_location,
        "deleteLocation": task.delete_location,
        "endReason": task.end_reason,
    }
    detail = f"chunk {task.index} is the same object as chunk {first}"
    return OddChunk(raw, task.index, Code.DUPLICATE_DOCUMENT, detail)
