"""The verifier against whoever knows the format: numbers, names, kinds, folders, forks, signatures."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task, wav
from dev.in_memory.fakes.seal import FakeSealKey
from recording.domain.seal.checkpoint import Checkpoint, signed
from recording.domain.seal.leaves import Kind, Proved, leaf_of, read_proofs, written_proofs
from recording.domain.seal.merkle import Tree
from recording.domain.seal.signature import pem_of
from recording.library.seal.verdict import FolderFiles
from recording.library.seal.verify import verify
from tests.unit.library.seal.seal_world import acts, archives, copied, sealed_world, seals, verified

SIGNER = FakeSealKey()
KEY = pem_of(SIGNER.public_key())
LOG = "recording-seal"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings, three checkpoints, rows in each."""
    here = sealed_world()
    acts(here)
    archives(here, 0)
    seals(here)
    here.fakes.clock.advance(minutes=5)
    other, document = f"{RECORDING_ID[:-4]}beef", document_id(50)
    here.holds(task(0, document, recording_id=other), wav(sample=b"\x07\x09"))
    subject = f"/recording/call/c2/serverCallId/s/recordingId/{other}"
    here.announces(event(chunk(0, document), id="e2", subject=subject))
    acts(here, "pause_recording")
    acts(here, "resume_recording")
    here.runs(hours=1)
    here.follows_up()
    seals(here)
    here.fakes.clock.advance(minutes=5)
    archives(here, 0, 1)
    seals(here)
    return copied(here, tmp_path_factory.mktemp("original"))


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy"


def folders(copy: Path) -> list[Path]:
    """Return the folders of the two recordings."""
    return sorted({path.parent for path in copy.rglob("*.receipt.json")})


def found(copy: Path, *, whole: bool = True) -> set[str]:
    return {problem.kind.value for problem in verified(copy, KEY, whole=whole).problems}


def test_the_original_is_as_sealed(original: Path) -> None:
    assert len(folders(original)) == 2
    assert found(original) == set()
    for folder in folders(original):
        assert found(folder, whole=False) == set()


# --- numbers ---------------------------------------------------------------------------------------------------------

NUMBERS = ["1e999", "-1e999", "NaN", "Infinity", "-1", "true", "1.0", '"1"', "null", "[]", str(10**30), str(1 << 64)]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("kind", ["/seal.", "journal/"])
def test_a_leaf_of_any_number_is_noticed_and_ends_nothing(copy: Path, kind: str, number: str) -> None:
    """Python reads numbers that no tree has; the last two digits of an index are not one's own to choose."""
    path = next(path for path in sorted(copy.rglob("*")) if path.is_file() and kind in path.as_posix())
    changed, times = re.subn(r'"leaf": [0-9]+', f'"leaf": {number}', path.read_text(), count=1)
    assert times == 1
    path.write_text(changed)
    assert found(copy)


@pytest.mark.parametrize("number", [3 + 2, 10**9, 10**10 - 1])
def test_a_checkpoint_of_a_far_number_does_not_make_the_verifier_count_up_to_it(copy: Path, number: int) -> None:
    """One small file would keep an auditor busy for a day."""
    last = copy / LOG / "checkpoints/0000000002.txt"
    (copy / LOG / f"checkpoints/{number:010d}.txt").write_bytes(last.read_bytes())
    verdict = verified(copy, KEY)
    assert {"checkpoint_missing", "checkpoint_out_of_order"} <= {one.kind.value for one in verdict.problems}
    assert len(verdict.problems) < 20


@pytest.mark.parametrize("size", ["0", "-5", "1" * 19, "007", "+7", "\N{ARABIC-INDIC DIGIT SEVEN}", "7.0", ""])
def test_a_size_of_any_form_is_noticed(copy: Path, size: str) -> None:
    path = copy / LOG / "checkpoints/0000000001.txt"
    lines = path.read_text().split("\n")
    path.write_text("\n".join([lines[0], size, *lines[2:]]))
    assert found(copy)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65])
def test_no_leaf_is_proved_at_another_place_of_a_tree_of_any_size(tmp_path: Path, size: int) -> None:
    """As files: the proof of each leaf holds for its number and for no other."""
    contents = [f"row {number}".encode() for number in range(size)]
    made = [leaf_of(Kind.DOCUMENT, b"salt", content) for content in contents]
    tree = Tree(added=tuple(leaf.hash for leaf in made))
    told = Checkpoint("log", size, tree.root(), 0, FakeSeals.AT, "0" * 64)
    raw = signed(told, SIGNER.public_key(), SIGNER.sign(told.text)).raw
    for number in {0, 1, size // 2, size - 1} & set(range(size)):
        for claimed in (number, number - 1, number + 1, size):
            proof = Proved("file", Kind.DOCUMENT, b"salt", made[number].digest, claimed, tuple(tree.path(number)))
            (tmp_path / "seal.0000000000.json").write_bytes(written_proofs(raw, [proof]))
            (tmp_path / "file").write_bytes(contents[number])
            assert (found(tmp_path, whole=False) == set()) is (claimed == number), (number, claimed)


class FakeSeals:
    """Signs what only the holder of the key could."""

    AT = sealed_world().now

    @classmethod
    def proofs(cls, content: bytes, *, number: int, before: int = 0, minutes: int = 0) -> bytes:
        """Return the proof of one document in a log with some leaves before it."""
        leaf = leaf_of(Kind.DOCUMENT, b"salt", content)
        tree = Tree(added=(*(leaf_of(Kind.AUDIT, b"", bytes([at])).hash for at in range(before)), leaf.hash))
        told = Checkpoint("log", tree.size, tree.root(), number, cls.AT, "0" * 64)
        raw = signed(told, SIGNER.public_key(), SIGNER.sign(told.text)).raw
        proof = Proved("file", Kind.DOCUMENT, b"salt", leaf.digest, before, tuple(tree.path(before)))
        return written_proofs(raw, [proof])


def _beside(tmp_path: Path, folder: str, content: bytes, number: int, before: int = 0) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "file").write_bytes(content)
    name = f"seal.{number:010d}.json"
    (tmp_path / folder / name).write_bytes(FakeSeals.proofs(content, number=number, before=before))


