"""Core Tools are preferred when they are there, and started with the same port and settings."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.functions_host.command import main
from dev.functions_host.core_tools import choose_host, func_command, run_func
from dev.functions_host.functions import AppError

InstallFunc = Callable[[str], None]

RECORDING_FUNC = """#!/usr/bin/env python3
import json, os, sys
if sys.argv[1:] == ["--version"]:
    print("{version}")
    raise SystemExit(0)
seen = {{"arguments": sys.argv[1:], "cwd": os.getcwd(), "setting": os.environ.get("SAMPLE_SETTING")}}
open(os.environ["FUNC_SEEN"], "w").write(json.dumps(seen))
raise SystemExit(5)
"""


@pytest.fixture
def install_func(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallFunc:
    """Puts a `func` of a given version on PATH that writes down how it was started and exits with 5."""
    monkeypatch.setenv("FUNC_SEEN", str(tmp_path / "seen.json"))

    def install(version: str) -> None:
        func = tmp_path / "bin" / "func"
        func.parent.mkdir()
        func.write_text(RECORDING_FUNC.format(version=version))
        func.chmod(0o755)
        monkeypatch.setenv("PATH", f"{func.parent}:/usr/bin:/bin")

    return install


@pytest.fixture
def without_func(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_auto_takes_core_tools_when_they_are_new_enough(install_func: InstallFunc) -> None:
    """The real host is always the better one."""
    install_func("4.15.1")
    assert (choose_host("auto"), choose_host("func"), choose_host("builtin")) == ("func", "func", "builtin")


@pytest.mark.parametrize("version", ["3.0.5682", "no version at all"])
def test_core_tools_that_are_too_old_are_not_taken(install_func: InstallFunc, version: str) -> None:
    """Version 3 cannot run this programming model."""
    install_func(version)
    assert choose_host("auto") == "builtin"
    with pytest.raises(AppError, match="Core Tools 4"):
        choose_host("func")


@pytest.mark.usefixtures("without_func")
def test_without_core_tools_the_builtin_host_is_taken() -> None:
    """This is why it exists."""
    assert choose_host("auto") == "builtin"
    with pytest.raises(AppError, match="not on PATH"):
        choose_host("func")


def test_func_gets_the_port_the_settings_and_the_app(install_func: InstallFunc, tmp_path: Path) -> None:
    """Both hosts must be started with the same meaning."""
    install_func("4.15.1")
    assert func_command(7072, enable_auth=True)[1:] == ["start", "--port", "7072", "--enableAuth"]
    assert run_func(7071, {"SAMPLE_SETTING": "yes"}, enable_auth=False, app_dir=tmp_path) == 5
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen == {"arguments": ["start", "--port", "7071"], "cwd": str(tmp_path), "setting": "yes"}


def test_the_command_hands_over_to_func_and_returns_its_exit_code(install_func: InstallFunc, tmp_path: Path) -> None:
    """`--host func` must not start anything of ours."""
    install_func("4.15.1")
    assert main(port=7073, app_dir=tmp_path, host="func") == 5
    assert main(port=7073, app_dir=tmp_path) == 5
