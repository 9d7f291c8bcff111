"""A command that ends leaves nothing running, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from dev.__main__ import app
from dev.world import free_port

ROOT = Path(__file__).resolve().parents[2]
STORY = """
import subprocess, sys, time
from dev.children import ending_with_this_process
from dev.stopping import stopped_cleanly
try:
    with stopped_cleanly():
        child = subprocess.Popen(ending_with_this_process([sys.executable, "-c", "import time; time.sleep(600)"]))
        print(child.pid, flush=True)
        time.sleep(600)
except KeyboardInterrupt:
    child.terminate()
    child.wait()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda n: n.name)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children that their parent died")
def test_no_child_outlives_the_command(number: signal.Signals) -> None:
    """Closing the terminal is SIGHUP; a crash is SIGKILL. Neither may leave Azurite on its ports."""
    with subprocess.Popen([sys.executable, "-c", STORY], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, number)
        parent.wait(20)
        give_up_at = time.monotonic() + 20
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE and time.monotonic() < give_up_at:
            time.sleep(0.05)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["up", "--host", "docker"], "builtin"),
        (["up", "--port", "99999"], "65535"),
        (["up", "--data", __file__], "is a file"),
        (["demo", "--host", "docker"], "builtin"),
        (["host", "--port", "70000"], "65535"),
        (["azurite", "--data", __file__], "is a file"),
    ],
)
def test_a_wrong_option_is_answered_with_a_sentence(arguments: list[str], told: str) -> None:
    """A typing error must neither start another host silently nor end in a traceback."""
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_a_second_world_on_the_same_port_is_told_before_anything_starts() -> None:
    """`address already in use` after five seconds says nothing of the first one."""
    import socket

    port = free_port()
    with socket.socket() as first:
        first.bind(("127.0.0.1", port))
        first.listen()
        result = CliRunner().invoke(app, ["up", "--port", str(port)])
    assert result.exit_code == 1
    assert f"Port {port} is in use" in result.output
    assert "Azurite" not in result.output
