"""The topic, held against Microsoft's own publisher and its own readers of envelopes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient, SystemEventNames

from dev.acs_simulator.events.file_status import EVENT_TYPE
from dev.acs_simulator.threaded import SimulatorHandle


@pytest.fixture
def publisher(simulator: SimulatorHandle) -> Iterator[EventGridPublisherClient]:
    with publisher_for(simulator, simulator.addresses.topic_key) as client:
        yield client


def publisher_for(simulator: SimulatorHandle, key: str) -> EventGridPublisherClient:
    return EventGridPublisherClient(simulator.addresses.topic_endpoint, AzureKeyCredential(key), retry_total=0)


def recording_event(**changes: Any) -> EventGridEvent:
    name = SystemEventNames.AcsRecordingFileStatusUpdatedEventName
    facts = {"subject": "/recording/call/c", "event_type": name, "data": {"é": 1}, "data_version": "1.0"}
    return EventGridEvent(**{**facts, **changes})


def test_the_event_type_is_the_name_microsoft_gives_it() -> None:
    """A letter off, and no subscription's filter lets it through."""
    assert SystemEventNames.AcsRecordingFileStatusUpdatedEventName.value == EVENT_TYPE


def test_what_acs_tells_is_an_event_to_microsofts_own_reader(simulator: SimulatorHandle) -> None:
    """The oracle: whatever the stand-in leaves out or misnames, `from_dict` refuses or drops."""
    stored = simulator.client.create_objects(chunks=2)
    told = simulator.client.wait_until(simulator.client.events)[0]
    read = EventGridEvent.from_json(json.dumps(told))
    assert (read.id, read.topic, read.data_version) == (told["id"], simulator.addresses.resource_id, "1.0")
    assert read.event_type == SystemEventNames.AcsRecordingFileStatusUpdatedEventName.value
    assert stored[0]["recordingId"] in str(read.subject)
    assert told["eventTime"].endswith("Z")
    assert len(told["eventTime"]) == len("2021-07-27T15:20:34.2199328Z"), "seven digits, as the service writes"


def test_microsofts_publisher_publishes_here(simulator: SimulatorHandle, publisher: EventGridPublisherClient) -> None:
    """A stranger's sender needs no other code for this topic than for the real one."""
    publisher.send([recording_event(), recording_event(subject="/recording/call/d")])
    first, second = simulator.client.events()
    assert (first["data"], second["subject"]) == ({"é": 1}, "/recording/call/d")


@pytest.mark.parametrize(("data", "kept"), [({"a": [1]}, {"data": {"a": [1]}}), (b"\x00\xff", {"data_base64": "AP8="})])
def test_a_cloud_event_can_be_published_too(
    simulator: SimulatorHandle, publisher: EventGridPublisherClient, data: Any, kept: dict[str, Any]
) -> None:
    """Binary data travels as base64, and stays so for whoever gets the CloudEvents schema."""
    publisher.send(CloudEvent(source="/ours", type=EVENT_TYPE, data=data, subject="/recording/call/c"))
    (told,) = simulator.client.events()
    assert (told["topic"], told["eventType"], told["subject"]) == ("/ours", EVENT_TYPE, "/recording/call/c")
    assert kept.items() <= told.items()


def test_a_wrong_key_publishes_nothing(simulator: SimulatorHandle) -> None:
    """A topic that takes anything from anybody would hide a sender's wrong configuration."""
    with publisher_for(simulator, "d3Jvbmc=") as stranger, pytest.raises(ClientAuthenticationError):
        stranger.send(recording_event())
    assert simulator.client.events() == []


@pytest.mark.parametrize("field", ["id", "subject", "eventType", "eventTime", "dataVersion"])
def test_an_event_that_lacks_a_field_is_refused_as_event_grid_does(
    simulator: SimulatorHandle, publisher: EventGridPublisherClient, field: str
) -> None:
    """The reason is told, as the real service tells it."""
    event = {"id": "1", "subject": "s", "eventType": "t", "eventTime": "2026-01-01T00:00:00Z", "dataVersion": "1"}
    with pytest.raises(HttpResponseError, match=field):
        publisher.send({**event, "data": {}, field: ""})
    assert simulator.client.events() == []


@pytest.mark.parametrize("value", [None, "", "11/27/2026"])
def test_an_odd_event_of_acs_itself_is_not_held_up(simulator: SimulatorHandle, value: str | None) -> None:
    """The service that owns a system topic is checked by nobody: what it sends arrives."""
    simulator.client.add_fault("event", "odd_time", value=value)
    simulator.client.create_objects()
    (told,) = simulator.client.wait_until(simulator.client.events)
    assert told.get("eventTime") == value
    assert simulator.client.health()["failures"] == []
