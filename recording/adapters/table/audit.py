"""Fills the port AuditTrail with the table `audit`: rows are inserted, never changed and never removed by this app."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from azure.data.tables import TableEntity

from recording.adapters.table.tables import add_row, rows_beyond, rows_of, table_service
from recording.domain import names
from recording.domain.foreign_json import text_in
from recording.domain.ids import name_of
from recording.domain.times import EARLIEST, as_utc
from recording.ports import AuditEntry
from recording.ports.audit import UNREADABLE
from recording.settings import Settings

_COLUMNS = ("PartitionKey", "RowKey", "operation", "recordingId", "caller", "outcome", "note", "part")
_BEHIND_DAYS = ":"  # the character after all digits


class TableAudit:
    """One partition a day, rows by time; and one for each recording, with the rows that name it."""

    def __init__(self, settings: Settings) -> None:
        self._service = table_service(settings.host_storage)
        self._table = self._service.get_table_client(names.AUDIT_TABLE)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def add(self, entry: AuditEntry) -> None:
        """Insert a row under a unique name."""
        at = entry.at.astimezone(UTC)
        row = {
            "PartitionKey": f"{at:%Y-%m-%d}",
            "RowKey": f"{at.isoformat(timespec='microseconds')}-{uuid4().hex}",
            "operation": entry.operation,
            "recordingId": entry.recording_id,
            "caller": entry.caller,
            "outcome": entry.outcome,
            "note": entry.note,
            "part": entry.part,
        }
        said = {name: value for name, value in row.items() if value is not None}
        add_row(self._table, said)
        if entry.recording_id is not None:  # once more where it is found by its recording
            add_row(self._table, said | {"PartitionKey": _about(entry.recording_id)})

    def entries_about(self, recording_id: str) -> Iterator[AuditEntry]:
        """Yield the partition of the recording; entries of 0.1.0 are in those of their days only."""
        for row in rows_of(self._table, _about(recording_id)):
            yield _entry(row)

    def entries(self, since: datetime) -> Iterator[AuditEntry]:
        """Read day by day, page by page; then the days that only an instance whose clock is ahead has written."""
        day, first = since.astimezone(UTC).date(), since.astimezone(UTC).isoformat(timespec="microseconds")
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        while day <= tomorrow:
            for row in rows_of(self._table, day.isoformat(), first):
                yield _entry(row)
            day += timedelta(days=1)
        of_days = f" and PartitionKey lt '{_BEHIND_DAYS}' and RowKey ge '{first}'"
        for row in rows_beyond(self._table, tomorrow.isoformat(), of_days, _COLUMNS):
            yield _entry(row)


def _about(recording_id: str) -> str:
    """Return the partition of a recording's entries; no day and no name begins with an exclamation mark."""
    return f"!{name_of(recording_id)}"


def _entry(row: TableEntity) -> AuditEntry:
    """Return the entry in a row; a foreign row is shown as far as it is readable, and hides no other."""
    operation, outcome = text_in(row.get("operation")) or UNREADABLE, text_in(row.get("outcome")) or UNREADABLE
    recording_id, caller, note, part = (text_in(row.get(name)) for name in ("recordingId", "caller", "note", "part"))
    at, row_key = _time_in(row["RowKey"]), row["RowKey"]
    return AuditEntry(at, operation, recording_id, caller, outcome, note, row_key, part)


def _time_in(row_key: str) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(row_key.rpartition("-")[0]))
    except ValueError:
        return EARLIEST
