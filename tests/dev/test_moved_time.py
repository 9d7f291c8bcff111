"""The time of a story: one file moves the app's clock and that of Node programs, and no other."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dev.story.moved_time import MovedTime, write_app
from dev.world import REPOSITORY
from recording.adapters.system_clock import SystemClock

DAY = timedelta(days=1)


def test_the_apps_clock_follows_the_file_and_is_right_again_afterwards(tmp_path: Path) -> None:
    """A test that leaves a clock behind would spoil all that follow."""
    moved = MovedTime(tmp_path / "ahead")
    with moved.everywhere():
        moved.advance(DAY)
        moved.advance(DAY)
        assert SystemClock().now() - datetime.now(UTC) > 1.9 * DAY
        assert moved.now() - datetime.now(UTC) > 1.9 * DAY
    assert SystemClock().now() - datetime.now(UTC) < DAY


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node here")
def test_a_node_program_lives_in_the_same_time(tmp_path: Path) -> None:
    """Azurite hides messages, and tells how old rows are, by `Date`."""
    moved = MovedTime(tmp_path / "ahead")
    script = (
        "const d = new Date(0);"
        "console.log(Date.now(), new Date().getTime(), d.getTime(), d instanceof Date, typeof Date())"
    )
    with moved.everywhere():
        moved.advance(DAY)
        done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True, timeout=120)
    first, second, zero, is_date, called = done.stdout.split()
    for told in (first, second):
        assert datetime.fromtimestamp(int(told) / 1000, UTC) - datetime.now(UTC) > 0.9 * DAY
    assert (zero, is_date, called) == ("0", "true", "string")


def test_the_hosts_app_is_the_repositorys(tmp_path: Path) -> None:
    """The same functions and the same host.json, with nothing left out."""
    folder = write_app(tmp_path / "app", REPOSITORY)
    assert (folder / "host.json").read_bytes() == (REPOSITORY / "host.json").read_bytes()
    assert repr(str(REPOSITORY)) in (folder / "function_app.py").read_text(encoding="utf-8")
