"""`recordings seal`: what an auditor and an operator see, and the exit code."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dev.in_memory.world import World, world
from dev.terminal_screens import terminal
from recording.cli import INTERRUPTED
from recording.cli.__main__ import main
from recording.domain.seal.signature import pem_of
from recording.ports import Ports
from recording.settings import Settings
from tests.unit.library.seal.seal_world import acts, archives, copied, seal_of, sealed_world, seals


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
    assert (code, "as sealed: 1 checkpoint," in text, "a key that you gave" in text) == (0, True, True)
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


def test_a_witness_is_copied_whole_and_times_are_local() -> None:
    """It was folded on a narrow screen, so what was pasted from the screen was no line of the log any more."""
    here = sealed()
    with terminal(60):
        shown = runs(here, "seal", "status")[1].splitlines()
    (told,) = [one for one in shown if one.startswith("witness: ")]
    assert told.removeprefix("witness: ") == json.loads(runs(here, "seal", "status", "-o", "json")[1])["witness"]
    assert len(told) > 60
    assert "+00:00" not in "".join(shown)


def test_an_archive_that_is_older_than_its_seal_catches_up() -> None:
    """Sealing may begin years after archiving."""
    here = sealed()
    assert runs(here, "seal", "catch-up") == (0, "to be examined: 1 recording\n")
    assert len(seal_of(here).waiting.items) == 1


def test_an_app_without_a_key_says_so() -> None:
    code, text = runs(world(), "seal", "status")
    assert (code, "SEAL_KEY is not set" in text) == (2, True)


def test_a_witness_and_the_time_of_the_copy_convict_a_log_without_its_end(tmp_path: Path) -> None:
    """`status` prints what a witness keeps; the log of the app has it as well."""
    here = sealed()
    here.fakes.clock.advance(minutes=5)
    acts(here)
    seals(here)
    _, told = runs(here, "seal", "status", "-o", "json")
    witness = tmp_path / "witness.txt"
    witness.write_text(json.loads(told)["witness"] + "\n")
    assert f"witness: {witness.read_text().strip()}" in runs(here, "seal", "status")[1]
    copy = copied(here, tmp_path / "copy")
    now = here.now.strftime("%Y-%m-%dT%H:%M:%S")
    assert verifies(str(copy), "--whole", "--witness", str(witness), "--copied-at", now)[0] == 0
    for path in [one for one in copy.rglob("*0000000001*") if one.is_file()]:
        path.unlink()
    assert verifies(str(copy), "--whole")[0] == 0
    code, text = verifies(str(copy), "--whole", "--witness", str(witness))
    assert (code, "log_cut" in text) == (1, True)
    later = (here.now + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S")
    assert verifies(str(copy), "--copied-at", later)[0] == 1
    witness.write_text("not a line of status")
    code, text = verifies(str(copy), "--witness", str(witness))
    assert (code, "--witness" in text) == (2, True)


def test_a_log_that_lost_its_end_goes_on_after_somebody_has_said_why(tmp_path: Path) -> None:
    """After a failover: with a row in the trail, and everything that the lost end covered is sealed again."""
    here = sealed()
    here.fakes.clock.advance(minutes=5)
    archives(here, 0, 1)
    here.follows_up()
    seals(here)
    blobs = seal_of(here).store.blobs
    for name in [name for name in blobs if "0000000001" in name]:
        del blobs[name]
    assert runs(here, "seal", "status")[0] != 0
    assert seals(here).error is not None
    code, text = runs(here, "seal", "accept-end", "--note", "failover, told by +4930123456")
    assert (code, "after checkpoint 0" in text) == (0, True)
    (row,) = [row for row in here.fakes.audit.written if row.operation == "accept_seal_end"]
    assert "[withheld]" in (row.note or "")
    assert "+4930123456" not in (row.note or "")
    assert runs(here, "seal", "catch-up")[0] == 0
    asked, done = [row for row in here.fakes.audit.written if row.operation == "catch_up_seal"]
    assert (asked.outcome, done.outcome, done.note) == ("asked", "done", "to be examined: 1 recording")
    here.fakes.clock.advance(minutes=5)
    assert seals(here).error is None
    code, text = verifies(str(copied(here, tmp_path)), "--whole")
    assert code == 0, text


def test_the_trail_is_compared_with_its_sealed_rows() -> None:
    here = sealed()
    here.fakes.clock.advance(hours=1)
    code, text = runs(here, "seal", "audit")
    assert (code, "as sealed: 1 row," in text) == (0, True)
    rows = here.fakes.audit.written
    rows[0] = replace(rows[0], caller="somebody else")
    code, text = runs(here, "seal", "audit", "--days", "2")
    assert (code, "row_changed" in text, "caller" in text) == (1, True, True)
    told = json.loads(runs(here, "seal", "audit", "-o", "json")[1])
    assert {one["problem"] for one in told["differences"]} == {"row_changed"}


def test_a_copy_that_is_stopped_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there stays at the next run: half a checkpoint stayed half, and the verifier called the log altered."""
    here, log = sealed(), tmp_path / "log"
    written = Path.write_bytes

    def stopped(path: Path, data: bytes) -> int:
        written(path, data[:3])
        raise KeyboardInterrupt

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_bytes", stopped)
        assert runs(here, "seal", "get", str(log))[0] == INTERRUPTED
    assert [path for path in log.rglob("*") if path.is_file()] == []
    assert runs(here, "seal", "get", str(log))[1].startswith("4 files")
    assert verifies(str(log))[0] == 0


@pytest.mark.parametrize("name", ["../keys/x.pem", "keys/../../x.pem", "/tmp/x.pem", "keys//x.pem", "..\\x.pem"])
def test_a_name_that_leads_out_of_the_folder_is_left_out(tmp_path: Path, name: str) -> None:
    """The container is written by others than this program, and evidence is copied by people with rights."""
    here = sealed()
    seal_of(here).store.blobs[name] = b"planted"
    code, text = runs(here, "seal", "get", str(tmp_path / "log"))
    assert (code, text.startswith("left out  ")) == (1, True)
    assert b"planted" not in [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
