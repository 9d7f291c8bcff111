"""Fills the port Catalog with Azure Table Storage: tables `recordings` and `chunks`, every change under an ETag.

The open chunks are found through index rows, not by scanning. The order of writes keeps this safe without a
transaction over two partitions:

Chunks that were given up have separate index rows, written before the chunk's row; only readers remove stale ones.

1. An index row is written before the chunk's row, with every save of an unfinished chunk; not again where this process
   has written it before the version that is being replaced (`index_marks`). If the worker dies in between, the index
   points to nothing or to an older state, which is harmless.
2. It is removed after the chunk is saved as finished. If the worker dies in between, a stale index row is left,
   which a reader skips.
3. It is removed only under the ETag it had before that save: a worker that re-queues the chunk meanwhile writes the
   index row again, which changes its ETag, so the chunk stays indexed.

So no unfinished chunk is ever without its index row. Readers remove stale rows once they are an hour old.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableEntity

from recording.adapters.azure_sdk.clients import attempt
from recording.adapters.azure_sdk.errors import translate_errors
from recording.adapters.table import rows
from recording.adapters.table.ages import age_of, ages_behind
from recording.adapters.table.index_marks import IndexMark, IndexMarks
from recording.adapters.table.records import (
    READERS,
    document_row,
    read_at_once,
    read_record,
    record_or_unreadable,
    save_record,
)
from recording.adapters.table.tables import (
    add_row,
    get_row,
    put_row,
    remove_row,
    remove_unchanged,
    rows_beyond,
    rows_of,
    table_service,
    until_it_fails,
)
from recording.domain import names
from recording.domain.archived.drift import MediaAge
from recording.domain.state.chunk import ChunkKey, ChunkRecord
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.domain.state.transitions import is_finished, is_held
from recording.domain.times import sortable
from recording.errors import ClaimLostError, StorageBusyError, StorageError
from recording.ports import Page, Unreadable
from recording.settings import Settings

LARGEST_PAGE = 1000  # rows that the service sends at once
OPEN_PAGE = 50  # index rows: a search for the most urgent chunk reads few, and each row costs a request anyway
HELD_INDEX = "held_index"  # set once every held chunk has its index row
CURSOR_COLUMN = "position"
STALE_AFTER = timedelta(hours=1)  # longer than any step between an index row and its chunk's row


class TableCatalog:
    """The tables `recordings` and `chunks` in the host's account."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._chunks = self._service.get_table_client(names.CHUNKS_TABLE)
        self._recordings = self._service.get_table_client(names.RECORDINGS_TABLE)
        self._marks = IndexMarks()

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def get_chunk(self, key: ChunkKey) -> ChunkRecord | None:
        """Return one chunk's record; its next save writes the index row, so that a claim heals a damaged index."""
        row = document_row(self._chunks, rows.chunk_keys(key))
        if row is None:
            return None
        record = read_record(ChunkRecord, row)
        self._marks.take(record)
        return record

    def add_chunk(self, record: ChunkRecord) -> bool:
        """Add a record, indexed first."""
        if is_held(record):
            put_row(self._chunks, rows.held_row(record))
        put_row(self._chunks, rows.document_row(record))
        if not is_finished(record):
            self._index(record)
        return add_row(self._chunks, rows.chunk_row(record))

    def save_chunk(self, record: ChunkRecord) -> ChunkRecord:
        """Replace a record under its ETag and keep the index in step."""
        if is_held(record):
            put_row(self._chunks, rows.held_row(record))
        index = self._marks.take(record)
        if is_finished(record):
            index = index or self._index_of(record)
            saved = save_record(self._chunks, rows.chunk_row(record), record)
            if index:
                self._unindex(index)
            return saved
        index = index or self._index(record)
        saved = save_record(self._chunks, rows.chunk_row(record), record)
        self._marks.keep(saved, index)
        return saved

    def chunks_of(self, recording_id: str) -> list[ChunkRecord]:
        """Return the chunks in the recording's partition."""
        records = [record for record in self.chunk_rows_of(recording_id) if isinstance(record, ChunkRecord)]
        return sorted(records, key=lambda record: (record.task.index, record.task.document_id))

    def chunk_rows_of(self, recording_id: str) -> list[ChunkRecord | Unreadable]:
        """Read the recording's partition."""
        partition = rows.recording_keys(recording_id)["PartitionKey"]
        listed = rows_of(self._chunks, partition, columns=rows.DOCUMENT_COLUMNS)
        return [record_or_unreadable(ChunkRecord, row) for row in listed]

    def chunks_of_document(self, document_id: str) -> list[ChunkRecord]:
        """Return the chunks that the document's index rows point to."""
        indexes = list(rows_of(self._chunks, rows.document_partition(document_id), columns=rows.INDEX_COLUMNS))
        return [record for _, record in self._pointed_to(indexes) if isinstance(record, ChunkRecord)]

    def all_chunks(self, after: str = "") -> Iterator[ChunkRecord | Unreadable]:
        """Yield the whole table in the order of its keys, page by page, without the index rows."""
        for row in rows_beyond(self._chunks, max(after, rows.OPEN_PARTITION)):
            yield record_or_unreadable(ChunkRecord, row)

    def media_ages(self, after: str = "", most: int = 1000) -> Page[MediaAge]:
        """Read a few columns of the whole table, a thousand rows a request.

        The position is both keys of the last row.
        """
        partition, _, row_key = after.partition("/")
        found, error = until_it_fails(islice(ages_behind(self._chunks, partition, row_key), most))
        ages = tuple(age for row in found if (age := age_of(row)) is not None)
        for row in found:
            if row.get("readAt") is None and row.get("state") in rows.HELD_STATES:  # written by an older version
                put_row(self._chunks, rows.held_pointer(row["PartitionKey"], row["RowKey"]))
        if error is None and len(found) < most:
            self.save_cursor(HELD_INDEX, "whole")
        position = f"{found[-1]['PartitionKey']}/{found[-1]['RowKey']}" if found else after
        return Page(ages, "" if error is None and len(found) < most else position, error)

    def held_chunks(self) -> Iterator[ChunkRecord | Unreadable]:
        """Yield the chunks that the index rows point to; stale rows are skipped and removed.

        Until a survey has seen the whole table, older versions may have left rows without an index: then the service
        looks through the table.
        """
        if self.cursor(HELD_INDEX):
            yield from self._indexed_as_held()
            return
        for row in rows_beyond(self._chunks, rows.OPEN_PARTITION, f" and ({rows.IS_HELD})"):
            yield record_or_unreadable(ChunkRecord, row)

    def _indexed_as_held(self) -> Iterator[ChunkRecord | Unreadable]:
        listed = rows_of(self._chunks, rows.HELD_PARTITION, columns=rows.INDEX_COLUMNS)
        while indexes := list(islice(listed, OPEN_PAGE * READERS)):
            for index, record in self._pointed_to(indexes):
                if isinstance(record, Unreadable) or (record is not None and is_held(record)):
                    yield record
                elif _is_stale(index):
                    remove_row(self._chunks, index)

    def open_chunks(self, expiring_after: datetime | None = None) -> Iterator[ChunkRecord | Unreadable]:
        """Yield the chunks that the index rows point to, in their order, page by page."""
        position = ""
        while True:
            page = self.open_chunks_page(position, OPEN_PAGE, expiring_after)
            yield from page.items
            if page.error:
                raise page.error
            if not page.next:
                return
            position = page.next

    def open_chunks_page(
        self, after: str = "", most: int = 1000, expiring_after: datetime | None = None
    ) -> Page[ChunkRecord]:
        """Return the chunks that the index rows point to; stale rows are skipped and removed."""
        first = max(rows.open_from(expiring_after), f"{after}!" if after else "")
        listed = rows_of(self._chunks, rows.OPEN_PARTITION, first, min(most, LARGEST_PAGE), rows.INDEX_COLUMNS)
        indexes, error = until_it_fails(islice(listed, most))
        items: list[ChunkRecord | Unreadable] = []
        position = after
        try:
            for index, record in self._pointed_to(indexes):
                items += self._open_chunk(index, record)
                position = index["RowKey"]
        except StorageError as failed:
            error = error or failed
        is_end = error is None and len(indexes) < most
        return Page(tuple(items), "" if is_end else position, error)

    def _open_chunk(
        self, index: TableEntity, record: ChunkRecord | Unreadable | None
    ) -> list[ChunkRecord | Unreadable]:
        """Return the chunk of an index row; none when the row is stale."""
        if isinstance(record, Unreadable):
            return [record]
        if record is None or is_finished(record):
            if _is_stale(index):
                remove_row(self._chunks, index)
            return []
        if rows.open_keys(record)["RowKey"] == index["RowKey"]:
            return [record]
        if _is_stale(index):  # of an earlier expiry, or spelt by another version: the chunk stays indexed
            self._index(record)
            remove_row(self._chunks, index)
        return []

    def _pointed_to(self, indexes: list[TableEntity]) -> Iterator[tuple[TableEntity, ChunkRecord | Unreadable | None]]:
        """Yield the chunks of index rows, several read at once; a row that points nowhere hides no other."""
        pointers = [rows.pointer_of(index) for index in indexes]
        records = read_at_once(ChunkRecord, self._chunks, [keys for keys in pointers if keys is not None])
        for index, keys in zip(indexes, pointers, strict=True):
            yield index, next(records) if keys else Unreadable(f"{index['PartitionKey']}/{index['RowKey']}")

    def get_recording(self, recording_id: str) -> RecordingRecord | None:
        """Return one recording's record."""
        row = document_row(self._recordings, rows.recording_keys(recording_id))
        return read_record(RecordingRecord, row) if row is not None else None

    def add_recording(self, record: RecordingRecord) -> bool:
        """Add a record, indexed first."""
        self._index_recording(record)
        return add_row(self._recordings, rows.recording_row(record))

    def save_recording(self, record: RecordingRecord) -> RecordingRecord:
        """Replace a record under its ETag and keep the index of open ones in step, as for chunks."""
        if record.settled_at is None:
            self._index_recording(record)
            return save_record(self._recordings, rows.recording_row(record), record)
        index = get_row(self._recordings, rows.open_recording_row(record), rows.INDEX_COLUMNS)
        saved = save_record(self._recordings, rows.recording_row(record), record)
        if index:
            remove_row(self._recordings, index)
        return saved

    def open_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        """Yield the recordings that the index rows point to; stale rows are skipped and removed, as for chunks."""
        listed = rows_of(self._recordings, rows.OPEN_PARTITION, columns=rows.INDEX_COLUMNS)
        while indexes := list(islice(listed, OPEN_PAGE * READERS)):
            yield from self._open_ones(indexes)

    def alarmed_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        """Yield the index rows that name an alarm; the service filters out the others of the partition."""
        listed = rows_of(
            self._recordings, rows.OPEN_PARTITION, columns=rows.INDEX_COLUMNS, and_that=" and stands gt ''"
        )
        while indexes := list(islice(listed, OPEN_PAGE * READERS)):
            yield from self._open_ones(indexes)

    def due_recordings(
        self, now: datetime, after: str = "", most: int = 1000, most_rows: int = 100_000
    ) -> Page[RecordingRecord]:
        """Read the index rows, which say what is due, so that no other recording is read."""
        first, position = (f"{after}!" if after else ""), after
        listed = rows_of(self._recordings, rows.OPEN_PARTITION, first, columns=rows.INDEX_COLUMNS)
        due: list[TableEntity] = []
        counts: Counter[str] = Counter()
        error = None
        try:
            for number, index in enumerate(listed, start=1):
                due += [index] if rows.look_at_of(index) <= sortable(now) else []
                counts[str(index.get("stands") or "")] += 1
                position = index["RowKey"]
                if len(due) >= most or number >= most_rows:
                    break
            else:
                position = ""
            items = tuple(self._open_ones(due))
        except StorageError as failed:
            items, error = (), failed
            position = after
        return Page(items, position, error, counts)

    def _open_ones(self, indexes: list[TableEntity]) -> Iterator[RecordingRecord | Unreadable]:
        keys = [{"PartitionKey": index["RowKey"], "RowKey": rows.RECORDING_ROW} for index in indexes]
        found = read_at_once(RecordingRecord, self._recordings, keys)
        for index, record in zip(indexes, found, strict=False):
            if isinstance(record, Unreadable) or (record and record.settled_at is None):
                yield record
            elif _is_stale(index):
                remove_row(self._recordings, index)

    def cursor(self, loop: str) -> str:
        """Return a row of its own for each loop."""
        row = get_row(self._chunks, rows.cursor_keys(loop), None)
        return str(row.get(CURSOR_COLUMN) or "") if row is not None else ""

    def save_cursor(self, loop: str, position: str) -> None:
        """Write the row unconditionally; an empty position removes it."""
        if position:
            put_row(self._chunks, rows.cursor_keys(loop) | {CURSOR_COLUMN: position})
            return
        with translate_errors("removing a row"), suppress(ResourceNotFoundError):
            attempt(partial(self._chunks.delete_entity, rows.cursor_keys(loop)))

    def time(self) -> datetime:
        """Write a row and return the service's time of the write."""
        told = put_row(self._chunks, rows.cursor_keys("clock") | {CURSOR_COLUMN: "asked"}).get("date")
        if not isinstance(told, datetime):
            raise StorageBusyError("the catalog's answer has no time")
        return datetime.fromtimestamp(told.timestamp(), UTC)

    def _index_recording(self, record: RecordingRecord) -> None:
        put_row(self._recordings, rows.open_recording_row(record))

    def get_recordings(self, recording_ids: Sequence[str]) -> list[RecordingRecord | Unreadable | None]:
        """Make several point reads at once."""
        keys = [rows.recording_keys(recording_id) for recording_id in recording_ids]
        return list(read_at_once(RecordingRecord, self._recordings, keys))

    def recordings_page(self, after: str = "", most: int = 1000) -> Page[RecordingRecord]:
        """Return the recordings' own rows, in the order of their keys."""
        start = max(after, rows.RESERVATIONS_PARTITION)
        listed = rows_beyond(self._recordings, start, f" and RowKey eq '{rows.RECORDING_ROW}'")
        found, error = until_it_fails(islice(listed, most))
        items = tuple(record_or_unreadable(RecordingRecord, row) for row in found)
        is_end = error is None and len(found) < most
        return Page(items, "" if is_end else found[-1]["PartitionKey"] if found else after, error)

    def get_reservation(self, key: str) -> StartReservation | None:
        """Return one reservation."""
        row = document_row(self._recordings, rows.reservation_keys(key))
        return read_record(StartReservation, row) if row is not None else None

    def add_reservation(self, reservation: StartReservation) -> bool:
        """Add a reservation."""
        return add_row(self._recordings, rows.reservation_row(reservation))

    def save_reservation(self, reservation: StartReservation) -> None:
        """Write a reservation unconditionally: all who complete it write the same."""
        put_row(self._recordings, rows.reservation_row(reservation))

    def _index(self, record: ChunkRecord) -> IndexMark:
        """Write the index row of an unfinished chunk."""
        written = put_row(self._chunks, rows.open_row(record))
        return IndexMark(rows.open_keys(record), str(written["etag"]))

    def _index_of(self, record: ChunkRecord) -> IndexMark | None:
        """Return the chunk's index row as it is now; None when there is none."""
        found = get_row(self._chunks, rows.open_keys(record), rows.INDEX_COLUMNS)
        return IndexMark(rows.open_keys(record), str(found.metadata["etag"])) if found is not None else None

    def _unindex(self, index: IndexMark) -> None:
        """Remove an index row, unless another worker has written it since."""
        with suppress(ClaimLostError):
            remove_unchanged(self._chunks, index.keys, index.etag)


def _is_stale(index: TableEntity) -> bool:
    """Return whether an index row is older than any step between it and its record's row."""
    return (index.metadata["timestamp"] or datetime.now(UTC)) < datetime.now(UTC) - STALE_AFTER
