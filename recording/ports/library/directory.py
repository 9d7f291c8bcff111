"""The directory that find queries: index rows by time, participant, number, call and tag."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from recording.domain.find.directory import IndexRow, Span
from recording.domain.find.index_keys import IndexKeys


@dataclass(frozen=True)
class DirectoryPage:
    """A page of index rows in order. Only `is_end` says that the span has no more; an empty page does not."""

    rows: tuple[IndexRow, ...] = ()
    is_end: bool = True


class Directory(Protocol):
    """The index for find; every row is derived from catalog and archive. Every method raises StorageError."""

    def put(self, rows: Sequence[IndexRow]) -> None:
        """Write rows, replacing existing ones. Repeating is harmless; a failure may leave some written."""
        ...

    def remove(self, places: Sequence[str]) -> None:
        """Remove the rows at these places (`place_of`). Removing what is gone is success."""
        ...

    def read(self, span: Span, after: str = "", most: int = 1000) -> DirectoryPage:
        """Return a page of a span's rows whose keys follow `after`, in the order of partition and row key."""
        ...


class IndexKeySource(Protocol):
    """The store of the keys for the directory's hashes. Every method raises StorageError."""

    def keys(self) -> IndexKeys:
        """Return the keys in use, the writing one first. Without one in the settings, one is generated and stored."""
        ...
