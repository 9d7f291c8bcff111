"""Connections over the standard library's `http.client`, whose bodies are read straight into a buffer of the caller.

It does what the requests that carry media need, and nothing by itself: no redirect is followed, nothing is sent
twice, no proxy or login is taken from the environment. One request at a time uses a connection; a connection is kept
only after an answer that was read whole, and is not used again when the peer has closed it or sent more meanwhile.
"""

import http.client
import io
import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from recording.adapters.http1.addresses import connect_to
from recording.adapters.http1.heads import UnclearHeadError, check_head
from recording.adapters.http1.socket_reader import SocketReader, has_come
from recording.adapters.http1.socket_writer import send_all
from recording.adapters.http1.time_limit import Limit

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0  # without a byte; well inside a claim of two minutes
_MOST_IDLE = 64  # kept for each host: as many as the copy engine may use at once
_PIECE = 1 << 20  # the most that is asked of a socket at once
# ValueError and AttributeError: closed from outside; and with the two others, of a parser that odd fields confuse.
_FAILURES = (OSError, http.client.HTTPException, ValueError, AttributeError, TypeError, LookupError)


class ConnectionFailedError(Exception):
    """There is no whole answer.

    `kind` is the name of what failed; messages of others may hold locations. `is_slow`: time ran out. `conn` is
    the host that no connection was made to, and `reason` the system's; both None when the request may have arrived.
    """

    def __init__(self, error: Exception, limit: Limit, unreached: "Origin | None" = None) -> None:
        super().__init__(type(error).__name__)
        self.kind = type(error).__name__
        self.is_slow = limit.is_over or isinstance(error, TimeoutError)
        self.conn = unreached
        self.reason = error if unreached else None


@dataclass(frozen=True)
class Origin:
    """Where a connection leads to."""

    is_tls: bool
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Origin":
        """Return the origin of a URL that was checked before."""
        parts = urlsplit(url)
        is_tls = parts.scheme == "https"
        return cls(is_tls, parts.hostname or "", parts.port or (443 if is_tls else 80))


class Connections:
    """The connections of one client.

    Args:
        tls: the one context for all of them.
        proxy_url: an egress proxy, asked to connect by CONNECT; None connects directly.
    """

    def __init__(self, tls: ssl.SSLContext, proxy_url: str | None = None) -> None:
        self._tls = tls
        self._proxy = Origin.of(proxy_url) if proxy_url else None
        self._idle: dict[Origin, list[_Connection]] = defaultdict(list)
        self._lock = threading.Lock()
        self._is_closed = False

    def close(self) -> None:
        """Close what is idle; what is in use is closed when its answer is."""
        with self._lock:
            self._is_closed = True
            idle = [connection for kept in self._idle.values() for connection in kept]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        limit: Limit,
        body: bytes | bytearray | memoryview | None = None,
    ) -> "Answer":
        """Send one request and return its answer, of which only the head has been read.

        Args:
            method: the verb.
            url: absolute; the caller has checked it.
            headers: all that are sent, beside Host and Content-Length.
            limit: ends the request from outside when its time is over.
            body: sent as it is.

        Raises:
            ConnectionFailedError: no answer arrived, or none that can be read.
        """
        connection = self._connection(Origin.of(url))
        try:
            connection.limit, connection.is_cut = limit, False
            limit.watch(connection)
            connection.request(method, _target_of(url), body=body, headers=dict(headers))
            sock = connection.sock  # a connection forgets it when the answer says `Connection: close`
            limit.hold(sock)
            response = connection.final_response()
        except _FAILURES as error:
            connection.close()
            raise ConnectionFailedError(error, limit, connection.unreached) from None
        except BaseException:
            connection.close()
            raise
        return Answer(self, connection, sock, response, limit)

    def _connection(self, origin: Origin) -> "_Connection":
        while True:
            with self._lock:
                kept = self._idle[origin]
                connection = kept.pop() if kept else None
            if connection is None:
                return _Connection(origin, self._proxy, self._tls)
            if connection.is_quiet():
                return connection
            connection.close()

    def give_back(self, connection: "_Connection") -> None:
        """Keep a connection whose answer was read whole."""
        with self._lock:
            kept = self._idle[connection.origin]
            if not self._is_closed and len(kept) < _MOST_IDLE:
                kept.append(connection)
                return
        connection.close()


class Answer:
    """One answer; its body is read once, and `close` decides what becomes of the connection."""

    def __init__(
        self,
        connections: Connections,
        connection: "_Connection",
        sock: socket.socket,
        response: "_Response",
        limit: Limit,
    ) -> None:
        self._connections = connections
        self._connection = connection
        self._response = response
        self._limit = limit
        self._left = response.length  # None: until the last chunk, or until the connection ends
        self._ahead = response.fp.ahead  # bytes of the body that came along with the head
        self._reader = SocketReader(sock, READ_SECONDS, self._left or 0)
        self._is_whole = self._left == 0
        is_more = self._left is not None and self._ahead > self._left  # than was declared
        self._may_stay = not (response.will_close or is_more or connection.is_cut)
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers  # type: ignore[assignment]  # a Message, which ignores case

    def fill(self, view: memoryview) -> int:
        """Read until the view is full or the body ends, and return how many bytes arrived.

        Raises:
            ConnectionFailedError: the body ended before its declared length, broke, or took too long.
        """
        filled = 0
        try:
            while filled < len(view) and not self._is_whole:
                count = self._read_into(view[filled : filled + _PIECE])
                if not count:
                    self._end()
                self._limit.arrived(count)
                filled += count
        except _FAILURES as error:
            self._may_stay = False
            raise ConnectionFailedError(error, self._limit) from None
        return filled

    def read(self, most: int) -> bytes:
        """Return up to `most` bytes of the body."""
        view = memoryview(bytearray(most))
        return bytes(view[: self.fill(view)])

    def close(self) -> None:
        """Give the connection back if its answer was read whole, and close it otherwise."""
        with suppress(*_FAILURES):
            self._response.close()
        if self._is_whole and self._may_stay and not self._limit.is_over:
            self._reader.release()
            self._connections.give_back(self._connection)
        else:
            self._connection.close()

    def _read_into(self, view: memoryview) -> int:
        """Read what is there, at least a byte unless the body ends."""
        if self._left is None:
            return self._response.readinto(view)
        view = view[: self._left]
        if self._ahead:  # from then on the socket is read past the head's reader
            count = self._response.fp.readinto(view[: self._ahead])
            self._ahead -= count
        else:
            count = self._reader.fill(view)
        self._left -= count
        self._is_whole = self._left == 0
        return count

    def _end(self) -> None:
        """Take note of the end of the body; one before the declared length is none."""
        self._limit.check()
        if self._left is not None:
            raise http.client.IncompleteRead(b"", self._left)
        self._is_whole = True


