"""What `make` says before it fetches anything."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dev.world import free_port
from recording.operate.doctor import PYTHONS

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_windows_users_are_led_to_a_place_where_it_works() -> None:
    """Half of all Azure developers sit there, and `.venv/bin` says nothing to them."""
    answer = make("help", OS="Windows_NT")
    assert answer.returncode != 0
    assert "WSL" in answer.stderr
    assert "dev container" in answer.stderr


def test_npm_is_looked_for_before_python_packages_are_fetched(tmp_path: Path) -> None:
    """Half a minute of installing, and only then the news that Node is missing."""
    for name in ("sh", "bash", "env"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    answer = subprocess.run(
        [_program("make"), "-C", str(ROOT), "prerequisites"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode != 0
    assert "npm is needed" in answer.stdout


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        ("tests/nope", "tests/nope"),
        ("tests/unit tests/unit/test_nope.py::test_it", "tests/unit/test_nope.py::test_it"),
        ("tests/unit", ""),
        ("--fast tests/unit --ignore=tests/nope --deselect=tests/nope::test_it tests/dev/test_makefile.py::test_x", ""),
        ("", ""),
    ],
)
def test_tests_that_are_not_there_are_named(wanted: str, missing: str) -> None:
    """With two processes pytest says only that no tests ran; its options go through."""
    answer = make("chosen", f"T={wanted}")
    assert (answer.returncode != 0) is bool(missing)
    assert answer.stdout == (f"There is no {missing}. T= is a folder or file of tests.\n" if missing else "")


@pytest.mark.parametrize(("major", "is_enough"), [(12, False), (18, False), (20, True), (24, True)])
def test_an_old_node_is_noticed_before_anything_is_fetched(tmp_path: Path, major: int, is_enough: bool) -> None:
    """Debian's own is often too old; npm then failed in the middle, and Azurite with a stack of JavaScript."""
    node = tmp_path / "node"
    claims = f"Object.defineProperty(process, 'versions', {{value: {{node: '{major}.1.0'}}}});"
    asked = f'[ "$1" = -e ] && exec {_program("node")} -e "{claims} $2"'
    node.write_text(f"#!/bin/sh\n{asked}\necho v{major}.1.0\n")
    node.chmod(0o755)
    (tmp_path / "npm").symlink_to(node)
    answer = make("prerequisites", f"VENV={tmp_path / 'venv'}", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (answer.returncode == 0) is is_enough, answer.stdout
    assert (f"this is v{major}.1.0" in answer.stdout) is not is_enough


def test_every_page_and_program_names_the_same_pythons() -> None:
    """The workflow tests 3.14, the lock has it, the doctor allows it, and `make` refused it before the first test."""
    asked = re.search(r"\((\d), (\d+)\) <= sys.version_info\[:2\] <= \((\d), (\d+)\)", (ROOT / "Makefile").read_text())
    assert asked is not None
    first, last = (int(asked[1]), int(asked[2])), (int(asked[3]), int(asked[4]))
    assert (first, last) == PYTHONS
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={first[0]}.{first[1]},<{last[0]}.{last[1] + 1}"
    matrix = re.search(r"python: \[(.+)\]", (ROOT / ".github" / "workflows" / "test.yml").read_text())
    assert matrix is not None
    assert matrix[1] == ", ".join(f"'3.{minor}'" for minor in range(first[1], last[1] + 1))
    for page in ("README.md", "CONTRIBUTING.md", "Makefile"):
        assert f"Python {first[0]}.{first[1]} to {last[0]}.{last[1]}" in (ROOT / page).read_text(), page


@pytest.mark.parametrize("is_other", [True, False])
def test_a_virtual_environment_of_another_python_is_noticed(tmp_path: Path, *, is_other: bool) -> None:
    """`PYTHON=python3.13 make demo` silently ran the old one."""
    version = (3, sys.version_info.minor + 1) if is_other else sys.version_info[:2]
    venv = tmp_path / "venv"
    for place, shown in ((venv / "bin" / "python", sys.version_info[:2]), (tmp_path / "other", version)):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"#!/bin/sh\necho {shown[0]} {shown[1]}\n")
        place.chmod(0o755)
    answer = make("prerequisites", f"PYTHON={tmp_path / 'other'}", f"VENV={venv}")
    assert (answer.returncode != 0) is is_other, answer.stderr
    assert ("another Python" in answer.stdout) is is_other


def test_make_takes_every_python_that_the_workflow_tests() -> None:
    """The workflow and the templates offered 3.14, and `make` refused to install anything with it."""
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    (matrix,) = re.findall(r"python: \[(.*)\]", workflow)
    tested = [tuple(map(int, version.split("."))) for version in re.findall(r"'([\d.]+)'", matrix)]
    (least, most) = re.findall(r"\((\d+), (\d+)\)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert (tuple(map(int, least)), tuple(map(int, most))) == (min(tested), max(tested))


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ("PORT=7072", ["--port", "7072"]),
        ("DATA=kept", ["--data", "kept"]),
        ("DATA=a folder of Ann's", ["--data", "a folder of Ann's"]),
    ],
)
def test_up_passes_its_variables_on(given: str, options: list[str]) -> None:
    """`make up PORT=7080` was ignored without a word, and of a folder with a blank in its name half was taken."""
    answer = make("--dry-run", "up", given)
    words = shlex.split(answer.stdout.splitlines()[-1])
    assert words[-2:] == options


def test_a_machine_without_a_network_is_told_so_in_a_sentence(tmp_path: Path) -> None:
    """Five warnings of a library, 300 characters each, and `No matching distribution` hid it."""
    venv = tmp_path / "venv"
    nobody = f"http://127.0.0.1:{free_port()}/simple"
    offline = {"PIP_INDEX_URL": nobody, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0"}
    answer = make(f"{venv}/.installed", f"VENV={venv}", f"PYTHON={sys.executable}", **offline)
    assert answer.returncode != 0
    assert "no connection to the package index" in answer.stdout
    assert "Traceback" not in answer.stdout + answer.stderr
    assert max(map(len, (answer.stdout + answer.stderr).splitlines())) < 200


def _program(name: str) -> str:
    import shutil

    found = shutil.which(name)
    assert found is not None
    return found
