"""Copy: store the source's bytes as a blob in the archive, but only when they are consistent.

`transfer` moves them, in bounded memory (I8). Nothing is committed that contradicts what the source declares, and a
committed blob is never replaced (I3).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from recording.archive.claim import Work
from recording.archive.metadata import metadata_if_there
from recording.archive.recopy import held_name
from recording.archive.suspects import is_to_be_kept, list_suspect, raise_refusal, refusal
from recording.archive.transfer.fetch import Fetched, open_fetch
from recording.archive.transfer.readback import Stored, read_back
from recording.domain.archived import layout
from recording.domain.archived.integrity import REMARK_PROMISE, Digest, Hasher, check_length, find_fault
from recording.domain.formats import FormatType
from recording.domain.ids import mark_of
from recording.domain.incoming.metadata import ChunkMetadata
from recording.domain.media import MediaFacts, MediaProbe
from recording.domain.state.chunk import ChunkState, Home
from recording.domain.state.records import ChunkChanges, required
from recording.domain.state.stored import StoredBlob
from recording.domain.state.transitions import recopied
from recording.errors import ContentConflictError, SourceBrokenError, StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.ports import WholeContent
from recording.settings.values import MediaCheck
from recording.telemetry import Event, emit

_LENGTH = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
_CONFLICT_NAMES = 2  # of one object in one turn: by its location, and by its bytes where they have changed


@dataclass(frozen=True)
class Copied:
    """A finished copy; digest and media are None until it is read back, if it was made in several runs."""

    length_bytes: int
    digest: Digest | None = None
    media: MediaFacts | None = None


def copy(work: Work) -> None:
    """Take a chunk from PENDING to COPIED: commit it to the archive, with digest and media facts in the record.

    Raises:
        SourceError: the source did not deliver what it declares; nothing is committed.
        ContentConflictError: other bytes are stored under this name; both copies are kept.
        CopyPausedError: the time is used up; the next run continues from the staged blocks.
        StorageError: the archive failed; staged blocks are not a blob, and storage discards them in time.
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
    if (earlier := _own_earlier_copy(work, work.task.format)) and _is_adopted(work, *earlier):
        return
    try:
        _fetch_and_commit(work, work.task.format)
    except SourceBrokenError:
        work.save(copy_epoch=work.record.copy_epoch + 1)  # the staged blocks cannot be trusted
        raise


def _fetch_and_commit(work: Work, announced: FormatType | None) -> None:
    """Fetch the media, then request the metadata, and commit what passes.

    The metadata is never requested before the media: an optional document must not delay it.
    """
    is_again = work.record.attempts > 1 and work.record.last_error != Code.MEDIA_UNREADABLE  # whole, so judged first
    with open_fetch(work, announced, lambda kind: _media_name(work, kind), resume=is_again) as source:
        copied = Copied(source.total, source.digest, source.media)
        fault = _fault_of(work, copied, metadata_if_there(work))
        refused_for = _refused_for(work, fault)
        if refused_for is None and not _commit(work, source, fault):
            _compare_with_stored(work, source)
    if refused_for is not None:
        _refuse(work, source.name, copied, refused_for)
    _finish(work, source.name, source.format, copied, fault)


def _media_name(work: Work, format_type: FormatType | None) -> str:
    task = work.task
    name = layout.media_name(
        work.settings.archive_path_template, task.folder, task.index, task.document_id, format_type
    )
    return layout.versioned_name(name, work.record.name_version)


def _own_earlier_copy(work: Work, announced: FormatType | None) -> tuple[FormatType | None, StoredBlob] | None:
    """Return a blob that an earlier attempt committed before it died, whatever format it detected."""
    if work.record.attempts < 2:
        return None
    for format_type in dict.fromkeys((announced, *FormatType, None)):
        stored = work.ports.archive.look_up(_media_name(work, format_type))
        if stored is not None and _is_own(stored, work):
            return format_type, stored
    return None


def _is_own(stored: StoredBlob, work: Work) -> bool:
    return stored.facts.get("source") == mark_of(work.task.content_location)


def _is_adopted(work: Work, format_type: FormatType | None, stored: StoredBlob) -> bool:
    """Continue from the earlier copy, unless it failed the media check: suspect bytes are not the recording.

    The next step reads it back and compares it with what the source delivered.
    """
    name, fault = _media_name(work, format_type), stored.facts.get("mediafault")
    if (refused_for := _refused_for(work, fault)) is not None:
        _leave_name(work, name, stored, refused_for)
        return False
    sha256, duration = stored.facts.get("sha256"), _milliseconds(stored.facts.get("durationms"))
    copied = Copied(stored.length_bytes)
    if sha256 is not None:
        facts = MediaFacts(format_type, duration)
        copied = Copied(stored.length_bytes, Digest(stored.length_bytes, sha256, stored.facts.get("sha512")), facts)
    _finish(work, name, format_type, copied, fault)
    return True


