"""The records of recordings and chunks."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from recording.domain.archived.drift import MediaAge
from recording.domain.state.chunk import ChunkKey, ChunkRecord
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.ports.stored import Page, Unreadable


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

    def chunks_of_document(self, document_id: str) -> list[ChunkRecord]:
        """All chunks that name this document, of whatever recording; rows that cannot be read are left out."""
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
