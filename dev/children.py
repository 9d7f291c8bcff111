"""Lets child processes end with their parent, even when it is killed: no Azurite and no host outlives a terminal."""

import ctypes
import os
import signal
import sys

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def end_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies; for `preexec_fn`. Does nothing outside of Linux."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() == 1:
        os._exit(0)  # the parent was gone before the kernel knew
