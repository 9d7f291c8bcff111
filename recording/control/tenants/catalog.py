"""Catalog and control within a scope; methods that no caller's request needs refuse, so nothing leaks by oversight."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NoReturn

from recording.control.tenants.finding import ScopedDirectory
from recording.control.tenants.reach import Reach
from recording.domain.archived.drift import MediaAge
from recording.domain.find.directory import Span
from recording.domain.incoming.requests import StartOptions
from recording.domain.state.chunk import ChunkKey, ChunkRecord
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.errors import ClaimLostError, ControlError, StorageError
from recording.errors.codes import Code
from recording.ports import Catalog, Page, RecordingControl, Unreadable

_ALL_MONTHS = Span("t!000000", "t!999999")
_MOST_READS = 40  # index pages without results
NOT_KNOWN = "ACS knows no such recording; it may have ended"


class ScopedControl:
    """ACS's control of the recordings within a scope; ACS is not called about any other."""

    def __init__(self, whole: RecordingControl, reach: Reach) -> None:
        self._whole, self._reach = whole, reach

    def start(self, options: StartOptions, repeatability_id: str, first_sent: datetime) -> tuple[str, str]:
        """Act as `RecordingControl` does."""
        return self._whole.start(options, repeatability_id, first_sent)

    def state(self, recording_id: str) -> str | None:
        """Act as `RecordingControl` does."""
        return self._whole.state(recording_id) if self._reach.has(recording_id) else None

    def pause(self, recording_id: str) -> None:
        """Act as `RecordingControl` does."""
        self._whole.pause(self._reached(recording_id))

    def resume(self, recording_id: str) -> None:
        """Act as `RecordingControl` does."""
        self._whole.resume(self._reached(recording_id))

    def stop(self, recording_id: str) -> None:
        """Act as `RecordingControl` does."""
        self._whole.stop(self._reached(recording_id))

    def _reached(self, recording_id: str) -> str:
        if not self._reach.has(recording_id):
            raise ControlError(NOT_KNOWN, code=Code.RECORDING_NOT_FOUND, acs_status=404)
        return recording_id


