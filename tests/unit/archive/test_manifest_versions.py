"""A manifest that cannot be read or written again gains a version for each change, and none for each attempt."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, event, task
from dev.in_memory.keep_world import attached
from dev.in_memory.world import World, world
from recording.archive.manifest import rewrite_manifest
from recording.domain.archived.layout import manifest_version
from recording.domain.calls.consent import ConsentEntry, ConsentStep
from recording.domain.calls.pauses import CommandedPause
from recording.domain.state.records import changed
from recording.errors import BlobLockedError
from recording.library.follow_up import follow_up
from recording.library.keep.holds import place_hold, release_hold


def archives(here: World) -> None:
    """A rule of the account moves whatever is written to the archive tier."""
    here.fakes.archive.archives_at_once = True
    here.fakes.archive.tiers |= dict.fromkeys(here.fakes.archive.blobs, "Archive")


def locks(here: World) -> None:
    """A retention policy, a legal hold or a lease: what is there stays as it is."""
    here.fakes.archive.locks_at_once = True


def both(here: World) -> None:
    archives(here)
    locks(here)


def in_turn(here: World) -> None:
    """The first one is rehydrated, the newer ones are not."""
    both(here)
    tag(here, "before")
    rewrite_manifest(here.record(task(0)).task, here.ports)
    here.fakes.archive.tiers = dict.fromkeys(manifests(here)[1:], "Archive")


def manifests(here: World) -> list[str]:
    names = [name for name in here.fakes.archive.blobs if manifest_version(name.rpartition("/")[2])]
    return sorted(names, key=lambda name: (manifest_version(name) or 1, name))


def tag(here: World, value: str) -> None:
    record = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.save_recording(changed(record, tags={"case": value}))


@pytest.mark.parametrize("how", [archives, locks, both, in_turn])
@pytest.mark.parametrize("changes", [0, 1, 3])
def test_attempts_add_no_version_and_each_change_adds_one(how: Callable[[World], None], changes: int) -> None:
    """Reconcile, follow-ups and the nightly runs try for years; a folder of a million manifests is no archive."""
    here = world()
    for number in (0, 1):
        here.holds(task(number))
    here.announces(event(chunk(0), chunk(1)))
    here.runs(hours=1)
    how(here)
    before = len(manifests(here))
    for number in range(changes):
        tag(here, f"C-{number}")
        for _ in range(5):
            rewrite_manifest(here.record(task(0)).task, here.ports)
    for _ in range(20):
        rewrite_manifest(here.record(task(0)).task, here.ports)
    found = manifests(here)
    assert len(found) <= before + changes + (how is in_turn)
    newest = here.fakes.archive.blobs[found[-1]].data.decode()
    assert changes == 0 or f"C-{changes - 1}" in newest


def test_a_container_that_takes_no_manifest_is_not_asked_twenty_times() -> None:
    """It is refused for good, and the event says so."""
    here = world()
    here.holds(task(0))
    here.announces()
    here.runs(hours=1)
    tag(here, "C-1")
    refused = BlobLockedError("the container is immutable")
    here.fakes.archive.fail_next("put_if_unchanged", refused, times=100)
    here.fakes.archive.fail_next("put_once", refused, times=100)
    before = len(here.fakes.archive.calls)
    with pytest.raises(BlobLockedError):
        rewrite_manifest(here.record(task(0)).task, here.ports)
    writes = [call for call in here.fakes.archive.calls[before:] if call.startswith("put")]
    assert len(writes) <= 3


def test_what_is_no_change_of_the_recording_adds_no_version() -> None:
    """Redelivered events, follow-ups and holds are daily bread; each version stays for the whole term of the policy."""
    here = world()
    attached(here.fakes)
    for number in (0, 1):
        here.holds(task(number))
    locks(here)
    for _ in range(5):
        here.announces(event(chunk(0), chunk(1)))
        here.runs(hours=1)
        here.follows_up()
    assert len(manifests(here)) <= len(here.fakes.catalog.chunks) + 1  # each chunk that is settled is a change
    before = len(manifests(here))
    for number in range(5):
        place_hold(RECORDING_ID, f"L-{number}", "lawsuit", "alice", here.ports)
        release_hold(RECORDING_ID, f"L-{number}", "settled", "alice", here.ports)
        here.announces(event(chunk(0), chunk(1), id=f"again-{number}"))
        here.runs(hours=1)
        follow_up(RECORDING_ID, here.ports, again=True)
        here.reconciles()
    assert len(manifests(here)) == before


@pytest.mark.parametrize("index", [0, 1])
def test_a_step_of_consent_or_a_pause_adds_one_version_however_often_it_is_followed(index: int) -> None:
    """A row that cannot be read for an hour adds one for each change as well, and none for each look."""
    here = world()
    for number in (0, 1):
        here.holds(task(number))
    here.announces(event(chunk(0), chunk(1)))
    here.runs(hours=1)
    here.follows_up()
    locks(here)
    before = len(manifests(here))
    for number in range(4):
        record = here.fakes.catalog.recordings[RECORDING_ID]
        step = ConsentEntry(step=ConsentStep.GIVEN, at=here.now + timedelta(seconds=number))
        pause = CommandedPause(id=f"p-{number}", at=here.now)
        told = {"consents": (*record.consents, step)} if index else {"pauses": (*record.pauses, pause)}
        here.fakes.catalog.save_recording(record.model_copy(update=told))
        for _ in range(5):
            follow_up(RECORDING_ID, here.ports, again=True)
    assert len(manifests(here)) == before + 4
    here.fakes.catalog.unreadable = {next(iter(here.fakes.catalog.chunks))}
    for _ in range(5):
        follow_up(RECORDING_ID, here.ports, again=True)
        here.reconciles()
    here.fakes.catalog.unreadable.clear()
    for _ in range(5):
        follow_up(RECORDING_ID, here.ports, again=True)
    assert len(manifests(here)) == before + 6
