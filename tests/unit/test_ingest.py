"""Ingest: one event becomes one task per chunk, or one entry for a person; nothing is asked of anybody (I6)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory import canaries
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
from recording.control.recordings import get_recording
from recording.domain.formats import FormatType
from recording.domain.incoming.events import EVENT_TYPE
from recording.domain.state.chunk import LARGEST_TASK, ChunkState, Home
from recording.domain.state.quarantine import Origin
from recording.domain.state.recording import RecordingRecord
from recording.errors import ClaimLostError, EventRejectedError, StorageBusyError
from recording.ingest import ingest_event, ingest_text, take_event
from recording.ingest.hold import LONGEST_PAYLOAD

ENDED = datetime(2026, 11, 23, 8, 56, 2, 123456, tzinfo=UTC)  # start and duration in the builders' event
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
def test_events_of_other_types_are_counted_and_not_kept(
    here: World, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A subscription without a filter is a common slip; the phone numbers of others' events are not ours to keep."""
    with caplog.at_level("INFO"):
        here.announces(event_file(name))
    assert (here.fakes.quarantine.kept, here.fakes.queue.tasks, here.fakes.catalog.recordings) == ({}, [], {})
    (told,) = [line for line in caplog.records if getattr(line, "event", "") == "recording.event.ignored"]
    assert told.levelname == "INFO", "no alarm"


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
    first, second = [sent.expires_at for sent in here.fakes.queue.tasks]
    assert first == here.now + timedelta(hours=24)
    assert second == ENDED + timedelta(hours=24), "the year 9999 is no time at all: the recording's end counts"


@pytest.mark.parametrize("hours", [-1, -10, -25, -49, 25])
def test_the_wrong_clock_of_an_instance_moves_no_deadline(here: World, hours: int) -> None:
    """An event that seems to come from the future makes it ask the catalog for the time; the recording is not late."""
    here.holds(task())
    here.skew = timedelta(hours=hours)
    here.announces()
    here.skew = timedelta()
    assert here.record().task.expires_at == EVENT_TIME + timedelta(hours=24)
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED


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
    ("unreadable_event", event(eventType="Microsoft.Communication.Recording\nFileStatusUpdated")),
    ("unreadable_event", event(eventType=["Microsoft.Communication.RecordingFileStatusUpdated"])),
    ("unreadable_subject", event(subject="/recording")),
    ("invalid_id", event(chunk(documentId="a/b"))),
    ("foreign_host", event(chunk(contentLocation="https://evil.example/v1/objects/x"))),
    ("foreign_host", event(chunk(contentLocation=f"{CONTAINER}/a.mp3"))),
    (
        "foreign_host",
        event(chunk(contentLocation="https://other.blob.core.windows.net/x"), data={"storageType": "blob"}),
    ),
    ("unsafe_location", event(chunk(contentLocation="http://x.asm.skype.com/v1"))),
    ("unsafe_location", event(chunk(contentLocation="https://127.0.0.1:1\\@x.asm.skype.com/v1"))),
    ("unreadable_event", event(data={"recordingStorageInfo": None})),
]


def _plain(envelope: dict[str, Any]) -> dict[str, Any]:
    """An event without what names people, and without what its data does not have."""
    facts = {name: value for name, value in (envelope["data"] or {}).items() if name != "startedBy" and value}
    return {**envelope, "data": {**facts, "recordingStartTime": facts.get("recordingStartTime")}}


@pytest.mark.parametrize(("reason", "envelope"), FORGED)
def test_a_forged_event_costs_nobody_anything(here: World, reason: str, envelope: dict[str, Any]) -> None:
    """No request, no task, no record; one entry with the event in it."""
    here.announces(envelope)
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, entry.came_from) == (reason, "event_queue")
    assert _plain(json.loads(entry.payload)) == _plain(envelope)
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
    ingest_text(text, Origin.EVENT_QUEUE, here.ports, here.settings)
    (entry,) = here.fakes.quarantine.kept.values()
    assert entry.reason == "unreadable_event"
    assert entry.payload == text[:LONGEST_PAYLOAD] or text.startswith("[")


