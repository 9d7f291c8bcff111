"""Fills the port AuditEraser with the table `audit`: notes, parts and callers are changed, and rows never removed."""

from collections.abc import Callable, Iterator

from azure.data.tables import TableEntity, UpdateMode

from recording.adapters.azure_sdk.clients import attempt
from recording.adapters.azure_sdk.errors import translate_errors
from recording.adapters.table.tables import table_service
from recording.domain.foreign_json import text_in
from recording.domain.names import AUDIT_TABLE
from recording.settings import Settings


class TableAuditEraser:
    """All rows, read whole: requests for erasure are rare."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(AUDIT_TABLE)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def withhold(
        self,
        without: Callable[[str], str],
        pseudonymous: Callable[[str], str] = str,
        may_change: Callable[[str | None], bool] = lambda _recording_id: True,
        after: str = "",
        reached: Callable[[str, int], object] = lambda _position, _changed: None,
    ) -> int:
        """Merge what has changed into each row."""
        changed, ways = 0, {"note": without, "part": without, "caller": pseudonymous}
        with translate_errors("changing rows of the audit trail"):
            for row in self._rows(after, ["PartitionKey", "RowKey", "recordingId", *ways]):
                told = {name: str(row[name]) for name in ways if row.get(name)}
                kept = {name: ways[name](text) for name, text in told.items()}
                if kept != told and may_change(text_in(row.get("recordingId"))):
                    fresh = {"PartitionKey": row["PartitionKey"], "RowKey": row["RowKey"], **kept}
                    attempt(lambda fresh=fresh: self._table.update_entity(fresh, mode=UpdateMode.MERGE))  # type: ignore[misc]
                    changed += 1
                reached(f"{row['PartitionKey']}/{row['RowKey']}", changed)
        return changed

    def _rows(self, after: str, columns: list[str]) -> Iterator[TableEntity]:
        """Yield all rows behind a position: both keys of a row; neither a day, a time nor a name has a slash."""
        if not after:
            yield from self._table.list_entities(select=columns)
            return
        partition, _, row_key = after.partition("/")
        keys = {"partition": partition, "row": row_key}
        in_it, beyond = "PartitionKey eq @partition and RowKey gt @row", "PartitionKey gt @partition"
        yield from self._table.query_entities(in_it, parameters=keys, select=columns)
        yield from self._table.query_entities(beyond, parameters={"partition": partition}, select=columns)
