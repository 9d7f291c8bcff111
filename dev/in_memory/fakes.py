"""Every port in memory: the fakes pass the same contract suite as the adapters, and fail when a test says so.

`fakes.archive.fail_next("commit", StorageBusyError("…"))` fails before anything is done; with `after=True` the thing
is done and only its answer is lost. `fakes.archive.calls` lists the names of the methods called, in order.
"""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from dev.in_memory.custodian import FakeCustodian
from dev.in_memory.exports import FakeExportQueue
from dev.in_memory.keeping import FakeKeeping
from dev.in_memory.library import FakeDirectory, FakeFollowUps, FakeGuards, FakeIndexKeys
from dev.in_memory.scripted import Scripted, scripted
from dev.in_memory.seal import FakeSeal
from recording.domain.archived.blocks import crc64_of
from recording.domain.archived.drift import BlobFacts, MediaAge, is_scrubbed, read_at
from recording.domain.incoming.events import EVENT_TYPE
from recording.domain.incoming.locations import (
    DEFAULT_CONTENT_HOSTS,
    checked_external_blob,
    checked_location,
    stays_with_the_object,
)
from recording.domain.incoming.requests import StartOptions
from recording.domain.incoming.start_rate import StartCount
from recording.domain.names import CHUNKS_POISON_QUEUE, CHUNKS_QUEUE
from recording.domain.state.chunk import ChunkKey, ChunkRecord, ChunkTask
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.domain.state.stored import StoredBlob
from recording.domain.state.transitions import is_finished, is_held
from recording.domain.times import sortable
from recording.domain.watched.protection import Immutability, Protection
from recording.errors import (
    BlobLockedError,
    ClaimLostError,
    ControlError,
    SourceBrokenError,
    SourceBusyError,
    SourceGoneError,
    SourceRedirectError,
    StorageBusyError,
    StorageError,
    StorageRefusedError,
)
from recording.errors.codes import Code
from recording.operate.doctor import QueueFacts, SubscriptionFacts
from recording.ports import (
    AuditEntry,
    DeadLetter,
    Memory,
    Page,
    PoisonMessage,
    Ports,
    QuarantineEntry,
    QueueDepth,
    RecordingSummary,
    Unreadable,
)
from recording.ports.exports import ExportPorts

LARGEST_METADATA = 1024 * 1024
PIECE = 64 * 1024
POISON_HIDDEN_FOR = timedelta(minutes=5)

K = TypeVar("K")
L = TypeVar("L")
Record = TypeVar("Record", ChunkRecord, RecordingRecord, StartReservation)


class FakeClock:
    """A clock that only moves when told."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **step: float) -> datetime:
        """Moves on by e.g. `minutes=5` and returns the new time."""
        self._now += timedelta(**step)
        return self._now


# --- ACS -------------------------------------------------------------------------------------------------------------


class FakeControl(Scripted):
    """ACS's control plane: one recording at a time for each call, forgotten when stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.started: dict[str, StartOptions] = {}  # every start that was carried out, by recording id
        self.states: dict[str, str] = {}  # the recordings that run
        self._by_repeatability_id: dict[str, str] = {}

    @scripted
    def start(self, options: StartOptions, repeatability_id: str, first_sent: datetime) -> tuple[str, str]:
        recording_id = self._by_repeatability_id.get(repeatability_id) or self._start_new(options)
        self._by_repeatability_id[repeatability_id] = recording_id
        return recording_id, self.states.get(recording_id, "inactive")

    def _start_new(self, options: StartOptions) -> str:
        if any(self.started[running].locator == options.locator for running in self.states):
            raise ControlError("the call is being recorded already", code=Code.ALREADY_RECORDING)
        recording_id = f"recording-{len(self.started) + 1}"
        self.started[recording_id] = options
        self.states[recording_id] = "inactive" if options.pause_on_start else "active"
        return recording_id

    @scripted
    def state(self, recording_id: str) -> str | None:
        return self.states.get(recording_id)

    @scripted
    def pause(self, recording_id: str) -> None:
        self._switch(recording_id, "inactive")

    @scripted
    def resume(self, recording_id: str) -> None:
        self._switch(recording_id, "active")

    @scripted
    def stop(self, recording_id: str) -> None:
        self._check(recording_id)
        del self.states[recording_id]

    def _switch(self, recording_id: str, state: str) -> None:
        self._check(recording_id)
        if self.states[recording_id] == state:
            raise ControlError("it is so already", code=Code.PAUSE_RESUME_NOT_ALLOWED)
        self.states[recording_id] = state

    def _check(self, recording_id: str) -> None:
        if recording_id not in self.states:
            raise ControlError("ACS knows no such recording", code=Code.RECORDING_NOT_FOUND)


