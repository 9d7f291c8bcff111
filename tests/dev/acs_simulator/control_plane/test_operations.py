"""Start, get, pause, resume and stop, judged by the untouched SDK."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime

import pytest
from azure.communication.callautomation import CallAutomationClient
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError

from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.helpers import WAV, sdk_for, start


def code_of(error: HttpResponseError) -> tuple[int | None, str]:
    """Status and ACS code of what the SDK raised."""
    assert error.response is not None
    return error.status_code, error.response.json()["error"]["code"]  # type: ignore[attr-defined]


@pytest.fixture
def options() -> SimulatorOptions:
    """Slow state changes, so that the time between two requests of a busy machine changes nothing."""
    return SimulatorOptions(activation_delay=60, state_delay=60)


def test_a_recording_goes_through_its_states_as_the_live_service_was_seen_to(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Start answers inactive, and after the stop nobody knows the recording: both surprise callers of the real one."""
    recording = start(sdk, simulator.client.create_call())
    recording_id = recording.recording_id or ""

    def state() -> str | None:
        return sdk.get_recording_properties(recording_id).recording_state

    assert recording.recording_state == state() == "inactive"
    simulator.client.advance(60)
    assert state() == "active"
    sdk.pause_recording(recording_id)
    simulator.client.advance(60)
    assert state() == "inactive"
    sdk.resume_recording(recording_id)
    simulator.client.advance(60)
    assert state() == "active"
    sdk.stop_recording(recording_id)
    with pytest.raises(ResourceNotFoundError) as caught:
        state()
    assert code_of(caught.value) == (404, "8522")


