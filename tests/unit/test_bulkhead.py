"""Rows that cannot be read against storage that does not answer: only the second ends a loop."""

import pytest

from recording.errors import StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.ports.bulkhead import MOST_IN_A_ROW, Bulkhead


def _refuse(error: StorageError) -> None:
    raise error


@pytest.mark.parametrize("code", [Code.UNREADABLE_RECORD, Code.NEWER_RECORD])
def test_any_number_of_odd_rows_hides_no_other_item(code: Code) -> None:
    """After a rollback every row of the newer version is odd; the chunks behind them still have a deadline."""
    bulkhead, seen = Bulkhead(), []

    def work(item: int) -> None:
        if item < 5 * MOST_IN_A_ROW:
            _refuse(StorageError("odd", code=code))
        seen.append(item)

    bulkhead.each(range(5 * MOST_IN_A_ROW + 1), work, "open_chunks", str)
    assert seen == [5 * MOST_IN_A_ROW]
    assert bulkhead.attention["open_chunks"] == 5 * MOST_IN_A_ROW
    assert bulkhead.outage is None
    assert not bulkhead.is_blind


def test_storage_that_does_not_answer_ends_the_loop() -> None:
    """Each try costs its time-outs, and nothing would be seen."""
    bulkhead = Bulkhead()
    bulkhead.each(range(100), lambda _: _refuse(StorageBusyError("down")), "open_chunks", str)
    assert bulkhead.attention["open_chunks"] == MOST_IN_A_ROW
    assert isinstance(bulkhead.outage, StorageBusyError)
    assert bulkhead.is_blind
