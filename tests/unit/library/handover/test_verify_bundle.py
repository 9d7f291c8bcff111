"""A bundle in a stranger's hands: every command of VERIFY.txt works as it stands, and finds whatever was changed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.in_memory.world import world
from recording.domain.seal.checkpoint import key_id_of
from recording.domain.seal.leaves import is_as_written, read_proofs, written_proofs
from recording.domain.seal.signature import pem_of
from recording.library.handover import verify_bundle
from tests.unit.library.handover.test_export import archived, asks, unmixed, unpacked, works
from tests.unit.library.seal.seal_world import acts, archives, seal_of, sealed_world, seals

pytestmark = pytest.mark.slow

SPEAKER = "4:+4930123456"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, unpacked, and beside it the key that somebody was given before."""
    here = archived()
    seal_of(here).key.number = 7  # the key was changed in between
    acts(here)
    archives(here, 0, 1, 2)
    here.follows_up()
    seals(here)
    export_id = asks(here)
    works(here)
    folder = tmp_path_factory.mktemp("bundle")
    unpacked(here, export_id, folder / "b")
    for path in sorted((folder / "b/keys").iterdir()):
        shutil.copy(path, folder / path.name)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy" / "b"


def keys_beside(folder: Path) -> list[Path]:
    return sorted(folder.parent.glob("*.pem"))


def verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = verify_bundle.main(folder, keys_beside(folder))
    return code, capsys.readouterr().out


def test_the_program_of_a_bundle_runs_with_python_and_openssl_alone(folder: Path) -> None:
    """As VERIFY.txt says it, in an empty environment; and what it is runs without this project."""
    assert (folder / "verify.py").read_bytes() == Path(verify_bundle.__file__).read_bytes()
    command = [sys.executable, "-I", "verify.py", *map(str, keys_beside(folder))]
    done = subprocess.run(
        command, cwd=folder, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "0 wrong, 0 without a proof" in done.stdout) == (0, True), done.stdout


def test_the_commands_by_hand_prove_every_document(folder: Path) -> None:
    """Each line of VERIFY.txt that is set in, typed as it stands, in each folder and for each checkpoint."""
    text = (folder / "VERIFY.txt").read_text()
    sums, program, checkpoint, shown, signature, openssl, digests, again = [
        line.strip() for line in text.splitlines() if line.startswith("       ")
    ]
    assert program == "python3 verify.py KEY.pem"
    assert shell(sums, folder).count(": OK") == len((folder / "SHA256SUMS").read_text().splitlines())
    assert shell(again, folder)
    (recording,) = (folder / "recordings").iterdir()
    proofs = sorted(recording.glob("seal.*.json"))
    assert len(proofs) == 2
    for proof in proofs:
        said = [one.replace("seal.NNNNNNNNNN.json", proof.name) for one in (checkpoint, shown, signature)]
        for command in said:
            shell(command, recording)
        told = [shell(openssl.replace("KEY.pem", str(key)), recording) for key in keys_beside(folder)]
        assert "Verified OK\n" in told
        lines = shell(digests.replace("seal.NNNNNNNNNN.json", proof.name), recording).splitlines()
        assert [line for line in lines if not line.endswith(" True") and "manifest" not in line] == []
        assert len(lines) == len(read_proofs(proof.read_bytes())[1])


@pytest.fixture
def unsealed(tmp_path: Path) -> Path:
    """A bundle of an archive without a seal."""
    here = world()
    archives(here, 0, 1)
    here.follows_up()
    export_id = asks(here)
    works(here)
    unpacked(here, export_id, tmp_path / "b")
    return tmp_path / "b"


