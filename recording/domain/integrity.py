"""What counts as proof: the source's own facts first, then what we stored against what we read.

ACS gives no checksum, so "we stored what we read" proves nothing about what ACS had. Length must equal the source's
declared total, the bytes must open as their format, and the duration must agree with metadata and event.
"""

from dataclasses import dataclass
from datetime import timedelta

from recording.domain.chunk import ChunkTask
from recording.domain.metadata import ChunkMetadata
from recording.errors import ContentConflictError, SourceBrokenError

_SLACK = timedelta(seconds=2)  # encoders round to frames, clocks to seconds
_SLACK_SHARE = 0.001  # 14 s in four hours


@dataclass(frozen=True)
class Digest:
    """Length and SHA-256 of some bytes."""

    length_bytes: int
    sha256: str


def check_length(read_bytes: int, declared_total: int | None) -> None:
    """What was read must be exactly what the source declared, and never nothing.

    Raises:
        SourceBrokenError: `source_empty`, `source_without_length` or `source_short`; all may heal (a first download
            of 0 bytes is a known fault of the service).
    """
    if read_bytes == 0:
        raise SourceBrokenError("the source served 0 bytes", code="source_empty")
    if declared_total is None:
        raise SourceBrokenError("the source declared no length, so nothing can be proved", code="source_without_length")
    if read_bytes != declared_total:
        message = f"the source declared {declared_total} bytes and served {read_bytes}"
        raise SourceBrokenError(message, code="source_short")


def check_stored(read: Digest, stored: Digest) -> None:
    """What the archive gives back must be what was read from the source.

    Raises:
        ContentConflictError: `stored_differs` when it is not; the blob is not touched, a person must look.
    """
    if read != stored:
        raise ContentConflictError("the archived blob differs from what was read", code="stored_differs")


def duration_fault(media_ms: float | None, metadata: ChunkMetadata | None, task: ChunkTask) -> str | None:
    """Says how the media's duration contradicts metadata or event; None when it agrees or cannot be compared.

    It may not play shorter than the chunk's duration minus its pauses, nor longer than with them. The event's
    duration is of the whole recording, so it is an upper bound; it is a lower one only if no metadata tells the pauses.
    """
    if media_ms is None:
        return None
    if metadata is not None and metadata.duration_ms is not None and metadata.shortest_media_ms is not None:
        return _outside(media_ms, metadata.shortest_media_ms, metadata.duration_ms, "its metadata")
    if task.recording_duration_ms:
        return _outside(media_ms, 0.0, task.recording_duration_ms, "the event")
    return None


def _outside(media_ms: float, at_least: float, at_most: float, source: str) -> str | None:
    slack = _SLACK / timedelta(milliseconds=1) + at_most * _SLACK_SHARE
    if at_least - slack <= media_ms <= at_most + slack:
        return None
    return f"plays {media_ms / 1000:.1f} s, but {source} says {at_least / 1000:.1f} to {at_most / 1000:.1f} s"
