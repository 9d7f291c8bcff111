"""`recordings`, or `python -m recording.cli`: runs one command and returns its exit code."""

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from recording import wiring
from recording.cli.app import app
from recording.cli.connect.session import UNKNOWN, Dependencies, Session
from recording.cli.connect.target import which_app
from recording.cli.output.printing import Tell, say
from recording.errors import RecordingError
from recording.ports.probe import Probe
from recording.settings import Settings, SettingsError

# Options of the program that may also follow the command; each takes a value.
_ANYWHERE = {"--settings", "--app", "--resource-group", "-g", "--env", "--subscription"}


def main(
    arguments: Sequence[str] | None = None,
    dependencies: Dependencies = wiring.dependencies,
    tell: Tell | None = None,
    probe: Callable[[Settings], Probe] = wiring.probe,
    **session: object,
) -> int:
    """Run a command and return its exit code: 0 fine, 1 something needs attention, 2 it could not be found out."""
    asked = in_order(sys.argv[1:] if arguments is None else arguments)
    # What azure-identity logs when nobody is signed in is a page; the error that follows says it in a line.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    adapters = {
        "read_app": wiring.deployed_app,
        "probe_of_app": wiring.probe_of_app if probe is wiring.probe else None,
        "open_container": wiring.other_container,
    }
    session = {**adapters, **session}
    run = Session(dependencies, probe, tell, **session)  # type: ignore[arg-type]  # a test's changes to it
    if run.confirm is None and tell is None and sys.stdin.isatty():
        run.confirm = _confirmed
    try:
        app(args=asked, prog_name="recordings", obj=run)
    except SystemExit as ended:
        return int(ended.code or 0)
    except RecordingError as error:
        hint = run.hint or (which_app(Path.cwd()) if isinstance(error, SettingsError) and not run.is_named else None)
        say(tell or sys.stdout.write, [f"{error.code}: {error}", *([hint] if hint else [])])
    except OSError as error:  # a file or folder that an option names; storage has errors of its own
        say(tell or sys.stdout.write, [f"{error.filename or 'this machine'}: {error.strerror or error}"])
    return UNKNOWN


def _confirmed(what: str) -> bool:
    """Ask the person at the terminal; Ctrl-C is no."""
    import typer

    try:
        return typer.confirm(what)
    except typer.Abort:
        return False


def in_order(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the program's own options first, wherever they were written."""
    first: list[str] = []
    rest: list[str] = []
    given = iter(arguments)
    for argument in given:
        name, equals, _ = argument.partition("=")
        if argument == "--":
            return [*first, *rest, argument, *given]
        if name in _ANYWHERE:
            first += [argument] if equals else [argument, next(given, "")]
        else:
            rest.append(argument)
    return [*first, *rest]


def run() -> None:
    """Start the program as its entry point does."""
    sys.exit(main())


if __name__ == "__main__":
    run()
