"""The layout of records in tables: keys, plain columns for people, and the record as JSON in pieces. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from recording.domain.archived.drift import is_scrubbed, read_at
from recording.domain.ids import name_of
from recording.domain.schema import Document, divided, joined
from recording.domain.state.chunk import ChunkKey, ChunkRecord, ChunkState
from recording.domain.state.recording import RecordingRecord, StartReservation
from recording.domain.state.transitions import is_finished
from recording.domain.times import EARLIEST, as_utc, sortable

Row = dict[str, Any]

# A string property holds 64 KiB of UTF-16; a task alone may be 48 KiB of ASCII. 16,000 characters always fit, even
# when each is a surrogate pair, and an entity (1 MiB) has room for many pieces.
PIECE = 16_000
LONGEST_COLUMN = 1024
LARGEST_INT32 = 2**31 - 1  # the SDK refuses a larger number that is not marked as another type
MOST_PIECES = 60  # more do not fit into an entity

# What a reader asks for: never the columns for people, since the SDK cannot read back every date that they may hold,
# and one such date would hide the whole page of rows.
KEYS = ("PartitionKey", "RowKey", "Timestamp")
INDEX_COLUMNS = (*KEYS, "chunkPartition", "chunkRow", "lookAt", "stands")
AGE_COLUMNS = (*KEYS, "state", "recordingId", "isOpen", "blobName", "lengthBytes", "readAt", "isOffline")
DOCUMENT_COLUMNS = (
    *KEYS,
    *(f"json{number:02d}" for number in range(MOST_PIECES)),
    *(f"more{number:02d}" for number in range(MOST_PIECES)),
)

# Nearly every document fits into these. A request names every column it asks for, and a hundred names take a client
# longer to spell than the service to read the row. A row that fills them is read again with all columns.
MOST_FIRST = 4
FIRST_COLUMNS = (
    *KEYS,
    *(f"json{number:02d}" for number in range(MOST_FIRST)),
    *(f"more{number:02d}" for number in range(MOST_FIRST)),
)

# Names made by `name_of` never hold an exclamation mark, so these partitions cannot be a recording's.
CALLERS_PARTITIONS = "!callers-"
CURSORS_PARTITION = "!cursors"
DOCUMENT_PARTITIONS = "!document-"
HELD_PARTITION = "!held"
OPEN_PARTITION = "!open"
RESERVATIONS_PARTITION = "!reservations"
RECORDING_ROW = "recording"
NOT_READ = "-"  # this chunk has no media that must be read again
HELD_STATES = (ChunkState.QUARANTINED.value, ChunkState.EXPIRED.value)
IS_HELD = f"state eq '{ChunkState.QUARANTINED}' or state eq '{ChunkState.EXPIRED}'"  # as `is_held` says


def recording_keys(recording_id: str) -> Row:
    """Return the keys of a recording's row."""
    return {"PartitionKey": name_of(recording_id), "RowKey": RECORDING_ROW}


def reservation_keys(key: str) -> Row:
    """Return the keys of a reservation's row."""
    return {"PartitionKey": RESERVATIONS_PARTITION, "RowKey": name_of(key)}


def chunk_keys(key: ChunkKey) -> Row:
    """Return the keys of a chunk's row: all chunks of a recording in one partition, by index."""
    return {"PartitionKey": name_of(key.recording_id), "RowKey": str(key)}


def open_keys(record: ChunkRecord) -> Row:
    """Return the keys of an unfinished chunk's index row: all in one partition, the earliest expiry first."""
    row_key = f"{open_from(record.task.expires_at)}-{name_of(record.key.recording_id)}-{record.key}"
    return {"PartitionKey": OPEN_PARTITION, "RowKey": row_key}


def open_from(expiry: datetime | None) -> str:
    """Return where the index rows of chunks with this expiry begin."""
    return sortable(expiry) if expiry else ""


def open_row(record: ChunkRecord) -> Row:
    """Return an index row; it only points to the chunk's row."""
    keys = chunk_keys(record.key)
    return open_keys(record) | {"chunkPartition": keys["PartitionKey"], "chunkRow": keys["RowKey"]}


def pointer_of(index: Mapping[str, Any]) -> Row | None:
    """Return the keys of the chunk's row that an index row points to; None when a hand has damaged it."""
    keys = {"PartitionKey": index.get("chunkPartition"), "RowKey": index.get("chunkRow")}
    return keys if all(isinstance(key, str) for key in keys.values()) else None


def look_at_of(index: Mapping[str, Any]) -> str:
    """Return when an index row of a recording is due; one that does not say so is due now."""
    told = index.get("lookAt")
    return told if isinstance(told, str) and told[:8].isdecimal() else ""


def document_partition(document_id: str) -> str:
    """Return where the index rows of the chunks are that name this document."""
    return f"{DOCUMENT_PARTITIONS}{name_of(document_id)}"


def document_row(record: ChunkRecord) -> Row:
    """Return an index row that finds a chunk by its document; it only points to the chunk's row."""
    keys = chunk_keys(record.key)
    place = {
        "PartitionKey": document_partition(record.key.document_id),
        "RowKey": keys["PartitionKey"] + "-" + keys["RowKey"],
    }
    return place | {"chunkPartition": keys["PartitionKey"], "chunkRow": keys["RowKey"]}


