"""What only the console asks for: how things stand, a recording's page, a proof now, the trail, a table."""

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, event, metadata, task, wav
from dev.in_memory.world import World, world
from recording.domain.state.records import changed
from recording.library.trail_pages import Trail, page_of
from tests.unit.http.test_console import OWN_PAGE, ask, content, outcome, principal

READER = OWN_PAGE | principal("Recording.Read")
ADMIN = OWN_PAGE | principal("Recording.Admin")


def archived(**document: Any) -> World:
    here = world(platform_auth=True)
    here.holds(task(), document=metadata(task(), **document))
    here.announces()
    here.runs_due()
    here.follows_up()
    return here


def now(here: World, **headers: str) -> func.HttpResponse:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return ask(here, "now", READER | named, "GET", b"", **{"from": "2026-11-23T00:00:00Z"})


def test_now_tells_todays_volume_and_that_nothing_needs_attention() -> None:
    """The first look in the morning."""
    here = archived()
    here.reconciles()
    found = content(now(here))
    assert found["attention"] == []
    assert found["volume"]["today"] == {
        "recordings": 1,
        "archived": 1,
        "chunks": 1,
        "bytes": len(wav()),
        "durationMs": 2000.0,
        "isWhole": True,
    }
    assert {queue["name"] for queue in found["queues"]} >= {"recording-chunks"}
    assert found["lastReconcileAt"] is not None


def test_while_nothing_changes_polling_costs_an_empty_answer() -> None:
    """Time passes, and the answer stands still: what is at risk has the time at which it is too late."""
    here = world(platform_auth=True)
    here.announces()
    here.fakes.clock.advance(seconds=20 * 3600)
    first = now(here)
    (item,) = content(first)["attention"]
    assert item["kind"] == "at_risk"
    assert item["dueAt"].startswith("2026-11-24T08:5")
    assert "timeLeftSeconds" not in item
    here.fakes.clock.advance(seconds=31)
    again = now(here, If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.get_body()) == (304, b"")
    here.fakes.clock.advance(seconds=5 * 3600)
    here.reconciles()
    assert now(here, If_None_Match=first.headers["ETag"]).status_code == 200


def test_many_who_look_cost_one_look() -> None:
    """A wall of screens must not read the catalog once for each."""
    here = archived()
    before = len(here.fakes.catalog.calls)
    now(here)
    once = len(here.fakes.catalog.calls) - before
    for _ in range(50):
        now(here)
    assert len(here.fakes.catalog.calls) - before == once


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "0"])
def test_a_from_that_is_no_time_is_refused(since: str) -> None:
    """Not taken for today."""
    assert ask(archived(), "now", READER, "GET", b"", **{"from": since}).status_code == 400


def test_a_recordings_page_has_what_a_player_needs() -> None:
    """Facts, where each chunk begins and how long it plays, what was cut out and where."""
    pauses = [{"startTime": "2026-11-23T08:56:01.1234567Z", "duration": 500}]
    here = archived(chunkDuration=2500, pauseResumeIntervals=pauses)
    answer = ask(here, f"recordings/{RECORDING_ID}", READER)
    found = content(answer)
    (one,) = found["chunks"]
    assert (one["durationSeconds"], one["pausedSeconds"], one["channels"], one["playable"]) == (2.0, 0.5, 1, True)
    assert one["startsAt"].startswith("2026-11-23T08:56:00")
    assert found["mediaPauses"][0] == {
        "index": 0,
        "atSeconds": 1.0,
        "startedAt": "2026-11-23T08:56:01.123456Z",
        "durationSeconds": 0.5,
    }
    assert found["pauses"] == [], "those asked for here: none"
    assert found["facts"]["states"] == ["archived"]
    assert found["holds"] == []
    assert answer.headers["ETag"]


def test_a_gap_is_told_by_what_it_follows() -> None:
    """Chunk 1 never came."""
    here = archived()
    here.announces(event(chunk(2), id="event-2"))
    found = content(ask(here, f"recordings/{RECORDING_ID}", READER))
    assert found["gaps"] == [{"afterIndex": 0, "missing": [1], "seconds": None}]
    assert [one["playable"] for one in found["chunks"]] == [True, False]


def test_a_case_that_holds_it_is_shown() -> None:
    """Until it is released."""
    here = archived()
    holder = OWN_PAGE | principal("Recording.Hold")
    path = f"recordings/{RECORDING_ID}"
    assert ask(here, f"{path}/holds/C-7", holder, "PUT", b'{"reason": "a complaint"}').status_code == 200
    (hold,) = content(ask(here, path, READER))["holds"]
    assert (hold["case"], hold["reason"]) == ("C-7", "a complaint")
    assert ask(here, f"{path}/holds/C-7", holder, "DELETE", b'{"reason": "settled"}').status_code == 200
    assert content(ask(here, path, READER))["holds"] == []


