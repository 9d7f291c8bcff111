"""The verifier against whoever changes, removes, adds or reorders files of any kind: it is always noticed (I13)."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.in_memory.fakes.seal import FakeSealKey
from recording.domain.seal import leaves as form
from recording.domain.seal.checkpoint import read_checkpoint
from recording.domain.seal.checkpoint import signed as with_signature
from recording.domain.seal.leaves import Line, Proved
from recording.domain.seal.signature import pem_of
from tests.unit.library.seal.seal_world import acts, archives, copied, sealed_world, seals, verified

KEY = pem_of(FakeSealKey().public_key())
KINDS = ("checkpoints", "batches", "journal", ".receipt.json", ".metadata.json", "manifest.json", "/seal.", ".wav")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with several checkpoints, chunks and commands."""
    here = sealed_world()
    for indexes in ((0,), (0, 1), (0, 1, 2)):
        acts(here)
        acts(here, "pause_recording")
        archives(here, *indexes)
        seals(here)
        here.fakes.clock.advance(minutes=5)
    return copied(here, tmp_path_factory.mktemp("original"))


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """The copy that somebody tampers with."""
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy"


def files(copy: Path, kind: str) -> list[Path]:
    found = [path for path in sorted(copy.rglob("*")) if path.is_file() and kind in path.as_posix()]
    assert found
    return found


def problems(copy: Path, *, whole: bool = True) -> list[str]:
    return [problem.kind.value for problem in verified(copy, KEY, whole=whole).problems]


def test_the_original_is_as_sealed(original: Path) -> None:
    verdict = verified(original, KEY)
    assert verdict.problems == []
    assert (verdict.checkpoints, verdict.media, verdict.rows) == (3, 3, 6)


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_that_is_changed_is_noticed(copy: Path, kind: str) -> None:
    """One byte, somewhere in the middle, in any file of any kind."""
    for path in files(copy, kind):
        raw = path.read_bytes()
        middle = len(raw) // 2
        path.write_bytes(raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :])
        assert problems(copy), path
        path.write_bytes(raw)


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_that_is_removed_is_noticed(copy: Path, kind: str) -> None:
    """The last checkpoint alone leaves a shorter log: what it covered is then not sealed."""
    for path in files(copy, kind):
        raw = path.read_bytes()
        path.unlink()
        assert problems(copy), path
        path.write_bytes(raw)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "manifest.json"])
def test_files_that_change_places_are_noticed(copy: Path, kind: str) -> None:
    """The same bytes, all signed, in another order."""
    first, second = files(copy, kind)[:2]
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert problems(copy)


def test_a_file_that_is_removed_with_its_proof_is_noticed_in_a_whole_copy(copy: Path) -> None:
    """What nothing in the folder speaks of any more, the log still counts."""
    shutil.rmtree(copy / "recordings")
    assert set(problems(copy)) == {"leaf_without_file"}
    assert problems(copy, whole=False) == []


@pytest.mark.parametrize("name", ["0009-x.receipt.json", "0009-x.metadata.json", "manifest.0002.json"])
def test_a_document_that_is_put_beside_is_noticed(copy: Path, name: str) -> None:
    """A receipt for a recording that never was."""
    folder = files(copy, ".receipt.json")[0].parent
    (folder / name).write_text("{}")
    assert problems(copy) == ["file_not_sealed"]


def _cut_end(copy: Path) -> None:
    for kind in ("checkpoints", "batches", "journal"):
        files(copy, kind)[-1].unlink()


def _row_removed(copy: Path) -> None:
    path = files(copy, "journal")[1]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))


def _rows_swapped(copy: Path) -> None:
    path = files(copy, "journal")[1]
    lines = form.read_journal(path.read_bytes())
    swapped = [Line(one.leaf, other.kind, other.salt, other.row) for one, other in zip(lines, lines[::-1], strict=True)]
    path.write_bytes(form.written_journal(swapped))


def _row_added(copy: Path) -> None:
    path = files(copy, "journal")[1]
    line = form.read_journal(path.read_bytes())[0]
    path.write_bytes(path.read_bytes() + form.written_journal([Line(99, line.kind, line.salt, line.row)]))


def _row_withdrawn_without_a_word(copy: Path) -> None:
    path = files(copy, "journal")[1]
    lines = form.read_journal(path.read_bytes())
    path.write_bytes(form.written_journal([Line(lines[0].leaf, lines[0].kind, b"", None), *lines[1:]]))


