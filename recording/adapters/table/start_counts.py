"""Fills the port StartCounts with a row for each caller in the table `recordings`."""

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import UpdateMode

from recording.adapters.azure_sdk.clients import attempt
from recording.adapters.azure_sdk.errors import is_refused_condition, translated
from recording.adapters.table.rows import Row, start_count_keys
from recording.adapters.table.tables import add_row, table_service
from recording.domain.incoming.start_rate import StartCount
from recording.domain.names import RECORDINGS_TABLE
from recording.settings import Settings


class TableStartCounts:
    """One row a caller, each in a partition of its own, so that no caller slows another."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(RECORDINGS_TABLE)

    def close(self) -> None:
        """Closes the connections."""
        self._service.close()

    def get(self, caller: str | None) -> StartCount | None:
        """One point read; a row that a hand has spoilt counts as none."""
        keys = start_count_keys(caller)
        with translated("reading a count of starts"):
            try:
                row = attempt(lambda: self._table.get_entity(keys["PartitionKey"], keys["RowKey"]))
            except ResourceNotFoundError:
                return None
        window, count, before = (_number(row.get(name)) for name in ("window", "count", "before"))
        return StartCount(caller, window, count, before, row.metadata["etag"])

    def save(self, counted: StartCount) -> bool:
        """One conditional write."""
        row: Row = start_count_keys(counted.caller) | {
            "window": counted.window,
            "count": counted.count,
            "before": counted.before,
        }
        return add_row(self._table, row) if counted.etag is None else self._replace(row, counted.etag)

    def _replace(self, row: Row, etag: str) -> bool:
        with translated("counting a start"):
            try:
                attempt(
                    lambda: self._table.update_entity(
                        row, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
                    )
                )
            except HttpResponseError as error:
                if is_refused_condition(error) or isinstance(error, ResourceNotFoundError):
                    return False
                raise
        return True


def _number(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
