"""Reach: the recordings within a scope; one outside it looks as if it did not exist."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, NoReturn, TypeVar

from recording.domain.ids import canonical_id
from recording.domain.incoming.tenants import Scope
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageError
from recording.errors.codes import OF_ONE_ROW
from recording.ports import Catalog, Memory

T = TypeVar("T")
AT_ONCE = 200  # recordings looked up together


class Reach:
    """The recordings of some tenants, by their rows in the catalog."""

    def __init__(self, catalog: Catalog, scope: Scope) -> None:
        self._catalog = catalog
        self.scope = scope

    def get(self, recording_id: str) -> RecordingRecord | None:
        """Return a recording's row; None also for an unreadable one, since its tenant is unknown.

        Raises:
            StorageError: the catalog does not answer.
        """
        try:
            record = self._catalog.get_recording(canonical_id(recording_id))
        except StorageError as error:
            if error.code not in OF_ONE_ROW:
                raise
            return None
        return record if record is not None and self.scope.covers(record.tenant) else None

    def has(self, recording_id: str | None) -> bool:
        """Return whether a recording is within the scope."""
        return recording_id is not None and self.get(recording_id) is not None

    def among(self, recording_ids: Iterable[str]) -> list[RecordingRecord | None]:
        """Return the rows of several recordings in their order; None for those outside the scope."""
        found = self._catalog.get_recordings(list(recording_ids))
        return [one if isinstance(one, RecordingRecord) and self.scope.covers(one.tenant) else None for one in found]

    def only(self, items: Iterable[T], ids_of: Callable[[T], frozenset[str] | None]) -> Iterator[T]:
        """Yield the items that name at least one recording and none outside the scope; looked up in batches."""
        listing = iter(items)
        while batch := list(islice(listing, AT_ONCE)):
            named = [(item, ids) for item in batch if (ids := ids_of(item))]
            wanted = sorted({one for _, ids in named for one in ids})
            known = {one for one, row in zip(wanted, self.among(wanted), strict=True) if row is not None}
            yield from (item for item, ids in named if ids <= known)


def refuse(*_asked: object) -> NoReturn:
    """Refuse what only the queue's worker and the timers do.

    Raises:
        StorageError: always.
    """
    raise StorageError("this is done for the whole archive only")


class ScopedMemory(Memory):
    """The part of the process's memory that belongs to the callers of one scope."""

    def __init__(self, whole: Memory, scope: Scope) -> None:
        super().__init__()
        self.heavy = whole.heavy
        self._whole, self._scope = whole, scope

    def get(self, key: Hashable, now: datetime) -> Any | None:
        """Act as `Memory` does."""
        return self._whole.get((self._scope, key), now)

    def put(self, key: Hashable, value: Any, until: datetime) -> None:
        """Act as `Memory` does."""
        self._whole.put((self._scope, key), value, until)