def held_row(record: ChunkRecord) -> Row:
    """Return an index row of a chunk that was given up; it only points to the chunk's row."""
    keys = chunk_keys(record.key)
    return held_pointer(keys["PartitionKey"], keys["RowKey"])


def held_pointer(partition: str, row: str) -> Row:
    """Return the index row of the held chunk that is stored under these keys."""
    keys = {"PartitionKey": HELD_PARTITION, "RowKey": f"{partition}-{row}"}
    return keys | {"chunkPartition": partition, "chunkRow": row}


def chunk_row(record: ChunkRecord) -> Row:
    """Return a chunk's row."""
    return chunk_keys(record.key) | chunk_columns(record) | _pieces(record)


def chunk_columns(record: ChunkRecord) -> Row:
    """Return the columns of a chunk's row that people read and the survey filters by."""
    columns = {
        "recordingId": record.task.recording_id,
        "callId": record.task.call_id,
        "documentId": record.task.document_id,
        "index": record.task.index,
        "state": record.state.value,
        "isOpen": not is_finished(record),
        "expiresAt": record.task.expires_at,
        "blobName": record.blob_name,
        "lastError": record.last_error,
        "quarantineReason": record.quarantine_reason,
        "lengthBytes": record.length_bytes,
        "readAt": _read_at(record),
        "isOffline": record.offline_seen_at is not None or None,
    }
    return _columns(columns)


def _read_at(record: ChunkRecord) -> str | None:
    if not is_finished(record):
        return None
    return sortable(read_at(record)) if is_scrubbed(record) else NOT_READ


def recording_row(record: RecordingRecord) -> Row:
    """Return a recording's row."""
    columns = {
        "recordingId": record.recording_id,
        "callId": record.call_id,
        "folder": record.folder,
        "startedHere": record.started_here,
        "lastAction": record.last_action.value if record.last_action else None,
    }
    return recording_keys(record.recording_id) | _columns(columns) | _pieces(record)


def open_recording_row(record: RecordingRecord) -> Row:
    """Return an index row of a recording that is not settled.

    It points to its row, with the time of the next look.
    """
    columns = {"lookAt": sortable(record.look_at) if record.look_at else None, "stands": record.stands}
    row = {"PartitionKey": OPEN_PARTITION, "RowKey": recording_keys(record.recording_id)["PartitionKey"]}
    return row | _columns(columns)


def reservation_row(reservation: StartReservation) -> Row:
    """Return a reservation's row."""
    columns = {"recordingId": reservation.recording_id}
    return reservation_keys(reservation.key) | _columns(columns) | _pieces(reservation)


def start_count_keys(caller: str | None) -> Row:
    """Return where the count of a caller's starts is kept; all who only show a key share one."""
    name = name_of(caller) if caller else "!key"
    return {"PartitionKey": f"{CALLERS_PARTITIONS}{name}", "RowKey": "starts"}


def running_keys(caller: str | None) -> Row:
    """Return where the places of a caller's running recordings are kept, beside the count of its starts."""
    return {**start_count_keys(caller), "RowKey": "running"}


def cursor_keys(loop: str) -> Row:
    """Return where the position of a loop is kept."""
    return {"PartitionKey": CURSORS_PARTITION, "RowKey": loop}


def may_have_more(row: Mapping[str, Any]) -> bool:
    """Return whether a row that was read by its first columns may be longer than they are."""
    return any(row.get(f"{prefix}{MOST_FIRST - 1:02d}") is not None for prefix in ("json", "more"))


def document_of(row: Mapping[str, Any]) -> Document:
    """Return the record's document.

    Raises:
        ValueError: when pieces are missing or damaged.
    """
    return joined(_together(row, "json"), _together(row, "more"))


def _together(row: Mapping[str, Any], prefix: str) -> str:
    pieces = {name: row[name] for name in row if name.startswith(prefix) and row[name] is not None}
    return "".join(str(pieces[name]) for name in sorted(pieces))


def _columns(columns: Mapping[str, Any]) -> Row:
    readable = {name: _column(value) for name, value in columns.items()}
    return {name: value for name, value in readable.items() if value is not None}


def _column(value: Any) -> Any:
    """Return a value that the service takes and the SDK reads back; else none: these columns are for people."""
    if isinstance(value, datetime):
        moment = as_utc(value)
        return moment if moment >= EARLIEST else None
    if isinstance(value, int) and abs(value) > LARGEST_INT32:  # a file of 2 GiB; earlier versions read a double too
        return float(value)
    return value[:LONGEST_COLUMN] if isinstance(value, str) else value


def _pieces(record: BaseModel) -> Row:
    first, later = divided(record)
    return _cut("json", first) | _cut("more", later)


def pieces_of(text: str) -> Row:
    """Return the columns that hold a text, however long it is."""
    return _cut("json", text)


def text_of(row: Mapping[str, Any]) -> str:
    """Return the text that `pieces_of` divided."""
    return _together(row, "json")


def _cut(prefix: str, text: str) -> Row:
    return {f"{prefix}{at // PIECE:02d}": text[at : at + PIECE] for at in range(0, len(text), PIECE)}
