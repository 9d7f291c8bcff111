"""Drift: compare the archive's content with the catalog. Pure: facts in, differences out."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from recording.domain.archived import layout
from recording.domain.archived.integrity import Digest
from recording.domain.foreign_json import read_json
from recording.domain.seal.leaves import sealed_number
from recording.domain.state.chunk import ChunkKey, ChunkRecord, ChunkState, Home, MetadataOutcome
from recording.domain.state.stored import is_same_sha512
from recording.domain.state.transitions import is_archived, is_finished
from recording.errors.codes import Code

_LATER_VERSION = re.compile(r"v[0-9]{1,3}\.", re.ASCII)
_BESIDE = ("conflict-", "suspect-")
_OF_MANIFEST = ("index", "documentId", "sha256", "lengthBytes")  # what is compared of each chunk
SCRUB_CYCLE_DAYS = 90  # all media is read completely once a quarter, which is 1.1 % a day
SCRUB_CYCLE = timedelta(days=SCRUB_CYCLE_DAYS)
SCRUB_DUE_AFTER = timedelta(days=SCRUB_CYCLE_DAYS - 10)  # ten nights to catch up before the cycle is missed


class DriftKind(StrEnum):
    """A kind of difference between archive and catalog."""

    MEDIA_MISSING = "media_missing"
    MEDIA_LENGTH = "media_length"
    MEDIA_FACTS = "media_facts"  # the blob's own metadata names another digest, recording or document
    MEDIA_BYTES = "media_bytes"  # a sampled blob was read whole, and has another digest
    RECEIPT_MISSING = "receipt_missing"
    RECEIPT_ALTERED = "receipt_altered"  # of a sampled chunk
    METADATA_MISSING = "metadata_missing"
    METADATA_ALTERED = "metadata_altered"  # of a sampled chunk: not the document that was archived
    MANIFEST_MISSING = "manifest_missing"
    MANIFEST_ALTERED = "manifest_altered"  # of a sampled recording: it lacks an archived chunk, or names other bytes
    NOT_GONE = "destroyed_but_present"  # a chunk was destroyed by decision, and a file of it is there
    CERTIFICATE_MISSING = "certificate_missing"  # a chunk counts as destroyed, and no certificate says so
    UNKNOWN_BLOB = "unknown_blob"
    UNCOMMITTED = "uncommitted"  # staged blocks of a blob that nobody is copying


@dataclass(frozen=True, order=True)
class Drift:
    """One difference, at one blob name."""

    blob_name: str
    kind: DriftKind
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None


@dataclass(frozen=True)
class BlobFacts:
    """One blob as a listing describes it."""

    name: str
    length_bytes: int
    facts: Mapping[str, str] = field(default_factory=dict)
    is_committed: bool = True
    tier: str | None = None  # the access tier, where the service reports it

    @property
    def is_offline(self) -> bool:
        """Return whether its bytes cannot be read before they are rehydrated, which takes hours and costs money."""
        return self.tier == "Archive"


@dataclass(frozen=True)
class MediaAge:
    """When a chunk's media was read whole, or was found in the archive tier, from which it cannot be read."""

    recording_id: str
    read_at: datetime
    length_bytes: int
    is_offline: bool = False


@dataclass(frozen=True)
class Sampled:
    """The result of reading a chunk's blobs: the media's digest, and the receipt's bytes."""

    digest: Digest | None  # None: there is no such media
    receipt: bytes | None
    is_receipt_read: bool = True  # False: it is in the archive tier, which is not a difference


def compare(
    chunks: Sequence[ChunkRecord],
    listed: Iterable[BlobFacts],
    template: str,
    sampled: Mapping[str, Sampled],
    disposed: Collection[ChunkKey] = (),
) -> list[Drift]:
    """Return the differences of one recording, in the order of blob names.

    Args:
        chunks: all chunks of the recording, as read before the blobs were listed (blobs are never removed).
        listed: all blobs in its folders.
        template: ARCHIVE_PATH_TEMPLATE, for chunks that have no blob name yet.
        sampled: by media name, what was read of the blobs in the sample.
        disposed: the chunks whose files may lawfully be gone; existing ones are compared nevertheless.
    """
    blobs = {blob.name: blob for blob in listed}
    committed = {name: blob for name, blob in blobs.items() if blob.is_committed}
    kept = [chunk for chunk in chunks if chunk.key not in disposed]
    found = {drift for chunk in chunks for drift in _of_chunk(chunk, committed, sampled)}
    documents = {chunk.task.document_id for chunk in kept}
    found = {drift for drift in found if drift.kind not in _GONE or drift.document_id in documents}
    found |= {drift for chunk in kept for drift in _of_manifest(chunk, committed)}
    found |= {
        drift_of(chunk, blob.name, DriftKind.NOT_GONE)
        for chunk in chunks
        if chunk.key in disposed
        for blob in committed.values()
        if _belongs(blob, chunk, template)
    }
    if all(chunk.key in disposed for chunk in chunks):
        left = (blob for blob in committed.values() if layout.derived_mark(blob.name) is not None)
        found |= {Drift(blob.name, DriftKind.NOT_GONE, chunks[0].task.recording_id) for blob in left}
    found |= {_of_stranger(blob) for blob in blobs.values() if not is_expected_blob(blob, chunks, template)}
    return sorted(found, key=lambda drift: (drift.blob_name, drift.kind))


