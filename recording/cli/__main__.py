"""`recordings`, or `python -m recording.cli`: runs one command and returns its exit code."""

if __name__ == "__main__":
    from recording.cli import run

    run()

import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.rich_utils import rich_format_error

from recording import wiring
from recording.cli.app import app
from recording.cli.connect.session import FINE, UNKNOWN, Dependencies, Output, Session
from recording.cli.connect.target import which_app
from recording.cli.output.printing import Tell, printable
from recording.cli.output.streams import take_any_character, write
from recording.cli.output.words import remedy_of
from recording.errors import RecordingError, RequestError
from recording.ports.probe import Probe
from recording.settings import Settings, SettingsError

# Options of the program that may also follow the command; each takes a value.
_ANYWHERE = {"--settings", "--app", "--resource-group", "-g", "--env", "--subscription"}
_OF_OUTPUT = {"-o", "--output", "--json"}  # of every command; they may stand before it
_Misused: Any = typer.BadParameter.__base__  # what the parser raises: an unknown option, a value of the wrong form


def main(
    arguments: Sequence[str] | None = None,
    dependencies: Dependencies = wiring.dependencies,
    tell: Tell | None = None,
    probe: Callable[[Settings], Probe] = wiring.probe,
    **session: object,
) -> int:
    """Run a command and return its exit code: 0 fine, 1 something needs attention, 2 it failed or did nothing."""
    asked = in_order(sys.argv[1:] if arguments is None else arguments)
    # azure-identity logs a page when nobody is signed in; the error that follows says it in a line.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    adapters = {
        "read_app": wiring.deployed_app,
        "probe_of_app": wiring.probe_of_app if probe is wiring.probe else None,
        "open_container": wiring.other_container,
    }
    session = {**adapters, **session}
    run = Session(dependencies, probe, tell, **session)  # type: ignore[arg-type]  # a test's changes to it
    if run.confirm is None and tell is None and sys.stdin is not None and sys.stdin.isatty():
        run.confirm = _confirm
    return _exit_code(run, asked)


def _exit_code(run: Session, asked: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    if _asks_for_json(asked):
        run.output = Output.JSON  # also of what fails before the command reads its options
    if run.tell is None:
        take_any_character()
    try:
        check_text(asked)
        check_not_empty(asked)
        found = app(args=asked, prog_name="recordings", obj=run, standalone_mode=False)
        return found if isinstance(found, int) else FINE
    except typer.Abort:  # the input ended in the middle of a question
        return UNKNOWN
    except _Misused as error:
        return _report_misuse(run, error)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else FINE if ended.code is None else UNKNOWN
    except RecordingError as error:
        wrong = isinstance(error, SettingsError) and not run.is_named
        hint = run.hint or (which_app(Path.cwd()) if wrong else None)
        run.fails(error, *_what_is_wrong(error), *_what_to_do(error, hint))
    except OSError as error:  # a file or folder that an option names; storage has errors of its own
        run.refuses(f"{error.filename or 'this machine'}: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - the last line of defence: exit code 1 would be read as an answer
        last = traceback.extract_tb(error.__traceback__)[-1]  # no message: it may hold what must not be shown
        where = f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
        run.fails(RecordingError(where), f"{RecordingError.code}: {where}; this is a bug, please report it")
    finally:
        if run.tell is None:
            write("")  # what is flushed at the interpreter's end can raise there only
    return UNKNOWN


def _what_is_wrong(error: RecordingError) -> list[str]:
    """Return the code and the sentence; faults of several settings have a line each, to be corrected one by one."""
    if isinstance(error, SettingsError) and len(error.faults) > 1:
        faults = [f"  {name} {fault}" for name, fault in error.faults.items()]
        return [f"{error.code}: {len(faults)} settings are missing or wrong", *faults]
    return [f"{error.code}: {error}"]


def _what_to_do(error: RecordingError, hint: str | None) -> list[str]:
    """Return what to do next: a hint about this machine, else the remedy of the code; a typing error needs none."""
    is_typed = isinstance(error, RequestError) or (isinstance(error, SettingsError) and "--settings" in error.faults)
    if hint or is_typed:
        return [hint] if hint else []
    remedy = remedy_of(error.code)
    return [f"  → {remedy}"] if remedy else []


def _report_misuse(run: Session, error: Any) -> int:
    """Say what is wrong with the command line: as JSON where that was asked for, else as the parser says it."""
    error.message = printable(error.message or "")
    if run.output is Output.JSON:
        run.refuses(error.format_message())
    else:
        rich_format_error(error)
    return int(error.exit_code)


def _confirm(what: str) -> bool:
    """Ask at the terminal, also when the output is redirected; Ctrl-C means no."""
    try:
        return typer.confirm(printable(what), err=True)
    except typer.Abort:
        return False


def _asks_for_json(asked: Sequence[str]) -> bool:
    """Return whether an answer in JSON is wanted."""
    together = " ".join(asked)
    return any(
        f" {one} " in f" {together} " for one in ("--json", "-o json", "-ojson", "--output json", "--output=json")
    )


def check_not_empty(arguments: Sequence[str]) -> None:
    """Refuse an empty value: a variable that a script left unset must never select everything, or another app.

    Raises:
        RequestError: it names the option.
    """
    before = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        is_option = name.startswith("--") and bool(equals)
        if not (value if is_option else argument).strip():
            what = name if is_option else before or "an argument"
            raise RequestError(f"{what} is empty: is a variable of the shell not set?")
        before = argument if argument.startswith("-") else ""


def check_text(arguments: Sequence[str]) -> None:
    """Refuse an argument that is not text: neither storage nor a screen could take it.

    Raises:
        RequestError: it names the place, not the bytes.
    """
    for place, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise RequestError(f"argument {place} is not text in this terminal's character set") from None


def in_order(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the program's own options first and those of the output last."""
    first, rest, last = list[str](), list[str](), list[str]()
    given = iter(arguments)
    for argument in given:
        name, equals, _ = argument.partition("=")
        if argument == "--":
            return [*first, *rest, *last, argument, *given]
        if name in _ANYWHERE:
            first += [argument] if equals else [argument, next(given, "")]
        elif not rest and name in _OF_OUTPUT:
            last += [argument] if equals or name == "--json" else [argument, next(given, "")]
        else:
            rest.append(argument)
    return [*first, *rest, *last]
