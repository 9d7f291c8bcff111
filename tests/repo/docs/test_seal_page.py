"""docs/seal.md: what the page tells an auditor to type really proves, and really fails on what was changed."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.repo.docs.repository import DOCS
from tests.unit.library.seal_world import acts, archives, copied, sealed_world, seals

BLOCKS = re.findall(r"```sh\n(.*?)```", (DOCS / "seal.md").read_text(encoding="utf-8"), re.DOTALL)
SIGNATURE, CHAIN, LEAF = BLOCKS


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


def test_each_document_is_led_to_its_root(copy: Path) -> None:
    """By sha256 alone, from the document and its proof."""
    seen = 0
    for proof in sorted((copy / "recordings").rglob("seal.*.json")):
        names = re.findall(r'"name": "([^"]+)"', proof.read_text())
        for name in [name for name in names if not name.startswith("manifest")]:
            assert shell(LEAF, proof.parent, document=name, proof=proof.name) == "sealed", name
            seen += 1
    assert seen >= 8
    receipt = next((copy / "recordings").rglob("*.receipt.json"))
    proof = next(path for path in receipt.parent.glob("seal.*.json") if receipt.name in path.read_text())
    whole = receipt.read_bytes()
    receipt.write_bytes(whole + b" ")
    assert shell(LEAF, receipt.parent, document=receipt.name, proof=proof.name) == ""
    receipt.write_bytes(whole)
