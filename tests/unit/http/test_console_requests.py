"""Exports and erasures over the console's routes: asked for, approved by another person, taken and certified."""

import json
import zipfile
from io import BytesIO
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import RECORDING_ID, task
from dev.in_memory.canaries import PARTICIPANT
from dev.in_memory.keep_world import attached, days_pass
from dev.in_memory.world import World, world
from recording.errors import StorageError
from recording.library.handover.export import export_message
from recording.library.keep import erasures
from tests.unit.http.test_console import OWN_PAGE, ask, content, outcome, principal
from tests.unit.library.keep.test_speaker import OTHER
from tests.unit.library.keep.test_speaker import archived as archived_with_voices

ALICE = OWN_PAGE | principal("Recording.Erase") | {"X-MS-CLIENT-PRINCIPAL-ID": "alice"}
BOB = OWN_PAGE | principal("Recording.Erase") | {"X-MS-CLIENT-PRINCIPAL-ID": "bob"}
EXPORTER = OWN_PAGE | principal("Recording.Export") | {"X-MS-CLIENT-PRINCIPAL-ID": "erin"}
READER = OWN_PAGE | principal("Recording.Read")


def archived() -> World:
    here = world(platform_auth=True)
    attached(here.fakes)
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    return here


def post(here: World, path: str, who: dict[str, str], **body: Any) -> func.HttpResponse:
    return ask(here, path, who, "POST", json.dumps(body).encode())


def works(here: World) -> None:
    """The host hands out the messages of exports until there are none."""
    while messages := here.fakes.export_queue.take():
        for export_id in messages:
            export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)


def test_an_erasure_from_the_request_to_the_certificate() -> None:
    """One person asks, another one approves, the daily run carries it out, and the certificate can be read."""
    here = archived()
    made = post(here, "erasures", ALICE, recordings=[RECORDING_ID], reason="request of 3 May")
    erasure_id = content(made)["erasureId"]
    (row,) = content(ask(here, "erasures", BOB))["erasures"]
    assert (row["erasureId"], row["state"], row["requestedBy"], row["recordings"]) == (
        erasure_id,
        "requested",
        "alice",
        1,
    )
    assert outcome(post(here, f"erasures/{erasure_id}/approve", ALICE))[1] == "second_person_needed"
    assert outcome(ask(here, f"recordings/{RECORDING_ID}/certificate", READER)) == (404, "recording_not_found")
    assert post(here, f"erasures/{erasure_id}/approve", BOB).status_code == 202
    days_pass(here, 40)
    found = content(ask(here, f"erasures/{erasure_id}", ALICE))
    assert found["state"] == "done"
    (item,) = found["recordings"]
    certificate = ask(here, f"recordings/{item['recordingId']}/certificate", READER)
    assert certificate.status_code == 200
    assert content(certificate)["erasures"] == [erasure_id]


def test_each_erasure_of_one_voice_has_its_own_certificate() -> None:
    """Two speakers of one recording ask: neither is shown the other's, and a button leads to the file."""
    here, _ = archived_with_voices()
    here.settings = here.settings.model_copy(update={"platform_auth": True})
    told: dict[str, Any] = {}
    for person in (PARTICIPANT, OTHER, "8:acs:somebody-who-is-not-in-it"):
        made = post(here, "erasures", ALICE, participant=person, scope="speaker", reason="3 May")
        told[person] = content(made)["erasureId"]
        assert post(here, f"erasures/{told[person]}/approve", BOB).status_code == 202
        days_pass(here, 2)
    for person in (PARTICIPANT, OTHER):
        (item,) = content(ask(here, f"erasures/{told[person]}", ALICE))["recordings"]
        assert item["state"] == "SPEAKER_ERASED"
        stored = json.loads(here.fakes.archive.blobs[item["certificate"]].data)
        taken = ask(here, f"recordings/{RECORDING_ID}/certificate", READER, erasure=told[person])
        assert (stored["erasures"], content(taken)) == ([told[person]], stored)
    newest = ask(here, f"recordings/{RECORDING_ID}/certificate", READER)
    assert content(newest)["erasures"] == [told[OTHER]]