class FakeContent:
    """An open download of bytes in memory, of all of them or of a part."""

    version: str | None = None

    def __init__(self, data: bytes, declared_total: int | None, *, breaks: bool = False, is_whole: bool = True) -> None:
        self._data, self._breaks, self._given = data, breaks, 0
        self.declared_total, self.is_whole = declared_total, is_whole

    def fill(self, view: memoryview) -> int:
        piece = self._data[self._given : self._given + len(view)]
        view[: len(piece)] = piece
        self._given += len(piece)
        if len(piece) < len(view) and self._breaks:
            raise SourceBusyError("the stream broke")
        return len(piece)

    def pieces(self) -> Iterator[bytes]:
        while piece := self._data[self._given : self._given + PIECE]:
            self._given += len(piece)
            yield piece
        if self._breaks:
            raise SourceBusyError("the stream broke")


class FakeObjects(Scripted):
    """Objects by location, with the ways in which a source lies about them."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.declared: dict[str, int | None] = {}  # overrides the true length
        self.truncated: dict[str, int] = {}  # the stream just ends after so many bytes
        self.broken: dict[str, int] = {}  # the stream breaks after so many bytes
        self.versions: dict[str, str] = {}  # the ETag, where one is served
        self.ignores_ranges = False

    def open(self, location: str, first: int = 0, length: int | None = None) -> FakeContent:
        """An object, or a part of it, as it will be served."""
        if location not in self.objects:
            raise SourceGoneError("the source has no such object")
        data = self.objects[location]
        total = self.declared.get(location, len(data))
        if self.ignores_ranges:
            first, length = 0, None
        end = len(data) if length is None else min(first + length, max(len(data), total or 0))
        cut = min(self.truncated.get(location, len(data)), self.broken.get(location, len(data)), end)
        breaks = location in self.broken and self.broken[location] < end
        content = FakeContent(data[first:cut], total, breaks=breaks, is_whole=first == 0 and end >= (total or 0))
        content.version = self.versions.get(location)
        return content

    def read(self, location: str) -> bytes:
        """A small object."""
        data = b"".join(self.open(location).pieces())
        if len(data) > LARGEST_METADATA:
            raise SourceBrokenError("the metadata is larger than 1 MiB", code=Code.METADATA_TOO_LARGE)
        return data


class FakeSource(FakeObjects):
    """ACS's storage plane. Deleting any location of an object deletes all of them, as ACS does."""

    def __init__(self, allowed_hosts: tuple[str, ...] = DEFAULT_CONTENT_HOSTS) -> None:
        super().__init__()
        self.deleted: list[str] = []
        self.redirects: dict[str, str] = {}  # from location to location
        self._allowed_hosts = allowed_hosts

    @scripted
    @contextmanager
    def open_content(self, location: str, first: int = 0, length: int | None = None) -> Iterator[FakeContent]:
        yield self.open(self.final_location(location), first, length)

    @scripted
    def read_metadata(self, location: str) -> bytes:
        return self.read(self.final_location(location))

    def final_location(self, location: str) -> str:
        """Where a request ends, after a redirect that may be followed."""
        checked = checked_location(location, self._allowed_hosts)
        target = checked_location(self.redirects.get(checked.url, checked.url), self._allowed_hosts)
        if target.url != checked.url and not stays_with_the_object(checked, target):
            raise SourceRedirectError("the source redirects to another object")
        return target.url

    @scripted
    def delete(self, location: str) -> bool:
        location = self.final_location(location)
        wanted = checked_location(location, self._allowed_hosts).object_id
        gone = [url for url in self.objects if checked_location(url, self._allowed_hosts).object_id == wanted]
        for url in gone:
            del self.objects[url]
        self.deleted.extend([location] if gone else [])
        return bool(gone)


