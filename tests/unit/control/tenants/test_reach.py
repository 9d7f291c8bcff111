"""Reach: the recordings within a scope, one by one and in batches; everything else does not exist."""

from datetime import timedelta

import pytest

from dev.in_memory.world import World, world
from recording.control.tenants.reach import AT_ONCE, Reach, ScopedMemory, refuse
from recording.domain.incoming.tenants import Scope
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.ports import Memory

ALPHA, BETA = Scope(frozenset({"alpha"})), Scope(frozenset({"beta"}))


@pytest.fixture
def here() -> World:
    """A catalog with recordings of two tenants, and one that belongs to none."""
    made = world()
    for name, tenant in (("a", "alpha"), ("b", "beta"), ("n", None)):
        made.fakes.catalog.add_recording(RecordingRecord(recording_id=name, tenant=tenant))
    return made


def test_only_own_recordings_exist(here: World) -> None:
    """A recording of nobody belongs to no tenant either."""
    reach = Reach(here.fakes.catalog, ALPHA)
    assert [reach.has(name) for name in ("a", "b", "n", "never heard of", None)] == [True, False, False, False, False]
    assert [row.recording_id if row else None for row in reach.among(["b", "a", "n"])] == [None, "a", None]


def test_an_item_about_several_recordings_must_be_about_own_ones_only(here: World) -> None:
    """A message that also names another tenant's recording shows that this exists."""
    items = {"own": {"a"}, "mixed": {"a", "b"}, "other": {"b"}, "about none": set(), "unknown": None}
    named = {item: None if ids is None else frozenset(ids) for item, ids in items.items()}
    assert list(Reach(here.fakes.catalog, ALPHA).only(named, named.__getitem__)) == ["own"]


def test_a_long_listing_keeps_its_order(here: World) -> None:
    """Recordings are looked up in batches; a page must not depend on where one ends."""
    items = [(number, "a" if number % 3 else "b") for number in range(2 * AT_ONCE + 1)]
    kept = list(Reach(here.fakes.catalog, ALPHA).only(items, lambda item: frozenset({item[1]})))
    assert kept == [item for item in items if item[1] == "a"]


class OddCatalog:
    """A catalog whose rows cannot be read, or that does not answer."""

    def __init__(self, error: StorageError) -> None:
        self.error = error

    def get_recording(self, _recording_id: str) -> RecordingRecord | None:
        """Fail."""
        raise self.error


def test_an_unreadable_row_is_of_no_tenant_and_an_outage_is_an_outage() -> None:
    """Whose it is cannot be known; but "not found" is no answer while storage is down."""
    unreadable = OddCatalog(StorageError("odd", code=Code.UNREADABLE_RECORD))
    assert not Reach(unreadable, ALPHA).has("a")  # type: ignore[arg-type]  # of a catalog only this is asked
    with pytest.raises(StorageBusyError):
        Reach(OddCatalog(StorageBusyError("down")), ALPHA).has("a")  # type: ignore[arg-type]


def test_scopes_share_no_memory(here: World) -> None:
    """What one tenant's answer was made of must not be another's answer."""
    whole, until = Memory(), here.now + timedelta(minutes=1)
    ScopedMemory(whole, ALPHA).put("key", "alpha's", until)
    assert ScopedMemory(whole, ALPHA).get("key", here.now) == "alpha's"
    assert ScopedMemory(whole, BETA).get("key", here.now) is None
    assert whole.get("key", here.now) is None


def test_what_concerns_the_whole_archive_is_refused() -> None:
    """Ports of a scope never pass such a call on."""
    with pytest.raises(StorageError, match="whole archive"):
        refuse("anything")
