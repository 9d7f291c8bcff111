"""Reach: which recordings are within a scope; one outside of it looks like one that does not exist."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from recording.domain.ids import canonical_id
from recording.domain.incoming.tenants import Scope
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageError
from recording.errors.codes import OF_ONE_ROW
from recording.ports import Catalog, Memory

T = TypeVar("T")
AT_ONCE = 200  # recordings that are looked up together


class Reach:
    """The recordings of some tenants, by their rows in the catalog."""

    def __init__(self, catalog: Catalog, scope: Scope) -> None:
        self._catalog = catalog
        self.scope = scope

    def get(self, recording_id: str) -> RecordingRecord | None:
        """Return a recording's row; None also for one that cannot be read, for its tenant is not known.

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
        """Return the rows of several recordings in their order; None for what is not within the scope."""
        found = self._catalog.get_recordings(list(recording_ids))
        return [one if isinstance(one, RecordingRecord) and self.scope.covers(one.tenant) else None for one in found]

    def only(self, items: Iterable[T], ids_of: Callable[[T], frozenset[str] | None]) -> Iterator[T]:
        """Yield the items that name at least one recording, and none beyond the scope; looked up many at once."""
        listing = iter(items)
        while batch := list(islice(listing, AT_ONCE)):
            named = [(item, ids) for item in batch if (ids := ids_of(item))]
            wanted = sorted({one for _, ids in named for one in ids})
            known = {one for one, row in zip(wanted, self.among(wanted), strict=True) if row is not None}
            yield from (item for item, ids in named if ids <= known)


class ScopedMemory(Memory):
    """What is remembered for the callers of one scope, in the process's one memory."""

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
