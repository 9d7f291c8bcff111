"""docs/seal.md: what the page tells an auditor to type really proves, and really fails on what was changed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dev.policies.repository import DOCS
from tests.unit.library.seal.seal_world import acts, archives, copied, sealed_world, seals

BLOCKS = re.findall(r"```sh\n(.*?)```", (DOCS / "seal.md").read_text(encoding="utf-8"), re.DOTALL)
SIGNATURE, CHAIN, ALL, ROWS, LEAF, PLACE = BLOCKS


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Containers with enough leaves for paths that turn left and right, and an odd end."""
    here = sealed_world()
    for indexes in ((0,), (0, 1, 2), (0, 1, 2, 3)):
        acts(here)
        archives(here, *indexes)
        seals(here)
        here.fakes.clock.advance(minutes=5)
    return copied(here, tmp_path_factory.mktemp("copy"))


def shell(block: str, folder: Path, **names: str) -> str:
    environment = {"PATH": os.environ["PATH"], **names}
    done = subprocess.run(
        ["bash", "-c", block], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def test_the_signature_is_verified(copy: Path) -> None:
    """Of each checkpoint, with the key whose id it ends with."""
    log = copy / "recording-seal"
    for number in range(3):
        block = SIGNATURE.replace("0000000000", f"{number:010d}")
        assert shell(block, log) == "Verified OK"
    changed = log / "checkpoints/0000000009.txt"
    changed.write_bytes((log / "checkpoints/0000000000.txt").read_bytes().replace(b"number 0", b"number 9"))
    assert "Verified OK" not in shell(SIGNATURE.replace("0000000000", "0000000009"), log)
    changed.unlink()


def test_the_chain_is_verified(copy: Path) -> None:
    assert shell(CHAIN, copy / "recording-seal") == "chained"
    assert shell(CHAIN.replace("0000000001", "0000000002"), copy / "recording-seal") == ""


def test_all_checkpoints_are_verified_in_their_order(copy: Path, tmp_path: Path) -> None:
    """Each kind of file of the log changed, removed, swapped, rolled back: one line says which."""
    shutil.copytree(copy / "recording-seal", tmp_path / "log")
    log = tmp_path / "log"
    before = sorted(path.name for path in log.iterdir())
    said = shell(ALL, log)
    assert re.fullmatch(r"3 checkpoints, the last one 20\S+", said)
    assert {*before} == {path.name for path in log.iterdir()} | {"text", "signature"} & {*before}
    for kind in ("checkpoints", "batches", "keys"):
        for path in sorted((log / kind).iterdir()):
            raw = path.read_bytes()
            path.write_bytes(raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :])
            assert shell(ALL, log) != said, f"changed {path.name}"
            path.unlink()
            assert shell(ALL, log) != said, f"removed {path.name}"
            path.write_bytes(raw)
    one, other = sorted((log / "checkpoints").iterdir())[:2]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    assert shell(ALL, log) != said, "rolled back"
    other.write_bytes(first)
    assert shell(ALL, log) != said, "swapped"


def test_the_rows_of_a_journal_are_the_leaves_that_were_signed(copy: Path, tmp_path: Path) -> None:
    log = copy / "recording-seal"
    for path in sorted((log / "journal").iterdir()):
        (batch,) = (log / "batches").glob(f"{path.name[:10]}-*")
        rows = len(path.read_text().splitlines())
        assert shell(ROWS, log, journal=str(path), batch=str(batch)) == f"{rows} rows of {rows}"
        forged = tmp_path / path.name
        forged.write_text(path.read_text().replace('"outcome": "done"', '"outcome": "asked"'))
        assert shell(ROWS, log, journal=str(forged), batch=str(batch)) != f"{rows} rows of {rows}"


def test_each_document_is_led_to_its_root(copy: Path) -> None:
    """By sha256 alone, from the document and its proof."""
    seen = 0
    for proof in sorted((copy / "recordings").rglob("seal.*.json")):
        names = re.findall(r'"name": "([^"]+)"', proof.read_text())
        for name in [name for name in names if not name.startswith("manifest")]:
            assert shell(LEAF, proof.parent, document=name, proof=proof.name) == "sealed", name
            where = shell(PLACE, proof.parent, document=name, proof=proof.name)
            assert f"{proof.parent}/{name}".endswith(f"recordings/{where}")
            seen += 1
    assert seen >= 8
    receipt = next((copy / "recordings").rglob("*.receipt.json"))
    proof = next(path for path in receipt.parent.glob("seal.*.json") if receipt.name in path.read_text())
    whole = receipt.read_bytes()
    receipt.write_bytes(whole + b" ")
    assert shell(LEAF, receipt.parent, document=receipt.name, proof=proof.name) == ""
    receipt.write_bytes(whole)
