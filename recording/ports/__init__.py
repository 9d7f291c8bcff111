"""What the use cases need from the outside world: small protocols, filled by the adapters and by the tests' fakes."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from recording.domain.archived.drift import BlobFacts, MediaAge
from recording.domain.find.directory import IndexRow, Span
from recording.domain.find.index_keys import IndexKeys
from recording.domain.incoming.requests import StartOptions
from recording.domain.state.chunk import ChunkKey, ChunkRecord, ChunkTask
from recording.domain.state.quarantine import Origin
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.domain.state.stored import StoredBlob
from recording.errors import StorageError
from recording.errors.codes import Code

T = TypeVar("T")


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The time, aware UTC."""
        ...


# --- ACS -------------------------------------------------------------------------------------------------------------


class RecordingControl(Protocol):
    """ACS's control plane. Every method raises ControlError, whose code is stable and documented."""

    def start(self, options: StartOptions, repeatability_id: str, first_sent: datetime) -> tuple[str, str]:
        """Starts a recording; returns (recording id, ACS state). Idempotent for one repeatability id."""
        ...

    def state(self, recording_id: str) -> str | None:
        """ACS's word for the state; None when ACS knows no such recording (ended, or never was)."""
        ...

    def pause(self, recording_id: str) -> None:
        """Pauses; not an error when the recording is already paused, if ACS says so."""
        ...

    def resume(self, recording_id: str) -> None:
        """Resumes."""
        ...

    def stop(self, recording_id: str) -> None:
        """Stops. `recording_not_found` also means: ended before."""
        ...


class WholeContent(Protocol):
    """One open download of a whole object."""

    @property
    def declared_total(self) -> int | None:
        """The object's length as the source declares it (Content-Range or Content-Length); None if it does not."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """The bytes in order. Raises SourceBusyError when the stream breaks; a short stream may also just end."""
        ...


class SourceContent(WholeContent, Protocol):
    """One open download of an object or of a range of it."""

    @property
    def is_whole(self) -> bool:
        """Whether the body is the whole object, whatever range was asked for."""
        ...

    @property
    def version(self) -> str | None:
        """The object's ETag as served; None when the source names none."""
        ...

    def fill(self, view: memoryview) -> int:
        """Reads until the view is full or the body ends, and tells how much came. Raises SourceBusyError."""
        ...


class RecordingSource(Protocol):
    """ACS's storage plane. Locations are checked by the strict guard before any request (UnsafeLocationError)."""

    def open_content(
        self, location: str, first: int = 0, length: int | None = None
    ) -> AbstractContextManager[SourceContent]:
        """Opens a download of `length` bytes from `first` on; None: of all that follow. Raises SourceError."""
        ...

    def read_metadata(self, location: str) -> bytes:
        """The metadata document's bytes as served. Raises SourceError; `metadata_too_large` above 1 MiB."""
        ...

    def delete(self, location: str) -> bool:
        """Deletes the object. True: deleted; False: it was already gone (404). Raises SourceError."""
        ...


class ExternalStorage(Protocol):
    """The customer's own containers that ACS writes to (bring your own storage). Read only."""

    def open_content(self, location: str) -> AbstractContextManager[WholeContent]:
        """Opens a blob in one of the configured containers. Raises UnsafeLocationError, SourceError."""
        ...

    def read_metadata(self, location: str) -> bytes:
        """A metadata document lying there. Raises UnsafeLocationError, SourceError."""
        ...


@dataclass(frozen=True)
class RecordingSummary:
    """What ACS's own log says about one recording whose files are ready.

    `noted_at` is when the log received its newest row about it: rows come late, and are read in that order.
    """

    recording_id: str
    chunk_count: int
    ready_at: datetime
    noted_at: datetime


class CallRecordingLog(Protocol):
    """ACS's own list of recordings, as far as it was sent to Azure Monitor."""

    def summaries(self, since: datetime, after: str = "", most: int = 10_000) -> Iterator[RecordingSummary]:
        """One for each recording that the log received a row about since then, the earliest received first.

        At most so many; of those received at that very time only ids behind `after`. Raises LogUnavailableError.
        """
        ...


# --- our storage -----------------------------------------------------------------------------------------------------


