"""Listening over HTTP: parts as the standard describes them, evidence before each, and nothing kept by anybody."""

import json
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, metadata, task, wav
from dev.in_memory.world import World, world
from recording.errors import StorageBusyError
from recording.http.media import chunk_media, chunk_peaks
from recording.library import listening
from tests.repo.docs.openapi import check
from tests.unit.http.test_console import OWN_PAGE, principal
from tests.unit.http.test_console import ask as ask_console

LISTENER = {"X-MS-CLIENT-PRINCIPAL-ID": "ann"} | principal("Recording.Listen")


def archived(channels: int = 1, **changes: Any) -> World:
    here = world(**changes)
    here.holds(task(), media=wav(2000, channels), document=metadata(task()))
    here.announces(event())
    here.runs_due()
    here.follows_up()
    return here


def ask(
    here: World, headers: dict[str, str] | None = None, method: str = "GET", index: str = "0", **params: str
) -> func.HttpResponse:
    request = func.HttpRequest(
        method,
        f"https://app.azurewebsites.net/api/recordings/{RECORDING_ID}/chunks/{index}/media",
        headers=headers or {},
        params=params,
        route_params={"recordingId": RECORDING_ID, "index": index},
        body=b"",
    )
    return chunk_media(request, lambda: (here.ports, here.settings))


def code(answer: func.HttpResponse) -> str:
    return str(json.loads(answer.get_body())["code"])


def heard(here: World) -> list[str | None]:
    return [entry.part for entry in here.fakes.audit.written if entry.operation == "chunk_media"]


@pytest.fixture(scope="module")
def known() -> World:
    return archived()


@given(st.integers(0, 64_043), st.integers(0, 64_043))
def test_a_part_is_exactly_what_was_asked_for(known: World, one: int, other: int) -> None:
    """Range, length and bytes agree."""
    first, last = sorted((one, other))
    answer = ask(known, {"Range": f"bytes={first}-{last}"})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/64044"
    assert answer.get_body() == wav()[first : last + 1]


def test_an_answer_has_at_most_four_mebibytes(monkeypatch: pytest.MonkeyPatch, known: World) -> None:
    """A worker holds it in memory; the player asks for the rest."""
    monkeypatch.setattr(listening, "MOST_BYTES", 1000)
    answer = ask(known, {"Range": "bytes=10-"})
    assert (answer.status_code, len(answer.get_body())) == (206, 1000)
    assert answer.headers["Content-Range"] == "bytes 10-1009/64044"
    whole = ask(known)
    assert (whole.status_code, code(whole)) == (400, "range_missing")


def test_small_media_is_sent_whole_where_no_range_is_asked_for(known: World) -> None:
    """As every file server does."""
    answer = ask(known)
    assert (answer.status_code, answer.get_body()) == (200, wav())
    assert "Content-Range" not in answer.headers


def test_head_tells_length_and_type_and_is_no_listening() -> None:
    """Players look before they play."""
    here = archived()
    answer = ask(here, method="HEAD")
    assert (answer.status_code, answer.get_body()) == (200, b"")
    assert answer.headers["Content-Length"] == "64044"
    assert answer.headers["Content-Type"] == "audio/wav"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert heard(here) == []


@pytest.mark.parametrize("header", ["bytes=64044-", "bytes=5-4", "bytes=0-1,5-6", "bytes=x", "bytes=-0"])
def test_a_range_that_cannot_be_served_is_told_with_the_length(header: str, known: World) -> None:
    """416, and the client knows what there is."""
    answer = ask(known, {"Range": header})
    assert (answer.status_code, code(answer)) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == "bytes */64044"


def test_a_range_of_other_bytes_is_not_mixed_with_these(known: World) -> None:
    """`If-Range`: the whole instead of a part of something else."""
    etag = ask(known, method="HEAD").headers["ETag"]
    assert ask(known, {"Range": "bytes=0-3", "If-Range": etag}).status_code == 206
    assert ask(known, {"Range": "bytes=0-3", "If-Range": '"another"'}).status_code == 200


