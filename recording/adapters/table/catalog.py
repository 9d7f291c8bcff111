"""Fills the port Catalog with Azure Table Storage: tables `recordings` and `chunks`, every change under an ETag.

The open chunks are found through index rows, not by scanning. The order of writes keeps this safe without a
transaction over two partitions:

Chunks that were given up have index rows of their own, written before the chunk's row; only readers clear them away.

1. An index row is written before the chunk's row, with every save of an unfinished chunk. If the worker dies in
   between, the index points to nothing or to an older state, which is harmless.
2. It is removed after the chunk is saved as finished. If the worker dies in between, a stale index row is left,
   which a reader skips.
3. It is removed only under the ETag it had before that save: whoever puts the chunk back to work meanwhile writes the
   index row again, which changes its ETag, so the chunk stays indexed.

So no unfinished chunk is ever without its index row. Readers clear away stale rows once they are an hour old.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, TableServiceClient, UpdateMode

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, attempt, credential
from recording.adapters.azure_sdk.errors import error_code_of, is_refused_condition, translated
from recording.adapters.table import rows
from recording.domain import names
from recording.domain.archived.drift import MediaAge
from recording.domain.state.chunk import VERSION, ChunkKey, ChunkRecord
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_finished, is_held
from recording.domain.times import EARLIEST, sortable
from recording.errors import ClaimLostError, StorageError
from recording.errors.codes import Code
from recording.ports import Page, Unreadable
from recording.settings import Settings, StorageConnection

T = TypeVar("T")
Record = TypeVar("Record", ChunkRecord, RecordingRecord, StartReservation)
LARGEST_PAGE = 1000  # rows that the service sends at once
OPEN_PAGE = 50  # of index rows: who looks for the most urgent chunk reads few, and each row costs a request anyway
READERS = 8  # rows of one page that are read at once
MOST_FAILURES = 5  # rows of one page that storage refuses; after that it is storage that fails, not the rows
HELD_INDEX = "held_index"  # set once every held chunk has its index row
CURSOR_COLUMN = "position"
STALE_AFTER = timedelta(hours=1)  # longer than any step between an index row and its chunk's row


class UnreadableRecordError(StorageError):
    """A row is no record that this version reads: damaged, written by hand, or by a newer version (`newer_record`)."""

    code = Code.UNREADABLE_RECORD


class TableCatalog:
    """The tables `recordings` and `chunks` in the host's account."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._chunks = self._service.get_table_client(names.CHUNKS_TABLE)
        self._recordings = self._service.get_table_client(names.RECORDINGS_TABLE)

    def close(self) -> None:
        """Closes the connections."""
        self._service.close()

    def get_chunk(self, key: ChunkKey) -> ChunkRecord | None:
        """One chunk's record."""
        row = _document(self._chunks, rows.chunk_keys(key))
        return _record(ChunkRecord, row) if row is not None else None

    def add_chunk(self, record: ChunkRecord) -> bool:
        """Adds a record, indexed first."""
        if is_held(record):
            put_row(self._chunks, rows.held_row(record))
        put_row(self._chunks, rows.document_row(record))
        self._index(record)
        return add_row(self._chunks, rows.chunk_row(record))

    def save_chunk(self, record: ChunkRecord) -> ChunkRecord:
        """Replaces a record under its ETag and keeps the index in step."""
        if is_held(record):
            put_row(self._chunks, rows.held_row(record))
        if is_finished(record):
            index = _get(self._chunks, rows.open_keys(record), rows.INDEX_COLUMNS)
            saved = _save(self._chunks, rows.chunk_row(record), record)
            if index:
                _remove(self._chunks, index)
            return saved
        self._index(record)
        return _save(self._chunks, rows.chunk_row(record), record)

    def chunks_of(self, recording_id: str) -> list[ChunkRecord]:
        """The chunks in the recording's partition."""
        partition = rows.recording_keys(recording_id)["PartitionKey"]
        found = [_read(ChunkRecord, row) for row in rows_of(self._chunks, partition, columns=rows.DOCUMENT_COLUMNS)]
        records = [record for record in found if isinstance(record, ChunkRecord)]
        return sorted(records, key=lambda record: (record.task.index, record.task.document_id))

    def chunks_of_document(self, document_id: str) -> list[ChunkRecord]:
        """The chunks that the document's index rows point to."""
        indexes = list(rows_of(self._chunks, rows.document_partition(document_id), columns=rows.INDEX_COLUMNS))
        return [record for _, record in self._pointed_to(indexes) if isinstance(record, ChunkRecord)]

    def all_chunks(self) -> Iterator[ChunkRecord | Unreadable]:
        """The whole table in the order of its keys, page by page, without the index rows."""
        for row in _beyond(self._chunks, rows.OPEN_PARTITION):
            yield _read(ChunkRecord, row)

    def media_ages(self, after: str = "", most: int = 1000) -> Page[MediaAge]:
        """A few columns of the whole table, a thousand rows a request; the position is both keys of the last row."""
        partition, _, row_key = after.partition("/")
        found, error = _until_it_fails(islice(_ages_behind(self._chunks, partition, row_key), most))
        ages = tuple(age for row in found if (age := _age_of(row)) is not None)
        for row in found:
            if row.get("readAt") is None and row.get("state") in rows.HELD_STATES:  # written by an older version
                put_row(self._chunks, rows.held_pointer(row["PartitionKey"], row["RowKey"]))
        if error is None and len(found) < most:
            self.save_cursor(HELD_INDEX, "whole")
        position = f"{found[-1]['PartitionKey']}/{found[-1]['RowKey']}" if found else after
        return Page(ages, "" if error is None and len(found) < most else position, error)

    def held_chunks(self) -> Iterator[ChunkRecord | Unreadable]:
        """The chunks that the index rows point to; stale rows are skipped and cleared away.

        Until a survey has seen the whole table, older versions may have left rows without an index: then the service
        looks through the table.
        """
        if self.cursor(HELD_INDEX):
            yield from self._indexed_as_held()
            return
        for row in _beyond(self._chunks, rows.OPEN_PARTITION, f" and ({rows.IS_HELD})"):
            yield _read(ChunkRecord, row)

    def _indexed_as_held(self) -> Iterator[ChunkRecord | Unreadable]:
        listed = rows_of(self._chunks, rows.HELD_PARTITION, columns=rows.INDEX_COLUMNS)
        while indexes := list(islice(listed, OPEN_PAGE * READERS)):
            for index, record in self._pointed_to(indexes):
                if isinstance(record, Unreadable) or (record is not None and is_held(record)):
                    yield record
                elif _is_stale(index):
                    _remove(self._chunks, index)

    def open_chunks(self, expiring_after: datetime | None = None) -> Iterator[ChunkRecord | Unreadable]:
        """The chunks that the index rows point to, in their order, page by page."""
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
        """The chunks that the index rows point to; stale rows are skipped and cleared away."""
        first = max(rows.open_from(expiring_after), f"{after}!" if after else "")
        listed = rows_of(self._chunks, rows.OPEN_PARTITION, first, min(most, LARGEST_PAGE), rows.INDEX_COLUMNS)
        indexes, error = _until_it_fails(islice(listed, most))
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
        """What an index row stands for: one chunk, or none when it is stale."""
        if isinstance(record, Unreadable):
            return [record]
        if record is None or is_finished(record):
            if _is_stale(index):
                _remove(self._chunks, index)
            return []
        if rows.open_keys(record)["RowKey"] == index["RowKey"]:
            return [record]
        if _is_stale(index):  # of an earlier expiry, or spelt by another version: the chunk stays indexed
            self._index(record)
            _remove(self._chunks, index)
        return []

    def _pointed_to(self, indexes: list[TableEntity]) -> Iterator[tuple[TableEntity, ChunkRecord | Unreadable | None]]:
        """The chunks of index rows, several read at once."""
        keys = [{"PartitionKey": index["chunkPartition"], "RowKey": index["chunkRow"]} for index in indexes]
        yield from zip(indexes, _read_at_once(ChunkRecord, self._chunks, keys), strict=False)

    def get_recording(self, recording_id: str) -> RecordingRecord | None:
        """One recording's record."""
        row = _document(self._recordings, rows.recording_keys(recording_id))
        return _record(RecordingRecord, row) if row is not None else None

    def add_recording(self, record: RecordingRecord) -> bool:
        """Adds a record, indexed first."""
        self._index_recording(record)
        return add_row(self._recordings, rows.recording_row(record))

    def save_recording(self, record: RecordingRecord) -> RecordingRecord:
        """Replaces a record under its ETag and keeps the index of open ones in step, as for chunks."""
        if record.settled_at is None:
            self._index_recording(record)
            return _save(self._recordings, rows.recording_row(record), record)
        index = _get(self._recordings, rows.open_recording_row(record), rows.INDEX_COLUMNS)
        saved = _save(self._recordings, rows.recording_row(record), record)
        if index:
            _remove(self._recordings, index)
        return saved

    def open_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        """The recordings that the index rows point to; stale rows are skipped and cleared away, as for chunks."""
        listed = rows_of(self._recordings, rows.OPEN_PARTITION, columns=rows.INDEX_COLUMNS)
        while indexes := list(islice(listed, OPEN_PAGE * READERS)):
            yield from self._open_ones(indexes)

    def alarmed_recordings(self) -> Iterator[RecordingRecord | Unreadable]:
        """The index rows that name an alarm; the service passes over the others of the partition."""
        listed = rows_of(
            self._recordings, rows.OPEN_PARTITION, columns=rows.INDEX_COLUMNS, and_that=" and stands gt ''"
        )
        while indexes := list(islice(listed, OPEN_PAGE * READERS)):
            yield from self._open_ones(indexes)

    def due_recordings(
        self, now: datetime, after: str = "", most: int = 1000, most_rows: int = 100_000
    ) -> Page[RecordingRecord]:
        """The index rows tell which are due, so that no other recording is read."""
        first, position = (f"{after}!" if after else ""), after
        listed = rows_of(self._recordings, rows.OPEN_PARTITION, first, columns=rows.INDEX_COLUMNS)
        due: list[TableEntity] = []
        counts: Counter[str] = Counter()
        error = None
        try:
            for number, index in enumerate(listed, start=1):
                due += [index] if (index.get("lookAt") or "") <= sortable(now) else []
                counts[index.get("stands") or ""] += 1
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
        found = _read_at_once(RecordingRecord, self._recordings, keys)
        for index, record in zip(indexes, found, strict=False):
            if isinstance(record, Unreadable) or (record and record.settled_at is None):
                yield record
            elif _is_stale(index):
                _remove(self._recordings, index)

    def cursor(self, loop: str) -> str:
        """A row of its own for each loop."""
        row = _get(self._chunks, rows.cursor_keys(loop), None)
        return str(row.get(CURSOR_COLUMN) or "") if row is not None else ""

    def save_cursor(self, loop: str, position: str) -> None:
        """Writes the row whatever it says; an empty position leaves no row."""
        if position:
            put_row(self._chunks, rows.cursor_keys(loop) | {CURSOR_COLUMN: position})
            return
        with translated("removing a row"), suppress(ResourceNotFoundError):
            attempt(partial(self._chunks.delete_entity, rows.cursor_keys(loop)))

    def _index_recording(self, record: RecordingRecord) -> None:
        put_row(self._recordings, rows.open_recording_row(record))

    def get_recordings(self, recording_ids: Sequence[str]) -> list[RecordingRecord | Unreadable | None]:
        """Several point reads at once."""
        keys = [rows.recording_keys(recording_id) for recording_id in recording_ids]
        return list(_read_at_once(RecordingRecord, self._recordings, keys))

    def recordings_page(self, after: str = "", most: int = 1000) -> Page[RecordingRecord]:
        """The recordings' own rows, in the order of their keys."""
        start = max(after, rows.RESERVATIONS_PARTITION)
        listed = _beyond(self._recordings, start, f" and RowKey eq '{rows.RECORDING_ROW}'")
        found, error = _until_it_fails(islice(listed, most))
        items = tuple(_read(RecordingRecord, row) for row in found)
        is_end = error is None and len(found) < most
        return Page(items, "" if is_end else found[-1]["PartitionKey"] if found else after, error)

    def get_reservation(self, key: str) -> StartReservation | None:
        """One reservation."""
        row = _document(self._recordings, rows.reservation_keys(key))
        return _record(StartReservation, row) if row is not None else None

    def add_reservation(self, reservation: StartReservation) -> bool:
        """Adds a reservation."""
        return add_row(self._recordings, rows.reservation_row(reservation))

    def save_reservation(self, reservation: StartReservation) -> None:
        """Writes a reservation whatever lies there: all who complete it write the same."""
        put_row(self._recordings, rows.reservation_row(reservation))

    def _index(self, record: ChunkRecord) -> None:
        if not is_finished(record):
            put_row(self._chunks, rows.open_row(record))


