"""Commands for operators: they work on a deployed app's storage, or on the local world's, through the same settings."""

import sys

INTERRUPTED = 130  # how shells count Ctrl-C: 128 and the number of its signal


def run() -> None:
    """Start the program as its entry point does; Ctrl-C ends it without a traceback, also while it is loaded."""
    try:
        from recording.cli.__main__ import main

        code = main()
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
