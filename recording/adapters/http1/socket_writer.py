"""Writes a body to a TLS socket that never blocks, and waits outside of it where the peer takes no more for now.

`SSLSocket.sendall` sends a record of 16 KiB at a time. On a socket with a timeout each of them first asks the system
whether it may be sent, and gives the interpreter's lock away for that once more.
"""

import select
import ssl

from recording.adapters.http1.socket_reader import below, is_ready


def send_all(sock: ssl.SSLSocket, view: memoryview, seconds: float) -> None:
    """Send all of it; the socket has its timeout back afterwards.

    Args:
        sock: connected.
        view: the bytes.
        seconds: the longest wait until the peer takes more.

    Raises:
        OSError: the connection broke, or the peer took nothing in time (TimeoutError).
    """
    before = sock.gettimeout()
    sock.settimeout(0)
    try:
        sent, whole, write = 0, len(view), below(sock).write
        while sent < whole:
            try:
                while sent < whole:
                    sent += write(view[sent:])
            except ssl.SSLWantWriteError:
                _wait(sock, select.POLLOUT, seconds)
            except ssl.SSLWantReadError:  # the peer wants new keys
                _wait(sock, select.POLLIN, seconds)
    finally:
        sock.settimeout(before)


def _wait(sock: ssl.SSLSocket, event: int, seconds: float) -> None:
    if not is_ready(sock, event, seconds):
        raise TimeoutError("the peer took no byte in time")