class ScopedCatalog:
    """The catalog within a scope."""

    def __init__(self, whole: Catalog, directory: ScopedDirectory | None, reach: Reach) -> None:
        self._whole, self._directory, self._reach = whole, directory, reach

    # --- recordings --------------------------------------------------------------------------------------------------

    def get_recording(self, recording_id: str) -> RecordingRecord | None:
        """Act as `Catalog` does."""
        return self._reach.get(recording_id)

    def get_recordings(self, recording_ids: Sequence[str]) -> list[RecordingRecord | Unreadable | None]:
        """Act as `Catalog` does; an unreadable row counts as absent."""
        return list(self._reach.among(recording_ids))

    def add_recording(self, record: RecordingRecord) -> bool:
        """Act as `Catalog` does."""
        return self._whole.add_recording(record)

    def save_recording(self, record: RecordingRecord) -> RecordingRecord:
        """Act as `Catalog` does."""
        if not self._reach.scope.covers(record.tenant):
            raise ClaimLostError("the recording is not of this scope")
        return self._whole.save_recording(record)

    def open_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        """Act as `Catalog` does."""
        return self._of_scope(self._whole.open_recordings())

    def alarmed_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        """Act as `Catalog` does."""
        return self._of_scope(self._whole.alarmed_recordings())

    def recordings_page(self, after: str = "", most: int = 1000) -> Page[RecordingRecord]:
        """Return the scope's own recordings by their index, the newest first, without scanning others'."""
        if self._directory is None:
            return Page()
        for _ in range(_MOST_READS):
            page = self._directory.read(_ALL_MONTHS, after, most)
            if page.rows or page.is_end:
                found = self._reach.among([row.recording_id for row in page.rows])
                items = tuple(record for record in found if record is not None)
                return Page(items, "" if page.is_end else page.rows[-1].row_key)
        return Page(error=StorageError("the directory does not answer"))

    def _of_scope(self, listing: Iterator[RecordingRecord | Unreadable]) -> Iterator[RecordingRecord | Unreadable]:
        covers = self._reach.scope.covers
        return (one for one in listing if isinstance(one, RecordingRecord) and covers(one.tenant))

    # --- chunks ------------------------------------------------------------------------------------------------------

    def get_chunk(self, key: ChunkKey) -> ChunkRecord | None:
        """Act as `Catalog` does."""
        return self._whole.get_chunk(key) if self._reach.has(key.recording_id) else None

    def chunks_of(self, recording_id: str) -> list[ChunkRecord]:
        """Act as `Catalog` does."""
        return self._whole.chunks_of(recording_id) if self._reach.has(recording_id) else []

    def chunk_rows_of(self, recording_id: str) -> list[ChunkRecord | Unreadable]:
        """Act as `Catalog` does."""
        return self._whole.chunk_rows_of(recording_id) if self._reach.has(recording_id) else []

    def add_chunk(self, record: ChunkRecord) -> bool:
        """Act as `Catalog` does."""
        return self._whole.add_chunk(record)

    def save_chunk(self, record: ChunkRecord) -> ChunkRecord:
        """Act as `Catalog` does."""
        return self._whole.save_chunk(record)

    def held_chunks(self) -> Iterator[ChunkRecord | Unreadable]:
        """Act as `Catalog` does."""
        return self._chunks(self._whole.held_chunks())

    def open_chunks(self, expiring_after: datetime | None = None) -> Iterator[ChunkRecord | Unreadable]:
        """Act as `Catalog` does."""
        return self._chunks(self._whole.open_chunks(expiring_after))

    def _chunks(self, listing: Iterator[ChunkRecord | Unreadable]) -> Iterator[ChunkRecord | Unreadable]:
        readable = (one for one in listing if isinstance(one, ChunkRecord))
        return self._reach.only(readable, lambda one: frozenset({one.task.recording_id}))

    # --- starts and loops --------------------------------------------------------------------------------------------

    def get_reservation(self, key: str) -> StartReservation | None:
        """Act as `Catalog` does; the scope is part of the key."""
        return self._whole.get_reservation(key)

    def add_reservation(self, reservation: StartReservation) -> bool:
        """Act as `Catalog` does."""
        return self._whole.add_reservation(reservation)

    def save_reservation(self, reservation: StartReservation) -> None:
        """Act as `Catalog` does."""
        self._whole.save_reservation(reservation)

    def cursor(self, loop: str) -> str:
        """Act as `Catalog` does."""
        return self._whole.cursor(loop)

    def save_cursor(self, loop: str, position: str) -> None:
        """Act as `Catalog` does."""
        self._whole.save_cursor(loop, position)

    def time(self) -> datetime:
        """Act as `Catalog` does."""
        return self._whole.time()

    # --- what only the timers and the command line read -------------------------------------------------------------

    def chunks_of_document(self, document_id: str) -> list[ChunkRecord]:
        """Refuse."""
        self._refuse(document_id)

    def all_chunks(self, after: str = "") -> Iterator[ChunkRecord | Unreadable]:
        """Refuse."""
        self._refuse(after)

    def media_ages(self, after: str = "", most: int = 1000) -> Page[MediaAge]:
        """Refuse."""
        self._refuse(after, most)

    def open_chunks_page(
        self, after: str = "", most: int = 1000, expiring_after: datetime | None = None
    ) -> Page[ChunkRecord]:
        """Refuse."""
        self._refuse(after, most, expiring_after)

    def due_recordings(
        self, now: datetime, after: str = "", most: int = 1000, most_rows: int = 100_000
    ) -> Page[RecordingRecord]:
        """Refuse."""
        self._refuse(now, after, most, most_rows)

    def _refuse(self, *_asked: object) -> NoReturn:
        raise StorageError("this is read for the whole archive only")
