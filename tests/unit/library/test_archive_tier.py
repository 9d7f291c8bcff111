"""The archive tier takes receipts, manifests and metadata too: what cannot be read is named, the rest goes on.

The rule of age moves every blob of the container, so of an old recording nothing can be read before it is brought back.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dev.in_memory.builders import wav
from dev.in_memory.canaries import PHONE
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.keep_world import attached, put_rule
from dev.in_memory.world import World
from recording.domain.archived import layout
from recording.domain.find.find_query import FindQuery
from recording.errors import BlobLockedError, RequestError
from recording.errors.codes import Code
from recording.library.directory import find_all
from recording.library.handover.export import get_export, request_export, work_on_export
from recording.library.handover.vcon import make_vcon
from recording.library.import_entries import OFFLINE as METADATA_OFFLINE
from recording.library.import_entries import entries_in
from recording.library.importing import import_recordings
from recording.library.keep.dispose import dispose
from recording.library.keep.holds import place_hold
from recording.library.listening import find_media
from recording.library.rebuild import OFFLINE, rebuild
from recording.library.reindex import reindex
from recording.library.seal.turn import seal
from recording.library.seal.waiting import seal_all
from recording.library.tags import change_tags
from recording.library.waveforms import waveform_of
from recording.operate.drift import look_for_drift
from recording.operate.get_recording_files import files_of, get_file
from recording.operate.scrub import scrub
from recording.operate.verify_recording import verify
from tests.unit.library.corpus import CALLS, PEOPLE
from tests.unit.library.test_importing_in_place import described
from tests.unit.library.test_rebuild import archived, loses_its_tables, noted, proved, seen

OLD, YOUNG = "recording-0", "recording-1"
KINDS: dict[str, Callable[[str], bool]] = {
    "receipt": lambda name: name.endswith(".receipt.json"),
    "metadata": lambda name: name.endswith(".metadata.json"),
    "manifest": lambda name: layout.manifest_version(name) is not None,
    "media": lambda name: name.endswith(".wav"),
    "proof": lambda name: "/seal." in name,
    "all": lambda _name: True,
}
READABLE = [kind for kind in KINDS if kind != "proof"]


def two(people: list[str] | None = None) -> World:
    one = {"chunks": 2, "call": CALLS[0], "people": people or PEOPLE[:2], "tags": {"case": "1"}}
    return archived([one, one])


def names_of(here: World, kind: str) -> list[str]:
    folder = here.fakes.catalog.recordings[OLD].folder
    return [name for name in here.fakes.archive.blobs if name.startswith(f"{folder}/") and KINDS[kind](name)]


def moves(here: World, kind: str) -> list[str]:
    """The rule of age moves these files of the older recording; returns their names."""
    names = names_of(here, kind)
    assert names
    here.fakes.archive.tiers |= dict.fromkeys(names, "Archive")
    return names


def brings_back(here: World) -> None:
    here.fakes.archive.tiers.clear()


@pytest.mark.parametrize("kind", READABLE)
def test_rebuild_names_the_recording_makes_the_others_and_completes_it_once_it_is_back(kind: str) -> None:
    """Half a recording would be known afterwards, and never get its tags and people back."""
    here = two()
    before = seen(here), proved(here), noted(here), here.fakes.directory.places
    folder = here.fakes.catalog.recordings[OLD].folder
    moves(here, kind)
    loses_its_tables(here)
    done = rebuild(here.ports, here.settings)
    if kind == "media":
        assert done.problems == []
    else:
        assert done.problems == [(folder, OFFLINE)]
        assert set(here.fakes.catalog.recordings) == {YOUNG}
        assert {chunk.task.recording_id for chunk in here.fakes.catalog.chunks.values()} == {YOUNG}
        brings_back(here)
        assert rebuild(here.ports, here.settings).problems == []
    assert (seen(here), proved(here), noted(here), here.fakes.directory.places) == before


@pytest.mark.parametrize("kind", READABLE)
def test_verify_says_what_it_did_not_read_and_finds_nothing_wrong(kind: str) -> None:
    """Not proved is not the same as differing, and no error."""
    here = two()
    names = moves(here, kind)
    told = verify(OLD, here.ports, here.settings)
    assert told is not None
    assert (told.differences, told.is_proved) == ((), False)
    assert [line for line in told.unread if not line.endswith("not read: archive tier")] == []
    assert {line.partition(":")[0] for line in told.unread} <= set(names)
    assert told.unread
    other = verify(YOUNG, here.ports, here.settings)
    assert other is not None
    assert other.is_proved


@pytest.mark.parametrize("kind", READABLE)
def test_drift_and_scrub_read_the_rest_and_raise_no_alarm(kind: str) -> None:
    """A receipt that cannot be read hides the media of nobody."""
    here = two()
    moves(here, kind)
    report = look_for_drift(here.ports, here.settings, sample_percent=100)
    assert (report.drifts, report.failed) == ((), False)
    assert report.sampled == (2 if kind in ("media", "all") else 4)
    here.fakes.clock.advance(hours=24 * 91)
    found = scrub(here.ports, here.settings)
    assert (found.drifts, found.failed) == ((), False)
    again = scrub(here.ports, here.settings)
    assert again.sampled == 0, "it stays due"


@pytest.mark.parametrize("kind", READABLE)
def test_a_tag_of_an_old_recording_is_found_and_its_people_stay_findable(kind: str) -> None:
    """Who is in it cannot be read now, and was known before."""
    here = two()
    names = moves(here, kind)
    before = {name: here.fakes.archive.blobs[name] for name in names}
    change_tags(OLD, {"tags": {"late": "yes"}}, "*", here.ports)
    here.runs(hours=3, until_quiet=False)
    assert found(here, tag="late:yes") == [OLD]
    assert found(here, participant=PEOPLE[0]) == [OLD, YOUNG] or found(here, participant=PEOPLE[0]) == [YOUNG, OLD]
    assert here.fakes.catalog.recordings[OLD].settled_at is not None
    assert {name: here.fakes.archive.blobs[name] for name in names} == before, "what is in that tier is not written"
    manifests = [name for name in here.fakes.archive.blobs if layout.manifest_version(name) and OLD in name]
    newest = max(manifests, key=lambda name: layout.manifest_version(name) or 0)
    assert json.loads(here.fakes.archive.blobs[newest].data)["tags"] == {"case": "1", "late": "yes"}
    assert len(manifests) == (2 if kind in ("manifest", "all") else 1)
    told = verify(OLD, here.ports, here.settings)
    assert told is not None
    assert told.differences == ()


def test_under_a_new_key_an_old_recording_is_named_and_keeps_its_rows() -> None:
    """Hashes of its people cannot be made without its documents; the old key has to stay meanwhile."""
    here = two()
    moves(here, "metadata")
    here.fakes.index_keys.secrets.insert(0, b"a newer key of the tests, 32 bytes")
    done = reindex(here.ports)
    assert done.problems == [(OLD, Code.BLOB_LOCKED)]
    assert sorted(found(here, participant=PEOPLE[0])) == [OLD, YOUNG]
    brings_back(here)
    assert reindex(here.ports).problems == []


@pytest.mark.parametrize("kind", ["receipt", "metadata", "manifest", "all"])
def test_files_are_fetched_as_far_as_they_are_there(kind: str, tmp_path: Path) -> None:
    """One that is not names itself."""
    here = two()
    names = set(moves(here, kind))
    for offered in files_of(OLD, here.ports):
        if offered.blob_name in names:
            with pytest.raises(BlobLockedError):
                get_file(offered, tmp_path, here.ports, lambda _count: None)
        else:
            assert get_file(offered, tmp_path, here.ports, lambda _count: None).proved is not False
    assert not list(tmp_path.glob("*.part"))


def test_a_waveform_is_drawn_without_names_and_without_the_one_that_was_kept() -> None:
    """Names and peaks are in documents beside the media, which may be there when those are not."""
    here = two()
    media = find_media(OLD, 0, None, None, here.ports)
    drawn = waveform_of(media, here.ports)
    here.fakes.archive.tiers |= {
        name: "Archive" for name in here.fakes.archive.blobs if name.endswith((".peaks.json", ".metadata.json"))
    }
    again = waveform_of(media, here.ports)
    assert [one["peaks"] for one in again["channels"]] == [one["peaks"] for one in drawn["channels"]]


@pytest.mark.parametrize("kind", READABLE)
def test_a_vcon_is_whole_or_refused(kind: str) -> None:
    """One without its documents would look as if there were none."""
    here = two()
    moves(here, kind)
    if kind == "media":
        assert make_vcon(OLD, here.ports, here.settings)["vcon"]
    else:
        with pytest.raises(RequestError) as refused:
            make_vcon(OLD, here.ports, here.settings)
        assert refused.value.code == Code.MEDIA_OFFLINE
    assert make_vcon(YOUNG, here.ports, here.settings)["vcon"]


@pytest.mark.parametrize("kind", READABLE)
def test_a_bundle_has_the_others_and_says_what_is_not_in_it(kind: str) -> None:
    """A request for access must not end because one recording of ten is old."""
    here = two()
    names = moves(here, kind)
    asked = request_export({"recordings": [OLD, YOUNG]}, "caller", here.ports, here.settings)
    work_on_export(asked["exportId"], here.ports, here.settings)
    state = get_export(asked["exportId"], here.ports)
    assert state["state"] == "done"
    assert {one["recordingId"] for one in state["leftOut"]} == {OLD}
    assert len(state["leftOut"]) <= len(names)


def test_an_import_names_what_is_in_that_tier_and_takes_the_rest() -> None:
    """Media, metadata document, or both: without its document a file would come in without its people."""
    here, source = archived([]), FakeArchive()
    files = {"a.wav": wav(), "a.json": described(0, "call-a"), "b.wav": wav(), "b.json": described(0, "call-b")}
    exported = "20240105/call-7/abcd1234-5678/0-audiowav.0-weu-d1-aa.wav"
    files |= {exported: wav(), exported.replace("audiowav", "acsmetadata").replace(".wav", ".json"): described(0)}
    files["c.wav"] = wav()
    for name, data in files.items():
        source.put_once(name, data, "x")
    for offline, why in {
        "a.wav": "blob_locked",
        "a.json": METADATA_OFFLINE,
        exported: "blob_locked",
        exported.replace("audiowav", "acsmetadata").replace(".wav", ".json"): "blob_locked",
    }.items():
        source.tiers = {offline: "Archive"}
        fresh = archived([])
        done = import_recordings(entries_in(source), source, fresh.ports, fresh.settings)
        named = "a.wav" if offline.startswith("a.") else exported
        assert done.problems == [(named, why)]
        assert done.copied == 3
    source.tiers = {}
    assert import_recordings(entries_in(source), source, here.ports, here.settings).problems == []
    here.follows_up()
    assert len(found(here, number=PHONE)) == 3


@pytest.mark.parametrize("kind", ["receipt", "manifest", "proof", "all"])
def test_the_seal_goes_on_for_all_others(kind: str) -> None:
    """Old recordings in a row must not stop the log, nor stay on its list for good."""
    here = two()
    object.__setattr__(here.fakes, "seal", FakeSeal())
    seal_all(here.ports)
    assert seal(here.ports).error is None
    moves(here, kind)
    for number in range(2, 9):
        here.fakes.catalog.add_recording(
            here.fakes.catalog.recordings[OLD].model_copy(update={"recording_id": f"recording-{number}"})
        )
    change_tags(YOUNG, {"tags": {"late": "yes"}}, "*", here.ports)
    here.follows_up()
    seal_all(here.ports)
    done = seal(here.ports)
    assert (done.error, done.leaves > 0) == (None, True)
    assert here.fakes.seal is not None
    assert list(here.fakes.seal.waiting.first(10)) == []


def test_destroying_waits_until_the_proofs_can_be_read_and_says_so() -> None:
    """Leaves that are not declared void would make the log call the files missing."""
    here = two()
    object.__setattr__(here.fakes, "seal", FakeSeal())
    attached(here.fakes)
    seal_all(here.ports)
    assert seal(here.ports).error is None
    moves(here, "all")
    place_hold(YOUNG, "case", "asked", "alice", here.ports)
    put_rule(here, "delete", 1)
    for _ in range(20):
        here.fakes.clock.advance(days=1)
        report = dispose(here.ports, here.settings)
        assert report.problems == []
    row = here.fakes.keeping.custody(OLD)
    assert row is not None
    assert (row.state, row.refused.reason if row.refused else None) == ("MARKED", "archive_tier")
    assert found(here, call=CALLS[0])
    place_hold(OLD, "late", "it still can be held", "alice", here.ports)
    brings_back(here)


def found(here: World, **query: Any) -> list[str]:
    asked = FindQuery.read({name: value for name, value in query.items() if value is not None})
    return [one.recording.recording_id for one in find_all(asked, here.ports, here.settings)]
