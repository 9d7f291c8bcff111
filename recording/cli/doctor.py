"""`python -m recording.cli doctor`: looks at all that the app needs, and says how to mend what is wrong."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from recording.http.routes import Dependencies
from recording.operate.doctor import Finding, Probe, State, examine
from recording.settings import Settings

HEALTHY, ILL = 0, 1  # the exit codes


def main(
    arguments: Sequence[str],
    dependencies: Dependencies,
    probe: Callable[[Settings], Probe],
    tell: Callable[[str], object],
) -> int:
    """Runs all checks, tells them, and returns the exit code: 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m recording.cli doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    asked = parser.parse_args(arguments)
    found = examine(dependencies, probe)
    failed = [finding for finding in found if finding.state is State.FAILED]
    tell(_as_json(found) if asked.json else "".join(map(_lines, sorted(found, key=_failed_first))))
    if not asked.json:
        tell(f"\n{len(failed)} of {len(found)} checks failed\n" if failed else "\nall is well\n")
    return ILL if failed else HEALTHY


def _as_json(found: Sequence[Finding]) -> str:
    return json.dumps({"findings": [asdict(finding) for finding in found]}, indent=2) + "\n"


def _failed_first(finding: Finding) -> int:
    return [State.FAILED, State.OK, State.SKIPPED].index(finding.state)


def _lines(finding: Finding) -> str:
    line = f"{finding.state:<13}  {finding.check:<19}  {finding.found}\n"
    return line + (f"{'':<13}  {'':<19}  → {finding.mend}\n" if finding.mend else "")
