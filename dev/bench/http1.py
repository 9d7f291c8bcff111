"""A small HTTP/1.1 server for moving large bodies: a thread per connection, no copies it can avoid.

One port serves plain HTTP, TLS, and `CONNECT host:443` followed by TLS on the same connection: a client configured
with a proxy reaches it under ACS's own host names, and no byte passes through another process.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

_HEAD_LIMIT = 64 * 1024
_SCRATCH = 1 << 18
_TLS_HANDSHAKE = b"\x16"
_REASONS = {200: "OK", 201: "Created", 202: "Accepted", 206: "Partial Content", 304: "Not Modified", 404: "Not Found"}
Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class Request:
    """A request's head; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """Return the target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """Return the query's parts, as sent."""
        pairs = (part.partition("=") for part in self.target.partition("?")[2].split("&") if part)
        return {name: value for name, _, value in pairs}

    @property
    def body_length(self) -> int:
        """Return bytes of body that follow."""
        return int(self.headers.get("content-length", 0))


class Hangup(Exception):  # noqa: N818 - an ending, not an error
    """The client has gone, or speaks something else."""


class Connection:
    """One client, after any handshake."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._pending = b""
        self._scratch = bytearray(_SCRATCH)

    def next_request(self) -> Request | None:
        """Return the next head; None when the client has closed between requests."""
        while b"\r\n\r\n" not in self._pending:
            count = self._sock.recv_into(self._scratch)
            if not count or len(self._pending) > _HEAD_LIMIT:
                return None
            self._pending += bytes(memoryview(self._scratch)[:count])
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        request = _parsed(head.decode("latin-1"))
        if request.headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return request

    def read_into(self, view: memoryview) -> int:
        """Return some bytes of a body, at most as many as fit; at least one. Raises Hangup."""
        if self._pending:
            count = min(len(self._pending), len(view))
            view[:count] = self._pending[:count]
            self._pending = self._pending[count:]
            return count
        count = self._sock.recv_into(view)
        if not count:
            raise Hangup
        return count

    def read(self, length: int) -> bytearray:
        """Return a body of this length. Raises Hangup."""
        body = bytearray(length)
        view, done = memoryview(body), 0
        while done < length:
            done += self.read_into(view[done:])
        return body

    def discard(self, length: int) -> None:
        """Read a body away. Raises Hangup."""
        view = memoryview(self._scratch)
        while length > 0:
            length -= self.read_into(view[: min(length, _SCRATCH)])

    def answer(self, status: int, headers: Mapping[str, str] | None = None, body: Buffer = b"") -> None:
        """Write a whole answer."""
        self.send(head(status, {"Content-Length": str(len(body)), **(headers or {})}) + bytes(body))

    def send(self, data: Buffer) -> None:
        """Send all of it."""
        self._sock.sendall(data)


class App(Protocol):
    """What a server serves: reads the request's body, if there is one, and answers."""

    def serve(self, request: Request, connection: Connection) -> None:
        """Serve one request."""


class Server:
    """Listens on a free port of loopback; use it as a context manager.

    Args:
        app: answers the requests; called from many threads.
        tls: with it, TLS and CONNECT are understood beside plain HTTP.
        send_buffer: bytes the kernel may hold of what was sent; a small one keeps "sent" close to "received".
    """

    def __init__(self, app: App, tls: ssl.SSLContext | None = None, send_buffer: int | None = None) -> None:
        self._app, self._tls, self._send_buffer = app, tls, send_buffer
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "Server":
        """Start to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening and drop every client."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        self._open.add(sock)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._send_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)
            with self._secured(sock) as secured:
                self._converse(Connection(secured))
        except (Hangup, OSError):
            pass  # a client may leave at any time; killed ones are part of the benchmark
        finally:
            self._open.discard(sock)
            sock.close()

    def _secured(self, sock: socket.socket) -> socket.socket:
        """Return the same connection, with TLS if the client begins it."""
        if self._tls is None:
            return sock
        if sock.recv(1, socket.MSG_PEEK) != _TLS_HANDSHAKE and not _answered_connect(sock):
            return sock
        return self._tls.wrap_socket(sock, server_side=True)

    def _converse(self, connection: Connection) -> None:
        while request := connection.next_request():
            self._app.serve(request, connection)


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return an answer's head."""
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}",
        *(f"{name}: {text}" for name, text in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def byte_range(text: str | None, total: int) -> tuple[int, int] | None:
    """Start and stop of `bytes=a-b`, `bytes=a-` within the total; None without a range that this understands."""
    first, dash, last = (text or "").removeprefix("bytes=").partition("-")
    if not dash or not first.isdigit():
        return None
    return int(first), min(int(last) + 1, total) if last.isdigit() else total


def _answered_connect(sock: socket.socket) -> bool:
    """Answer a CONNECT if that is what the client begins with."""
    begun = sock.recv(_HEAD_LIMIT, socket.MSG_PEEK)
    if not begun.startswith(b"CONNECT "):
        return False
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += sock.recv(1)
    sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    return True


def _parsed(text: str) -> Request:
    first, *lines = text.split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        raise Hangup
    pairs = (line.partition(":") for line in lines)
    return Request(words[0], words[1], {name.strip().lower(): value.strip() for name, _, value in pairs})