def table_service(connection: StorageConnection) -> TableServiceClient:
    """A client for the account, by connection string or identity."""
    if connection.connection_string:
        text = connection.connection_string.get_secret_value()
        return TableServiceClient.from_connection_string(text, **CLIENT_OPTIONS)
    uri, identity = connection.table_uri or "", credential(connection.client_id)
    return TableServiceClient(uri, credential=identity, **CLIENT_OPTIONS)


def _record(model: type[Record], row: TableEntity) -> Record:
    try:
        document = rows.document_of(row)
        version = document.get("version", VERSION)
        if isinstance(version, int) and version > VERSION:
            raise UnreadableRecordError(f"a {model.__name__} of a newer version", code=Code.NEWER_RECORD)
        record = model.model_validate_json(json.dumps(document))
    except (ValueError, RecursionError):
        raise UnreadableRecordError(f"a row of the catalog is no {model.__name__} of this version") from None
    return _noted(record, row.metadata["etag"] or "", row.metadata.get("timestamp"))


def _noted(record: Record, etag: str, at: datetime | None) -> Record:
    """Return the record with what the service says of its row: its ETag, and the time of the write."""
    if isinstance(record, ChunkRecord) and isinstance(at, datetime):
        return changed(record, etag=etag, saved_at=datetime.fromtimestamp(at.timestamp(), UTC))
    return changed(record, etag=etag)