class FakeExternal(FakeObjects):
    """The customer's own containers."""

    def __init__(self, containers: tuple[str, ...] = ("https://customer.blob.core.windows.net/calls",)) -> None:
        super().__init__()
        self._containers = containers

    @scripted
    @contextmanager
    def open_content(self, location: str) -> Iterator[FakeContent]:
        checked_external_blob(location, self._containers)
        yield self.open(location)

    @scripted
    def read_range(self, location: str, first: int, length: int) -> tuple[bytes, int]:
        checked_external_blob(location, self._containers)
        if location not in self.objects:
            raise SourceGoneError("the source has no such object")
        return self.objects[location][first : first + length], len(self.objects[location])

    @scripted
    def read_metadata(self, location: str) -> bytes:
        checked_external_blob(location, self._containers)
        return self.read(location)


class FakeLog(Scripted):
    """ACS's own log: `rows` is what it says."""

    def __init__(self, *rows: RecordingSummary) -> None:
        super().__init__()
        self.rows = list(rows)

    @scripted
    def summaries(self, since: datetime, after: str = "", most: int = 10_000) -> Iterator[RecordingSummary]:
        best: dict[str, RecordingSummary] = {}
        for row in self.rows:
            known = best.get(row.recording_id, row)
            merged = max(row.chunk_count, known.chunk_count), min(row.ready_at, known.ready_at)
            best[row.recording_id] = RecordingSummary(row.recording_id, *merged, max(row.noted_at, known.noted_at))
        found = [row for row in best.values() if (row.noted_at, row.recording_id) > (since, after)]
        return iter(sorted(found, key=lambda row: (row.noted_at, row.recording_id))[:most])


# --- our storage -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FakeBlob:
    """A committed blob."""

    data: bytes
    media_type: str
    facts: Mapping[str, str]
    etag: str
    blocks: tuple[tuple[str, int], ...] = ()


