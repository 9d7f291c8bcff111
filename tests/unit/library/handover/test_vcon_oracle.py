"""vCons against the library of PyPI: it reads ours, and what it writes is imported. It needs Python 3.12 or later."""

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, event, metadata, task, wav
from dev.in_memory.fakes.archive import FakeArchive, FakeBlob
from dev.in_memory.world import World, world
from recording.domain.archived.vcon import vcon_of
from recording.domain.calls.consent import ConsentEntry, ConsentStep
from recording.library.handover.vcon import chunk_part, chunks_there_are, known_recording, make_vcon
from recording.library.import_entries import entries_in
from recording.library.importing import import_recordings
from tests.unit.library.seal.seal_world import archives, sealed_world

ORACLE = Path(os.environ.get("VCON_PYTHON") or Path(__file__).parents[4] / ".venv-vcon/bin/python")
pytestmark = pytest.mark.skipif(not ORACLE.is_file(), reason="no vcon library: make .venv-vcon/.installed")
NUMBER, AGENT = "4:+4930123456", "8:orgid:0a6d2f9e-77b1-4c1d-8e3e-2b1f5d9c4a10"
# What the library does not know of the draft: sets of recordings, and channels that nobody or several people have.
NEWER = ("type: recording-set", "mediatype: missing", "party index: None", "party index: [")
READ = """
import json, sys
from vcon import Vcon
read = Vcon.build_from_json(sys.stdin.read())
purposes = sorted({str(one.get("purpose")) for one in read.attachments})
counts = [len(read.parties), len(read.dialog)]
print(json.dumps({"errors": read.is_valid()[1], "uuid": read.uuid, "counts": counts, "purposes": purposes,
    "redacted": json.loads(read.to_json()).get("redacted")}))
"""
WRITE = """
import hashlib, base64, sys, json
from vcon import Vcon
from vcon.dialog import Dialog
from vcon.party import Party
told = json.loads(sys.stdin.read())
made = Vcon.build_new()
made.add_party(Party(tel="+4930123456"))
made.add_party(Party(mailto="agent@example.com", name="Agent"))
made.add_dialog(Dialog(type="recording", start="2025-03-01T10:00:00+00:00", parties=[0, 1], mediatype="audio/x-wav",
    filename="call.wav", url="https://elsewhere.example/call.wav", duration=2, content_hash=told["hash"]))
print(made.to_json())
"""


def oracle(program: str, text: str) -> Any:
    command = [str(ORACLE), "-W", "ignore", "-c", program]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def several() -> World:
    here = sealed_world()
    archives(here, 0, 1, 2)
    here.follows_up()
    return here


def with_people(channel_type: str, *people: dict[str, Any]) -> World:
    here, of = world(), task()
    info: dict[str, Any] = {"contentType": "audio", "channelType": channel_type, "format": "wav"}
    info |= {"audioConfiguration": {"sampleRate": 16000, "channels": 3}}
    pauses = [{"startTime": "2026-11-23T08:56:01Z", "duration": 400}]
    here.holds(
        of, wav(channels=3), metadata(of, participants=list(people), recordingInfo=info, pauseResumeIntervals=pauses)
    )
    here.announces(event())
    here.runs(hours=1)
    return here


def with_consent(*steps: str) -> World:
    here = with_people("mixed", {"participantId": NUMBER}, {"participantId": AGENT})
    row = here.fakes.catalog.recordings[RECORDING_ID]
    evidence = {"basis": "consent", "reference": "IVR 17", "capturedAt": "2026-11-23T08:00:00+00:00"}
    told = tuple(ConsentEntry(step=ConsentStep(step), at=here.now) for step in steps)
    here.fakes.catalog.recordings[RECORDING_ID] = row.model_copy(update={"consent": evidence, "consents": told})
    return here


WORLDS: dict[str, Callable[[], World]] = {
    "several chunks": several,
    "consent": with_consent,
    "consent withdrawn": lambda: with_consent("withdrawn"),
    "nobody": lambda: with_people("mixed"),
    "mixed": lambda: with_people("mixed", {"participantId": NUMBER}, {"participantId": AGENT}),
    "unmixed": lambda: with_people(
        "unmixed", {"participantId": NUMBER, "channel": 0}, {"participantId": AGENT, "channel": 2}
    ),
}


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("name", WORLDS)
def test_the_library_reads_ours_and_finds_nothing_wrong(name: str, *, inline: bool) -> None:
    """By address or with the media inside; but for what the draft has had since July 2026, which it does not know."""
    here = WORLDS[name]()
    document = make_vcon(RECORDING_ID, here.ports, here.settings, inline=inline)
    told = oracle(READ, json.dumps(document))
    assert [error for error in told["errors"] if not any(word in error for word in NEWER)] == []
    assert told["uuid"] == document["uuid"]
    assert told["counts"] == [len(document["parties"]), len(document["dialog"])]
    assert set(told["purposes"]) == {one["purpose"] for one in document["attachments"]}


def test_the_library_reads_what_one_speaker_is_given() -> None:
    """Anonymous others, an id of its own, and a reference to the whole one."""
    here = WORLDS["unmixed"]()
    known = known_recording(RECORDING_ID, here.ports)
    recording = known.record
    chunks = chunks_there_are(known.chunks)
    assert recording is not None
    parts = [replace(chunk_part(one, here.ports, here.settings), url=None, filename="one.wav") for one in chunks]
    document = vcon_of(recording, parts, (), "contoso.example", NUMBER)
    told = oracle(READ, json.dumps(document))
    assert [error for error in told["errors"] if not any(word in error for word in NEWER)] == []
    assert told["redacted"] == document["redacted"]


def test_the_library_finds_what_is_wrong() -> None:
    """Else its silence would mean nothing."""
    here = several()
    document = make_vcon(RECORDING_ID, here.ports, here.settings)
    document["dialog"][1]["parties"] = [99]
    del document["attachments"][0]["purpose"]
    errors = " ".join(oracle(READ, json.dumps(document))["errors"])
    assert "invalid party index: 99" in errors
    assert "missing required field: purpose" in errors


@pytest.mark.parametrize("is_true", [True, False])
def test_what_the_library_writes_is_imported_if_the_bytes_are_those_it_says(*, is_true: bool) -> None:
    media, here, source = wav(), world(), FakeArchive()
    digest = hashlib.sha512(media if is_true else b"other").digest()
    content_hash = "sha512-" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
    written = json.dumps(oracle(WRITE, json.dumps({"hash": content_hash})))
    source.blobs["a.vcon.json"] = FakeBlob(written.encode(), "x", {}, '"1"')
    source.blobs["call.wav"] = FakeBlob(media, "x", {}, '"2"')
    done = import_recordings(entries_in(source), source, here.ports, here.settings)
    assert done.copied == int(is_true)
    assert [why for _, why in done.problems] == ([] if is_true else ["another digest than its vCon says"])
