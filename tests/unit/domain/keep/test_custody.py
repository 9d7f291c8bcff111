"""Custody: holds by case and the states of destruction, on one row."""

from datetime import UTC, datetime, timedelta

import pytest

from dev.in_memory.builders import document_id, record, task
from dev.in_memory.canaries import PARTICIPANT, PHONE
from recording.domain.keep.custody import (
    MOST_NAMED,
    Custody,
    CustodyState,
    Mark,
    checked_case,
    destroying,
    disposed,
    held,
    later_than,
    marked,
    released,
    unmarked,
)
from recording.domain.keep.holds import grace_ends
from recording.errors import RequestError
from recording.errors.codes import Code

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
FRESH = Custody(recording_id="r1")


def code_of(act: object) -> Code:
    assert callable(act)
    with pytest.raises(RequestError) as caught:
        act()
    return caught.value.code


def test_a_case_holds_once_and_any_number_of_cases_hold() -> None:
    """Repeating a request changes nothing; another case is another hold."""
    once = held(FRESH, "case-1", "lawsuit", "alice", NOW)
    assert held(once, "case-1", "again", "bob", LATER) == once
    both = held(once, "case-2", "audit", None, LATER)
    assert [hold.case for hold in both.active_holds] == ["case-1", "case-2"]


def test_a_released_case_stays_on_record_and_may_hold_again() -> None:
    """Who released it, when and why is evidence; the grace period counts from the last release."""
    row = released(held(FRESH, "case-1", "lawsuit", "alice", NOW), "case-1", "settled", "bob", LATER)
    assert (row.holds[0].released_by, row.holds[0].release_reason, row.active_holds) == ("bob", "settled", ())
    assert grace_ends(row.holds, timedelta(days=30)) == LATER + timedelta(days=30)
    again = held(row, "case-1", "appeal", "alice", LATER)
    assert len(again.holds) == 2
    assert grace_ends(again.holds, timedelta(days=30)) is None
    assert code_of(lambda: released(row, "case-1", "x", None, LATER)) is Code.HOLD_NOT_FOUND


def test_a_hold_takes_the_mark_away_and_comes_too_late_for_what_is_being_destroyed() -> None:
    """One row decides which came first."""
    due = marked(FRESH, Mark(at=NOW, why="rule"))
    assert held(due, "c", "r", None, NOW).state is CustodyState.KEPT
    begun = destroying(due, NOW)
    assert code_of(lambda: held(begun, "c", "r", None, NOW)) is Code.BEING_DESTROYED
    gone = disposed(begun, NOW, LATER, "certificate-1")
    assert code_of(lambda: held(gone, "c", "r", None, NOW)) is Code.RECORDING_DISPOSED
    assert (gone.gone_at, gone.certificates) == (LATER, ("certificate-1",))


@pytest.mark.parametrize("count", [0, 1, MOST_NAMED, MOST_NAMED + 1, 10_000])
def test_a_decision_knows_its_chunks_however_many_they_are(count: int) -> None:
    """One that it forgot would be spared as a later one; one that it took for its own would go without a decision."""
    chunks = [record(task=task(number, document_id(number))) for number in range(count + 3)]
    row = destroying(marked(FRESH, Mark(at=NOW, why="rule")), NOW, tuple(str(one.key) for one in chunks[:count]))
    assert later_than(row, chunks) == chunks[count:]
    assert (row.version > 2) == (count > MOST_NAMED)  # a worker of an older version must leave marks alone
    for ended in (unmarked(row), disposed(row, NOW, None, "c")):
        assert (ended.version, later_than(ended, chunks)) == (1, chunks)


def test_what_people_wrote_names_nobody() -> None:
    """Numbers in reasons are withheld, and of a disposed recording no such words are left."""
    row = held(FRESH, "case-1", f"complaint of {PHONE} and {PARTICIPANT}", "alice", NOW)
    assert PHONE not in row.model_dump_json()
    assert PARTICIPANT not in row.model_dump_json()
    row = released(row, "case-1", "Mr Smith agreed", "bob", NOW)
    assert "Smith" not in disposed(destroying(row, NOW), NOW, None, "c").model_dump_json()


@pytest.mark.parametrize("case", ["", " ", "a/b", "a\\b", "a#b", "a?b", "x" * 129, "a\nb", PHONE, PARTICIPANT])
def test_a_case_is_named_by_something_plain(case: str) -> None:
    """It stands in URLs and keys, and must not name a person there."""
    assert code_of(lambda: checked_case(case)) is Code.INVALID_CASE


def test_a_row_of_a_newer_version_keeps_its_fields() -> None:
    """Rolling upgrades: what this version does not know is written back."""
    row = Custody.model_validate_json('{"recording_id": "r1", "later": 1, "holds": []}')
    assert '"later":1' in held(row, "c", "r", None, NOW).model_dump_json()
