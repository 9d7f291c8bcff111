"""Bundles of what is not there any more, of what has odd names, and of what lies in two folders."""

import json
import subprocess
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from dev.in_memory.builders import RECORDING_ID
from recording.domain.archived.bundle_pages import page_of
from recording.domain.archived.exports import ExportRecord, Part
from recording.errors import RequestError, StorageBusyError
from recording.errors.codes import Code
from recording.library.handover.export import get_export
from recording.library.handover.part import DIFFERS
from recording.library.handover.vcon import make_vcon
from tests.unit.library.handover.test_export import archived, asks, bundle, several, unmixed, unpacked, works
from tests.unit.library.seal.seal_world import sealed_world, seals

HOSTILE = [
    '"><script>alert(1)</script>',
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "a\r\nSet-Cookie: x",
    "../../etc/passwd",
    "\x00\x1b[31m",
    "\ud800",
    "' onerror='x",
    "\N{LINE SEPARATOR}\N{LEFT-TO-RIGHT ISOLATE}",
]


def told(folder: Path) -> dict[str, object]:
    (facts,) = json.loads((folder / "export.json").read_text())["recordings"]
    return dict(facts)


def test_a_recording_that_was_destroyed_meanwhile_is_named_and_ends_nothing(tmp_path: Path) -> None:
    """It was there when the export was asked for; the bundle of the others is made."""
    here = several()
    export_id = asks(here, tag="batch:1")
    key = next(iter(sorted(here.fakes.catalog.chunks, key=str)))
    gone = here.fakes.catalog.chunks[key]
    here.fakes.catalog.chunks[key] = gone.model_copy(update={"disposed_at": here.now, "disposed_why": "a rule"})
    del here.fakes.archive.blobs[gone.blob_name or ""]
    works(here)
    assert get_export(export_id, here.ports)["state"] == "done"
    folder = unpacked(here, export_id, tmp_path)
    assert len(list(folder.rglob("*.wav"))) == 2
    errors = [one.get("error") for one in json.loads((folder / "export.json").read_text())["recordings"]]
    assert sum("destroyed" in (error or "") for error in errors) == 1
    with pytest.raises(RequestError) as refused:
        make_vcon(gone.task.recording_id, here.ports, here.settings)
    assert refused.value.code is Code.MEDIA_DISPOSED


def test_one_chunk_that_was_destroyed_is_left_out_of_vcon_and_bundle(tmp_path: Path) -> None:
    """Its address and its digest are those of nothing."""
    here = archived()
    key = next(key for key, one in here.fakes.catalog.chunks.items() if one.task.index == 1)
    chunk = here.fakes.catalog.chunks[key]
    here.fakes.catalog.chunks[key] = chunk.model_copy(update={"disposed_at": here.now, "disposed_why": "a rule"})
    assert len(make_vcon(RECORDING_ID, here.ports, here.settings)["dialog"]) == 2
    export_id = asks(here)
    works(here)
    assert len(list(unpacked(here, export_id, tmp_path).rglob("*.wav"))) == 1


def test_media_that_is_not_there_is_named_and_one_that_cannot_be_read_now_is_tried_again(tmp_path: Path) -> None:
    here = archived()
    name = [name for name in sorted(here.fakes.archive.blobs) if name.endswith(".wav")][-1]
    del here.fakes.archive.blobs[name]
    export_id = asks(here)
    here.fakes.archive.fail_next("read", StorageBusyError("a moment"))
    with pytest.raises(StorageBusyError):
        works(here)
    here.fakes.export_queue.send(export_id)  # the host delivers it again
    works(here)
    facts = told(unpacked(here, export_id, tmp_path))
    left = [one for one in facts["leftOut"] if one["what"] == name.rpartition("/")[2]]  # type: ignore[attr-defined]
    assert [one["why"] for one in left] == ["it is not in the archive any more"]


