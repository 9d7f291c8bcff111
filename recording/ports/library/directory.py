"""What find asks: index rows by time, participant, number, call and tag."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from recording.domain.find.directory import IndexRow, Span
from recording.domain.find.index_keys import IndexKeys


@dataclass(frozen=True)
class DirectoryPage:
    """Some index rows in their order. `is_end` says that the span has no more; an empty page alone does not."""

    rows: tuple[IndexRow, ...] = ()
    is_end: bool = True


class Directory(Protocol):
    """What find asks. Every row is derived from the catalog and the archive. Every method raises StorageError."""

    def put(self, rows: Sequence[IndexRow]) -> None:
        """Write rows, whatever is there. Repeating is harmless; a failure may leave some written."""
        ...

    def remove(self, places: Sequence[str]) -> None:
        """Remove the rows at these places (`place_of`). Removing what is gone is success."""
        ...

    def read(self, span: Span, after: str = "", most: int = 1000) -> DirectoryPage:
        """Return the rows of a span whose row keys follow `after`, in the order of partition and row key.

        At most so many.
        """
        ...


class IndexKeySource(Protocol):
    """The store of the keys for the directory's hashes. Every method raises StorageError."""

    def keys(self) -> IndexKeys:
        """Return the keys in use, the one that writes first. Without one in the settings, one is made once and kept."""
        ...
