"""What is deployed stands on its own: the files that `.funcignore` lets through, and `requirements.txt`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev.policies.repository import ROOT, IgnoreFile, shipped_files
from dev.requirements import exported
from tests.repo.docs.triggers import triggers

_LIST = """
import json, sys
import function_app
names = [function.get_function_name() for function in function_app.app.get_functions()]
print(json.dumps({"names": names, "loaded": sorted(sys.modules)}))
"""


def test_requirements_are_what_the_lock_exports() -> None:
    """The tests run with the lock, Azure installs the requirements: they must be the same."""
    assert (ROOT / "requirements.txt").read_text(encoding="utf-8") == exported()


def test_only_the_app_is_deployed() -> None:
    """No tests, no simulator, no settings of anybody's machine."""
    tops = {path.relative_to(ROOT).parts[0] for path in shipped_files()}
    assert tops == {"function_app.py", "host.json", "requirements.txt", "recording"}
    code = [path for path in shipped_files() if "recording" in path.parts and "console" not in path.parts]
    assert {path.suffix for path in code} == {".py"}


@pytest.mark.parametrize("pattern", ["!keep.py", "docs/private"])
def test_a_pattern_that_the_reader_does_not_know_is_refused(pattern: str) -> None:
    """A reader that guesses would let something through unseen."""
    with pytest.raises(ValueError, match="does not know"):
        IgnoreFile(pattern)


PLANTED = {
    "dist/acs-recording-archive-1.2.3.zip",
    "acs-recording-archive_env/bin/python",
    "htmlcov/index.html",
    "my notes.txt",
    "secrets.json",
    "local.settings.json",
    ".env",
    ".azure/prod/.env",
    "dev/function_app.py",
    "tests/recording/x.py",
    "infra/host.json",
    "recording/__pycache__/ports.cpython-313.pyc",
    "recording/old.pyc",
}
DEPLOYED = {
    "function_app.py",
    "host.json",
    "requirements.txt",
    "recording/ports/__init__.py",
    "recording/adapters/acs/client.py",
}


def test_whatever_lies_beside_the_app_stays_here(tmp_path: Path) -> None:
    """An allow-list, judged by git, whose rules azd and Core Tools follow: a new folder is not deployed by accident."""
    for name in PLANTED | DEPLOYED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    shutil.copyfile(ROOT / ".funcignore", tmp_path / ".git-ignore-of-the-test")
    _run("git", "init", "--quiet", ".", cwd=tmp_path)
    listed = _run("git", "ls-files", "--others", "--exclude-from=.git-ignore-of-the-test", cwd=tmp_path).splitlines()
    assert set(listed) == DEPLOYED


def test_the_reader_and_git_agree() -> None:
    """The reader of these tests must not be more generous than the tools."""
    reader = IgnoreFile((ROOT / ".funcignore").read_text(encoding="utf-8"))

    def deployed(name: str) -> bool:
        parts = Path(name).parts
        folders = ["/".join(parts[:at]) for at in range(1, len(parts))]
        return not any(reader.ignores(folder, is_folder=True) for folder in folders) and not reader.ignores(
            name, is_folder=False
        )

    assert {name for name in PLANTED | DEPLOYED if deployed(name)} == DEPLOYED


@pytest.mark.parametrize(
    ("pattern", "name", "is_folder", "expected"),
    [
        ("dev/", "dev", True, True),
        ("dev/", "dev", False, False),
        (".*", ".ci", True, True),
        (".venv*/", ".venv-3.13", True, True),
        ("Makefile", "Makefile", False, True),
        ("Makefile", "Makefile.old", False, False),
        ("# a comment", "# a comment", False, False),
    ],
)
def test_patterns_mean_what_core_tools_take_them_for(pattern: str, name: str, is_folder: bool, expected: bool) -> None:
    """The rules of .gitignore, which .funcignore shares."""
    assert IgnoreFile(pattern).ignores(name, is_folder=is_folder) is expected


def test_the_deployed_folder_lists_its_triggers_with_only_its_requirements(tmp_path: Path) -> None:
    """A dependency that only the development environment has would show on the first start in Azure, not here."""
    app, venv = tmp_path / "app", tmp_path / "venv"
    for path in shipped_files():
        target = app / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    uv = str(Path(sys.executable).with_name("uv"))
    _run(uv, "venv", "--quiet", "--python", sys.executable, str(venv), cwd=app)
    python = str(venv / "bin" / "python")
    _run(uv, "pip", "install", "--quiet", "--require-hashes", "-r", "requirements.txt", "--python", python, cwd=app)
    listed = json.loads(_run(python, "-c", _LIST, cwd=app))
    assert listed["names"] == list(triggers())
    assert not [name for name in listed["loaded"] if name.startswith(("azure.storage", "azure.communication"))]


def _run(*command: str, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout
