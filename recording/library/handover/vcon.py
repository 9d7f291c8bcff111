"""Make the vCon of a recording from the catalog and the archive."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from recording.domain.archived import layout
from recording.domain.archived.drift import is_disposed
from recording.domain.archived.exports import not_here, why_unread
from recording.domain.archived.importing import IMPORTED
from recording.domain.archived.receipt import UnreadRow
from recording.domain.archived.vcon import ChunkPart, Sidecar, vcon_of
from recording.domain.archived.vcon_entries import lacked_before
from recording.domain.incoming.metadata import ChunkMetadata, read_metadata
from recording.domain.seal.leaves import sealed_number
from recording.domain.state.chunk import ChunkRecord, Home, MetadataOutcome
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import stored_name
from recording.domain.state.transitions import is_archived
from recording.errors import RequestError, SourceBrokenError, StorageError, reading_for_a_caller
from recording.errors.codes import Code
from recording.ports import Ports, Unreadable
from recording.ports.library.hidden import check_is_shown
from recording.ports.stored import all_chunks_of
from recording.settings import Settings

MOST_INLINE = 24 << 20  # in total; base64 adds a third, and a worker holds all of it in memory
_PURPOSES = {".metadata.json": "acs-metadata", ".receipt.json": "receipt", ".after.json": "after-receipt"}


def make_vcon(recording_id: str, ports: Ports, settings: Settings, *, inline: bool = False) -> dict[str, Any]:
    """Return the vCon of a recording, with its media by reference or inside, and its documents inside.

    Raises:
        RequestError: `unknown_recording`, nothing of it is archived; `media_disposed`; `erasure_approved`;
            `media_offline`, a part of it is in the archive tier; or `invalid_request`, its media is too large to be
            included.
        StorageError: catalog or archive do not answer.
    """
    known = known_recording(recording_id, ports)
    chunks = chunks_there_are(known.chunks)
    recording = known.record or recording_from(chunks[0])
    check_is_shown([recording_id], ports)
    # a vCon without its documents would look complete
    with reading_for_a_caller("a part of it is in the archive tier and must be rehydrated first"):
        parts = [chunk_part(chunk, ports, settings) for chunk in chunks]
        if inline:
            parts = _with_media(parts, ports)
        left_out = left_out_of(known, chunks, ports)
        host = settings.archive_storage.blob_host
        return vcon_of(recording, parts, sidecars_of(chunks, ports), host, left_out=left_out)


def left_out_of(known: "Known", chunks: Sequence[ChunkRecord], ports: Ports) -> list[dict[str, str]]:
    """Return the parts of a recording that cannot be handed over, or were missing when it was imported.

    Raises:
        StorageError: the archive does not answer.
    """
    before = list[dict[str, str]]()
    for chunk in chunks:
        if chunk.source_reason == IMPORTED:
            stored = ports.archive.get(layout.metadata_name(stored_name(chunk)))
            before += [one for one in lacked_before(stored[0] if stored else b"") if one not in before]
    return [*known.not_here, *before]


def is_inline(wanted: str | None) -> bool:
    """Return whether the caller wants the media included.

    Raises:
        RequestError: `invalid_request`; it is neither `inline` nor `external`.
    """
    if wanted not in (None, "", "inline", "external"):
        raise RequestError("media must be `inline` or `external`")
    return wanted == "inline"


def what_is_given(*, inline: bool) -> str:
    """Return what a vCon hands over, for the audit trail."""
    return "with its media" if inline else "without its media"


def _with_media(parts: list[ChunkPart], ports: Ports) -> list[ChunkPart]:
    """Include the media that is in the archive; media in the customer's own storage is left out, as is its URL.

    Raises:
        RequestError: it is too large.
        StorageError: the archive does not answer, or does not hold what was proved.
    """
    ours = [part for part in parts if part.record.task.home is Home.ACS]
    if sum(part.record.length_bytes or 0 for part in ours) > MOST_INLINE:
        raise RequestError(f"a vCon holds at most {MOST_INLINE >> 20} MiB of media; request a bundle instead")
    return [replace(part, content=_proved_media(part.record, ports)) if part in ours else part for part in parts]


def _proved_media(record: ChunkRecord, ports: Ports) -> bytes:
    """Return a chunk's media as it was proved: inside a vCon no digest stands beside it."""
    name = stored_name(record)
    there = ports.archive.look_up(name)  # what was put in its place may be of any size
    is_as_long = there is not None and there.length_bytes == record.length_bytes
    content = b"".join(ports.archive.read(name)) if is_as_long else b""
    if not is_as_long or record.sha256 not in (None, hashlib.sha256(content).hexdigest()):
        raise StorageError("the archive does not hold what the receipt says; verify the recording")
    return content


