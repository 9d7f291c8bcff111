"""Verify: check one archived recording again, from the bytes as they are stored now. Nothing is changed.

The media, in the archive or in the customer's own storage, is read completely, hashed and compared with the catalog and
its receipt; the metadata must be the archived one; the manifest must agree with the catalog; every chunk must be
archived, with none missing in between; and each derived file must match its receipt and be made from the media in the
catalog.
"""

import hashlib
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from recording.archive.manifest import latest_manifest
from recording.domain.archived.derived import read_derived_receipt
from recording.domain.archived.layout import derived_mark, derived_prefix, is_derived_receipt, manifest_name
from recording.domain.archived.receipt import UnreadRow, gaps_in, gaps_in_words, manifest_of
from recording.domain.state.chunk import ChunkKey, ChunkRecord
from recording.domain.state.transitions import is_archived
from recording.errors import BlobLockedError, RequestError
from recording.operate.drift import compare_recording, rows_of_recording
from recording.operate.drift.findings import ARCHIVE_TIER
from recording.ports import Ports
from recording.ports.stored import divide_rows
from recording.settings import Settings


@dataclass(frozen=True)
class Verified:
    """The result of comparing and reading.

    Attributes:
        chunks: how many were checked.
        read_whole: for how many of them the media was read completely.
        differences: each by name.
        unread: media that could not be read, and why; nothing is proved about it.
        disposed: how many were destroyed by decision: their absence is expected, and a certificate remains.
    """

    chunks: int
    read_whole: int
    differences: tuple[str, ...]
    unread: tuple[str, ...] = ()
    disposed: int = 0

    @property
    def is_proved(self) -> bool:
        """Return whether every chunk was read completely and nothing differs."""
        is_read = self.read_whole == self.chunks - self.disposed and not self.is_destroyed
        return is_read and not self.differences and not self.unread

    @property
    def is_destroyed(self) -> bool:
        """Return whether all of it was destroyed by decision, with certificates, so that nothing is left to prove."""
        return not self.differences and not self.unread and 0 < self.chunks == self.disposed


@dataclass(frozen=True)
class VerifiedPart:
    """The result of reading some files of a recording.

    Attributes:
        found: everything is compared, and these files are read.
        first: the position of the first one among all.
        end: the position after the last one.
        files: how many there are, media and derived files.
    """

    found: Verified
    first: int
    end: int
    files: int

    @property
    def is_all(self) -> bool:
        """Return whether these are all files."""
        return (self.first, self.end) == (0, self.files)


def verify(recording_id: str, ports: Ports, settings: Settings) -> Verified | None:
    """Verify a recording again; None when the catalog knows no chunk of it.

    Raises:
        StorageError: when catalog or archive do not answer; then nothing is proved either way.
    """
    part = verify_part(recording_id, 0, None, ports, settings)
    return part.found if part else None


def verify_part(
    recording_id: str, first: int, most_bytes: int | None, ports: Ports, settings: Settings
) -> VerifiedPart | None:
    """Verify a part of a recording's files, to bound one request; None when the catalog knows none.

    Args:
        recording_id: which one.
        first: the position of the file to begin with.
        most_bytes: how much to read, at least one file; None: everything.
        ports: they are only read.
        settings: for the names of blobs.

    Raises:
        RequestError: `invalid_request`; there is no such position.
        StorageError: when catalog or archive do not answer; then nothing is proved either way.
    """
    chunks, unreadable = rows_of_recording(recording_id, ports)
    if not chunks and not unreadable:
        return None
    if not chunks:
        told = tuple(f"{row.where}: not read: {row.code}" for row in unreadable)
        return VerifiedPart(Verified(0, 0, (), told), 0, 0, 0)
    files = [*((chunk.key, chunk.length_bytes or 0) for chunk in chunks), *_derived_receipts(chunks, ports)]
    if not 0 <= first < len(files):
        raise RequestError(f"the recording has {len(files)} files")
    end = _end(first, [length for _, length in files], most_bytes)
    read = [what for what, _ in files[first:end]]
    report = compare_recording(recording_id, ports, settings, {what for what in read if isinstance(what, ChunkKey)})
    differences = [f"{drift.kind.value} {drift.blob_name}" for drift in report.drifts]
    unread = [f"{one.name}: not read: {one.reason}" for one in report.unread]
    named = {drift.blob_name for drift in report.drifts} | {one.name for one in report.unread}
    differences += _of_the_whole(recording_id, chunks, ports, unread, divide_rows(unreadable)[1], named)
    differences += [line for what in read if isinstance(what, str) for line in _of_derived(what, chunks, ports, unread)]
    gone = sum(chunk.disposed_at is not None for chunk in chunks)
    found = Verified(report.chunks, report.sampled, tuple(differences), tuple(unread), gone)
    return VerifiedPart(found, first, end, len(files))


