"""Rows as records: read in one request where that is enough, saved under the ETag they were read with."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from azure.data.tables import TableClient, TableEntity

from recording.adapters.table import rows
from recording.adapters.table.tables import get_row, replace_row
from recording.domain.schema import without_nulls
from recording.domain.state.chunk import VERSION, ChunkRecord
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.domain.state.records import changed
from recording.errors import StorageError
from recording.errors.codes import Code
from recording.ports import Unreadable

Record = TypeVar("Record", ChunkRecord, RecordingRecord, StartReservation)
READERS = 8  # rows of one page that are read at once
MOST_FAILURES = 5  # rows of one page that storage refuses; after that it is storage that fails, not the rows


class UnreadableRecordError(StorageError):
    """A row cannot be read by this version: damaged, written by hand, or by a newer version (`newer_record`)."""

    code = Code.UNREADABLE_RECORD


def read_record(model: type[Record], row: TableEntity) -> Record:
    """Return the record that a row holds.

    Raises:
        UnreadableRecordError: it holds none that this version reads.
    """
    try:
        document = rows.document_of(row)
        version = document.get("version", VERSION)
        if isinstance(version, int) and version > VERSION:
            raise UnreadableRecordError(f"a {model.__name__} of a newer version", code=Code.NEWER_RECORD)
        record = model.model_validate_json(json.dumps(without_nulls(model, document)))
    except (ValueError, RecursionError):
        raise UnreadableRecordError(f"a row of the catalog is not a {model.__name__} of this version") from None
    return _noted(record, row.metadata["etag"] or "", row.metadata.get("timestamp"))


def _noted(record: Record, etag: str, at: datetime | None) -> Record:
    """Return the record with what the service says of its row: its ETag, and the time of the write."""
    if isinstance(record, ChunkRecord) and isinstance(at, datetime):
        return changed(record, etag=etag, saved_at=datetime.fromtimestamp(at.timestamp(), UTC))
    return changed(record, etag=etag)


def record_or_unreadable(model: type[Record], row: TableEntity) -> Record | Unreadable:
    """Return the record that a row holds, or that it holds none which this version reads."""
    try:
        return read_record(model, row)
    except UnreadableRecordError as error:
        return Unreadable(f"{row['PartitionKey']}/{row['RowKey']}", error.code)


def read_at_once(model: type[Record], table: TableClient, keys: list[rows.Row]) -> Iterator[Record | Unreadable | None]:
    """Yield the records of these keys, several read at once; one that cannot be read hides no other.

    Raises:
        StorageError: after some rows were refused, since then storage fails and not the rows.
    """
    refused = 0

    def read(key: rows.Row) -> Record | Unreadable | StorageError | None:
        try:
            row = document_row(table, key)
            return record_or_unreadable(model, row) if row is not None else None
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


def document_row(table: TableClient, keys: rows.Row) -> TableEntity | None:
    """Return a row with its whole document: in one request, unless the document is a very long one."""
    row = get_row(table, keys, rows.FIRST_COLUMNS)
    return get_row(table, keys, rows.DOCUMENT_COLUMNS) if row is not None and rows.may_have_more(row) else row


def save_record(table: TableClient, row: rows.Row, record: Record) -> Record:
    """Replace the row the record was read from, and return the record with its new ETag."""
    answer = replace_row(table, row, record.etag)
    return _noted(record, answer["etag"], answer.get("date"))
