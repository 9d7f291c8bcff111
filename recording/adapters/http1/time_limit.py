"""One limit of time around a whole request: connection, headers and body together, however slowly they drip.

A socket's own time-out counts from byte to byte, so an answer of one byte every few seconds would hold a worker for
days. When the time is over, the connection is shut down from outside, and whoever reads from it gets an error.
"""

import heapq
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Limit:
    """The time that is left for one request; `is_over` once it has been shut down."""

    def __init__(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds
        self.is_over = False
        self._connections: list[Any] = []
        self._sockets: list[Any] = []

    def watch(self, connection: Any) -> None:
        """Shut this connection down when the time is over.

        Raises:
            TimeoutError: it is over already.
        """
        self._connections.append(connection)
        self.check()

    def hold(self, sock: Any) -> None:
        """Shut this socket down too: a connection forgets it when the answer says `Connection: close`.

        Raises:
            TimeoutError: the time ended before there was this socket to shut down.
        """
        self._sockets.append(sock)
        self.check()

    def allow(self, seconds: float) -> None:
        """Give the request so much time from now on: its answer says how much there is to read."""
        self.ends_at = time.monotonic() + seconds
        _watchdog.watch(self)

    def left(self) -> float:
        """Return how many seconds are left, 0 when none are: a socket with such a time-out waits for nothing."""
        return max(self.ends_at - time.monotonic(), 0.0)

    def check(self) -> None:
        """Raise TimeoutError when the time is over: an end that we made ourselves is no end of the body."""
        if self.is_over or time.monotonic() >= self.ends_at:
            self.is_over = True
            raise TimeoutError("the request took longer than it may")

    def shut_down(self) -> None:
        """End the request from outside."""
        self.is_over = True
        for sock in [*(getattr(one, "sock", None) for one in self._connections), *self._sockets]:
            if isinstance(sock, socket.socket):
                with suppress(OSError):  # it may have ended by itself
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Watchdog:
    """One thread for all limits of the process; it is started by the first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Limit]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def watch(self, limit: Limit) -> None:
        """Look after a limit until it ends."""
        with self._changed:
            heapq.heappush(self._waiting, (limit.ends_at, next(self._numbers), limit))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="time-limit", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting or self._waiting[0][0] > time.monotonic():
                    self._changed.wait(self._waiting[0][0] - time.monotonic() if self._waiting else None)
                at, _, limit = heapq.heappop(self._waiting)
            if limit.ends_at <= at and limit in _open:
                limit.shut_down()


_watchdog = _Watchdog()
_open: set[Limit] = set()


@contextmanager
def limited(seconds: float) -> Iterator[Limit]:
    """Limit the request that is made inside to so many seconds in all."""
    limit = Limit(seconds)
    _open.add(limit)
    _watchdog.watch(limit)
    try:
        yield limit
    finally:
        _open.discard(limit)
