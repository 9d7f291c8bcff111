"""Our own semgrep rules (`tools/rules`): first whether they find what they must, then whether the code obeys them.

Each rule has cases beside it, in a Python file of the same name: `ruleid` where it must match, `ok` where it must not.
"""

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
RULES = _ROOT / "tools" / "rules"
_SCANNED = ("function_app.py", "recording", "dev")


def main(semgrep: Path) -> int:
    """Return 0 when every case is as it says and no code breaks a rule; print what is wrong otherwise."""
    cases = _run(semgrep, "--test", "--config", str(RULES), str(RULES))
    if cases.returncode:
        print(cases.stdout, file=sys.stderr)
        print("a rule does not do what its cases say", file=sys.stderr)
        return 1
    found = _run(semgrep, "--error", "--config", str(RULES), *(str(_ROOT / name) for name in _SCANNED))
    if found.returncode:
        print(found.stdout + found.stderr, file=sys.stderr)
        return 1
    print(f"Rules kept: {', '.join(sorted(path.stem for path in RULES.glob('*.yaml')))}")
    return 0


def _run(semgrep: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(semgrep), "scan", "--metrics=off", "--disable-version-check", "--quiet", *arguments]
    environment = os.environ | {"SEMGREP_ENABLE_VERSION_CHECK": "0", "SEMGREP_SEND_METRICS": "off"}
    return subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