def recording_from(chunk: ChunkRecord) -> RecordingRecord:
    """Return the facts of a recording from a chunk alone, if the catalog does not know the recording."""
    task = chunk.task
    return RecordingRecord(recording_id=task.recording_id, folder=task.folder, call_id=task.call_id)


@dataclass(frozen=True)
class Known:
    """What the catalog knows of a recording: its row, and all chunks that can be read, whatever their state."""

    record: RecordingRecord | None
    chunks: list[ChunkRecord]
    unread: list[UnreadRow]
    unread_because: Code | None = None  # of its own row

    @property
    def not_here(self) -> list[dict[str, str]]:
        """Return what of it cannot be handed over now, each with its reason."""
        found = not_here(self.chunks, self.record.least_count if self.record else None, self.unread)
        if self.unread_because is not None:
            what = "what was noted of the recording itself: its tags, pauses and consents"
            found.append({"what": what, "why": why_unread(self.unread_because)})
        return found


def known_recording(recording_id: str, ports: Ports) -> Known:
    """Return what the catalog knows of a recording; rows that cannot be read are named, and hide nothing else.

    Raises:
        StorageError: the catalog does not answer.
    """
    chunks, unread = all_chunks_of(recording_id, ports.catalog)
    (record,) = ports.catalog.get_recordings([recording_id])
    if isinstance(record, Unreadable):
        return Known(None, chunks, unread, record.code)
    return Known(record, chunks, unread)


def chunks_there_are(known: Sequence[ChunkRecord]) -> list[ChunkRecord]:
    """Return the chunks that are archived and not destroyed.

    Raises:
        RequestError: `unknown_recording`, nothing of it is archived, or `media_disposed`, all of it was destroyed.
    """
    archived = [chunk for chunk in known if is_archived(chunk) and chunk.blob_name]
    chunks = [chunk for chunk in archived if not is_disposed(chunk)]
    if archived and not chunks:
        raise RequestError("it was destroyed, and a certificate says why", code=Code.MEDIA_DISPOSED)
    if not chunks:
        raise RequestError("nothing of this recording is archived", code=Code.UNKNOWN_RECORDING)
    return chunks


def chunk_part(chunk: ChunkRecord, ports: Ports, settings: Settings) -> ChunkPart:
    """Return the data of a chunk for a vCon; one without SHA-512 is read completely, once for each vCon."""
    is_here = chunk.task.home is Home.ACS
    url = f"https://{settings.archive_storage.blob_host}/{settings.archive_container}/{chunk.blob_name}"
    sha512 = chunk.sha512 or (_sha512(stored_name(chunk), ports) if is_here else None)
    return ChunkPart(chunk, metadata_of(chunk, ports), url if is_here else None, sha512)


def metadata_of(chunk: ChunkRecord, ports: Ports) -> ChunkMetadata | None:
    """Return the content of a chunk's metadata document; None without a readable one."""
    if chunk.metadata is not MetadataOutcome.ARCHIVED:
        return None
    stored = ports.archive.get(layout.metadata_name(stored_name(chunk)))
    try:
        return read_metadata(stored[0]) if stored else None
    except SourceBrokenError:
        return None


def sidecars_of(
    chunks: list[ChunkRecord], ports: Ports, offline: Callable[[str], object] | None = None
) -> Iterator[Sidecar]:
    """Yield the documents of a recording's folders: of each chunk, then the manifest and the proofs.

    Args:
        chunks: of the recording.
        ports: the archive is read.
        offline: called with the name of each document in the archive tier, which is then left out.

    Raises:
        BlobLockedError: one is in the archive tier, and `offline` is not given.
    """
    indexes = {stored_name(chunk).rpartition(".")[0]: chunk.task.index for chunk in chunks}
    for folder in sorted({chunk.task.folder for chunk in chunks}):
        for blob in ports.archive.list(f"{folder}/"):
            purpose = _purpose(blob.name)
            if purpose and blob.is_committed and blob.is_offline and offline is not None:
                offline(blob.name.rpartition("/")[2])
                continue
            stored = ports.archive.get(blob.name) if purpose and blob.is_committed else None
            if purpose and stored:
                stem = next((blob.name.removesuffix(end) for end in _PURPOSES if blob.name.endswith(end)), "")
                yield Sidecar(blob.name.rpartition("/")[2], stored[0], purpose, indexes.get(stem), folder)


def _purpose(name: str) -> str | None:
    if layout.manifest_version(name):
        return "manifest"
    if sealed_number(name) is not None:
        return "seal-proof"
    return next((purpose for end, purpose in _PURPOSES.items() if name.endswith(end)), None)


def _sha512(name: str, ports: Ports) -> str:
    digest = hashlib.sha512()
    for piece in ports.archive.read(name):
        digest.update(piece)
    return digest.hexdigest()
