"""Who is in a call changes while it is recorded, and many calls are recorded at once."""

import json

import pytest
from azure.communication.callautomation import CallAutomationClient

from dev.acs_simulator.client import JSON, SimulatorError
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.helpers import start


@pytest.fixture
def options() -> SimulatorOptions:
    """Files of ten seconds, so that a call has several."""
    return SimulatorOptions(chunk_max_seconds=10)


def people_of(stored: JSON) -> list[str]:
    """The raw ids that a chunk's document names."""
    return [one["participantId"] for one in json.loads(stored["metadata"])["participants"]]


def test_each_file_names_those_who_were_in_the_call_meanwhile(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """A caller by telephone hands over to a colleague; the second file does not name who left before it."""
    client = simulator.client
    call = client.create_call(["Ann", "+4930901820"])
    recording_id = start(sdk, call).recording_id or ""
    client.advance(6)
    joined = client.join(call["callId"], "+4930901821", {"displayName": "Cleo", "kind": "teams_user"})
    assert [one["displayName"] for one in joined["participants"]] == ["Ann", "+4930901820", "+4930901821", "Cleo"]
    client.leave(call["callId"], "Ann")
    client.advance(20)
    client.leave(call["callId"], "4:+4930901820")
    client.advance(10)
    client.end_call(call["callId"])
    client.advance(10)
    files = sorted(client.wait_for_objects(recording_id, 4), key=lambda one: one["index"])
    ann, cleo = call["participants"][0]["mri"], joined["participants"][-1]["mri"]
    assert people_of(files[0]) == [ann, "4:+4930901820", "4:+4930901821", cleo]
    assert people_of(files[1]) == ["4:+4930901820", "4:+4930901821", cleo]
    assert people_of(files[-1]) == ["4:+4930901821", cleo]


def test_unmixed_files_have_a_channel_for_each_who_was_there(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """The document tells which channel is whose."""
    client = simulator.client
    call = client.create_call(["Ann", "Ben", "+4930901820"])
    recording_id = start(sdk, call, recording_channel_type="unmixed").recording_id or ""
    client.advance(8)
    client.leave(call["callId"], "Ben")
    client.advance(12)
    client.end_call(call["callId"])
    client.advance(10)
    files = sorted(client.wait_for_objects(recording_id, 2), key=lambda one: one["index"])
    counts = [len(people_of(one)) for one in files]
    channels = [json.loads(one["metadata"])["recordingInfo"]["audioConfiguration"]["channels"] for one in files]
    assert counts == channels == [3, 2]


def test_who_comes_back_is_named_once(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """A line that drops and dials again."""
    client = simulator.client
    call = client.create_call(["Ann", "+4930901820"])
    recording_id = start(sdk, call).recording_id or ""
    client.advance(3)
    client.leave(call["callId"], "+4930901820")
    client.join(call["callId"], "+4930901820")
    client.advance(3)
    client.end_call(call["callId"])
    client.advance(10)
    (stored,) = client.wait_for_objects(recording_id, 1)
    assert sorted(people_of(stored))[0] == "4:+4930901820"
    assert len(people_of(stored)) == 2


def test_nobody_leaves_twice_or_joins_what_is_over(simulator: SimulatorHandle) -> None:
    """A script that is wrong is told so."""
    client = simulator.client
    call = client.create_call(["Ann"])
    client.leave(call["callId"], "Ann")
    with pytest.raises(SimulatorError, match="Ann is not in the call"):
        client.leave(call["callId"], "Ann")
    client.end_call(call["callId"])
    with pytest.raises(SimulatorError, match="the call is over"):
        client.join(call["callId"], "Ben")


def test_many_calls_are_recorded_at_once(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """A contact centre: callers with numbers of their own, and agents who take several calls."""
    client = simulator.client
    calls = client.begin_calls(12, agents=3)
    callers = {call["participants"][0]["mri"] for call in calls}
    agents = {call["participants"][1]["mri"] for call in calls}
    assert (len(callers), len(agents)) == (12, 3)
    assert all(caller.startswith("4:+1555") for caller in callers)
    recordings = {start(sdk, call).recording_id for call in calls}
    client.advance(3)
    for call in calls:
        client.end_call(call["callId"])
    client.advance(10)
    stored = client.wait_until(lambda: found if len(found := client.objects()) >= len(calls) else None)
    assert {one["recordingId"] for one in stored} == recordings
    assert {mri for one in stored for mri in people_of(one)} == callers | agents
