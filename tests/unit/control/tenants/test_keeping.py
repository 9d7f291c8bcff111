"""Holds within a scope: pages of the own ones add up to the whole, and say nothing about those of others."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.fakes.keeping import FakeKeeping
from dev.in_memory.world import World, world
from recording.control.tenants import keeping as scoped_keeping
from recording.control.tenants.keeping import ScopedKeeping
from recording.control.tenants.reach import Reach
from recording.domain.incoming.tenants import Scope
from recording.domain.keep.custody import Custody, held
from recording.domain.keep.rules import RuleSet
from recording.domain.state.recording import RecordingRecord
from recording.errors import ClaimLostError, StorageError
from recording.ports import Keeping

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OWNERS = ("alpha", "beta", None)


def holding(owners: list[str | None]) -> tuple[World, Keeping]:
    """A world in which recordings of these owners are held for one case each, and what alpha sees of it."""
    here, whole = world(), FakeKeeping()
    for number, owner in enumerate(owners):
        name = f"recording-{number:03d}"
        here.fakes.catalog.add_recording(RecordingRecord(recording_id=name, tenant=owner))
        whole.add_custody(held(Custody(recording_id=name), f"case-{number:03d}", "audit", None, NOW))
    return here, ScopedKeeping(whole, Reach(here.fakes.catalog, Scope(frozenset({"alpha"}))))


def pages(keeping: Keeping, most: int) -> list[list[str]]:
    """All pages of the list, by recording."""
    found, position = list[list[str]](), ""
    while True:
        page = keeping.held(position, most)
        found.append([row.recording_id for row in page.items if isinstance(row, Custody)])
        if not (position := page.next):
            return found


@pytest.mark.parametrize("read_at_once", [2, 3, 1000])
@given(owners=st.lists(st.sampled_from(OWNERS), max_size=12), most=st.integers(1, 4))
def test_pages_are_full_until_the_last_and_add_up(read_at_once: int, owners: list[str | None], most: int) -> None:
    """A short page, or a next one that is empty, would show that others hold something there."""
    patch = pytest.MonkeyPatch()
    patch.setattr(scoped_keeping, "LARGEST_READ", read_at_once)
    try:
        _, keeping = holding(owners)
        own = [f"recording-{number:03d}" for number, owner in enumerate(owners) if owner == "alpha"]
        assert pages(keeping, most) == [own[at : at + most] for at in range(0, max(len(own), 1), most)]
    finally:
        patch.undo()


def test_what_is_written_about_anothers_recording_is_lost() -> None:
    """Adding fails as if the row existed, saving as if another worker had changed it: neither says whose it is."""
    _, keeping = holding(["beta"])
    row = Custody(recording_id="recording-000")
    assert not keeping.add_custody(row)
    with pytest.raises(ClaimLostError):
        keeping.save_custody(row)
    assert keeping.custody("recording-000") is None
    assert keeping.covering("recording-000") == ()


def test_rules_are_read_and_never_written() -> None:
    """They decide about the recordings of all."""
    _, keeping = holding([])
    assert keeping.rules() == RuleSet()
    for write in (keeping.add_rules, keeping.reword_rules):
        with pytest.raises(StorageError, match="whole archive"):
            write(RuleSet())
