"""The command `drift`: what it tells, and its exit code, which is what a scheduled job looks at."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dev.in_memory.builders import task
from dev.in_memory.world import World, world
from recording.cli.drift import DIFFERENT, FAILED, SAME, main
from recording.errors import StorageRefusedError


@pytest.fixture
def here() -> World:
    """A world with one archived chunk."""
    made = world()
    made.works(made.holds(task()))
    return made


def _run(here: World, *arguments: str) -> tuple[int, str]:
    told: list[str] = []
    code = main(arguments, lambda: (here.ports, here.settings), told.append)
    return code, "".join(told)


def test_an_archive_that_agrees_exits_with_0(here: World) -> None:
    """The quiet case."""
    assert _run(here, "--sample", "100") == (SAME, "no difference in 1 recordings, 1 chunks, 1 of them read whole\n")


def test_drift_exits_with_1_and_is_told_in_both_forms(here: World) -> None:
    """A job fails, and its log says why."""
    lost = here.record().blob_name or ""
    del here.fakes.archive.blobs[lost]
    code, text = _run(here)
    assert (code, text.splitlines()[0].split()) == (DIFFERENT, ["media_missing", lost])
    code, text = _run(here, "--json")
    assert (code, json.loads(text)["counts"]) == (DIFFERENT, {"media_missing": 1})


def test_since_looks_at_newer_recordings_only(here: World) -> None:
    """Yesterday's is found in seconds."""
    del here.fakes.archive.blobs[here.record().blob_name or ""]
    assert _run(here, "--since", "2026-11-24")[0] == SAME
    assert _run(here, "--since", "2026-11-23")[0] == DIFFERENT


def test_what_could_not_be_found_out_is_not_called_fine(here: World) -> None:
    """Neither 0 nor 1."""
    here.fakes.archive.fail_next("list", StorageRefusedError("403"))
    assert _run(here) == (FAILED, "storage_refused: 403\n")


@pytest.mark.parametrize("wrong", [("--sample", "101"), ("--sample", "x"), ("--since", "yesterday")])
def test_a_wrong_option_is_refused(here: World, wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is read."""
    with pytest.raises(SystemExit):
        _run(here, *wrong)
    assert wrong[0] in capsys.readouterr().err


def test_it_runs_as_a_module_and_names_the_settings_that_are_missing() -> None:
    """The first thing that happens to everybody."""
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-m", "recording.cli.drift"]
    done = subprocess.run(command, cwd=root, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, "ARCHIVE_STORAGE" in done.stdout) == (FAILED, True)
