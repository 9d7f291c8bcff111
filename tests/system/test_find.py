"""Find, on the local world: a recording is found over HTTP while it runs, after it is archived, and by its tags."""

import json
from typing import Any

import urllib3

from tests.system.steps import Steps

PATIENCE_SECONDS = 120.0  # a follow-up waits for the line, and CI has few cores


def asked(world: Steps, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """Return status and content of a call of the app's API."""
    data = json.dumps(body).encode() if body is not None else None
    address = f"{world.world.host_url}/api/{path}"
    answer = urllib3.request(method, address, body=data, headers=headers, timeout=30.0, retries=False)
    return answer.status, json.loads(answer.data)


def test_a_recording_is_found_while_it_runs_and_after_it_is_archived(world: Steps) -> None:
    """From the start over the files to the search, through the functions themselves."""
    call = world.simulator.create_call(["Ann", "Ben"])["serverCallId"]
    body = {"serverCallId": call, "content": "audio", "channel": "mixed", "format": "wav", "tags": {"case": "C-1"}}
    status, started = asked(world, "POST", "recordings", body)
    assert status == 201
    recording_id = started["recordingId"]

    def is_found(query: dict[str, Any]) -> bool | None:
        status, page = asked(world, "POST", "recordings/find", query)
        assert status == 200, page
        return [one["recordingId"] for one in page["recordings"]] == [recording_id] or None

    world.simulator.wait_until(lambda: is_found({"state": "recording", "call": call}), PATIENCE_SECONDS)
    refused = asked(world, "POST", "recordings", body)
    assert (refused[0], refused[1]["code"], refused[1]["recordingId"]) == (409, "already_recording", recording_id)
    world.simulator.advance(5)
    assert asked(world, "POST", f"recordings/{recording_id}/stop")[0] == 202
    world.simulator.wait_until(lambda: is_found({"state": "archived", "tag": "case:C-1"}), PATIENCE_SECONDS)
    (one,) = asked(world, "GET", f"recordings?call={call}")[1]["recordings"]
    assert len(one["participants"]) == 2
    assert is_found({"participant": one["participants"][0]["key"]})
    changed = asked(world, "PATCH", f"recordings/{recording_id}", {"tags": {"case": "C-2"}}, **{"If-Match": "*"})
    assert changed[0] == 200
    world.simulator.wait_until(lambda: is_found({"tag": "case:C-2"}), PATIENCE_SECONDS)
    moments = asked(world, "GET", f"recordings/{recording_id}/timeline")[1]["moments"]
    assert {"command", "event", "media", "step"} <= {moment["kind"] for moment in moments}