def test_the_recording_id_is_unpadded_base64url_of_json(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Its length breaks table keys and its alphabet breaks naive checks, so it must be the real shape."""
    recording_id = start(sdk, simulator.client.create_call()).recording_id or ""
    assert "=" not in recording_id
    decoded = json.loads(base64.urlsafe_b64decode(recording_id + "=" * (-len(recording_id) % 4)))
    assert list(decoded) == ["PlatformEndpointId", "ResourceSpecificId"]
    assert len(recording_id) > 140


@pytest.mark.parametrize(
    ("kind", "locator"),
    [
        ("server", lambda call: {"server_call_id": call["serverCallId"]}),
        ("group", lambda call: {"group_call_id": call["groupCallId"]}),
        ("room", lambda call: {"room_id": call["roomId"]}),
        ("server", lambda call: {"call_connection_id": call["callConnectionId"]}),
    ],
)
def test_a_call_is_found_by_each_of_its_ids(simulator: SimulatorHandle, sdk: CallAutomationClient, kind, locator):  # type: ignore[no-untyped-def]
    """Callers hold different ids, depending on how they joined the call."""
    call = simulator.client.create_call(kind=kind)
    recording = sdk.start_recording(**locator(call), **WAV)
    assert [one["callId"] for one in simulator.client.recordings()] == [call["callId"]]
    assert recording.recording_kind == "azureCommunicationServices"


def test_only_one_recording_at_a_time_is_allowed_for_a_call(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """A retried start must be told apart from a second recording; afterwards a new one is fine and has a new id."""
    call = simulator.client.create_call()
    first = start(sdk, call).recording_id or ""
    with pytest.raises(HttpResponseError) as caught:
        start(sdk, call)
    assert code_of(caught.value) == (400, "8559")
    sdk.stop_recording(first)
    assert start(sdk, call).recording_id != first


def test_a_start_that_is_repeated_with_its_id_gets_the_same_answer(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """This is how a lost answer does not become a lost or second recording; another body under the id is a mistake."""
    call, other_call = simulator.client.create_call(), simulator.client.create_call()
    headers = {"Repeatability-Request-ID": "3b1f9a52-6a67-4a51-8a3f-1f0d7c1e9b10"}
    first = start(sdk, call, headers=dict(headers))
    again = start(sdk, call, headers=dict(headers))
    assert again.recording_id == first.recording_id
    with pytest.raises(HttpResponseError) as caught:
        start(sdk, other_call, headers=dict(headers))
    assert code_of(caught.value) == (400, "8523")
    assert len(simulator.client.recordings()) == 1


def test_an_answer_lost_after_the_start_is_recovered_by_its_repeatability_id(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """The SDK does not repeat a POST whose connection was reset; whoever does, must not end in 8559."""
    call = simulator.client.create_call()
    simulator.client.add_fault("start_recording", "no_response_after_commit")
    headers = {"Repeatability-Request-ID": "9a4c8f5e-5d5b-4a0e-8b7b-0d9f3d1c2b11"}
    with pytest.raises(ServiceRequestError):
        start(sdk, call, headers=dict(headers))
    recording = start(sdk, call, headers=dict(headers))
    assert [one["recordingId"] for one in simulator.client.recordings()] == [recording.recording_id]


def refusals() -> Iterator[tuple[str, dict[str, str], tuple[int, str]]]:
    """What is asked of which call, and ACS's answer."""
    fine = {"server_call_id": "aHR0cHM6Ly9hcGkuZmxpZ2h0cHJveHkuc2t5cGUuY29tL2E="}
    yield "an id that is no base64", {"server_call_id": "%%%"}, (400, "8523")
    yield "an unknown call", fine, (404, "8522")
    yield "sound as mp4", {"recording_format_type": "mp4"}, (400, "8523")
    yield "picture as wav", {"recording_content_type": "audioVideo"}, (400, "8523")
    yield "unmixed mp3", {"recording_channel_type": "unmixed", "recording_format_type": "mp3"}, (400, "8523")
    yield "a made-up format", {"recording_format_type": "flac"}, (400, "8523")
    yield "a callback over http", {"recording_state_callback_url": "http://127.0.0.1/x"}, (400, "8523")


@pytest.mark.parametrize(("asked", "answer"), [row[1:] for row in refusals()], ids=[row[0] for row in refusals()])
def test_what_acs_refuses_is_refused(simulator: SimulatorHandle, sdk: CallAutomationClient, asked, answer):  # type: ignore[no-untyped-def]
    """The app translates these codes, so they must come as ACS sends them."""
    call = simulator.client.create_call()
    arguments = dict(asked)
    server_call_id = arguments.pop("server_call_id", call["serverCallId"])
    with pytest.raises(HttpResponseError) as caught:
        start(sdk, {"serverCallId": server_call_id}, **arguments)
    assert code_of(caught.value) == answer
    assert simulator.client.recordings() == []


def test_a_call_is_recordable_only_while_it_is_established(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Too early and too late are two answers: one is worth a retry, the other is not."""
    call = simulator.client.create_call(establishAfterSeconds=60)
    with pytest.raises(HttpResponseError) as early:
        start(sdk, call)
    simulator.client.advance(60)
    start(sdk, call)
    simulator.client.end_call(call["callId"])
    with pytest.raises(HttpResponseError) as late:
        start(sdk, call)
    assert (code_of(early.value), code_of(late.value)) == ((400, "8501"), (400, "8528"))


def test_pausing_twice_is_refused(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """The app must know what it asked for; ACS names a code for the wrong state."""
    recording_id = start(sdk, simulator.client.create_call()).recording_id or ""
    simulator.client.advance(60)
    sdk.pause_recording(recording_id)
    simulator.client.advance(60)
    with pytest.raises(HttpResponseError) as caught:
        sdk.pause_recording(recording_id)
    assert code_of(caught.value) == (400, "8573")


def test_what_does_not_show_yet_refuses_the_next(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """A recording that has not begun is not paused, and a pause that is on its way is not ended."""
    recording_id = start(sdk, simulator.client.create_call()).recording_id or ""
    for early, wait in ((sdk.pause_recording, 60), (sdk.resume_recording, 0)):
        with pytest.raises(HttpResponseError) as caught:
            early(recording_id)
        assert code_of(caught.value) == (400, "8573")
        simulator.client.advance(wait)
    sdk.pause_recording(recording_id)
    with pytest.raises(HttpResponseError):
        sdk.resume_recording(recording_id)
    simulator.client.advance(60)
    sdk.resume_recording(recording_id)


def test_answers_carry_the_headers_of_the_live_service(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Support cases are opened with these ids, so the app reads them."""
    seen = {}
    start(
        sdk,
        simulator.client.create_call(),
        headers={"x-ms-client-request-id": "5f1d"},
        raw_response_hook=lambda response: seen.update(response.http_response.headers),
    )
    assert seen["x-ms-client-request-id"] == "5f1d"
    assert seen["X-Microsoft-Skype-Chain-ID"]
    assert seen["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("version", ["2019-01-01", "2030-01-01"])
def test_an_unknown_api_version_is_refused_with_the_message_seen_live(simulator: SimulatorHandle, version: str) -> None:
    """An SDK that is newer than the service must fail loudly, not half work."""
    with sdk_for(simulator, api_version=version) as sdk, pytest.raises(HttpResponseError) as caught:
        sdk.get_recording_properties("any")
    assert f"does not support the API version '{version}'" in str(caught.value)


def test_enum_values_of_older_sdks_are_understood(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """1.2 to 1.5 sent PascalCase; the service takes both."""
    call = simulator.client.create_call()
    start(sdk, call, recording_content_type="Audio", recording_channel_type="Unmixed", recording_format_type="Wav")
    (recording,) = simulator.client.recordings()
    assert (recording["content"], recording["channel"], recording["format"]) == ("audio", "unmixed", "wav")


def test_without_types_a_recording_is_mixed_sound_and_picture(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Seen live: a start that names nothing gives an mp4."""
    sdk.start_recording(server_call_id=simulator.client.create_call()["serverCallId"])
    (recording,) = simulator.client.recordings()
    assert (recording["content"], recording["channel"], recording["format"]) == ("audioVideo", "mixed", "mp4")


def test_times_follow_the_clock_that_was_moved(simulator: SimulatorHandle) -> None:
    """A day must pass in a moment, and never backwards."""
    before = datetime.fromisoformat(simulator.client.now())
    after = datetime.fromisoformat(simulator.client.advance(86_400))
    assert 86_400 <= (after - before).total_seconds() < 86_460
