"""Rebuild: all tables are destroyed, and the archive's blobs alone bring back what was known and what is found."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID, chunk, event, metadata, task
from dev.in_memory.fakes.catalog import FakeCatalog
from dev.in_memory.fakes.library import FakeDirectory
from dev.in_memory.world import WorkerDiedError, World, world
from recording.control.consents import tell_consent
from recording.control.pauses import pause_recording
from recording.control.recordings import start_recording
from recording.control.resumes import resume_recording
from recording.domain.archived.rebuilt import recording_of
from recording.domain.calls.consent import consent_state
from recording.domain.find.find_query import FindQuery
from recording.domain.incoming.requests import ConsentRequest, PauseRequest
from recording.domain.state.chunk import ChunkRecord, SourceOutcome
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_archived, is_finished
from recording.errors import StorageBusyError
from recording.http.views.library import FoundView
from recording.library import rebuild as module
from recording.library.directory import find_all
from recording.library.rebuild import Rebuilt, rebuild
from recording.library.tags import change_tags
from tests.unit.library.corpus import CALLS, PEOPLE, tags

pytestmark = pytest.mark.slow

# fmt: off
PROVED = [
    "format", "length_bytes", "sha256", "sha512", "duration_ms", "blob_name", "container", "channels", "sample_rate",
    "verified_how", "remarks", "suspects", "metadata", "metadata_reason", "metadata_sha256", "facts",
    "copied_at", "verified_at", "media_fault", "media_warning", "name_version", "accepted",
]
TOLD = [
    "recording_id", "call_id", "server_call_id", "document_id", "index", "home", "format", "end_reason",
    "session_end_reason", "folder", "recording_start_time", "recording_duration_ms", "event_id", "event_time",
    "expires_at",
]
NOTED = [
    "recording_id", "folder", "call_id", "server_call_id", "started_here", "started_at", "started_by", "request",
    "consent", "consents", "pauses", "current_tags",
]
# fmt: on


def archived(recordings: list[dict[str, Any]]) -> World:
    """The line archives these recordings, and their follow-ups are done."""
    here = world()
    for number, one in enumerate(recordings):
        name = f"recording-{number}"
        chunks = [chunk(index, f"0-weu-d{number}-{index:032x}") for index in range(one["chunks"])]
        for entry in chunks[:-1]:
            entry["endReason"] = "ChunkMaximumSizeExceeded"
        for index, entry in enumerate(chunks):
            people = [{"participantId": person, "channel": at} for at, person in enumerate(one["people"])]
            about = task(index, entry["documentId"], recording_id=name, call_id=one["call"])
            here.holds(about, document=metadata(about, participants=people))
        data = {"recordingStartTime": f"2026-11-23T0{number}:00:00Z", "sessionEndReason": "CallEnded"}
        subject = f"/recording/call/{one['call']}/serverCallId/server-{number}/recordingId/{name}"
        here.announces(event(*chunks, data=data, subject=subject, id=f"event-{number}"))
        here.runs_due()
        here.follows_up()
        if one["tags"]:
            change_tags(name, {"tags": one["tags"]}, "*", here.ports)
            here.follows_up()
    return here


def loses_its_tables(here: World) -> World:
    """Return the world after every table was deleted; the archive container is all there is."""
    clock = here.fakes.catalog.clock
    fresh = replace(here.fakes, catalog=FakeCatalog(), directory=FakeDirectory())
    fresh.catalog.clock = clock
    fresh.clock.advance(hours=30)
    here.fakes = fresh
    return here


def seen(here: World) -> list[dict[str, Any]]:
    """Return everything that find answers."""
    return [FoundView.of(one).plain() for one in find_all(FindQuery(limit=3), here.ports, here.settings)]


def proved(here: World) -> list[dict[str, Any]]:
    """Return what the chunks prove, without what only the line needs."""
    return [
        {name: getattr(one, name) for name in PROVED} | {name: getattr(one.task, name) for name in TOLD}
        for _, one in sorted(here.fakes.catalog.chunks.items())
    ]


def noted(here: World) -> list[dict[str, Any]]:
    """Return what is noted about recordings."""
    return [{name: getattr(one, name) for name in NOTED} for _, one in sorted(here.fakes.catalog.recordings.items())]


RECORDINGS = st.lists(
    st.fixed_dictionaries(
        {
            "chunks": st.integers(1, 3),
            "call": st.sampled_from(CALLS),
            "people": st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True),
            "tags": tags(),
        }
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, deadline=None)
@given(RECORDINGS, st.integers(0, 60))
def test_rebuild_equals_the_original(recordings: list[dict[str, Any]], dies_at: int) -> None:
    """Random archives; the first run dies somewhere, the second goes on."""
    here = archived(recordings)
    before = seen(here), proved(here), noted(here), here.fakes.directory.places
    loses_its_tables(here)
    here.fakes.directory.die_after, here.fakes.directory.death = dies_at, WorkerDiedError()
    with suppress(WorkerDiedError):
        rebuild(here.ports, here.settings)
    here.fakes.directory.die_after = None
    done = rebuild(here.ports, here.settings)
    assert done.problems == []
    assert (seen(here), proved(here), noted(here), here.fakes.directory.places) == before


def two() -> World:
    return archived([{"chunks": 2, "call": CALLS[0], "people": PEOPLE[:2], "tags": {"case": "1"}}] * 2)


def test_doing_it_again_changes_nothing() -> None:
    """Also on a catalog that has lost nothing."""
    here = two()
    rows = dict(here.fakes.catalog.chunks), dict(here.fakes.catalog.recordings)
    done = rebuild(here.ports, here.settings)
    assert (done.recordings, done.chunks, done.known) == (0, 0, 6)
    assert (here.fakes.catalog.chunks, here.fakes.catalog.recordings) == rows


def test_a_rebuilt_chunk_asks_nothing_of_acs_and_is_finished() -> None:
    """Its locations are in no document; reconcile and line leave it alone."""
    here = loses_its_tables(two())
    rebuild(here.ports, here.settings)
    calls = list(here.fakes.source.calls)
    here.runs(hours=80, until_quiet=False)
    assert all(is_archived(one) and is_finished(one) for one in here.fakes.catalog.chunks.values())
    assert {one.source for one in here.fakes.catalog.chunks.values()} == {SourceOutcome.LEFT_TO_EXPIRE}
    assert here.fakes.source.calls == calls
    assert all(one.settled_at for one in here.fakes.catalog.recordings.values())


def test_media_that_is_missing_or_of_another_length_is_a_problem_and_costs_no_other() -> None:
    """A record that says archived of what is not there would be a lie."""
    here = two()
    media = sorted(here.media_blobs())
    del here.fakes.archive.blobs[media[0]]
    here.fakes.archive.blobs[media[1]] = replace(here.fakes.archive.blobs[media[1]], data=b"short")
    loses_its_tables(here)
    done = rebuild(here.ports, here.settings)
    assert sorted(done.problems) == [(media[0], "media missing"), (media[1], "media differs")]
    assert (done.recordings, done.chunks, done.unfinished) == (2, 2, 2)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"schema": 1}', b'{"recordingId": "../x", "index": "no"}'])
def test_a_damaged_document_is_a_problem_and_costs_no_other(content: bytes) -> None:
    """Somebody edited a file, or another tool wrote one."""
    here = two()
    receipt = next(name for name in sorted(here.fakes.archive.blobs) if name.endswith(".receipt.json"))
    here.fakes.archive.blobs[receipt] = replace(here.fakes.archive.blobs[receipt], data=content)
    loses_its_tables(here)
    done = rebuild(here.ports, here.settings)
    assert done.problems == [(receipt, "unreadable")]
    assert done.chunks == 3


def test_an_outage_ends_the_run_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of thousands of folders take hours."""
    monkeypatch.setattr(module, "MOST_IN_A_ROW", 1)
    here = loses_its_tables(two())
    seen_folders: list[int] = []

    def told(done: Rebuilt) -> None:
        seen_folders.append(done.folders)
        here.fakes.archive.fail_next("get", StorageBusyError("down"))

    with pytest.raises(StorageBusyError):
        rebuild(here.ports, here.settings, progress=told)
    assert seen_folders == [1]
    here.fakes.archive.fails_no_more("get")
    assert rebuild(here.ports, here.settings).recordings == 1
    assert len(here.fakes.catalog.recordings) == 2


