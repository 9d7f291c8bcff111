"""From the end of a recording to its files, their metadata and the event that tells of them."""

import hashlib
import json
import re
from datetime import datetime
from typing import Any

import pytest
from azure.communication.callautomation import CallAutomationClient

from dev.acs_simulator.client import JSON
from dev.acs_simulator.options import DeleteLocation, EventShape, SimulatorOptions, SubjectForm
from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.helpers import download, record, start


def only_event(simulator: SimulatorHandle) -> JSON:
    """The event, once it is there; there must be one."""
    (event,) = simulator.client.wait_until(simulator.client.events)
    return event


def chunks_of(event: JSON) -> list[JSON]:
    chunks: list[JSON] = event["data"]["recordingStorageInfo"]["recordingChunks"]
    return chunks


def test_files_and_event_come_some_time_after_the_stop(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """A live event was stamped four seconds after the end; before, there is nothing to fetch."""
    recording_id = record(simulator, sdk)
    assert simulator.client.objects() == simulator.client.events() == []
    simulator.client.advance(4)
    event = only_event(simulator)
    (stored,) = simulator.client.objects()
    (chunk,) = chunks_of(event)
    assert stored["recordingId"] == recording_id
    assert hashlib.sha256(download(sdk, chunk["contentLocation"]).body).hexdigest() == stored["sha256"]
    assert download(sdk, chunk["metadataLocation"]).body.decode() == stored["metadata"]
    sdk.delete_recording(chunk["deleteLocation"])
    assert simulator.client.objects()[0]["deletedAt"] is not None


def test_the_event_has_every_field_of_the_schema(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Parsers are built on these names, the seven digits and the capital letters of the enums."""
    recording_id = record(simulator, sdk, seconds=2)
    simulator.client.advance(4)
    event = only_event(simulator)
    (call,) = simulator.client.calls()
    data, chunk = event["data"], chunks_of(event)[0]
    assert event["eventType"] == "Microsoft.Communication.RecordingFileStatusUpdated"
    assert event["topic"] == simulator.addresses.resource_id == event["topic"].lower()
    expected = f"/recording/call/{call['callId']}/serverCallId/{call['serverCallId']}/recordingId/{recording_id}"
    assert event["subject"] == expected
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", event["eventTime"])
    types = [data[f"recording{name}Type"] for name in ("Content", "Channel", "Format")]
    assert types == ["Audio", "Mixed", "Wav"]
    assert data["recordingDurationMs"] == simulator.client.objects()[0]["durationMs"]
    assert (chunk["index"], chunk["endReason"], data["sessionEndReason"]) == (0, "SessionEnded", "InitiatorLeft")
    assert re.fullmatch(r"0-eus-d12-[0-9a-f]{32}", chunk["documentId"])


def test_a_call_that_ends_ends_its_recording(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Stop is not required, and many apps never call it."""
    call = simulator.client.create_call()
    start(sdk, call)
    simulator.client.advance(2)
    simulator.client.end_call(call["callId"])
    simulator.client.advance(4)
    assert only_event(simulator)["data"]["sessionEndReason"] == "CallEnded"


def test_pauses_are_cut_out_of_the_file_and_listed_in_the_metadata(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """What was said during a pause must not be there; what was said around it must."""
    recording_id = start(sdk, simulator.client.create_call()).recording_id or ""
    simulator.client.advance(2)
    sdk.pause_recording(recording_id)
    simulator.client.advance(60)
    sdk.resume_recording(recording_id)
    simulator.client.advance(2)
    sdk.stop_recording(recording_id)
    simulator.client.advance(4)
    (stored,) = simulator.client.wait_for_objects(recording_id)
    (pause,) = json.loads(stored["metadata"])["pauseResumeIntervals"]
    assert 2_000 <= stored["durationMs"] < 20_000
    assert 59_000 < pause["duration"] < 90_000
    assert stored["lengthBytes"] == 44 + 32 * stored["durationMs"]


def test_a_recording_paused_on_start_and_never_resumed_leaves_nothing(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """No file and no event ever: that is no loss, and must not raise an alarm for ever."""
    record(simulator, sdk, pause_on_start=True)
    simulator.client.advance(60)
    record(simulator, sdk)
    simulator.client.advance(4)
    only_event(simulator)
    assert len(simulator.client.objects()) == 1


def test_unmixed_sound_has_a_channel_for_each_participant(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Only the metadata says who is on which channel."""
    record(simulator, sdk, recording_channel_type="unmixed")
    simulator.client.advance(4)
    only_event(simulator)
    (stored,) = simulator.client.objects()
    (call,) = simulator.client.calls()
    people = json.loads(stored["metadata"])["participants"]
    assert stored["channels"] == 2
    assert people == [
        {"participantId": person["mri"], "channel": channel} for channel, person in enumerate(call["participants"])
    ]


class TestSeveralChunks:
    """Four hours are too long for a test: here a chunk is full after two seconds."""

    @pytest.fixture(params=[False, True], ids=["one event", "an event per chunk"])
    def options(self, request: pytest.FixtureRequest) -> SimulatorOptions:
        shape = EventShape(event_per_chunk=request.param)
        return SimulatorOptions(chunk_max_seconds=2, event=shape)

    def test_a_long_recording_comes_in_chunks_in_either_layout(
        self, simulator: SimulatorHandle, sdk: CallAutomationClient, options: SimulatorOptions
    ) -> None:
        """No source says which layout ACS uses, so both exist; all but the last chunk ended because it was full."""
        recording_id = record(simulator, sdk, seconds=4.5)
        simulator.client.advance(4)
        count = 3 if options.event.event_per_chunk else 1
        events = simulator.client.wait_until(lambda: told if len(told := simulator.client.events()) == count else None)
        chunks = [chunk for event in events for chunk in chunks_of(event)]
        assert [chunk["index"] for chunk in chunks] == [0, 1, 2]
        assert [chunk["endReason"] for chunk in chunks] == ["ChunkMaximumSizeExceeded"] * 2 + ["SessionEnded"]
        stored = simulator.client.objects(recording_id)
        assert [one["durationMs"] for one in stored[:2]] == [2_000, 2_000]
        total = sum(one["durationMs"] for one in stored)
        assert {event["data"]["recordingDurationMs"] for event in events} == {total}
        assert len({one["sha256"] for one in stored}) == 3


class TestOlderShapes:
    """Every shape that was seen must be possible."""

    @pytest.fixture(
        params=[
            EventShape(SubjectForm.CALL, DeleteLocation.NONE, types_present=False),
            EventShape(SubjectForm.RECORDING, DeleteLocation.DELETE_DATA),
            EventShape(SubjectForm.SERVER_CALL),
        ]
    )
    def options(self, request: pytest.FixtureRequest) -> SimulatorOptions:
        return SimulatorOptions(event=request.param)

    def test_older_events_lack_what_came_later(self, simulator: SimulatorHandle, options: SimulatorOptions) -> None:
        """Subjects without ids, no delete location, no types: the app must live with each."""
        (stored,) = simulator.client.create_objects()
        event = only_event(simulator)
        (chunk,) = chunks_of(event)
        parts = set(re.findall(r"serverCallId|recordingId", event["subject"]))
        expected: dict[SubjectForm, set[str]] = {
            SubjectForm.CALL: set(),
            SubjectForm.RECORDING: {"recordingId"},
            SubjectForm.SERVER_CALL: {"serverCallId"},
        }
        assert parts == expected[options.event.subject]
        assert ("recordingFormatType" in event["data"]) is options.event.types_present
        delete = {
            DeleteLocation.NONE: None,
            DeleteLocation.DELETE_DATA: chunk["contentLocation"].replace("/video", "/deletedata"),
            DeleteLocation.OBJECT: f"https://us-storage.asm.skype.com/v1/objects/{stored['documentId']}",
        }
        assert chunk.get("deleteLocation") == delete[options.event.delete_location]


def test_an_event_can_come_before_its_objects_can_be_read(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """404 then means not yet: the same status as after the expiry."""
    simulator.client.add_fault("event", "early_event", seconds=30)
    simulator.client.create_objects()
    location = chunks_of(only_event(simulator))[0]["contentLocation"]
    assert download(sdk, location).status == 404
    simulator.client.advance(30)
    assert download(sdk, location).status == 200


def test_an_event_can_be_late_or_never_come(simulator: SimulatorHandle) -> None:
    """Late past the retention is as bad as never: both are found by reconciling."""
    simulator.client.add_fault("event", "lose")
    simulator.client.add_fault("event", "late", skip=1, seconds=90_000)
    simulator.client.create_objects()
    simulator.client.create_objects()
    assert simulator.client.events() == []
    simulator.client.advance(90_000)
    event = only_event(simulator)
    age = datetime.fromisoformat(simulator.client.now()) - datetime.fromisoformat(event["eventTime"][:26] + "+00:00")
    assert age.total_seconds() >= 90_000
    assert not any(one["isReadable"] for one in simulator.client.objects())


def test_media_can_be_made_in_every_documented_combination(simulator: SimulatorHandle) -> None:
    """The demo needs each kind, and a wrong combination must be refused like ACS would."""
    for content, channel, file_format in (
        ("audioVideo", "mixed", "mp4"),
        ("audio", "mixed", "mp3"),
        ("audio", "unmixed", "wav"),
    ):
        options: dict[str, Any] = {"content": content, "channel": channel, "format": file_format, "durationMs": 500}
        (stored,) = simulator.client.create_objects(**options)
        assert (stored["format"], stored["durationMs"]) == (file_format, 500)
        assert stored["lengthBytes"] > 1000
