"""Azure Functions Core Tools, when they are there: the real host is always the better one to run."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from dev.functions_host.functions import AppError

HostChoice = Literal["auto", "builtin", "func"]
_OLDEST_MAJOR = 4


def choose_host(wanted: HostChoice) -> Literal["builtin", "func"]:
    """Return which host to start: `auto` takes Core Tools 4 or newer when `func` is on PATH.

    Raises:
        AppError: `func` was asked for and is absent or too old.
    """
    if wanted == "builtin":
        return "builtin"
    version = func_version()
    if version is not None and version[0] >= _OLDEST_MAJOR:
        return "func"
    if wanted == "func":
        found = "not on PATH" if version is None else f"version {'.'.join(map(str, version))}"
        raise AppError(f"Core Tools {_OLDEST_MAJOR} or newer are needed for --host func; 'func' is {found}")
    return "builtin"


def func_version() -> tuple[int, ...] | None:
    """Return the version of `func` on PATH; None when there is none or it does not answer with a version."""
    func = shutil.which("func")
    if func is None:
        return None
    try:
        answer = subprocess.run([func, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(int(number) for number in found.groups()) if found else None


def run_func(port: int, settings: Mapping[str, str], *, enable_auth: bool, app_dir: Path) -> int:
    """Run `func start` until it ends, passing SIGTERM on; return its exit code.

    The settings are passed as environment variables, which win over the app's local.settings.json.
    """
    environment = {**settings, **os.environ}
    with subprocess.Popen(func_command(port, enable_auth=enable_auth), cwd=app_dir, env=environment) as process:
        previous = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal has sent the same signal to func; let it end in its own way
            return process.wait()
        finally:
            signal.signal(signal.SIGTERM, previous)


def func_command(port: int, *, enable_auth: bool) -> list[str]:
    """Return the command line of Core Tools for this port."""
    func = shutil.which("func") or "func"
    return [func, "start", "--port", str(port), *(["--enableAuth"] if enable_auth else [])]
