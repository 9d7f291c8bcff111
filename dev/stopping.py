"""Waits for the signal that ends a command."""

import signal
import threading


def wait_for_stop() -> None:
    """Returns on Ctrl-C or SIGTERM."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(0.5):
        pass