def run_alone(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def test_a_bundle_that_no_key_signed_promises_no_key(unsealed: Path) -> None:
    """Its VERIFY.txt sent the reader to keys/, to proofs and to a log that were never there."""
    text = (unsealed / "VERIFY.txt").read_text()
    assert not [word for word in ("KEY.pem", "keys/", "seal.NNN", "openssl") if word in text]
    assert "no key signed anything here" in text
    sums, program, again = [line.strip() for line in text.splitlines() if line.startswith("       ")]
    assert shell(sums, unsealed).count(": OK") == len((unsealed / "SHA256SUMS").read_text().splitlines())
    assert program == "python3 verify.py"
    code, told = run_alone(unsealed)
    assert (code, "0 wrong" in told, "keys/ came with" in told) == (2, True, False), told
    assert "No key was passed, and none came" in told
    assert shell(again, unsealed)


def test_a_key_that_is_not_there_is_named(folder: Path) -> None:
    """A slip in its name looked like a bundle that nobody had signed."""
    for arguments in (["KEY.pem"], ["KEY.pem", *map(str, keys_beside(folder))]):
        code, told = run_alone(folder, *arguments)
        assert (code, told.startswith("KEY.pem: there is no such file")) == (1, True), told
    assert run_alone(folder, "--help")[1].startswith("Verify a bundle")


def shell(command: str, where: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=where,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_a_changed_bit_in_any_file_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of every file in the bundle: pages, lists, keys, media, documents, proofs."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        for place in {0, len(raw) // 2, len(raw) - 1}:
            path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
            assert verify_bundle.main(folder, keys_beside(folder)) == 1, (path, place)
        path.write_bytes(raw)
    capsys.readouterr()


@pytest.mark.parametrize("salt", ["zz", "abc", None, 7, ...], ids=str)
def test_a_proof_that_cannot_be_read_is_named(folder: Path, salt: object, capsys: pytest.CaptureFixture[str]) -> None:
    """A salt is in no leaf, so it is the part of a proof that anything may have happened to."""
    path = sorted(folder.rglob("seal.*.json"))[0]
    document = json.loads(path.read_bytes())
    if salt is ...:
        del document["files"][0]["salt"]
    else:
        document["files"][0]["salt"] = salt
    path.write_text(json.dumps(document))
    assert verify_bundle.main(folder, keys_beside(folder)) == 1
    assert f"{path.relative_to(folder).as_posix()}: " in capsys.readouterr().out


@pytest.mark.parametrize("recordings", [5, [1], [{"leftOut": [{}]}], [{"leftOut": 1}]], ids=str)
def test_a_list_of_what_was_left_out_that_cannot_be_read_is_named(
    folder: Path, recordings: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is there is verified all the same."""
    path = folder / "export.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"recordings": recordings}))
    assert verify_bundle.main(folder, keys_beside(folder)) == 1
    assert "export.json: it cannot be read" in capsys.readouterr().out


def sums_made_anew(folder: Path) -> None:
    """As a forger would: the list of digests is nobody's secret."""
    names = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "SHA256SUMS"]
    lines = [f"{verify_bundle.digest_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.mark.parametrize("end", [".wav", ".receipt.json", ".metadata.json", ".after.json", "manifest.json"])
def test_a_forger_who_makes_the_sums_anew_gets_no_further(
    folder: Path, end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next(iter(sorted(folder.rglob(f"*{end}"))))
    raw = path.read_bytes()
    path.write_bytes(raw[:-3] + b"x" + raw[-2:])
    sums_made_anew(folder)
    code, told = verified(folder, capsys)
    assert (code, path.name in told) == (1, True)


@pytest.mark.parametrize("end", [".wav", ".receipt.json", ".metadata.json", ".after.json"])
def test_two_files_that_change_places_are_found(folder: Path, end: str, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = sorted(folder.rglob(f"*{end}"))[:2]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    sums_made_anew(folder)
    assert verified(folder, capsys)[0] == 1


@pytest.mark.parametrize("end", [".wav", ".receipt.json", ".metadata.json"])
def test_a_file_that_is_taken_out_is_found(folder: Path, end: str, capsys: pytest.CaptureFixture[str]) -> None:
    next(iter(sorted(folder.rglob(f"*{end}")))).unlink()
    sums_made_anew(folder)
    assert verified(folder, capsys)[0] == 1


def test_a_file_that_is_put_in_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "recordings" / "more.wav").write_bytes(b"x")
    code, told = verified(folder, capsys)
    assert (code, "more.wav: not in SHA256SUMS" in told) == (1, True)


def test_a_document_whose_proof_was_taken_away_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not wrong, and nothing proves it: another exit code."""
    for path in folder.rglob("seal.*.json"):
        raw, proofs = read_proofs(path.read_bytes())
        path.write_bytes(written_proofs(raw, [one for one in proofs if not one.name.endswith(".metadata.json")]))
        assert is_as_written(path.read_bytes())
    sums_made_anew(folder)
    code, told = verified(folder, capsys)
    assert (code, told.count("NO PROOF")) == (2, 3)


def test_a_key_of_somebody_else_verifies_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dev.in_memory.fakes.seal import FakeSealKey

    other = FakeSealKey(11).public_key()
    path = folder.parent / f"{key_id_of(other).hex()}.pem"
    path.write_bytes(pem_of(other))
    assert verify_bundle.main(folder, [path]) == 1
    assert "not signed by the key that you gave" in capsys.readouterr().out


def test_a_bundle_of_one_speaker_is_as_it_was_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There are no receipts in it, since they name the others: nothing differs, and no key proves it."""
    here = unmixed()
    export_id = asks(here, participant=SPEAKER, onlySpeaker=True)
    works(here)
    assert verify_bundle.main(unpacked(here, export_id, tmp_path), []) == 2
    said = capsys.readouterr().out
    assert ("0 wrong, 2 without a proof" in said, said.count(".one-speaker.wav")) == (True, 1), said


def put_in(folder: Path) -> None:
    """Media that nobody archived, under a name as others have."""
    (next(folder.rglob("*.wav")).parent / "0003-forged.wav").write_bytes(b"RIFF forged")


def of_one_speaker(folder: Path) -> None:
    (next(folder.rglob("*.wav")).parent / "0003-forged.one-speaker.wav").write_bytes(b"RIFF forged")


def beside_the_pages(folder: Path) -> None:
    (folder / "forged.mp4").write_bytes(b"forged")


def without_its_receipt(folder: Path) -> None:
    """Other media in the place of one whose receipt, and its proof, were taken out."""
    media = min(folder.rglob("*.wav"))
    media.write_bytes(b"RIFF forged")
    unsealed_are(folder, f"{media.stem}.receipt.json")
    media.with_suffix(".receipt.json").unlink()


def all_replaced(folder: Path) -> None:
    for path in [*folder.rglob("*.wav"), *folder.rglob("*.json")]:
        if path.suffix == ".wav":
            path.write_bytes(b"RIFF forged")
        elif verify_bundle.is_sealed_kind(path.name) or path.name.startswith("seal."):
            path.unlink()


def nothing_left(folder: Path) -> None:
    shutil.rmtree(folder / "recordings")


def unsealed_are(folder: Path, *starts: str) -> None:
    """Take the proofs of some documents away."""
    for path in folder.rglob("seal.*.json"):
        raw, proofs = read_proofs(path.read_bytes())
        path.write_bytes(written_proofs(raw, [one for one in proofs if not one.name.startswith(starts)]))


@pytest.mark.parametrize(
    "forge", [put_in, of_one_speaker, beside_the_pages, without_its_receipt, all_replaced, nothing_left]
)
def test_what_no_signed_receipt_vouches_for_has_no_proof(
    folder: Path, forge: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The page plays it like everything else, and the sums are as the forger makes them."""
    forge(folder)
    sums_made_anew(folder)
    code, told = verified(folder, capsys)
    assert (code, "NO PROOF" in told, "0 wrong" in told) == (2, True, True), told


@pytest.mark.parametrize("is_told", ["", "chunk 1, document d", "manifest.0002.json", "newer manifest"])
def test_media_that_the_sealed_manifest_names_is_there_or_was_left_out(
    folder: Path, is_told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A chunk taken out with its documents, their proofs and nothing else."""
    gone = sorted(folder.rglob("0001-*"))
    unsealed_are(folder, "0001-")
    for path in gone:
        path.unlink()
    if is_told == "newer manifest":  # of which no proof is here yet
        (next(folder.rglob("manifest.json")).parent / "manifest.0002.json").write_bytes(b"{}")
    elif is_told:
        path = folder / "export.json"
        content = json.loads(path.read_bytes())
        content["recordings"][0]["leftOut"].append({"what": is_told, "why": "it was destroyed"})
        path.write_text(json.dumps(content))
    sums_made_anew(folder)
    code, told = verified(folder, capsys)
    assert (code, "0001-0-" in told) == ((2 if is_told == "newer manifest" else 0, False) if is_told else (1, True)), (
        told
    )


def test_a_name_moves_no_cursor(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It would overwrite the lines that say what is wrong."""
    (folder / "zz\x1b[2A\x1b[J0 wrong\x1b[8m.json").write_bytes(b"{")
    code, told = verified(folder, capsys)
    assert (code, "\x1b" in told, "zz?[2A" in told) == (1, False, True)


def test_a_bundle_without_a_seal_says_that_nothing_is_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = sealed_world()
    archives(here)
    here.follows_up()
    export_id = asks(here)
    works(here)
    assert verify_bundle.main(unpacked(here, export_id, tmp_path), []) == 2
    assert "NO PROOF" in capsys.readouterr().out
