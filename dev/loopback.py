"""A TLS server on loopback that plays any host through its own CONNECT proxy, answers as scripted, and sees it all.

The client under test runs as in production: real host names, real certificates (of a CA made here), a real proxy.
"""

import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme

from dev.serving import Serving

CERTIFIED = (
    "*.asm.skype.com",
    "*.unitedstates.communication.azure.com",
    "*.blob.core.windows.net",
    "evil.example",
    "*.evil.example",
    "*.vault.azure.net",
    "management.azure.com",
    "app.azurewebsites.net",
    "api.loganalytics.io",
)

ANY = ("any", "any")


@dataclass(frozen=True)
class Answer:
    """One scripted answer. Content-Length is added unless `length` says otherwise."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None  # the Content-Length to declare instead of the true one; -1 declares none
    chunked: bool = False
    is_dropped: bool = False  # the connection ends without an answer
    stall: threading.Event | None = None  # nothing more is sent until it is set
    drips: str | None = None  # "head" or "body": from there on a byte each tenth of a second, until `stall` is set
    wire: "Wire | None" = None  # exactly these bytes instead of all the above


@dataclass(frozen=True)
class Wire:
    """Bytes of an answer as no HTTP server would send them.

    Args:
        pieces: what is sent, each piece by itself; may be endless, the client will hang up.
        seconds: the pause after each piece.
        is_closed: the connection ends after the last piece; otherwise it serves the next request.
    """

    pieces: Callable[[], Iterator[bytes]]
    seconds: float = 0.0
    is_closed: bool = True


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Script:
    """What to answer, by method and path; the last answer of a list is repeated. Unknown paths get a 404."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._answers: dict[tuple[str, str], list[Answer]] = defaultdict(list)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answer requests for this path with these, in order."""
        self._answers[method, path] = list(answers)

    def anything(self, *answers: Answer) -> None:
        """Answer every request that no `on` is about with these, in order."""
        self._answers[ANY] = list(answers)

    def answer(self, seen: Seen) -> Answer:
        """Return the next answer for a request."""
        self.seen.append(seen)
        answers = self._answers.get((seen.method, seen.path.partition("?")[0])) or self._answers[ANY]
        if not answers:
            return Answer(404)
        return answers.pop(0) if len(answers) > 1 else answers[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body: two would meet a delayed acknowledgement of 40 ms
    script: Script

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = Seen(self.command, self.headers.get("Host", ""), self.path, dict(self.headers), body)
        self._send(self.script.answer(seen))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_any  # noqa: N815 - http.server's names

    def _send(self, answer: Answer) -> None:
        if answer.wire:
            self._write(answer.wire)
            return
        if answer.drips:
            self._drip(answer)
            return
        self.close_connection = answer.is_dropped or answer.chunked or answer.length is not None
        if answer.is_dropped:
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.length != -1:
            self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(f"{len(answer.body):x}\r\n".encode() + answer.body if answer.chunked else answer.body)
        self.wfile.flush()
        if answer.stall:
            answer.stall.wait(20)

    def _write(self, wire: Wire) -> None:
        self.close_connection = wire.is_closed
        pause = threading.Event()
        with suppress(OSError):  # the client has had enough
            for piece in wire.pieces():
                self.connection.sendall(piece)
                pause.wait(wire.seconds)

    def _drip(self, answer: Answer) -> None:
        self.close_connection = True
        length = "" if answer.length == -1 else f"Content-Length: {len(answer.body)}\r\n"
        head = f"HTTP/1.1 {answer.status} OK\r\n{length}Connection: close\r\n\r\n".encode()
        at_once, slowly = (b"", head + answer.body) if answer.drips == "head" else (head, answer.body)
        self.connection.sendall(at_once)
        with suppress(OSError):  # the client has had enough
            for byte in slowly[:200]:
                self.connection.sendall(bytes([byte]))
                if answer.stall and answer.stall.wait(0.1):
                    return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Stay silent."""


class HttpServer(Serving):
    """The scripted server, with or without TLS."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._handler: type[_Handler] = type("Handler", (_Handler,), {})
        self._handler.script = Script()
        server = _Quiet(("127.0.0.1", 0), self._handler)
        server.tls = tls
        super().__init__(server, poll_seconds=0.02)

    def new_script(self) -> Script:
        """Forget the old script and begin a new one."""
        self._handler.script = Script()
        return self._handler.script


class _Quiet(ThreadingHTTPServer):
    block_on_close = False
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands here, in the connection's own thread."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up: they are part of the tests."""


class Listener(ABC):
    """Listens on a free port of loopback while its context lasts; each connection is served by a thread of its own."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            self.serve(client)

    @abstractmethod
    def serve(self, client: socket.socket) -> None:
        """Serve one connection; it is closed afterwards."""


def head_from(client: socket.socket) -> bytes | None:
    """Return the head of a request, with what came behind it; None when the client has closed before its end."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (received := client.recv(4096)):
            return None
        head += received
    return head


class ConnectProxy(Listener):
    """Answers 200 to every CONNECT and pipes it to one port; remembers which hosts were asked for."""

    def __init__(self, target_port: int) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.target = "127.0.0.1", target_port

    def serve(self, client: socket.socket) -> None:
        """Answer, and pipe until both sides are done."""
        head = head_from(client)
        if head is not None:
            self.asked.append(head.split(b" ")[1].decode())
            with socket.create_connection(self.target) as server:
                for side in (client, server):
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pipe, args=(server, client), daemon=True)
                back.start()
                _pipe(client, server)
                back.join()


def _pipe(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class World:
    """What a test needs: the script, and how to get there."""

    script: Script
    proxy: ConnectProxy
    ca_bundle: str


def certificates(folder: Path) -> tuple[ssl.SSLContext, str]:
    """Return a server's TLS context for all hosts played here, and the CA file that a client must trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*CERTIFIED).configure_cert(context)
    bundle = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return context, str(bundle)