class FakeArchive(Scripted):
    """The archive: `blobs` is what is committed, `staged` the blocks that are not."""

    def __init__(self) -> None:
        super().__init__()
        self.blobs: dict[str, FakeBlob] = {}
        self.staged: dict[str, dict[str, bytes]] = defaultdict(dict)
        self.tiers: dict[str, str] = {}  # by name; the archive tier refuses to be read
        self.kept: Callable[[str, bytes], None] = lambda _name, _data: None  # a custodian watches
        self._etags = count(1)

    @scripted
    def stage_block(
        self, name: str, block_id: str, data: bytes | bytearray | memoryview, crc64: int | None = None
    ) -> None:
        if crc64 not in (None, crc64_of(data)):
            raise StorageBusyError("Crc64Mismatch")
        self.staged[name][block_id] = bytes(data)

    @scripted
    def staged_blocks(self, name: str) -> Mapping[str, int]:
        return {block_id: len(data) for block_id, data in self.staged.get(name, {}).items()}

    @scripted
    def committed_blocks(self, name: str) -> list[tuple[str, int]]:
        return list(self.blobs[name].blocks) if name in self.blobs else []

    @scripted
    def put_media(self, name: str, data: memoryview, media_type: str, facts: Mapping[str, str]) -> bool:
        return name not in self.blobs and self._keep(name, bytes(data), media_type, facts)

    @scripted
    def read_range(self, name: str, first: int, length: int) -> tuple[bytes, int]:
        if name not in self.blobs:
            raise StorageError("the archive has no such blob")
        if self.tiers.get(name) == "Archive":
            raise BlobLockedError("the blob is in the archive tier")
        data = self.blobs[name].data
        return data[first : first + length], len(data)

    @scripted
    def fill(self, name: str, first: int, view: memoryview, etag: str | None = None) -> int:
        if name not in self.blobs:
            raise StorageError("the archive has no such blob")
        blob = self.blobs[name]
        if etag not in (None, blob.etag):
            raise StorageError("the blob has another ETag")
        part = blob.data[first : first + len(view)]
        view[: len(part)] = part
        return len(blob.data)

    @scripted
    def commit(self, name: str, block_ids: Sequence[str], media_type: str, facts: Mapping[str, str]) -> bool:
        if name in self.blobs:
            return False
        if missing := [block_id for block_id in block_ids if block_id not in self.staged[name]]:
            raise StorageError(f"{len(missing)} blocks are not staged")
        staged = self.staged.pop(name, {})
        data = b"".join(staged[block_id] for block_id in block_ids)
        self._keep(name, data, media_type, facts, tuple((block_id, len(staged[block_id])) for block_id in block_ids))
        return True

    @scripted
    def put_once(self, name: str, data: bytes, media_type: str) -> bool:
        return name not in self.blobs and self._keep(name, data, media_type, {})

    @scripted
    def put_if_unchanged(self, name: str, data: bytes, media_type: str, etag: str | None) -> bool:
        present = self.blobs[name].etag if name in self.blobs else None
        return present == etag and self._keep(name, data, media_type, {})

    def _keep(
        self,
        name: str,
        data: bytes,
        media_type: str,
        facts: Mapping[str, str],
        blocks: tuple[tuple[str, int], ...] = (),
    ) -> bool:
        self.blobs[name] = FakeBlob(data, media_type, dict(facts), f'"{next(self._etags)}"', blocks)
        self.kept(name, data)
        return True

    @scripted
    def get(self, name: str) -> tuple[bytes, str] | None:
        return (self.blobs[name].data, self.blobs[name].etag) if name in self.blobs else None

    @scripted
    def look_up(self, name: str) -> StoredBlob | None:
        if name not in self.blobs:
            return None
        blob = self.blobs[name]
        return StoredBlob(len(blob.data), blob.facts, blob.etag)

    @scripted
    def read(self, name: str) -> Iterator[bytes]:
        if name not in self.blobs:
            raise StorageError("the archive has no such blob")
        if self.tiers.get(name) == "Archive":
            raise BlobLockedError("the blob is in the archive tier")
        data = self.blobs[name].data
        return (data[start : start + PIECE] for start in range(0, len(data), PIECE))

    @scripted
    def list(self, prefix: str) -> Iterator[BlobFacts]:
        committed = {
            name: BlobFacts(name, len(blob.data), blob.facts, tier=self.tiers.get(name))
            for name, blob in self.blobs.items()
        }
        staged = {name: BlobFacts(name, 0, {}, is_committed=False) for name, blocks in self.staged.items() if blocks}
        found = {**staged, **committed}
        return iter([found[name] for name in sorted(found) if name.startswith(prefix)])


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
        return self._add(self.chunks, _chunk_key(record.key), record)

    @scripted
    def save_chunk(self, record: ChunkRecord) -> ChunkRecord:
        return self._save(self.chunks, _chunk_key(record.key), record)

    @scripted
    def chunks_of(self, recording_id: str) -> list[ChunkRecord]:
        rows = [row for key, row in self._chunk_rows().items() if key[0] == recording_id]
        found = [row for row in rows if isinstance(row, ChunkRecord)]
        return sorted(found, key=lambda record: (record.task.index, record.task.document_id))

    @scripted
    def chunks_of_document(self, document_id: str) -> list[ChunkRecord]:
        rows = [row for row in self._chunk_rows().values() if isinstance(row, ChunkRecord)]
        return [row for row in rows if row.task.document_id == document_id]

    @scripted
    def all_chunks(self) -> Iterator[ChunkRecord | Unreadable]:
        rows = self._chunk_rows()
        return self._listed("all_chunks", [rows[key] for key in sorted(rows)])

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
        """The open chunks and those that cannot be read, with their positions, in the order of positions."""
        found = {}
        for key, row in self._chunk_rows().items():
            expiry = self.chunks[key].task.expires_at
            if not is_finished(self.chunks[key]) and (expiring_after is None or expiry >= _second(expiring_after)):
                found[f"{sortable(expiry)}-{'-'.join(key)}"] = row
        return sorted(found.items(), key=lambda one: one[0])

    def _chunk_rows(self) -> dict[Key, ChunkRecord | Unreadable]:
        """The rows as a reader sees them."""
        unread = self.unreadable
        return {key: Unreadable("/".join(key)) if key in unread else row for key, row in self.chunks.items()}

    def _listed(self, method: str, items: list[L]) -> Iterator[L]:
        """A listing that fails late, after as many items as a test has said."""
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
        return self.recordings.get(recording_id)

    @scripted
    def add_recording(self, record: RecordingRecord) -> bool:
        return self._add(self.recordings, record.recording_id, record)

    @scripted
    def save_recording(self, record: RecordingRecord) -> RecordingRecord:
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
        return Unreadable(record.recording_id) if record.recording_id in self.unreadable else record

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