def _milliseconds(told: str | None) -> float | None:
    """Return a length from a blob's metadata, which another hand may have written: what is odd is absent."""
    return float(told) if told and _LENGTH.fullmatch(told) else None


def _leave_name(work: Work, name: str, stored: StoredBlob, reason: str) -> None:
    """Leave a name to the blob that has it: the next copy gets another name, and the blob stays listed."""
    taken = held_name(work, name, stored.length_bytes, stored.facts.get("sha256"), reason)
    work.record = recopied(work.record, taken)
    work.save()


def _fault_of(work: Work, copied: Copied, document: ChunkMetadata | None) -> str | None:
    """Return the fault of the media, judged before the commit; None when only reading it back can tell."""
    return media_fault(work, copied.media, document) if copied.media is not None else None


def _refused_for(work: Work, fault: str | None) -> str | None:
    """Return the fault for which the media is not archived under its name; MEDIA_CHECK may only warn of it."""
    return None if work.settings.media_check is MediaCheck.WARN else fault


def _refuse(work: Work, name: str, copied: Copied, fault: str) -> NoReturn:
    """Record the bad bytes, store them aside once they are steady, and end the attempt.

    Raises:
        SourceBrokenError: `media_unreadable`; it is fetched again.
        ContentConflictError: `media_suspect`; the bytes are final.
    """
    if copied.digest is not None:
        work.save(**refusal(work, copied.digest))
        if work.task.home is Home.ACS and is_to_be_kept(work, copied.digest):
            _keep_suspect(work, layout.suspect_name(name, copied.digest.sha256), copied.digest, fault)
    raise_refusal(work, fault)


def _keep_suspect(work: Work, name: str, digest: Digest, fault: str) -> None:
    """Fetch the bad bytes again, under their own name; if they differ by now, the next attempt judges them."""
    with open_fetch(work, None, lambda _: name) as source:
        if source.digest != digest:
            return
        _commit(work, source, fault)
    list_suspect(work, name, digest, fault)


def media_fault(work: Work, media: MediaFacts, document: ChunkMetadata | None) -> str | None:
    """Return the fault of the media, according to MEDIA_CHECK."""
    if work.settings.media_check is MediaCheck.OFF:
        return None
    return find_fault(media, document, work.task)


def media_changes(work: Work, media: MediaFacts, fault: str | None) -> ChunkChanges:
    """Return the record's fields about the media: length, form, and a fault as fault, warning or remark."""
    is_warning = work.settings.media_check is MediaCheck.WARN
    is_passed = media.promised_ms is not None and fault is None and work.settings.media_check is not MediaCheck.OFF
    return ChunkChanges(
        duration_ms=media.duration_ms,
        container=media.container,
        channels=media.channels,
        sample_rate=media.sample_rate,
        has_video=media.has_video,
        remarks=(*media.remarks, *([REMARK_PROMISE] if is_passed else [])),
        media_fault=None if is_warning else fault,
        media_warning=fault if is_warning else None,
    )


def _commit(work: Work, source: Fetched, fault: str | None) -> bool:
    blob_metadata = {
        "source": mark_of(work.task.content_location),
        "recordingid": work.task.recording_id,
        "documentid": work.task.document_id,
    }
    if source.digest is not None:
        blob_metadata["sha256"] = source.digest.sha256
        if source.digest.sha512 is not None:
            blob_metadata["sha512"] = source.digest.sha512
    if source.media is not None and source.media.duration_ms is not None:
        blob_metadata["durationms"] = f"{source.media.duration_ms:.3f}"
    if fault is not None:
        blob_metadata["mediafault"] = fault
    media_type = source.format.media_type if source.format else "application/octet-stream"
    if source.content is not None:
        return work.ports.archive.put_media(source.name, source.content, media_type, blob_metadata)
    return work.ports.archive.commit(source.name, source.block_ids, media_type, blob_metadata)