def _read(model: type[Record], row: TableEntity) -> Record | Unreadable:
    try:
        return _record(model, row)
    except UnreadableRecordError as error:
        return Unreadable(f"{row['PartitionKey']}/{row['RowKey']}", error.code)


def _read_at_once(
    model: type[Record], table: TableClient, keys: list[rows.Row]
) -> Iterator[Record | Unreadable | None]:
    """The records of these keys, several read at once; one that cannot be read hides no other.

    Raises:
        StorageError: after some rows were refused, since then storage fails and not the rows.
    """
    refused = 0

    def read(key: rows.Row) -> Record | Unreadable | StorageError | None:
        try:
            row = _document(table, key)
            return _read(model, row) if row is not None else None
        except StorageError as error:
            return error

    with ThreadPoolExecutor(READERS) as readers:
        for start in range(0, len(keys), READERS * 4):
            batch = keys[start : start + READERS * 4]
            for key, found in zip(batch, readers.map(read, batch), strict=True):
                if isinstance(found, StorageError):
                    refused += 1
                    if refused >= MOST_FAILURES or refused == len(keys):
                        raise found
                    yield Unreadable(f"{key['PartitionKey']}/{key['RowKey']}", found.code)
                else:
                    yield found


def _until_it_fails(listed: Iterable[T]) -> tuple[list[T], StorageError | None]:
    """What a listing gave before it failed, and why it failed."""
    found: list[T] = []
    try:
        for one in listed:
            found.append(one)
    except StorageError as error:
        return found, error
    return found, None


