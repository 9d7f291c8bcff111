"""`recordings seal`: what an auditor and an operator see, and the exit code."""

import json
from pathlib import Path

from dev.in_memory.world import World, world
from recording.cli.__main__ import main
from recording.domain.seal.signature import pem_of
from recording.ports import Ports
from recording.settings import Settings
from tests.unit.library.seal_world import acts, archives, copied, seal_of, sealed_world, seals


def runs(here: World, *arguments: str) -> tuple[int, str]:
    told: list[str] = []
    code = main(arguments, lambda: (here.ports, here.settings), told.append)
    return code, "".join(told)


def sealed() -> World:
    here = sealed_world()
    acts(here)
    archives(here)
    seals(here)
    return here


def no_app() -> tuple[Ports, Settings]:
    raise AssertionError("verifying asks neither Azure nor settings")


def verifies(*arguments: str) -> tuple[int, str]:
    told: list[str] = []
    code = main(("seal", "verify", *arguments), no_app, told.append)
    return code, "".join(told)


def test_a_copy_is_verified_without_any_setting(tmp_path: Path) -> None:
    """An auditor has a folder and a public key, and nothing else."""
    here = sealed()
    copy = str(copied(here, tmp_path / "copy"))
    key = tmp_path / "trusted.pem"
    key.write_bytes(pem_of(seal_of(here).key.public_key()))
    code, text = verifies(copy, "--whole", "--key", str(key))
    assert (code, "as sealed: 1 checkpoints" in text, "a key that you gave" in text) == (0, True, True)
    assert "compare it with yours" in verifies(copy)[1]


def test_a_changed_copy_is_named_and_ends_with_one(tmp_path: Path) -> None:
    copy = copied(sealed(), tmp_path / "copy")
    receipt = next((copy / "recordings").rglob("*.receipt.json"))
    receipt.write_bytes(receipt.read_bytes().replace(b'"schema": 1', b'"schema": 2'))
    code, text = verifies(str(copy))
    assert (code, "file_altered" in text, receipt.name in text, "1 problem" in text) == (1, True, True, True)
    facts = json.loads(verifies(str(copy), "-o", "json")[1])
    assert [problem["kind"] for problem in facts["problems"]] == ["file_altered"]


def test_a_folder_with_nothing_and_a_key_that_is_none_are_unknown(tmp_path: Path) -> None:
    """Nothing found is not the same as all is well."""
    (tmp_path / "notes.pem").write_text("no key")
    assert verifies(str(tmp_path))[0] == 2
    code, text = verifies(str(tmp_path), "--key", str(tmp_path / "notes.pem"))
    assert (code, text.startswith("invalid_request: --key")) == (2, True)


def test_the_log_is_copied_and_its_state_told(tmp_path: Path) -> None:
    here = sealed()
    assert "checkpoint 0 of" in runs(here, "seal", "status")[1]
    assert runs(here, "seal", "get", str(tmp_path / "log"))[1].startswith("4 files")
    assert runs(here, "seal", "get", str(tmp_path / "log"))[1].startswith("0 files")
    assert verifies(str(tmp_path / "log"))[0] == 0


def test_an_archive_that_is_older_than_its_seal_catches_up() -> None:
    """Sealing may begin years after archiving."""
    here = sealed()
    assert runs(here, "seal", "catch-up") == (0, "1 recordings wait to be looked at\n")
    assert len(seal_of(here).waiting.items) == 1


def test_an_app_without_a_key_says_so() -> None:
    code, text = runs(world(), "seal", "status")
    assert (code, "SEAL_KEY is not set" in text) == (2, True)