class Archive(Protocol):
    """The long-term copy. Nothing here ever replaces or deletes media. Every method raises StorageError."""

    def stage_block(self, name: str, block_id: str, data: bytes | bytearray | memoryview) -> None:
        """Uploads one block of a blob that is not there yet; the service verifies it. Repeating is harmless."""
        ...

    def staged_blocks(self, name: str) -> Mapping[str, int]:
        """The blocks that are staged for a blob and not committed: ids and lengths. They are kept a week."""
        ...

    def commit(self, name: str, block_ids: Sequence[str], media_type: str, facts: Mapping[str, str]) -> bool:
        """Makes the blob of exactly these blocks. False, and no change, when a blob already lies there."""
        ...

    def put_media(self, name: str, data: memoryview, media_type: str, facts: Mapping[str, str]) -> bool:
        """Uploads media of one block in one request, verified by the service. False, no change, if one lies there."""
        ...

    def committed_blocks(self, name: str) -> list[tuple[str, int]]:
        """The blocks a committed blob is made of, in order: ids and lengths; none when it was uploaded at once."""
        ...

    def read_range(self, name: str, first: int, length: int) -> tuple[bytes, int]:
        """At most so many bytes of a committed blob, and how long all of it is."""
        ...

    def put_once(self, name: str, data: bytes, media_type: str) -> bool:
        """Writes a small blob. False, and no change, when one already lies there."""
        ...

    def put_if_unchanged(self, name: str, data: bytes, media_type: str, etag: str | None) -> bool:
        """Writes a small blob if it still has this ETag (None: if it is absent). False, and no change, otherwise.

        Raises BlobLockedError when a retention policy, a legal hold, a lease or the archive tier forbids the write.
        """
        ...

    def get(self, name: str) -> tuple[bytes, str] | None:
        """A small blob and its ETag; None when absent."""
        ...

    def look_up(self, name: str) -> StoredBlob | None:
        """A committed blob's length, facts and ETag; None when absent."""
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """A committed blob's bytes, in pieces, as the service stores them."""
        ...

    def list(self, prefix: str) -> Iterator[BlobFacts]:
        """All blobs whose names begin so, also those of which only blocks were staged; nothing when there is none."""
        ...


@dataclass(frozen=True)
class Unreadable:
    """A stored thing that this version cannot read; it stands in a listing so that it hides nothing else.

    Attributes:
        where: its keys or its name; never its content.
        code: why, stable.
    """

    where: str
    code: Code = Code.UNREADABLE_RECORD


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a listing.

    Attributes:
        items: what was found.
        next: where the following page begins; "" when the listing has come to its end. Positions sort as items do.
        error: what ended the page before its time; what was found until then is there.
        counts: index rows of the page by the alarm that their recording stands in.
    """

    items: tuple[T | Unreadable, ...] = ()
    next: str = ""
    error: StorageError | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


class Catalog(Protocol):
    """What is known about recordings and chunks. Every method raises StorageError; absent is None, not an error.

    In listings an item that cannot be read is `Unreadable` and never ends the listing. A get of such an item raises
    StorageError with the code `unreadable_record`, or `newer_record` when a newer version must work on it.
    """

    def get_chunk(self, key: ChunkKey) -> ChunkRecord | None:
        """One chunk's record with its ETag."""
        ...

    def add_chunk(self, record: ChunkRecord) -> bool:
        """Adds a record. False, and no change, when the chunk is already known."""
        ...

    def save_chunk(self, record: ChunkRecord) -> ChunkRecord:
        """Replaces the record if it still has its ETag. Raises ClaimLostError.

        Returns it with the new ETag and `saved_at`, the time by the catalog's own clock.
        """
        ...

    def chunks_of(self, recording_id: str) -> list[ChunkRecord]:
        """All chunks of a recording that can be read, by index."""
        ...

    def all_chunks(self) -> Iterator[ChunkRecord | Unreadable]:
        """Every chunk there is, those of one recording together."""
        ...

    def media_ages(self, after: str = "", most: int = 1000) -> Page[MediaAge]:
        """Behind a position: when the media was read whole that must be once in each cycle; at most so many rows.

        Rows of chunks that are unfinished or have no media are passed over, and count as well.
        """
        ...

    def held_chunks(self) -> Iterator[ChunkRecord | Unreadable]:
        """The chunks that need attention (QUARANTINED or EXPIRED), those of one recording together."""
        ...

    def open_chunks(self, expiring_after: datetime | None = None) -> Iterator[ChunkRecord | Unreadable]:
        """All unfinished chunks, the earliest expiry first; those with an earlier expiry than the given one left out.

        The expiry counts in whole seconds.
        """
        ...

    def open_chunks_page(
        self, after: str = "", most: int = 1000, expiring_after: datetime | None = None
    ) -> Page[ChunkRecord]:
        """The unfinished chunks behind a position, at most so many, in the same order."""
        ...

    def get_recording(self, recording_id: str) -> RecordingRecord | None:
        """One recording's record with its ETag."""
        ...

    def add_recording(self, record: RecordingRecord) -> bool:
        """Adds a record. False, and no change, when the recording is already known."""
        ...

    def save_recording(self, record: RecordingRecord) -> RecordingRecord:
        """Replaces the record if it still has its ETag. Raises ClaimLostError."""
        ...

    def open_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        """All recordings that are not settled, in no particular order."""
        ...

    def alarmed_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        """The unsettled recordings that reconcile has found in an alarm, however many others are open."""
        ...

    def due_recordings(
        self, now: datetime, after: str = "", most: int = 1000, most_rows: int = 100_000
    ) -> Page[RecordingRecord]:
        """The unsettled recordings behind a position whose `look_at` has come, at most so many.

        No more than `most_rows` index rows are passed over; the page counts the alarms in them.
        """
        ...

    def cursor(self, loop: str) -> str:
        """The position that a loop has saved; "" when it has saved none."""
        ...

    def save_cursor(self, loop: str, position: str) -> None:
        """Keeps the position at which a loop goes on; the last writer wins."""
        ...

    def get_recordings(self, recording_ids: Sequence[str]) -> list[RecordingRecord | Unreadable | None]:
        """Several recordings' records, in the order asked for."""
        ...

    def recordings_page(self, after: str = "", most: int = 1000) -> Page[RecordingRecord]:
        """All recordings behind a position, settled or not, at most so many, in the order of their keys."""
        ...

    def get_reservation(self, key: str) -> StartReservation | None:
        """What was asked under an idempotency key."""
        ...

    def add_reservation(self, reservation: StartReservation) -> bool:
        """Reserves an idempotency key. False, and no change, when it is taken."""
        ...

    def save_reservation(self, reservation: StartReservation) -> None:
        """Completes a reservation; the last writer wins, all write the same."""
        ...


