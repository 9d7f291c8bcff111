"""`python -m recording.cli.drift`: compares the whole archive with the catalog, and tells every difference.

Reads the settings of the app from the environment; with the identity forms it works as whoever is signed in.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from recording import wiring
from recording.cli.printing import say
from recording.errors import RecordingError
from recording.http.routes import Dependencies
from recording.operate.drift import look_for_drift

SAME, DIFFERENT, FAILED = 0, 1, 2  # the exit codes


def main(
    arguments: Sequence[str] | None = None,
    dependencies: Dependencies = wiring.dependencies,
    tell: Callable[[str], object] = sys.stdout.write,
) -> int:
    """Runs the command and returns its exit code: 1 when there is drift, 2 when that could not be found out."""
    asked = _parser().parse_args(arguments)
    try:
        ports, settings = dependencies()
        report = look_for_drift(ports, settings, sample_percent=asked.sample, since=asked.since, seed=asked.seed)
    except RecordingError as error:
        say(tell, [f"{error.code}: {error}"])
        return FAILED
    if asked.json:
        tell(report.as_json())
    else:
        say(tell, report.as_text().splitlines())
    if report.drifts:
        return DIFFERENT
    return FAILED if report.failed else SAME


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recording.cli.drift", description=__doc__)
    parser.add_argument("--sample", type=_percent, default=1.0, metavar="PERCENT", help="share of media read whole (1)")
    parser.add_argument("--since", type=_day, metavar="YYYY-MM-DD", help="only chunks of events since then, UTC")
    parser.add_argument("--seed", default=f"{datetime.now(UTC):%Y-%m-%d}", help="which share is drawn (today's date)")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    return parser


def _percent(text: str) -> float:
    percent = float(text)
    if not 0 <= percent <= 100:
        raise ValueError("not a percentage")
    return percent


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
