"""What Azure Table Storage refuses in a row, for the fakes of tables; the contract suite holds it against Azurite.

Figures: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recording.adapters.table.rows import pieces_of
from recording.errors import StorageBusyError, StorageError

MOST_PROPERTIES = 252  # besides the two keys and the time
LONGEST_TEXT = 32 * 1024  # UTF-16 characters of one property: 64 KiB
LONGEST_KEY = 512  # characters: 1 KiB
LARGEST_ENTITY = 1 << 20  # bytes, with the names of the properties
_KEYS = ("PartitionKey", "RowKey")
_FORBIDDEN = frozenset("/\\#?") | {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))}


def check_row(row: Mapping[str, Any]) -> None:
    """Refuse what the service or its SDK refuses.

    Raises:
        StorageBusyError: the SDK cannot spell a value: a whole number beyond 32 bits, a date before 1601.
        StorageError: the service refuses the row, whenever it is sent.
    """
    for key in _KEYS:
        if len(row[key].encode("utf-16-le")) // 2 > LONGEST_KEY:
            raise StorageError("saving a row failed (KeyValueTooLarge)")
        if _FORBIDDEN & set(row[key]):
            raise StorageError("saving a row failed (OutOfRangeInput)")
    values = {name: value for name, value in row.items() if name not in _KEYS}
    if len(values) > MOST_PROPERTIES:
        raise StorageError("saving a row failed (TooManyProperties)")
    for value in values.values():
        _check_value(value)
    if sum(_size(name) + _size(value) for name, value in row.items()) > LARGEST_ENTITY:
        raise StorageError("saving a row failed (EntityTooLarge)")


def check_document(text: str) -> None:
    """Refuse a document that does not fit into one row. Raises as `check_row`."""
    check_row({"PartitionKey": "p", "RowKey": "r", **pieces_of(text)})


def _check_value(value: Any) -> None:
    if isinstance(value, str) and len(value.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST_TEXT:
        raise StorageError("saving a row failed (PropertyValueTooLarge)")
    is_number = isinstance(value, int) and abs(value) < 2**31
    is_time = isinstance(value, datetime) and value.year >= 1601
    if not (is_number or is_time or isinstance(value, float | str | bytes)):
        raise StorageBusyError("saving a row failed: the answer cannot be read")


def _size(value: Any) -> int:
    return len(value.encode("utf-16-le", "surrogatepass")) if isinstance(value, str) else 8