@dataclass(frozen=True)
class PoisonMessage:
    """A message the host gave up on.

    Attributes:
        body: its text, decoded.
        receipt: lets its reader remove it; None when it was only looked at.
        id: the service's name for it.
        at: when the host gave up.
    """

    body: str
    receipt: Any = None
    id: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class QueueDepth:
    """A queue as it stands. `oldest_at` is of the message that waits longest, as far as can be seen."""

    name: str
    messages: int
    oldest_at: datetime | None = None


class ChunkQueue(Protocol):
    """The queue `recording-chunks`, and the poison queues of chunks and events. Every method raises StorageError."""

    def send(self, task: ChunkTask, delay: timedelta = timedelta()) -> None:
        """Enqueues a task, visible after `delay` (at most seven days). It never expires in the queue."""
        ...

    def send_again(self, body: str, delay: timedelta = timedelta()) -> None:
        """Enqueues a message as it came, for a worker of another version; otherwise as `send`."""
        ...

    def poisoned(self) -> Iterator[PoisonMessage]:
        """The messages in the poison queue at this time, each hidden from others for a while."""
        ...

    def poisoned_events(self) -> Iterator[PoisonMessage]:
        """The same for events that the host gave up on (`recording-events-poison`)."""
        ...

    def depths(self) -> list[QueueDepth]:
        """How the four queues stand: events and chunks, and their poison queues. One that is not there is empty."""
        ...

    def peek_poisoned(self) -> list[PoisonMessage]:
        """Up to 32 poisoned tasks and 32 poisoned events, without hiding them; those that are hidden are not seen."""
        ...

    def remove_poisoned(self, message: PoisonMessage) -> None:
        """Removes one, of either kind. Removing what is gone is success."""
        ...


@dataclass(frozen=True)
class DeadLetter:
    """Events that Event Grid gave up on, as it kept them: a JSON array. `at` is when it did."""

    name: str
    body: str
    at: datetime


class DeadLetters(Protocol):
    """The container that Event Grid writes dead letters to. Every method raises StorageError."""

    def letters(self, after: str = "") -> Iterator[DeadLetter | Unreadable]:
        """At most a thousand, in the order of their names, behind the given one."""
        ...

    def remove(self, letter: DeadLetter) -> None:
        """Removes one. Removing what is gone is success."""
        ...


