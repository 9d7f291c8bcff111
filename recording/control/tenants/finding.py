"""Directory and index keys within a scope: each tenant has its own rows, so no other row is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from recording.domain.find.directory import IndexRow, Span
from recording.domain.find.index_keys import IndexKey, IndexKeys
from recording.domain.incoming.tenants import Scope
from recording.ports import Directory, DirectoryPage, IndexKeySource


class ScopedDirectory:
    """The directory's rows about the recordings of some tenants."""

    def __init__(self, whole: Directory, keys: IndexKeySource, scope: Scope) -> None:
        self._whole, self._keys, self._scope = whole, keys, scope

    def put(self, rows: Sequence[IndexRow]) -> None:
        """Act as `Directory` does."""
        self._whole.put(rows)

    def remove(self, places: Sequence[str]) -> None:
        """Act as `Directory` does."""
        self._whole.remove(places)

    def read(self, span: Span, after: str = "", most: int = 1000) -> DirectoryPage:
        """Act as `Directory` does.

        Rows of several tenants are merged in the order of row keys, so rows beyond the end of one's page wait.
        """
        hashes = sorted({key.tenant(name) for key in self._keys.keys().keys for name in self._scope.tenants})
        pages = [self._whole.read(span.of_tenant(one), after, most) for one in hashes]
        if len(pages) == 1:
            return pages[0]
        ends = [page.rows[-1].row_key if page.rows else after for page in pages if not page.is_end]
        limit = min(ends, default="~~")
        rows = {row.row_key: row for page in pages for row in page.rows if row.row_key <= limit}
        ordered = [rows[at] for at in sorted(rows)]
        return DirectoryPage(tuple(ordered[:most]), is_end=not ends and len(ordered) <= most)


@dataclass(frozen=True, repr=False)
class _ScopedKey(IndexKey):
    """A key whose continuation tokens are valid in one scope only."""

    mark: str = ""

    def signature(self, content: bytes) -> bytes:
        """Act as `IndexKey` does."""
        return super().signature(self.mark.encode() + b"\0" + content)


class ScopedIndexKeys:
    """The keys, for callers of one scope."""

    def __init__(self, whole: IndexKeySource, scope: Scope) -> None:
        self._whole, self._scope = whole, scope

    def keys(self) -> IndexKeys:
        """Act as `IndexKeySource` does."""
        mark = self._scope.mark
        return IndexKeys(tuple(_ScopedKey(key.secret, mark) for key in self._whole.keys().keys))
