"""One limit of time around a whole request: connection, headers and body together, however slowly they drip.

A socket's own time-out counts from byte to byte, so an answer of one byte every few seconds would hold a worker for
days. When the time is over, the connection is shut down from outside, and its reader gets an error.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_TICK = 0.1  # seconds between two looks at what is open: an end may come so much late


class Limit:
    """The time that is left for one request; `is_over` once it has been shut down.

    `slowest` is how many bytes a second of a body are waited for: each byte that arrives gives the request so much more
    time. What an answer only declares gives it none. 0: no body is long enough to need more time.
    """

    def __init__(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds
        self.is_over = False
        self.slowest = 0
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

    def arrived(self, length_bytes: int) -> None:
        """Give the request the time that so many bytes of its body may take."""
        if self.slowest:
            self.ends_at += length_bytes / self.slowest

    def left(self) -> float:
        """Return how many seconds are left, 0 when none are: a socket with such a time-out waits for nothing."""
        return max(self.ends_at - time.monotonic(), 0.0)

    def check(self) -> None:
        """Raise TimeoutError when the time is over: an end that we made ourselves is not the end of the body."""
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
    """One thread for all open limits of the process; it is started by the first.

    It looks at all of them ten times a second. A queue of ends, which each request would have to lock and to wake
    this thread for, cost small files between large ones a third of their time.
    """

    def __init__(self) -> None:
        self._open: set[Limit] = set()
        self._is_needed = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, limit: Limit) -> None:
        """Look after a limit until it is forgotten."""
        self._open.add(limit)
        if not self._is_needed.is_set():
            self._is_needed.set()
        if self._thread is None:
            self._start()

    def forget(self, limit: Limit) -> None:
        """Look after a limit no longer."""
        self._open.discard(limit)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="time-limit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._is_needed.wait()
            while self._open:
                time.sleep(_TICK)
                self._look()
            self._is_needed.clear()
            if self._open:  # one came in between, and saw that it need not wake anybody
                self._is_needed.set()

    def _look(self) -> None:
        now = time.monotonic()
        for limit in list(self._open):
            if limit.ends_at <= now and not limit.is_over and limit in self._open:
                limit.shut_down()


_watchdog = _Watchdog()


@contextmanager
def limited(seconds: float) -> Iterator[Limit]:
    """Limit the request that is made inside to so many seconds in all."""
    limit = Limit(seconds)
    _watchdog.watch(limit)
    try:
        yield limit
    finally:
        _watchdog.forget(limit)
