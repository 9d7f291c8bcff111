"""Copy: the source's bytes go into staged blocks, are counted and hashed, and become a blob only when they add up.

Memory is one block and one piece, whatever the file's size (I8). Nothing is committed that contradicts the source's
own facts, and a committed blob is never replaced (I3).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from recording.documents import fetched_metadata
from recording.domain import layout
from recording.domain.chunk import ChunkState, Home
from recording.domain.formats import FormatType
from recording.domain.ids import mark_of
from recording.domain.integrity import Digest, check_length, duration_fault
from recording.domain.media import MediaFacts, MediaProbe, sniff
from recording.domain.metadata import ChunkMetadata
from recording.errors import ContentConflictError, SourceBrokenError, SourceBusyError, SourceError
from recording.ports import SourceContent, StoredBlob
from recording.settings import MediaCheck
from recording.telemetry import Event, emit
from recording.work import Work

BLOCK_BYTES = 4 << 20  # 50,000 blocks of 4 MiB reach 200 GB; chunks end at about 2.3 GB


@dataclass(frozen=True)
class Copied:
    """What a pass over the source found."""

    digest: Digest
    media: MediaFacts
    block_ids: tuple[str, ...] = ()


def copy(work: Work) -> None:
    """Takes a chunk from PENDING to COPIED: committed in the archive, its digest and media facts in the record.

    Raises:
        SourceError: the source did not give what it declares; nothing is committed.
        ContentConflictError: other bytes lie under this name; both copies are kept.
        StorageError: the archive failed; staged blocks are no blob and vanish by themselves.
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
    document = _metadata_if_there(work)
    announced = work.task.format or (document.format if document else None)
    if earlier := _own_earlier_copy(work, announced):
        _adopt(work, *earlier)
        return
    with work.ports.source.open_content(work.task.content_location) as content:
        head, pieces = _peeked(content.pieces())
        format_type = announced or sniff(head)
        name = _media_name(work, format_type)
        copied = _staged(work, name, pieces, announced)
        check_length(copied.digest.length_bytes, content.declared_total)
    fault = _judged(work, copied, document)
    if not _committed(work, name, copied, format_type, fault):
        _compare_with_stored(work, name, copied.digest)
    _finish(work, name, format_type, copied, fault)


def _metadata_if_there(work: Work) -> ChunkMetadata | None:
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
    return "sha256" in stored.facts and stored.facts.get("source") == mark_of(work.task.content_location)


def _adopt(work: Work, format_type: FormatType | None, stored: StoredBlob) -> None:
    """Goes on from the earlier copy. Its digest was taken from the source's bytes; the next step reads it back."""
    duration = stored.facts.get("durationms")
    facts = MediaFacts(format_type, float(duration) if duration else None)
    digest = Digest(stored.length_bytes, stored.facts["sha256"])
    _finish(work, _media_name(work, format_type), format_type, Copied(digest, facts), stored.facts.get("mediafault"))