def _end(first: int, lengths: Sequence[int], most_bytes: int | None) -> int:
    """Return the position to stop at: one more file would be too much, except that the first is always read."""
    if most_bytes is None:
        return len(lengths)
    end, left = first + 1, most_bytes - lengths[first]
    while end < len(lengths) and lengths[end] <= left:
        left -= lengths[end]
        end += 1
    return end


def _derived_receipts(chunks: Sequence[ChunkRecord], ports: Ports) -> Iterator[tuple[str, int]]:
    """Yield the receipt of each derived file, with the size of the file in bytes."""
    for folder in sorted({chunk.task.folder for chunk in chunks}):
        listed = [blob for blob in ports.archive.list(derived_prefix(folder)) if blob.is_committed]
        lengths = Counter[str | None]()
        for blob in listed:
            lengths[derived_mark(blob.name)] += blob.length_bytes
        yield from ((one.name, lengths[derived_mark(one.name)]) for one in listed if is_derived_receipt(one.name))


def _of_the_whole(  # noqa: PLR0917 - what was read, and what was not
    recording_id: str,
    chunks: Sequence[ChunkRecord],
    ports: Ports,
    unread: list[str],
    rows: Sequence[UnreadRow],
    named: Container[str],
) -> Iterator[str]:
    """Yield the differences of the recording as a whole; a manifest that cannot be read is added to `unread`.

    Where a row cannot be read (`rows` has any), nobody can say what the manifest should be. A manifest in `named` is in
    the report already.
    """
    recording = ports.catalog.get_recording(recording_id)
    for chunk in chunks:
        if not is_archived(chunk):
            yield f"not_archived {chunk.key} ({chunk.state})"
    for gap in gaps_in(chunks, recording.least_count if recording else None, rows):
        yield f"chunk_missing {gaps_in_words([gap])}"
    for folder in sorted({chunk.task.folder for chunk in chunks}):
        try:
            version, kept = latest_manifest(folder, ports.archive)  # a missing one is already in the report
        except BlobLockedError:
            if manifest_name(folder) not in named:
                unread.append(f"{manifest_name(folder)}: not read: {ARCHIVE_TIER}")
            continue
        if kept is None or recording is None or rows or manifest_name(folder, version) in named:
            continue
        if kept[0] != manifest_of(recording, chunks, ()):
            yield f"manifest_differs {manifest_name(folder, version)}"


def _of_derived(name: str, chunks: Sequence[ChunkRecord], ports: Ports, unread: list[str]) -> Iterator[str]:
    """Yield what is wrong with a derived file, by its receipt: its inputs, and its bytes as they are stored now."""
    try:
        stored = ports.archive.get(name)
    except BlobLockedError:
        unread.append(f"{name}: not read: {ARCHIVE_TIER}")
        return
    try:
        receipt = read_derived_receipt(name, stored[0] if stored else None) or {}
        inputs = {one["blobName"]: one["sha256"] for one in receipt["inputs"]}
        media, promised = str(receipt["blobName"]), (receipt["lengthBytes"], receipt["sha256"])
    except (TypeError, LookupError):
        yield f"derived_receipt_unreadable {name}"
        return
    known = {chunk.blob_name: chunk.sha256 for chunk in chunks}
    yield from (f"derived_input_differs {one}" for one, sha256 in inputs.items() if known.get(one) != sha256)
    if ports.archive.look_up(media) is None:
        yield f"derived_missing {media}"
        return
    digest, length = hashlib.sha256(), 0
    try:
        for piece in ports.archive.read(media):
            digest.update(piece)
            length += len(piece)
    except BlobLockedError:
        yield f"derived_not_read {media}: {ARCHIVE_TIER}"
        return
    if (length, digest.hexdigest()) != promised:
        yield f"derived_bytes {media}"
