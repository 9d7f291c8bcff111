"""Rebuild of containers as they are found: folders inside folders, names that sort oddly, runs over a part of it."""

from contextlib import suppress
from typing import Any

import pytest

from dev.in_memory.builders import chunk, event, metadata, task
from dev.in_memory.world import WorkerDiedError, World, world
from recording.errors import StorageBusyError
from recording.library import rebuild as module
from recording.library.rebuild import Rebuilt, rebuild
from recording.library.tags import change_tags
from recording.ports.bulkhead import MOST_IN_A_ROW
from tests.unit.library.corpus import CALLS, PEOPLE
from tests.unit.library.test_rebuild import archived, loses_its_tables, noted, proved, seen

NAMES = ["rec", "rec-2", "rec-2-b", "rec0", "rec1", "Rec", "r"]  # "rec-2/" sorts before "rec/", "rec0/" behind it


def named(*names: str) -> World:
    """A world in which recordings of these ids were archived, and tagged with their own id."""
    here = world()
    for number, name in enumerate(names):
        entry = chunk(0, f"0-weu-d{number}-{number:032x}")
        about = task(0, entry["documentId"], recording_id=name, call_id="call-a")
        here.holds(about, document=metadata(about, participants=[{"participantId": PEOPLE[0]}]))
        subject = f"/recording/call/call-a/serverCallId/server/recordingId/{name}"
        data = {"recordingStartTime": "2026-11-23T07:00:00Z", "sessionEndReason": "CallEnded"}
        here.announces(event(entry, data=data, subject=subject, id=f"event-{number}"))
        here.runs_due()
        here.follows_up()
        change_tags(name, {"tags": {"own": name}}, "*", here.ports)
        here.follows_up()
    return here


def told_of(here: World) -> tuple[Any, ...]:
    return seen(here), proved(here), noted(here), here.fakes.directory.places


@pytest.mark.slow
def test_a_run_that_ends_behind_any_folder_goes_on_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blobs are listed in the order of whole names, which is not that of their folders."""
    monkeypatch.setattr(module, "SAVED_EVERY", 1)
    monkeypatch.setattr(module, "MOST_IN_A_ROW", 1)
    for ends_behind in range(1, len(NAMES) + 1):
        here = named(*NAMES)
        before = told_of(here)
        loses_its_tables(here)

        def ends(done: Rebuilt, here: World = here, last: int = ends_behind) -> None:
            if done.folders == last:
                here.fakes.archive.fail_next("get", StorageBusyError("down"))

        with suppress(StorageBusyError):
            rebuild(here.ports, here.settings, progress=ends)
        here.fakes.archive.fails_no_more("get")
        done = rebuild(here.ports, here.settings)
        assert done.problems == []
        assert told_of(here) == before, ends_behind


@pytest.mark.parametrize("inside", ["a/note.txt", "manifest-copies/x.json", "0000-notes/deep/down.txt", "zz/z"])
def test_a_folder_inside_a_recordings_folder_does_not_cut_it_in_two(inside: str) -> None:
    """What a person put there lies between the recording's own blobs, in the order of names."""
    here = named("rec", "rec-2")
    before = told_of(here)
    for name in [name for name in here.fakes.archive.blobs if name.endswith("manifest.json")]:
        here.fakes.archive.put_once(f"{name.rpartition('/')[0]}/{inside}", b"{}", "text/plain")
    here.fakes.archive.put_once("at the root.txt", b"", "text/plain")
    loses_its_tables(here)
    assert rebuild(here.ports, here.settings).problems == []
    assert told_of(here) == before


def test_a_run_over_a_part_leaves_the_position_of_no_other_run() -> None:
    """Whoever rebuilds one month, and ends, has not done the months before it."""
    here = named("rec", "rec-2")
    before = told_of(here)
    loses_its_tables(here)
    folders = sorted({name.rpartition("/")[0] for name in here.fakes.archive.blobs})
    here.fakes.catalog.save_cursor(module.LOOP, "")
    here.fakes.directory.die_after, here.fakes.directory.death = 2, WorkerDiedError()
    module_cursors = dict(here.fakes.catalog.cursors)

    def ends(_: Rebuilt) -> None:
        raise StorageBusyError("down")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SAVED_EVERY", 1)
        with suppress(StorageBusyError, WorkerDiedError):
            rebuild(here.ports, here.settings, prefix=f"{folders[-1]}/", progress=ends)
    assert here.fakes.catalog.cursor(module.LOOP) == module_cursors.get(module.LOOP, "")
    here.fakes.directory.die_after = None
    rebuild(here.ports, here.settings)
    assert told_of(here) == before


def test_a_prefix_that_cuts_a_folder_takes_none_of_it() -> None:
    """Half a folder has no manifest, and its recording would come back without its tags."""
    here = named("rec")
    before = told_of(here)
    loses_its_tables(here)
    media = next(iter(here.media_blobs()))
    assert rebuild(here.ports, here.settings, prefix=media[:-8]).folders == 0
    assert here.fakes.catalog.recordings == {}
    assert rebuild(here.ports, here.settings, prefix=media.rpartition("/")[0]).recordings == 1
    assert told_of(here) == before


