"""People in calls: telephone numbers, Teams, and calls of Teams Phone Extensibility."""

import json
from typing import Any

import pytest
from azure.communication.callautomation import (
    CallAutomationClient,
    CommunicationUserIdentifier,
    MicrosoftTeamsAppIdentifier,
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    TeamsExtensionUserIdentifier,
)
from azure.communication.callautomation._shared.models import identifier_from_raw_id
from azure.eventgrid import SystemEventNames

from dev.acs_simulator.client import SimulatorError
from dev.acs_simulator.events.calls import CALL_ENDED, CALL_STARTED
from dev.acs_simulator.options import EventShape, SimulatorOptions
from dev.acs_simulator.state.participants import ParticipantKind, new_participant
from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.helpers import start

RESOURCE = "b52f0c58-6d0e-4a7b-9a55-1f7f8c2f9f10"


@pytest.mark.parametrize(
    ("kind", "identifier"),
    [
        (ParticipantKind.ACS_USER, CommunicationUserIdentifier),
        (ParticipantKind.PHONE, PhoneNumberIdentifier),
        (ParticipantKind.TEAMS_USER, MicrosoftTeamsUserIdentifier),
        (ParticipantKind.TEAMS_EXTENSION_USER, TeamsExtensionUserIdentifier),
        (ParticipantKind.TEAMS_APP, MicrosoftTeamsAppIdentifier),
    ],
)
def test_microsofts_own_reader_takes_a_raw_id_for_its_kind(kind: ParticipantKind, identifier: type) -> None:
    """The oracle: the SDK says from the raw id alone what it is."""
    assert isinstance(identifier_from_raw_id(new_participant("Somebody", RESOURCE, kind).mri), identifier)


@pytest.mark.parametrize("asked", ["+4930901820", {"displayName": "Ann", "phoneNumber": "+4930901820"}])
def test_a_number_is_in_the_call_and_in_the_metadata(
    simulator: SimulatorHandle, sdk: CallAutomationClient, asked: Any
) -> None:
    """A search by number cannot be built where every participant is an ACS user."""
    call = simulator.client.create_call([asked, "Ben"])
    recording_id = start(sdk, call).recording_id or ""
    simulator.client.advance(3)
    simulator.client.end_call(call["callId"])
    simulator.client.advance(5)
    (stored,) = simulator.client.wait_for_objects(recording_id)
    people = [one["participantId"] for one in json.loads(stored["metadata"])["participants"]]
    assert people == [one["mri"] for one in call["participants"]]
    assert people[0] == "4:+4930901820"


def test_a_number_that_is_none_is_refused(simulator: SimulatorHandle) -> None:
    """A typing error must not become an identity."""
    with pytest.raises(SimulatorError, match=r"E\.164"):
        simulator.client.create_call([{"displayName": "Ann", "phoneNumber": "030 901820"}])


WITH_CALL_EVENTS = pytest.mark.parametrize(
    "options", [SimulatorOptions(event=EventShape(call_events=True, recording_id_in_data=True))]
)


@WITH_CALL_EVENTS
def test_calls_tell_of_themselves_only_where_they_run_on_acs_alone(simulator: SimulatorHandle) -> None:
    """Who waits for CallEnded waits for ever with Teams Phone Extensibility."""
    ours = simulator.client.create_call(["+4930901820", "Ben"])
    theirs = simulator.client.create_call(platform="teams_phone")
    for call in (ours, theirs):
        simulator.client.end_call(call["callId"])
    events = simulator.client.wait_until(lambda: found if len(found := simulator.client.events()) == 2 else None)
    assert [one["eventType"] for one in events] == [CALL_STARTED, CALL_ENDED]
    assert {one["data"]["serverCallId"] for one in events} == {ours["serverCallId"]}
    names = (SystemEventNames.AcsCallStartedEventName, SystemEventNames.AcsCallEndedEventName)
    assert tuple(name.value for name in names) == (CALL_STARTED, CALL_ENDED)


@WITH_CALL_EVENTS
def test_a_recording_of_teams_phone_arrives_like_any_other(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Other participants, no call events, and the same event of the same files."""
    call = simulator.client.create_call(platform="teams_phone")
    recording_id = start(sdk, call).recording_id or ""
    simulator.client.advance(3)
    sdk.stop_recording(recording_id)
    simulator.client.advance(5)
    (event,) = simulator.client.wait_until(simulator.client.events)
    assert event["data"]["recordingId"] == recording_id
    assert event["data"]["storageType"] == "ACS"
    (stored,) = simulator.client.objects(recording_id)
    people = [one["participantId"] for one in json.loads(stored["metadata"])["participants"]]
    assert [one.partition(":")[0] for one in people] == ["4", "28", "8"]
    assert people[2].count("_") == 2