@pytest.mark.parametrize("depth", [50, 300, 900, 1500, 5000])
def test_an_event_of_any_depth_is_kept_or_read(here: World, depth: int) -> None:
    """Deep nesting ends some parsers; an exception here would be a poisoned message that nobody reads."""
    deep = json.dumps(event())[:-1] + ', "extra": ' + "[" * depth + "]" * depth + "}"
    ingest_text(deep, Origin.EVENT_QUEUE, here.ports, here.settings)
    ingest_text(deep.replace("RecordingFile", "Other"), Origin.EVENT_QUEUE, here.ports, here.settings)
    assert len(here.fakes.queue.tasks) + len(here.fakes.quarantine.kept) >= 1


def test_a_large_message_is_kept_up_to_a_limit(here: World) -> None:
    """Quarantine is for reading, not for storing what somebody sends."""
    ingest_text("x" * (LONGEST_PAYLOAD + 1), Origin.EVENT_QUEUE, here.ports, here.settings)
    (entry,) = here.fakes.quarantine.kept.values()
    assert len(entry.payload) == LONGEST_PAYLOAD


def test_a_batch_is_taken_apart(here: World) -> None:
    """A webhook delivers arrays, with foreign events among ours."""
    batch = [event(chunk(0)), event_file("event_grid_call_ended"), event(chunk(1)), 7]
    ingest_text(json.dumps(batch), Origin.EVENT_QUEUE, here.ports, here.settings)
    assert [sent.index for sent in here.fakes.queue.tasks] == [0, 1]
    assert here.fakes.quarantine.reasons == ["unreadable_event"]


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
        here.announces(event(subject="/recording"))


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
    ingest_event(forged, Origin.EVENT_GRID, here.ports, here.settings)
    ignored = isinstance(forged.get("eventType"), str) and forged["eventType"] != EVENT_TYPE
    assert len(here.fakes.queue.tasks) + len(here.fakes.quarantine.kept) == (0 if ignored else 1) or ignored
    for sent in here.fakes.queue.tasks:
        assert sent.model_dump_json().encode()


@given(field=st.sampled_from(list(chunk())), value=Json)
def test_whatever_a_chunk_holds_is_ingested_or_kept(field: str, value: Any) -> None:
    """As above, one level deeper."""
    here = world()
    ingest_event(event(chunk(**{field: value})), Origin.EVENT_GRID, here.ports, here.settings)
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


@pytest.mark.parametrize("storage", ["AzureBlob", "blobstorage", "External"])
@pytest.mark.parametrize(
    "spelling",
    [CONTAINER, CONTAINER.replace(".net/", ".net:443/"), CONTAINER.replace("customer", "Customer"), f" {CONTAINER}"],
)
def test_a_container_is_found_however_its_host_and_the_storage_are_spelt(
    here: World, storage: str, spelling: str
) -> None:
    """A host is one host however it is spelt, and the word for the customer's storage is not documented."""
    told = event_file("event_grid_external_storage")
    told["data"]["storageType"] = storage
    (raw,) = told["data"]["recordingStorageInfo"]["recordingChunks"]
    plain = raw["contentLocation"]
    raw["contentLocation"] = plain.replace(CONTAINER, spelling)
    here.announces(told)
    (sent,) = here.fakes.queue.tasks
    assert (sent.home, sent.content_location, sent.delete_location) == (Home.EXTERNAL, plain, None)


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


# --- the least important part does not decide ------------------------------------------------------------------------

EVIL = "https://evil.example/v1/objects/x"
ODD: list[tuple[str, int | None, dict[str, Any]]] = [
    ("foreign_host", 1, {"contentLocation": EVIL}),
    ("unsafe_location", 1, {"contentLocation": "http://x.asm.skype.com/v1"}),
    ("unreadable_chunk", 1, {"contentLocation": ""}),
    ("unreadable_chunk", 1, {"documentId": None}),
    ("unreadable_chunk", None, {"index": None}),
    ("unreadable_chunk", None, {"index": True}),
    ("unreadable_chunk", None, {"index": 1.5}),
    ("index_out_of_range", None, {"index": 1_000_001}),
    ("invalid_id", 1, {"documentId": "a/b"}),
]


