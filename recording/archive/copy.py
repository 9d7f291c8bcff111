"""Copy: the source's bytes become a blob in the archive, but only when they add up.

The engine brings them there, in flat memory (I8). Nothing is committed that contradicts the source's own facts, and a
committed blob is never replaced (I3).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from recording.archive.claim import Work
from recording.archive.metadata import fetched_metadata
from recording.archive.transfer.buffers import SlotPool, process_pool
from recording.archive.transfer.fetch import Fetched, fetched
from recording.archive.transfer.readback import Stored, read_back
from recording.domain import layout
from recording.domain.chunk import ChunkState, Home
from recording.domain.formats import FormatType
from recording.domain.ids import mark_of
from recording.domain.integrity import Digest, check_length, duration_fault
from recording.domain.media import MediaFacts, MediaProbe
from recording.domain.metadata import ChunkMetadata
from recording.errors import ContentConflictError, SourceBrokenError, SourceError, StorageError
from recording.ports import StoredBlob, WholeContent
from recording.settings import MediaCheck
from recording.telemetry import Event, emit


@dataclass(frozen=True)
class Copied:
    """What is known of a copy; digest and media are None until it is read back, when it was made in several runs."""

    length_bytes: int
    digest: Digest | None = None
    media: MediaFacts | None = None


def copy(work: Work) -> None:
    """Takes a chunk from PENDING to COPIED: committed in the archive, its digest and media facts in the record.

    Raises:
        SourceError: the source did not give what it declares; nothing is committed.
        ContentConflictError: other bytes lie under this name; both copies are kept.
        CopyPausedError: the time is used up; the next run goes on from what is staged.
        StorageError: the archive failed; staged blocks are no blob, and vanish by themselves if nobody comes for them.
    """
    if work.task.home is Home.EXTERNAL:
        _index_external(work)
    else:
        _copy_from_acs(work)
    record = work.record
    emit(
        Event.CHUNK_COPIED,
        recording_id=work.task.recording_id,
        document_id=work.task.document_id,
        index=work.task.index,
        length_bytes=record.length_bytes,
        sha256=record.sha256,
        took_ms=(work.now() - work.started_at).total_seconds() * 1000,
    )


def _copy_from_acs(work: Work) -> None:
    document = metadata_if_there(work)
    announced = work.task.format or (document.format if document else None)
    if earlier := _own_earlier_copy(work, announced):
        _adopt(work, *earlier)
        return
    try:
        _fetch_and_commit(work, announced, document)
    except SourceBrokenError:
        work.save(copy_epoch=work.record.copy_epoch + 1)  # what is staged of it is not to be trusted
        raise


def _fetch_and_commit(work: Work, announced: FormatType | None, document: ChunkMetadata | None) -> None:
    is_again = work.record.attempts > 1
    with fetched(work, pool_of(work), announced, lambda kind: _media_name(work, kind), resume=is_again) as source:
        copied = Copied(source.total, source.digest, source.media)
        fault = _judged(work, copied, document)
        if not _committed(work, source, fault):
            _compare_with_stored(work, source)
    _finish(work, source.name, source.format, copied, fault)


def pool_of(work: Work) -> SlotPool:
    """The buffers that all copies of this process share."""
    return process_pool(work.settings.copy_slots, work.settings.copy_block_bytes)


def metadata_if_there(work: Work) -> ChunkMetadata | None:
    """The metadata, which tells the format and the duration to expect; late or unreadable has its own step."""
    if work.task.metadata_location is None:
        return None
    try:
        return fetched_metadata(work)
    except SourceError:
        return None


def _media_name(work: Work, format_type: FormatType | None) -> str:
    task = work.task
    return layout.media_name(
        work.settings.archive_path_template, task.folder, task.index, task.document_id, format_type
    )


def _own_earlier_copy(work: Work, announced: FormatType | None) -> tuple[FormatType | None, StoredBlob] | None:
    """A blob that an earlier try of this chunk committed without living to say so, whatever it took the format for."""
    if work.record.attempts < 2:
        return None
    for format_type in dict.fromkeys((announced, *FormatType, None)):
        stored = work.ports.archive.look_up(_media_name(work, format_type))
        if stored is not None and _is_own(stored, work):
            return format_type, stored
    return None


def _is_own(stored: StoredBlob, work: Work) -> bool:
    return stored.facts.get("source") == mark_of(work.task.content_location)


def _adopt(work: Work, format_type: FormatType | None, stored: StoredBlob) -> None:
    """Goes on from the earlier copy. The next step reads it back and compares it with what the source gave."""
    sha256, duration = stored.facts.get("sha256"), stored.facts.get("durationms")
    copied = Copied(stored.length_bytes)
    if sha256 is not None:
        facts = MediaFacts(format_type, float(duration) if duration else None)
        copied = Copied(stored.length_bytes, Digest(stored.length_bytes, sha256), facts)
    _finish(work, _media_name(work, format_type), format_type, copied, stored.facts.get("mediafault"))


def _judged(work: Work, copied: Copied, document: ChunkMetadata | None) -> str | None:
    """What is wrong with the media. A first bad download is refused; the same bytes twice are what ACS really has.

    Judged before the commit: an object that was still growing must not take the name of the finished one.

    Raises:
        SourceBrokenError: `media_unreadable`, to fetch it again.
    """
    if copied.media is None or copied.digest is None:
        return None
    fault = media_fault(work, copied.media, document)
    if fault is None or work.settings.media_check is MediaCheck.WARN:
        return fault
    if work.record.broken_sha256 == copied.digest.sha256:
        return fault
    work.save(broken_sha256=copied.digest.sha256)
    raise SourceBrokenError(fault, code="media_unreadable")


def media_fault(work: Work, media: MediaFacts, document: ChunkMetadata | None) -> str | None:
    """What is wrong with the media, as far as the settings want to know."""
    if work.settings.media_check is MediaCheck.OFF:
        return None
    return media.fault or duration_fault(media.duration_ms, document, work.task)


def _committed(work: Work, source: Fetched, fault: str | None) -> bool:
    facts = {
        "source": mark_of(work.task.content_location),
        "recordingid": work.task.recording_id,
        "documentid": work.task.document_id,
    }
    if source.digest is not None:
        facts["sha256"] = source.digest.sha256
    if source.media is not None and source.media.duration_ms is not None:
        facts["durationms"] = f"{source.media.duration_ms:.3f}"
    if fault is not None:
        facts["mediafault"] = fault
    media_type = source.format.media_type if source.format else "application/octet-stream"
    if source.content is not None:
        return work.ports.archive.put_media(source.name, source.content, media_type, facts)
    return work.ports.archive.commit(source.name, source.block_ids, media_type, facts)


def _compare_with_stored(work: Work, source: Fetched) -> None:
    """A blob lies there already: the same bytes are success (a reply was lost), others are kept beside it.

    Raises:
        ContentConflictError: after the other bytes have been kept.
    """
    length = _stored_length(work, source.name)
    stored, _ = read_back(work, pool_of(work), Stored(source.name, length))
    if source.digest is not None and stored == source.digest:
        return
    if source.digest is None and length == source.total and _holds_the_same(work, source):
        return
    keep_conflict(work, source.name, unless_sha256=stored.sha256)
    raise ContentConflictError("other bytes are archived under the same ids; both are kept")


def _stored_length(work: Work, name: str) -> int:
    stored = work.ports.archive.look_up(name)
    if stored is None:
        raise StorageError("the committed blob is not there", code="blob_missing")
    return stored.length_bytes


def _holds_the_same(work: Work, source: Fetched) -> bool:
    try:
        read_back(work, pool_of(work), Stored(source.name, source.total, source.blocks))
    except ContentConflictError:
        return False
    return True


def keep_conflict(work: Work, media_name: str, *, unless_sha256: str | None = None) -> bool:
    """Keeps the source's present bytes beside the chunk's media, for a person to compare.

    Returns:
        False when they are the known bytes after all (`unless_sha256`), and nothing was kept.
    """
    name = layout.conflict_name(media_name, mark_of(work.task.content_location + (unless_sha256 or "")))
    with fetched(work, pool_of(work), None, lambda _: name) as source:
        if source.digest is not None and source.digest.sha256 == unless_sha256:
            return False
        _committed(work, source, source.media.fault if source.media else None)
    return True


def digest_of(work: Work, pieces: Iterator[bytes]) -> Digest:
    """Length and SHA-256 of a stream, keeping the claim while it goes by."""
    digest, length = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        length += len(piece)
        work.keep_claim()
    return Digest(length, digest.hexdigest())


def _index_external(work: Work) -> None:
    """Reads a file that ACS wrote to the customer's own storage, where it lies; nothing is copied."""
    document = metadata_if_there(work)
    probe = MediaProbe(work.task.format)

    def probed(content: WholeContent) -> Iterator[bytes]:
        for piece in content.pieces():
            probe.feed(piece)
            yield piece

    with work.ports.external.open_content(work.task.content_location) as content:
        digest = digest_of(work, probed(content))
        check_length(digest.length_bytes, content.declared_total)
    copied = Copied(digest.length_bytes, digest, probe.finish())
    kind = copied.media.format if copied.media else None
    name = _media_name(work, kind)  # where its papers will lie; the media stays where it is
    _finish(work, name, kind, copied, _judged(work, copied, document))


def _finish(work: Work, name: str, format_type: FormatType | None, copied: Copied, fault: str | None) -> None:
    is_warning = work.settings.media_check is MediaCheck.WARN
    work.move(
        ChunkState.COPIED,
        blob_name=name,
        format=format_type,
        length_bytes=copied.length_bytes,
        sha256=copied.digest.sha256 if copied.digest else None,
        duration_ms=copied.media.duration_ms if copied.media else None,
        media_fault=None if is_warning else fault,
        media_warning=fault if is_warning else None,
        copied_at=work.now(),
    )
