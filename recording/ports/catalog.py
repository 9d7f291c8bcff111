"""The records of recordings and chunks."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from recording.domain.archived.drift import MediaAge
from recording.domain.state.chunk import ChunkKey, ChunkRecord
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.ports.stored import Page, Unreadable


class Catalog(Protocol):
    """The records of recordings and chunks. Every method raises StorageError; absent is None, not an error.

    In listings an item that cannot be read is `Unreadable` and never ends the listing. A get of such an item raises
    StorageError with the code `unreadable_record`, or `newer_record` when a newer version must work on it.
    """

    def get_chunk(self, key: ChunkKey) -> ChunkRecord | None:
        """Return one chunk's record with its ETag."""
        ...

    def add_chunk(self, record: ChunkRecord) -> bool:
        """Add a record. False, and no change, when the chunk is already known."""
        ...

    def save_chunk(self, record: ChunkRecord) -> ChunkRecord:
        """Replace the record if it still has its ETag. Raises ClaimLostError.

        Returns it with the new ETag and `saved_at`, the time by the catalog's own clock.
        """
        ...

    def chunks_of(self, recording_id: str) -> list[ChunkRecord]:
        """Return all chunks of a recording that can be read, by index."""
        ...

    def chunk_rows_of(self, recording_id: str) -> list[ChunkRecord | Unreadable]:
        """Return all chunks of a recording in the order of their keys, and the rows that cannot be read."""
        ...

    def chunks_of_document(self, document_id: str) -> list[ChunkRecord]:
        """Return all chunks with this document, of any recording; unreadable rows are left out."""
        ...

    def all_chunks(self, after: str = "") -> Iterator[ChunkRecord | Unreadable]:
        """Yield every chunk, those of one recording together; `after` the name of a recording, only those behind."""
        ...

    def media_ages(self, after: str = "", most: int = 1000) -> Page[MediaAge]:
        """Return, from a position on, when each chunk's media was last read completely.

        At most `most` rows; those of chunks that are unfinished or have no media are skipped, but counted.
        """
        ...

    def held_chunks(self) -> Iterator[ChunkRecord | Unreadable]:
        """Yield the chunks that need attention (QUARANTINED or EXPIRED), those of one recording together."""
        ...

    def open_chunks(self, expiring_after: datetime | None = None) -> Iterator[ChunkRecord | Unreadable]:
        """Yield all unfinished chunks from an expiry on, the earliest expiry first.

        The expiry counts in whole seconds.
        """
        ...

    def open_chunks_page(
        self, after: str = "", most: int = 1000, expiring_after: datetime | None = None
    ) -> Page[ChunkRecord]:
        """Return a page of unfinished chunks after a position, in the same order."""
        ...

    def get_recording(self, recording_id: str) -> RecordingRecord | None:
        """Return one recording's record with its ETag."""
        ...

    def add_recording(self, record: RecordingRecord) -> bool:
        """Add a record. False, and no change, when the recording is already known."""
        ...

    def save_recording(self, record: RecordingRecord) -> RecordingRecord:
        """Replace the record if it still has its ETag. Raises ClaimLostError."""
        ...

    def open_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        """Yield all recordings that are not settled, in no particular order."""
        ...

    def alarmed_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        """Yield the unsettled recordings with an alarm, however many others are open."""
        ...

    def due_recordings(
        self, now: datetime, after: str = "", most: int = 1000, most_rows: int = 100_000
    ) -> Page[RecordingRecord]:
        """Return a page of unsettled recordings after a position whose `look_at` has passed.

        At most `most_rows` index rows are skipped; the page counts the alarms in them.
        """
        ...

    def cursor(self, loop: str) -> str:
        """Return the saved position of a loop; "" when there is none."""
        ...

    def save_cursor(self, loop: str, position: str) -> None:
        """Save the position at which a loop continues; the last writer wins."""
        ...

    def time(self) -> datetime:
        """Return the time by the catalog's own clock, which all instances share; it writes a row of its own."""
        ...

    def get_recordings(self, recording_ids: Sequence[str]) -> list[RecordingRecord | Unreadable | None]:
        """Return several recordings' records, in the order requested."""
        ...

    def recordings_page(self, after: str = "", most: int = 1000) -> Page[RecordingRecord]:
        """Return a page of all recordings after a position, settled or not, in the order of their keys."""
        ...

    def get_reservation(self, key: str) -> StartReservation | None:
        """Return the request made under an idempotency key."""
        ...

    def add_reservation(self, reservation: StartReservation) -> bool:
        """Reserve an idempotency key. False, and no change, when it is taken."""
        ...

    def save_reservation(self, reservation: StartReservation) -> None:
        """Complete a reservation; the last writer wins, since all write the same."""
        ...