@pytest.mark.parametrize(("reason", "index", "changes"), ODD)
@pytest.mark.parametrize("place", [1, 2])
def test_an_odd_chunk_is_held_alone(
    here: World, reason: str, index: int | None, changes: dict[str, Any], place: int
) -> None:
    """The others are archived, and the recording counts as incomplete until an operator has looked."""
    chunks = [chunk(number, **(changes if number == place else {})) for number in range(3)]
    good = [number for number in range(3) if number != place]
    for number in good:
        here.holds(task(number))
    here.announces(event(*chunks))
    here.runs(hours=2, until_quiet=False)

    assert {known.task.index: known.state for known in here.fakes.catalog.chunks.values()} == dict.fromkeys(
        good, ChunkState.SOURCE_DELETED
    )
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, entry.recording_id) == (reason, RECORDING_ID)
    assert entry.index == (place if index is not None else None)
    told = get_recording(RECORDING_ID, here.ports, here.settings)
    assert (told["complete"], told["missingIndexes"], told["expectation"]) == (False, [place], "incomplete")
    assert here.manifest()["missingIndexes"] == [place]


def test_a_held_chunk_is_archived_once_the_setting_is_mended(here: World) -> None:
    """Its entry is an event of its own, which a redrive judges again."""
    extra = "files.contoso.example"
    here.announces(event(chunk(0), chunk(1, contentLocation=location(document_id(1), host=extra))))
    (entry,) = here.fakes.quarantine.kept.values()
    with pytest.raises(EventRejectedError):
        take_event(json.loads(entry.payload), entry.origin, here.ports, here.settings)
    mended = here.settings.model_copy(
        update={"acs": here.settings.acs.model_copy(update={"content_hosts": (f"{extra}",)})}
    )
    take_event(json.loads(entry.payload), entry.origin, here.ports, mended)
    assert [sent.index for sent in here.fakes.queue.tasks] == [0, 1]


@pytest.mark.parametrize("value", [EVIL, "nonsense", "http://x.asm.skype.com/v1", 7, ["x"], "x" * 5000])
@pytest.mark.parametrize("place", ["metadataLocation", "deleteLocation"])
def test_an_odd_side_location_is_not_called_and_the_media_is_archived(here: World, place: str, value: Any) -> None:
    """Neither metadata nor a tidy source is worth a recording; the reason is in the task."""
    here.holds(task(0, metadata_location=None) if place == "metadataLocation" else task(0))
    here.announces(event(chunk(0, **{place: value})))
    (sent,) = here.fakes.queue.tasks
    refused = sent.metadata_refused if place == "metadataLocation" else sent.delete_refused
    assert refused in ("foreign_host", "unsafe_location")
    assert (sent.metadata_location is None, sent.delete_location) == (place == "metadataLocation", None)
    here.runs(hours=1)
    assert (here.state(), len(here.media_blobs()), here.fakes.quarantine.kept) == (ChunkState.CATALOGED, 1, {})
    assert "delete" not in here.source.calls, "the metadata may still be fetched by hand"


@pytest.mark.parametrize("envelope", [event(topic=None, eventType=None), event(topic=None)])
def test_what_only_the_trigger_strips_is_no_excuse_on_the_queue(here: World, envelope: dict[str, Any]) -> None:
    """Who can write to the queue could else leave out what would give the event away."""
    ingest_event(envelope, Origin.EVENT_QUEUE, here.ports, here.settings)
    assert (here.fakes.quarantine.reasons, here.fakes.queue.tasks) == (["other_resource"], [])


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + json.dumps(event()),
        json.dumps(json.dumps(event())),
        json.dumps([event()]) + "\r\n",
        "\x1e" + json.dumps(event()) + "\n",
    ],
    ids=["mark", "text of text", "array and newline", "json sequence"],
)
def test_harmless_clothing_does_not_cost_a_recording(here: World, text: str) -> None:
    """Whoever writes to a queue or a dead letter has habits."""
    ingest_text(text, Origin.EVENT_QUEUE, here.ports, here.settings)
    assert (len(here.fakes.queue.tasks), here.fakes.quarantine.kept) == (1, {})


