"""`--watch`: repeat a command every few seconds until Ctrl-C; on a terminal, on a screen of its own."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

from rich.text import Text

from recording.cli.connect.session import UNKNOWN, Output, Session, text
from recording.errors import RecordingError
from recording.http.views.problems import problem_details

Look = Callable[[], int]
_OPENED, _CLOSED = "\x1b[?1049h\x1b[?25l", "\x1b[?1049l\x1b[?25h"  # another screen without a cursor, and back
_FROM_THE_TOP = "\x1b[H\x1b[2J"
_TERMINATED = 128 + signal.SIGTERM


def watch_screen(session: Session, seconds: int | None, look: Look) -> int:
    """Look once, or until interrupted; return the last exit code."""
    if seconds is None:
        return look()
    console = session.console
    is_capable = console.is_terminal and not (console.is_dumb_terminal or console.legacy_windows)
    is_screen = is_capable and session.output is not Output.JSON
    return _on_a_screen(session, seconds, look) if is_screen else _one_after_another(session, seconds, look)


def _one_after_another(session: Session, seconds: int, look: Look) -> int:
    code = UNKNOWN
    try:
        code = look()
        while session.is_read:
            session.sleep(seconds)
            code = _again(session, look)
    except KeyboardInterrupt:
        pass
    return code


def _on_a_screen(session: Session, seconds: int, look: Look) -> int:
    """Show each refresh on the alternate screen; afterwards restore the old one, with the last refresh below it."""
    shown, code = _take(session, look)
    try:
        with _screen():
            while True:
                sys.stdout.write(_FROM_THE_TOP + _fitting(session, shown, seconds))
                sys.stdout.flush()
                session.sleep(seconds)
                shown, code = _take(session, lambda: _again(session, look))
    except KeyboardInterrupt:
        pass
    sys.stdout.write(shown)
    return code


def _again(session: Session, look: Look) -> int:
    """Look again; a failure is what this look shows, and is retried, since the last one succeeded."""
    try:
        return look()
    except RecordingError as error:
        session.show(problem_details(error), text(f"{error.code}: {error}"))
        return UNKNOWN


def _take(session: Session, look: Look) -> tuple[str, int]:
    """Return what a look prints, and its exit code."""
    with session.console.capture() as captured:
        code = look()
    return captured.get(), code


def _fitting(session: Session, shown: str, seconds: int) -> str:
    """Return the first lines, as many as the screen has: the most urgent is at the top."""
    console, kept, used = session.console, list[str](), 0
    lines = shown.splitlines()
    room = max(console.height - 1, 1)
    for line in lines:
        used += max(1, -(-Text.from_ansi(line).cell_len // console.width))
        if used > room:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    more = f"{left} more lines do not fit · " if left else ""
    end = text((f"{more}{datetime.now(UTC).astimezone():%H:%M:%S}, every {seconds} s · Ctrl-C ends", "dim"))
    with console.capture() as captured:
        console.print(end, no_wrap=True, overflow="crop", end="")
    return "\n".join([*kept, captured.get()])


@contextmanager
def _screen() -> Iterator[None]:
    """Open another screen and close it, however the program ends or is stopped for a while (Ctrl-Z)."""
    answers = {signal.SIGTERM: _terminate}
    if hasattr(signal, "SIGTSTP"):  # not on Windows
        answers[signal.SIGTSTP] = _stop
    before = {number: signal.signal(number, answer) for number, answer in answers.items()}
    _send(_OPENED)
    try:
        yield
    finally:
        _send(_CLOSED)
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(_TERMINATED)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Give the terminal back until the shell wakes this program again (`fg`)."""
    _send(_CLOSED)
    signal.raise_signal(signal.SIGSTOP)
    _send(_OPENED)


def _send(command: str) -> None:
    """Write to the terminal past what is buffered: a signal may arrive in the middle of a line."""
    sys.stdout.flush()
    os.write(sys.stdout.fileno(), command.encode())
