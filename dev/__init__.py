"""The local world: everything needed to run and prove the app on one machine. Never deployed."""

import sys

INTERRUPTED = 130  # how shells count Ctrl-C: 128 and the number of its signal


def run() -> None:
    """Start a command; Ctrl-C ends it without a traceback, also while it is loaded."""
    try:
        from dev.__main__ import main

        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