def test_a_fork_is_seen_from_two_folders_alone(tmp_path: Path) -> None:
    """Two states with one number and one size, both signed: whoever signs twice is convicted by his own key."""
    _beside(tmp_path, "a", b"one", 4)
    assert found(tmp_path, whole=False) == set()
    _beside(tmp_path, "b", b"other", 4)
    assert found(tmp_path, whole=False) == {"checkpoint_out_of_order"}


@pytest.mark.parametrize(("number", "before"), [(5, 0), (5, 1), (3, 3)])
def test_a_log_that_shrank_or_stood_still_with_another_root_is_seen(tmp_path: Path, number: int, before: int) -> None:
    _beside(tmp_path, "a", b"one", 4, 1)
    _beside(tmp_path, "b", b"other", number, before)
    assert found(tmp_path, whole=False) == {"checkpoint_out_of_order"}


# --- names, kinds and places -----------------------------------------------------------------------------------------


def _with_proofs(folder: Path, change: Callable[[list[Proved]], list[Proved]]) -> None:
    path = sorted(folder.glob("seal.*.json"))[0]
    raw, proofs = read_proofs(path.read_bytes())
    path.write_bytes(written_proofs(raw, change(proofs)))


def _renamed(one: Proved, name: str) -> Proved:
    return Proved(**{**vars(one), "name": name})


