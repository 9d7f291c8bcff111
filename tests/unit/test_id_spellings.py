"""One recording under several spellings of its id is one recording, wherever ids are compared."""

import base64
import json
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import CALL_ID, RECORDING_ID, event, task
from dev.in_memory.fakes.control import FakeControl
from dev.in_memory.fakes.log import FakeLog
from dev.in_memory.world import World, world
from recording.domain.find.find_query import FindQuery
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.recording import LastAction
from recording.errors import RequestError
from recording.http import console_data, routes
from recording.http import library as http_library
from recording.library.directory import find
from recording.library.handover.export import request_export
from recording.library.keep.erasures import request_erasure
from recording.operate.attention import needs_attention
from recording.operate.find_recording import find_recording
from recording.ports import RecordingSummary

PADDED = RECORDING_ID + "=" * (-len(RECORDING_ID) % 4)
GUID = json.loads(base64.urlsafe_b64decode(PADDED))["ResourceSpecificId"]
SPELLINGS = {"as kept": RECORDING_ID, "padded": PADDED}
by_any_spelling = pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)


class StrictControl(FakeControl):
    """An ACS that knows its recordings only as it spells them itself."""

    def _start_new(self, options: Any) -> str:
        recording_id = super()._start_new(options)
        self.started[PADDED] = self.started.pop(recording_id)
        self.states[PADDED] = self.states.pop(recording_id)
        return PADDED


@pytest.fixture
def here() -> World:
    made = world()
    made.holds(task())
    return made


def request(spelling: str, body: dict[str, Any] | None = None) -> func.HttpRequest:
    return func.HttpRequest(
        method="POST",
        url="https://app.azurewebsites.net/api/recordings",
        route_params={"recordingId": spelling},
        headers={"If-Match": "*"},
        body=json.dumps(body).encode() if body else b"",
    )


def answer(response: func.HttpResponse) -> dict[str, Any]:
    assert response.status_code < 300, response.get_body()
    content: dict[str, Any] = json.loads(response.get_body())
    return content


def test_the_example_needs_padding() -> None:
    """Else the two spellings here would be one."""
    assert PADDED != RECORDING_ID


@by_any_spelling
def test_a_recording_is_got_changed_and_told_of_by_any_spelling(here: World, spelling: str) -> None:
    """Whoever has the id from ACS may have it padded; whoever has it from an event may not."""
    here.announces()
    here.runs(hours=1)

    def given() -> Any:
        return here.ports, here.settings

    assert answer(routes.get_recording(request(spelling), given))["recordingId"] == RECORDING_ID
    assert len(answer(http_library.recording_timeline(request(spelling), given))["moments"]) > 3
    answer(http_library.tag_recording(request(spelling, {"tags": {"case": "7"}}), given))
    assert here.fakes.catalog.recordings[RECORDING_ID].current_tags == {"case": "7"}
    assert {entry.recording_id for entry in here.fakes.audit.written} == {RECORDING_ID}


@pytest.mark.parametrize("event_id", SPELLINGS.values(), ids=SPELLINGS)
@by_any_spelling
def test_a_start_and_its_events_are_one_recording(event_id: str, spelling: str) -> None:
    """Two rows would be a recording that is missing for ever, and one that nobody started."""
    here = world()
    control = StrictControl()
    object.__setattr__(here.fakes, "control", control)
    here.holds(task())

    def given() -> Any:
        return here.ports, here.settings

    started = answer(routes.start_recording(request("", {"serverCallId": "aHR0cHM6Ly9jYWxs"}), given))
    assert started["recordingId"] == RECORDING_ID
    for switch in (routes.pause_recording, routes.resume_recording):
        assert answer(switch(request(spelling), given))["recordingId"] == RECORDING_ID
    assert answer(routes.get_recording(request(spelling), given))["acsState"] == "active"
    here.reconciles()
    answer(routes.stop_recording(request(spelling), given))
    here.announces(event(subject=f"/recording/call/{CALL_ID}/recordingId/{event_id}"))
    here.runs(hours=30)
    (record,) = here.fakes.catalog.recordings.values()
    assert (record.recording_id, record.last_action, record.missing_since) == (RECORDING_ID, LastAction.STOPPED, None)
    assert needs_attention(here.ports, here.settings).items == ()


@by_any_spelling
def test_acss_log_and_the_events_are_about_one_recording(here: World, spelling: str) -> None:
    """A row of the log under another spelling must not be raised as a recording without files."""
    rows = RecordingSummary(spelling, 1, here.now, here.now - timedelta(hours=1))
    object.__setattr__(here.fakes, "log", FakeLog(rows))
    here.announces()
    here.runs(hours=3, until_quiet=False)
    assert list(here.fakes.catalog.recordings) == [RECORDING_ID]
    assert here.fakes.catalog.recordings[RECORDING_ID].chunk_count == 1


@pytest.mark.parametrize("spelling", [*SPELLINGS.values(), GUID, GUID.upper()])
def test_what_is_held_is_found_by_any_spelling(here: World, spelling: str) -> None:
    """Also by the GUID within the id, which other systems log."""
    subject = f"/recording/call/{CALL_ID}/recordingId/{PADDED}"
    here.announces(event(subject=subject, topic="/another/resource"))
    chosen = HeldFilter(recording_id=spelling)
    (item,) = needs_attention(here.ports, here.settings, chosen).items
    assert item.recording_id == RECORDING_ID
    with pytest.raises(RequestError):
        needs_attention(here.ports, here.settings, HeldFilter(recording_id="another"))


@pytest.mark.parametrize("spelling", [*SPELLINGS.values(), GUID, GUID.upper()])
def test_an_operator_names_a_recording_by_any_spelling(here: World, spelling: str) -> None:
    """What is pasted from ACS's portal or log works."""
    here.announces()
    here.runs(hours=1)
    assert find_recording(spelling, here.ports) == RECORDING_ID


@pytest.mark.parametrize("call", [CALL_ID, CALL_ID.upper()])
def test_a_call_is_found_by_any_spelling(here: World, call: str) -> None:
    """GUIDs are written in capitals by some systems."""
    here.announces()
    here.runs(hours=1)
    found = find(FindQuery(call=call), here.ports, here.settings)
    assert [one.recording.recording_id for one in found.items] == [RECORDING_ID]


@by_any_spelling
def test_a_request_in_a_body_or_a_query_names_a_recording_by_any_spelling(here: World, spelling: str) -> None:
    """As one in a path does: who must erase it is not told that there is none, and its trail is not empty."""
    here.announces()
    here.runs(hours=1)
    here.follows_up()
    twice = [spelling, RECORDING_ID]
    made = request_erasure({"recordings": twice, "reason": "3 May"}, "alice", here.ports, here.settings)
    assert made.recordings == (RECORDING_ID,)
    assert request_export({"recordings": twice}, "carol", here.ports, here.settings)["recordings"] == 1
    body = json.dumps({"recordingId": spelling}).encode()
    asked = func.HttpRequest("POST", "https://app/api/held/redrive", body=body)
    answer(routes.redrive_held(asked, lambda: (here.ports, here.settings)))
    assert {entry.recording_id for entry in here.fakes.audit.written} == {RECORDING_ID}
    asked = func.HttpRequest("GET", "https://app/api/console/api/audit", params={"recording": spelling}, body=b"")
    told = answer(console_data.read_audit(asked, lambda: (here.ports, here.settings)))
    assert {entry["operation"] for entry in told["entries"]} == {"redrive_held"}