def test_a_proof_now_says_what_it_found_and_leaves_a_row() -> None:
    """Who asked for it, and the verdict."""
    here = archived()
    path = f"recordings/{RECORDING_ID}/verify"
    assert content(ask(here, path, READER, "POST"))["proved"] is True
    name = here.record().blob_name or ""
    blob = here.fakes.archive.blobs[name]
    here.fakes.archive.blobs[name] = replace(blob, data=b"x" + blob.data[1:])
    found = content(ask(here, path, READER, "POST"))
    assert (found["proved"], len(found["differences"])) == (False, 1)
    verdicts = [entry.note for entry in here.fakes.audit.written if entry.operation == "verify_recording"]
    assert verdicts == ["proved", "not proved"]
    assert outcome(ask(here, "recordings/unknown/verify", READER, "POST")) == (404, "recording_not_found")


def chunks_of(here: World, count: int) -> None:
    for index in range(count):
        one = task(index=index, document_id=f"0-eus-d{index}-0123456789abcdef0123456789abcdef")
        here.works(here.holds(one))


def test_a_long_recording_is_proved_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request reads more than it may, unless one file is larger; together they have read every file once."""
    from recording.http import console_data

    here = world(platform_auth=True)
    chunks_of(here, 5)
    chunks = here.fakes.catalog.chunks_of(RECORDING_ID)
    path, length = f"recordings/{RECORDING_ID}/verify", chunks[0].length_bytes or 0
    for most, parts in ((1, 5), (2 * length, 3), (3 * length - 1, 3), (5 * length, 1)):
        monkeypatch.setattr(console_data, "LARGEST_PART", most)
        here.fakes.audit.written.clear()
        here.fakes.archive.calls.clear()
        found, first = list[dict[str, Any]](), 0
        while first is not None:
            found.append(content(ask(here, path, READER, "POST", json.dumps({"first": first}).encode())))
            first = found[-1]["next"]
        assert len(found) == parts
        assert sum(one["readWhole"] for one in found) == 5
        assert [one["proved"] for one in found] == ([True] if parts == 1 else [False] * parts)
        assert {(one["files"], one["disposed"], tuple(one["differences"])) for one in found} == {(5, 0, ())}
        notes = [entry.note for entry in here.fakes.audit.written]
        assert notes[-1] == ("proved" if parts == 1 else f"files {found[-1]['first'] + 1} to 5 of 5: nothing differs")
        assert len(notes) == parts
    name = chunks[3].blob_name or ""
    blob = here.fakes.archive.blobs[name]
    here.fakes.archive.blobs[name] = replace(blob, data=b"x" + blob.data[1:])
    monkeypatch.setattr(console_data, "LARGEST_PART", 1)
    told = [content(ask(here, path, READER, "POST", json.dumps({"first": at}).encode())) for at in range(5)]
    assert [len(one["differences"]) for one in told] == [0, 0, 0, 1, 0]


@pytest.mark.parametrize("body", [b'{"first": 1}', b'{"first": -1}', b'{"first": "x"}', b'{"first": 0.5}', b"[]"])
def test_a_place_that_is_none_is_refused(body: bytes) -> None:
    """Nothing is called proved for it, and no row says that somebody proved anything."""
    here = archived()
    here.fakes.audit.written.clear()
    refused = outcome(ask(here, f"recordings/{RECORDING_ID}/verify", READER, "POST", body))
    assert refused == (400, "invalid_request")
    assert here.fakes.audit.written == []


def test_who_may_read_sees_the_trail_of_one_recording_and_only_an_administrator_all_of_it() -> None:
    """What others did elsewhere is not everybody's."""
    here = archived()
    ask(here, f"recordings/{RECORDING_ID}/verify", READER, "POST")
    rows = content(ask(here, "audit", READER, recording=RECORDING_ID))["entries"]
    assert [row["operation"] for row in rows] == ["verify_recording"]
    assert outcome(ask(here, "audit", READER)) == (403, "role_missing")
    assert content(ask(here, "audit", ADMIN))["entries"] == rows


def paged(here: World, **params: str) -> list[Any]:
    """All rows of the trail, page by page."""
    seen: list[Any] = []
    for _ in range(200):
        page = content(ask(here, "audit", ADMIN, "GET", b"", **params))
        seen += page["entries"]
        if page["next"] is None:
            return seen
        params["next"] = page["next"]
    raise AssertionError("the trail has no end")


