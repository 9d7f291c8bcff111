"""Lets child processes end with their parent, even when it is killed: no Azurite and no host outlives a terminal.

Run as a program it becomes the command it is given. The kernel is asked there and not in `preexec_fn`: between fork and
exec a process with threads may wait for ever for a lock that another thread held.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2); it is kept across exec


def ending_with_this_process(command: list[str]) -> list[str]:
    """Return the command that runs `command` under the same process id until this process dies."""
    if not sys.platform.startswith("linux"):
        return command
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid()), *command]


def _become(parent: int, command: list[str]) -> None:
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)  # the parent was gone before the kernel knew
    try:
        # Becoming the command is what this program is for.
        os.execvp(command[0], command)  # noqa: S606  # nosec B606
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
