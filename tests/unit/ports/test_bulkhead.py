"""Rows that cannot be read against storage that does not answer: only the second ends a loop."""

import itertools

import pytest

from recording.errors import StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.ports.bulkhead import MOST_ASKED, MOST_IN_A_ROW, Bulkhead


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


@pytest.mark.parametrize("failing", [MOST_IN_A_ROW, 3 * MOST_IN_A_ROW, MOST_ASKED * MOST_IN_A_ROW])
def test_many_items_that_fail_hide_no_other_while_storage_answers(failing: int) -> None:
    """Rows that grew too large, or a partition that is locked: the chunks behind them have a deadline."""
    bulkhead, seen = Bulkhead({"open_chunks": lambda: "here I am"}), []

    def work(item: int) -> None:
        if item < failing:
            _refuse(StorageBusyError("this one never"))
        seen.append(item)

    bulkhead.each(range(failing + 1), work, "open_chunks", str)
    assert seen == [failing]
    assert bulkhead.attention["open_chunks"] == failing
    assert isinstance(bulkhead.outage, StorageBusyError)
    assert not bulkhead.is_blind


def test_many_at_once_that_fail_hide_no_other_either() -> None:
    """The loops over many items work on several at the same time."""
    bulkhead, seen = Bulkhead({"open_recordings": lambda: None}), []

    def work(item: int) -> None:
        if item < 100:
            _refuse(StorageBusyError("this one never"))
        seen.append(item)

    bulkhead.each_at_once(range(140), work, "open_recordings", str)
    assert sorted(seen) == list(range(100, 140))


def test_storage_that_does_not_answer_the_other_question_ends_the_loop() -> None:
    """As before: each try costs its time-outs."""
    bulkhead = Bulkhead({"open_chunks": lambda: _refuse(StorageBusyError("down"))})
    bulkhead.each(range(100), lambda _: _refuse(StorageBusyError("down")), "open_chunks", str)
    assert bulkhead.attention["open_chunks"] == MOST_IN_A_ROW
    assert bulkhead.is_blind


def test_a_loop_of_nothing_but_failures_ends() -> None:
    """A run stays below the host's time limit, whatever storage says of itself."""
    bulkhead = Bulkhead({"open_chunks": lambda: None})
    bulkhead.each(itertools.count(), lambda _: _refuse(StorageBusyError("never")), "open_chunks", str)
    assert bulkhead.attention["open_chunks"] == (MOST_ASKED + 1) * MOST_IN_A_ROW
    assert bulkhead.is_blind