def test_no_identifier_is_in_what_is_rebuilt_and_a_new_key_still_finds() -> None:
    """The key of the hashes was in a table as well."""
    here = loses_its_tables(two())
    here.fakes.index_keys.secrets[:] = [b"another key of the tests, 32 bytes"]
    rebuild(here.ports, here.settings)
    stored = f"{here.fakes.catalog.recordings} {here.fakes.catalog.chunks} {here.fakes.directory.rows}"
    assert not [person for person in PEOPLE if person in stored]
    query = FindQuery.read({"participant": PEOPLE[0].upper()})
    assert len(list(find_all(query, here.ports, here.settings))) == 2


def test_what_other_versions_wrote_in_a_manifest_is_passed_over() -> None:
    """Additional fields, and fields of another type."""
    here = archived([{"chunks": 1, "call": CALLS[0], "people": [], "tags": {}}])
    name = next(name for name in here.fakes.archive.blobs if name.endswith("manifest.json"))
    told = json.loads(here.fakes.archive.blobs[name].data) | {"request": "x", "tags": 7, "later": {}, "consent": 1}
    here.fakes.archive.blobs[name] = replace(here.fakes.archive.blobs[name], data=json.dumps(told).encode())
    loses_its_tables(here)
    assert rebuild(here.ports, here.settings).recordings == 1


