"""Fills the port AuditEraser with the table `audit`: notes alone are changed, and rows are never removed."""

from collections.abc import Callable

from azure.data.tables import UpdateMode

from recording.adapters.azure_sdk.clients import attempt
from recording.adapters.azure_sdk.errors import translated
from recording.adapters.table.tables import table_service
from recording.domain.names import AUDIT_TABLE
from recording.settings import Settings


class TableAuditEraser:
    """The notes of all rows, read whole: requests for erasure are rare."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(AUDIT_TABLE)

    def close(self) -> None:
        """Closes the connections."""
        self._service.close()

    def withhold(self, without: Callable[[str], str]) -> int:
        """Merges the changed note into each row that has one."""
        changed = 0
        columns = ["PartitionKey", "RowKey", "note"]
        with translated("changing notes of the audit trail"):
            for row in self._table.query_entities("note ne ''", select=columns):
                note = str(row["note"])
                kept = without(note)
                if kept != note:
                    fresh = {"PartitionKey": row["PartitionKey"], "RowKey": row["RowKey"], "note": kept}
                    attempt(lambda fresh=fresh: self._table.update_entity(fresh, mode=UpdateMode.MERGE))  # type: ignore[misc]
                    changed += 1
        return changed
