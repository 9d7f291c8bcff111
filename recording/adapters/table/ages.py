"""The ages of archived media, read from a few columns of the catalog's rows."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from azure.data.tables import TableClient, TableEntity

from recording.adapters.table import rows
from recording.adapters.table.tables import rows_beyond, rows_of
from recording.domain.archived.drift import MediaAge
from recording.domain.times import EARLIEST


def ages_behind(table: TableClient, partition: str, row_key: str) -> Iterator[TableEntity]:
    """Yield the columns with ages, of all rows after a position."""
    if partition:
        yield from rows_of(table, partition, f"{row_key}!", columns=rows.AGE_COLUMNS)
    yield from rows_beyond(table, partition or rows.OPEN_PARTITION, columns=rows.AGE_COLUMNS)


def age_of(row: TableEntity) -> MediaAge | None:
    """Read the age; in a row of an older version it is when the row was written, which was soon after verifying."""
    said = row.get("readAt")
    if said == rows.NOT_READ or (said is None and (row.get("isOpen") is not False or not row.get("blobName"))):
        return None
    written = row.metadata.get("timestamp")
    read = datetime.fromtimestamp(written.timestamp(), UTC) if isinstance(written, datetime) else EARLIEST
    with suppress(ValueError):
        read = datetime.strptime(str(said), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    told, is_offline = row.get("lengthBytes"), row.get("isOffline") is True
    length = int(told) if isinstance(told, int | float) and told >= 0 else 0
    return MediaAge(str(row.get("recordingId") or ""), read, length, is_offline)
