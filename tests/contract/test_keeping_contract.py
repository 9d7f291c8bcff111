"""The port Keeping: the same promises from the fake and from the table."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dev.in_memory.fakes.keeping import FakeKeeping
from recording.adapters.table.keeping import TableKeeping
from recording.adapters.table.tables import put_row
from recording.domain.ids import name_of
from recording.domain.keep.custody import Custody, Mark, held, marked, released
from recording.domain.keep.erasure import Erasure, approved
from recording.domain.keep.holds import Hold
from recording.domain.keep.rules import RetentionRule, RuleAction, RuleSet
from recording.errors import ClaimLostError
from recording.ports import Unreadable
from recording.ports.library.keeping import Covered, Keeping
from recording.settings import Settings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG = "eyJ" + "Q" * 150  # as ACS's ids are: its name is a hash


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def keeping(request: pytest.FixtureRequest) -> Iterator[Keeping]:
    if request.param == "fake":
        yield FakeKeeping()
        return
    adapter = TableKeeping(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


def rows_in(keeping: Keeping, first: str = "", last: str = "~") -> list[str]:
    found = list(keeping.custodies(first, last))
    assert not any(isinstance(row, Unreadable) for row in found)
    return sorted(row.recording_id for row in found if isinstance(row, Custody))


def test_a_row_is_added_once_and_saved_under_its_etag(keeping: Keeping) -> None:
    """Of a hold and a destruction at one moment, the second one sees the first."""
    assert keeping.custody(LONG) is None
    assert rows_in(keeping) == []
    assert keeping.add_custody(held(Custody(recording_id=LONG), "case 1", "lawsuit", "alice", NOW))
    assert not keeping.add_custody(Custody(recording_id=LONG))
    first = keeping.custody(LONG)
    assert first is not None
    assert [hold.case for hold in first.active_holds] == ["case 1"]
    saved = keeping.save_custody(released(first, "case 1", "settled", "bob", NOW + timedelta(days=1)))
    assert keeping.custody(LONG) == saved
    with pytest.raises(ClaimLostError):
        keeping.save_custody(marked(first, Mark(at=NOW, why="stale")))
    with pytest.raises(ClaimLostError):
        keeping.save_custody(Custody(recording_id="never-added", etag=first.etag))
    assert keeping.save_custody(saved).etag != first.etag


def test_a_range_has_the_rows_between_its_ends(keeping: Keeping) -> None:
    """The daily walk reads the rows of a thousand recordings in one request."""
    ids = [f"recording-{number:02d}" for number in range(9)]
    for one in ids:
        keeping.add_custody(Custody(recording_id=one))
    keeping.add_rules(RuleSet(number=1))
    assert rows_in(keeping) == ids
    assert rows_in(keeping, name_of(ids[2]), name_of(ids[4])) == ids[2:5]


def test_active_holds_are_listed_by_case_in_pages(keeping: Keeping) -> None:
    """Once for each case; a released one is not listed, and pages add up to the whole."""
    for number in range(3):
        row = held(Custody(recording_id=f"r{number}"), "b case", "audit", None, NOW)
        keeping.add_custody(held(row, f"a-{number}", "lawsuit", None, NOW))
    first = keeping.custody("r0")
    assert first is not None
    keeping.save_custody(released(first, "b case", "over", None, NOW))
    whole = [row.recording_id for row in keeping.held().items if isinstance(row, Custody)]
    assert sorted(whole) == ["r0", "r1", "r1", "r2", "r2"]
    found, position = [], ""
    for _ in range(9):
        page = keeping.held(position, 2)
        found += [row.recording_id for row in page.items if isinstance(row, Custody)]
        if not (position := page.next):
            break
    assert found == whole


@pytest.mark.azurite
@pytest.mark.parametrize("odd", [{}, {"recordingId": 5}, {"recordingId": "r0"}, {"recordingId": "r0", "holdCase": 7}])
def test_a_row_of_the_list_of_holds_that_says_nothing_hides_no_hold(storage: Settings, odd: dict[str, object]) -> None:
    """Whoever asks what must not be destroyed needs all the others."""
    adapter = TableKeeping(storage)
    adapter.add_custody(held(Custody(recording_id="r0"), "case", "audit", None, NOW))
    put_row(adapter._table, {"PartitionKey": "!holds", "RowKey": "0", **odd})
    items = adapter.held().items
    assert [row.recording_id for row in items if isinstance(row, Custody)] == ["r0"]
    assert [row.where for row in items if isinstance(row, Unreadable)] == (
        [] if odd.get("recordingId") == "r0" else ["0"]
    )
    adapter.close()


def test_rules_are_only_added_and_the_newest_is_in_force(keeping: Keeping) -> None:
    """A decision of years ago can be explained by the rules of that day."""
    assert keeping.rules() == RuleSet()
    for number in (1, 2, 10):
        rule = RetentionRule(name=f"rule {number}", action=RuleAction.RETAIN, days=number)
        assert keeping.add_rules(RuleSet(number=number, at=NOW, by="alice", note="why", rules=(rule,)))
    assert not keeping.add_rules(RuleSet(number=10, at=NOW, by="bob"))
    assert (keeping.rules().number, keeping.rules().by) == (10, "alice")
    assert [rules.number for rules in history_of(keeping)] == [1, 2, 10]


def history_of(keeping: Keeping) -> list[RuleSet]:
    return [rules for rules in keeping.rules_history() if isinstance(rules, RuleSet)]


def test_the_words_of_rules_are_replaced_under_their_number_and_none_is_added(keeping: Keeping) -> None:
    """An erasure takes a person out of what was written; longer words of before leave nothing behind."""
    rule = RetentionRule(name="rule", action=RuleAction.RETAIN, days=1, note="n" * 200)
    for number in (1, 2):
        keeping.add_rules(RuleSet(number=number, at=NOW, by="alice", note="x" * 40_000, rules=(rule,)))
    fresh = RuleSet(number=1, at=NOW, by="erased-1", note="[erased]", rules=(rule,))
    for _ in range(2):
        keeping.reword_rules(fresh)
    keeping.reword_rules(RuleSet(number=3, at=NOW, by="alice"))
    assert [(rules.number, rules.by) for rules in history_of(keeping)] == [(1, "erased-1"), (2, "alice")]
    assert next(iter(keeping.rules_history())) == fresh


def test_a_large_row_comes_back_whole(keeping: Keeping) -> None:
    """Two hundred holds with long reasons do not fit into one property."""
    holds = tuple(Hold(case=f"case-{number}", reason="ü" * 200, since=NOW) for number in range(200))
    keeping.add_custody(Custody(recording_id="r1", holds=holds))
    found = keeping.custody("r1")
    assert found is not None
    assert found.holds == holds


def test_requests_for_erasure_are_saved_under_their_etag(keeping: Keeping) -> None:
    """Two who approve at one moment: one of them has done it."""
    made = Erasure(erasure_id="e1", reason="x", requested_by="alice", requested_at=NOW, recordings=("r" * 400,) * 500)
    assert keeping.erasure("e1") is None
    assert list(keeping.erasures()) == []
    assert keeping.add_erasure(made)
    assert not keeping.add_erasure(made)
    found = keeping.erasure("e1")
    assert found is not None
    assert found.recordings == made.recordings
    saved = keeping.save_erasure(approved(found, "bob", NOW, found.recordings))
    with pytest.raises(ClaimLostError):
        keeping.save_erasure(approved(found, "carol", NOW, ()))
    assert list(keeping.erasures()) == [saved]


def covers(*recordings: str, number: int = 1, is_approved: bool = True) -> Erasure:
    made = Erasure(
        erasure_id=f"e{number}", reason="x", requested_by="alice", requested_at=NOW, recordings=recordings, etag=None
    )
    return approved(made, "bob", NOW, recordings) if is_approved else made


def test_one_recording_is_asked_for_by_its_own_entries(keeping: Keeping) -> None:
    """An entry says nothing that the request's own row does not confirm; names that begin alike are others."""
    assert keeping.covering("r1") is None
    keeping.list_covered(covers("r1", "r1-2", LONG))
    keeping.list_covered(covers("r1", number=2, is_approved=False))
    keeping.list_covered(covers("r1", number=3))
    assert keeping.covering("r1") is None
    keeping.all_are_listed()
    keeping.add_erasure(covers("r1", "r1-2", LONG))
    keeping.add_erasure(covers("r1", number=2, is_approved=False))
    found = {one.erasure_id: one.is_in_force for one in keeping.covering("r1") or ()}
    assert found == {"e1": True, "e2": False, "e3": False}
    assert [one.erasure_id for one in keeping.covering("r1-2") or ()] == ["e1"]
    assert [one.erasure_id for one in keeping.covering(LONG) or ()] == ["e1"]
    assert keeping.covering("r") == keeping.covering("r2") == ()


def test_the_list_of_what_is_covered_comes_in_pages_and_loses_what_is_over(keeping: Keeping) -> None:
    """A thousand recordings of one request are a few calls; repeating changes nothing."""
    assert not keeping.covered().is_whole
    names = [f"r{number:03d}" for number in range(250)]
    for _ in range(2):
        keeping.list_covered(covers(*names))
    keeping.list_covered(covers("another", number=2))
    assert (len(keeping.covered().names), keeping.covered().is_whole) == (251, False)
    keeping.all_are_listed()
    assert keeping.covered(most=1).is_whole
    found, page = set[str](), keeping.covered(most=100)
    assert page.is_whole
    while True:
        found |= page.names
        if not page.next:
            break
        page = keeping.covered(page.next, 100)
    assert found == {name_of(one) for one in (*names, "another")}
    assert keeping.unlist_covered(lambda one: one == "e1") == 250
    assert keeping.covered() == Covered(frozenset({"another"}), "", True)
    assert list(keeping.custodies("", "~")) == []
    assert list(keeping.erasures()) == []
