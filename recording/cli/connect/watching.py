"""`--watch`: the same look again, every few seconds, on a cleared screen, until Ctrl-C."""

from collections.abc import Callable

from recording.cli.connect.session import Session


def watched(session: Session, seconds: int | None, look: Callable[[], int]) -> int:
    """Look once, or until interrupted; return the last exit code."""
    code = look()
    try:
        while seconds:
            session.sleep(seconds)
            session.console.clear()
            code = look()
    except KeyboardInterrupt:
        session.lines("")
    return code
