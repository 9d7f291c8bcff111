"""Verify: one archived recording is proved again, from the bytes that lie in the archive. Nothing is changed.

The media is read whole and hashed, and held against the catalog and its receipt; the metadata must be there; the
manifest must say what the catalog says; and every chunk must be archived, with none missing in between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recording.archive.manifest import latest_manifest
from recording.domain.chunk import ChunkRecord
from recording.domain.layout import manifest_name
from recording.domain.receipt import gaps_in, gaps_in_words, manifest_of
from recording.domain.transitions import is_archived
from recording.operate.drift import compare_recording
from recording.ports import Ports
from recording.settings import Settings


@dataclass(frozen=True)
class Verified:
    """How many chunks were looked at and read whole, and each difference by name; proved when there is none."""

    chunks: int
    read_whole: int
    differences: tuple[str, ...]


def verify(recording_id: str, ports: Ports, settings: Settings) -> Verified | None:
    """Proves a recording again; None when the catalog knows no chunk of it.

    Raises:
        StorageError: when catalog or archive do not answer; then nothing is proved either way.
    """
    chunks = ports.catalog.chunks_of(recording_id)
    if not chunks:
        return None
    report = compare_recording(recording_id, ports, settings)
    differences = [f"{drift.kind.value} {drift.blob_name}" for drift in report.drifts]
    if unread := report.chunks - report.sampled:
        differences.append(f"not_read {unread} of {report.chunks} chunks could not be read")
    return Verified(report.chunks, report.sampled, (*differences, *_of_the_whole(recording_id, chunks, ports)))


def _of_the_whole(recording_id: str, chunks: Sequence[ChunkRecord], ports: Ports) -> Iterator[str]:
    recording = ports.catalog.get_recording(recording_id)
    for chunk in chunks:
        if not is_archived(chunk):
            yield f"not_archived {chunk.key} ({chunk.state})"
    for gap in gaps_in(chunks, recording.least_count if recording else None):
        yield f"chunk_missing {gaps_in_words([gap])}"
    for folder in sorted({chunk.task.folder for chunk in chunks}):
        version, kept = latest_manifest(folder, ports.archive)  # one that is missing is in the report already
        if kept is not None and recording is not None and kept[0] != manifest_of(recording, chunks):
            yield f"manifest_differs {manifest_name(folder, version)}"
