"""The seal against files that are all genuine, in a place or an order in which they never were (I13)."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task, wav
from dev.in_memory.fakes.seal import FakeSealKey, FakeTimeStamps
from dev.in_memory.world import World
from recording.domain.seal.leaves import SALT_BYTES, Kind, Proved, leaf_of, read_proofs, salt_for, written_proofs
from recording.domain.seal.signature import pem_of
from recording.library.seal import gather
from recording.library.seal.waiting import seal_file
from tests.unit.library.seal.seal_copies import LOG, found
from tests.unit.library.seal.seal_world import acts, archives, copied, seal_of, sealed_world, seals, verified

pytestmark = pytest.mark.slow

OF_CHUNKS = (".metadata.json", ".receipt.json", ".after.json")

DOCUMENTS = ("_certificates/2026/11/a.json", "_certificates/2026/11/b.json")


def two_recordings() -> World:
    """Two recordings of two chunks, each manifest in two versions, and two certificates, all sealed and stamped."""
    here = sealed_world()
    seal_of(here).stamps = FakeTimeStamps()
    other = f"{RECORDING_ID[:-4]}beef"
    for indexes in ((0,), (0, 1)):
        acts(here)
        archives(here, *indexes)
        for number in indexes:
            document = document_id(50 + number)
            here.holds(task(number, document, recording_id=other), wav(sample=bytes([7, number + 9])))
        chunks = [chunk(number, document_id(50 + number)) for number in indexes]
        subject = f"/recording/call/c2/serverCallId/s/recordingId/{other}"
        here.announces(event(*chunks, id=f"e{len(indexes)}", subject=subject))
        here.runs(hours=1)
        here.follows_up()
        seals(here)
        here.fakes.clock.advance(days=1, minutes=5)
    for name in DOCUMENTS:
        here.ports.archive.put_once(name, json.dumps({"certificate": name}).encode(), "application/json")
        seal_file(name, here.ports)
    seals(here)
    return here


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(two_recordings(), tmp_path_factory.mktemp("original"))


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy"


def folders(copy: Path) -> list[Path]:
    return sorted({path.parent for path in copy.rglob("*.receipt.json")})


def test_the_original_is_as_sealed(original: Path) -> None:
    assert len(folders(original)) == 2
    assert found(original) == set()
    for folder in folders(original):
        assert found(folder, whole=False) == set()


# --- a genuine file in another one's place ---------------------------------------------------------------------------


def swap(one: Path, other: Path) -> None:
    """Exchange two sealed files and, as one who knows the format does, the proofs about them as well."""
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    about = {path: _proofs_about(path) for path in (one, other)}
    _replace_proofs(one, [_named(proof, one.name) for proof in about[other]], about[other])
    _replace_proofs(other, [_named(proof, other.name) for proof in about[one]], about[one])


def _proofs_about(path: Path) -> list[tuple[Path, Proved]]:
    documents = sorted(path.parent.glob("seal.*.json"))
    return [(one, proof) for one in documents for proof in read_proofs(one.read_bytes())[1] if proof.name == path.name]


def _named(found: tuple[Path, Proved], name: str) -> Proved:
    return Proved(**{**vars(found[1]), "name": name})


def _replace_proofs(path: Path, new: list[Proved], came_from: list[tuple[Path, Proved]]) -> None:
    """Take the proofs about a file out of its folder, and put those in that are about the other file."""
    for document in sorted(path.parent.glob("seal.*.json")):
        raw, proofs = read_proofs(document.read_bytes())
        kept = [proof for proof in proofs if proof.name != path.name]
        document.write_bytes(written_proofs(raw, kept))
    for proof, (document, _) in zip(new, came_from, strict=True):
        target = path.parent / document.name
        source = target if target.is_file() else document
        raw, proofs = read_proofs(source.read_bytes())
        proofs = proofs if target.is_file() else []
        target.write_bytes(written_proofs(raw, [*proofs, proof]))


@pytest.mark.parametrize("end", OF_CHUNKS)
def test_documents_of_two_chunks_that_change_places_are_noticed(copy: Path, end: str) -> None:
    """Both were sealed, both have their proof; each is under the name of the other."""
    one, other = sorted(folders(copy)[0].glob(f"*{end}"))[:2]
    swap(one, other)
    assert "file_altered" in found(copy)
    assert "file_altered" in found(folders(copy)[0], whole=False)


@pytest.mark.parametrize("end", [*OF_CHUNKS, "manifest.json"])
def test_documents_of_two_recordings_that_change_places_are_noticed(copy: Path, end: str) -> None:
    one, other = (sorted(folder.glob(f"*{end}"))[0] for folder in folders(copy))
    swap(one, other)
    assert "file_altered" in found(copy)
    assert found(folders(copy)[0], whole=False), "its neighbours were sealed in another folder"


def test_certificates_that_change_places_are_noticed(copy: Path) -> None:
    swap(*(copy / "recordings" / name for name in DOCUMENTS))
    assert "file_altered" in found(copy)


def test_a_folder_whose_every_file_is_another_recordings_is_noticed_where_the_copy_is_whole(copy: Path) -> None:
    """Alone it is a genuine recording; it is not the one that was there."""
    one, other = folders(copy)
    shutil.rmtree(other)
    shutil.copytree(one, other)
    assert "file_altered" in found(copy)


# --- an earlier version of it ----------------------------------------------------------------------------------------


def test_a_version_that_was_replaced_is_not_put_back_with_the_newest_beside_it(copy: Path, tmp_path: Path) -> None:
    """The newest manifest is kept, so that its leaf has its file, and passes for a numbered version."""
    folder = folders(copy)[0]
    manifest = folder / "manifest.json"
    proofs = _proofs_about(manifest)
    (newest_in, newest), oldest = max(proofs, key=lambda one: one[1].leaf), min(proofs, key=lambda one: one[1].leaf)
    assert newest.leaf > oldest[1].leaf
    (folder / "manifest.0002.json").write_bytes(manifest.read_bytes())
    manifest.write_bytes(_before(tmp_path))
    assert oldest[1].matches(manifest.read_bytes())
    raw, all_of_it = read_proofs(newest_in.read_bytes())
    renamed = [_named((newest_in, one), "manifest.0002.json") if one == newest else one for one in all_of_it]
    newest_in.write_bytes(written_proofs(raw, renamed))
    assert "file_altered" in found(copy)
    assert "file_altered" in found(folder, whole=False)


def _before(tmp_path: Path) -> bytes:
    """Return the manifest as it was when the first chunk was archived."""
    here = sealed_world()
    acts(here)
    archives(here, 0)
    early = copied(here, tmp_path / "early")
    return next(early.rglob("manifest.json")).read_bytes()


def test_a_proof_that_is_hidden_in_another_folder_does_not_hide_a_rollback(copy: Path, tmp_path: Path) -> None:
    folder = folders(copy)[0]
    manifest = folder / "manifest.json"
    newest_in, newest = max(_proofs_about(manifest), key=lambda one: one[1].leaf)
    apart = copy / "recordings" / "apart"
    apart.mkdir()
    raw, proofs = read_proofs(newest_in.read_bytes())
    (apart / newest_in.name).write_bytes(written_proofs(raw, [newest]))
    newest_in.write_bytes(written_proofs(raw, [one for one in proofs if one != newest]))
    shutil.move(manifest, apart / "manifest.json")
    manifest.write_bytes(_before(tmp_path))
    assert "file_altered" in found(copy)


def test_a_name_cannot_be_moved_from_the_salt_into_the_content(copy: Path) -> None:
    """Else a sealed document, with its name in front, would pass for one of before, which says no name."""
    folder = folders(copy)[0]
    document, proof = _proofs_about(next(iter(sorted(folder.glob("*.metadata.json")))))[0]
    path = folder / proof.name
    path.write_bytes(proof.salt[SALT_BYTES:] + path.read_bytes())
    raw, proofs = read_proofs(document.read_bytes())
    bare = Proved(**{**vars(proof), "salt": proof.salt[:SALT_BYTES]})
    assert leaf_of(Kind.METADATA, bare.salt, path.read_bytes()).digest == proof.digest
    document.write_bytes(written_proofs(raw, [bare if one == proof else one for one in proofs]))
    assert found(copy) == {"file_altered"}


def test_files_that_were_sealed_before_names_were_are_proved_and_sealed_once_more(tmp_path: Path) -> None:
    """A log that an older version began goes on, and its leaves keep their meaning."""
    here = sealed_world()
    archives(here)
    _seals_as_before(here)
    before = {proof.leaf for raw in _proof_documents(here) for proof in read_proofs(raw)[1]}
    assert verified(copied(here, tmp_path / "before")).problems == []
    here.fakes.clock.advance(minutes=5)
    here.ports.follow_ups.send(task().recording_id)
    here.follows_up()
    assert seals(here).leaves == len(before)
    assert verified(copied(here, tmp_path / "after")).problems == []


def _seals_as_before(here: World) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gather, "salt_of_file", salt_for)
        seals(here)


def _proof_documents(here: World) -> list[bytes]:
    return [blob.data for name, blob in here.fakes.archive.blobs.items() if "/seal." in name]


# --- every byte of every file ----------------------------------------------------------------------------------------


def test_a_changed_bit_in_any_byte_of_any_file_of_the_log_and_of_a_folder_is_noticed(copy: Path) -> None:
    """Also in keys, time-stamps, the spaces of proofs, and the last bits of a signature's base64."""
    small = [path for path in sorted(copy.rglob("*")) if path.is_file() and path.suffix != ".wav"]
    assert {path.parent.name for path in small} >= {"checkpoints", "batches", "journal", "keys", "tokens"}
    for path in small:
        raw = path.read_bytes()
        step = max(1, len(raw) // 7)
        places = {*range(0, len(raw), step), len(raw) - 1, len(raw) - 2, len(raw) - 3} - _salts_of_nothing(path)
        for place in places if _is_pinned(path, copy) else ():
            path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
            assert found(copy), (path.relative_to(copy), place)
        path.write_bytes(raw)


def _salts_of_nothing(path: Path) -> set[int]:
    """Return where the salts of replaced versions are: nothing is left that they could prove."""
    if not path.name.startswith("seal."):
        return set()
    beside = [read_proofs(one.read_bytes())[1] for one in sorted(path.parent.glob("seal.*"))]
    newest = {one.name: one.leaf for proofs in beside for one in proofs}
    raw = path.read_bytes()
    gone = [one.salt.hex().encode() for one in read_proofs(raw)[1] if newest[one.name] > one.leaf]
    return {place for salt in gone for place in range(raw.index(salt), raw.index(salt) + len(salt))}


def _is_pinned(path: Path, copy: Path) -> bool:
    """The last checkpoint and its token have nobody behind them: any bit of the text counts, and the token's digest."""
    return path.parent.name != "tokens" or path != sorted((copy / LOG / "tokens").iterdir())[-1]


def test_a_word_that_is_put_into_proofs_is_noticed(copy: Path) -> None:
    """It is signed by nobody, and a person would read it."""
    path = sorted(folders(copy)[0].glob("seal.*.json"))[0]
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "comment": "approved"}, indent=2) + "\n")
    assert found(copy) == {"proof_altered"}


