"""The audit trail as it is now against its sealed rows: what was changed, removed or added later is named."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.world import World
from recording.library.seal.compare_audit import Compared, compare_audit
from recording.ports import AuditEntry
from tests.unit.library.seal.seal_world import acts, archives, seal_of, sealed_world, seals

OPERATIONS = ("start_recording", "chunk_media", "hold_recording", "export", "approve_erasure", "disposed")


def trail() -> World:
    """A row of each kind of act, sealed an hour ago; and one that is not sealed yet."""
    here = sealed_world()
    archives(here)
    for operation in OPERATIONS:
        acts(here, operation, part="chunk 0, 60-120 s", note="case 17")
    acts(here, "set_retention_rules", recording_id=None)
    here.fakes.clock.advance(minutes=1)
    seals(here)
    here.fakes.clock.advance(hours=1)
    return here


def compared(here: World, days: int = 30) -> Compared:
    return compare_audit(here.now - timedelta(days=days), here.ports, seal_of(here).ports)


def problems(here: World) -> list[tuple[str, str]]:
    return [(one.problem.value, one.detail) for one in compared(here).differences]


def change(here: World, operation: str, **changes: object) -> None:
    rows = here.fakes.audit.written
    rows[:] = [replace(row, **changes) if row.operation == operation else row for row in rows]  # type: ignore[arg-type]


def test_a_trail_that_nobody_touched_is_as_it_was_sealed() -> None:
    here = trail()
    acts(here)
    found = compared(here)
    assert (found.differences, found.rows, found.newer) == ([], len(OPERATIONS) + 1, 1)


CHANGES: dict[str, Callable[[World, str], None]] = {
    "caller": lambda here, operation: change(here, operation, caller="99999999-2222-3333-4444-555555555555"),
    "outcome": lambda here, operation: change(here, operation, outcome="role_missing"),
    "note": lambda here, operation: change(here, operation, note="case 18"),
    "part": lambda here, operation: change(here, operation, part="chunk 0, 0-1 s"),
    "recordingId": lambda here, operation: change(here, operation, recording_id="another"),
}


@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_row_of_any_kind_that_is_changed_in_any_field_is_named(operation: str, field: str) -> None:
    """Who, what came of it, why, which minutes, of which recording; the values stay out of what is printed."""
    here = trail()
    CHANGES[field](here, operation)
    found = problems(here)
    assert ("row_changed", field) in found
    assert all("case" not in detail and "99999999" not in detail for _, detail in found)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_row_of_any_kind_that_is_removed_is_named(operation: str) -> None:
    here = trail()
    here.fakes.audit.written = [row for row in here.fakes.audit.written if row.operation != operation]
    assert ("row_removed", operation) in problems(here)


def test_a_row_that_is_put_there_with_an_earlier_time_is_named() -> None:
    """An alibi: the checkpoint of that time has no such row."""
    here = trail()
    acts(here, "release_recording", at=here.now - timedelta(hours=2))
    assert problems(here) == [("row_not_sealed", "release_recording")]


def test_the_copy_that_a_timeline_reads_is_compared_as_well() -> None:
    """A row is stored twice, by day and by recording, and a forger needs only the one that is looked at."""
    here = trail()
    plain = here.fakes.audit.entries_about

    def forged(recording_id: str) -> list[AuditEntry]:
        rows = list(plain(recording_id))
        return [replace(row, caller="somebody else") if row.operation == "chunk_media" else row for row in rows[:-1]]

    here.fakes.audit.entries_about = forged  # type: ignore[method-assign, assignment]
    assert set(problems(here)) == {
        ("row_changed", "under its recording: caller"),
        ("row_removed", "under its recording"),
    }
    assert RECORDING_ID


def test_only_the_days_that_are_asked_for_are_compared() -> None:
    here = trail()
    here.fakes.audit.written = [row for row in here.fakes.audit.written if row.operation != "export"]
    here.fakes.clock.advance(days=3)
    assert compared(here, days=2).differences == []
    assert [one.detail for one in compared(here, days=4).differences if "recording" not in one.detail] == ["export"]


def test_a_journal_that_cannot_be_read_is_named() -> None:
    here = trail()
    store = seal_of(here).store
    name = next(name for name in store.blobs if name.startswith("journal/"))
    store.blobs[name] = b"nothing\n"
    assert ("journal_unreadable", "") in problems(here)