_GONE = (DriftKind.MEDIA_MISSING, DriftKind.RECEIPT_MISSING, DriftKind.METADATA_MISSING)


def is_disposed(record: ChunkRecord) -> bool:
    """Return whether a chunk's row says that its files were destroyed; its certificate proves it."""
    return record.disposed_at is not None


def vouches_for_media(record: ChunkRecord) -> bool:
    """Return whether the archive has this blob with this digest, according to the catalog."""
    is_ours = record.task.home is Home.ACS and record.quarantine_reason != Code.STORED_DIFFERS
    return is_ours and bool(record.blob_name) and bool(record.sha256)


def is_expected_blob(blob: BlobFacts, chunks: Sequence[ChunkRecord], template: str) -> bool:
    """Return whether a blob belongs to one of these chunks; staged blocks do so only until their chunk is finished."""
    is_of_folder = layout.manifest_version(blob.name) or sealed_number(blob.name) is not None
    is_derived = layout.derived_mark(blob.name) is not None
    folder, _, _ = blob.name.rpartition("/")
    if (is_of_folder or is_derived) and any(chunk.task.folder == folder for chunk in chunks):
        return blob.is_committed or is_derived
    if any(blob.name == suspect.blob_name for chunk in chunks for suspect in chunk.suspects):
        return True
    return any(_belongs(blob, chunk, template) for chunk in chunks)


def _belongs(blob: BlobFacts, chunk: ChunkRecord, template: str) -> bool:
    task = chunk.task
    first = layout.media_name(template, task.folder, task.index, task.document_id, None)
    if chunk.blob_name and not blob.name.startswith(first.removesuffix(".bin")):
        first = chunk.blob_name  # the template was another one when it was archived
    stem = first.rpartition(".")[0]
    if not blob.name.startswith(f"{stem}."):
        return False
    rest = _LATER_VERSION.sub("", blob.name.removeprefix(f"{stem}."), count=1)
    if not blob.is_committed:
        return not is_finished(chunk) or rest.startswith(_BESIDE)
    if rest in ("metadata.json", "receipt.json", "after.json", "peaks.json") or rest.startswith(_BESIDE):
        return True
    return blob.name == chunk.blob_name if chunk.blob_name else "." not in rest


def is_sampled(record: ChunkRecord, percent: float, seed: str) -> bool:
    """Return whether a chunk is in the sample: the same share for the same seed, another one for another seed."""
    drawn = hashlib.sha256(f"{seed}|{record.task.recording_id}|{record.key}".encode()).digest()
    return int.from_bytes(drawn[:8]) < percent / 100 * 2**64


def is_indexed_elsewhere(record: ChunkRecord) -> bool:
    """Return whether the catalog confirms media that stays in the customer's own storage."""
    return record.task.home is Home.EXTERNAL and is_archived(record) and bool(record.sha256)


def is_scrubbed(record: ChunkRecord) -> bool:
    """Return whether a chunk's media has to be read once in each cycle."""
    is_vouched_for = vouches_for_media(record) or is_indexed_elsewhere(record)
    return is_finished(record) and is_vouched_for and record.disposed_at is None


def read_at(record: ChunkRecord) -> datetime:
    """Return when the scrub last read a chunk's media; before the first time, when it was verified or copied."""
    return (
        record.offline_seen_at or record.read_whole_at or record.verified_at or record.copied_at or record.first_seen_at
    )


