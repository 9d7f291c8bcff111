"""The routes of find and tags: pages go on, tags change under their ETag, and no answer names a person."""

import json
from datetime import datetime
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import CALL_ID, RECORDING_ID, SERVER_CALL_ID, event, metadata, task
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.world import World, world
from recording.domain.ids import name_of
from recording.domain.incoming.roles import Operation
from recording.errors.codes import Code
from recording.http import library as http_library
from recording.http import routes as http_api
from recording.ports import AuditEntry
from tests.repo.docs.openapi import check


def archived(count: int = 1) -> World:
    """So many recordings are archived; the one of the builders is the newest."""
    here = world()
    for number in range(1, count):
        subject = f"/recording/call/call-{number}/serverCallId/x-{number}/recordingId/recording-{number}"
        here.announces(event(subject=subject, data={"recordingStartTime": f"2026-11-23T07:{number:02d}:00Z"}))
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    return here


def get(here: World, **params: str) -> func.HttpResponse:
    request = func.HttpRequest("GET", "http://localhost/api/recordings", params=params, headers={}, body=b"")
    return http_library.find_recordings(request, lambda: (here.ports, here.settings))


def post(here: World, body: Any) -> func.HttpResponse:
    content = json.dumps(body).encode()
    request = func.HttpRequest("POST", "http://localhost/api/recordings/find", headers={}, body=content)
    return http_library.search_recordings(request, lambda: (here.ports, here.settings))


def patch(here: World, tags: Any, if_match: str | None, recording_id: str = RECORDING_ID) -> func.HttpResponse:
    request = func.HttpRequest(
        "PATCH",
        f"http://localhost/api/recordings/{recording_id}",
        headers={"If-Match": if_match} if if_match else {},
        route_params={"recordingId": recording_id},
        body=json.dumps({"tags": tags}).encode(),
    )
    return http_library.tag_recording(request, lambda: (here.ports, here.settings))


def read(here: World) -> func.HttpResponse:
    request = func.HttpRequest(
        "GET", "http://localhost/api/recordings/x", route_params={"recordingId": RECORDING_ID}, body=b""
    )
    return http_api.get_recording(request, lambda: (here.ports, here.settings))


def content(answer: func.HttpResponse) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.get_body())
    return found


def test_a_page_is_as_described_and_names_nobody() -> None:
    """Callers generate clients from the document; answers end up in their logs."""
    answer = post(archived(), {"number": PHONE, "call": CALL_ID})
    assert answer.status_code == 200
    check("FoundPage", content(answer))
    assert content(answer)["count"] == 1
    assert PHONE not in answer.get_body().decode()
    assert PARTICIPANT not in answer.get_body().decode()


def test_the_hash_of_an_answer_finds_again() -> None:
    """A URL to share that names nobody."""
    here = archived()
    people = content(get(here))["recordings"][0]["participants"]
    assert [one["isNumber"] for one in people].count(True) == 1
    for one in people:
        assert content(get(here, participant=one["key"]))["count"] == 1


def test_pages_go_on_to_the_end_while_recordings_are_added() -> None:
    """No recording twice and none left out."""
    here = archived(8)
    seen, token = [], ""
    while True:
        page = content(get(here, limit="3", **({"next": token} if token else {})))
        seen += [one["recordingId"] for one in page["recordings"]]
        late = f"late-{len(seen)}"
        here.announces(event(subject=f"/recording/call/c/serverCallId/y/recordingId/{late}"))
        here.runs_due()
        here.follows_up()
        token = page["next"]
        if token is None:
            break
    assert seen == [RECORDING_ID, *(f"recording-{number}" for number in range(7, 0, -1))]


@pytest.mark.parametrize("change", [{"format": "wav"}, {"from": "2026-01-01T00:00:00Z"}, {"call": CALL_ID}])
def test_a_token_belongs_to_its_query(change: dict[str, str]) -> None:
    """Going on with other filters would leave out recordings unnoticed."""
    here = archived(8)
    token = content(get(here, limit="3"))["next"]
    assert content(get(here, limit="5", next=token))["count"] == 5
    answer = get(here, next=token, **change)
    assert (answer.status_code, content(answer)["code"]) == (400, "invalid_next")


