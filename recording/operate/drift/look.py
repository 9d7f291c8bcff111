"""Compare the files of one recording with its rows, and read its media where that is wanted."""

from collections.abc import Iterable, Mapping, Sequence

from recording.domain.archived import layout
from recording.domain.archived.drift import (
    BlobFacts,
    Drift,
    DriftKind,
    Sampled,
    compare,
    drift_of,
    is_digest_of,
    is_indexed_elsewhere,
    is_listed,
    is_manifest_of,
    vouches_for_media,
)
from recording.domain.archived.integrity import Digest, Hasher
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.records import stored_name
from recording.domain.state.stored import sha256_of
from recording.domain.state.transitions import is_archived
from recording.errors import (
    BlobLockedError,
    SourceError,
    SourceGoneError,
    StorageError,
    UnsafeLocationError,
)
from recording.operate.drift.certificates import lawfully_gone
from recording.operate.drift.findings import ARCHIVE_TIER, Looked, Unread
from recording.ports import Ports, Unreadable
from recording.settings import Settings


def look_at(
    chunks: Sequence[ChunkRecord],
    ports: Ports,
    settings: Settings,
    wanted: Sequence[ChunkRecord],
    unreadable: Sequence[Unreadable] = (),
) -> Looked:
    """Compare one recording, and read media and documents of the wanted chunks completely.

    Args:
        chunks: all of the recording.
        ports: archive and the customer's own storage are read.
        settings: for the names of blobs, and for how long the archive keeps them.
        wanted: whose media to read.
        unreadable: rows that cannot be read; the files of their chunks are not strangers.

    Raises:
        StorageError: when the archive does not list its blobs; media that cannot be read counts as unread.
    """
    looked = Looked(chunks[0].task.recording_id, len(chunks))
    listed = [blob for folder in sorted(folders_of(chunks)) for blob in ports.archive.list(f"{folder}/")]
    looked.requests += len(folders_of(chunks))
    listed = [blob for blob in listed if not is_of_any(blob.name, unreadable)]
    there = {blob.name: blob for blob in listed if blob.is_committed}
    ours = [chunk for chunk in wanted if vouches_for_media(chunk)]
    sampled = {
        stored_name(chunk): sample for chunk in ours if (sample := _read(chunk, there, ports, looked)) is not None
    }
    disposed = lawfully_gone(chunks, ports, looked)
    looked.drifts += compare(chunks, listed, settings.archive_path_template, sampled, disposed)
    for chunk in wanted:
        looked.drifts += _compare_metadata(chunk, there, ports, looked)
        if is_indexed_elsewhere(chunk) and chunk.disposed_at is None:
            looked.drifts += _compare_external(chunk, ports, looked)
    for folder in sorted(folders_of(wanted)):
        kept = [chunk for chunk in chunks if chunk.task.folder == folder and chunk.disposed_at is None]
        looked.drifts += _compare_manifest(folder, list(filter(is_listed, kept)), there, ports, looked)
    return looked


def is_of_any(name: str, rows: Sequence[Unreadable]) -> bool:
    """Return whether a blob is of a chunk whose row cannot be read: the row's key ends with the document's name."""
    documents = (row.where.rpartition("/")[2].partition("-")[2] for row in rows)
    return any(document and document in name.rpartition("/")[2] for document in documents)


def _read(chunk: ChunkRecord, there: Mapping[str, BlobFacts], ports: Ports, looked: Looked) -> Sampled | None:
    """Read a chunk's media and receipt; None, and recorded as unread, when that is impossible now."""
    name = stored_name(chunk)
    blob = there.get(name)
    if blob is not None and blob.is_offline:
        looked.offline.add(name)
        looked.unread.append(Unread(name, ARCHIVE_TIER, looked.recording_id))
        return None
    try:
        looked.requests += 2
        receipt, is_receipt_read = _receipt(layout.receipt_name(name), ports, looked)
        digest = _digest(chunk, ports.archive.read(name)) if blob is not None else None
    except StorageError as error:
        looked.unread.append(Unread(name, error.code, looked.recording_id))
        return None
    if blob is None:
        looked.absent.add(name)
    looked.bytes_read[(blob.tier if blob else None) or "unknown"] += digest.length_bytes if digest else 0
    looked.sampled += digest is not None
    looked.read.append(chunk)
    return Sampled(digest, receipt, is_receipt_read)


