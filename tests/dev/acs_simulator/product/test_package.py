"""The wheel of the simulator: built in a folder, put on a path of its own, and used without this repository."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

PROJECT = Path(__file__).resolve().parents[4] / "tools" / "acs-simulator"
STORY = """
from acs_simulator.threaded import run_in_thread
with run_in_thread() as simulator:
    call = simulator.client.create_call(["Ann", "+4930901820"])
    stored = simulator.client.create_objects(durationMs=500)
    print(call["participants"][1]["mri"], stored[0]["lengthBytes"])
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(PROJECT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "there")
    return folder / "there"


def test_the_wheel_holds_the_simulator_under_one_name(unpacked: Path) -> None:
    """A top-level `dev` in somebody's environment would be in the way of theirs."""
    assert {one.name.partition("-")[0] for one in unpacked.iterdir()} == {"acs_simulator"}
    text = "".join(file.read_text(encoding="utf-8") for file in unpacked.rglob("*.py"))
    assert "import" in text
    assert "from dev" not in text


def test_its_entry_points_are_the_command_and_the_fixture(unpacked: Path) -> None:
    """What `pip install` makes of it."""
    (entries,) = unpacked.glob("*.dist-info/entry_points.txt")
    text = entries.read_text(encoding="utf-8")
    assert "acs-simulator = acs_simulator.command:app" in text
    assert "acs_simulator = acs_simulator.pytest_plugin" in text


def test_it_works_without_the_repository(unpacked: Path, tmp_path: Path) -> None:
    """The command of a stranger: no working directory, no module of ours on the path."""
    run = subprocess.run(
        [sys.executable, "-c", STORY],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.split() == ["4:+4930901820", "16044"], run.stderr


def test_the_same_seed_makes_the_same_ids(tmp_path: Path) -> None:
    """What a test wrote down yesterday is there today."""
    told = [_ids(tmp_path, seed) for seed in (7, 7, 8)]
    assert told[0] == told[1] != told[2]


def _ids(folder: Path, seed: int) -> str:
    story = (
        "from dev.acs_simulator.options import options_of_seed\n"
        "from dev.acs_simulator.threaded import run_in_thread\n"
        f"with run_in_thread(options_of_seed({seed})) as s:\n"
        "    print(s.addresses.connection_string, s.client.create_call())\n"
    )
    root = str(PROJECT.parents[1])
    run = subprocess.run(
        [sys.executable, "-c", story], cwd=folder, env={"PYTHONPATH": root}, capture_output=True, text=True, check=True
    )
    return run.stdout.partition("'establishedAt'")[0]
