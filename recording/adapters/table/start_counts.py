"""Fills StartCounts and RunningCounts with a row each for each caller in the table `recordings`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient

from recording.adapters.azure_sdk.errors import translate_errors
from recording.adapters.table.rows import CALLERS_PARTITIONS, Row, running_keys, start_count_keys
from recording.adapters.table.tables import add_row, get_row, remove_place, replace_row, table_service
from recording.domain.foreign_json import read_json
from recording.domain.incoming.running import Place, RunningCount
from recording.domain.incoming.start_rate import StartCount
from recording.domain.names import RECORDINGS_TABLE
from recording.errors import ClaimLostError
from recording.settings import Settings


class TableStartCounts:
    """One row a caller, each in a partition of its own, so that no caller slows another."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(RECORDINGS_TABLE)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def get(self, caller: str | None) -> StartCount | None:
        """Make one point read; a row that was spoilt by hand counts as none."""
        keys = start_count_keys(caller)
        row = get_row(self._table, keys, doing="reading a count of starts")
        if row is None:
            return None
        window, count, before = (_number(row.get(name)) for name in ("window", "count", "before"))
        return StartCount(caller, window, count, before, row.metadata["etag"])

    def save(self, counted: StartCount) -> bool:
        """Save with one conditional write."""
        row: Row = start_count_keys(counted.caller) | {
            "window": counted.window,
            "count": counted.count,
            "before": counted.before,
        }
        return _save(self._table, row, counted.etag)

    def forget(self, is_theirs: Callable[[str], bool]) -> int:
        """Read the names of all rows, and remove those."""
        return _forgotten(self._table, str(start_count_keys(None)["RowKey"]), is_theirs)


class TableRunningCounts:
    """One row a caller, beside the count of its starts."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(RECORDINGS_TABLE)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def get(self, caller: str | None) -> RunningCount | None:
        """Make one point read; what was spoilt by hand counts as no place."""
        keys = running_keys(caller)
        row = get_row(self._table, keys, doing="reading the places of a caller")
        if row is None:
            return None
        return RunningCount(caller, _places(row.get("places")), row.metadata["etag"])

    def save(self, counted: RunningCount) -> bool:
        """Save with one conditional write."""
        places = [[place.key, round(place.since.timestamp())] for place in counted.places]
        row: Row = running_keys(counted.caller) | {"places": json.dumps(places, separators=(",", ":"))}
        return _save(self._table, row, counted.etag)

    def forget(self, is_theirs: Callable[[str], bool]) -> int:
        """Read the names of all rows, and remove those."""
        return _forgotten(self._table, str(running_keys(None)["RowKey"]), is_theirs)


def _forgotten(table: TableClient, row_key: str, is_theirs: Callable[[str], bool]) -> int:
    """Remove the rows of this kind that are kept under one of a person's ids."""
    where = "PartitionKey ge @first and PartitionKey lt @last and RowKey eq @row"
    parameters = {"first": CALLERS_PARTITIONS, "last": f"{CALLERS_PARTITIONS}~", "row": row_key}
    with translate_errors("listing counts"):
        try:
            listed = table.query_entities(where, parameters=parameters, select=["PartitionKey", "RowKey"])
            found = [str(row["PartitionKey"]) for row in listed]
        except ResourceNotFoundError:
            return 0
    theirs = [partition for partition in found if is_theirs(partition.removeprefix(CALLERS_PARTITIONS))]
    for partition in theirs:
        remove_place(table, {"PartitionKey": partition, "RowKey": row_key})
    return len(theirs)


def _places(text: Any) -> tuple[Place, ...]:
    try:
        return tuple(Place(str(key), datetime.fromtimestamp(since, UTC)) for key, since in read_json(text))
    except (ValueError, TypeError, OverflowError, OSError):
        return ()


def _save(table: TableClient, row: Row, etag: str | None) -> bool:
    if etag is None:
        return add_row(table, row)
    try:
        replace_row(table, row, etag, "counting a start")
    except ClaimLostError:
        return False
    return True


def _number(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
