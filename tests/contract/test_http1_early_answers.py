"""A refusal that comes before the body is read: the peer takes no more of the body, and has said why."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dev.loopback import Listener, certificates, head_from
from recording.adapters.http1.connections import ConnectionFailedError, Connections
from recording.adapters.http1.time_limit import limited

BODY = memoryview(bytearray(8 << 20))  # more than the buffers of both ends take


class Hasty(Listener):
    """Answers as soon as it has the head, and then takes no more than it must before the client has read that."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__()
        self._tls = tls
        self.url = self.url.replace("http:", "https:") if tls else self.url
        self.answer = b""

    def serve(self, client: socket.socket) -> None:
        """Answer, say that nothing more comes, and end the connection while the body is on its way."""
        with self._tls.wrap_socket(client, server_side=True) if self._tls else client as own:
            head_from(own)
            own.sendall(self.answer)
            socket.socket.shutdown(own, socket.SHUT_WR)
            own.settimeout(5)
            with suppress(OSError):
                own.recv(1 << 16)
                socket.socket.shutdown(own, socket.SHUT_RD)
                socket.socket.recv(own, 1)


@pytest.fixture(params=[False, True], ids=["plain", "TLS"])
def hasty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Hasty, Connections]]:
    server, bundle = certificates(tmp_path)
    client = ssl.create_default_context(cafile=bundle)
    client.check_hostname = False
    with Hasty(server if request.param else None) as peer:
        connections = Connections(client)
        yield peer, connections
        connections.close()


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_refusal_before_the_body_is_read_is_told(
    hasty: tuple[Hasty, Connections], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing right or container was told as a broken connection, which no operator can mend."""
    monkeypatch.setattr("recording.adapters.http1.connections.READ_SECONDS", 1.0)
    peer, connections = hasty
    peer.answer = b"HTTP/1.1 %d No\r\nx-ms-error-code: Oops\r\nContent-Length: 4\r\n\r\nwhy?" % status
    with limited(20) as limit:
        answer = connections.request("PUT", peer.url, {}, limit, BODY)
        assert (answer.status, answer.headers["x-ms-error-code"], answer.read(9)) == (status, "Oops", b"why?")
        answer.close()
    assert not any(connections._idle.values())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 4", b""])
def test_no_success_is_believed_before_the_body_was_sent(
    hasty: tuple[Hasty, Connections], answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be about this body."""
    monkeypatch.setattr("recording.adapters.http1.connections.READ_SECONDS", 1.0)
    peer, connections = hasty
    peer.answer = answer
    with limited(20) as limit, pytest.raises(ConnectionFailedError):
        connections.request("PUT", peer.url, {}, limit, BODY)