def _compare_with_stored(work: Work, source: Fetched) -> None:
    """Compare with the blob that is already stored: the same bytes are success, others are stored beside it.

    Raises:
        ContentConflictError: after the other bytes have been kept.
        StorageBusyError: `name_taken`; damaged bytes have the name, and the next attempt copies to another one.
    """
    there = _look_up(work, source.name)
    length = there.length_bytes
    stored, _ = read_back(work, Stored(source.name, length))
    if source.digest is not None and stored == source.digest:
        return
    if source.digest is None and length == source.total and _holds_the_same(work, source):
        return
    if _is_spoilt(there, stored):
        _leave_name(work, source.name, there, "other bytes hold the name")
        raise StorageBusyError("the media's blob name is taken by damaged bytes", code=Code.NAME_TAKEN)
    keep_conflict(work, source.name, unless_sha256=stored.sha256)
    raise ContentConflictError("other bytes are archived under the same ids already; both are kept")


def _is_spoilt(there: StoredBlob, stored: Digest) -> bool:
    """Return whether a blob is not another recording: it failed the check, or this app did not write it as it is."""
    blob_metadata = there.facts
    return (
        "source" not in blob_metadata
        or "mediafault" in blob_metadata
        or blob_metadata.get("sha256") not in (None, stored.sha256)
    )


def _look_up(work: Work, name: str) -> StoredBlob:
    stored = work.ports.archive.look_up(name)
    if stored is None:
        raise StorageError("the committed blob is missing", code=Code.BLOB_MISSING)
    return stored


def _holds_the_same(work: Work, source: Fetched) -> bool:
    try:
        read_back(work, Stored(source.name, source.total, source.blocks))
    except ContentConflictError:
        return False
    return True


def keep_conflict(work: Work, media_name: str, *, unless_sha256: str | None = None) -> bool:
    """Store the source's present bytes beside the chunk's media, for an operator to compare.

    Returns:
        False when they are the known bytes after all (`unless_sha256`), or those from which a speaker was erased since
        then, and nothing was stored.
    """
    erased = [one.sha256_before for one in work.record.silenced]
    mark = work.task.content_location + (unless_sha256 or "")
    for _ in range(_CONFLICT_NAMES):
        name = layout.conflict_name(media_name, mark_of(mark))
        with open_fetch(work, None, _always(name)) as source:
            digest = required(source.digest, "digest").sha256
            if digest in (unless_sha256, *erased):
                return False
            if _commit(work, source, source.media.fault if source.media else None):
                return True
        if _look_up(work, name).facts.get("sha256") == digest:
            return True
        mark = f"{work.task.content_location}{digest}"  # the object has changed since its bytes were kept
    raise SourceBrokenError("the object changed while it was kept", code=Code.SOURCE_CHANGED)


def _always(name: str) -> Callable[[FormatType | None], str]:
    return lambda _: name


def digest_of(work: Work, pieces: Iterator[bytes], *, with_sha512: bool = False) -> Digest:
    """Digest a stream, keeping the claim meanwhile."""
    hasher = Hasher(with_sha512=with_sha512)
    for piece in pieces:
        hasher.update(piece)
        work.keep_claim()
    return hasher.digest()


def _index_external(work: Work) -> None:
    """Read a file that ACS wrote to the customer's own storage in place; nothing is copied."""
    probe = MediaProbe(work.task.format)

    def probed(content: WholeContent) -> Iterator[bytes]:
        for piece in content.pieces():
            probe.feed(piece)
            yield piece

    with work.ports.external.open_content(work.task.content_location) as content:
        digest = digest_of(work, probed(content), with_sha512=True)
        check_length(digest.length_bytes, content.declared_total)
    copied = Copied(digest.length_bytes, digest, probe.finish())
    kind = copied.media.format if copied.media else None
    name = _media_name(work, kind)  # decides where its sidecar documents go; the media stays where it is
    fault = _fault_of(work, copied, metadata_if_there(work))
    if (refused_for := _refused_for(work, fault)) is not None:
        _refuse(work, name, copied, refused_for)
    _finish(work, name, kind, copied, fault)


def _finish(work: Work, name: str, format_type: FormatType | None, copied: Copied, fault: str | None) -> None:
    changes = media_changes(work, copied.media or MediaFacts(format_type), fault)
    changes.update({"blob_name": name, "format": format_type, "length_bytes": copied.length_bytes})
    changes["sha256"] = copied.digest.sha256 if copied.digest else None
    changes["sha512"] = copied.digest.sha512 if copied.digest else None
    changes["taken_from"] = work.taken_from
    changes["copied_at"] = work.now()
    work.move(ChunkState.COPIED, **changes)
