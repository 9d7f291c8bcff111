"""Bytes that wait for a decision: heard by those who decide, before they do, and by nobody else."""

import azure.functions as func

from dev.in_memory.builders import RECORDING_ID, record
from dev.in_memory.world import World, world
from recording.domain.state.chunk import ChunkState, Suspect
from tests.unit.http.test_console import OWN_PAGE, content, principal
from tests.unit.http.test_console import ask as ask_console


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
    assert [row.caller for row in here.fakes.audit.written if row.operation == "chunk_media"] == ["ann"]


def test_bytes_that_wait_are_heard_by_nobody_else_and_nothing_else_is_heard_this_way() -> None:
    """Neither by another role, nor another blob of the archive by its name, nor what does not exist."""
    here = with_suspects(b"0123456789")
    here.fakes.archive.put_media("2026/other.wav", memoryview(b"secret"), "audio/wav", {})
    (held,) = content(ask_console(here, "held", OWN_PAGE | principal("Recording.Admin")))["held"]
    assert hear(here, held["id"], "Recording.Listen").status_code == 403
    assert hear(here, held["id"], "Recording.Admin", blob="2026/other.wav").status_code == 404
    assert hear(here, "nothing/000000-x", "Recording.Admin").status_code == 404
    assert [row for row in here.fakes.audit.written if row.operation == "chunk_media"] == []
