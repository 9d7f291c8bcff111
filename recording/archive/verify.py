"""Verify: check that the archive returns what was read from the source, byte for byte."""

from typing import NoReturn

from recording.archive.claim import Work
from recording.archive.copy import digest_of, media_changes, media_fault
from recording.archive.metadata import metadata_if_there
from recording.archive.recopy import copy_anew
from recording.archive.suspects import refusal
from recording.archive.transfer.readback import Stored, read_back
from recording.domain.archived.blocks import StagedBlock, staged_block
from recording.domain.archived.integrity import Digest, check_stored
from recording.domain.media import MediaFacts, MediaProbe
from recording.domain.state.chunk import ChunkRecord, ChunkState, Home
from recording.domain.state.records import ChunkChanges, changed, required
from recording.domain.state.transitions import recopied
from recording.errors import BlobLockedError, ContentConflictError, SourceBrokenError, StorageError
from recording.errors.codes import Code
from recording.telemetry import Event, emit


def verify(work: Work) -> None:
    """Take a chunk from COPIED to VERIFIED.

    A copy that was made in several runs gets its digests here: each block is compared with the source's checksum, and
    the whole is hashed and inspected as media while it is read back.

    Raises:
        SourceBrokenError: the stored bytes differ; the media is copied again, or the customer's file read again.
        StorageError: the archive could not be read; try again.
    """
    etag = _stored_etag(work)
    proofs, changes = _proofs(work, etag)
    if (fault := changes.get("media_fault")) is not None:
        work.record = changed(work.record, **changes)
        work.save(**refusal(work, _as_read(work)))
        copy_anew(work, Code.MEDIA_UNREADABLE, fault, is_name_taken=True)
    record = changed(work.record, **changes)
    how = ("length equals the source's declared total", *_about_source(work), *_about_media(record), *proofs)
    changes.update({"verified_at": work.now(), "verified_how": how, "stored_etag": etag})
    work.move(ChunkState.VERIFIED, **changes)
    emit(
        Event.CHUNK_VERIFIED,
        recording_id=work.task.recording_id,
        document_id=work.task.document_id,
        index=work.task.index,
        length_bytes=record.length_bytes,
        sha256=record.sha256,
    )


def _stored_etag(work: Work) -> str | None:
    """Record which version of the blob is about to be verified; media that vanished is copied again."""
    if work.task.home is Home.EXTERNAL:
        return None
    stored = work.ports.archive.look_up(_name(work))
    if stored is None:
        copy_anew(work, Code.MEDIA_VANISHED, "the committed blob is no longer there", is_name_taken=False)
    return stored.etag


def _proofs(work: Work, etag: str | None) -> tuple[list[str], ChunkChanges]:
    """Verify the stored media; differing bytes are left in place, and the media is copied again."""
    try:
        return _seen(work, etag)
    except ContentConflictError as error:
        if work.task.home is Home.EXTERNAL:
            _read_anew(work)
        copy_anew(work, error.code, str(error), is_name_taken=True)


def _seen(work: Work, etag: str | None) -> tuple[list[str], ChunkChanges]:
    """Return what was seen of the stored media, read whole where that is possible and asked for.

    Raises:
        ContentConflictError: `stored_differs`, or `media_touched` where it cannot be read.
        BlobLockedError: it cannot be read, and its digest is not known yet.
    """
    try:
        return _read_back(work, etag) if _must_read(work, etag) else (_compared_length(work), ChunkChanges())
    except BlobLockedError:
        if work.record.sha256 is None:
            raise
    if _is_touched(work, etag):  # length and facts may be those of the copy, and the bytes are not
        raise ContentConflictError("written since it was verified, and unreadable now", code=Code.MEDIA_TOUCHED)
    return [*_compared_length(work), "not read back: the blob's tier or a lock forbids it"], ChunkChanges()


def _read_anew(work: Work) -> NoReturn:
    """Go back to the start of the line: the customer's file is still being written, and is read again.

    Raises:
        SourceBrokenError: `source_changed`, always.
    """
    work.record = recopied(work.record)
    work.save(last_error=Code.SOURCE_CHANGED)
    raise SourceBrokenError("the customer's file changed between two reads", code=Code.SOURCE_CHANGED)


