"""Index marks: which index row of a chunk this process has written, so that the next save need not write it again."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from recording.adapters.table import rows
from recording.domain.state.chunk import ChunkRecord

MOST_MARKS = 1000  # the chunks in work at once are far fewer; a mark that is gone costs one more request


@dataclass(frozen=True)
class IndexMark:
    """An index row as it is in the table.

    Attributes:
        keys: where it is.
        etag: what it must still have to be removed.
    """

    keys: rows.Row
    etag: str


class IndexMarks:
    """The index rows behind the newest saves of this process; safe for threads.

    A mark belongs to one version of a chunk's row, by its ETag. While that version stands, the chunk is unfinished, and
    nothing removes the index row of an unfinished chunk; once it does not stand, a save under its ETag fails.
    """

    def __init__(self) -> None:
        self._marks: OrderedDict[tuple[str, str, str], IndexMark] = OrderedDict()
        self._lock = Lock()

    def keep(self, saved: ChunkRecord, mark: IndexMark) -> None:
        """Note the index row of a record that was just saved as unfinished."""
        with self._lock:
            self._marks[_version_of(saved)] = mark
            while len(self._marks) > MOST_MARKS:
                self._marks.popitem(last=False)

    def take(self, record: ChunkRecord) -> IndexMark | None:
        """Return the mark of the version that this record would replace, and forget it.

        None where this process has not written it, or where the record belongs at another place of the index by now.
        """
        with self._lock:
            mark = self._marks.pop(_version_of(record), None)
        return mark if mark is not None and mark.keys == rows.open_keys(record) else None


def _version_of(record: ChunkRecord) -> tuple[str, str, str]:
    keys = rows.chunk_keys(record.key)
    return str(keys["PartitionKey"]), str(keys["RowKey"]), record.etag or ""
