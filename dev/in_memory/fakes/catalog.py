"""The catalog in memory."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

from dev.in_memory.fakes.clock import FakeClock
from dev.in_memory.fakes.limits import check_row
from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.adapters.table import rows
from recording.domain.archived.drift import MediaAge, is_scrubbed, read_at
from recording.domain.state.chunk import ChunkKey, ChunkRecord
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.domain.state.transitions import is_finished, is_held
from recording.domain.times import sortable
from recording.errors import ClaimLostError, StorageError
from recording.errors.codes import Code
from recording.ports import Page, Unreadable

K = TypeVar("K")
L = TypeVar("L")
Record = TypeVar("Record", ChunkRecord, RecordingRecord, StartReservation)
Key = tuple[str, str]


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _chunk_key(key: ChunkKey) -> Key:
    return key.recording_id, str(key)


class FakeCatalog(Scripted):
    """The catalog: `chunks` and `recordings` are the rows, for a test to look at."""

    def __init__(self) -> None:
        super().__init__()
        self.chunks: dict[Key, ChunkRecord] = {}
        self.recordings: dict[str, RecordingRecord] = {}
        self.reservations: dict[str, StartReservation] = {}
        self.clock = FakeClock()  # the service's own, whatever an instance's clock says
        self.cursors: dict[str, str] = {}
        self.unreadable: set[Key | str] = set()  # rows from elsewhere: keys of chunks, ids of recordings
        self.unreadable_code = Code.UNREADABLE_RECORD  # or that they are a newer version's
        self.fails_after: dict[str, int] = {}  # a listing that raises late: method → items before that
        self.late_error = StorageError("the listing broke off")
        self._etags = count(1)

    @scripted
    def get_chunk(self, key: ChunkKey) -> ChunkRecord | None:
        if _chunk_key(key) in self.unreadable:
            raise StorageError("a row of the catalog cannot be read", code=self.unreadable_code)
        return self.chunks.get(_chunk_key(key))

    @scripted
    def add_chunk(self, record: ChunkRecord) -> bool:
        check_row(rows.chunk_row(record))
        return self._add(self.chunks, _chunk_key(record.key), record)

    @scripted
    def save_chunk(self, record: ChunkRecord) -> ChunkRecord:
        check_row(rows.chunk_row(record))
        return self._save(self.chunks, _chunk_key(record.key), record)

    @scripted
    def chunks_of(self, recording_id: str) -> list[ChunkRecord]:
        rows = [row for key, row in self._chunk_rows().items() if key[0] == recording_id]
        found = [row for row in rows if isinstance(row, ChunkRecord)]
        return sorted(found, key=lambda record: (record.task.index, record.task.document_id))

    @scripted
    def chunk_rows_of(self, recording_id: str) -> list[ChunkRecord | Unreadable]:
        rows = self._chunk_rows()
        return [rows[key] for key in sorted(rows) if key[0] == recording_id]

    @scripted
    def chunks_of_document(self, document_id: str) -> list[ChunkRecord]:
        rows = [row for row in self._chunk_rows().values() if isinstance(row, ChunkRecord)]
        return [row for row in rows if row.task.document_id == document_id]

    @scripted
    def all_chunks(self, after: str = "") -> Iterator[ChunkRecord | Unreadable]:
        rows = self._chunk_rows()
        return self._listed("all_chunks", [rows[key] for key in sorted(rows) if key[0] > after])

    @scripted
    def media_ages(self, after: str = "", most: int = 1000) -> Page[MediaAge]:
        behind = [("/".join(key), self.chunks[key]) for key in sorted(self.chunks) if "/".join(key) > after]
        rows = behind[: min(most, self.fails_after.get("media_ages", most))]
        ages = tuple(
            MediaAge(
                row.task.recording_id, _second(read_at(row)), row.length_bytes or 0, row.offline_seen_at is not None
            )
            for _, row in rows
            if is_scrubbed(row)
        )
        position = rows[-1][0] if rows else after
        if "media_ages" in self.fails_after and len(rows) < len(behind):
            return Page(ages, position, self.late_error)
        return Page(ages, position if len(behind) > len(rows) else "")

    @scripted
    def held_chunks(self) -> Iterator[ChunkRecord | Unreadable]:
        rows = self._chunk_rows()
        found = [rows[key] for key in sorted(rows)]
        return self._listed("held_chunks", [row for row in found if isinstance(row, Unreadable) or is_held(row)])

    @scripted
    def open_chunks(self, expiring_after: datetime | None = None) -> Iterator[ChunkRecord | Unreadable]:
        return self._listed("open_chunks", [row for _, row in self._open(expiring_after)])

    @scripted
    def open_chunks_page(
        self, after: str = "", most: int = 1000, expiring_after: datetime | None = None
    ) -> Page[ChunkRecord]:
        behind = [(position, row) for position, row in self._open(expiring_after) if position > after]
        return self._page("open_chunks_page", behind, most, after)

    def _open(self, expiring_after: datetime | None) -> list[tuple[str, ChunkRecord | Unreadable]]:
        """Return the open chunks and those that cannot be read, with their positions, in the order of positions."""
        found = {}
        for key, row in self._chunk_rows().items():
            expiry = self.chunks[key].task.expires_at
            if not is_finished(self.chunks[key]) and (expiring_after is None or expiry >= _second(expiring_after)):
                found[f"{sortable(expiry)}-{'-'.join(key)}"] = row
        return sorted(found.items(), key=lambda one: one[0])

    def _chunk_rows(self) -> dict[Key, ChunkRecord | Unreadable]:
        """Return the rows as a reader sees them."""
        return {key: self._chunk_row(key) for key in self.chunks}

    def _chunk_row(self, key: Key) -> ChunkRecord | Unreadable:
        return Unreadable("/".join(key), self.unreadable_code) if key in self.unreadable else self.chunks[key]

    def _listed(self, method: str, items: list[L]) -> Iterator[L]:
        """Yield a listing that fails late, after as many items as a test has said."""
        allowed = self.fails_after.get(method)
        yield from items[:allowed]
        if allowed is not None:
            raise self.late_error

    def _page(self, method: str, behind: list[tuple[str, L]], most: int, after: str) -> Page[Any]:
        taken = behind[: min(most, self.fails_after.get(method, most))]
        position = taken[-1][0] if taken else after
        if method in self.fails_after and len(taken) < len(behind):
            return Page(tuple(row for _, row in taken), position, self.late_error)
        return Page(tuple(row for _, row in taken), position if len(behind) > len(taken) else "")

    @scripted
    def get_recording(self, recording_id: str) -> RecordingRecord | None:
        if recording_id in self.unreadable:
            raise StorageError("a row of the catalog cannot be read", code=self.unreadable_code)
        return self.recordings.get(recording_id)

    @scripted
    def add_recording(self, record: RecordingRecord) -> bool:
        check_row(rows.recording_row(record))
        return self._add(self.recordings, record.recording_id, record)

    @scripted
    def save_recording(self, record: RecordingRecord) -> RecordingRecord:
        check_row(rows.recording_row(record))
        return self._save(self.recordings, record.recording_id, record)

    @scripted
    def open_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        return self._listed("open_recordings", [self._seen(record) for record in self._unsettled()])

    @scripted
    def alarmed_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        found = [self._seen(record) for record in self._unsettled()]
        alarmed = [one for one in found if isinstance(one, Unreadable) or one.stands is not None]
        return self._listed("alarmed_recordings", alarmed)

    @scripted
    def due_recordings(
        self, now: datetime, after: str = "", most: int = 1000, most_rows: int = 100_000
    ) -> Page[RecordingRecord]:
        behind = [record for record in self._unsettled() if record.recording_id > after]
        rows = behind[:most_rows]
        due = [record for record in rows if record.look_at is None or _second(record.look_at) <= now]
        page = self._page("due_recordings", [(one.recording_id, self._seen(one)) for one in due], most, after)
        position = page.next or (rows[-1].recording_id if len(behind) > len(rows) else "")
        passed = [record for record in rows if not page.next or record.recording_id <= page.next]
        return Page(page.items, position, page.error, Counter(record.stands or "" for record in passed))

    def _unsettled(self) -> list[RecordingRecord]:
        return [self.recordings[name] for name in sorted(self.recordings) if self.recordings[name].settled_at is None]

    def _seen(self, record: RecordingRecord) -> RecordingRecord | Unreadable:
        is_odd = record.recording_id in self.unreadable
        return Unreadable(record.recording_id, self.unreadable_code) if is_odd else record

    @scripted
    def cursor(self, loop: str) -> str:
        return self.cursors.get(loop, "")

    @scripted
    def save_cursor(self, loop: str, position: str) -> None:
        if position:
            self.cursors[loop] = position
        else:
            self.cursors.pop(loop, None)

    @scripted
    def time(self) -> datetime:
        return self.clock.now()

    @scripted
    def get_recordings(self, recording_ids: Sequence[str]) -> list[RecordingRecord | Unreadable | None]:
        found = [self.recordings.get(recording_id) for recording_id in recording_ids]
        return [self._seen(record) if record is not None else None for record in found]

    @scripted
    def recordings_page(self, after: str = "", most: int = 1000) -> Page[RecordingRecord]:
        behind = [(name, self._seen(self.recordings[name])) for name in sorted(self.recordings) if name > after]
        return self._page("recordings_page", behind, most, after)

    @scripted
    def get_reservation(self, key: str) -> StartReservation | None:
        if key in self.unreadable:
            raise StorageError("a row of the catalog cannot be read", code=self.unreadable_code)
        return self.reservations.get(key)

    @scripted
    def add_reservation(self, reservation: StartReservation) -> bool:
        return reservation.key not in self.unreadable and self._add(self.reservations, reservation.key, reservation)

    @scripted
    def save_reservation(self, reservation: StartReservation) -> None:
        check_row(rows.reservation_row(reservation))
        self.reservations[reservation.key] = self._stamped(reservation)

    def _add(self, rows: dict[K, Record], key: K, record: Record) -> bool:
        if key in rows:
            return False
        rows[key] = self._stamped(record)
        return True

    def _save(self, rows: dict[K, Record], key: K, record: Record) -> Record:
        if key not in rows or rows[key].etag != record.etag:
            raise ClaimLostError("the record has changed")
        rows[key] = self._stamped(record)
        return rows[key]

    def _stamped(self, record: Record) -> Record:
        if isinstance(record, ChunkRecord):
            record = record.model_copy(update={"saved_at": self.clock.now()})
        return record.model_copy(update={"etag": f'"{next(self._etags)}"'})
