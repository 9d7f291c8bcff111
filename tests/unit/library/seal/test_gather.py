"""What came after a receipt, and every other sealed document: one that is planted or changed is never believed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dev.in_memory.builders import task
from dev.in_memory.world import World
from recording.domain.state.records import changed
from recording.library.rebuild import rebuild
from recording.library.seal.waiting import seal_all
from recording.operate.drift import look_for_drift
from recording.operate.scrub import scrub
from recording.operate.verify_recording import verify
from tests.unit.library.seal.seal_world import acts, archives, copied, proofs_in, sealed_world, seals, verified

END = ".after.json"
WRITTEN_ONCE = (".receipt.json", ".metadata.json", END)
LIE = {"source": "deleted", "sourceDeletedAt": "2020-01-01T00:00:00+00:00", "sourceReason": "by hand"}


def blobs(of: World) -> dict[str, bytes]:
    return {name: blob.data for name, blob in of.fakes.archive.blobs.items()}


def name_in(of: World, end: str) -> str:
    return next(name for name in sorted(of.fakes.archive.blobs) if name.endswith(end))


def puts(of: World, name: str, data: bytes) -> None:
    """A hand writes into the archive."""
    known = of.fakes.archive.blobs.get(name)
    if known is None:
        assert of.ports.archive.put_once(name, data, "application/json")
    else:
        of.fakes.archive.blobs[name] = replace(known, data=data)


def archived(*indexes: int) -> World:
    of = sealed_world()
    acts(of)
    archives(of, *(indexes or (0, 1)))
    of.follows_up()
    return of


def looks_again(of: World) -> None:
    """Something makes the seal look at every recording once more: a tag, a follow-up that comes twice, a catch-up."""
    of.fakes.clock.advance(minutes=5)
    seal_all(of.ports)
    seals(of)


def found(of: World, folder: Path) -> set[tuple[str, str]]:
    """What the verifier names, with the end of the file's name."""
    return {(one.kind.value, one.name.rpartition("/")[2]) for one in verified(copied(of, folder)).problems}


# --- before it is sealed ---------------------------------------------------------------------------------------------


def test_a_lie_that_is_there_first_gives_way_to_the_truth(tmp_path: Path) -> None:
    """Whoever writes it before the seal's turn has it neither sealed nor believed."""
    of = archived()
    name = (of.record().blob_name or "").rpartition(".")[0] + END
    puts(of, name, json.dumps(LIE).encode())
    seals(of)
    assert json.loads(blobs(of)[name])["sourceReason"] != "by hand"
    assert found(of, tmp_path) == set()


def test_a_lie_that_storage_protects_is_not_sealed(tmp_path: Path) -> None:
    of = archived()
    name = (of.record().blob_name or "").rpartition(".")[0] + END
    puts(of, name, json.dumps(LIE).encode())
    of.fakes.archive.fail_next("put_if_unchanged", _locked(), times=100)
    seals(of)
    assert found(of, tmp_path) == {("file_not_sealed", name.rpartition("/")[2])}


def _locked() -> Exception:
    from recording.errors import BlobLockedError

    return BlobLockedError("immutable")


@pytest.mark.parametrize("end", WRITTEN_ONCE)
def test_a_document_of_a_chunk_that_never_was_is_not_sealed(end: str, tmp_path: Path) -> None:
    """It is put there before the recording is looked at; the catalog knows nothing of it."""
    of = archived()
    folder = of.record().task.folder
    known = json.loads(blobs(of)[name_in(of, ".receipt.json")])
    puts(of, f"{folder}/0009-beef{end}", json.dumps({**known, "documentId": "beef", "index": 9}).encode())
    seals(of)
    looks_again(of)
    assert found(of, tmp_path) == {("file_not_sealed", f"0009-beef{end}")}
    assert any(drift.blob_name.endswith(end) for drift in look_for_drift(of.ports, of.settings).drifts)


@pytest.mark.parametrize("end", [".receipt.json", ".metadata.json"])
def test_a_document_that_contradicts_the_catalog_is_not_sealed(end: str, tmp_path: Path) -> None:
    """Changed between its writing and the seal's turn: the catalog has the digests."""
    of = archived(0)
    name = name_in(of, end)
    was = blobs(of)[name]
    puts(of, name, was.replace(b'"sha256": "', b'"sha256": "0', 1) if end == ".receipt.json" else was + b" ")
    seals(of)
    assert ("file_not_sealed", name.rpartition("/")[2]) in found(of, tmp_path)


def test_a_record_that_was_made_again_says_nothing_of_the_source(tmp_path: Path) -> None:
    """The catalog was lost: it does not know what became of the source, and what was sealed stays."""
    of = archived()
    seals(of)
    before = blobs(of)
    of.fakes.catalog.chunks.clear()
    of.fakes.catalog.recordings.clear()
    rebuild(of.ports, of.settings)
    looks_again(of)
    assert {name: data for name, data in blobs(of).items() if name.endswith(END)} == {
        name: data for name, data in before.items() if name.endswith(END)
    }
    assert found(of, tmp_path) == set()