class FakeQueue(Scripted):
    """The chunk queue: `sent` holds every task with the time from which it is visible."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.sent: list[tuple[ChunkTask, datetime]] = []
        self.untouched: list[tuple[str, datetime]] = []  # messages of a newer version, as they came
        self.refused: set[str] = set()  # bodies of poison messages that storage never removes
        self._clock = clock
        self._poison: dict[int, tuple[str, datetime]] = {}
        self._poisoned_at: dict[int, datetime] = {}
        self._events: set[int] = set()
        self._receipts = count(1)

    @property
    def tasks(self) -> list[ChunkTask]:
        """All tasks in the queue, visible or not."""
        return [task for task, _ in self.sent]

    def take_due(self) -> list[ChunkTask]:
        """Removes the tasks that are visible now, as the host does when it hands them to a worker."""
        due = [task for task, visible_at in self.sent if visible_at <= self._clock.now()]
        self.sent = [entry for entry in self.sent if entry[1] > self._clock.now()]
        return due

    def poison(self, body: str) -> None:
        """Puts a message into the poison queue, as the host does when it gives up."""
        self._add(next(self._receipts), body)

    def poison_event(self, body: str) -> None:
        """Puts an event into the poison queue of events."""
        self._events.add(receipt := next(self._receipts))
        self._add(receipt, body)

    def _add(self, receipt: int, body: str) -> None:
        self._poison[receipt] = body, self._clock.now()
        self._poisoned_at[receipt] = self._clock.now()

    @property
    def poison_bodies(self) -> list[str]:
        """What lies in the poison queue, hidden or not."""
        return [body for body, _ in self._poison.values()]

    @scripted
    def send(self, task: ChunkTask, delay: timedelta = timedelta()) -> None:
        self.sent.append((task, self._clock.now() + delay))

    @scripted
    def send_again(self, body: str, delay: timedelta = timedelta()) -> None:
        self.untouched.append((body, self._clock.now() + delay))

    @scripted
    def poisoned(self) -> Iterator[PoisonMessage]:
        return self._visible_poison(set(self._poison) - self._events)

    @scripted
    def poisoned_events(self) -> Iterator[PoisonMessage]:
        return self._visible_poison(self._events)

    def _visible_poison(self, receipts: set[int]) -> Iterator[PoisonMessage]:
        now = self._clock.now()
        held = {receipt: self._poison[receipt] for receipt in sorted(receipts) if receipt in self._poison}
        seen = [receipt for receipt, (_, visible_at) in held.items() if visible_at <= now]
        for receipt in seen:  # each is hidden when it is received, as the service hides a page at a time
            if receipt in self._poison:
                self._poison[receipt] = self._poison[receipt][0], now + POISON_HIDDEN_FOR
                yield self._message(receipt, receipt)

    @scripted
    def depths(self) -> list[QueueDepth]:
        poison = [at for receipt, at in self._poisoned_at.items() if receipt in self._poison]
        chunks = QueueDepth(CHUNKS_QUEUE, len(self.sent), min((at for _, at in self.sent), default=None))
        return [chunks, QueueDepth(CHUNKS_POISON_QUEUE, len(poison), min(poison, default=None))]

    @scripted
    def peek_poisoned(self) -> list[PoisonMessage]:
        now = self._clock.now()
        seen = [receipt for receipt, (_, visible_at) in sorted(self._poison.items()) if visible_at <= now]
        tasks = [receipt for receipt in seen if receipt not in self._events]
        events = [receipt for receipt in seen if receipt in self._events]
        return [self._message(receipt, None) for receipt in (*tasks[:32], *events[:32])]

    def _message(self, number: int, receipt: int | None) -> PoisonMessage:
        return PoisonMessage(self._poison[number][0], receipt, f"message-{number}", self._poisoned_at[number])

    @scripted
    def remove_poisoned(self, message: PoisonMessage) -> None:
        if message.body in self.refused:
            raise StorageError("storage refuses this message")
        self._poison.pop(message.receipt, None)


class FakeQuarantine(Scripted):
    """The quarantine: `kept` holds entries by name."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, QuarantineEntry] = {}
        self.noted: Callable[[str, bytes], None] = lambda _name, _data: None  # a custodian watches

    @property
    def reasons(self) -> list[str]:
        """Why things were kept, in order."""
        return [entry.reason for entry in self.kept.values()]

    @scripted
    def put(self, entry: QuarantineEntry) -> str:
        name = f"{entry.at:%Y/%m/%d}/{entry.reason}/{hashlib.sha256(entry.payload.encode()).hexdigest()[:32]}.json"
        known = self.kept.get(name)
        if known is None or known.redriven_at is not None:
            self.kept[name] = entry
            self.noted(name, entry.payload.encode())
        return name

    @scripted
    def mark_redriven(self, name: str, at: datetime) -> None:
        if name in self.kept:
            self.kept[name] = replace(self.kept[name], redriven_at=at)

    @scripted
    def mark_dismissed(self, name: str, at: datetime, note: str) -> None:
        if name in self.kept:
            self.kept[name] = replace(self.kept[name], dismissed_at=at, note=note)

    @scripted
    def entries(self) -> Iterator[tuple[str, QuarantineEntry]]:
        return iter(sorted(self.kept.items(), key=lambda kept: kept[1].at))


