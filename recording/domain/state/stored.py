"""Compare a chunk's stored files with what was verified: the last check before a delete. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from recording.domain.foreign_json import read_json
from recording.domain.state.chunk import ChunkRecord, MetadataOutcome
from recording.errors.codes import Code


@dataclass(frozen=True)
class StoredBlob:
    """The archive's facts about one blob, without reading it."""

    length_bytes: int
    facts: Mapping[str, str] = field(default_factory=dict)  # the metadata given at commit
    etag: str = ""
    md5: bytes | None = None  # of a blob that was written in one request; the service takes it itself


@dataclass(frozen=True)
class StoredChunk:
    """The files of one chunk as the archive reports them now; None is absent."""

    media: StoredBlob | None
    receipt: bytes | None = None
    metadata: bytes | None = None


class Standing(StrEnum):
    """The result of comparing the archive's answer with the record."""

    AS_PROVED = "as_proved"
    VANISHED = "media_vanished"  # the media is gone, and ACS may still have it
    TOUCHED = "media_touched"  # the same length and digest fact, but written since: it must be read again
    ALTERED = "media_altered"  # other bytes are stored under the name
    DOCUMENTS_VANISHED = "documents_vanished"
    DOCUMENTS_ALTERED = "documents_altered"

    @property
    def code(self) -> Code:
        """Return the error code of a result other than a match."""
        return Code[self.name if self.value.startswith("documents") else f"MEDIA_{self.name}"]


def media_standing(record: ChunkRecord, media: StoredBlob | None) -> Standing:
    """Compare the stored media with what verify recorded.

    The digest fact is absent on copies that were made in several runs; there the ETag alone decides.
    """
    if media is None:
        return Standing.VANISHED
    if media.length_bytes != record.length_bytes or media.facts.get("sha256") not in (None, record.sha256):
        return Standing.ALTERED
    return Standing.AS_PROVED if record.stored_etag == media.etag != "" else Standing.TOUCHED


def standing(record: ChunkRecord, stored: StoredChunk) -> Standing:
    """Compare all stored files of a chunk with the record."""
    media = media_standing(record, stored.media)
    if media is not Standing.AS_PROVED:
        return media
    if stored.receipt is None:
        return Standing.DOCUMENTS_VANISHED
    if record.metadata is MetadataOutcome.ARCHIVED:
        if stored.metadata is None:
            return Standing.DOCUMENTS_VANISHED
        if sha256_of(stored.metadata) != record.metadata_sha256:
            return Standing.DOCUMENTS_ALTERED
    return Standing.AS_PROVED if is_receipt_of(record, stored.receipt) else Standing.DOCUMENTS_ALTERED


def is_receipt_of(record: ChunkRecord, receipt: bytes | None) -> bool:
    """Return whether a receipt is about this chunk with these bytes."""
    try:
        facts = read_json(receipt or b"")
    except ValueError:
        facts = None
    said = {
        "recordingId": record.task.recording_id,
        "documentId": record.task.document_id,
        "sha256": record.sha256,
        "lengthBytes": record.length_bytes,
    }
    return (
        isinstance(facts, dict)
        and is_same_sha512(record, facts)
        and all(facts.get(name) == value for name, value in said.items())
    )


def is_same_sha512(record: ChunkRecord, told: Mapping[str, object]) -> bool:
    """Return whether a document does not contradict the record's SHA-512; older ones have none, and stay valid."""
    return record.sha512 is None or told.get("sha512") in (None, record.sha512)


def sha256_of(content: bytes) -> str:
    """Return the digest of a small document."""
    return hashlib.sha256(content).hexdigest()
