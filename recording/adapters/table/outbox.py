"""Fills the port Outbox with the table `outbox`: what waits, what was written, and the health of the ways.

| partition | row | what |
|---|---|---|
| `pending-` and two digits of a hash | subject, sequence, id | an event that waits |
| `marks-` and three digits of a hash | subject | which events were written about it |
| `sent-` and the minute | time, id | an event, for the replay |
| `ways` | its name | the health of a way |
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import groupby, islice
from typing import Any, TypeVar

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableEntity
from pydantic import BaseModel, ValidationError

from recording.adapters.azure_sdk.errors import translate_errors
from recording.adapters.table.rows import Row, pieces_of, text_of
from recording.adapters.table.tables import (
    add_row,
    get_row,
    put_row,
    remove_rows,
    remove_unchanged,
    replace_row,
    rows_of,
    table_service,
)
from recording.domain.model import with_changes
from recording.domain.names import OUTBOX_TABLE
from recording.domain.outgoing.delivery import Entry, WayHealth
from recording.domain.outgoing.events import OutgoingEvent, Subject, read_stored, stamp
from recording.errors import ClaimLostError
from recording.ports.stored import Page, Unreadable
from recording.settings import Settings

M = TypeVar("M", bound=BaseModel)
_WAYS = "ways"
_MARKS = "marks"
_PENDING, _AFTER_PENDING = "pending-", "pending."  # the sign after the hyphen
LARGEST_BATCH = 100  # rows of one partition in a transaction
_MINUTE = 13  # characters of a stamp: 20260101T1200


class TableOutbox:
    """The table `outbox` in the host's account."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(OUTBOX_TABLE)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def marks(self, subject: Subject) -> tuple[frozenset[str], str | None]:
        """Read one row."""
        row = get_row(self._table, _marks_keys(subject))
        if row is None:
            return frozenset(), None
        return frozenset(text_of(row).split()), row.metadata["etag"]

    def save_marks(self, subject: Subject, marks: frozenset[str], etag: str | None) -> None:
        """Replace one row under its ETag, or insert it."""
        self._replace(_marks_keys(subject) | pieces_of(" ".join(sorted(marks))), etag)

    def add(self, entry: Entry) -> bool:
        """Insert a row."""
        return add_row(self._table, _pending_row(entry))

    def pending(self, subject: Subject) -> list[Entry]:
        """Read the rows whose keys begin with the subject's name."""
        return [entry for row in self._pending_rows(subject) if (entry := _entry(row)) is not None]

    def unread(self, subject: Subject) -> list[Unreadable]:
        """Read the same rows."""
        return [Unreadable(str(row["RowKey"])) for row in self._pending_rows(subject) if _entry(row) is None]

    def _pending_rows(self, subject: Subject) -> Iterator[TableEntity]:
        keys = _pending_keys(subject)
        first, last = f"{keys['RowKey']}!", f'{keys["RowKey"]}"'  # the sign after the exclamation mark
        return rows_of(self._table, keys["PartitionKey"], first, and_that=f" and RowKey lt '{last}'", columns=())

    def save(self, entry: Entry) -> Entry:
        """Replace a row under its ETag."""
        if entry.etag is None:
            raise ClaimLostError("an entry that was not read cannot be saved")
        return with_changes(entry, {"etag": self._replace(_pending_row(entry), entry.etag)})

    def remove(self, entry: Entry) -> None:
        """Delete a row under its ETag."""
        remove_unchanged(self._table, _pending_row(entry), entry.etag)

    def waiting(self, most: int, after: str = "") -> Page[Entry]:
        """Read over the partitions of what waits, from that of the row that was read last."""
        last_partition, _, last_row = after.partition("/")
        items: list[Entry | Unreadable] = []
        position = ""
        for row in self._between(last_partition or _PENDING, _AFTER_PENDING):
            if (row["PartitionKey"], row["RowKey"]) <= (last_partition, last_row):
                continue
            if len(items) >= most:
                return Page(tuple(items), next=position)
            position = f"{row['PartitionKey']}/{row['RowKey']}"
            items.append(_entry(row) or Unreadable(position))
        return Page(tuple(items))

    def keep(self, event: OutgoingEvent) -> None:
        """Write a row."""
        put_row(self._table, _sent_keys(event) | pieces_of(event.model_dump_json(exclude_none=True)))

    def history(self, since: datetime, until: datetime, after: str = "", most: int = 1000) -> Page[OutgoingEvent]:
        """Read rows by their minutes; the position is the keys of the row that was read last."""
        last_minute, _, last_row = after.partition("/")
        first = last_minute or f"sent-{stamp(since)[:_MINUTE]}"
        items: list[OutgoingEvent | Unreadable] = []
        position = ""
        for row in self._between(first, f"sent-{stamp(until)[:_MINUTE]}~"):
            if (row["PartitionKey"], row["RowKey"]) <= (last_minute, last_row):
                continue
            if len(items) >= most:
                return Page(tuple(items), next=position)
            position = f"{row['PartitionKey']}/{row['RowKey']}"
            event = read_stored(text_of(row))
            if event is None:
                items.append(Unreadable(position))
            elif since <= event.at <= until:
                items.append(event)
        return Page(tuple(items))

    def forget(self, before: datetime, most: int) -> int:
        """Delete rows, a hundred of a minute in one request, the oldest first."""
        rows = list(islice(self._between("sent-", f"sent-{stamp(before)[:_MINUTE]}"), most))
        for _, minute in groupby(rows, key=lambda row: row["PartitionKey"]):
            listed = list(minute)
            for at in range(0, len(listed), LARGEST_BATCH):
                remove_rows(self._table, listed[at : at + LARGEST_BATCH])
        return len(rows)

    def health(self, way: str) -> WayHealth:
        """Read one row."""
        row = get_row(self._table, _way_keys(way))
        found = _document(WayHealth, row) if row is not None else None
        return found or WayHealth(way=way, etag=row.metadata["etag"] if row is not None else None)

    def save_health(self, health: WayHealth) -> WayHealth:
        """Replace one row under its ETag, or insert it."""
        row = _way_keys(health.way) | pieces_of(health.model_dump_json())
        return with_changes(health, {"etag": self._replace(row, health.etag)})

    def _replace(self, row: Row, etag: str | None) -> str:
        """Write a row if it still has this ETag, or if there is none yet; returns the new one."""
        if etag is None:
            if not add_row(self._table, row):
                raise ClaimLostError("the row was added meanwhile")
            found = get_row(self._table, row)
            return str(found.metadata["etag"]) if found is not None else ""
        return str(replace_row(self._table, row, etag)["etag"])

    def _between(self, first: str, beyond: str) -> Any:
        """Yield the rows of several partitions, in the order of their keys."""
        with translate_errors("listing rows"), suppress(ResourceNotFoundError):
            yield from self._table.query_entities(
                "PartitionKey ge @first and PartitionKey lt @beyond", parameters={"first": first, "beyond": beyond}
            )


