"""`python -m recording.cli doctor`: looks at all that the app needs, and says how to fix what is wrong."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict

from recording.cli.printing import Tell, say, say_json
from recording.http.routes import Dependencies
from recording.operate.doctor import Finding, Probe, State, examine
from recording.settings import Settings

HEALTHY, UNHEALTHY = 0, 1  # the exit codes


def main(
    arguments: Sequence[str],
    dependencies: Dependencies,
    probe: Callable[[Settings], Probe],
    tell: Tell,
) -> int:
    """Runs all checks, tells them, and returns the exit code: 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m recording.cli doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    asked = parser.parse_args(arguments)
    found = examine(dependencies, probe)
    failed = [finding for finding in found if finding.state is State.FAILED]
    if asked.json:
        say_json(tell, {"findings": [asdict(finding) for finding in found]})
    else:
        say(tell, [line for finding in sorted(found, key=_failed_first) for line in _lines(finding)])
        say(tell, ["", f"{len(failed)} of {len(found)} checks failed" if failed else "all is well"])
    return UNHEALTHY if failed else HEALTHY


def _failed_first(finding: Finding) -> int:
    return [State.FAILED, State.OK, State.SKIPPED].index(finding.state)


def _lines(finding: Finding) -> list[str]:
    line = f"{finding.state:<13}  {finding.check:<19}  {finding.found}"
    return [line, *([f"{'':<13}  {'':<19}  → {finding.remedy}"] if finding.remedy else [])]