def _of_chunk(chunk: ChunkRecord, blobs: Mapping[str, BlobFacts], sampled: Mapping[str, Sampled]) -> Iterable[Drift]:
    name = chunk.blob_name
    if name is None:  # a damaged row, or a chunk that has no copy yet
        if is_archived(chunk):
            yield drift_of(chunk, str(chunk.key), DriftKind.RECEIPT_MISSING)
        return
    if vouches_for_media(chunk):
        kinds = _media_kinds(chunk, blobs.get(name), sampled.get(name))
        yield from (drift_of(chunk, name, kind) for kind in kinds)
    if not is_archived(chunk):
        return
    receipt = layout.receipt_name(name)
    if receipt not in blobs:
        yield drift_of(chunk, receipt, DriftKind.RECEIPT_MISSING)
    elif name in sampled and sampled[name].is_receipt_read and not _is_receipt_of(chunk, sampled[name].receipt):
        yield drift_of(chunk, receipt, DriftKind.RECEIPT_ALTERED)
    if chunk.metadata is MetadataOutcome.ARCHIVED and layout.metadata_name(name) not in blobs:
        yield drift_of(chunk, layout.metadata_name(name), DriftKind.METADATA_MISSING)


def _media_kinds(chunk: ChunkRecord, blob: BlobFacts | None, sample: Sampled | None) -> Iterable[DriftKind]:
    if blob is None:
        yield DriftKind.MEDIA_MISSING
        return
    if blob.length_bytes != chunk.length_bytes:
        yield DriftKind.MEDIA_LENGTH
    said = {"recordingid": chunk.task.recording_id, "documentid": chunk.task.document_id}
    is_other = blob.facts.get("sha256") not in (None, chunk.sha256)  # a copy of several runs has none
    if is_other or any(blob.facts.get(fact) != value for fact, value in said.items()):
        yield DriftKind.MEDIA_FACTS
    if sample is not None and blob.length_bytes == chunk.length_bytes and not is_digest_of(chunk, sample.digest):
        yield DriftKind.MEDIA_BYTES


def is_digest_of(chunk: ChunkRecord, digest: Digest | None) -> bool:
    """Return whether bytes match each of the chunk's digests in the catalog."""
    if digest is None:
        return False
    return digest.sha256 == chunk.sha256 and (chunk.sha512 is None or digest.sha512 == chunk.sha512)


def _is_receipt_of(chunk: ChunkRecord, receipt: bytes | None) -> bool:
    try:
        told = read_json(receipt or b"")
    except ValueError:
        return False
    said = {"recordingId": chunk.task.recording_id, "documentId": chunk.task.document_id}
    said_of_media = {"sha256": chunk.sha256, "lengthBytes": chunk.length_bytes}
    return (
        isinstance(told, dict)
        and is_same_sha512(chunk, told)
        and all(told.get(name) == value for name, value in {**said, **said_of_media}.items())
    )


def is_listed(chunk: ChunkRecord) -> bool:
    """Return whether the manifest must list a chunk: it is written before a chunk's source is settled."""
    return chunk.state is ChunkState.SOURCE_DELETED or (is_archived(chunk) and is_finished(chunk))


def is_manifest_of(chunks: Sequence[ChunkRecord], manifest: bytes) -> bool:
    """Return whether a manifest lists these chunks of a recording as they are; what else it says is not compared."""
    try:
        told = read_json(manifest)
        listed = {tuple(one.get(name) for name in _OF_MANIFEST) for one in told["chunks"]}
        is_its_own = all(chunk.task.recording_id == told["recordingId"] for chunk in chunks)
    except (ValueError, TypeError, LookupError, AttributeError):
        return False
    facts = ((chunk.task.index, chunk.task.document_id, chunk.sha256, chunk.length_bytes) for chunk in chunks)
    return is_its_own and all(one in listed for one in facts)


def _of_manifest(chunk: ChunkRecord, blobs: Mapping[str, BlobFacts]) -> Iterable[Drift]:
    """Yield a missing manifest."""
    name = layout.manifest_name(chunk.task.folder)
    if is_listed(chunk) and name not in blobs:
        yield Drift(name, DriftKind.MANIFEST_MISSING, chunk.task.recording_id)


def _of_stranger(blob: BlobFacts) -> Drift:
    return Drift(blob.name, DriftKind.UNKNOWN_BLOB if blob.is_committed else DriftKind.UNCOMMITTED)


def drift_of(chunk: ChunkRecord, name: str, kind: DriftKind) -> Drift:
    """Return a difference at a chunk's blob."""
    return Drift(name, kind, chunk.task.recording_id, chunk.task.document_id, chunk.task.index)
