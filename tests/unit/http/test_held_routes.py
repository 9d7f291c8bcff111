"""What administrators ask over HTTP: the list of what is held, and the way back to work."""

import json
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import RECORDING_ID, task
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkState
from recording.domain.state.transitions import moved
from recording.http import routes as http_api
from recording.http.views.attention import LONGEST_SHOWN
from recording.ports import QuarantineEntry
from tests.repo.docs.openapi import check


@pytest.fixture
def here() -> World:
    """One chunk that was given up, and one event that was refused."""
    made = world()
    made.holds(task())
    made.announces()
    made.fakes.queue.sent.clear()
    made.fakes.catalog.save_chunk(moved(made.record(), ChunkState.QUARANTINED, quarantine_reason="source_forbidden"))
    made.fakes.quarantine.put(QuarantineEntry("unreadable_event", "no JSON", "x" * 5000, "event_queue", made.now))
    return made


def look(here: World, **params: str) -> tuple[int, dict[str, Any]]:
    request = func.HttpRequest("GET", "http://localhost/api/held", params=params, body=b"")
    return _answer(http_api.list_held(request, lambda: (here.ports, here.settings)))


def put_back(here: World, **body: Any) -> tuple[int, dict[str, Any]]:
    request = func.HttpRequest("POST", "http://localhost/api/held/redrive", body=json.dumps(body).encode())
    return _answer(http_api.redrive_held(request, lambda: (here.ports, here.settings)))


def _answer(response: func.HttpResponse) -> tuple[int, dict[str, Any]]:
    return response.status_code, json.loads(response.get_body())


def test_the_list_is_as_described_and_cuts_long_payloads(here: World) -> None:
    """A list of a hundred must not be a hundred times 256 KB; the one that is asked for by its id comes whole."""
    status, content = look(here)
    check("HeldList", content)
    assert (status, content["count"], [one["kind"] for one in content["held"]]) == (200, 2, ["chunk", "refused"])
    refused = content["held"][1]
    assert len(refused["payload"]) == LONGEST_SHOWN
    (_, whole) = look(here, id=refused["id"])
    assert len(whole["held"][0]["payload"]) == 5000


def test_filters_and_a_limit_are_kept_to(here: World) -> None:
    """`count` still says how many there are."""
    assert look(here, recordingId=RECORDING_ID)[1]["count"] == 1
    status, content = look(here, top="1")
    assert (status, content["count"], len(content["held"])) == (200, 2, 1)


@pytest.mark.parametrize("params", [{"reasons": "x"}, {"top": "0"}, {"before": "yesterday"}, {"id": ""}])
def test_a_filter_that_is_not_known_is_refused(here: World, params: dict[str, str]) -> None:
    """One that is silently ignored would show all, and a person would believe it."""
    status, content = look(here, **params)
    assert (status, content["code"]) == (400, "invalid_request")


def test_the_function_key_in_the_query_is_no_filter(here: World) -> None:
    """The platform allows it there."""
    assert look(here, code="key", clientId="default")[0] == 200


def test_a_redrive_is_done_and_leaves_its_trail(here: World) -> None:
    """Who put what back is asked one day."""
    status, content = put_back(here, recordingId=RECORDING_ID)
    check("Redriven", content)
    assert (status, len(content["redriven"]), content["skipped"]) == (200, 1, [])
    assert len(here.fakes.queue.tasks) == 1
    trail = [(entry.operation, entry.outcome, entry.recording_id) for entry in here.fakes.audit.written]
    assert trail == [("redrive_held", "asked", RECORDING_ID), ("redrive_held", "done", RECORDING_ID)]


def test_a_dry_run_changes_nothing_and_leaves_no_trail(here: World) -> None:
    """Looking is not doing."""
    status, content = put_back(here, all=True, dryRun=True)
    assert (status, len(content["redriven"]), content["dryRun"]) == (200, 2, True)
    assert (here.fakes.queue.tasks, here.fakes.audit.written) == ([], [])


def test_nothing_chosen_is_not_everything(here: World) -> None:
    """An empty body must not put a year's quarantine back to work."""
    status, content = put_back(here, dryRun=False)
    assert (status, content["code"]) == (400, "nothing_chosen")
    assert here.fakes.queue.tasks == []


def decide(here: World, what: str, **body: Any) -> tuple[int, dict[str, Any]]:
    request = func.HttpRequest("POST", f"http://localhost/api/held/{what}", body=json.dumps(body).encode())
    return _answer(getattr(http_api, f"{what}_held")(request, lambda: (here.ports, here.settings)))


@pytest.mark.parametrize("what", ["dismiss", "retry"])
def test_a_decision_is_answered_as_described(here: World, what: str) -> None:
    """And the list is shorter by it."""
    (one, _) = look(here)[1]["held"]
    assert decide(here, what, id=one["id"])[0] == 400
    assert decide(here, what, note="why")[1]["code"] == "nothing_chosen"
    assert decide(here, what, reason="typo", note="why")[1]["code"] == "unknown_reason"
    status, content = decide(here, what, id=one["id"], note="why")
    check("Decided", content)
    assert (status, content) == (200, {"done": [one["id"]], "skipped": []})
    assert look(here)[1]["count"] == 1


def test_accept_over_http_says_which_bytes_are_missing(here: World) -> None:
    (one, refused) = look(here)[1]["held"]
    assert decide(here, "accept", id=one["id"], note="why")[1]["code"] == "invalid_request"
    assert decide(here, "accept", id=refused["id"], note="why")[0] == 404
