"""Ports of storage: the archive, the quarantine, Event Grid's dead letters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from recording.domain.archived.drift import BlobFacts
from recording.domain.state.quarantine import Origin
from recording.domain.state.stored import StoredBlob
from recording.ports.stored import Unreadable

LARGEST_DOCUMENT = 128 << 20  # a manifest of 50,000 chunks has room; what is larger was written by another hand


class Archive(Protocol):
    """The long-term copy. Nothing here ever replaces or deletes media. Every method raises StorageError."""

    def stage_block(
        self, name: str, block_id: str, data: bytes | bytearray | memoryview, crc64: int | None = None
    ) -> None:
        """Upload one block of a blob that is not there yet; the service verifies it. Repeating is harmless.

        `crc64` is that of the data, where it is already known.
        """
        ...

    def staged_blocks(self, name: str) -> Mapping[str, int]:
        """Return the blocks that are staged for a blob and not committed: ids and lengths. They are kept a week."""
        ...

    def commit(self, name: str, block_ids: Sequence[str], media_type: str, blob_metadata: Mapping[str, str]) -> bool:
        """Commit the blob from exactly these blocks. False, and no change, when a blob already has the name."""
        ...

    def put_media(self, name: str, data: memoryview, media_type: str, blob_metadata: Mapping[str, str]) -> bool:
        """Upload media of one block in one request, verified by the service. False, no change, if the name is taken."""
        ...

    def committed_blocks(self, name: str) -> list[tuple[str, int]]:
        """Return the blocks a committed blob is made of, in order: ids and lengths.

        None when it was uploaded at once.
        """
        ...

    def read_range(self, name: str, first: int, length: int) -> tuple[bytes, int]:
        """Return up to `length` bytes of a committed blob, and its total size."""
        ...

    def fill(self, name: str, first: int, view: memoryview, etag: str | None = None) -> int:
        """Read a range of a committed blob into a view, up to the blob's end; return its total size.

        With an ETag, another version of the blob is refused with a StorageError.
        """
        ...

    def put_once(self, name: str, data: bytes, media_type: str) -> bool:
        """Write a small blob. False, and no change, when one is already stored there."""
        ...

    def put_if_unchanged(self, name: str, data: bytes, media_type: str, etag: str | None) -> bool:
        """Write a small blob if it still has this ETag (None: if it is absent). False, and no change, otherwise.

        Raises BlobLockedError when a retention policy, a legal hold, a lease or the archive tier forbids the write.
        """
        ...

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Return a small blob and its ETag; None when absent. Raises BlobLockedError in the archive tier.

        Of one that is larger than LARGEST_DOCUMENT only the beginning: no digest fits it, and no reader understands it.
        """
        ...

    def look_up(self, name: str) -> StoredBlob | None:
        """Return a committed blob's length, facts, ETag and MD5; None when absent. Also in the archive tier.

        The MD5 is None where the blob was made of blocks.
        """
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """Yield a committed blob's bytes, in pieces, as the service stores them.

        Raises BlobLockedError in the archive tier.
        """
        ...

    def list(self, prefix: str) -> Iterator[BlobFacts]:
        """Yield all blobs whose names have this prefix, including those with staged blocks only.

        Nothing when there is none.
        """
        ...


@dataclass(frozen=True)
class DeadLetter:
    """Events that Event Grid gave up on, as it stored them: a JSON array. `at` is when it did."""

    name: str
    body: str
    at: datetime


class DeadLetters(Protocol):
    """The container that Event Grid writes dead letters to. Every method raises StorageError."""

    def letters(self, after: str = "") -> Iterator[DeadLetter | Unreadable]:
        """Yield up to a thousand in the order of their names, after the given one."""
        ...

    def remove(self, letter: DeadLetter) -> None:
        """Remove one. Removing what is gone is success."""
        ...


@dataclass(frozen=True)
class QuarantineEntry:
    """An entry kept for manual review: reason, content, time, origin, and the decision, if there is one."""

    reason: str
    detail: str
    payload: str
    came_from: str  # an Origin, or a word of another version
    at: datetime
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None
    redriven_at: datetime | None = None  # when its content was re-queued; the entry stays, for the record
    dismissed_at: datetime | None = None  # when an operator decided that nothing more is to be done
    note: str | None = None  # the reason of the decision

    @property
    def origin(self) -> Origin:
        """Return its origin; a value that this version does not know counts as foreign."""
        return Origin(self.came_from)

    @property
    def is_open(self) -> bool:
        """Return whether it still needs attention: it was neither redriven nor dismissed."""
        return self.redriven_at is None and self.dismissed_at is None


class Quarantine(Protocol):
    """The container `recording-quarantine`. Every method raises StorageError."""

    def put(self, entry: QuarantineEntry) -> str:
        """Store an entry and return its name. The same payload for the same reason on one day is one entry.

        An entry that was redriven and is refused again needs attention again; a dismissed one stays dismissed.
        """
        ...

    def mark_redriven(self, name: str, at: datetime) -> None:
        """Record that the entry's content was re-queued. An entry that is gone is not an error."""
        ...

    def mark_dismissed(self, name: str, at: datetime, note: str) -> None:
        """Record that an operator dismissed the entry, and why. An entry that is gone is not an error."""
        ...

    def entries(self) -> Iterator[tuple[str, QuarantineEntry]]:
        """Yield all entries with their names, oldest first."""
        ...
