"""Bad days: missing settings, an unreachable ACS, malformed requests. Clear errors, stable codes, nothing lost."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import urllib3

from dev.api import JSON, ApiError
from dev.azurite import Azurite
from dev.functions_host.process import HostProcess
from dev.world import REPOSITORY
from tests.system.steps import Steps, digests

BODIES = {
    b"": "body_missing",
    b"not json": "body_not_json",
    b"[]": "invalid_request",
    b"{}": "locator_missing",
    b'{"serverCallId":"a","roomId":"b"}': "locator_ambiguous",
    b'{"serverCallId":"a","colour":"red"}': "invalid_request",
    b'{"serverCallId":"a","format":"flac"}': "unknown_type",
    b'{"serverCallId":"a","content":"audioVideo","format":"wav"}': "illegal_combination",
    b'{"serverCallId":"a","recordingStateCallbackUri":"http://example.org"}': "invalid_callback",
    b'{"serverCallId":"a","externalStorageContainer":"https://x.blob.core.windows.net/y"}': "unknown_container",
    b'{"serverCallId":"' + b"a" * 70_000 + b'"}': "body_too_large",
}


@pytest.mark.parametrize("body", BODIES)
def test_a_malformed_start_is_answered_with_a_problem_document(world: Steps, body: bytes) -> None:
    """A caller's code can rely on the code; ACS is never asked."""
    before = len(world.simulator.journal(operation="start_recording"))
    answer = urllib3.request("POST", f"{world.world.host_url}/api/recordings", body=body)
    problem = json.loads(answer.data)

    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert (problem["code"], problem["status"]) == (BODIES[body], answer.status)
    assert 400 <= answer.status < 500
    assert len(world.simulator.journal(operation="start_recording")) == before


@pytest.mark.parametrize("action", ["pause", "resume", "stop"])
def test_an_unknown_recording_cannot_be_controlled(world: Steps, action: str) -> None:
    """ACS says 404 with a number; we say it in words."""
    with pytest.raises(ApiError) as refusal:
        world.api.act("bm8tc3VjaC1yZWNvcmRpbmc", action)

    assert (refusal.value.status, refusal.value.code) == (404, "recording_not_found")


def test_an_unknown_recording_is_not_found(world: Steps) -> None:
    """Neither ACS nor the catalog knows it."""
    with pytest.raises(ApiError) as refusal:
        world.api.get("bm8tc3VjaC1yZWNvcmRpbmc")

    assert (refusal.value.status, refusal.value.code) == (404, "recording_not_found")


def test_an_app_without_settings_starts_and_names_each_one(tmp_path: Path, azurite: Azurite) -> None:
    """Health is the first thing an operator looks at; it must work when nothing else does."""
    blank = dict.fromkeys(("ACS_ENDPOINT", "ACS_CONNECTION_STRING", "ARCHIVE_STORAGE"), "")
    settings = {**blank, "RETENTION_HOURS": "soon", "AzureWebJobsStorage": azurite.connection_string}
    with HostProcess(REPOSITORY, settings, tmp_path) as host:
        health = urllib3.request("GET", f"{host.url}/api/health")
        start = urllib3.request("POST", f"{host.url}/api/recordings", body=b'{"serverCallId":"a"}')

    assert (health.status, start.status) == (503, 503)
    assert set(json.loads(health.data)["faults"]) == {"ACS_ENDPOINT", "ARCHIVE_STORAGE", "RETENTION_HOURS"}
    assert "soon" not in health.data.decode()
    assert json.loads(start.data)["code"] == "settings_invalid"


FAULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("content", "no_response", {}),
    ("content", "cut", {}),
    ("content", "close_delimited_cut", {}),
    ("content", "zero_bytes", {}),
    ("content", "short_body", {}),
    ("content", "gzip", {}),
    ("content", "truncated_gzip", {}),
    ("content", "wrong_total", {}),
    # not `grown`: a body with something behind it and lengths to match is a whole file, archived with a remark
    ("content", "status", {"status": 400, "body": "html"}),
    ("content", "status", {"status": 401}),
    ("content", "status", {"status": 404}),
    ("content", "status", {"status": 429, "retry_after": 2}),
    ("metadata", "status", {"status": 503}),
    ("metadata", "invalid_json", {}),
    ("metadata", "mismatch", {}),
    ("metadata", "byte_order_mark", {}),
    ("delete", "status", {"status": 500}),
    ("delete", "no_response_after_commit", {}),
    ("delete", "answer_status", {"status": 202}),
    ("delete", "answer_status", {"status": 204}),
    ("event", "early_event", {"seconds": 3.0}),
]


def test_an_acs_that_fails_in_every_known_way_once_costs_nothing(world: Steps) -> None:
    """Each chunk meets one fault; the queue brings it back, and all end proven in the archive."""
    made: list[JSON] = []
    for operation, kind, arguments in FAULTS:
        recording_id = f"fault-{len(made):02d}-{uuid4().hex[:8]}"
        world.simulator.add_fault(operation, kind, times=1, recording_id=recording_id, **arguments)
        made += world.simulator.create_objects(duration_ms=1500, recording_id=recording_id)

    states = {}
    for one, fault in zip(made, FAULTS, strict=True):
        (chunk,) = world.wait_until_archived(one["recordingId"], chunks=1, patience=90)
        states[fault[:2]] = chunk["state"]

    assert set(states.values()) == {"SOURCE_DELETED"}, states
    wrong = [fault for one, fault in zip(made, FAULTS, strict=True) if world.archived_of([one]) != digests([one])]
    assert wrong == []


def test_an_unreachable_acs_and_storage_give_stable_codes(own_world: Steps) -> None:
    """What the caller sees when the other side is gone, and that the app recovers by itself."""
    call = own_world.simulator.create_call()
    own_world.simulator.add_fault("start_recording", "no_response", times=None)
    with pytest.raises(ApiError) as no_acs:
        own_world.api.start({"serverCallId": call["serverCallId"]})
    own_world.simulator.clear_faults()
    started = own_world.api.start({"serverCallId": call["serverCallId"]})
    own_world.world.stop_storage()
    with pytest.raises(ApiError) as no_storage:
        own_world.api.get(started["recordingId"])

    assert (no_acs.value.status, no_acs.value.code) == (503, "acs_unreachable")
    assert (no_storage.value.status, no_storage.value.code) == (503, "storage_busy")
