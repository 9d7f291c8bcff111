"""Fills the port Directory with the table `directory`, and keeps the key of its hashes."""

import base64
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableEntity

from recording.adapters.azure_sdk.errors import translate_errors
from recording.adapters.table.tables import add_row, put_row, remove_place, rows_of, table_service
from recording.domain import names
from recording.domain.find.directory import IndexRow, Span, is_row_key, moment_of
from recording.domain.find.index_keys import IndexKey, IndexKeys, new_secret
from recording.domain.times import as_utc
from recording.ports import DirectoryPage
from recording.settings import Settings

WRITERS = 4  # rows written concurrently: each is in its own partition, so no batch can contain two
_FACTS = ("recordingId", "startedAt", "durationMs", "lengthBytes", "formats", "marks", "chunkCount")
_COLUMNS = ["PartitionKey", "RowKey", *_FACTS]
_KEYS_PARTITION = "!index-keys"
_LARGEST_PAGE = 1000  # rows that the service sends at once


class TableDirectory:
    """The table `directory` in the host's account."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(names.DIRECTORY_TABLE)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def put(self, rows: Sequence[IndexRow]) -> None:
        """Upsert each row; the table is made when it is missing."""
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(lambda row: put_row(self._table, entity_of(row)), rows))

    def remove(self, places: Sequence[str]) -> None:
        """Delete each row, whatever it holds."""
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(lambda place: remove_place(self._table, _keys_of(place)), places))

    def read(self, span: Span, after: str = "", most: int = 1000) -> DirectoryPage:
        """Read the edges of a span of months by row key, and what is between them by partition alone.

        Where the span has no edge, or the first one fills the page, that is one request.
        """
        readable = (row for entity in self._entities(span, after, most) if (row := _row(entity)) is not None)
        found = tuple(islice(readable, most))
        return DirectoryPage(found, is_end=len(found) < most)

    def _entities(self, span: Span, after: str, most: int) -> Iterator[TableEntity]:
        page = min(most, _LARGEST_PAGE)
        for condition, parameters in _queries(span.behind(after)):
            with translate_errors("reading the directory"):
                try:
                    yield from self._table.query_entities(
                        condition, parameters=parameters, results_per_page=page, select=_COLUMNS
                    )
                except ResourceNotFoundError:
                    return


class TableIndexKeys:
    """The keys in INDEX_KEY, followed by the one that was generated when there was none."""

    def __init__(self, settings: Settings) -> None:
        self._given = [secret.get_secret_value() for secret in settings.index_keys]
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(names.RECORDINGS_TABLE)
        self._known: IndexKeys | None = None

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def keys(self) -> IndexKeys:
        """Read or makes the key once per process; of two processes that make one, the first to insert has made it."""
        if self._known is None:
            given = [IndexKey(base64.b64decode(text)) for text in self._given]
            kept = self._read_keys()
            if not given and not kept:
                add_row(self._table, _key_row(new_secret()))
                kept = self._read_keys()
            self._known = IndexKeys((*given, *(key for key in kept if key not in given)))
        return self._known

    def forget_kept(self) -> None:
        """Remove the generated key, at the end of a rotation to one in INDEX_KEY."""
        remove_place(self._table, {"PartitionKey": _KEYS_PARTITION, "RowKey": "first"})
        self._known = None

    def _read_keys(self) -> list[IndexKey]:
        found = rows_of(self._table, _KEYS_PARTITION, columns=("PartitionKey", "RowKey", "secret"))
        return [IndexKey(base64.b64decode(row["secret"])) for row in found]


def _queries(span: Span) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield at most three queries: the first partition, those between, and the last one, in this order.

    Each is a range of the service's own order, so nothing before the first row or behind the last one is looked at.
    """
    edge = "PartitionKey eq @partition and RowKey ge @first and RowKey le @last"
    rows = {"first": span.first_row, "last": span.last_row}
    if span.first_partition == span.last_partition:
        yield edge, {"partition": span.first_partition, **rows}
        return
    has_first, has_last = span.first_row > "", span.last_row < "~"
    if has_first:
        yield edge, {"partition": span.first_partition, **rows}
    between = f"PartitionKey {'gt' if has_first else 'ge'} @low and PartitionKey {'lt' if has_last else 'le'} @high"
    yield between, {"low": span.first_partition, "high": span.last_partition}
    if has_last:
        yield edge, {"partition": span.last_partition, **rows}


def _keys_of(place: str) -> dict[str, Any]:
    partition, _, at = place.partition("|")
    return {"PartitionKey": partition, "RowKey": at}


def entity_of(row: IndexRow) -> dict[str, Any]:
    """Return a row as the table holds it."""
    return {
        "PartitionKey": row.partition,
        "RowKey": row.row_key,
        "recordingId": row.recording_id,
        "startedAt": row.started_at.isoformat(),
        "durationMs": str(row.duration_ms) if row.duration_ms is not None else "",
        "lengthBytes": str(row.length_bytes),
        "formats": ",".join(row.formats),
        "marks": row.marks,
        "chunkCount": str(row.chunk_count),
    }


def _row(entity: TableEntity) -> IndexRow | None:
    """Return the row: it finds its recording if it names one, whatever else of it cannot be read; else None."""
    recording_id, row_key = entity.get("recordingId"), str(entity["RowKey"])
    if not (isinstance(recording_id, str) and recording_id and is_row_key(row_key)):
        return None
    marks, formats = (_text(entity.get(name)) for name in ("marks", "formats"))
    return IndexRow(
        partition=str(entity["PartitionKey"]),
        row_key=row_key,
        recording_id=recording_id,
        started_at=_time(entity.get("startedAt")) or moment_of(row_key),
        duration_ms=_number(entity.get("durationMs")),
        length_bytes=int(_number(entity.get("lengthBytes")) or 0),
        formats=tuple(part for part in formats.split(",") if part),
        marks=marks,
        chunk_count=int(_number(entity.get("chunkCount")) or 0),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _time(value: object) -> datetime | None:
    with suppress(ValueError):
        return as_utc(datetime.fromisoformat(_text(value)))
    return None


def _number(value: object) -> float | None:
    with suppress(ValueError, TypeError, OverflowError):
        number = float(value)  # type: ignore[arg-type]  # whatever it is
        return number if math.isfinite(number) else None
    return None


def _key_row(secret: bytes) -> dict[str, Any]:
    """Return the only row for a generated key; its name makes a second insert fail."""
    text = base64.b64encode(secret).decode()
    return {"PartitionKey": _KEYS_PARTITION, "RowKey": "first", "secret": text}
