"""Verify: what the archive gives back is what was read from the source, byte for byte."""

from recording.copying import digest_of
from recording.domain.chunk import ChunkState, Home
from recording.domain.integrity import Digest, check_stored
from recording.errors import StorageError
from recording.telemetry import Event, emit
from recording.work import Work


def verify(work: Work) -> None:
    """Takes a chunk from COPIED to VERIFIED.

    Raises:
        ContentConflictError: `stored_differs`; a person must look, the source stays.
        StorageError: the archive could not be read; try again.
    """
    record = work.record
    read = Digest(record.length_bytes or 0, record.sha256 or "")
    how = ["length equals the source's declared total", "SHA-256 of the bytes as read from the source"]
    if record.duration_ms is not None or record.media_fault is None:
        how.append(f"opens as {record.format}" if record.media_fault is None else f"media: {record.media_fault}")
    if work.settings.verify_readback or work.task.home is Home.EXTERNAL:
        check_stored(read, _read_back(work))
        how.append("read back whole: same length and SHA-256")
    else:
        _check_committed_length(work, read)
        how.append("each block verified by the service; committed length compared")
    work.move(ChunkState.VERIFIED, verified_at=work.now(), verified_how=tuple(how))
    emit(
        Event.CHUNK_VERIFIED,
        recording_id=work.task.recording_id,
        document_id=work.task.document_id,
        index=work.task.index,
        length_bytes=read.length_bytes,
        sha256=read.sha256,
    )


def _read_back(work: Work) -> Digest:
    if work.task.home is Home.EXTERNAL:
        with work.ports.external.open_content(work.task.content_location) as content:
            return digest_of(work, content.pieces())
    return digest_of(work, work.ports.archive.read(work.record.blob_name or ""))


def _check_committed_length(work: Work, read: Digest) -> None:
    stored = work.ports.archive.look_up(work.record.blob_name or "")
    if stored is None:
        raise StorageError("the committed blob is not there", code="blob_missing")
    check_stored(read, Digest(stored.length_bytes, read.sha256))