@dataclass(frozen=True)
class QuarantineEntry:
    """Something kept for a person: why, what, when and where it came from; and how it was decided, if it was."""

    reason: str
    detail: str
    payload: str
    came_from: str  # an Origin, or a word of another version
    at: datetime
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None
    redriven_at: datetime | None = None  # it went back to work then; the entry stays, for the record
    dismissed_at: datetime | None = None  # an operator decided then that nothing more is to be done
    note: str | None = None  # why

    @property
    def origin(self) -> Origin:
        """Where it came from; a word that this version does not know is foreign."""
        return Origin(self.came_from)

    @property
    def is_open(self) -> bool:
        """Whether it still needs attention: it was neither put back to work nor dismissed."""
        return self.redriven_at is None and self.dismissed_at is None


class Quarantine(Protocol):
    """The container `recording-quarantine`. Every method raises StorageError."""

    def put(self, entry: QuarantineEntry) -> str:
        """Keeps an entry, returns its name. The same payload for the same reason on one day is one entry.

        An entry that was redriven and is refused once more waits again; one that was dismissed stays dismissed.
        """
        ...

    def mark_redriven(self, name: str, at: datetime) -> None:
        """Notes that what the entry holds went back to work. An entry that is gone is not an error."""
        ...

    def mark_dismissed(self, name: str, at: datetime, note: str) -> None:
        """Notes that an operator dismissed the entry, and why. An entry that is gone is not an error."""
        ...

    def entries(self) -> Iterator[tuple[str, QuarantineEntry]]:
        """All entries with their names, oldest first."""
        ...


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit trail; holds no name, no number and no address.

    Attributes:
        at: when, aware UTC.
        operation: by the function's name.
        recording_id: None where it is not known yet.
        caller: the object id that the platform vouches for; None when only a key was shown.
        outcome: `asked`, `done`, or the code of the refusal.
        note: why, in the caller's own words, without phone numbers; of operators' decisions only.
    """

    at: datetime
    operation: str
    recording_id: str | None
    caller: str | None
    outcome: str
    note: str | None = None


class AuditTrail(Protocol):
    """Who asked for what. Entries are only added. Every method raises StorageError."""

    def add(self, entry: AuditEntry) -> None:
        """Adds an entry, durable when this returns."""
        ...

    def entries(self, since: datetime) -> Iterator[AuditEntry]:
        """All entries from that time on, the earliest first."""
        ...

    def entries_about(self, recording_id: str) -> Iterator[AuditEntry]:
        """All entries that name this recording, the earliest first."""
        ...


# --- the directory ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DirectoryPage:
    """Some index rows in their order. `is_end` says that the span has no more; an empty page alone does not."""

    rows: tuple[IndexRow, ...] = ()
    is_end: bool = True


class Directory(Protocol):
    """What find asks. Every row is derived from the catalog and the archive. Every method raises StorageError."""

    def put(self, rows: Sequence[IndexRow]) -> None:
        """Writes rows, whatever is there. Repeating is harmless; a failure may leave some written."""
        ...

    def remove(self, places: Sequence[str]) -> None:
        """Removes the rows at these places (`place_of`). Removing what is gone is success."""
        ...

    def read(self, span: Span, after: str = "", most: int = 1000) -> DirectoryPage:
        """The rows of a span whose row keys follow `after`, in the order of partition and row key, at most so many."""
        ...


class FollowUps(Protocol):
    """The queue `recording-follow-ups`. Every method raises StorageError."""

    def send(self, recording_id: str, attempt: int = 0, delay: timedelta = timedelta()) -> None:
        """Asks that the directory be brought up to date about a recording."""
        ...


class IndexKeySource(Protocol):
    """Where the keys of the directory's hashes come from. Every method raises StorageError."""

    def keys(self) -> IndexKeys:
        """The keys in use, the one that writes first. Without one in the settings, one is made once and kept."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything the use cases may touch, filled by `wiring` or by a test."""

    clock: Clock
    control: RecordingControl
    source: RecordingSource
    external: ExternalStorage
    archive: Archive
    catalog: Catalog
    queue: ChunkQueue
    quarantine: Quarantine
    audit: AuditTrail
    fallback: Archive | None = None  # only where FALLBACK_STORAGE is set
    dead_letters: DeadLetters | None = None  # only where DEAD_LETTER_STORAGE is set
    log: CallRecordingLog | None = None  # only where MONITOR_WORKSPACE_ID is set
    jitter: Callable[[], float] = random.random  # from 0 to 1: spreads retries, guards nothing
    directory: Directory | None = None  # None only in a world that leaves it out
    follow_ups: FollowUps | None = None
    index_keys: IndexKeySource | None = None