def test_rebuild_made_again_at_each_call_of_the_archive_is_whole() -> None:
    """An outage at every single read; the next run goes on each time."""
    here = archived([{"chunks": 2, "call": CALLS[0], "people": PEOPLE[:2], "tags": {"case": "1"}}] * 2)
    before = told_of(here)
    loses_its_tables(here)
    real, left, fails_at = here.fakes.archive.get, [0], 0

    def get(name: str) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise StorageBusyError("down")
        return real(name)

    here.fakes.archive.get = get  # type: ignore[method-assign]
    while True:
        fails_at += 1
        left[0] = fails_at
        with suppress(StorageBusyError):
            rebuild(here.ports, here.settings)
        if left[0] > 0:
            break
        assert fails_at < 200
    assert told_of(here) == before


@pytest.mark.parametrize("copied_to", ["0-backup", "zz-backup"])
def test_a_copy_of_an_archive_beside_it_is_no_second_recording(copied_to: str) -> None:
    """Somebody copied the folders within the container; what lies where its receipts say it lies is the recording."""
    here = archived([{"chunks": 2, "call": CALLS[0], "people": PEOPLE[:2], "tags": {"case": "1"}}] * 2)
    before = told_of(here)
    blobs = here.fakes.archive.blobs
    blobs |= {f"{copied_to}/{name}": blob for name, blob in blobs.items()}
    loses_its_tables(here)
    done = rebuild(here.ports, here.settings)
    assert told_of(here) == before
    assert {name.partition("/")[0] for name, _ in done.problems} == {copied_to}


def test_what_the_catalog_still_has_stays_and_the_rest_is_added() -> None:
    """A table was restored to an hour in the middle: some recordings without chunks, some chunks without rows."""
    for lost in range(1, 8):
        here = archived([{"chunks": 2, "call": CALLS[0], "people": PEOPLE[:2], "tags": {"case": "1"}}] * 3)
        before = told_of(here)
        old = here.fakes.catalog
        loses_its_tables(here)
        kept = [one for number, one in enumerate(old.recordings.values()) if lost >> number & 1]
        for one in kept:
            here.fakes.catalog.add_recording(one)
        for number, record in enumerate(old.chunks.values()):
            if not (number + lost) % 3:
                here.fakes.catalog.add_chunk(record)
        done = rebuild(here.ports, here.settings)
        assert done.problems == []
        assert told_of(here) == before, lost


@pytest.mark.parametrize("error", [ValueError("odd"), OverflowError("a time"), RecursionError()])
def test_a_recording_that_cannot_be_followed_up_stops_no_rebuild(error: Exception) -> None:
    """It would end each run at the same folder; reconcile asks for the follow-up again."""
    here = named("a", "b")
    plain = here.fakes.catalog.chunk_rows_of

    def refused(recording_id: str) -> object:
        if recording_id == "a":
            raise error
        return plain(recording_id)

    object.__setattr__(here.fakes.catalog, "chunk_rows_of", refused)
    done = rebuild(here.ports, here.settings, from_start=True)
    assert (done.folders, done.problems) == (2, [("a", "unreadable_record")])


def test_a_folder_that_always_fails_is_named_and_stops_no_rebuild() -> None:
    """Its manifest's blob answers with errors for days; all that sorts behind it would never come back."""
    here = named("a", "b", "c")
    loses_its_tables(here)
    broken = sorted({name.rpartition("/")[0] for name in here.fakes.archive.blobs})[0]
    plain = here.fakes.archive.get

    def refused(name: str) -> Any:
        if name.startswith(f"{broken}/"):
            raise StorageBusyError("damaged")
        return plain(name)

    here.fakes.archive.get = refused  # type: ignore[method-assign]
    done = rebuild(here.ports, here.settings)
    assert (done.folders, done.recordings, done.problems) == (3, 2, [(broken, "storage_busy")])
    here.fakes.archive.get = plain  # type: ignore[method-assign]
    assert rebuild(here.ports, here.settings).recordings == 1


def test_storage_that_fails_for_many_folders_in_a_row_ends_the_run() -> None:
    """Each failure takes the time limits of storage; the next run begins before the first folder that failed."""
    here = named(*[f"r{number:02d}" for number in range(30)])
    loses_its_tables(here)
    here.fakes.archive.fail_next("get", StorageBusyError("down"), times=100_000)
    seen_folders: list[int] = []
    with pytest.raises(StorageBusyError):
        rebuild(here.ports, here.settings, progress=lambda done: seen_folders.append(done.folders))
    assert seen_folders[-1] == MOST_IN_A_ROW - 1
    here.fakes.archive.fails_no_more("get")
    assert rebuild(here.ports, here.settings).recordings == 30