def test_requests_that_wait_for_a_second_person_come_first() -> None:
    """Who approves sees what there is to approve."""
    here = archived()
    ids = []
    for number in range(3):
        here.fakes.clock.advance(seconds=60)
        made = post(here, "erasures", ALICE, recordings=[RECORDING_ID], reason=f"request {number}")
        ids.append(content(made)["erasureId"])
    post(here, f"erasures/{ids[2]}/approve", BOB)
    rows = content(ask(here, "erasures", BOB))["erasures"]
    assert [row["erasureId"] for row in rows] == [ids[1], ids[0], ids[2]]


def test_an_erasure_by_a_person_tells_nobody_who_it_is() -> None:
    """The number goes in a body, and no answer has it."""
    here = archived()
    made = post(here, "erasures", ALICE, participant="+491701234567", reason="asked by phone")
    assert made.status_code == 201
    answers = [made, ask(here, "erasures", ALICE), ask(here, f"erasures/{content(made)['erasureId']}", ALICE)]
    assert all(b"1701234567" not in answer.get_body() for answer in answers)


def test_an_export_is_made_and_taken_in_parts() -> None:
    """The parts are the bundle; each person who takes it leaves one row."""
    here = archived()
    made = content(post(here, "exports", EXPORTER, recordings=[RECORDING_ID], note="for the lawyer"))
    path = f"exports/{made['exportId']}"
    assert outcome(ask(here, f"{path}/bundle", EXPORTER | {"Range": "bytes=0-"})) == (404, "export_not_found")
    works(here)
    (row,) = content(ask(here, "exports", EXPORTER))["exports"]
    assert (row["state"], row["requestedBy"], row["note"]) == ("done", "erin", "for the lawyer")
    assert content(ask(here, path, EXPORTER))["state"] == "done"
    parts, at, total = [], 0, 1
    while at < total:
        answer = ask(here, f"{path}/bundle", EXPORTER | {"Range": f"bytes={at}-{at + 999}"})
        assert answer.status_code == 206
        total = int(answer.headers["Content-Range"].rpartition("/")[2])
        parts.append(answer.get_body())
        at += len(parts[-1])
    with zipfile.ZipFile(BytesIO(b"".join(parts))) as opened:
        assert opened.testzip() is None
    taken = [row for row in here.fakes.audit.written if row.operation == "export_bundle"]
    assert [(row.caller, row.note) for row in taken] == [("erin", f"export {made['exportId']}")]
    assert ask(here, f"{path}/bundle", EXPORTER | {"X-MS-CLIENT-PRINCIPAL-ID": "eve", "Range": "bytes=0-9"}).status_code
    assert [row.caller for row in here.fakes.audit.written if row.operation == "export_bundle"] == ["erin", "eve"]


def test_a_bundle_without_a_range_or_behind_its_end_is_refused() -> None:
    """Nobody takes a part for the whole."""
    here = archived()
    made = content(post(here, "exports", EXPORTER, recordings=[RECORDING_ID]))
    works(here)
    path = f"exports/{made['exportId']}/bundle"
    assert outcome(ask(here, path, EXPORTER))[1] == "range_missing"
    behind = ask(here, path, EXPORTER | {"Range": "bytes=999999999-"})
    assert (behind.status_code, behind.headers["Content-Range"][:8]) == (416, "bytes */")


def test_a_bundle_is_not_handed_out_unless_the_row_about_it_stands() -> None:
    """The evidence comes before the bytes."""
    here = archived()
    made = content(post(here, "exports", EXPORTER, recordings=[RECORDING_ID]))
    works(here)
    here.fakes.audit.fail_next("add", StorageError("the trail is away"))
    answer = ask(here, f"exports/{made['exportId']}/bundle", EXPORTER | {"Range": "bytes=0-9"})
    assert answer.status_code == 503


def test_an_export_that_is_gone_is_neither_listed_nor_handed_out() -> None:
    """A week later."""
    here = archived()
    made = content(post(here, "exports", EXPORTER, recordings=[RECORDING_ID]))
    works(here)
    here.fakes.clock.advance(days=8)
    assert content(ask(here, "exports", EXPORTER))["exports"] == []
    path = f"exports/{made['exportId']}/bundle"
    assert outcome(ask(here, path, EXPORTER | {"Range": "bytes=0-"})) == (404, "export_not_found")


