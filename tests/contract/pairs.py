"""Two ends of one connection, with TLS or without."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import trustme

CA = trustme.CA()
PATIENCE = 30.0


@contextmanager
def pair(*, is_tls: bool) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection: who reads, and who sends."""
    if is_tls:
        with tls_pair() as ends:
            yield ends
        return
    mine, theirs = _plain()
    with mine, theirs:
        yield mine, theirs


@contextmanager
def tls_pair() -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    """The client's end and the server's, after the handshake."""
    reader, sender = _plain()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    CA.issue_cert("localhost").configure_cert(server)
    CA.configure_trust(client)
    ends: list[ssl.SSLSocket] = []
    shake = threading.Thread(target=lambda: ends.append(server.wrap_socket(sender, server_side=True)))
    shake.start()
    with client.wrap_socket(reader, server_hostname="localhost") as mine:
        shake.join()
        with ends[0] as theirs:
            yield mine, theirs


def _plain() -> tuple[socket.socket, socket.socket]:
    ends = socket.socketpair()
    for end in ends:
        end.settimeout(PATIENCE)
    return ends