def test_json_lines_are_read_up_to_the_broken_one(here: World) -> None:
    """What can be read is taken, the rest is kept."""
    lines = "\n".join(json.dumps(event(chunk(number))) for number in range(2)) + '\n{"id": '
    ingest_text(lines, Origin.DEAD_LETTER, here.ports, here.settings)
    assert [sent.index for sent in here.fakes.queue.tasks] == [0, 1]
    (entry,) = here.fakes.quarantine.kept.values()
    assert entry.payload == '{"id": '


def test_quarantine_keeps_no_phone_number(here: World) -> None:
    """An event is kept for what can be judged again; whom it names is not needed for that."""
    here.announces(event(subject="/recording", data={"recordingId": "tel:+4570123456"}))
    ingest_text('{"from": {"rawId": "4:+4570123456"}, ', Origin.EVENT_QUEUE, here.ports, here.settings)
    kept = "".join(entry.payload for entry in here.fakes.quarantine.kept.values())
    assert canaries.PHONE not in kept
    assert canaries.PARTICIPANT not in kept
    assert "4570123456" not in kept


@pytest.mark.parametrize("server_call", ["Zm9yZ2Vk", None])
def test_the_first_event_does_not_overwrite_what_a_start_noted(here: World, server_call: str | None) -> None:
    """A forged event would else choose the folder of all true files that follow."""
    started = RecordingRecord(
        recording_id=RECORDING_ID, started_here=True, started_at=EVENT_TIME, server_call_id=SERVER_CALL_ID
    )
    here.fakes.catalog.add_recording(started)
    middle = f"/serverCallId/{server_call}" if server_call else ""
    subject = f"/recording/call/FORGED-CALL{middle}/recordingId/{RECORDING_ID}"
    here.announces(event(chunk(0), subject=subject, data={"recordingStartTime": "2021-12-31T00:00:00Z"}))
    known = here.fakes.catalog.recordings[RECORDING_ID]
    assert (known.server_call_id, known.started_at, known.call_id) == (SERVER_CALL_ID, EVENT_TIME, None)
    assert (known.folder or "").startswith("2026/11/23/h-")
    here.announces(event(chunk(1)))
    later = here.fakes.catalog.recordings[RECORDING_ID]
    assert (later.folder, later.call_id) == (known.folder, CALL_ID)


def test_lost_races_end_in_another_delivery(here: World) -> None:
    """A record that keeps changing must not end in a stack of calls."""
    here.fakes.catalog.add_recording(RecordingRecord(recording_id=RECORDING_ID))
    here.fakes.catalog.fail_next("save_recording", ClaimLostError("changed"), times=2000)
    with pytest.raises(StorageBusyError):
        here.announces()


@pytest.mark.parametrize("together", [True, False])
def test_one_document_under_two_indexes_is_one_file(here: World, together: bool) -> None:
    """The second would find the source deleted, and be raised as lost although its bytes are archived."""
    twins = [chunk(0, document_id(0)), chunk(1, document_id(0))]
    here.holds(task(0))
    for told in [twins] if together else [[twin] for twin in twins]:
        here.announces(event(*told))
    here.runs(hours=30)
    assert (len(here.fakes.catalog.chunks), here.state()) == (1, ChunkState.SOURCE_DELETED)
    (entry,) = here.fakes.quarantine.kept.values()
    assert (entry.reason, entry.index, entry.recording_id) == ("duplicate_document", 1, RECORDING_ID)
