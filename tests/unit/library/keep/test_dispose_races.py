"""Dispose against everything that can happen in between, at every port call.

Holds, rules, late chunks and a second worker; and a death of the worker before and after each call.
"""

from collections.abc import Callable
from contextlib import suppress

import pytest

from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.keep_world import RECORDING_ID, archived, blobs_of_recording, days_pass, late_chunk, put_rule
from dev.in_memory.world import WorkerDiedError, World, intercept, interrupted, leave_alone
from recording.domain.keep import custody as rules_of
from recording.domain.keep.custody import MOST_NAMED, CustodyState
from recording.errors import ClaimLostError, RequestError
from recording.library.keep import destroy as destroying
from recording.library.keep.dispose import dispose
from recording.library.keep.holds import place_hold, release_hold

pytestmark = pytest.mark.slow

Intruder = Callable[[World], None]
FILES = 4


def on_the_eve() -> tuple[World, FakeCustodian]:
    """A marked recording, one run before its destruction; a witness looks at each version that goes.

    The blobs have no holds of their own: the row alone must close every gap.
    """
    here, custodian = archived(has_holds=False)
    put_rule(here, "delete", 1)
    days_pass(here, 14)
    here.fakes.clock.advance(days=2)

    def witness(_version: object) -> None:
        (row,) = here.fakes.keeping.rows.values()
        assert not row.active_holds, "I11: destroyed while a case holds it"
        assert row.state is CustodyState.DESTROYING, "I11: destroyed without a decision"

    custodian.on_destroy = witness
    return here, custodian


def run_with(here: World, *acts: tuple[int, Intruder]) -> int:
    """One run, with each act before the call of its number; returns how many calls the run had."""

    def run() -> None:
        with suppress(WorkerDiedError):
            dispose(here.ports, here.settings)

    return interrupted(here, run, *acts)


CALLS = run_with(on_the_eve()[0])


def holds(here: World) -> None:
    with suppress(RequestError):
        place_hold(RECORDING_ID, "L-17", "lawsuit", None, here.ports)


def retains(here: World) -> None:
    put_rule(here, "retain", 3650, "tax")


@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_a_hold_at_any_moment_keeps_everything_or_is_refused(at: int) -> None:
    """Nothing in between: who was told "held" finds the recording whole, for as long as it is held."""
    here, _ = on_the_eve()
    answers: list[str] = []

    def place(inside: World) -> None:
        try:
            place_hold(RECORDING_ID, "L-17", "lawsuit", None, inside.ports)
            answers.append("held")
        except RequestError as error:
            answers.append(error.code)

    run_with(here, (at, place))
    days_pass(here, 3)
    assert answers in (["held"], ["being_destroyed"], ["recording_disposed"])
    assert len(blobs_of_recording(here)) == (FILES if answers == ["held"] else 0)


@pytest.mark.parametrize("read_at", range(1, CALLS + 1))
def test_a_hold_that_read_its_row_long_before_writes_nothing_stale(read_at: int) -> None:
    """Its read at one moment and its write at every later one: the write fails under its ETag, and is done anew."""
    for write_at in range(read_at, CALLS + 1):
        here, _ = on_the_eve()
        seen: list[rules_of.Custody] = []

        def read(inside: World, seen: list[rules_of.Custody] = seen) -> None:
            seen.append(inside.fakes.keeping.rows[next(iter(inside.fakes.keeping.rows))])

        def write(inside: World, seen: list[rules_of.Custody] = seen) -> None:
            with suppress(RequestError, ClaimLostError):
                wanted = rules_of.held(seen[0], "L-17", "lawsuit", None, inside.now)
                inside.fakes.keeping.save_custody(wanted)

        run_with(here, (read_at, read), (write_at, write))
        row = here.fakes.keeping.custody(RECORDING_ID)
        assert row is not None
        days_pass(here, 2)
        assert len(blobs_of_recording(here)) == (FILES if row.active_holds else 0)


@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_a_rule_at_any_moment_keeps_everything_or_comes_too_late(at: int) -> None:
    """A retention in force before the second question keeps it whole; after it everything goes, never a part."""
    here, _ = on_the_eve()
    run_with(here, (at, retains))
    assert len(blobs_of_recording(here)) in (0, FILES)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert (row.state is CustodyState.DISPOSED) == (not blobs_of_recording(here))
    days_pass(here, 3)
    assert len(blobs_of_recording(here)) in (0, FILES)