# --- after it was sealed ---------------------------------------------------------------------------------------------


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a byte": lambda raw: raw[:-4] + bytes([raw[-4] ^ 1]) + raw[-3:],
    "a space": lambda raw: raw + b" ",
    "empty": lambda _raw: b"",
    "another document": lambda _raw: json.dumps(LIE).encode(),
}


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("way", CHANGES)
@pytest.mark.parametrize("end", WRITTEN_ONCE)
def test_a_changed_document_is_named_and_never_sealed_anew(end: str, way: str, again: bool, tmp_path: Path) -> None:
    """Else whoever changes it would only have to tag the recording, and the newest proof would vouch for the lie."""
    of = archived()
    seals(of)
    leaves = len(proofs_in(of))
    name = name_in(of, end)
    puts(of, name, CHANGES[way](blobs(of)[name]))
    if again:
        looks_again(of)
    assert len(proofs_in(of)) == leaves
    assert ("file_altered", name.rpartition("/")[2]) in found(of, tmp_path)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("end", [*WRITTEN_ONCE, "manifest.json"])
def test_a_removed_document_is_named(end: str, again: bool, tmp_path: Path) -> None:
    of = archived()
    seals(of)
    name = name_in(of, end)
    del of.fakes.archive.blobs[name]
    if again and end != END:
        looks_again(of)
    assert ("file_missing", name.rpartition("/")[2]) in found(of, tmp_path)


def test_a_removed_document_of_what_came_after_is_written_again_as_it_was(tmp_path: Path) -> None:
    """The catalog still says it, to the byte, so the first proof holds."""
    of = archived()
    seals(of)
    name = name_in(of, END)
    before = blobs(of)[name]
    del of.fakes.archive.blobs[name]
    looks_again(of)
    assert blobs(of)[name] == before
    assert found(of, tmp_path) == set()


@pytest.mark.parametrize("end", WRITTEN_ONCE)
def test_two_documents_that_change_places_are_named_also_after_another_turn(end: str, tmp_path: Path) -> None:
    of = archived()
    seals(of)
    one, other = sorted(name for name in of.fakes.archive.blobs if name.endswith(end))[:2]
    first, second = blobs(of)[one], blobs(of)[other]
    puts(of, one, second)
    puts(of, other, first)
    looks_again(of)
    problems = found(of, tmp_path)
    assert {("file_altered", one.rpartition("/")[2]), ("file_altered", other.rpartition("/")[2])} <= problems


def test_a_document_that_an_earlier_version_sealed_twice_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proofs convict it: one that is written once was sealed with two contents."""
    of = archived()
    seals(of)
    name = name_in(of, ".metadata.json")
    puts(of, name, CHANGES["a space"](blobs(of)[name]))
    monkeypatch.setattr("recording.library.seal.gather.is_written_once", lambda _name, _kind: False)
    looks_again(of)
    assert found(of, tmp_path) == {("file_altered", name.rpartition("/")[2])}


def test_what_follows_another_receipt_is_named(tmp_path: Path) -> None:
    """Sealed by a version that believed what was there: its own words convict it."""
    of = archived(0)
    name = (of.record().blob_name or "").rpartition(".")[0] + END
    puts(of, name, json.dumps(LIE).encode())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("recording.library.seal.gather.after_of", lambda _chunk, _receipt: json.dumps(LIE).encode())
        seals(of)
    assert found(of, tmp_path) == {("file_altered", name.rpartition("/")[2])}


# --- nobody believes it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_sealed", [False, True])
def test_nothing_in_the_app_believes_what_came_after_a_receipt(is_sealed: bool) -> None:
    """Verify, drift, scrub, rebuild: their answers are those without the document, whatever it says."""
    of = archived()
    if is_sealed:
        seals(of)
    told = _answers(of)
    for chunk in list(of.fakes.catalog.chunks.values()):
        puts(of, (chunk.blob_name or "").rpartition(".")[0] + END, json.dumps(LIE).encode())
    assert _answers(of) == told


def _answers(of: World) -> list[object]:
    ports, settings = of.ports, of.settings
    for chunk in list(of.fakes.catalog.chunks.values()):
        of.fakes.catalog.save_chunk(changed(chunk, read_whole_at=None))
    proved = verify(task().recording_id, ports, settings)
    drifted = look_for_drift(ports, settings, sample_percent=100.0).drifts
    scrubbed = scrub(ports, settings).drifts
    chunks, recordings = dict(of.fakes.catalog.chunks), dict(of.fakes.catalog.recordings)
    of.fakes.catalog.chunks.clear()
    of.fakes.catalog.recordings.clear()
    rebuild(ports, settings)
    made = sorted(
        (str(one.key), str(one.source), str(one.source_deleted_at)) for one in of.fakes.catalog.chunks.values()
    )
    of.fakes.catalog.chunks.clear()
    of.fakes.catalog.recordings.clear()
    of.fakes.catalog.chunks.update(chunks)
    of.fakes.catalog.recordings.update(recordings)
    return [proved, drifted, scrubbed, made]
