"""Twins: a file announced under two indexes is archived once, under the index that its metadata names."""

from collections.abc import Sequence
from dataclasses import dataclass

from recording.domain.ids import as_spelt_in
from recording.domain.incoming.events import OddChunk
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord, ChunkTask, MetadataOutcome
from recording.domain.state.recording import RecordingRecord
from recording.errors.codes import Code
from recording.ports import Ports

MOST_CONTESTED = 10  # of one event; further names for its files go to an operator without a request


@dataclass(frozen=True)
class Twin:
    """A second name for a file: its task, the index announced before, and whether that index is confirmed."""

    task: ChunkTask
    first: int
    is_decided: bool

    @property
    def odd(self) -> OddChunk:
        """Return the chunk as it is quarantined."""
        task = self.task
        raw = {
            "documentId": task.document_id,
            "index": task.index,
            "contentLocation": task.content_location,
            "metadataLocation": task.metadata_location,
            "deleteLocation": task.delete_location,
            "endReason": task.end_reason,
        }
        detail = f"chunk {task.index} is the same object as chunk {self.first}"
        return OddChunk(raw, task.index, Code.DUPLICATE_DOCUMENT, detail)


def one_of_each_object(
    tasks: Sequence[ChunkTask], recording: RecordingRecord, ports: Ports
) -> tuple[list[ChunkTask], list[Twin]]:
    """Return the tasks without those for an object that already has another index: one file under two names.

    The second task would find the object deleted, and be reported as lost although its bytes are archived.

    Raises:
        StorageError: the catalog does not answer.
    """
    records = _known(recording, ports)
    tasks = _as_spelt_before(tasks, [record.task.document_id for record in records])
    known = {(record.task.document_id, record.task.content_location): record.task.index for record in records}
    known |= {_place(record): record.task.index for record in records if _is_decided(record)}
    decided = {_place(record) for record in records if _is_decided(record)}
    settled = {(record.task.index, *_place(record)) for record in records}
    kept: list[ChunkTask] = []
    twins: list[Twin] = []
    for task in tasks:
        place = (task.document_id, task.content_location)
        first = known.setdefault(place, task.index)
        if first == task.index or (task.index, *place) in settled:
            kept.append(task)
        else:
            twins.append(Twin(task, first, place in decided))
    return kept, twins


def _as_spelt_before(tasks: Sequence[ChunkTask], known: Sequence[str]) -> list[ChunkTask]:
    """Return the tasks with each document's id as spelt first: rows of before 0.1.0 and locations may have capitals."""
    spelt = {as_spelt_in(None, name): name for name in known} | {name: name for name in known}
    found = []
    for task in tasks:
        name = task.document_id
        before = spelt.get(name) or spelt.setdefault(as_spelt_in(None, name), name)
        found.append(task if before == name else with_changes(task, {"document_id": before}))
    return found


def ask_metadata(twins: Sequence[Twin], folder: str, ports: Ports) -> None:
    """Let a worker check the metadata for the right index, where no document has confirmed one yet.

    Raises:
        StorageError: the queue does not answer; the event must be delivered again.
    """
    open_ones = [twin.task for twin in twins if not twin.is_decided and twin.task.metadata_location is not None]
    for task in open_ones[:MOST_CONTESTED]:
        ports.queue.send(with_changes(task, {"folder": folder, "is_contested": True}))


def _known(recording: RecordingRecord, ports: Ports) -> list[ChunkRecord]:
    """Return the chunks of this recording that were announced before; none if its row is new.

    Raises:
        StorageError: the catalog does not answer; a second name would go unnoticed, so the event must be redelivered.
    """
    return [] if recording.etag is None else ports.catalog.chunks_of(recording.recording_id)


def _place(record: ChunkRecord) -> tuple[str, str]:
    return record.task.document_id, record.task.content_location


def _is_decided(record: ChunkRecord) -> bool:
    """Return whether the file's own metadata is archived with it, so that the index is confirmed."""
    return record.metadata is MetadataOutcome.ARCHIVED
