"""`python -m recording.cli`: how the archive stands, what needs attention, and the way back to work.

Works with the settings of the app: from the environment, or from a file in the form of local.settings.json.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from recording import wiring
from recording.cli import commands, doctor, drift
from recording.cli.commands import UNKNOWN
from recording.cli.printing import Tell, say
from recording.errors import RecordingError
from recording.http.routes import Dependencies
from recording.operate.doctor import Probe
from recording.settings import Settings, use_settings_file


def main(
    arguments: Sequence[str] | None = None,
    dependencies: Dependencies = wiring.dependencies,
    tell: Tell | None = None,
    probe: Callable[[Settings], Probe] = wiring.probe,
) -> int:
    """Runs a command and returns its exit code: 0 fine, 1 something needs a person, 2 it could not be found out."""
    told = tell or sys.stdout.write
    asked, rest = _parser().parse_known_args(arguments)
    if rest and asked.command not in ("drift", "doctor"):
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if asked.settings:
            use_settings_file(asked.settings)
        if asked.command == "drift":
            return drift.main(rest, dependencies, told)
        if asked.command == "doctor":
            return doctor.main(rest, dependencies, probe, told)
        return commands.run(asked, *dependencies(), told)
    except RecordingError as error:
        say(told, [f"{error.code}: {error}"])
        return UNKNOWN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recording.cli", description=__doc__)
    parser.add_argument("--settings", type=Path, metavar="FILE", help="local.settings.json; else the environment")
    subparsers = parser.add_subparsers(dest="command", required=True)
    subparsers.add_parser("drift", help="compare the archive with the catalog", add_help=False)
    subparsers.add_parser("doctor", help="look at all that the app needs", add_help=False)
    commands.add_to(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
