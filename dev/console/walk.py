"""Writes docs/console-walk.md: every key of the tasks that people come for, as the browser's tests pressed them."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from dev.console.browser import is_installed

TESTS = "tests/console/test_tasks.py"
HEAD = f"""# A walk through the console without a mouse

Each line is a key, as `{TESTS}` presses it in Chromium over a made-up day; `python -m dev walk` writes this page.
An arrow (`→`) is followed by the element that then has the focus: its role, and the name that a screen reader says.

"""


def main(target: Path) -> int:
    """Play the walk and write the page; 1 when a task could not be done, 2 where there is no Chromium."""
    if not is_installed():
        print("Chromium is not installed: apt-get install chromium")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "CONSOLE_WALK": folder, "CONSOLE_BROWSER": "required"}
        command = [sys.executable, "-m", "pytest", "-q", TESTS]
        if subprocess.run(command, env=environment, check=False).returncode:
            return 1
        parts = [path.read_text(encoding="utf-8") for path in sorted(Path(folder).iterdir())]
    log = "\n".join(parts)
    target.write_text(f"{HEAD}```text\n{log}```\n", encoding="utf-8")
    print(f"{len(parts)} tasks: {target}")
    return 0
