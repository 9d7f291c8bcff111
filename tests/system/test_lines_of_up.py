"""What `make up` prints to try works as printed, from the first line to the file that is heard."""

import os
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dev import play
from dev.screen import Screen
from dev.world import REPOSITORY
from tests.system.steps import Steps

NOT_FOR_A_SHELL = ("Console:", "Everything runs.", "Try, in a second terminal")


def printed(world: Steps) -> str:
    told, screen = StringIO(), Screen()
    screen.console = Console(file=told, width=80, highlight=False)
    play._print_what_to_try(world.world, screen)
    return told.getvalue()


def test_every_line_can_be_pasted(own_world: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer pastes all of it; the second thing that fails is the last one that is tried."""
    monkeypatch.setattr(play, "HEARD", tmp_path / "heard")
    spaced = tmp_path / "a folder"
    spaced.mkdir()
    settings = spaced / "settings.json"
    settings.write_bytes(own_world.world.settings_file().read_bytes())
    monkeypatch.setattr(own_world.world, "settings_file", lambda: settings)
    monkeypatch.chdir(REPOSITORY)
    lines = [line for line in printed(own_world).splitlines() if not line.startswith(NOT_FOR_A_SHELL)]
    assert any("recordings get $REC" in line for line in lines)
    state = f"{own_world.world.host_url}/api/recordings/$REC"
    waits = f"until curl -s {state} | grep -q '\"complete\": *true'; do sleep 0.2; done"
    script = "\n".join(["set -eu", *lines]).replace("sleep 3", waits)
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "COLUMNS": "80"}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "}{" not in done.stdout, "an answer of curl ends its line"
    assert "nothing needs attention" in done.stdout
    assert "all is well" in done.stdout
    assert "as cataloged" in done.stdout
    (heard,) = (tmp_path / "heard").glob("*.wav")
    assert heard.read_bytes()[:4] == b"RIFF"