class _CountedSocket(io.RawIOBase):
    """A socket's bytes, counted."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.count = 0

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there."""
        count = self._raw.readinto(buffer) or 0
        self.count += count
        return count

    def close(self) -> None:
        """Release the socket."""
        self._raw.close()
        super().close()


class _HeadReader(io.BufferedReader):
    """Reads the lines of a head and between chunks, and keeps the bytes that arrived after it."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._counted = _CountedSocket(raw)
        super().__init__(self._counted)
        self._taken = 0
        self._last_line = b""

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the next line, or its first `size` bytes; nothing where the peer has ended.

        Raises:
            IncompleteRead: the peer ended within the line: the size of a chunk would be another one.
            UnclearHeadError: a carriage return is within the line: the parser of fields would see two.
        """
        self._last_line = line = super().readline(size)
        self._taken += len(line)
        is_cut = size is None or size < 0 or len(line) < size
        if line and is_cut and not line.endswith(b"\n"):
            raise http.client.IncompleteRead(line)
        if b"\r" in line.removesuffix(b"\n").removesuffix(b"\r"):
            raise UnclearHeadError
        return line

    @property
    def is_at_body(self) -> bool:
        """Return whether the last line was the empty one that ends a head; a head may also just break off."""
        return self._last_line in (b"\r\n", b"\n")

    @property
    def ahead(self) -> int:
        """Return how many bytes after the last line have already arrived."""
        return self._counted.count - self._taken


class _Response(http.client.HTTPResponse):
    """The standard library's parser over a reader of our own."""

    fp: _HeadReader

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        plain: Any = self.fp
        self.fp = _HeadReader(plain.detach())


class _Connection(http.client.HTTPConnection):
    """One connection; `sock` is set as early as it exists, so that a limit can end also a handshake."""

    response_class = _Response
    limit: Limit  # of the present request
    is_cut = False  # it was not sent whole, but has an answer: a refusal often comes before the body is read

    def __init__(self, origin: Origin, proxy: Origin | None, tls: ssl.SSLContext) -> None:
        self.default_port = http.client.HTTPS_PORT if origin.is_tls else http.client.HTTP_PORT
        self.unreached: Origin | None = (first := proxy or origin)  # until there is a connection
        super().__init__(first.host, first.port, timeout=CONNECT_SECONDS, blocksize=1 << 20)
        self.origin = origin
        self._tls_context = tls
        if proxy:
            self.set_tunnel(origin.host, origin.port)
        self._create_connection = self._open  # http.client's own resolves the name, and waits for each address in full

    def connect(self) -> None:
        """Connect, through the proxy if there is one, and shake hands."""
        super().connect()
        self.sock.settimeout(CONNECT_SECONDS)
        if self.origin.is_tls:
            self.sock = self._tls_context.wrap_socket(
                self.sock, server_hostname=self.origin.host, do_handshake_on_connect=False
            )
            self.limit.check()  # it may have ended between two sockets, where there was none to shut down
            self.sock.do_handshake()
        self.sock.settimeout(READ_SECONDS)

    def _open(self, address: tuple[str, int], *_: Any) -> socket.socket:
        sock = connect_to(*address, CONNECT_SECONDS, self.limit)
        self.unreached = None
        return sock

    def send(self, data: Any) -> None:
        """Send a head or a body; a body over TLS from a socket that never blocks."""
        if self.sock is None:  # a head, which connects first
            super().send(data)
            return
        try:
            if isinstance(data, memoryview) and isinstance(self.sock, ssl.SSLSocket):
                send_all(self.sock, data.cast("B"), READ_SECONDS)
            else:
                super().send(data)
        except OSError:
            if not has_come(self.sock, 0):
                raise
            self.is_cut = True

    def final_response(self) -> _Response:
        """Return the answer; 100 is read over, and no other interim answer is asked for, so none is understood."""
        response = cast("_Response", self.getresponse())
        is_no_refusal = self.is_cut and response.status < http.client.BAD_REQUEST  # of a body that was not sent
        if response.status < http.client.OK or is_no_refusal:
            response.close()
            raise http.client.UnknownProtocol(str(response.status))
        if not response.fp.is_at_body:
            response.close()
            raise http.client.IncompleteRead(b"")
        try:
            check_head(response.headers)
        except UnclearHeadError:
            response.close()
            raise
        return response

    def is_quiet(self) -> bool:
        """Return whether nothing has arrived since the last answer: neither an end nor unsolicited bytes."""
        sock: socket.socket | None = self.sock
        if sock is None:
            return False
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return False
        with suppress(OSError, ValueError):
            return not has_come(sock, 0)
        return False


def _target_of(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