def _hash(name: str, digits: int) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:digits]


def _marks_keys(subject: Subject) -> dict[str, str]:
    return {"PartitionKey": f"{_MARKS}-{_hash(subject.name, 3)}", "RowKey": subject.name}


def _way_keys(way: str) -> Row:
    return {"PartitionKey": _WAYS, "RowKey": way}


def _pending_keys(subject: Subject) -> dict[str, str]:
    return {"PartitionKey": f"{_PENDING}{_hash(subject.name, 2)}", "RowKey": subject.name}


def _pending_row(entry: Entry) -> Row:
    event, keys = entry.event, _pending_keys(entry.event.subject)
    row = keys | {"RowKey": f"{keys['RowKey']}!{event.sequence}-{event.id}"}
    return row | pieces_of(entry.model_dump_json(exclude_none=True))


def _sent_keys(event: OutgoingEvent) -> Row:
    at = stamp(event.at)
    return {"PartitionKey": f"sent-{at[:_MINUTE]}", "RowKey": f"{at}-{event.id}"}


def _entry(row: TableEntity) -> Entry | None:
    """Return an entry; None for one that cannot be read, or that a newer version has written."""
    found = _document(Entry, row)
    if found is None or read_stored(found.event.model_dump_json()) is None:
        return None
    return found if _pending_row(found)["RowKey"] == row["RowKey"] else None  # it could be neither saved nor removed


def _document(model: type[M], row: TableEntity) -> M | None:
    try:
        return with_changes(model.model_validate_json(text_of(row)), {"etag": row.metadata["etag"]})
    except (ValidationError, ValueError, RecursionError):
        return None