def _receipt(name: str, ports: Ports, looked: Looked) -> tuple[bytes | None, bool]:
    """Return a receipt, and whether it could be read; the media is read even if it is in the archive tier."""
    try:
        stored = ports.archive.get(name)
    except BlobLockedError:
        looked.unread.append(Unread(name, ARCHIVE_TIER, looked.recording_id))
        return None, False
    return (stored[0] if stored else None), True


def _compare_metadata(chunk: ChunkRecord, there: Mapping[str, BlobFacts], ports: Ports, looked: Looked) -> list[Drift]:
    """Read a chunk's metadata document; rows of an older version do not say what it was, and a missing one is told."""
    name = layout.metadata_name(chunk.blob_name or "")
    if not is_archived(chunk) or chunk.metadata_sha256 is None or name not in there:
        return []
    document = _document(name, ports, looked)
    is_altered = document is not None and sha256_of(document) != chunk.metadata_sha256
    return [drift_of(chunk, name, DriftKind.METADATA_ALTERED)] if is_altered else []


def _compare_manifest(
    folder: str, chunks: Sequence[ChunkRecord], there: Mapping[str, BlobFacts], ports: Ports, looked: Looked
) -> list[Drift]:
    """Read the newest manifest of a folder, from which alone a rebuild has tags, consent and what is missing."""
    versions = {layout.manifest_version(name) or 0: name for name in there if name.rpartition("/")[0] == folder}
    name = versions[max(versions)] if versions and max(versions) else None
    if not chunks or name is None:  # a missing one is in the comparison
        return []
    document = _document(name, ports, looked)
    is_altered = document is not None and not is_manifest_of(chunks, document)
    return [Drift(name, DriftKind.MANIFEST_ALTERED, looked.recording_id)] if is_altered else []


def _document(name: str, ports: Ports, looked: Looked) -> bytes | None:
    """Return a document; None when it is gone meanwhile, or cannot be read, which is noted."""
    looked.requests += 1
    try:
        stored = ports.archive.get(name)
    except StorageError as error:
        reason = ARCHIVE_TIER if isinstance(error, BlobLockedError) else error.code
        looked.unread.append(Unread(name, reason, looked.recording_id))
        return None
    return stored[0] if stored is not None else None


def _compare_external(chunk: ChunkRecord, ports: Ports, looked: Looked) -> list[Drift]:
    """Read media in the customer's own storage in place; the report never contains a location."""
    name = chunk.blob_name or str(chunk.key)
    looked.requests += 1
    try:
        with ports.external.open_content(chunk.task.content_location) as content:
            digest = _digest(chunk, content.pieces())
    except SourceGoneError:
        looked.read.append(chunk)
        return [drift_of(chunk, name, DriftKind.MEDIA_MISSING)]
    except (SourceError, StorageError, UnsafeLocationError) as error:
        looked.unread.append(Unread(name, error.code, looked.recording_id))
        return []
    looked.sampled += 1
    looked.bytes_read["external"] += digest.length_bytes
    looked.read.append(chunk)
    if digest.length_bytes != chunk.length_bytes:
        return [drift_of(chunk, name, DriftKind.MEDIA_LENGTH)]
    return [] if is_digest_of(chunk, digest) else [drift_of(chunk, name, DriftKind.MEDIA_BYTES)]


def _digest(chunk: ChunkRecord, pieces: Iterable[bytes]) -> Digest:
    """Compute each digest that the catalog has for comparison."""
    hasher = Hasher(with_sha512=chunk.sha512 is not None)
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()


def folders_of(chunks: Sequence[ChunkRecord]) -> set[str]:
    """Return the folders of a recording: one, fixed by its first event."""
    return {chunk.task.folder for chunk in chunks}