@pytest.mark.parametrize(
    "name",
    ["../other", "/etc/hostname", "a/../b", "x" * 5000, "a\0b", "\ud800", "\N{RIGHT-TO-LEFT OVERRIDE}gnp", ".", ""],
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_name_that_leads_elsewhere_or_nowhere_is_noticed(copy: Path, name: str, *, whole: bool) -> None:
    """Names are not signed: they are taken for what they are in the folder, and shown on a terminal."""
    _with_proofs(folders(copy)[0], lambda proofs: [_renamed(proofs[0], name), *proofs[1:]])
    told = verified(copy if whole else folders(copy)[0], KEY, whole=whole)
    assert told.problems
    assert all(f"{one.name}{one.detail}".isprintable() for one in told.problems)


def test_names_in_any_script_are_proved(tmp_path: Path) -> None:
    for name in ("Zeugnis für Müller.json", "証明書.json", "e\N{COMBINING ACUTE ACCENT}.json"):
        content = FakeSeals.proofs(b"one", number=0).replace(b'"name": "file"', f'"name": {json.dumps(name)}'.encode())
        folder = tmp_path / str(len(name))
        folder.mkdir()
        (folder / name).write_bytes(b"one")
        (folder / "seal.0000000000.json").write_bytes(content)
        assert (found(folder, whole=False), verified(folder, KEY, whole=False).files) == (set(), 1)


def test_another_sealed_document_does_not_pass_as_a_receipt(copy: Path) -> None:
    """Else media could be changed, and its receipt replaced by something that was sealed as well."""
    folder = folders(copy)[0]
    receipt, metadata = (next(iter(sorted(folder.glob(f"*.{kind}.json")))) for kind in ("receipt", "metadata"))
    receipt.write_bytes(metadata.read_bytes())
    media = next(iter(sorted(folder.glob("*.wav"))))
    media.write_bytes(media.read_bytes()[:-1] + b"x")

    def instead(proofs: list[Proved]) -> list[Proved]:
        (of_metadata,) = [one for one in proofs if one.name == metadata.name]
        return [_renamed(of_metadata, receipt.name) if one.name == receipt.name else one for one in proofs]

    _with_proofs(folder, instead)
    assert "proof_altered" in found(folder, whole=False)


def test_media_whose_receipt_was_taken_away_with_its_proof_is_named(copy: Path) -> None:
    """A folder alone, without the log: nothing else in it speaks of that receipt."""
    folder = folders(copy)[0]
    receipt = next(iter(sorted(folder.glob("*.receipt.json"))))
    for path in sorted(folder.glob("seal.*.json")):
        raw, proofs = read_proofs(path.read_bytes())
        path.write_bytes(written_proofs(raw, [one for one in proofs if one.name != receipt.name]))
    receipt.unlink()
    assert "media_not_sealed" in found(folder, whole=False)
    assert "leaf_without_file" in found(copy)


@pytest.mark.parametrize("place", ["2026/11/24/call/made-up", "made-up", "", "_certificates"])
@pytest.mark.parametrize("alone", [False, True])
def test_media_in_a_folder_without_any_proof_is_named(copy: Path, place: str, *, alone: bool) -> None:
    """Whoever puts in a recording of his own, or takes every document of one away, must not read "as sealed"."""
    folder = folders(copy)[0] if alone else copy
    forged = folder / place / "0000-0-weu-d1-made-up.wav"
    forged.parent.mkdir(parents=True, exist_ok=True)
    forged.write_bytes(b"RIFF")
    assert found(folder, whole=False) == {"media_not_sealed"}


def test_media_alone_is_nothing_to_verify(tmp_path: Path) -> None:
    """Exit code 2, and not 1: the folder is no copy of an archive."""
    (tmp_path / "song.wav").write_bytes(b"RIFF")
    assert verify(FolderFiles(tmp_path)).is_empty


def test_recordings_that_change_folders_are_noticed(copy: Path) -> None:
    """Every file is as it was sealed, with its proof; it lies where another recording was."""
    one, other = folders(copy)
    apart = copy.parent / "apart"
    shutil.move(one, apart)
    shutil.move(other, one)
    shutil.move(apart, other)
    assert found(copy) == {"file_altered"}


def test_a_document_that_is_copied_into_another_recording_is_noticed(copy: Path) -> None:
    """With its proof, its media, and under its own name."""
    one, other = folders(copy)
    for path in one.iterdir():
        if not (other / path.name).exists():
            shutil.copy(path, other / path.name)
    assert found(copy)
    assert found(other, whole=False)


def test_a_file_that_is_proved_twice_in_one_document_is_noticed(copy: Path) -> None:
    _with_proofs(folders(copy)[0], lambda proofs: [*proofs, proofs[0]])
    assert "proof_altered" in found(copy)


def test_an_older_checkpoint_under_a_newer_number_is_noticed(copy: Path) -> None:
    """Replayed in the log, and in the proofs beside a file."""
    checkpoints = copy / LOG / "checkpoints"
    (checkpoints / "0000000002.txt").write_bytes((checkpoints / "0000000001.txt").read_bytes())
    assert "checkpoint_out_of_order" in found(copy)
    folder = folders(copy)[0]
    first = sorted(folder.glob("seal.*.json"))[0]
    first.rename(folder / "seal.0000000002.json")
    assert "proof_altered" in found(folder, whole=False)


def test_a_second_log_beside_the_first_is_noticed(copy: Path) -> None:
    """Which of them is true is not for a verifier to choose."""
    shutil.copytree(copy / LOG, copy / "aaa")
    assert "checkpoint_out_of_order" in found(copy)


# --- rows ------------------------------------------------------------------------------------------------------------


def _rows(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        rows = [json.loads(line) for line in path.read_bytes().splitlines()]
        path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in change(rows)))

    return act


ROWS: dict[str, Callable[[Path], object]] = {
    "repeated": _rows(lambda rows: [*rows, rows[-1]]),
    "reordered": _rows(lambda rows: rows[::-1]),
    "a word beside the row": _rows(lambda rows: [{**rows[0], "comment": "approved"}, *rows[1:]]),
    "said twice": lambda path: path.write_bytes(path.read_bytes().replace(b'"row": {', b'"row": {}, "row": {', 1)),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty lines": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "other spaces": lambda path: path.write_bytes(path.read_bytes().replace(b": ", b":  ", 1)),
}


@pytest.mark.parametrize("way", ROWS)
def test_a_journal_is_byte_for_byte_as_it_was_written(copy: Path, way: str) -> None:
    """What a person reads in it was sealed, all of it and in this order."""
    path = max((copy / LOG / "journal").iterdir(), key=lambda path: path.stat().st_size)
    before = path.read_bytes()
    ROWS[way](path)
    assert path.read_bytes() != before
    assert "row_altered" in found(copy)


# --- signatures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", [b"", b"\0", b"\x30\x06\x02\x01\x00\x02\x01\x00", b"\xff" * 72, b"0" * 10_000])
def test_a_signature_of_any_form_is_refused(copy: Path, signature: bytes) -> None:
    """Also the one of two zeros, which a careless program takes for all texts."""
    import base64

    path = copy / LOG / "checkpoints/0000000002.txt"
    text, _, line = path.read_text().rpartition("\n\n")
    dash, name, encoded = line.strip().split(" ")
    key_id = base64.b64decode(encoded)[:4]
    path.write_text(f"{text}\n\n{dash} {name} {base64.b64encode(key_id + signature).decode()}\n")
    assert found(copy)


def test_a_key_of_another_algorithm_is_no_key() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    made = (
        rsa.generate_private_key(65_537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
    )
    for key in made:
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(ValueError, match="P-256"):
            verified(Path("/nonexistent"), pem)