class FakeDeadLetters(Scripted):
    """The dead letters: `kept` holds them by name."""

    def __init__(self, *letters: DeadLetter) -> None:
        super().__init__()
        self.kept = {letter.name: letter for letter in letters}
        self.unreadable: set[str] = set()

    @scripted
    def letters(self, after: str = "") -> Iterator[DeadLetter | Unreadable]:
        names = [name for name in sorted(self.kept) if name > after]
        return iter(
            [Unreadable(name, Code.STORAGE_BUSY) if name in self.unreadable else self.kept[name] for name in names]
        )

    @scripted
    def remove(self, letter: DeadLetter) -> None:
        self.kept.pop(letter.name, None)


class FakeAudit(Scripted):
    """The audit trail: `written` holds its entries."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[AuditEntry] = []

    @scripted
    def add(self, entry: AuditEntry) -> None:
        self.written.append(replace(entry, id=f"{entry.at.isoformat()}-{len(self.written)}"))

    @scripted
    def entries(self, since: datetime) -> Iterator[AuditEntry]:
        return iter(sorted((entry for entry in self.written if entry.at >= since), key=lambda entry: entry.at))

    @scripted
    def withhold(self, without: Callable[[str], str]) -> int:
        before = self.written
        self.written = [replace(one, note=without(one.note)) if one.note else one for one in before]
        return sum(one != other for one, other in zip(before, self.written, strict=True))

    @scripted
    def entries_about(self, recording_id: str) -> Iterator[AuditEntry]:
        about = [entry for entry in self.written if entry.recording_id == recording_id]
        return iter(sorted(about, key=lambda entry: entry.at))


class FakeStartCounts(Scripted):
    """How many starts each caller has asked for: `rows` holds one count a caller."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str | None, StartCount] = {}
        self._etags = count(1)

    @scripted
    def get(self, caller: str | None) -> StartCount | None:
        return self.rows.get(caller)

    @scripted
    def save(self, counted: StartCount) -> bool:
        present = self.rows.get(counted.caller)
        if (present.etag if present else None) != counted.etag:
            return False
        self.rows[counted.caller] = replace(counted, etag=f'"{next(self._etags)}"')
        return True