def test_the_builders_recording_is_rebuilt_too() -> None:
    """Long ids are hashed in names; the receipt has them whole."""
    here = world()
    here.holds(task())
    here.announces()
    here.runs_due()
    loses_its_tables(here)
    rebuild(here.ports, here.settings)
    (record,) = here.fakes.catalog.recordings.values()
    assert isinstance(record, RecordingRecord)
    assert record.recording_id == RECORDING_ID
    (one,) = here.fakes.catalog.chunks.values()
    assert isinstance(one, ChunkRecord)
    assert one.task.expires_at - one.task.event_time == timedelta(hours=24)


def test_a_withdrawal_is_in_the_manifest_and_outlives_the_catalog() -> None:
    """Told after the files were archived: a catalog that is made again must not call consent given."""
    here = archived([{"chunks": 1, "people": ["8:acs:a"], "call": "call-1", "tags": {}}])
    for step in ("given", "withdrawn"):
        facts = {"basis": "spoken", "reference": "7", "capturedAt": "2026-11-23T08:00:00Z", "capturedBy": "ivr"}
        asked = ConsentRequest.read({"step": step, **(facts if step == "given" else {})})
        tell_consent("recording-0", asked, "ada", here.ports, here.settings)
    here.runs(hours=1, until_quiet=False)
    row = here.fakes.catalog.recordings["recording-0"]
    name = next(name for name in here.fakes.archive.blobs if name.endswith("manifest.json"))
    told = json.loads(here.fakes.archive.blobs[name].data)
    assert [step["step"] for step in told["consents"]] == ["given", "withdrawn"]
    made = recording_of(row.folder or "", told, here.ports.catalog.chunks_of("recording-0"), here.now)
    assert made is not None
    assert made.consents == row.consents
    assert consent_state(made.consent, made.consents) == "withdrawn"


@pytest.mark.parametrize("is_later", [False, True])
def test_pauses_that_were_asked_for_are_in_the_manifest_and_come_back(is_later: bool) -> None:
    """From when to when, why, by whom, how long at most, and how each ended; also what is known after the files."""
    here = world()
    name = str(
        start_recording({"serverCallId": "aHR0cHM6Ly9jYWxs"}, "key", "ada", here.ports, here.settings)["recordingId"]
    )
    for seconds, reason in ((60, "card number"), (90, None)):
        asked = PauseRequest(reason=reason, max_seconds=seconds)
        pause_recording(name, here.ports, here.settings, asked, "ada")
        here.fakes.clock.advance(seconds=30)
        if reason:
            resume_recording(name, here.ports, settings=here.settings)
    if not is_later:
        here.runs(hours=0.2, until_quiet=False)
    about = task(0, recording_id=name)
    here.holds(about)
    here.announces(event(chunk(), subject=f"/recording/call/call-1/serverCallId/x/recordingId/{name}"))
    here.runs_due()
    del here.fakes.control.states[name]
    here.runs(hours=2, until_quiet=False)
    row = here.fakes.catalog.recordings[name]
    manifest = next(blob for at, blob in here.fakes.archive.blobs.items() if at.endswith("manifest.json"))
    told = json.loads(manifest.data)["commandedPauses"]
    assert [(one["reason"], one["by"], one["how"] is not None) for one in told] == [
        ("card number", "ada", True),
        (None, "ada", True),
    ]
    assert all(one["at"] < one["endedAt"] <= one["endsBy"] or one["how"] != "resumed" for one in told)
    ports = replace(here.ports, catalog=FakeCatalog(), directory=FakeDirectory())
    rebuild(ports, here.settings)
    made = ports.catalog.get_recording(name)
    assert made is not None
    assert made.pauses == row.pauses
    assert len(made.pauses) == 2


def test_a_pause_that_cannot_be_read_costs_no_recording() -> None:
    """The others of the manifest come back."""
    good = {"id": "1", "at": "2026-11-23T08:00:00+00:00", "by": "ada", "how": "resumed"}
    for odd in (None, 7, {}, {**good, "how": "melted"}, {**good, "at": "noon"}):
        told = {"recordingId": "r", "commandedPauses": [odd, good]}
        made = recording_of("folder", told, [], datetime(2026, 11, 23, tzinfo=UTC))
        assert made is not None
        assert [pause.id for pause in made.pauses] == ["1"]
    made = recording_of(
        "folder", {"recordingId": "r", "commandedPauses": "all"}, [], datetime(2026, 11, 23, tzinfo=UTC)
    )
    assert made is not None
    assert made.pauses == ()
