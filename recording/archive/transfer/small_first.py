"""Small first: larger files give way to those of one block while the process has little of the CPU to spare.

A small file costs some milliseconds of Python, and each of its steps would wait for every thread that carries a larger
one. These wait between two pieces instead, for moments: what arrives meanwhile is kept in the kernel's buffers.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LONGEST_WAIT = 0.02  # seconds; at 12 MB/s a connection's buffers take this without slowing it down
_PRECEDENCE_SECONDS = 0.25  # of one file; a source that drips does not hold up the others


class SmallFirst:
    """The small files on their way in this process. At most half of the time is waited for them.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[object, float] = {}  # when the precedence of each small file ends
        self._rested_until = 0.0
        self._none = threading.Event()
        self._none.set()
        self._lock = threading.Lock()

    @property
    def running(self) -> int:
        """Return how many small files are on their way."""
        return len(self._until)

    @contextmanager
    def going(self) -> Iterator[None]:
        """Let a small file go first, for as long as the context is open and a quarter of a second at most."""
        file = object()
        with self._lock:
            self._until[file] = self._clock() + _PRECEDENCE_SECONDS
            self._none.clear()
        try:
            yield
        finally:
            with self._lock:
                del self._until[file]
                if not self._until:
                    self._none.set()

    def give_way(self) -> None:
        """Wait for small files, if there are any, and larger ones have not waited just before."""
        if self._none.is_set():
            return
        begun = self._clock()
        with self._lock:
            left = max(self._until.values(), default=0.0) - begun
            if left <= 0 or begun < self._rested_until:
                return
        self._none.wait(min(left, _LONGEST_WAIT))
        now = self._clock()
        with self._lock:
            self._rested_until = max(self._rested_until, now + (now - begun))
