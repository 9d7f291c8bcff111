"""Bytes that wait for a decision: heard by those who decide, before they do, and by nobody else."""

import azure.functions as func

from dev.in_memory.builders import RECORDING_ID, record
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkState, Suspect
from recording.domain.state.recording import RecordingRecord
from recording.library.keep.holds import place_hold
from tests.unit.http.test_console import OWN_PAGE, content, principal
from tests.unit.http.test_console import ask as ask_console
from tests.unit.library.keep.test_erasures import approved


def with_suspects(*sounds: bytes) -> World:
    """A chunk is held with these bytes; the trail is empty."""
    here = world(platform_auth=True)
    kept = []
    for number, sound in enumerate(sounds):
        name = f"2026/11/23/call/{RECORDING_ID}/0000-doc.suspect-{number}.wav"
        here.fakes.archive.put_media(name, memoryview(sound), "audio/wav", {})
        kept.append(
            Suspect(blob_name=name, sha256=None, length_bytes=len(sound), reason="media_truncated", at=here.now)
        )
    made = record(ChunkState.QUARANTINED, quarantine_reason="media_suspect", suspects=tuple(kept))
    here.fakes.catalog.add_chunk(made)
    return here


def hear(here: World, held: str, *roles: str, **params: str) -> func.HttpResponse:
    who = {**OWN_PAGE, "Range": "bytes=2-5", "X-MS-CLIENT-PRINCIPAL-ID": "ann", **principal(*roles)}
    return ask_console(here, f"held/{held.replace('/', '%2F')}/media", who, "GET", b"", **params)


def test_bytes_that_wait_for_a_decision_can_be_heard_by_those_who_decide() -> None:
    """Before anybody accepts them; each part leaves a row, and the list names them."""
    here = with_suspects(b"0123456789", b"abcdefghij")
    (held,) = content(ask_console(here, "held", OWN_PAGE | principal("Recording.Admin")))["held"]
    assert [name.rpartition("-")[2] for name in held["suspects"]] == ["0.wav", "1.wav"]
    answer = hear(here, held["id"], "Recording.Admin")
    assert (answer.status_code, answer.get_body()) == (206, b"cdef"), "the last ones, when none are named"
    assert answer.headers["Content-Type"] == "audio/wav"
    assert hear(here, held["id"], "Recording.Admin", blob=held["suspects"][0]).get_body() == b"2345"
    heard = [row for row in here.fakes.audit.written if row.operation == "chunk_media"]
    assert [row.caller for row in heard] == ["ann", "ann"]
    assert heard[0].part != heard[1].part, "which of the bytes were heard"
    assert hear(here, held["id"], "Recording.Admin", blob=held["suspects"][0]).status_code == 206
    assert len([row for row in here.fakes.audit.written if row.operation == "chunk_media"]) == 2, "as for any media"


def test_bytes_of_one_chunk_have_tags_of_their_own() -> None:
    """A player that continues with `If-Range` would join the beginning of one with the end of the other."""
    here = with_suspects(b"0123456789", b"abcdefghij")
    (held,) = content(ask_console(here, "held", OWN_PAGE | principal("Recording.Admin")))["held"]
    tags = {hear(here, held["id"], "Recording.Admin", blob=name).headers["ETag"] for name in held["suspects"]}
    assert len(tags) == 2


def test_bytes_that_wait_are_heard_by_nobody_once_an_erasure_is_approved() -> None:
    """Like the recording's other media; a hold shows them again."""
    here = with_suspects(b"0123456789")
    here.fakes.catalog.add_recording(RecordingRecord(recording_id=RECORDING_ID))
    approved(here, participant=None, recordings=[RECORDING_ID])
    (held,) = content(ask_console(here, "held", OWN_PAGE | principal("Recording.Admin")))["held"]
    refused = hear(here, held["id"], "Recording.Admin")
    assert (refused.status_code, content(refused)["code"]) == (409, "erasure_approved")
    assert [row for row in here.fakes.audit.written if row.operation == "chunk_media"] == []
    place_hold(RECORDING_ID, "case", "evidence", "carol", here.ports)
    assert hear(here, held["id"], "Recording.Admin").get_body() == b"2345"


def test_bytes_that_wait_are_heard_by_nobody_else_and_nothing_else_is_heard_this_way() -> None:
    """Neither by another role, nor another blob of the archive by its name, nor what does not exist."""
    here = with_suspects(b"0123456789")
    here.fakes.archive.put_media("2026/other.wav", memoryview(b"secret"), "audio/wav", {})
    (held,) = content(ask_console(here, "held", OWN_PAGE | principal("Recording.Admin")))["held"]
    assert hear(here, held["id"], "Recording.Listen").status_code == 403
    assert hear(here, held["id"], "Recording.Admin", blob="2026/other.wav").status_code == 404
    assert hear(here, "nothing/000000-x", "Recording.Admin").status_code == 404
    assert [row for row in here.fakes.audit.written if row.operation == "chunk_media"] == []
