"""The signals that end a command: Ctrl-C, SIGTERM, and the SIGHUP of a terminal that was closed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


@contextmanager
def stopped_cleanly() -> Iterator[None]:
    """Turn every ending signal into KeyboardInterrupt inside the block, so that what was started is stopped."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        for one in _ENDING:
            signal.signal(one, signal.SIG_IGN)  # a second signal must not break off the stopping
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for_stop() -> None:
    """Return on Ctrl-C, SIGTERM, or when the terminal is closed."""
    stopped = threading.Event()
    for number in _ENDING:
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(0.5):
        pass
