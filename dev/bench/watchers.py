"""`python -m dev bench watchers`: what the watchers cost with many rows, in requests to tables and in time.

The real adapter works over tables in memory that answer as the service does, a thousand rows a page, counting requests.
So the requests are those of production; the time is that of this process alone, without any network.
"""

import logging
import time
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableEntity

from dev.bench.report import save
from dev.in_memory.builders import document_id, settings, task
from dev.in_memory.fakes.log import FakeLog
from dev.in_memory.fakes.ports import Fakes
from recording.adapters.table import rows
from recording.adapters.table.catalog import TableCatalog
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.errors import RecordingError
from recording.operate.attention import needs_attention
from recording.operate.held import list_held
from recording.operate.scrub import scrub
from recording.operate.timeline import overview
from recording.ports import Ports, RecordingSummary
from recording.ports.bulkhead import Bulkhead
from recording.reconcile.acs_log import count as count_log
from recording.reconcile.missing_files import look_for_expected
from recording.reconcile.overdue import reconcile
from recording.reconcile.sweep import sweep
from recording.settings import Settings

AN_HOUR = 50_000  # recordings
OPEN, HELD, MISSING = 2_000, 200, 50
PAGE = 1_000
Key = tuple[str, str]


class Tables:
    """A table in memory that counts requests; a page is a thousand rows, passed over or not."""

    def __init__(self) -> None:
        self._rows: dict[Key, Mapping[str, Any]] = {}
        self._keys: list[Key] = []
        self._etags = count(1)
        self._marks: dict[Key, tuple[str, datetime]] = {}
        self.requests = 0
        self.at = datetime.now(UTC)

    def fill(self, made: Iterator[Mapping[str, Any]]) -> None:
        """Put many rows in at once, uncounted."""
        for row in made:
            self._keep(row, is_sorted=False)
        self._keys.sort()

    def _keep(self, row: Mapping[str, Any], *, is_sorted: bool = True) -> dict[str, Any]:
        key = row["PartitionKey"], row["RowKey"]
        if key not in self._rows:
            insort(self._keys, key) if is_sorted else self._keys.append(key)
        self._rows[key] = row
        self._marks[key] = f'"{next(self._etags)}"', self.at
        return {"etag": self._marks[key][0], "date": self.at}

    def _entity(self, key: Key) -> TableEntity:
        entity = TableEntity(self._rows[key])
        etag, at = self._marks[key]
        entity._metadata = {"etag": etag, "timestamp": at}
        return entity

    def get_entity(self, partition: str, row: str, select: object = None) -> TableEntity:  # noqa: ARG002 - the SDK's
        """Return one row."""
        self.requests += 1
        if (partition, row) not in self._rows:
            raise _answered(ResourceNotFoundError(), 404)
        return self._entity((partition, row))

    def create_entity(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Insert a row."""
        self.requests += 1
        if (row["PartitionKey"], row["RowKey"]) in self._rows:
            raise _answered(ResourceExistsError(), 409)
        return self._keep(row)

    def upsert_entity(self, row: Mapping[str, Any], mode: object = None) -> dict[str, Any]:  # noqa: ARG002 - the SDK's
        """Write a row."""
        self.requests += 1
        return self._keep(row)

    def update_entity(self, row: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """Replace a row; nobody else writes here, so its ETag is not looked at."""
        self.requests += 1
        return self._keep(row)

    def delete_entity(self, row: TableEntity, **_: Any) -> None:
        """Remove a row."""
        self.requests += 1
        key = row["PartitionKey"], row["RowKey"]
        with suppress(KeyError):
            del self._rows[key]
            del self._keys[bisect_left(self._keys, key)]

    def query_entities(self, where: str, parameters: Mapping[str, str], **_: Any) -> Iterator[TableEntity]:
        """List rows of one partition from a row on, or all behind a partition; conditions of the adapter are known."""
        partition = parameters["partition"]
        is_one = "PartitionKey eq" in where
        first = (partition, parameters.get("first", "")) if is_one else (f"{partition}\x00", "")
        wanted = _condition(where)
        at = bisect_left(self._keys, first)
        while True:
            self.requests += 1
            page = self._keys[at : at + PAGE]
            for key in page:
                if is_one and key[0] != partition:
                    return
                if key in self._rows and wanted(self._rows[key]):
                    yield self._entity(key)
            if len(page) < PAGE:
                return
            at = bisect_right(self._keys, page[-1])


def _answered(error: HttpResponseError, status: int) -> HttpResponseError:
    error.status_code = status  # else the adapter takes it for a lost connection and tries again
    return error


def _condition(where: str) -> Callable[[Mapping[str, Any]], bool]:
    if "stands gt" in where:
        return lambda row: bool(row.get("stands"))
    if rows.IS_HELD in where:
        return lambda row: row.get("state") in rows.HELD_STATES
    return lambda _row: True


class Counted(TableCatalog):
    """The real adapter over counted tables."""

    def __init__(self) -> None:
        self._chunks: Any = Tables()
        self._recordings: Any = Tables()

    @property
    def requests(self) -> int:
        """Return how many requests were made until now."""
        return int(self._chunks.requests + self._recordings.requests)

    def fill(self, chunks: Iterator[Mapping[str, Any]], recordings: Iterator[Mapping[str, Any]]) -> None:
        """Put rows in."""
        self._chunks.fill(chunks)
        self._recordings.fill(recordings)


@dataclass(frozen=True)
class Figure:
    """What one watcher cost."""

    what: str
    rows: int
    found: int
    requests: int
    seconds: float


def main(out: Path, sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)) -> int:
    """Measure all watchers at each size, print a table and write JSON."""
    logging.getLogger("recording").setLevel(logging.CRITICAL)
    print(f"{'rows':>9}  {'watcher':<64} {'found':>7} {'requests':>9} {'seconds':>8}")
    figures: list[Figure] = []
    for one in (figure for size in sizes for figure in measured(size, with_hour=size == sizes[0])):
        figures.append(one)
        print(f"{one.rows:>9,}  {one.what:<64} {one.found:>7,} {one.requests:>9,} {one.seconds:>8.2f}", flush=True)
    save([vars(one) for one in figures], out)
    return 0


def measured(size: int, *, with_hour: bool) -> Iterator[Figure]:
    """Measure at one size of the catalog; what an hour of 50,000 recordings takes hangs on no size."""
    catalog, fakes = Counted(), Fakes()
    ports, of = replace(fakes.ports, catalog=catalog), settings()
    now = fakes.clock.now()
    catalog.fill(_chunk_rows(size, now), _recording_rows(now))
    catalog._chunks.at = catalog._recordings.at = now

    def timed(what: str, act: Callable[[], int]) -> Figure:
        before, began = catalog.requests, time.perf_counter()
        found = act()
        return Figure(what, size, found, catalog.requests - before, time.perf_counter() - began)

    yield timed("scrub: survey of all rows, nothing due", lambda: scrub(ports, of).chunks)
    yield timed("held", lambda: len(list_held(ports, of)))
    yield timed("status and deep health: what needs attention", lambda: len(needs_attention(ports, of).items))
    yield timed("status: counts (bounded)", lambda: sum(overview(ports).states.values()))
    yield timed(f"reconcile: a turn, {OPEN:,} open chunks", lambda: _turn(ports, of))
    if not with_hour:
        return
    yield timed(
        f"missing files: {AN_HOUR:,} open recordings, until {MISSING} are raised", lambda: _missing(fakes, ports, of)
    )
    yield timed(f"sweep: {AN_HOUR:,} poisoned tasks", lambda: _sweep(fakes, ports, of))
    yield timed(f"ACS's log: {AN_HOUR:,} rows of one hour, minutes", lambda: _log(fakes, ports, of))


def _chunk_rows(size: int, now: datetime) -> Iterator[Mapping[str, Any]]:
    """Most are done; some are open, some held."""
    done = ChunkRecord(
        task=task(),
        state=ChunkState.SOURCE_DELETED,
        first_seen_at=now,
        changed_at=now,
        blob_name="f/0.wav",
        sha256="ab",
        length_bytes=10_000_000,
        verified_at=now,
    )
    plain = rows.chunk_row(done)
    for number in range(size):
        yield {**plain, "PartitionKey": f"rec-{number:07d}", "recordingId": f"rec-{number:07d}"}
    for number in range(OPEN + HELD):
        is_held = number >= OPEN
        record = ChunkRecord(
            task=task(0, document_id(number), recording_id=f"open-{number:05d}", expires_at=now + timedelta(hours=9)),
            state=ChunkState.QUARANTINED if is_held else ChunkState.PENDING,
            quarantine_reason="media_suspect" if is_held else None,
            first_seen_at=now,
            changed_at=now,
        )
        yield rows.chunk_row(record)
        yield rows.held_row(record) if is_held else rows.open_row(record)


def _recording_rows(now: datetime) -> Iterator[Mapping[str, Any]]:
    for number in range(AN_HOUR):
        is_over = number % (AN_HOUR // MISSING) == 0
        record = RecordingRecord(
            recording_id=f"call-{number:05d}",
            started_here=True,
            started_at=now,
            last_action=LastAction.STOPPED if is_over else LastAction.STARTED,
            last_action_at=now,
            ended_seen_at=now if is_over else None,
        )
        yield rows.recording_row(record)
        yield rows.open_recording_row(record)


def _turn(ports: Ports, of: Settings) -> int:
    with suppress(RecordingError):
        return reconcile(ports, of).open_chunks
    return -1


def _missing(fakes: Fakes, ports: Ports, of: Settings) -> int:
    """Let turns go by until every missing recording is raised; the figure `found` is the minutes that took."""
    for number in range(AN_HOUR):
        fakes.control.states[f"call-{number:05d}"] = "active"
    fakes.clock.advance(minutes=61)
    turns = raised = 0
    while raised < MISSING and turns < 24:
        look_for_expected(ports, of, Bulkhead())
        raised = sum(1 for _ in ports.catalog.alarmed_recordings())
        turns += 1
        fakes.clock.advance(minutes=5)
    return turns * 5


def _sweep(fakes: Fakes, ports: Ports, of: Settings) -> int:
    for number in range(AN_HOUR):
        lost = task(0, document_id(number), recording_id=f"poison-{number:05d}")
        fakes.queue.poison(lost.model_dump_json())
    return sweep(ports, of, Bulkhead())


def _log(fakes: Fakes, ports: Ports, of: Settings) -> int:
    """Let the hourly comparison read one hour's rows, turn by turn; the figure `found` is the minutes that took."""
    now = fakes.clock.now().replace(minute=0, second=0)
    log = FakeLog(
        *(
            RecordingSummary(f"call-{n:05d}", 1, now - timedelta(hours=1), now - timedelta(hours=1))
            for n in range(AN_HOUR)
        )
    )
    fakes.clock.advance(seconds=(now + timedelta(hours=1) - fakes.clock.now()).total_seconds())
    with_log, minutes = replace(ports, log=log), 0
    noted = -1
    seen: Counter[str] = Counter()
    while noted != 0:
        noted = count_log(with_log, of, Bulkhead())
        seen["noted"] += noted
        minutes += 5 if noted else 0
        fakes.clock.advance(minutes=5)
    return minutes