def _no_keys(copy: Path) -> None:
    shutil.rmtree(copy / LOG / "keys")


def _other_key(copy: Path) -> None:
    next((copy / LOG / "keys").iterdir()).write_bytes(pem_of(FakeSealKey(5).public_key()))


def _no_tokens(copy: Path) -> None:
    for path in sorted((copy / LOG / "tokens").iterdir())[:-1]:
        path.unlink()


def _tokens_swapped(copy: Path) -> None:
    one, other = sorted((copy / LOG / "tokens").iterdir())[:2]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _token_of_nothing(copy: Path) -> None:
    (copy / LOG / "tokens/0000000099.tsr").write_bytes(b"stamped")


BESIDE: list[tuple[Callable[[Path], None], str]] = [
    (_no_keys, "key_altered"),
    (_other_key, "key_altered"),
    (_no_tokens, "token_altered"),
    (_tokens_swapped, "token_altered"),
    (_token_of_nothing, "token_altered"),
]


@pytest.mark.parametrize(("trick", "kind"), BESIDE, ids=[trick.__name__.strip("_") for trick, _ in BESIDE])
def test_keys_and_time_stamps_are_as_they_were(copy: Path, trick: Callable[[Path], None], kind: str) -> None:
    """An auditor without a key of his own would take those; with one, he would not miss them."""
    trick(copy)
    assert kind in found(copy)


