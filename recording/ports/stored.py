"""Pages of stored things, and the rows among them that cannot be read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from recording.domain.archived.receipt import UnreadRow
from recording.domain.state.chunk import ChunkRecord
from recording.errors import StorageError
from recording.errors.codes import Code

T = TypeVar("T")


@dataclass(frozen=True)
class Unreadable:
    """A stored thing that this version cannot read; it stands in a listing so that it hides no other.

    Attributes:
        where: its keys or its name; never its content.
        code: why, stable.
    """

    where: str
    code: Code = Code.UNREADABLE_RECORD


class _Chunks(Protocol):
    """The part of the catalog that has a recording's chunks."""

    def chunk_rows_of(self, recording_id: str) -> list[ChunkRecord | Unreadable]:
        """Return all rows of its chunks."""
        ...


def all_chunks_of(recording_id: str, catalog: _Chunks) -> tuple[list[ChunkRecord], list[UnreadRow]]:
    """Return the chunks of a recording by index, and the rows of others that cannot be read.

    Raises:
        StorageError: the catalog does not answer.
    """
    chunks, unread = divide_rows(catalog.chunk_rows_of(recording_id))
    return sorted(chunks, key=lambda chunk: (chunk.task.index, chunk.task.document_id)), unread


def divide_rows(rows: Sequence[T | Unreadable]) -> tuple[list[T], list[UnreadRow]]:
    """Return the chunks of a recording that can be read, and the rows that cannot."""
    unread = [UnreadRow(row.where.rpartition("/")[2], row.code) for row in rows if isinstance(row, Unreadable)]
    return [row for row in rows if not isinstance(row, Unreadable)], unread


def refuse_unread(unread: Sequence[UnreadRow]) -> None:
    """Refuse to call something unknown that may be in a row which cannot be read.

    Raises:
        StorageError: there is such a row; with its code.
    """
    if unread:
        message = f"the row of a chunk in the catalog cannot be read: {unread[0].key}"
        raise StorageError(message, code=Code.of(unread[0].code) or Code.UNREADABLE_RECORD)


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a listing.

    Attributes:
        items: what was found.
        next: where the following page begins; "" at the end of the listing. Positions sort as items do.
        error: what ended the page before its time; what was found until then is there.
        counts: index rows of the page, by the alarm of their recording.
    """

    items: tuple[T | Unreadable, ...] = ()
    next: str = ""
    error: StorageError | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


def page_in_order(items: Iterable[T], place: Callable[[T], str], after: str, most: int) -> Page[T]:
    """Return a page of a list that is read whole: up to `most` items after a position.

    Args:
        items: all of them.
        place: the text by which they are sorted, one of its own for each.
        after: `next` of the page before; "" at the beginning. What it was the place of need not be there any more.
        most: of one page.
    """
    placed = {at: one for one in items if (at := place(one)) > after}
    taken = sorted(placed)[:most]
    return Page(tuple(placed[at] for at in taken), taken[-1] if len(placed) > len(taken) else "")