def test_nobody_keeps_what_was_heard(known: World) -> None:
    """Neither the browser nor a proxy; whoever loses the role hears nothing more."""
    answer = ask(known, {"Range": "bytes=0-3"})
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("inline")
    kept = ask(known, download="1")
    assert kept.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''2026-11-23%2008-56")


def test_who_heard_which_seconds_is_written_before_the_bytes_go_out() -> None:
    """The caller that the platform vouches for, the chunk, the seconds; and in the timeline."""
    here = archived(platform_auth=True)
    ask(here, LISTENER | {"Range": "bytes=0-100"})
    (entry,) = [entry for entry in here.fakes.audit.written if entry.operation == "chunk_media"]
    assert (entry.caller, entry.recording_id, entry.part) == ("ann", RECORDING_ID, "chunk 0, 0-2 s")


def test_the_trail_says_which_of_two_files_of_one_index_was_heard() -> None:
    """Two rows of the same words would leave open whose voice it was."""
    here = archived()
    other = document_id(9)
    here.holds(task(0, other), media=wav(1000, 1))
    here.announces(event(chunk(0, other), id="second"))
    here.runs_due()
    for document in (document_id(), other):
        assert ask(here, {"Range": "bytes=0-99"}, document=document).status_code == 206
    assert [(part or "").partition(",")[0] for part in heard(here)] == [
        f"chunk 0 document {document_id()}",
        f"chunk 0 document {other}",
    ]


def test_without_evidence_nothing_is_heard() -> None:
    """The trail is down: 503, and not a byte."""
    here = archived()
    here.fakes.audit.fail_next("add", StorageBusyError("down"))
    answer = ask(here, {"Range": "bytes=0-100"})
    assert (answer.status_code, code(answer)) == (503, "storage_busy")


@pytest.mark.parametrize("roles", [(), ("Recording.Read",), ("Recording.Control",)])
def test_reading_or_controlling_is_not_listening(roles: tuple[str, ...]) -> None:
    """Who starts recordings need not hear them."""
    here = archived(platform_auth=True)
    assert code(ask(here, principal(*roles) | {"Range": "bytes=0-1"})) == "role_missing"
    assert heard(here) == []


@pytest.mark.parametrize("index", ["1", "-1", "x", "", "0.5", "٠", "9" * 30])
def test_an_index_that_is_none_is_no_chunk(index: str, known: World) -> None:
    """404, whatever it is."""
    answer = ask(known, index=index)
    assert (answer.status_code, code(answer)) == (404, "chunk_not_found")


@pytest.mark.parametrize(
    ("channel", "wanted"), [("3", "no_such_channel"), ("x", "invalid_request"), ("-1", "invalid_request")]
)
def test_a_channel_that_is_none_is_refused(channel: str, wanted: str) -> None:
    """Nobody gets all voices for one."""
    assert code(ask(archived(3), channel=channel)) == wanted


def test_the_console_hears_one_speaker_under_an_address_of_its_own() -> None:
    """As a player wants it: a file, in parts."""
    here = archived(3, platform_auth=True)
    path = f"recordings/{RECORDING_ID}/chunks/0"
    headers = {"Sec-Fetch-Site": "same-origin"} | principal("Recording.Listen")
    part = ask_console(here, f"{path}/channels/2", headers | {"Range": "bytes=0-99"})
    assert (part.status_code, part.headers["Content-Range"]) == (206, "bytes 0-99/64044")
    assert part.headers["Content-Security-Policy"].startswith("default-src 'none'")
    head = ask_console(here, f"{path}/media", headers, "HEAD")
    assert head.headers["Content-Length"] == str(44 + 3 * 64_000)
    peaks = json.loads(ask_console(here, f"{path}/peaks", OWN_PAGE | headers).get_body())
    assert len(peaks["channels"]) == 3


def test_a_waveform_is_as_described() -> None:
    """Clients draw it."""
    here = archived(2)
    request = func.HttpRequest(
        "GET", "https://a/api/x", headers={}, route_params={"recordingId": RECORDING_ID, "index": "0"}, body=b""
    )
    answer = chunk_peaks(request, lambda: (here.ports, here.settings))
    assert answer.status_code == 200
    check("Waveform", json.loads(answer.get_body()))
