"""Exports requirements.txt from uv.lock: what the platform installs, pinned and hashed; nothing of the local world."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_HEADER = "# Exported from uv.lock by `make requirements`. Do not edit.\n"


def exported() -> str:
    """Return the text that requirements.txt should have."""
    command = [str(Path(sys.executable).with_name("uv")), "export", "--frozen", "--no-dev", "--no-emit-project"]
    command += ["--format", "requirements-txt", "--no-annotate", "--no-header", "--quiet"]
    done = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
    return _HEADER + done.stdout


def main(*, check: bool) -> int:
    """Write requirements.txt, or with `check` says whether it is what the lock exports."""
    path, wanted = _ROOT / "requirements.txt", exported()
    if not check:
        path.write_text(wanted, encoding="utf-8")
        return 0
    if path.read_text(encoding="utf-8") != wanted:
        print("requirements.txt is not what uv.lock exports; run `make requirements` and commit it")
        return 1
    return 0