def test_files_of_two_folders_of_one_recording_do_not_share_a_name(tmp_path: Path) -> None:
    """A template that was changed between two chunks makes two folders, each with a manifest and proofs."""
    here = archived()
    key = next(key for key, one in here.fakes.catalog.chunks.items() if one.task.index == 1)
    chunk = here.fakes.catalog.chunks[key]
    old, new = chunk.task.folder, f"other/{chunk.task.folder}"
    stem = (chunk.blob_name or "").rpartition(".")[0]
    for name in [name for name in here.fakes.archive.blobs if name.startswith(stem) or name.endswith("manifest.json")]:
        here.fakes.archive.blobs[name.replace(old, new, 1)] = here.fakes.archive.blobs[name]
    moved = chunk.task.model_copy(update={"folder": new})
    blob = (chunk.blob_name or "").replace(old, new, 1)
    here.fakes.catalog.chunks[key] = chunk.model_copy(update={"task": moved, "blob_name": blob})
    export_id = asks(here)
    works(here)
    with zipfile.ZipFile(BytesIO(bundle(here, export_id))) as opened:
        names = opened.namelist()
    assert len(set(names)) == len(names)
    assert len([name for name in names if name.endswith("manifest.json")]) == 2
    folder = unpacked(here, export_id, tmp_path)
    done = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    "name", ["..\\x.receipt.json", "a\r\nb.receipt.json", "\N{RIGHT-TO-LEFT OVERRIDE}x.receipt.json"]
)
def test_a_document_with_an_odd_name_is_left_out_and_named(name: str, tmp_path: Path) -> None:
    """Somebody who may write to the archive puts it there; it would be a path, or a line, on a stranger's machine."""
    here = archived()
    folder = here.record().task.folder
    blobs = here.fakes.archive.blobs
    blobs[f"{folder}/{name}"] = blobs[next(one for one in blobs if one.endswith(".receipt.json"))]
    export_id = asks(here)
    works(here)
    facts = told(unpacked(here, export_id, tmp_path))
    assert {"what": name, "why": "its name is not one that this archive gives"} in facts["leftOut"]  # type: ignore[operator]
    with zipfile.ZipFile(BytesIO(bundle(here, export_id))) as opened:
        assert all(one.isascii() and one.isprintable() and ".." not in one for one in opened.namelist())
    assert len((tmp_path / "SHA256SUMS").read_text().splitlines()) == len(list_of_files(tmp_path)) - 1


def list_of_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["recordingId", "callId", "participants", "tags", "error", "leftOut"])
def test_hostile_text_is_text_in_the_page(text: str, field: str) -> None:
    """Whatever a caller wrote, or ACS served: no element, no attribute, no line, no turned direction."""
    values: dict[str, object] = {
        "participants": [text],
        "tags": {text: text},
        "leftOut": [{"what": text, "why": text}],
    }
    here = sealed_world()
    export = ExportRecord(export_id="e", requested_at=here.now)
    media = [{"name": f"recordings/{text}.wav", "startedAt": here.now.isoformat(), "seconds": 3.0}]
    facts = {"recordingId": "r", "media": media, "documents": [text], field: values.get(field, text)}
    page = page_of(export, [Part(facts=facts)]).decode()
    assert "<script>alert" not in page
    assert "onerror='x" not in page.replace("&#x27;", "") or "'" not in page.split("onerror=")[0][-1:]
    unseen = {"\N{RIGHT-TO-LEFT OVERRIDE}", "\r", "\x00", "\x1b", "\N{LINE SEPARATOR}", "\N{LEFT-TO-RIGHT ISOLATE}"}
    assert not unseen & set(page)
    assert page.count("<audio") == 1


def test_the_vcon_of_one_speaker_is_another_one_and_refers_to_the_whole(tmp_path: Path) -> None:
    """Its own id, what it was made from, and neither address nor digest of the media in which others are heard."""
    here = unmixed()
    whole = make_vcon(RECORDING_ID, here.ports, here.settings)
    export_id = asks(here, participant="4:+4930123456", onlySpeaker=True)
    works(here)
    (path,) = unpacked(here, export_id, tmp_path).rglob("*.vcon.json")
    document = json.loads(path.read_text())
    assert document["redacted"] == {"uuid": whole["uuid"], "type": "other speakers"}
    assert document["uuid"] != whole["uuid"]
    (dialog,) = [one for one in document["dialog"] if one["type"] == "recording"]
    assert "url" not in dialog
    assert "content_hash" not in dialog
    assert (path.parent / dialog["filename"]).is_file()
    assert ".one-speaker." in dialog["filename"]


def test_a_bundle_that_was_made_is_named_in_the_trail_with_the_digest_of_its_sums() -> None:
    """The next checkpoint seals the row: the archive can say which bundle it handed over."""
    here = archived()
    export_id = asks(here)
    works(here)
    (row,) = [row for row in here.fakes.audit.written if row.operation == "export_made"]
    digest = get_export(export_id, here.ports)["sha256"]
    assert row.note == f"export {export_id}, SHA256SUMS {digest}"
    assert seals(here).error is None


@pytest.mark.parametrize("change", ["a byte", "a byte behind the sound", "longer", "shorter"])
def test_one_speaker_is_cut_only_from_media_that_is_as_it_was_proved(change: str, tmp_path: Path) -> None:
    """What is cut has no receipt, so nobody who gets it could notice."""
    here = unmixed()
    name = here.record().blob_name or ""
    blob = here.fakes.archive.blobs[name]
    data = {
        "a byte": blob.data[:2000] + b"!" + blob.data[2001:],
        "a byte behind the sound": blob.data[:-1] + b"!",
        "longer": blob.data + bytes(500),
        "shorter": blob.data[:-500],
    }[change]
    here.fakes.archive.blobs[name] = replace(blob, data=data)
    export_id = asks(here, participant="4:+4930123456", onlySpeaker=True)
    works(here)
    told = json.loads((unpacked(here, export_id, tmp_path) / "export.json").read_text())["recordings"][0]
    assert told["media"] == []
    assert [one["why"] for one in told["leftOut"] if one["what"].endswith(".wav")] == [DIFFERS]