# --- a proof whose document was written anew -------------------------------------------------------------------------


def resalted(copy: Path, change: Callable[[bytes], bytes], *, earlier: bool) -> None:
    """Change the salt in the earliest proof of a manifest, or in the newest one."""
    manifest = folders(copy)[0] / "manifest.json"
    about = _proofs_about(manifest)
    assert len(about) > 1
    document, meant = about[0 if earlier else -1]
    raw, proofs = read_proofs(document.read_bytes())
    changed = [Proved(**{**vars(one), "salt": change(one.salt)}) if one == meant else one for one in proofs]
    assert changed != proofs
    document.write_bytes(written_proofs(raw, changed))


def _of_another_file(salt: bytes) -> bytes:
    return salt.replace(b"manifest.json", b"manifesto.json")


def _of_another_folder(salt: bytes) -> bytes:
    return salt[:SALT_BYTES] + b"elsewhere/" + salt[SALT_BYTES:]


def _cut(salt: bytes) -> bytes:
    return salt[: SALT_BYTES - 1]


def _flipped(salt: bytes) -> bytes:
    return bytes([salt[0] ^ 1]) + salt[1:]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("change", [_of_another_file, _of_another_folder, _cut])
def test_the_place_in_the_salt_of_an_earlier_proof_counts(
    copy: Path, change: Callable[[bytes], bytes], whole: bool
) -> None:
    """The document is gone, and what can still be compared is: a proof of another place is not this file's."""
    resalted(copy, change, earlier=True)
    assert found(copy if whole else folders(copy)[0], whole=whole) & {"proof_altered", "file_altered"}


def test_the_random_part_of_that_salt_is_evidence_only_while_its_document_is_there(copy: Path) -> None:
    """It proves nothing without the content (ADR 0069); leaf, path and signature still count."""
    resalted(copy, _flipped, earlier=True)
    assert found(copy) == set()
    resalted(copy, _flipped, earlier=False)
    assert "file_altered" in found(copy)
