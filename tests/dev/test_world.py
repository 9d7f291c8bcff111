"""The local world, before anything is started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.world import REPOSITORY, LocalWorld, WorldError, WorldOptions, held_alone


def test_a_folder_has_one_world_at_a_time(tmp_path: Path) -> None:
    """A second `make up DATA=kept` wrote into the storage of the first, whose printed commands then led nowhere."""
    with held_alone(tmp_path):
        with pytest.raises(WorldError, match="another local world runs in"):
            LocalWorld(WorldOptions(data_dir=tmp_path)).__enter__()
        assert [path.name for path in tmp_path.iterdir()] == [".in-use"], "nothing was touched"
    with held_alone(tmp_path):
        pass


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_has_no_ellipsis_gets_three_points(tmp_path: Path, encoding: str) -> None:
    """`make up` ended with a traceback where the locale is not UTF-8: the first line that it prints has one."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PATH": str(tmp_path)}
    command = [sys.executable, "-m", "dev", "up", "--port", "0"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, check=False, timeout=60)
    told = done.stdout.decode(encoding) + done.stderr.decode(encoding)
    assert "storage) ..." in told
    assert "Traceback" not in told
    assert done.returncode == 1, "there is no Node on this PATH"