def pages(here: World, path: str, who: dict[str, str]) -> list[list[str]]:
    """Return the ids of a list, page by page, as `next` leads through it."""
    found, more = list[list[str]](), ""
    while True:
        page = content(ask(here, path, who, next=more) if more else ask(here, path, who))
        rows = page[path]
        assert page["count"] == len(rows)
        found.append([row.get("erasureId", row.get("exportId")) for row in rows])
        more = page["next"]
        if not more:
            return found


def test_a_list_of_requests_goes_on_where_a_page_ends() -> None:
    """One that just ended would be read as all there is; those asked for at the same moment are all there."""
    here = archived()
    asked = []
    for number in range(203):
        here.fakes.clock.advance(seconds=number % 2)
        body = {"recordings": [RECORDING_ID], "reason": "letter"}
        asked.append(erasures.request_erasure(body, "alice", here.ports, here.settings))
    first, rest = pages(here, "erasures", BOB)
    assert (len(first), len(rest)) == (200, 3)
    assert set(first + rest) == {one.erasure_id for one in asked}
    times = {one.erasure_id: one.requested_at for one in asked}
    assert [times[one] for one in first + rest] == sorted(times.values(), reverse=True)


def test_a_request_that_is_approved_between_two_pages_is_in_no_gap() -> None:
    """It moves back in the list, behind those that wait, and is seen again there; no other one is skipped."""
    here = archived()
    for _ in range(202):
        here.fakes.clock.advance(seconds=1)
        erasures.request_erasure({"recordings": [RECORDING_ID], "reason": "letter"}, "alice", here.ports, here.settings)
    first = content(ask(here, "erasures", BOB))
    seen = [row["erasureId"] for row in first["erasures"]]
    post(here, f"erasures/{seen[-1]}/approve", BOB)
    then = content(ask(here, "erasures", BOB, next=first["next"]))
    rest = [row["erasureId"] for row in then["erasures"]]
    assert set(here.fakes.keeping.requests) == set(seen) | set(rest)
    assert rest[-1] == seen[-1]


def test_a_list_of_exports_goes_on_where_a_page_ends() -> None:
    """A hundred in a page; an export that is gone meanwhile leaves no gap behind it."""
    here = archived()
    made = []
    for _ in range(101):
        made.append(content(post(here, "exports", EXPORTER, recordings=[RECORDING_ID]))["exportId"])
    first, rest = pages(here, "exports", EXPORTER)
    assert (len(first), len(rest)) == (100, 1)
    assert set(first + rest) == set(made)


@pytest.mark.parametrize("path", ["erasures", "exports"])
def test_a_position_that_no_page_gave_is_refused(path: str) -> None:
    """It is no part of a name, of a path, or of a query."""
    here = archived()
    who = EXPORTER if path == "exports" else ALICE
    for wrong in ("../x", "a'b", "x" * 2000):
        assert outcome(ask(here, path, who, next=wrong)) == (400, "invalid_request")
    assert content(ask(here, path, who, next="z"))["count"] == 0


@pytest.mark.parametrize("export_id", ["..", "a/b", "%2e%2e", "x" * 600, "0"])
def test_a_made_up_id_finds_nothing(export_id: str) -> None:
    """No path is built from what is no id."""
    answer = ask(archived(), f"exports/{export_id}/bundle", EXPORTER | {"Range": "bytes=0-"})
    assert answer.status_code == 404


def test_a_request_whose_row_cannot_be_read_is_named_in_the_list() -> None:
    """The page says that one is missing; who asked may look for it."""
    here = archived()
    made = content(post(here, "erasures", ALICE, recordings=[RECORDING_ID], reason="letter"))["erasureId"]
    here.fakes.keeping.unreadable.add(made)
    told = content(ask(here, "erasures", BOB))
    assert (told["erasures"], told["unreadable"]) == ([], [made])


@pytest.mark.parametrize("media", ["inline", "external"])
def test_the_trail_says_whether_a_vcon_had_the_media_in_it(media: str) -> None:
    """Who asks what was handed over asks for the voices first."""
    here = archived()
    assert ask(here, f"recordings/{RECORDING_ID}/vcon", EXPORTER, media=media).status_code == 200
    rows = [row for row in here.fakes.audit.written if row.operation == "recording_vcon"]
    assert [row.note for row in rows] == ["with its media" if media == "inline" else "without its media"] * 2