def _must_read(work: Work, etag: str | None) -> bool:
    is_seen_whole = work.record.sha256 is not None and not _is_media_unseen(work) and not _is_touched(work, etag)
    return work.settings.verify_readback or work.task.home is Home.EXTERNAL or not is_seen_whole


def _is_touched(work: Work, etag: str | None) -> bool:
    """Return whether the blob was written since it was verified before: only reading it shows what it holds now."""
    return work.record.stored_etag not in (None, etag)


def _is_media_unseen(work: Work) -> bool:
    """Return whether a worker committed the bytes but died before it recorded their digest."""
    return work.record.container is None


def _about_source(work: Work) -> list[str]:
    if work.record.sha256 is None:
        return ["each block's CRC-64 as read from the source"]
    return ["SHA-256 of the bytes as read from the source"]


def _about_media(record: ChunkRecord) -> list[str]:
    """Return nothing where the media was not inspected: a receipt must not state more than was checked."""
    if record.media_fault is not None:
        return [f"media: {record.media_fault}"]
    return [f"opens as {record.format}"] if record.duration_ms is not None else []


def _read_back(work: Work, etag: str | None) -> tuple[list[str], ChunkChanges]:
    if work.task.home is Home.EXTERNAL:
        with work.ports.external.open_content(work.task.content_location) as content:
            check_stored(_as_read(work), digest_of(work, content.pieces()))
        return ["read back whole: same length and SHA-256"], {}
    if work.record.sha256 is None:
        return _first_seen_whole(work, etag)
    probe = MediaProbe(work.record.format) if _is_media_unseen(work) else None
    # None where a worker of a version that did not compute it read the source
    is_new = work.record.sha512 is None and work.settings.copy_sha512
    blob = Stored(_name(work), _length(work), etag=etag)  # the digest of the whole is known: the blocks prove no more
    stored, media = read_back(work, blob, probe, with_sha512=is_new)
    check_stored(_as_read(work), stored)
    changes = _judge(work, media) if probe else ChunkChanges()
    if is_new:
        changes["sha512"] = stored.sha512
    return ["read back whole: same length and SHA-256"], changes


def _first_seen_whole(work: Work, etag: str | None) -> tuple[list[str], ChunkChanges]:
    probe = MediaProbe(work.record.format)
    blob = Stored(_name(work), _length(work), _blocks(work), etag)
    stored, media = read_back(work, blob, probe, with_sha512=work.settings.copy_sha512)
    changes = _judge(work, media)
    changes["sha256"], changes["sha512"] = stored.sha256, stored.sha512
    return ["copied in several runs; read back whole: each block is the source's"], changes


def _judge(work: Work, media: MediaFacts) -> ChunkChanges:
    """Return the media facts; media that an operator accepted keeps the warning that it was accepted with."""
    if work.record.accepted is None:
        return media_changes(work, media, media_fault(work, media, metadata_if_there(work)))
    warning = work.record.media_warning
    return ChunkChanges(**{**media_changes(work, media, warning), "media_fault": None, "media_warning": warning})


def _blocks(work: Work) -> list[StagedBlock]:
    """Return the source's ranges and checksums from the ids of the blob's blocks.

    Raises:
        StorageError: `stored_unproven`; they do not cover all of the blob.
    """
    listed = work.ports.archive.committed_blocks(_name(work))
    blocks = [block for text, length in listed if (block := staged_block(text)) is not None and block.length == length]
    ends = [0, *(block.end for block in blocks)]
    is_whole = ends[-1] == _length(work) and all(block.offset == end for block, end in zip(blocks, ends, strict=False))
    if not is_whole:
        raise StorageError("the archived blob does not list its blocks", code=Code.STORED_UNPROVEN)
    return blocks


def _compared_length(work: Work) -> list[str]:
    stored = work.ports.archive.look_up(_name(work))
    if stored is None:
        raise StorageError("the committed blob is missing", code=Code.BLOB_MISSING)
    check_stored(_as_read(work), Digest(stored.length_bytes, required(work.record.sha256, "sha256")))
    return ["each block verified by the service; committed length compared"]


def _as_read(work: Work) -> Digest:
    return Digest(_length(work), required(work.record.sha256, "sha256"))


def _name(work: Work) -> str:
    return required(work.record.blob_name, "blob_name")


def _length(work: Work) -> int:
    return required(work.record.length_bytes, "length_bytes")
