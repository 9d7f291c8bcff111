"""One event becomes one task for each chunk, once, whatever order and copies it arrives in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.in_memory.builders import (
    CALL_ID,
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
from recording.domain.state.chunk import ChunkState
from recording.domain.state.recording import RecordingRecord
from recording.errors import ClaimLostError, StorageBusyError, StorageError
from recording.errors.codes import Code

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


def asked_nobody(here: World) -> bool:
    """Return whether no request went out."""
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
    assert asked_nobody(here)


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


def test_a_recordings_row_that_nobody_can_read_delays_no_file(here: World) -> None:
    """ACS has the file for a day, and whoever repairs the row may need longer; nothing is deleted meanwhile."""
    for number in (0, 1):
        here.holds(task(number))
    here.announces(event(chunk(0)))
    here.runs(hours=1)
    here.fakes.catalog.unreadable.add(RECORDING_ID)
    here.announces(event(chunk(0), chunk(1), data={"recordingStartTime": "2026-11-22T01:00:00Z"}, id="event-2"))
    here.runs(hours=10, until_quiet=False)
    assert sorted(here.media_blobs()) == [
        f"{here.record(task(0)).task.folder}/000{n}-{document_id(n)}.wav" for n in (0, 1)
    ]
    assert (here.state(task(1)), here.source.deleted) == (ChunkState.VERIFIED, [task(0).delete_location])
    here.fakes.catalog.unreadable.clear()
    here.runs(hours=10)
    assert here.state(task(1)) is ChunkState.SOURCE_DELETED


def test_a_recordings_row_of_a_newer_version_waits_for_that_version(here: World) -> None:
    """It may decide something that this version knows nothing of."""
    here.announces(event(chunk(0)))
    here.fakes.catalog.unreadable.add(RECORDING_ID)
    here.fakes.catalog.unreadable_code = Code.NEWER_RECORD
    with pytest.raises(StorageError):
        here.announces(event(chunk(1)))


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


@pytest.mark.parametrize("hours", [25, 49, 6, -3, -25])
@pytest.mark.parametrize("told", [None, "yesterday", "0001-01-01T00:00:00Z"])
def test_an_event_without_a_time_arrives_by_the_clock_of_all(here: World, hours: int, told: str | None) -> None:
    """A deadline that is a day too late would raise no alarm before ACS has forgotten the file."""
    here.skew = timedelta(hours=hours)
    here.announces(event(eventTime=told, data={"recordingStartTime": None}))
    here.skew = timedelta()
    assert here.record().task.expires_at == here.now + timedelta(hours=24)


def test_the_deadline_counts_from_the_event_and_not_from_its_arrival(here: World) -> None:
    """Event Grid may deliver a day late."""
    here.fakes.clock.advance(hours=20)
    here.announces()
    assert here.fakes.queue.tasks[0].expires_at == EVENT_TIME + timedelta(hours=24)