def _document(table: TableClient, keys: rows.Row) -> TableEntity | None:
    """A row with its whole document: in one request, unless the document is a very long one."""
    row = _get(table, keys, rows.FIRST_COLUMNS)
    return _get(table, keys, rows.DOCUMENT_COLUMNS) if row is not None and rows.may_have_more(row) else row


def _get(table: TableClient, keys: rows.Row, columns: tuple[str, ...] | None) -> TableEntity | None:
    with translated("reading a row"):
        try:
            return attempt(
                lambda: table.get_entity(
                    keys["PartitionKey"], keys["RowKey"], select=list(columns) if columns else None
                )
            )
        except ResourceNotFoundError:
            return None


def _is_stale(index: TableEntity) -> bool:
    """Whether an index row is older than any step between it and its record's row."""
    return (index.metadata["timestamp"] or datetime.now(UTC)) < datetime.now(UTC) - STALE_AFTER


def rows_of(
    table: TableClient,
    partition: str,
    first: str = "",
    page: int | None = None,
    columns: tuple[str, ...] | None = None,
    *,
    and_that: str = "",
) -> Iterator[TableEntity]:
    """All rows of a partition by row key, from the first one on, page by page; nothing when the table is missing.

    Args:
        table: where.
        partition: which.
        first: the row key to begin at.
        page: rows in a page; None leaves it to the service, which sends a thousand.
        columns: which columns to read; None for all.
        and_that: a further condition, as the service spells it.
    """
    with translated("listing rows"):
        try:
            where = f"PartitionKey eq @partition and RowKey ge @first{and_that}"
            parameters = {"partition": partition, "first": first}
            selected = list(columns) if columns else None
            yield from table.query_entities(where, parameters=parameters, results_per_page=page, select=selected)
        except ResourceNotFoundError:
            return


