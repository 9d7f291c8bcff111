"""The one loop that changes a stored row: read, decide, write under its ETag, start over when others were faster."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar, overload

from recording.domain.state.recording import RecordingRecord
from recording.errors import ClaimLostError, StorageBusyError
from recording.ports.catalog import Catalog

Row = TypeVar("Row")
TRIES = 10  # writers of one row rarely meet; ten lost races in a row mean that something else is wrong


@overload
def change_row(
    read: Callable[[], Row | None],
    change: Callable[[Row | None], Row],
    add: Callable[[Row], bool],
    save: Callable[[Row], Row],
) -> Row: ...
@overload
def change_row(
    read: Callable[[], Row | None],
    change: Callable[[Row | None], Row | None],
    add: Callable[[Row], bool],
    save: Callable[[Row], Row],
) -> Row | None: ...
def change_row(
    read: Callable[[], Row | None],
    change: Callable[[Row | None], Row | None],
    add: Callable[[Row], bool],
    save: Callable[[Row], Row],
) -> Row | None:
    """Change a row despite concurrent writers, and return it as it is stored.

    Args:
        read: the row as it is now; None when there is none.
        change: returns the wanted row, called on every try; the same row or None writes nothing.
        add: adds a new row; False when another writer has added one.
        save: replaces the row under its ETag; raises ClaimLostError when another writer has changed it.

    Raises:
        StorageBusyError: other writers kept changing it.
        StorageError: storage does not answer.
    """
    for _ in range(TRIES):
        row = read()
        wanted = change(row)
        if wanted is None or wanted == row:
            return row
        try:
            if row is not None:
                return save(wanted)
            if add(wanted):
                return wanted
        except ClaimLostError:
            continue
    raise StorageBusyError("the row keeps changing")


@overload
def change_recording(
    recording_id: str, change: Callable[[RecordingRecord | None], RecordingRecord], catalog: Catalog
) -> RecordingRecord: ...
@overload
def change_recording(
    recording_id: str, change: Callable[[RecordingRecord | None], RecordingRecord | None], catalog: Catalog
) -> RecordingRecord | None: ...
def change_recording(
    recording_id: str, change: Callable[[RecordingRecord | None], RecordingRecord | None], catalog: Catalog
) -> RecordingRecord | None:
    """Change a recording's row in the catalog; as `change_row`."""
    return change_row(
        partial(catalog.get_recording, recording_id), change, catalog.add_recording, catalog.save_recording
    )
