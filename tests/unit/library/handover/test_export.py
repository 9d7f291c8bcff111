"""Exports: a bundle that every ZIP reader opens, made in pieces by workers that may die, heard and verified offline."""

import hashlib
import json
import shutil
import subprocess
import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, metadata, task, wav
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.domain.archived import exports as form
from recording.domain.archived.exports import ExportState
from recording.domain.calls.consent import ConsentEntry, ConsentStep
from recording.domain.calls.pauses import CommandedPause, PauseEnd
from recording.domain.ids import LONGEST_ID
from recording.domain.seal.signature import pem_of
from recording.errors import BlobLockedError, RequestError
from recording.errors.codes import Code
from recording.library.handover import bundle as bundling
from recording.library.handover.export import export_message, get_export, request_export, work_on_export
from tests.unit.library.seal.seal_world import acts, archives, seal_of, sealed_world, seals, verified

pytestmark = pytest.mark.slow

OTHER = "8:acs:6f1c0d52-0000-4f0b-9d2a-5b7f6f0e11a3_0000000e-aaaa-bbbb-cccc-222222222222"
SPEAKER = "4:+4930123456"


def asks(here: World, **body: Any) -> str:
    asked = body or {"recordings": [RECORDING_ID]}
    return str(request_export(asked, "caller-1", here.ports, here.settings)["exportId"])


def works(here: World) -> None:
    """The host hands out messages until there are none."""
    while messages := here.fakes.export_queue.take():
        for export_id in messages:
            export_message(json.dumps({"exportId": export_id}), here.ports, here.settings)


def bundle(here: World, export_id: str) -> bytes:
    return here.fakes.bundles.blobs[form.bundle_name(export_id)].data


def archived() -> World:
    here = sealed_world()
    acts(here)
    archives(here, 0, 1)
    here.follows_up()
    seals(here)
    return here


def unpacked(here: World, export_id: str, folder: Path) -> Path:
    with zipfile.ZipFile(BytesIO(bundle(here, export_id))) as opened:
        assert opened.testzip() is None
        opened.extractall(folder)
    return folder


