"""Rebuild of archives that have lived: what was refused, destroyed, held, locked or moved to the archive tier."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import chunk, event, metadata, task, wav
from dev.in_memory.fakes.keeping import FakeKeeping
from dev.in_memory.keep_world import RECORDING_ID, days_pass, put_rule
from dev.in_memory.keep_world import archived as kept
from dev.in_memory.world import WorkerDiedError, World, world
from recording.domain.archived import layout
from recording.domain.find.find_query import FindQuery
from recording.domain.state.chunk import ChunkState
from recording.domain.state.transitions import is_archived
from recording.errors import BlobLockedError
from recording.library.directory import find_all
from recording.library.keep.holds import place_hold
from recording.library.rebuild import OFFLINE, Rebuilt, rebuild
from recording.library.tags import change_tags
from tests.unit.library.corpus import CALLS, PEOPLE
from tests.unit.library.test_rebuild import NOTED, PROVED, TOLD, loses_its_tables

pytestmark = pytest.mark.slow

BROKEN = b"page of text" * 99
FATES = ("whole", "tagged", "broken", "mended", "lost", "offline", "with_files", "locked")


def lives(fates: list[str]) -> World:
    """Return a world in which each recording of two chunks has met its fate."""
    here = world()
    for number, fate in enumerate(fates):
        name = f"recording-{number}"
        for index in (0, 1):
            document = f"0-weu-d{number}-{index:032x}"
            about = task(index, document, recording_id=name, call_id=CALLS[number % 3])
            media = (
                BROKEN if index == 1 and fate in ("broken", "mended") else wav(sample=bytes([number + 1, index + 1]))
            )
            people = [{"participantId": PEOPLE[number % len(PEOPLE)]}]
            here.holds(about, media, metadata(about, participants=people))
            if fate == "lost" and index == 1:
                here.forgets(about)
        chunks = [chunk(index, f"0-weu-d{number}-{index:032x}") for index in (0, 1)]
        chunks[0]["endReason"] = "ChunkMaximumSizeExceeded"
        subject = f"/recording/call/{CALLS[number % 3]}/serverCallId/server-{number}/recordingId/{name}"
        here.announces(event(*chunks, subject=subject, id=f"event-{number}"))
    here.runs(hours=2, until_quiet=False)
    for number, fate in enumerate(fates):
        if fate == "mended":
            people = [{"participantId": PEOPLE[number % len(PEOPLE)]}]
            about = task(1, f"0-weu-d{number}-{1:032x}", recording_id=f"recording-{number}", call_id=CALLS[number % 3])
            here.holds(about, wav(sample=b"\x07\x07"), metadata(about, participants=people))
    here.runs(hours=28, until_quiet=False)
    for number, fate in enumerate(fates):
        _meets(here, f"recording-{number}", fate)
    here.runs(hours=2, until_quiet=False)
    return here


def _meets(here: World, name: str, fate: str) -> None:
    archive, folder = here.fakes.archive, here.fakes.catalog.recordings[name].folder
    blobs = [one for one in archive.blobs if one.startswith(f"{folder}/")]
    if fate == "tagged":
        change_tags(name, {"tags": {"case": name}}, "*", here.ports)
    elif fate == "offline":
        archive.tiers |= dict.fromkeys(blobs, "Archive")
    elif fate == "with_files":
        archive.put_once(f"{folder}/derived.joined.{'0' * 16}.wav", wav(), "audio/wav")
        archive.put_once(f"{folder}/derived.joined.{'0' * 16}.json", b"{}", "application/json")
        archive.put_once(f"{blobs[0].rpartition('.')[0]}.peaks.json", b"{}", "application/json")
        archive.put_once(f"{folder}/seal.0000000001.json", b"odd", "application/json")
    elif fate == "locked":
        archive.fail_next("put_if_unchanged", BlobLockedError("legal hold"), times=1)
        change_tags(name, {"tags": {"late": "1"}}, "*", here.ports)
        here.follows_up()


def of_chunks(here: World, names: set[str]) -> list[dict[str, Any]]:
    """Return what is proved of the archived chunks of some recordings."""
    return [
        {name: getattr(one, name) for name in PROVED} | {name: getattr(one.task, name) for name in TOLD}
        for _, one in sorted(here.fakes.catalog.chunks.items())
        if one.task.recording_id in names and is_archived(one)
    ]


def of_recordings(here: World, names: set[str]) -> list[dict[str, Any]]:
    return [
        {name: getattr(one, name) for name in NOTED}
        for key, one in sorted(here.fakes.catalog.recordings.items())
        if key in names
    ]


def found_by_people(here: World) -> dict[str, set[str]]:
    return {person: found(here, participant=person) for person in PEOPLE}


def found(here: World, **query: Any) -> set[str]:
    return {one.recording.recording_id for one in find_all(FindQuery.read(query), here.ports, here.settings)}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(FATES), min_size=1, max_size=6), st.integers(0, 60))
def test_what_is_archived_comes_back_as_it_was_whatever_became_of_the_rest(fates: list[str], dies_at: int) -> None:
    """The first run dies somewhere. What cannot be read is named, and is as it was once it is brought back."""
    here = lives(fates)
    everything = {f"recording-{number}" for number in range(len(fates))}
    offline = {f"recording-{number}" for number, fate in enumerate(fates) if fate == "offline"}
    before = {
        names: (of_chunks(here, set(names)), of_recordings(here, set(names)))
        for names in (tuple(sorted(everything)), tuple(sorted(everything - offline)))
    }
    people = found_by_people(here)
    waiting = sum(not is_archived(one) for one in here.fakes.catalog.chunks.values())
    folders = {here.fakes.catalog.recordings[name].folder for name in offline}
    loses_its_tables(here)
    here.fakes.directory.die_after, here.fakes.directory.death = dies_at, WorkerDiedError()
    with suppress(WorkerDiedError):
        rebuild(here.ports, here.settings)
    here.fakes.directory.die_after = None
    done = rebuild(here.ports, here.settings)
    assert sorted(done.problems) == sorted((folder, OFFLINE) for folder in folders)
    readable = tuple(sorted(everything - offline))
    assert (of_chunks(here, everything), of_recordings(here, everything)) == before[readable]
    here.fakes.archive.tiers.clear()
    again = rebuild(here.ports, here.settings)
    assert again.problems == []
    assert again.unfinished == waiting
    whole = tuple(sorted(everything))
    assert (of_chunks(here, everything), of_recordings(here, everything)) == before[whole]
    assert found_by_people(here) == people
    rows = dict(here.fakes.catalog.chunks), dict(here.fakes.catalog.recordings), here.fakes.directory.places
    assert rebuild(here.ports, here.settings).recordings == 0
    assert rows == (here.fakes.catalog.chunks, here.fakes.catalog.recordings, here.fakes.directory.places)


def test_what_was_refused_or_mended_is_named_with_the_chunk() -> None:
    """A suspect of a chunk that was archived in the end is in its receipt; one that never was is in the quarantine."""
    here = lives(["mended", "broken"])
    states = {key[0]: one.state for key, one in here.fakes.catalog.chunks.items() if one.task.index == 1}
    assert states["recording-1"] is ChunkState.QUARANTINED
    before = of_chunks(here, {"recording-0", "recording-1"})
    loses_its_tables(here)
    done = rebuild(here.ports, here.settings)
    assert (done.problems, done.unfinished) == ([], 1)
    assert of_chunks(here, {"recording-0", "recording-1"}) == before
    assert found(here, state="archived") == {"recording-0"}


def test_of_what_was_destroyed_nothing_comes_back() -> None:
    """A certificate is no recording, and what arrived after the decision is one."""
    here, _ = kept()
    put_rule(here, "delete", 1)
    days_pass(here, 20)
    assert here.fakes.catalog.recordings[RECORDING_ID].disposed_at is not None
    assert [name for name in here.fakes.archive.blobs if not name.startswith(layout.CERTIFICATES)] == []
    loses_its_tables(here)
    done = rebuild(here.ports, here.settings)
    assert vars(done) == vars(Rebuilt(folders=1)), "the folder of certificates"
    assert here.fakes.catalog.recordings == {}


def test_a_recording_whose_destruction_was_begun_is_named_by_what_is_left() -> None:
    """Rows were lost between two files: media is gone, its receipt is not; nobody may take it for archived."""
    here, _ = kept()
    media = next(iter(here.media_blobs()))
    del here.fakes.archive.blobs[media]
    loses_its_tables(here)
    done = rebuild(here.ports, here.settings)
    assert done.problems == [(media, "media missing")]
    assert (done.recordings, done.chunks, done.unfinished) == (1, 0, 1)
    assert found(here, state="archived") == set()


def test_a_hold_is_lost_with_its_table_and_storage_still_refuses() -> None:
    """Cases, rules and requests are in no archive; where the account has legal holds, its blobs keep theirs."""
    here, custodian = kept(soft_delete=timedelta(days=7))
    place_hold(RECORDING_ID, "case", "asked", "alice", here.ports)
    assert all(one.facts.is_held for one in custodian.remaining())
    loses_its_tables(here)
    here.fakes = replace(here.fakes, keeping=FakeKeeping())
    object.__setattr__(here.fakes, "custodian", custodian)
    assert rebuild(here.ports, here.settings).problems == []
    put_rule(here, "delete", 1)
    days_pass(here, 20)
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert row.refused is not None
    assert row.refused.reason == "legal_hold"
    assert list(here.media_blobs().values()) == [wav()]


@pytest.mark.parametrize("method", ["put_if_unchanged", "put_once"])
def test_an_archive_that_takes_no_writes_is_rebuilt_all_the_same(method: str) -> None:
    """Under a retention policy, or read from the secondary region, nothing can be written there."""
    here = lives(["tagged", "whole"])
    before = of_chunks(here, {"recording-0", "recording-1"}), of_recordings(here, {"recording-0", "recording-1"})
    loses_its_tables(here)
    here.fakes.archive.fail_next(method, BlobLockedError("immutable"), times=1000)
    assert rebuild(here.ports, here.settings).problems == []
    assert (
        of_chunks(here, {"recording-0", "recording-1"}),
        of_recordings(here, {"recording-0", "recording-1"}),
    ) == before
    assert found(here, tag="case:recording-0") == {"recording-0"}