class FakeProbe(Scripted):
    """What the doctor looks with: all is well, unless a test says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.queues: dict[str, QueueFacts] = {}
        self.letters = 0
        self.time = FakeClock().now()
        self.shares_account = False
        self.can_delete = False
        self.is_read_only = False
        self.protected = Protection(
            has_versions=True,
            soft_delete_days=30,
            container_soft_delete_days=30,
            immutability=Immutability.UNLOCKED,
            immutability_days=30,
        )
        self.takes: Callable[[Any, str], object] | None = None  # the app: an event, and the way it came
        self.queued: list[Mapping[str, Any]] = []  # events that nobody has taken
        self.has_webhook = True
        self.doors = [
            SubscriptionFacts("to-function", "AzureFunction", (EVENT_TYPE,), has_dead_letter=True),
            SubscriptionFacts("to-queue", "StorageQueue", (EVENT_TYPE,), has_dead_letter=True),
        ]

    @scripted
    def table(self, name: str) -> None: ...

    @scripted
    def queue(self, name: str) -> QueueFacts:
        return self.queues.get(name, QueueFacts(0))

    @scripted
    def quarantine(self) -> None: ...

    @scripted
    def archive(self, *, is_fallback: bool, may_write: bool = True) -> None:
        if may_write and self.is_read_only:
            raise StorageRefusedError("403")

    @scripted
    def may_delete(self) -> bool:
        return self.can_delete

    @scripted
    def protection(self) -> Protection:
        return self.protected

    @scripted
    def queue_event(self, envelope: Mapping[str, Any]) -> Callable[[], None]:
        self.queued.append(envelope)
        if self.takes is not None:
            self.takes(envelope, "event_queue")
            self.queued.remove(envelope)
        return lambda: self.queued.remove(envelope)

    @scripted
    def post_event(self, envelope: Mapping[str, Any]) -> bool:
        if self.has_webhook and self.takes is not None:
            self.takes(envelope, "event_grid")
        return self.has_webhook

    @scripted
    def pause(self, length: timedelta) -> None: ...

    @scripted
    def host_account(self) -> str:
        return "host"

    @scripted
    def dead_letters(self) -> int:
        return self.letters

    @scripted
    def server_time(self) -> datetime:
        return self.time

    @scripted
    def is_same_account(self) -> bool:
        return self.shares_account

    @scripted
    def subscriptions(self) -> list[SubscriptionFacts]:
        return self.doors


@dataclass(frozen=True)
class Fakes:
    """All fakes of one test, under one clock; `ports` is what a use case is given."""

    clock: FakeClock = field(default_factory=FakeClock)
    control: FakeControl = field(default_factory=FakeControl)
    source: FakeSource = field(default_factory=FakeSource)
    external: FakeExternal = field(default_factory=FakeExternal)
    archive: FakeArchive = field(default_factory=FakeArchive)
    catalog: FakeCatalog = field(default_factory=FakeCatalog)
    quarantine: FakeQuarantine = field(default_factory=FakeQuarantine)
    audit: FakeAudit = field(default_factory=FakeAudit)
    start_counts: FakeStartCounts = field(default_factory=FakeStartCounts)
    fallback: FakeArchive | None = None
    dead_letters: FakeDeadLetters | None = None
    log: FakeLog | None = None
    jitter: Callable[[], float] = field(default_factory=lambda: random.Random(0).random)
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    index_keys: FakeIndexKeys = field(default_factory=FakeIndexKeys)
    seal: FakeSeal | None = None  # as without SEAL_KEY
    keeping: FakeKeeping = field(default_factory=FakeKeeping)
    analysts: FakeArchive | None = None  # as without PARQUET_CONTAINER
    memory: Memory = field(default_factory=Memory)
    custodian: FakeCustodian | None = None  # as without CUSTODIAN_STORAGE
    queue: FakeQueue = field(init=False)
    follow_ups: FakeFollowUps = field(init=False)
    bundles: FakeArchive = field(default_factory=FakeArchive)
    export_queue: FakeExportQueue = field(init=False)
    guards: FakeGuards = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "queue", FakeQueue(self.clock))
        object.__setattr__(self, "follow_ups", FakeFollowUps(self.clock))
        object.__setattr__(self, "export_queue", FakeExportQueue(self.clock))
        object.__setattr__(self, "guards", FakeGuards(self.clock))
        self.catalog.clock = self.clock

    @property
    def ports(self) -> Ports:
        """The ports, filled with these fakes."""
        return Ports(
            clock=self.clock,
            control=self.control,
            source=self.source,
            external=self.external,
            archive=self.archive,
            catalog=self.catalog,
            queue=self.queue,
            quarantine=self.quarantine,
            audit=self.audit,
            start_counts=self.start_counts,
            fallback=self.fallback,
            dead_letters=self.dead_letters,
            log=self.log,
            jitter=self.jitter,
            directory=self.directory,
            follow_ups=self.follow_ups,
            index_keys=self.index_keys,
            analysts=self.analysts,
            seal=self.seal.ports if self.seal else None,
            exports=ExportPorts(self.export_queue, self.bundles),
            keeping=self.keeping,
            memory=self.memory,
            custodian=self.custodian,
            audit_eraser=self.audit if self.custodian else None,
            guards=self.guards,
        )
