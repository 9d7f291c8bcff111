"""The one loop that changes a stored row: nothing another writer wrote meanwhile is lost, and it ends."""

from dataclasses import dataclass, replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.errors import ClaimLostError, StorageBusyError
from recording.ports.changing import TRIES, change_row


@dataclass(frozen=True)
class Row:
    """A number, and the ETag it was read with."""

    number: int
    etag: int | None = None


class Store:
    """One row; before each write so many rivals add a thousand to it."""

    def __init__(self, row: Row | None, rivals: int) -> None:
        self.row, self.rivals, self.writes = row, rivals, 0
        self._etags = count(1)

    def read(self) -> Row | None:
        return self.row

    def add(self, row: Row) -> bool:
        self._meet_rival()
        if self.row is not None:
            return False
        self._write(row)
        return True

    def save(self, row: Row) -> Row:
        self._meet_rival()
        if self.row is None or self.row.etag != row.etag:
            raise ClaimLostError("changed meanwhile")
        return self._write(row)

    def _meet_rival(self) -> None:
        if self.rivals:
            self.rivals -= 1
            self._write(Row((self.row.number if self.row else 0) + 1000))

    def _write(self, row: Row) -> Row:
        self.writes += 1
        self.row = replace(row, etag=next(self._etags))
        return self.row


def one_more(row: Row | None) -> Row:
    return replace(row, number=row.number + 1) if row else Row(1)


@given(rivals=st.integers(0, TRIES - 1), exists=st.booleans())
def test_what_rivals_wrote_is_kept_and_the_change_is_made_once(rivals: int, exists: bool) -> None:
    """A change decided on a row that is no longer stored would undo what the other writer did."""
    store = Store(Row(0, etag=0) if exists else None, rivals)
    saved = change_row(store.read, one_more, store.add, store.save)
    assert store.row is not None
    assert saved.number == store.row.number == rivals * 1000 + 1
    assert store.writes == rivals + 1


def test_a_row_that_keeps_changing_ends_the_loop() -> None:
    """The caller's message comes back later; a worker that never returns helps nobody."""
    store = Store(None, rivals=1000)
    with pytest.raises(StorageBusyError):
        change_row(store.read, one_more, store.add, store.save)
    assert store.rivals == 1000 - TRIES


@pytest.mark.parametrize("row", [None, Row(7, etag=0)])
def test_what_is_to_stay_is_not_written(row: Row | None) -> None:
    """Each write makes other writers begin again."""
    store = Store(row, rivals=0)
    assert change_row(store.read, lambda known: known, store.add, store.save) is row
    assert change_row(store.read, lambda _: None, store.add, store.save) is row
    assert store.writes == 0