def _peeked(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Enough of the beginning to know the format, and an iterator that still gives everything."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= 16:
            break

    def everything() -> Iterator[bytes]:
        if head:
            yield head
        yield from pieces

    return head, everything()


def _staged(work: Work, name: str, pieces: Iterator[bytes], announced: FormatType | None) -> Copied:
    """Stages the pieces as blocks of one size while hashing, counting and probing them."""
    digest, probe, length = hashlib.sha256(), MediaProbe(announced), 0
    block = bytearray()
    block_ids: list[str] = []
    for piece in pieces:
        _keep_going(work)
        digest.update(piece)
        probe.feed(piece)
        length += len(piece)
        block += piece
        while len(block) >= BLOCK_BYTES:
            block_ids.append(_stage(work, name, len(block_ids), block[:BLOCK_BYTES]))
            del block[:BLOCK_BYTES]
    if block:
        block_ids.append(_stage(work, name, len(block_ids), block))
    return Copied(Digest(length, digest.hexdigest()), probe.finish(), tuple(block_ids))


def _keep_going(work: Work) -> None:
    """Asked at every piece: a dripping source may need longer for one block than a claim lasts.

    Raises:
        ClaimLostError: the claim has ended.
        SourceBusyError: `copy_too_slow`; the host would end the function soon.
    """
    work.keep_claim()
    if work.now() - work.started_at > work.settings.copy_time_budget:
        raise SourceBusyError("the copy took longer than COPY_TIME_BUDGET", code="copy_too_slow")


def _stage(work: Work, name: str, number: int, block: bytearray) -> str:
    """Stages one block under an id made from its place and content, so another attempt's block cannot slip in."""
    block_id = f"{number:06d}-{hashlib.sha256(block).hexdigest()[:32]}"
    work.ports.archive.stage_block(name, block_id, block)
    return block_id


def _judged(work: Work, copied: Copied, document: ChunkMetadata | None) -> str | None:
    """What is wrong with the media. A first bad download is refused; the same bytes twice are what ACS really has.

    Judged before the commit: an object that was still growing must not take the name of the finished one.

    Raises:
        SourceBrokenError: `media_unreadable`, to fetch it again.
    """
    if work.settings.media_check is MediaCheck.OFF:
        return None
    fault = copied.media.fault or duration_fault(copied.media.duration_ms, document, work.task)
    if fault is None or work.settings.media_check is MediaCheck.WARN:
        return fault
    if work.record.broken_sha256 == copied.digest.sha256:
        return fault
    work.save(broken_sha256=copied.digest.sha256)
    raise SourceBrokenError(fault, code="media_unreadable")


def _committed(work: Work, name: str, copied: Copied, format_type: FormatType | None, fault: str | None) -> bool:
    facts = {
        "sha256": copied.digest.sha256,
        "source": mark_of(work.task.content_location),
        "recordingid": work.task.recording_id,
        "documentid": work.task.document_id,
    }
    if copied.media.duration_ms is not None:
        facts["durationms"] = f"{copied.media.duration_ms:.3f}"
    if fault is not None:
        facts["mediafault"] = fault
    media_type = format_type.media_type if format_type else "application/octet-stream"
    return work.ports.archive.commit(name, copied.block_ids, media_type, facts)


def _compare_with_stored(work: Work, name: str, digest: Digest) -> None:
    """A blob lies there already: the same bytes are success (a reply was lost), others are kept beside it.

    Raises:
        ContentConflictError: after the other bytes have been kept.
    """
    stored = digest_of(work, work.ports.archive.read(name))
    if stored == digest:
        return
    keep_conflict(work, name, unless_sha256=stored.sha256)
    raise ContentConflictError("other bytes are archived under the same ids; both are kept")


def keep_conflict(work: Work, media_name: str, *, unless_sha256: str | None = None) -> bool:
    """Keeps the source's present bytes beside the chunk's media, for a person to compare.

    Returns:
        False when they are the known bytes after all (`unless_sha256`), and nothing was kept.
    """
    name = layout.conflict_name(media_name, mark_of(work.task.content_location + (unless_sha256 or "")))
    with work.ports.source.open_content(work.task.content_location) as content:
        copied = _staged(work, name, content.pieces(), None)
        check_length(copied.digest.length_bytes, content.declared_total)
    if copied.digest.sha256 == unless_sha256:
        return False
    _committed(work, name, copied, copied.media.format, copied.media.fault)
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
    document = _metadata_if_there(work)
    probe = MediaProbe(work.task.format)

    def probed(content: SourceContent) -> Iterator[bytes]:
        for piece in content.pieces():
            probe.feed(piece)
            yield piece

    with work.ports.external.open_content(work.task.content_location) as content:
        digest = digest_of(work, probed(content))
        check_length(digest.length_bytes, content.declared_total)
    copied = Copied(digest, probe.finish())
    name = _media_name(work, copied.media.format)  # where its papers will lie; the media stays where it is
    _finish(work, name, copied.media.format, copied, _judged(work, copied, document))


def _finish(work: Work, name: str, format_type: FormatType | None, copied: Copied, fault: str | None) -> None:
    is_warning = work.settings.media_check is MediaCheck.WARN
    work.move(
        ChunkState.COPIED,
        blob_name=name,
        format=format_type,
        length_bytes=copied.digest.length_bytes,
        sha256=copied.digest.sha256,
        duration_ms=copied.media.duration_ms,
        media_fault=None if is_warning else fault,
        media_warning=fault if is_warning else None,
        copied_at=work.now(),
    )