def _all_signed_anew(copy: Path) -> None:
    """A thief of the storage account with a key of his own makes the whole log anew, and leaves his public key."""
    key, last = FakeSealKey(13), None
    for path in files(copy, "checkpoints"):
        told = read_checkpoint(path.read_bytes()).checkpoint
        told = type(told)(**{**vars(told), "previous": last.digest if last else None})
        last = with_signature(told, key.public_key(), key.sign(told.text))
        path.write_bytes(last.raw)
    (copy / "recording-seal/keys/other.pem").write_bytes(pem_of(key.public_key()))


def _proof_of_another_file(copy: Path) -> None:
    """A proof that is good, under the name of a file that it is not about."""
    path = files(copy, "/seal.")[0]
    raw, proofs = form.read_proofs(path.read_bytes())
    one, other, *rest = proofs
    swapped = [_renamed(one, other.name), _renamed(other, one.name), *rest]
    path.write_bytes(form.written_proofs(raw, swapped))


def _renamed(proof: Proved, name: str) -> Proved:
    return Proved(**{**vars(proof), "name": name})


def _receipt_and_proof_made_anew(copy: Path) -> None:
    """The receipt is changed, and its proof is made to fit; the path then leads to no signed root."""
    receipt, path = files(copy, ".receipt.json")[0], files(copy, "/seal.")[0]
    receipt.write_bytes(receipt.read_bytes().replace(b'"schema": 1', b'"schema": 3'))
    raw, proofs = form.read_proofs(path.read_bytes())
    fitted = [
        Proved(**{**vars(one), "digest": form.leaf_of(one.kind, one.salt, receipt.read_bytes()).digest})
        if one.name == receipt.name
        else one
        for one in proofs
    ]
    path.write_bytes(form.written_proofs(raw, fitted))


def _media_and_receipt_swapped(copy: Path) -> None:
    media = files(copy, ".wav")[0]
    media.write_bytes(media.read_bytes() + b"\0")


TRICKS: list[tuple[Callable[[Path], None], set[str]]] = [
    (_cut_end, {"proof_altered", "file_not_sealed"}),
    (_row_removed, {"row_missing"}),
    (_rows_swapped, {"row_altered"}),
    (_row_added, {"row_altered"}),
    (_row_withdrawn_without_a_word, {"row_missing"}),
    (_all_signed_anew, {"key_unknown", "proof_altered", "file_not_sealed"}),
    (_proof_of_another_file, {"proof_altered"}),
    (_receipt_and_proof_made_anew, {"proof_altered"}),
    (_media_and_receipt_swapped, {"media_differs"}),
]


@pytest.mark.parametrize(("trick", "kinds"), TRICKS, ids=[trick.__name__.strip("_") for trick, _ in TRICKS])
def test_a_clever_change_is_noticed_and_named(copy: Path, trick: Callable[[Path], None], kinds: set[str]) -> None:
    """Whoever knows the format gets no further than whoever does not."""
    trick(copy)
    found = set(problems(copy))
    assert kinds & found, found


def test_a_folder_of_one_recording_is_proved_by_itself(original: Path, tmp_path: Path) -> None:
    """The proofs hold the signed checkpoints, so neither log nor catalog is needed."""
    folder = files(original, ".receipt.json")[0].parent
    shutil.copytree(folder, tmp_path / "one")
    verdict = verified(tmp_path / "one", KEY, whole=False)
    assert verdict.problems == []
    assert (verdict.media, verdict.keys) == (3, {next(iter(verdict.keys)): True})
    receipt = files(tmp_path / "one", ".receipt.json")[0]
    receipt.write_bytes(receipt.read_bytes() + b" ")
    assert problems(tmp_path / "one", whole=False) == ["file_altered"]


def test_the_log_tells_nothing_about_what_was_written(original: Path) -> None:
    """Leaves are digests over random salts: who has the log alone cannot even test a guess."""
    log = b"".join(path.read_bytes() for path in files(original, "recording-seal") if "journal" not in path.parts)
    receipt = json.loads(files(original, ".receipt.json")[0].read_text())
    for secret in (receipt["recordingId"], receipt["callId"], receipt["documentId"], receipt["sha256"]):
        assert secret.encode() not in log