def test_a_bundle_has_everything_and_every_reader_opens_it(tmp_path: Path) -> None:
    """Media, documents, vCon, proofs, pages and sums; by Python's reader and by Info-ZIP's."""
    here = archived()
    export_id = asks(here)
    works(here)
    told = get_export(export_id, here.ports)
    assert (told["state"], told["done"], told["error"]) == ("done", 1, None)
    assert told["lengthBytes"] == len(bundle(here, export_id))
    names = [path.name for path in unpacked(here, export_id, tmp_path).rglob("*") if path.is_file()]
    for end in (".wav", ".receipt.json", ".metadata.json", ".vcon.json"):
        assert [name for name in names if name.endswith(end)], end
    assert {"index.html", "manifest.json", "VERIFY.txt", "SHA256SUMS"} <= set(names)
    assert [name for name in names if name.startswith("seal.")]
    (tmp_path / "b.zip").write_bytes(bundle(here, export_id))
    if shutil.which("unzip"):
        checked = subprocess.run(["unzip", "-tq", "b.zip"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "No errors detected" in checked.stdout


def test_the_verifier_of_the_archive_reads_a_bundle_and_finds_changed_media(tmp_path: Path) -> None:
    """The commands for everybody else are tried in test_verify_bundle.py."""
    here = archived()
    export_id = asks(here)
    works(here)
    folder = unpacked(here, export_id, tmp_path)
    assert verified(folder, pem_of(seal_of(here).key.public_key()), whole=False).problems == []
    media = next(iter(sorted(folder.rglob("*.wav"))))
    media.write_bytes(media.read_bytes()[:-1] + b"x")
    assert [one.kind for one in verified(folder, whole=False).problems] == ["media_differs"]


def test_the_page_needs_no_script_and_no_other_place(tmp_path: Path) -> None:
    """It is opened from a disk, years later; what callers wrote into tags is text in it."""
    here = archived()
    record = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.save_recording(record.model_copy(update={"tags": {"<script>": '"><img src=x>'}}))
    export_id = asks(here)
    works(here)
    page = (unpacked(here, export_id, tmp_path) / "index.html").read_text()
    assert "<script" not in page
    assert "<img" not in page
    assert "http" not in page.replace("http-equiv", "")
    sources = [part.split('"')[0] for part in page.split('src="')[1:]]
    assert len(sources) == 2
    assert all((tmp_path / source).is_file() for source in sources)


def test_a_long_export_takes_several_runs_and_is_one_bundle() -> None:
    """A function lives half an hour; a bundle of a year of calls takes longer."""
    here, whole = several(), several()
    in_runs, at_once = asks(here, tag="batch:1"), asks(whole, tag="batch:1")
    runs = 0
    while work_on_export(in_runs, here.ports, here.settings, timedelta()).state is not ExportState.DONE:
        runs += 1
        assert get_export(in_runs, here.ports)["done"] == runs
    works(whole)
    assert runs == 2
    made, other_made = BytesIO(bundle(here, in_runs)), BytesIO(bundle(whole, at_once))
    with zipfile.ZipFile(made) as one, zipfile.ZipFile(other_made) as other:
        of_recordings = [name for name in one.namelist() if name.startswith("recordings/")]
        assert of_recordings == [name for name in other.namelist() if name.startswith("recordings/")]
        assert all(one.read(name) == other.read(name) for name in of_recordings)
        assert len({name.split("/")[1] for name in of_recordings}) == 3


def several(count: int = 3) -> World:
    """Recordings with one tag."""
    here = world()
    for number in range(count):
        recording_id = f"{RECORDING_ID[:-4]}{number:04d}"
        document = document_id(100 + number)
        subject = f"/recording/call/c{number}/serverCallId/s/recordingId/{recording_id}"
        here.holds(task(0, document, recording_id=recording_id), wav(sample=bytes([number + 1, 3])))
        here.announces(event(chunk(0, document), id=f"e{number}", subject=subject))
        here.runs(hours=1)
        record = here.fakes.catalog.recordings[recording_id]
        here.fakes.catalog.save_recording(record.model_copy(update={"tags": {"batch": "1"}}))
        here.ports.follow_ups.send(recording_id)
        here.follows_up()
    return here


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_anywhere_leaves_a_bundle_that_is_made(after: bool) -> None:
    """At every call, before and after it; the message comes again, and the bundle is committed once, and is whole."""
    calls = 0

    def counting(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal calls
        calls += 1
        return None, False

    here = several(2)
    export_id = asks(here, tag="batch:1")
    _intercept(here, counting)
    works(here)
    assert calls
    for death in range(calls):
        here, calls = several(2), 0
        export_id = asks(here, tag="batch:1")

        def dying(_port: str, _method: str, death: int = death) -> tuple[Exception | None, bool]:
            nonlocal calls
            calls += 1
            return (WorkerDiedError(), after) if calls == death + 1 else (None, False)

        _intercept(here, dying)
        with pytest.raises(WorkerDiedError):
            works(here)
        leave_alone(here)
        vars(here.fakes.bundles).pop("next_failure", None)
        work_on_export(export_id, here.ports, here.settings)
        with zipfile.ZipFile(BytesIO(bundle(here, export_id))) as opened:
            assert opened.testzip() is None
            assert len([name for name in opened.namelist() if name.endswith(".wav")]) == 2
        assert get_export(export_id, here.ports)["state"] == "done"


def _intercept(here: World, decide: Any) -> None:
    intercept(here, decide)
    bundles = here.fakes.bundles
    plain = type(bundles).next_failure

    def next_failure(method: str) -> tuple[Exception | None, bool]:
        error, after = decide("bundles", method)
        return (error, after) if error else plain(bundles, method)

    bundles.next_failure = next_failure  # type: ignore[method-assign]


def test_a_file_larger_than_a_block_is_several_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is flat: one block at a time, and the header behind it."""
    monkeypatch.setattr(bundling, "BLOCK_BYTES", 10_000)
    here = archived()
    export_id = asks(here)
    works(here)
    media = {blob.data for name, blob in here.fakes.archive.blobs.items() if name.endswith(".wav")}
    with zipfile.ZipFile(BytesIO(bundle(here, export_id))) as opened:
        assert {opened.read(name) for name in opened.namelist() if name.endswith(".wav")} == media
    assert max(length for _, length in here.fakes.bundles.blobs[form.bundle_name(export_id)].blocks) <= 20_000


def unmixed() -> World:
    """Two speakers, one channel each, and a phone number that must not go to the other one."""
    here = world()
    of = task()
    people = [{"participantId": SPEAKER, "channel": 0}, {"participantId": OTHER, "channel": 1}]
    info: dict[str, Any] = {"contentType": "audio", "channelType": "unmixed", "format": "wav"}
    info |= {"audioConfiguration": {"sampleRate": 16000, "channels": 2}}
    told = metadata(of, participants=people, recordingInfo=info)
    here.holds(of, wav(channels=2, sample=b"\x11\x12"), told)
    here.announces(event())
    here.runs(hours=1)
    here.follows_up()
    return here


def test_the_page_names_people_as_they_are_written(tmp_path: Path) -> None:
    """Who listens before a court knows numbers, and no marks of ACS before them."""
    here = unmixed()
    export_id = asks(here)
    works(here)
    page = (unpacked(here, export_id, tmp_path) / "index.html").read_text()
    numbers = [one.removeprefix("4:") for one in (SPEAKER, OTHER) if one.startswith("4:")]
    assert numbers
    assert all(f"<bdi>{number}</bdi>" in page for number in numbers), page


def test_one_speaker_alone_is_handed_over_where_each_has_a_channel(tmp_path: Path) -> None:
    """The other is silent in a file of the same length, and nothing in the bundle names them."""
    here = unmixed()
    export_id = asks(here, participant=SPEAKER, onlySpeaker=True)
    works(here)
    folder = unpacked(here, export_id, tmp_path)
    (media,) = folder.rglob("*.wav")
    sound, original = media.read_bytes()[44:], wav(channels=2, sample=b"\x11\x12")
    assert len(media.read_bytes()) == len(original)
    assert sound[:8] == b"\x11\x12\x00\x00\x11\x12\x00\x00"
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert OTHER.encode() not in everything
    assert OTHER.rsplit("_", maxsplit=1)[-1].encode() not in everything
    assert b"4930123456" in everything
    told = json.loads((folder / "export.json").read_text())["recordings"][0]
    assert told["media"][0]["onlyChannels"] == [0]
    assert told["media"][0]["sha256"] == hashlib.sha256(media.read_bytes()).hexdigest()
    assert {one["why"] for one in told["leftOut"]} == {"it names other people"}


def test_mixed_media_is_left_out_when_others_must_not_be_heard(tmp_path: Path) -> None:
    """It cannot be taken apart, and the manifest says so."""
    here = archived()
    export_id = asks(here, participant=PARTICIPANT, onlySpeaker=True)
    works(here)
    folder = unpacked(here, export_id, tmp_path)
    assert list(folder.rglob("*.wav")) == []
    told = json.loads((folder / "export.json").read_text())["recordings"][0]
    assert "other speakers cannot be removed from it" in {one["why"] for one in told["leftOut"]}


def test_media_in_the_archive_tier_is_named_and_left_out(tmp_path: Path) -> None:
    here = archived()
    name = next(name for name in here.fakes.archive.blobs if name.endswith(".wav"))
    here.fakes.archive.fail_next("read", BlobLockedError("archive tier"))
    export_id = asks(here)
    works(here)
    told = json.loads((unpacked(here, export_id, tmp_path) / "export.json").read_text())["recordings"][0]
    assert (len(told["media"]), [one["what"] for one in told["leftOut"]]) == (1, [name.rpartition("/")[2]])


def test_each_recording_that_is_handed_over_has_a_row() -> None:
    """I12: who, what, when; also long after the bundle has expired."""
    here = archived()
    export_id = asks(here)
    works(here)
    rows = [row for row in here.fakes.audit.written if row.operation == "export"]
    assert [(row.recording_id, row.caller, row.note) for row in rows] == [
        (RECORDING_ID, "caller-1", f"export {export_id}")
    ]
    here.fakes.clock.advance(days=8)
    told = get_export(export_id, here.ports)
    assert (told["state"], told["blobName"]) == ("gone", None)


def test_the_exports_own_document_names_no_person() -> None:
    """The participant who is asked for is a keyed hash in it."""
    here = archived()
    asks(here, number=PHONE, onlySpeaker=True, note=f"for {PHONE}")
    stored = b"".join(blob.data for blob in here.fakes.bundles.blobs.values())
    assert PHONE.encode() not in stored
    assert PHONE.lstrip("+").encode() not in stored


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, Code.INVALID_REQUEST),
        ({"recordings": []}, Code.INVALID_REQUEST),
        ({"recordings": ["a"], "tag": "x:y"}, Code.INVALID_REQUEST),
        ({"recordings": ["a"], "onlySpeaker": True}, Code.INVALID_REQUEST),
        ({"tag": "no:body"}, Code.UNKNOWN_RECORDING),
        ({"recordings": ["nobody-knows"]}, Code.UNKNOWN_RECORDING),
    ],
)
def test_what_cannot_be_exported_is_refused_at_once(body: dict[str, Any], code: Code) -> None:
    here = archived()
    with pytest.raises(RequestError) as refused:
        request_export(body, None, here.ports, here.settings)
    assert refused.value.code is code
    assert here.fakes.export_queue.sent == []


def test_an_export_that_is_too_large_says_so_where_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "MOST_BLOCKS", 1)
    here = archived()
    export_id = asks(here)
    works(here)
    assert get_export(export_id, here.ports)["error"] == Code.EXPORT_TOO_LARGE
    with pytest.raises(RequestError, match="no such export"):
        get_export("unknown", here.ports)
    export_message("no message", here.ports, here.settings)


@pytest.mark.parametrize("is_alone", [False, True])
def test_consent_and_pauses_are_on_the_page_and_in_the_list(tmp_path: Path, *, is_alone: bool) -> None:
    """Who gets a bundle asks first why a minute is missing; one speaker's bundle has no words about others."""
    here = archived()
    record = here.fakes.catalog.recordings[RECORDING_ID]
    pauses = (
        CommandedPause(id="p-1", at=here.now, ended_at=here.now + timedelta(seconds=90), reason="card <number>"),
        CommandedPause(id="p-2", at=here.now + timedelta(minutes=5), how=PauseEnd.REFUSED),
    )
    steps = (ConsentEntry(step=ConsentStep.GIVEN, at=here.now), ConsentEntry(step=ConsentStep.WITHDRAWN, at=here.now))
    told = {"pauses": pauses, "more_pauses": 3, "consents": steps}
    here.fakes.catalog.save_recording(record.model_copy(update=told))
    body = {"participant": PARTICIPANT, "onlySpeaker": True} if is_alone else {"recordings": [RECORDING_ID]}
    export_id = asks(here, **body)
    works(here)
    folder = unpacked(here, export_id, tmp_path)
    (listed,) = json.loads((folder / "export.json").read_text())["recordings"]
    assert (listed["consent"]["state"], len(listed["consent"]["steps"])) == ("withdrawn", 2)
    assert [one["reason"] for one in listed["pauses"]] == [None if is_alone else "card <number>"]
    page = (folder / "index.html").read_text()
    assert "now: withdrawn" in page
    assert ("card &lt;number&gt;" in page) is not is_alone
    assert "and 3 more" in page


def test_recordings_are_exported_by_ids_as_long_as_ids_may_be() -> None:
    """Ids of more than 256 characters could be archived, found and erased, and not exported."""
    here = archived()
    for length, code in ((LONGEST_ID, Code.UNKNOWN_RECORDING), (LONGEST_ID + 1, Code.INVALID_REQUEST)):
        with pytest.raises(RequestError) as refused:
            asks(here, recordings=["a" * length])
        assert refused.value.code is code
