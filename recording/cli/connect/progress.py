"""Progress of long operations: on the standard error, and only on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from recording.cli.connect.session import Session
from recording.cli.output.printing import printable


def watching_console(session: Session) -> Console | None:
    """Return the console of a terminal; None in a pipe, a job or a test."""
    console = Console(stderr=True)
    return console if console.is_terminal and session.tell is None else None


@contextmanager
def working(session: Session, what: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner; the function that is given updates its text."""
    console = watching_console(session)
    if console is None:
        yield lambda _: None
        return
    with console.status(what) as shown:
        yield lambda how_far: shown.update(escape(printable(f"{what}: {how_far}")))