def _beyond(
    table: TableClient, partition: str, and_that: str = "", columns: tuple[str, ...] = rows.DOCUMENT_COLUMNS
) -> Iterator[TableEntity]:
    """All rows of the partitions after this one that `and_that` is true of.

    Names made of ids come after those with an exclamation mark.
    """
    with translated("listing rows"):
        try:
            yield from table.query_entities(
                f"PartitionKey gt @partition{and_that}",
                parameters={"partition": partition},
                select=list(columns),
            )
        except ResourceNotFoundError:
            return


def _ages_behind(table: TableClient, partition: str, row_key: str) -> Iterator[TableEntity]:
    if partition:
        yield from rows_of(table, partition, f"{row_key}!", columns=rows.AGE_COLUMNS)
    yield from _beyond(table, partition or rows.OPEN_PARTITION, columns=rows.AGE_COLUMNS)


def _age_of(row: TableEntity) -> MediaAge | None:
    """Read the age; in a row of an older version it is when the row was written, which was soon after verifying."""
    said = row.get("readAt")
    if said == rows.NOT_READ or (said is None and (row.get("isOpen") is not False or not row.get("blobName"))):
        return None
    written = row.metadata.get("timestamp")
    read = datetime.fromtimestamp(written.timestamp(), UTC) if isinstance(written, datetime) else EARLIEST
    with suppress(ValueError):
        read = datetime.strptime(str(said), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    length, is_offline = int(row.get("lengthBytes") or 0), row.get("isOffline") is True
    return MediaAge(str(row.get("recordingId") or ""), read, length, is_offline)


def add_row(table: TableClient, row: rows.Row) -> bool:
    """Inserts a row, and makes the table when it is missing. False, and no change, when there is such a row."""
    with translated("adding a row"):
        try:
            _writing(table, lambda: table.create_entity(row))
        except HttpResponseError as error:
            if is_refused_condition(error):
                return False
            raise
    return True


def put_row(table: TableClient, row: rows.Row) -> None:
    """Writes a row whatever is there, and makes the table when it is missing."""
    with translated("writing a row"):
        _writing(table, lambda: table.upsert_entity(row, mode=UpdateMode.REPLACE))


def _save(table: TableClient, row: rows.Row, record: Record) -> Record:
    """Replaces the row the record was read from, and returns the record with its new ETag."""
    if record.etag is None:
        raise ClaimLostError("a record that was not read from the catalog cannot be saved")
    with translated("saving a row"):
        try:
            answer = attempt(lambda: _update(table, row, record.etag))
        except HttpResponseError as error:
            if is_refused_condition(error) or isinstance(error, ResourceNotFoundError):
                raise ClaimLostError("the record has changed since it was read") from None
            raise
    return _noted(record, answer["etag"], answer.get("date"))


def _update(table: TableClient, row: rows.Row, etag: str | None) -> dict[str, Any]:
    return table.update_entity(row, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified)


def _remove(table: TableClient, row: TableEntity) -> None:
    """Removes a row if it is still as it was read."""
    with translated("removing a row"):
        try:
            attempt(lambda: _delete(table, row))
        except HttpResponseError as error:
            if not is_refused_condition(error):
                raise


def _delete(table: TableClient, row: TableEntity) -> None:
    table.delete_entity(row, etag=row.metadata["etag"], match_condition=MatchConditions.IfNotModified)


def _writing(table: TableClient, call: Callable[[], T]) -> T:
    """The result of a call that writes; the table is made when it turns out to be missing."""
    try:
        return attempt(call)
    except ResourceNotFoundError as error:
        if error_code_of(error) != "TableNotFound":
            raise
    with suppress(ResourceExistsError):  # another worker may be faster
        attempt(table.create_table)
    return attempt(call)