@pytest.mark.parametrize("named", [MOST_NAMED, 0], ids=["names", "marks"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_a_late_chunk_at_any_moment_is_archived_whole_and_goes_in_its_turn(
    at: int, named: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is neither half destroyed by a decision that did not know it, nor forgotten."""
    monkeypatch.setattr(rules_of, "MOST_NAMED", named)
    here, _ = on_the_eve()
    run_with(here, (at, late_chunk))
    late = [record for record in here.fakes.catalog.chunks.values() if record.task.index == 1]
    (record,) = late
    if record.disposed_at is None:
        assert record.blob_name in here.fakes.archive.blobs
    here.follows_up()
    days_pass(here, 20)
    assert blobs_of_recording(here) == []
    assert all(record.disposed_at is not None for record in here.fakes.catalog.chunks.values())


@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_a_second_worker_at_any_moment_changes_nothing(at: int) -> None:
    """Two instances run the timer: the end is the same, with one certificate."""
    here, custodian = on_the_eve()

    def rival(inside: World) -> None:
        dispose(inside.ports, inside.settings)

    run_with(here, (at, rival))
    days_pass(here, 2)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert [one.facts.name for one in custodian.remaining()] == [row.certificate]


@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after it"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_a_death_at_any_moment_is_followed_by_the_next_run(at: int, after: bool) -> None:
    """The end is that of a calm run, whatever the worker had done until then."""
    here, custodian = on_the_eve()
    calls = 0

    def decide(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal calls
        calls += 1
        return (WorkerDiedError("gone"), after) if calls == at else (None, False)

    intercept(here, decide)
    with suppress(WorkerDiedError):
        dispose(here.ports, here.settings)
    leave_alone(here)
    days_pass(here, 20)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert [one.facts.name for one in custodian.remaining()] == [row.certificate]
    assert here.fakes.directory.rows == {}
    assert here.fakes.catalog.recordings[RECORDING_ID].disposed_at is not None


@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_a_release_and_a_new_hold_at_any_moment_start_anew(at: int) -> None:
    """Placed and released in one moment: the grace period counts from the release."""
    here, _ = on_the_eve()

    def both(inside: World) -> None:
        with suppress(RequestError):
            place_hold(RECORDING_ID, "L-17", "lawsuit", None, inside.ports)
            release_hold(RECORDING_ID, "L-17", "over", None, inside.ports)

    run_with(here, (at, both))
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    days_pass(here, 29)
    assert len(blobs_of_recording(here)) == (
        FILES if any(hold.case for hold in row.holds) and row.certificate is None else 0
    )


def test_without_the_etag_a_hold_is_run_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong variant: the interleavings must be able to find what they are there for."""
    monkeypatch.setattr(destroying, "may_destroy", lambda *_: True)
    caught = 0
    for at in range(1, CALLS + 1):
        here, _ = on_the_eve()
        monkeypatch.setattr(here.fakes.keeping, "save_custody", here.fakes.keeping._keep)
        told: list[str] = []

        def place(inside: World, told: list[str] = told) -> None:
            with suppress(RequestError):
                place_hold(RECORDING_ID, "L-17", "lawsuit", None, inside.ports)
                told.append("held")

        with suppress(AssertionError):
            run_with(here, (at, place))
        caught += bool(told) and len(blobs_of_recording(here)) < FILES
    assert caught


def test_without_the_second_question_a_rule_is_run_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other wrong variant: a retention that is in force before the decision, and does not count."""

    def ran_over() -> int:
        found = 0
        for at in range(1, CALLS + 1):
            here, _ = on_the_eve()
            decided: list[bool] = []

            def retain(inside: World, decided: list[bool] = decided) -> None:
                row = inside.fakes.keeping.custody(RECORDING_ID)
                decided.append(row is not None and row.state is CustodyState.MARKED)
                retains(inside)

            run_with(here, (at, retain))
            found += decided == [True] and not blobs_of_recording(here)
        return found

    assert ran_over() == 0
    monkeypatch.setattr(destroying, "may_destroy", lambda *_: True)
    assert ran_over() > 0
