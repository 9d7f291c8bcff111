"""Fills the port SealList with the table `seal`: one partition, rows in the order in which they were added."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableEntity

from recording.adapters.azure_sdk.clients import attempt
from recording.adapters.azure_sdk.errors import translate_errors
from recording.adapters.table.tables import add_row, rows_of, table_service
from recording.domain.foreign_json import read_json
from recording.domain.names import SEAL_TABLE
from recording.ports.library.seal import ToSeal, Waiting
from recording.settings import Settings

_PARTITION = "waiting"
_DELETERS = 8


class TableSealList:
    """The table `seal` in the host's account."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(SEAL_TABLE)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def add(self, item: ToSeal) -> None:
        """Insert a row under a name of its own, by the time of this instance."""
        place = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex}"
        add_row(
            self._table,
            {
                "PartitionKey": _PARTITION,
                "RowKey": place,
                "what": item.what.value,
                "name": item.name,
                "secret": item.secret.hex(),
                "facts": json.dumps(dict(item.facts)),
            },
        )

    def first(self, most: int) -> list[ToSeal]:
        """Read the first rows; one of a newer version's kind is passed over and waits for that version."""
        rows = islice(rows_of(self._table, _PARTITION, page=min(most, 1000)), most)
        return [item for row in rows if (item := _item(row)) is not None]

    def remove(self, items: Sequence[ToSeal]) -> None:
        """Delete each row by its place, several at once."""
        with ThreadPoolExecutor(_DELETERS) as deleters:
            list(deleters.map(self._remove, [item.place for item in items if item.place]))

    def _remove(self, place: str) -> None:
        with translate_errors("removing a row"):
            try:
                attempt(lambda: self._table.delete_entity(_PARTITION, place))
            except ResourceNotFoundError:
                return


def _item(row: TableEntity) -> ToSeal | None:
    try:
        what, facts = Waiting(row["what"]), read_json(row["facts"])
        if not (isinstance(row["name"], str) and isinstance(facts, dict)):
            return None
        return ToSeal(what, row["name"], bytes.fromhex(row["secret"]), facts, row["RowKey"])
    except (ValueError, KeyError, TypeError):
        return None