def test_the_trail_is_paged_the_newest_first_without_leaving_out_or_repeating_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where many rows are of one instant, and where months lie between two of them."""
    from recording.http import console_data

    monkeypatch.setattr(console_data, "MOST_ENTRIES", 3)
    here = archived()
    here.fakes.audit.written.clear()
    ask(here, f"recordings/{RECORDING_ID}/verify", READER, "POST")
    (entry,) = here.fakes.audit.written
    rows = [replace(entry, note=f"row {number}", id=None) for number in range(10)]
    rows = [replace(entry, at=entry.at - timedelta(days=days), note=f"{days} days") for days in (400, 45, 1)] + rows
    here.fakes.audit.written[:] = [*rows, replace(entry, at=entry.at + timedelta(seconds=1), note="last")]
    expected = ["last", *(f"row {number}" for number in reversed(range(10))), "1 days", "45 days", "400 days"]
    assert [row["note"] for row in paged(here)] == expected
    assert [row["note"] for row in paged(here, recording=RECORDING_ID)] == expected
    since = (entry.at - timedelta(days=2)).isoformat()
    assert [row["note"] for row in paged(here, **{"from": since})] == expected[:-2]
    assert [row["note"] for row in paged(here, **{"from": since, "to": entry.at.isoformat()})] == ["1 days"]


def test_a_page_of_the_trail_reads_the_newest_hours_only() -> None:
    """A trail of years is not read to show its last rows."""
    here = archived()
    here.fakes.audit.written.clear()
    ask(here, f"recordings/{RECORDING_ID}/verify", READER, "POST")
    (entry,) = here.fakes.audit.written
    here.fakes.audit.written[:] = [
        replace(entry, at=here.now - timedelta(seconds=30 * number), note=f"{number}") for number in range(20_000)
    ]
    asked: list[Any] = []
    entries = here.fakes.audit.entries
    here.fakes.audit.entries = lambda since: asked.append(since) or entries(since)  # type: ignore[method-assign, func-returns-value]
    page = content(ask(here, "audit", ADMIN))
    assert [row["note"] for row in page["entries"]] == [f"{number}" for number in range(500)]
    assert min(asked) > here.now - timedelta(hours=12)


@pytest.mark.parametrize("position", ["x", "|", "2026-13-01|abc", "now|", "a|b|c"])
def test_a_position_that_was_not_given_out_is_refused(position: str) -> None:
    """Not taken for the first page."""
    answer = ask(archived(), "audit", ADMIN, next=position)
    assert answer.status_code == 400 or position == "|"


def test_a_table_is_never_calculated_by_a_spreadsheet() -> None:
    """A tag is text from outside, and a cell that begins with = is a program."""
    here = archived()
    record = here.fakes.catalog.get_recording(RECORDING_ID)
    assert record is not None
    here.fakes.catalog.save_recording(changed(record, tags={"=cmd|' /C calc'!A0": '"x",\n'}))
    answer = ask(here, "recordings/csv", READER, "POST", b'{"limit": 10}')
    assert answer.mimetype == "text/csv"
    header, row = csv.reader(io.StringIO(answer.get_body().decode("utf-8-sig")))
    told = dict(zip(header, row, strict=True))
    assert told["tags"].startswith("'=cmd")
    assert (told["recordingId"], told["states"]) == (RECORDING_ID, "archived")
    assert json.dumps(told)


@pytest.mark.parametrize("until", ["2027-12-31T23:59:00Z", "9999-12-31T23:59:59Z"])
def test_an_end_in_the_future_hides_nothing(until: str) -> None:
    """Whoever asked for the trail up to the end of next year was told that nothing had been done."""
    here = archived()
    ask(here, f"recordings/{RECORDING_ID}/verify", READER, "POST")
    rows = content(ask(here, "audit", ADMIN))["entries"]
    assert content(ask(here, "audit", ADMIN, "GET", b"", to=until))["entries"] == rows != []


def test_a_begin_before_all_recordings_comes_to_an_end() -> None:
    """Page after empty page led back to the year 1."""
    assert len(paged(archived(), **{"from": "0001-01-01T00:00:00Z"})) == len(paged(archived()))


@pytest.mark.parametrize("ahead", [timedelta(hours=25), timedelta(days=400)])
@pytest.mark.parametrize("about", [{}, {"recording": RECORDING_ID}])
def test_what_an_instance_whose_clock_is_ahead_has_written_is_shown(about: dict[str, str], ahead: timedelta) -> None:
    """Who listened would be missing from the trail for as long as the clock was wrong."""
    here = archived()
    for skew in (ahead, timedelta(), ahead + timedelta(minutes=1)):
        here.skew = skew
        ask(here, f"recordings/{RECORDING_ID}/verify", READER, "POST")
    here.skew = timedelta()
    rows = content(ask(here, "audit", ADMIN, "GET", b"", **about))["entries"]
    times = [row["at"] for row in rows]
    assert (sum(row["operation"] == "verify_recording" for row in rows), times) == (3, sorted(times, reverse=True))
    until = (here.now + timedelta(minutes=1)).isoformat()
    assert len(content(ask(here, "audit", ADMIN, "GET", b"", to=until, **about))["entries"]) == len(rows) - 2
    since = (here.now + timedelta(hours=1)).isoformat()
    assert len(content(ask(here, "audit", ADMIN, "GET", b"", **{"from": since, **about}))["entries"]) == 2
    found: list[str] = []
    position: str | None = ""
    for _ in range(40):
        page, position = page_of(Trail(about.get("recording")), position or "", 1, here.ports)
        found += [row.at.isoformat() for row in page]
        if not position:
            break
    assert found == [datetime.fromisoformat(at).isoformat() for at in times]
