"""Silent timers: each one that is late needs attention, and so do differences from what was sealed."""

from datetime import UTC, datetime, timedelta

import pytest

from recording.domain.model import with_changes
from recording.domain.watched.attention import Attention
from recording.domain.watched.looks import (
    RECONCILE_LATE_AFTER,
    SCRUB_LATE_AFTER,
    SEAL_LATE_AFTER,
    ReconcileLook,
    ScrubLook,
    SealLook,
    late,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MOMENT = timedelta(seconds=1)


def kinds(
    reconciled: ReconcileLook | None = None, scrubbed: ScrubLook | None = None, compared: SealLook | None = None
) -> list[tuple[Attention, str, datetime]]:
    return [(item.kind, item.reason, item.at) for item in late(reconciled, scrubbed, compared, NOW)]


def test_a_timer_that_never_ran_owes_nothing_yet() -> None:
    """A new deployment is not an alarm."""
    assert kinds() == []


@pytest.mark.parametrize(("after", "count"), [(timedelta(), 0), (MOMENT, 1)])
def test_each_timer_is_late_only_after_its_time(after: timedelta, count: int) -> None:
    """The alerts look as far back; an earlier line on the page would contradict them."""
    assert len(kinds(ReconcileLook(at=NOW - RECONCILE_LATE_AFTER - after))) == count
    assert len(kinds(scrubbed=ScrubLook(at=NOW - SCRUB_LATE_AFTER - after))) == count
    compared = SealLook(at=NOW - SEAL_LATE_AFTER - after, began_at=NOW)
    assert [reason for _, reason, _ in kinds(compared=compared)] == ["seal_not_compared"] * count


def test_a_scrub_that_is_behind_needs_attention_although_it_ran() -> None:
    """It runs each night and does not get round: storage grew faster than its budget."""
    assert kinds(scrubbed=ScrubLook(at=NOW, behind=1)) == [(Attention.SCRUB_BEHIND, "scrub_behind", NOW)]


def test_differences_from_the_seal_come_before_a_late_comparison() -> None:
    """One line, and the graver one; since when is known from when the differences began."""
    since = NOW - timedelta(days=3)
    look = SealLook(at=NOW - SEAL_LATE_AFTER - MOMENT, began_at=NOW, found=("a",), before=("b",), since=since)
    assert kinds(compared=look) == [(Attention.SEAL_DIFFERS, "seal_differs", since)]
    assert look.differences == 2


def test_what_an_operator_has_explained_is_no_difference() -> None:
    """Otherwise the alarm never ends."""
    look = SealLook(at=NOW, began_at=NOW, found=("a",), before=("a", "b"), accepted=("a", "b", "c"))
    assert look.differences == 0
    assert kinds(compared=look) == []


@pytest.mark.parametrize("text", ["{}", "[]", "nothing", '{"at": "yesterday"}'])
def test_a_note_that_cannot_be_read_proves_no_run_and_is_named(text: str) -> None:
    """A timer that has stopped behind such a note would never be missed; the next run writes a new one."""
    assert ReconcileLook.read("") is None
    assert ScrubLook.read("") is None
    found = late(ReconcileLook.read(text), ScrubLook.read(text), SealLook.read(text), NOW)
    assert [item.kind for item in found] == [Attention.RECONCILE_LATE, Attention.SCRUB_BEHIND]


def test_a_note_of_a_newer_version_is_read() -> None:
    """Two versions run side by side during an update."""
    look = ScrubLook.read('{"at": "2026-11-23T09:00:00Z", "behind": 2, "somethingNew": {"a": 1}}')
    assert look is not None
    assert (look.at, look.behind) == (NOW, 2)


def test_what_a_newer_version_noted_about_the_comparison_stays() -> None:
    """A pass over the log takes days of an upgrade, and each version continues where the other stopped."""
    text = SealLook(at=NOW, began_at=NOW).model_dump_json()[:-1] + ', "later": {"kept": [1]}}'
    look = SealLook.read(text)
    assert look is not None
    assert SealLook.read(with_changes(look, {"number": 7}).model_dump_json()) == with_changes(look, {"number": 7})
    assert look.model_extra == {"later": {"kept": [1]}}
