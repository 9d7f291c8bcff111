"""Reads a body from a socket that never blocks: all that is there in one go, and the wait for more outside of it.

A socket with a timeout hands over the interpreter's lock three times for each TLS record of 16 KiB. With many slow
connections that costs more than decrypting. So a slow connection sleeps until several records are there, and one of
them is read at a time; a fast one is only read without blocking.
"""

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

# Bytes a second. Below, sleeping costs nothing: what comes meanwhile fits into the kernel's buffer.
_SLOW = 25e6
_TELLING_BYTES = 64 * 1024  # before them nothing is known about the connection
_NAP_BYTES = 64 * 1024  # that come during a sleep
_LONGEST_NAP = 0.01  # seconds
_SHORT = 1 << 20  # bytes; a body of fewer, as a small file is, waits for no turn of the long ones
_TURN = threading.Lock()  # of slow connections: threads that all want the interpreter cost more than one after another


class SocketReader:
    """The rest of one body, from its first byte on.

    Args:
        sock: it gets its timeout back from `release`.
        seconds: the longest wait for a byte.
        left: bytes of the body; the last ones are not slept for.
    """

    def __init__(self, sock: socket.socket, seconds: float, left: int) -> None:
        self._sock = sock
        self._seconds = seconds
        self._left = left
        self._is_short = left < _SHORT
        self._came = 0
        self._begun: float | None = None
        self._receive = _receiver_of(sock)

    def fill(self, view: memoryview) -> int:
        """Read what is there, at least a byte unless the peer has ended; return how many bytes arrived.

        Raises:
            OSError: the connection broke, or no byte arrived in time (TimeoutError).
        """
        if self._begun is None:
            self._sock.settimeout(0)
            self._begun = time.monotonic()
        count = self._read(view)
        while count is None:
            self._wait()
            count = self._read(view)
        self._came += count
        return count

    def release(self) -> None:
        """Give the socket its timeout back."""
        if self._begun is not None:
            self._sock.settimeout(self._seconds)

    def _slow_rate(self) -> float | None:
        """Return the bytes a second since the first one, where they show that the connection is slow."""
        if self._begun is None or self._came < _TELLING_BYTES:
            return None
        rate = self._came / max(time.monotonic() - self._begun, 1e-6)
        return rate if rate < _SLOW else None

    def _read(self, view: memoryview) -> int | None:
        if self._is_short or self._slow_rate() is None:
            return self._read_now(view)
        with _TURN:
            return self._read_now(view)

    def _read_now(self, view: memoryview) -> int | None:
        """Return how many bytes were there; None when there was none, 0 when the peer has ended."""
        filled, wanted, receive = 0, len(view), self._receive
        try:
            while filled < wanted and (count := receive(wanted, view[filled:])):
                filled += count
        except (ssl.SSLWantReadError, BlockingIOError):
            return filled or None
        except ssl.SSLEOFError:  # without a goodbye; what was declared tells whether it was all
            return filled
        return filled

    def _wait(self) -> None:
        """Wait for bytes; for several records at once where they come slowly."""
        rate = self._slow_rate()
        if rate is not None and self._left - self._came > _NAP_BYTES:
            time.sleep(min(_LONGEST_NAP, _NAP_BYTES / rate))
        if not has_come(self._sock, self._seconds):
            raise TimeoutError("no byte arrived in time")


def has_come(sock: socket.socket, seconds: float) -> bool:
    """Return whether there is anything to read, bytes or the end, within so many seconds."""
    return is_ready(sock, select.POLLIN, seconds)


def is_ready(sock: socket.socket, event: int, seconds: float) -> bool:
    """Return whether an event of `select.poll`, or the end, comes within so many seconds."""
    poll = select.poll()
    poll.register(sock, event)
    return bool(poll.poll(seconds * 1000))


def below(sock: ssl.SSLSocket) -> Any:
    """Return the TLS object below a socket, which reads and writes records without the socket's checks.

    They cost 3 % of a copy. It is the standard library's own; where a version has none, the socket does the same.
    """
    return getattr(sock, "_sslobj", None) or sock


def _receiver_of(sock: socket.socket) -> Callable[[int, memoryview], int]:
    """Return what reads into a buffer, past every other one; it is given the most, and the buffer."""
    if isinstance(sock, ssl.SSLSocket):
        receive: Callable[[int, memoryview], int] = below(sock).read
        return receive
    return lambda _, view: sock.recv_into(view)
