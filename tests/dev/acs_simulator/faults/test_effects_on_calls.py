"""What a scripted fault does to deletes and to the control plane, as the untouched SDK sees it."""

from typing import Any

import pytest
from azure.communication.callautomation import CallAutomationClient
from azure.core.exceptions import AzureError, HttpResponseError

from dev.acs_simulator.client import SimulatorError
from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.helpers import CONTENT, DELETE, METADATA, download, make_object, start


@pytest.mark.parametrize("status", [202, 204, 404, 410, 302])
def test_a_delete_can_be_done_and_answered_otherwise(
    simulator: SimulatorHandle, sdk: CallAutomationClient, status: int
) -> None:
    """The SDK calls 200 alone a success, and raises although the object is gone."""
    stored = make_object(simulator)
    simulator.client.add_fault("delete", "answer_status", status=status, location="https://storage.asm.skype.com/")
    with pytest.raises(HttpResponseError) as caught:
        sdk.delete_recording(DELETE.format(stored["documentId"]))
    assert caught.value.status_code == status
    assert simulator.client.objects()[0]["deletedAt"] is not None


def test_a_delete_can_vanish_after_it_was_done(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """The next attempt gets 404 and must take it for success."""
    stored = make_object(simulator)
    simulator.client.add_fault("delete", "no_response_after_commit")
    with pytest.raises(AzureError):
        sdk.delete_recording(DELETE.format(stored["documentId"]))
    assert simulator.client.objects()[0]["deletedAt"] is not None


@pytest.mark.parametrize(("kind", "has_metadata"), [("keep_object", True), ("delete_metadata_only", False)])
def test_a_delete_can_succeed_without_deleting(
    simulator: SimulatorHandle, sdk: CallAutomationClient, kind: str, *, has_metadata: bool
) -> None:
    """A success that leaves the recording behind is what a privacy officer asks about."""
    stored = make_object(simulator)
    simulator.client.add_fault("delete", kind)
    sdk.delete_recording(DELETE.format(stored["documentId"]))
    assert download(sdk, CONTENT.format(stored["documentId"])).status == 200
    assert (download(sdk, METADATA.format(stored["documentId"])).status == 200) is has_metadata


def test_the_control_plane_speaks_acs_when_it_fails(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Codes travel in the body: known ones come by themselves, others can be given."""
    call = simulator.client.create_call()
    seen = []
    for status, code in ((403, None), (409, None), (429, None), (500, None), (400, "8585")):
        simulator.client.add_fault("start_recording", "status", status=status, code=code)
        with pytest.raises(HttpResponseError) as caught:
            start(sdk, call)
        response: Any = caught.value.response
        seen.append((response.status_code, response.json()["error"]["code"]))
    assert seen == [(403, "7504"), (409, "8571"), (429, "8589"), (500, "9999"), (400, "8585")]
    assert simulator.client.recordings() == []


def test_a_state_of_the_future_and_a_missing_kind_pass_through(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Enums are open by contract; a client that insists breaks on the first addition."""
    recording_id = start(sdk, simulator.client.create_call()).recording_id or ""
    simulator.client.add_fault("get_recording", "unknown_state", state="transcribing")
    simulator.client.add_fault("get_recording", "missing_recording_kind")
    assert sdk.get_recording_properties(recording_id).recording_state == "transcribing"
    assert sdk.get_recording_properties(recording_id).recording_kind is None


def test_a_stop_can_answer_404_though_files_will_come(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """The documented failover issue: a 404 here does not mean that there is nothing to archive."""
    recording_id = start(sdk, simulator.client.create_call()).recording_id or ""
    simulator.client.advance(2)
    simulator.client.add_fault("stop_recording", "not_found_but_done", recording_id=recording_id)
    with pytest.raises(HttpResponseError, match="8522"):
        sdk.stop_recording(recording_id)
    simulator.client.advance(5)
    assert len(simulator.client.wait_for_objects(recording_id)) == 1


def test_an_old_pause_answers_200_and_the_sdk_raises_although_it_paused(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """Older API versions answered so; the state is what counts."""
    recording_id = start(sdk, simulator.client.create_call()).recording_id or ""
    simulator.client.advance(2)
    simulator.client.add_fault("pause_recording", "answer_status", status=200)
    with pytest.raises(HttpResponseError):
        sdk.pause_recording(recording_id)
    simulator.client.advance(1)
    assert simulator.client.recordings()[0]["state"] == "inactive"


def test_a_fault_is_not_used_up_by_a_stranger(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """Otherwise an unsigned request would spoil the script for the app."""
    import urllib3

    url = CONTENT.format(make_object(simulator)["documentId"])
    simulator.client.add_fault("content", "zero_bytes")
    proxy = urllib3.ProxyManager(simulator.addresses.proxy_url, ca_certs=str(simulator.addresses.ca_bundle))
    with proxy:
        assert proxy.request("GET", url).status == 401
    assert simulator.client.faults()[0]["left"] == 1
    assert download(sdk, url).body == b""
    assert simulator.client.faults()[0]["left"] == 0


@pytest.mark.parametrize(
    ("operation", "kind", "arguments"),
    [("content", "lose", {}), ("content", "cut", {"speed": 1}), ("nothing", "cut", {}), ("content", "explode", {})],
)
def test_a_fault_that_makes_no_sense_is_refused(
    simulator: SimulatorHandle, operation: str, kind: str, arguments: dict[str, Any]
) -> None:
    """A fault that silently never strikes would make a test pass for nothing."""
    with pytest.raises(SimulatorError, match="400"):
        simulator.client.add_fault(operation, kind, **arguments)