@pytest.mark.parametrize("forged", ["x", "AAAA", "A" * 200, "%%%", "\u00e9"])
def test_a_forged_token_is_refused(forged: str) -> None:
    """What is not ours is not read."""
    assert content(get(archived(), next=forged))["code"] == "invalid_next"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"number": "123456"}, "invalid_number"),
        ({"number": "call me"}, "invalid_number"),
        ({"tag": "novalue"}, "invalid_tag"),
        ({"tag": ":value"}, "invalid_tag"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "invalid_range"),
        ({"format": "flac"}, "unknown_type"),
        ({"state": "lost"}, "invalid_request"),
        ({"limit": "0"}, "invalid_request"),
        ({"limit": "201"}, "invalid_request"),
        ({"colour": "red"}, "invalid_request"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_code(params: dict[str, str], code: str) -> None:
    """A misspelt filter that is ignored finds too much."""
    answer = get(archived(), **params)
    assert (answer.status_code, content(answer)["code"]) == (400, code)


def test_tags_change_under_their_etag_and_are_found() -> None:
    """Also of a recording that was started elsewhere, and the manifest has them."""
    here = archived()
    etag = read(here).headers["ETag"]
    answer = patch(here, {"case": "C-1:2", "team": "north"}, etag)
    assert answer.status_code == 200
    check("Tagged", content(answer))
    assert answer.headers["ETag"] == read(here).headers["ETag"] != etag
    here.follows_up()
    assert content(get(here, tag="case:C-1:2"))["count"] == 1
    assert here.manifest()["tags"] == {"case": "C-1:2", "team": "north"}
    assert patch(here, {"team": None}, "*").status_code == 200
    here.follows_up()
    assert content(get(here, tag="team:north"))["count"] == 0
    assert content(read(here))["tags"] == {"case": "C-1:2"}


def test_a_change_of_something_else_does_not_cost_the_etag() -> None:
    """Reconcile writes the same row every few minutes."""
    here = archived()
    etag = read(here).headers["ETag"]
    here.runs(hours=2, until_quiet=False)
    assert patch(here, {"case": "C-1"}, etag).status_code == 200


@pytest.mark.parametrize(
    ("tags", "if_match", "status", "code"),
    [
        ({"a": "b"}, None, 428, "etag_missing"),
        ({"a": "b"}, '"another"', 412, "etag_mismatch"),
        ({f"t{number}": "x" for number in range(21)}, "*", 400, "too_many_tags"),
        ({"": "b"}, "*", 400, "invalid_request"),
        ({"a": "b" * 257}, "*", 400, "invalid_request"),
        ("a:b", "*", 400, "invalid_request"),
    ],
)
def test_tags_that_cannot_be_set_are_refused(tags: Any, if_match: str | None, status: int, code: str) -> None:
    """Nothing is changed, and the answer says why."""
    here = archived()
    answer = patch(here, tags, if_match)
    assert (answer.status_code, content(answer)["code"]) == (status, code)
    assert content(read(here))["tags"] is None


def test_tags_of_an_unknown_recording_are_not_found() -> None:
    """A row for a recording that never was would be looked for ever after."""
    answer = patch(archived(), {"a": "b"}, "*", "never-was")
    assert (answer.status_code, content(answer)["code"]) == (404, "recording_not_found")


def test_a_change_of_tags_is_in_the_audit_trail() -> None:
    """Who renamed what."""
    here = archived()
    patch(here, {"a": "b"}, "*")
    assert [(one.operation, one.outcome) for one in here.fakes.audit.written] == [
        ("tag_recording", "asked"),
        ("tag_recording", "done"),
    ]


def test_a_second_start_names_the_recording_that_runs() -> None:
    """ACS says only that there is one; the caller needs to know which."""
    here = world()
    first = start(here)
    here.follows_up()
    refused = start(here)
    assert (refused.status_code, content(refused)["code"]) == (409, "already_recording")
    assert content(refused)["recordingId"] == content(first)["recordingId"]
    check("Problem", content(refused))


def test_a_recording_that_runs_is_found_by_its_state_and_not_after_its_end() -> None:
    """`recording` is what is going on now."""
    here = world()
    running = content(start(here))["recordingId"]
    here.follows_up()
    assert [one["recordingId"] for one in content(get(here, state="recording"))["recordings"]] == [running]
    request = func.HttpRequest("POST", "http://localhost/", route_params={"recordingId": running}, body=b"")
    http_api.stop_recording(request, lambda: (here.ports, here.settings))
    here.follows_up()
    assert content(get(here, state="recording"))["count"] == 0
    here.runs(hours=3, until_quiet=False)
    assert [one["recordingId"] for one in content(get(here, state="missing"))["recordings"]] == [running]


def start(here: World) -> func.HttpResponse:
    body = json.dumps({"serverCallId": SERVER_CALL_ID}).encode()
    request = func.HttpRequest("POST", "http://localhost/api/recordings", headers={}, body=body)
    return http_api.start_recording(request, lambda: (here.ports, here.settings))


def timeline(here: World, recording_id: str = RECORDING_ID, **params: str) -> func.HttpResponse:
    route = {"recordingId": recording_id}
    request = func.HttpRequest("GET", "http://localhost/", params=params, route_params=route, body=b"")
    return http_library.recording_timeline(request, lambda: (here.ports, here.settings))


def test_the_timeline_has_commands_events_media_steps_and_what_is_planned_in_one_order() -> None:
    """One page tells the whole story, also when several systems have a part in it."""
    here = world()
    pauses = [{"startTime": "2026-11-23T08:56:00.5Z", "duration": 300}]
    here.holds(task(), document=metadata(pauseResumeIntervals=pauses, chunkDuration=2300))
    here.announces()
    here.runs_due()
    here.fakes.clock.advance(minutes=1)
    here.follows_up()
    patch(here, {"case": "C-1"}, "*")
    answer = timeline(here)
    check("Timeline", content(answer))
    moments = content(answer)["moments"]
    assert [one["at"] for one in moments] == sorted(one["at"] for one in moments)
    said = [(one["kind"], one["what"].split(":")[0]) for one in moments]
    for part in [
        ("media", "the file begins"),
        ("media", "paused"),
        ("media", "resumed"),
        ("media", "the file ends"),
        ("event", "announced by event event-1"),
        ("step", "copied"),
        ("step", "verified"),
        ("step", "source deleted"),
        ("step", "can be found"),
        ("command", "tag_recording"),
    ]:
        assert part in said, part
    assert PHONE not in answer.get_body().decode()
    assert PARTICIPANT not in answer.get_body().decode()


@pytest.mark.parametrize(("zone", "local"), [("Europe/Berlin", "+01:00"), ("-03:30", "-03:30"), (" 05:45", "+05:45")])
def test_the_timeline_tells_local_time_beside_utc(zone: str, local: str) -> None:
    """A complaint names the clock on the wall; the platform reads a plus in a query string as a space."""
    told = content(timeline(archived(), timeZone=zone))
    check("Timeline", told)
    for one in told["moments"]:
        assert one["localAt"].endswith(local)
        assert datetime.fromisoformat(one["localAt"]) == datetime.fromisoformat(one["at"])
    plain = content(timeline(archived()))
    assert {one["localAt"] for one in plain["moments"]} == {None} == {plain["timeZone"]}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", "+25:00", "\x00", "x" * 300])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    """Never a traceback, and no file outside the database is opened."""
    answer = timeline(archived(), timeZone=zone)
    assert (answer.status_code, content(answer)["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("operation", list(Operation))
def test_every_act_of_the_audit_trail_is_in_the_timeline(operation: Operation) -> None:
    """Listening, exports and holds as well: whatever writes an audit entry about the recording."""
    here = archived()
    here.fakes.audit.add(AuditEntry(here.now, operation, RECORDING_ID, "object-7", "done", "as case C-1 asks"))
    moment = next(one for one in content(timeline(here))["moments"] if one["who"] == "object-7")
    assert (moment["kind"], moment["outcome"]) == ("command", "done")
    assert moment["what"] == f"{operation}: done (as case C-1 asks)"


def test_the_timeline_of_a_chunk_in_trouble_tells_tries_and_what_is_next() -> None:
    """Whoever is called at night reads this first."""
    here = world()
    here.announces()
    here.runs_due()
    moments = content(timeline(here))["moments"]
    said = [one["what"] for one in moments if one["kind"] in ("step", "planned")]
    assert "try 1 failed: source_not_found" in said
    assert {"next try", "ACS forgets it"} <= set(said)


@pytest.mark.parametrize("code", [Code.UNREADABLE_RECORD, Code.NEWER_RECORD])
@pytest.mark.parametrize("what", ["recording", "chunk", "both"])
def test_the_timeline_names_the_rows_that_it_lacks(what: str, code: Code) -> None:
    """Left out in silence, the story of two files would be a whole one of one file; an error would hide the rest."""
    here = archived()
    rows: dict[str, Any] = {"recording": RECORDING_ID, "chunk": (RECORDING_ID, str(task().key))}
    here.fakes.catalog.unreadable.update(rows.values() if what == "both" else [rows[what]])
    here.fakes.catalog.unreadable_code = code
    answer = timeline(here)
    check("Timeline", content(answer))
    named = {
        "recording": {"table": "recordings", "key": name_of(RECORDING_ID), "index": None, "code": code},
        "chunk": {"table": "chunks", "key": str(task().key), "index": 0, "code": code},
    }
    assert content(answer)["unreadable"] == [one for name, one in named.items() if what in (name, "both")]
    here.fakes.catalog.unreadable.clear()
    assert content(timeline(here))["unreadable"] == []


def test_the_timeline_names_entries_of_the_trail_that_say_nothing() -> None:
    """What is left of the row is shown, and that it is not the whole of it."""
    here = archived()
    here.fakes.audit.written.append(AuditEntry(here.now, "unreadable", RECORDING_ID, None, "done", id="a-key"))
    told = content(timeline(here))
    check("Timeline", told)
    named = {"table": "audit", "key": "a-key", "index": None, "code": "unreadable_record"}
    assert (told["unreadable"], "unreadable: done" in [one["what"] for one in told["moments"]]) == ([named], True)


def test_the_timeline_of_an_unknown_recording_is_not_found() -> None:
    """An empty story would say that nothing happened."""
    answer = timeline(archived(), "never-was")
    assert (answer.status_code, content(answer)["code"]) == (404, "recording_not_found")
