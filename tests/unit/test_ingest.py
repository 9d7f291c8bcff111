"""Ingest: one event becomes one task per chunk, or one entry for a person; nothing is asked of anybody (I6)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import (
    CALL_ID,
    CONTAINER,
    EVENT_TIME,
    EVENTS,
    RECORDING_ID,
    RESOURCE,
    SERVER_CALL_ID,
    chunk,
    cloud_event,
    document_id,
    event,
    event_file,
    location,
    task,
)
from dev.in_memory.world import World, world
from recording.domain.chunk import LARGEST_TASK, ChunkState, Home
from recording.domain.formats import FormatType
from recording.domain.recording import RecordingRecord
from recording.errors import ClaimLostError, StorageBusyError
from recording.ingest import LONGEST_PAYLOAD, ingest_event, ingest_text

GOOD_FILES = [
    "event_grid_server_call_and_recording",
    "event_grid_recording_only",
    "event_grid_server_call_only",
    "event_grid_call_only_2021",
    "event_grid_mixed_case_topic",
    "event_grid_without_optional_fields",
    "event_grid_delete_names_other_object",
    "event_grid_six_chunks",
    "event_grid_external_storage",
    "event_grid_external_export_failed",
    "cloud_event",
    "cloud_event_misspelt_spec_version",
    "cloud_event_with_junk_attributes",
]
REFUSED_FILES = ["event_grid_call_ended", "event_grid_subscription_validation"]


@pytest.fixture
def here() -> World:
    """A world with nothing in it."""
    return world()


def _asked_nobody(here: World) -> bool:
    return here.fakes.source.calls == here.fakes.external.calls == here.fakes.control.calls == []


def test_every_event_file_is_told_about_here() -> None:
    """A fixture that no test uses proves nothing."""
    assert {path.stem for path in EVENTS.glob("*.json")} == {*GOOD_FILES, *REFUSED_FILES}


@pytest.mark.parametrize("name", GOOD_FILES)
def test_every_published_form_becomes_tasks(name: str) -> None:
    """A form that is not understood is a lost recording."""
    is_odd_topic = name == "event_grid_recording_only"  # a published sample has a stray brace in its topic
    here = world(acs={"resource_id": None if is_odd_topic else RESOURCE})
    here.announces(event_file(name))
    assert here.fakes.quarantine.reasons == []
    assert len(here.fakes.queue.tasks) == len(here.fakes.catalog.chunks) == (6 if "six" in name else 1)
    assert _asked_nobody(here)


@pytest.mark.parametrize("name", REFUSED_FILES)
def test_events_of_other_types_are_kept_for_a_person(here: World, name: str) -> None:
    """A filter of the subscription is wrong; nothing is dropped silently."""
    here.announces(event_file(name))
    assert (here.fakes.quarantine.reasons, here.fakes.queue.tasks) == (["other_event_type"], [])


def test_a_task_holds_all_that_a_worker_needs(here: World) -> None:
    """The worker has no event; what is not in the task is lost."""
    here.announces(event(chunk(endReason="ChunkMaximumSizeExceeded")))
    (sent,) = here.fakes.queue.tasks
    assert sent == task(
        event_id="event-1",
        content="audio",
        channel="mixed",
        end_reason="ChunkMaximumSizeExceeded",
        session_end_reason="CallEnded",
        recording_start_time=sent.recording_start_time,
        expires_at=EVENT_TIME + timedelta(hours=24),
        folder=f"2026/11/23/{CALL_ID}/{sent.folder.rpartition('/')[2]}",
    )
    assert here.fakes.catalog.recordings[RECORDING_ID].folder == sent.folder


def test_the_catalog_knows_a_chunk_before_the_queue_does(here: World) -> None:
    """A message that is lost is then found by reconcile."""
    here.fakes.queue.fail_next("send", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.announces()
    assert here.state() is ChunkState.PENDING


@pytest.mark.parametrize("announced", [event, cloud_event])
def test_the_same_chunk_announced_again_is_one_chunk(here: World, announced: Any) -> None:
    """At least once, on two paths, in two schemas."""
    here.announces()
    here.announces(announced(id="event-2"))
    assert len(here.fakes.catalog.chunks) == 1


def test_overlapping_chunk_lists_add_up(here: World) -> None:
    """No source says whether a long recording is one event or many; both must work."""
    here.announces(event(chunk(0), chunk(1)))
    here.announces(event(chunk(1), chunk(2)))
    assert sorted(known.task.index for known in here.fakes.catalog.chunks.values()) == [0, 1, 2]


def test_a_duplicate_of_a_finished_chunk_is_not_enqueued(here: World) -> None:
    """There is nothing left to do."""
    here.announces()
    here.holds(here.fakes.queue.tasks[0])
    here.runs(hours=1)
    here.announces()
    assert here.fakes.queue.tasks == []


def test_a_finished_chunk_at_another_location_is_enqueued(here: World) -> None:
    """It may hold other bytes; the worker compares."""
    here.announces()
    here.holds(here.fakes.queue.tasks[0])
    here.runs(hours=1)
    here.announces(event(chunk(contentLocation=location(document_id(), host="us-storage.asm.skype.com"))))
    assert len(here.fakes.queue.tasks) == 1


def test_an_unfinished_chunk_is_enqueued_again(here: World) -> None:
    """Its first message may be lost; one more does no harm."""
    here.announces()
    here.announces()
    assert len(here.fakes.queue.tasks) == 2


def test_files_of_one_recording_lie_in_one_folder(here: World) -> None:
    """The first event decides, also across midnight."""
    here.announces(event(chunk(0)))
    later = {"recordingStartTime": "2026-11-24T01:00:00Z"}
    here.announces(event(chunk(1), data=later, eventTime="2026-11-24T02:00:00Z"))
    assert len({sent.folder for sent in here.fakes.queue.tasks}) == 1


def test_a_recording_started_here_keeps_what_is_known_of_it(here: World) -> None:
    """Who started it and why stays; the event adds where it lies."""
    started = RecordingRecord(recording_id=RECORDING_ID, started_here=True, started_by="ada", started_at=EVENT_TIME)
    here.fakes.catalog.add_recording(started)
    here.announces()
    known = here.fakes.catalog.recordings[RECORDING_ID]
    assert (known.started_by, known.started_at, known.call_id) == ("ada", EVENT_TIME, CALL_ID)
    assert (known.server_call_id, known.first_event_at) == (SERVER_CALL_ID, here.now)
    assert known.folder


def test_two_events_that_meet_at_a_new_recording_agree_on_its_folder(here: World) -> None:
    """One of them writes first, the other looks again."""
    here.fakes.catalog.add_recording(RecordingRecord(recording_id=RECORDING_ID))
    here.fakes.catalog.fail_next("save_recording", ClaimLostError("changed"))
    here.announces()
    assert here.fakes.catalog.recordings[RECORDING_ID].folder == here.fakes.queue.tasks[0].folder


def test_an_event_from_the_future_expires_no_later_than_one_of_now(here: World) -> None:
    """A clock that is ahead, or a year that is wrong, must not put the deadline off."""
    for moment in ("2026-11-23T20:00:00Z", "9999-12-31T23:59:59Z"):
        here.announces(
            event(chunk(0, document_id(len(moment) + here.fakes.queue.calls.count("send"))), eventTime=moment)
        )
    assert {sent.expires_at for sent in here.fakes.queue.tasks} == {here.now + timedelta(hours=24)}


def test_the_deadline_counts_from_the_event_and_not_from_its_arrival(here: World) -> None:
    """Event Grid may deliver a day late."""
    here.fakes.clock.advance(hours=20)
    here.announces()
    assert here.fakes.queue.tasks[0].expires_at == EVENT_TIME + timedelta(hours=24)


# --- what is refused -------------------------------------------------------------------------------------------------

FORGED: list[tuple[str, dict[str, Any]]] = [
    ("other_resource", event(topic=RESOURCE.replace("contoso", "fabrikam"))),
    ("other_resource", event(topic=None)),
    ("other_resource", event(topic=RESOURCE + "/")),
    ("other_resource", cloud_event(source="/subscriptions/x")),
    ("other_resource", event_file("event_grid_recording_only")),
    ("other_event_type", event(eventType="Microsoft.Communication.ChatMessageReceived")),
    ("unreadable_subject", event(subject="/recording")),
    ("contradicting_ids", event(data={"recordingId": "other"})),
    ("invalid_id", event(chunk(documentId="a/b"))),
    ("foreign_host", event(chunk(contentLocation="https://evil.example/v1/objects/x"))),
    ("foreign_host", event(chunk(metadataLocation="https://evil.example/v1/objects/x"))),
    ("foreign_host", event(chunk(deleteLocation="https://evil.example/v1/objects/x"))),
    ("foreign_host", event(chunk(contentLocation=f"{CONTAINER}/a.mp3"))),
    (
        "foreign_host",
        event(chunk(contentLocation="https://other.blob.core.windows.net/x"), data={"storageType": "blob"}),
    ),
    ("unsafe_location", event(chunk(contentLocation="http://x.asm.skype.com/v1"))),
    ("unsafe_location", event(chunk(contentLocation="https://127.0.0.1:1\\@x.asm.skype.com/v1"))),
    ("unsafe_location", event(chunk(metadataLocation="https://user@x.asm.skype.com/v1"))),
    ("unsafe_location", event(chunk(deleteLocation="https://x.asm.skype.com:8443/v1"))),
    ("foreign_host", event(chunk(0), chunk(1, contentLocation="https://evil.example/v1"))),
    ("unreadable_event", event(data={"recordingStorageInfo": None})),
]


@pytest.mark.parametrize(("reason", "envelope"), FORGED)
def test_a_forged_event_costs_nobody_anything(here: World, reason: str, envelope: dict[str, Any]) -> None:
    """No request, no task, no record; one entry with the event in it."""
    here.announces(envelope)
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, entry.came_from) == (reason, "event_queue")
    assert json.loads(entry.payload) == envelope
    assert (here.fakes.queue.tasks, here.fakes.catalog.chunks) == ([], {})
    assert _asked_nobody(here)


def test_without_a_configured_resource_every_topic_is_accepted() -> None:
    """The setting is optional; the key of the subscription is then what is trusted."""
    here = world(acs={"resource_id": None})
    here.announces(event(topic=None))
    assert len(here.fakes.queue.tasks) == 1


@pytest.mark.parametrize(
    "text", ["", "{", "7", "null", '"x"', "[]", "[[]]", "[1]", "\x00", "<html>", "[" * 2000 + "]" * 2000, "[" * 100_000]
)
def test_a_message_that_is_no_event_is_kept(here: World, text: str) -> None:
    """Whatever lands on the queue is either ingested or kept, never dropped (I6)."""
    ingest_text(text, "event_queue", here.ports, here.settings)
    (entry,) = here.fakes.quarantine.kept.values()
    assert entry.reason == "unreadable_event"
    assert entry.payload == text[:LONGEST_PAYLOAD] or text.startswith("[")


@pytest.mark.parametrize("depth", [50, 300, 900, 1500, 5000])
def test_an_event_of_any_depth_is_kept_or_read(here: World, depth: int) -> None:
    """Deep nesting ends some parsers; an exception here would be a poisoned message that nobody reads."""
    deep = json.dumps(event())[:-1] + ', "extra": ' + "[" * depth + "]" * depth + "}"
    ingest_text(deep, "event_queue", here.ports, here.settings)
    ingest_text(deep.replace("RecordingFile", "Other"), "event_queue", here.ports, here.settings)
    assert len(here.fakes.queue.tasks) + len(here.fakes.quarantine.kept) == 2


def test_a_large_message_is_kept_up_to_a_limit(here: World) -> None:
    """Quarantine is for reading, not for storing what somebody sends."""
    ingest_text("x" * (LONGEST_PAYLOAD + 1), "event_queue", here.ports, here.settings)
    (entry,) = here.fakes.quarantine.kept.values()
    assert len(entry.payload) == LONGEST_PAYLOAD


def test_a_batch_is_taken_apart(here: World) -> None:
    """A webhook delivers arrays, with foreign events among ours."""
    batch = [event(chunk(0)), event_file("event_grid_call_ended"), event(chunk(1)), 7]
    ingest_text(json.dumps(batch), "event_queue", here.ports, here.settings)
    assert [sent.index for sent in here.fakes.queue.tasks] == [0, 1]
    assert here.fakes.quarantine.reasons == ["other_event_type", "unreadable_event"]


def test_every_task_fits_a_queue_message(here: World) -> None:
    """64 KiB is the limit after base64; the longest that passes the guards is far below."""
    longest = {"endReason": "\U0001f600" * 1024}
    base = "https://x.asm.skype.com/v1/objects/" + "d" * 512
    places = ("contentLocation", "metadataLocation", "deleteLocation")
    longest |= {name: base + "/" + "x" * (2048 - len(base) - 1) for name in places}
    here.announces(
        event(
            chunk(0, "d" * 512, **longest),
            subject=f"/recording/call/{'c' * 512}/serverCallId/{'s' * 2500}/recordingId/{'r' * 512}",
            data={"sessionEndReason": "\U0001f600" * 1024},
        )
    )
    (sent,) = here.fakes.queue.tasks
    assert len(sent.model_dump_json().encode()) < LARGEST_TASK


def test_an_entry_that_cannot_be_kept_is_delivered_again(here: World) -> None:
    """Answering would let Event Grid forget it."""
    here.fakes.quarantine.fail_next("put", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.announces(event_file("event_grid_call_ended"))


@pytest.mark.parametrize("method", ["get_recording", "add_recording", "add_chunk"])
def test_an_event_that_cannot_be_noted_is_delivered_again(here: World, method: str) -> None:
    """As above, for the catalog."""
    here.fakes.catalog.fail_next(method, StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.announces()
    here.announces()
    assert len(here.fakes.queue.tasks) == 1


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(place=st.sampled_from([*event(), "specversion"]), inside=st.sampled_from([None, *event()["data"]]), value=Json)
def test_whatever_is_delivered_is_ingested_or_kept(place: str, inside: str | None, value: Any) -> None:
    """No input makes ingest raise, and none vanishes."""
    here = world(acs={"resource_id": None})
    forged = event(data={inside: value}) if inside else {**event(), place: value}
    ingest_event(forged, "event_grid", here.ports, here.settings)
    assert len(here.fakes.queue.tasks) + len(here.fakes.quarantine.kept) == 1
    for sent in here.fakes.queue.tasks:
        assert sent.model_dump_json().encode()


@given(field=st.sampled_from(list(chunk())), value=Json)
def test_whatever_a_chunk_holds_is_ingested_or_kept(field: str, value: Any) -> None:
    """As above, one level deeper."""
    here = world()
    ingest_event(event(chunk(**{field: value})), "event_grid", here.ports, here.settings)
    assert len(here.fakes.queue.tasks) + len(here.fakes.quarantine.kept) == 1


# --- bring your own storage ------------------------------------------------------------------------------------------


def test_a_file_in_the_customers_container_is_the_customers(here: World) -> None:
    """Its task says so, and everything after follows from that."""
    here.announces(event_file("event_grid_external_storage"))
    (sent,) = here.fakes.queue.tasks
    assert (sent.home, sent.delete_location, sent.format) == (Home.EXTERNAL, None, FormatType.MP3)


def test_an_export_that_failed_is_archived_from_acs(here: World) -> None:
    """The event then names ACS's own storage, where it lies for a day."""
    here.announces(event_file("event_grid_external_export_failed"))
    (sent,) = here.fakes.queue.tasks
    assert (sent.home, sent.delete_location is not None) == (Home.ACS, True)


def test_a_container_that_is_not_configured_is_refused() -> None:
    """Our identity must not read what an event chooses."""
    here = world(external_containers=())
    here.announces(event_file("event_grid_external_storage"))
    assert here.fakes.quarantine.reasons == ["foreign_host"]


@pytest.mark.parametrize("delete", [f"{CONTAINER}/a.mp3", "https://evil.example/x", "nonsense"])
def test_an_external_file_is_never_deleted_whatever_its_event_says(delete: str) -> None:
    """It is the customer's only copy."""
    here = world()
    told = event_file("event_grid_external_storage")
    told["data"]["recordingStorageInfo"]["recordingChunks"][0]["deleteLocation"] = delete
    here.announces(told)
    (sent,) = here.fakes.queue.tasks
    here.fakes.external.objects |= {sent.content_location: b"\xff" * 10, sent.metadata_location or "": b"{}"}
    here.runs(hours=30)
    assert here.source.calls == []
