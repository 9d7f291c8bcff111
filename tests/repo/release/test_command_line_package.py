"""The wheel of the operator's commands: built in a folder, and used without this repository."""

import ast
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

from recording import __version__

ROOT = Path(__file__).resolve().parents[3]
PROJECT = ROOT / "tools" / "recordings"
HOST_ONLY = re.compile(r"adapters/open_telemetry\.py|http/(?!views\.py).*|console/.*")  # run in the Functions host
COPY_ENGINE = {"awscrt"}  # loaded by the first copy; the commands read


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it."""
    folder = tmp_path_factory.mktemp("wheel")
    (made,) = WheelBuilder(str(PROJECT)).build(directory=str(folder), versions=["standard"])
    return Path(made)


def test_the_wheel_holds_the_package_and_the_entry_point(wheel: Path) -> None:
    """No tests, no local world, no compiled leftovers; and the version is the app's."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entries,) = [name for name in names if name.endswith("entry_points.txt")]
        (facts,) = [name for name in names if name.endswith("METADATA")]
        told = Parser().parsestr(archive.read(facts).decode())
        assert "recordings = recording.cli:run" in archive.read(entries).decode()
    page = "recording/console/"  # comes along with its folder, and serves nobody here
    modules = {name for name in names if "dist-info" not in name and not name.startswith(page)}
    assert modules == {path.relative_to(ROOT).as_posix() for path in (ROOT / "recording").rglob("*.py")}
    assert told["Version"] == __version__


def test_its_dependencies_are_what_the_commands_import() -> None:
    """One that is missing shows at an operator's desk at night; one too many slows the installation."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {Requirement(each).name for each in project["dependencies"]}
    imported: set[str] = set()
    for path in (ROOT / "recording").rglob("*.py"):
        if not HOST_ONLY.fullmatch(path.relative_to(ROOT / "recording").as_posix()):
            imported |= _imported(path)
    assert {_distribution(name) for name in imported - COPY_ENGINE} - {"azure-core"} == named


def test_the_versions_are_the_apps() -> None:
    """A library that the app needs newer is needed newer here, too."""
    app = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    ours = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert set(ours) <= {*app["project"]["dependencies"], *app["dependency-groups"]["dev"]}


def test_it_installs_and_answers_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    """As `uv tool install` does it; libraries come from this environment, the program from the wheel alone."""
    made = tmp_path / "tool"
    venv.create(made, symlinks=True)
    python = made / "bin" / "python"
    uv = str(Path(sys.executable).with_name("uv"))
    _run([uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(python), str(wheel)], tmp_path)
    (site,) = made.glob("lib/python*/site-packages")
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "libraries.pth").write_text(f"{libraries}\n")
    program = str(made / "bin" / "recordings")
    assert _run([program, "--version"], tmp_path).stdout == f"recordings {__version__}\n"
    missing = _run([program, "status"], tmp_path, code=2).stderr
    assert missing.startswith("settings_invalid: ")
    program_file = "import recording.cli as it; print(it.__file__)"
    assert str(made) in _run([str(python), "-c", program_file], tmp_path).stdout


def _run(command: list[str], folder: Path, code: int = 0) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": "", "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def _imported(path: Path) -> set[str]:
    """Return the modules of others that a file imports, as far as a distribution is named after them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        found |= {name for name in names if name.split(".")[0] not in {*sys.stdlib_module_names, "recording"}}
    return found


def _distribution(module: str) -> str:
    """Return the distribution of a module; those of Azure share one namespace."""
    parts = module.split(".")
    if parts[0] == "azure":
        length = 2 if parts[1] in ("core", "identity", "functions") else 3
        return "-".join(parts[:length])
    return packages_distributions()[parts[0]][0].lower()
