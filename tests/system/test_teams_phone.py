"""A recording of Teams Phone Extensibility goes through the whole line like any other."""

import json

import pytest
from azure.storage.blob import BlobServiceClient

from tests.system.steps import Steps

pytestmark = [pytest.mark.azurite, pytest.mark.scenario]


def test_a_call_of_teams_phone_is_archived_with_its_people_and_no_log_names_them(world: Steps) -> None:
    """A caller by telephone, a resource account and an agent, and no call event that would tell of its end."""
    call = world.simulator.create_call(platform="teams_phone")
    caller = next(one["mri"] for one in call["participants"] if one["mri"].startswith("4:"))
    asked = {"serverCallId": call["serverCallId"], "content": "audio", "channel": "unmixed", "format": "wav"}
    recording_id = world.api.start(asked)["recordingId"]
    world.simulator.advance(5)
    world.api.act(recording_id, "stop")
    world.simulator.advance(10)
    (chunk,) = world.wait_until_archived(recording_id, 1)
    assert chunk["state"] == "SOURCE_DELETED"
    with BlobServiceClient.from_connection_string(world.world.storage) as service:
        container = service.get_container_client("recordings")
        (name,) = [
            blob.name for blob in container.list_blobs() if chunk["documentId"] in blob.name and "metadata" in blob.name
        ]
        people = json.loads(container.download_blob(name).readall().decode("utf-8-sig"))["participants"]
    assert [one["participantId"] for one in people] == [one["mri"] for one in call["participants"]]
    assert caller.removeprefix("4:") not in world.world.log_path().read_text(errors="replace")
