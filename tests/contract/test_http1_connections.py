"""The client for media against odd peers: it gives what urllib3 gives, or an error where urllib3 gives one."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import urllib3
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dev.loopback import Listener, World, head_from
from recording.adapters.http1.connections import Answer, ConnectionFailedError, Connections
from recording.adapters.http1.time_limit import limited

TLS = ssl.create_default_context()  # reading the certificates takes 16 ms


@dataclass(frozen=True)
class Script:
    """What a peer sends after a request, in pieces, and whether it closes the connection then."""

    pieces: tuple[bytes, ...]
    closes: bool


class Peer(Listener):
    """Sends its script, whatever is asked; each connection begins anew with the first one."""

    def __init__(self) -> None:
        super().__init__()
        self.url += "/x"
        self.scripts: list[Script] = []
        self.connections = 0

    def serve(self, client: socket.socket) -> None:
        """Send one script after each request."""
        self.connections += 1
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for script in list(self.scripts):
            if head_from(client) is None:
                return
            for piece in script.pieces:
                client.sendall(piece)
            if script.closes:
                return
        client.recv(1)


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with Peer() as running:
        yield running


@pytest.fixture
def connections() -> Iterator[Connections]:
    made = Connections(TLS)
    yield made
    made.close()


def asked(connections: Connections, url: str, step: int = 1 << 20) -> tuple[int, bytes] | None:
    """Status and body, read into views of this size; None when there is no whole answer."""
    try:
        with limited(5) as limit:
            answer = connections.request("GET", url, {}, limit)
            try:
                return answer.status, _body(answer, step)
            finally:
                answer.close()
    except ConnectionFailedError:
        return None


def none_is_quiet(connections: Connections) -> None:
    """Wait until whatever the peer sent behind its answers has come: bytes, or the end."""
    ends_at = time.monotonic() + 30
    while any(connection.is_quiet() for kept in connections._idle.values() for connection in kept):
        assert time.monotonic() < ends_at, "the peer sent nothing more"
        threading.Event().wait(0.001)


def _body(answer: Answer, step: int) -> bytes:
    body, view = b"", memoryview(bytearray(step))
    while count := answer.fill(view):
        body += view[:count]
    return body


def asked_by_urllib3(url: str) -> tuple[int, bytes] | None:
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        try:
            answer = pool.request("GET", url, preload_content=False, decode_content=False, redirect=False)
            return answer.status, b"".join(answer.stream(1 << 16, decode_content=False))
        except urllib3.exceptions.HTTPError:
            return None


def chunked(body: bytes, size: int) -> bytes:
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Head and body of a whole answer, in one of the framings of HTTP/1.1, before anything happens to it."""
    status = draw(st.sampled_from([200, 201, 204, 206, 301, 304, 404, 429, 503]))
    body = draw(st.binary(max_size=200)) * draw(st.sampled_from([1, 1, 1, 400]))
    interim = draw(st.sampled_from([b"", b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    framing = draw(st.sampled_from(["length", "length", "chunked", "close", "both"]))
    if status in (204, 304):  # these have no body, whatever is declared; what follows is another matter
        body, framing = b"", "length"
    head = interim + b"HTTP/1.1 %d Whatever\r\nX-A: b\r\n" % status
    if framing in ("length", "both"):
        head += b"Content-Length: %d\r\n" % len(body)
    if framing in ("chunked", "both"):
        head += b"Transfer-Encoding: chunked\r\n"
        body = chunked(body, draw(st.sampled_from([1, 7, 100, 70_000])))
    if framing == "close" or draw(st.booleans()):
        head += b"Connection: close\r\n"
    return head + b"\r\n", body


Read = tuple[int, bytes] | None


def read_both_ways(peer: Peer, sent: bytes, data: st.DataObject) -> tuple[Read, Read]:
    """What we and urllib3 make of the same bytes, which arrive in two pieces."""
    cut = data.draw(st.integers(0, len(sent)))
    peer.scripts[:] = [Script((sent[:cut], sent[cut:]), closes=True)]
    connections = Connections(TLS)
    try:
        ours = asked(connections, peer.url, data.draw(st.sampled_from([1 << 20, 100, 1 << 13])))
        return ours, asked_by_urllib3(peer.url)
    finally:
        connections.close()


FUZZED = hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZED
@given(answer=answers(), data=st.data())
def test_every_whole_answer_is_read_as_urllib3_reads_it(
    peer: Peer, answer: tuple[bytes, bytes], data: st.DataObject
) -> None:
    """In every framing, in any pieces, into views of any size."""
    ours, theirs = read_both_ways(peer, b"".join(answer), data)
    assert ours == theirs
    assert ours is not None


@FUZZED
@given(answer=answers(), data=st.data())
def test_an_answer_that_breaks_off_is_never_taken_for_whole(
    peer: Peer, answer: tuple[bytes, bytes], data: st.DataObject
) -> None:
    """In the head it is none, although urllib3 takes some; in the body it is one only where the end is the framing.

    A size of chunks that is cut is none, although urllib3 takes the size of the last one.
    """
    head, body = answer
    sent = (head + body)[: data.draw(st.integers(0, len(head + body)))]
    ours, theirs = read_both_ways(peer, sent, data)
    if len(sent) < len(head) or b"chunked" in head.lower():
        assert ours in (None, theirs if len(sent) >= len(head) else None)
    else:
        assert ours == theirs


@FUZZED
@given(answer=answers(), data=st.data())
def test_a_spoilt_answer_is_never_read_otherwise_than_urllib3_reads_it(
    peer: Peer, answer: tuple[bytes, bytes], data: st.DataObject
) -> None:
    """We may refuse what urllib3 lets pass, and never the other way round."""
    sent = b"".join(answer)
    at = data.draw(st.integers(0, min(len(sent) - 1, 160)))
    spoilt = sent[:at] + data.draw(st.binary(min_size=1, max_size=2)) + sent[at + 1 :]
    ours, theirs = read_both_ways(peer, spoilt, data)
    assert ours in (None, theirs)


UNCLEAR = {
    "two lengths": b"Content-Length: 4\r\nContent-Length: 9\r\n",
    "a length with a sign": b"Content-Length: +4\r\n",
    "a length below nothing": b"Content-Length: -4\r\n",
    "a length of Python's": b"Content-Length: 0_4\r\n",
    "a list of lengths": b"Content-Length: 4, 9\r\n",
    "no length": b"Content-Length:\r\n",
    "another framing": b"Content-Length: 4\r\nTransfer-Encoding: gzip, chunked\r\n",
    "framings in two fields": b"Content-Length: 4\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
    "a framing and a blank": b"Content-Length: 4\r\nTransfer-Encoding: chunked \r\n",
    "a framing like ours": b"Content-Length: 4\r\nTransfer-Encoding: xchunked\r\n",
    "two encodings": b"Content-Length: 4\r\nContent-Encoding: identity\r\nContent-Encoding: gzip\r\n",
    "two ranges": b"Content-Length: 4\r\nContent-Range: bytes 0-3/4\r\nContent-Range: bytes 0-3/9\r\n",
    "two versions": b'Content-Length: 4\r\nETag: "a"\r\nETag: "b"\r\n',
    "two places": b"Content-Length: 4\r\nLocation: /a\r\nLocation: /b\r\n",
    "a line that is no field": b"Content-Length: 4\r\nbroken\r\nContent-Encoding: gzip\r\n",
    "a blank before the colon": b"Content-Length: 4\r\nContent-Encoding : gzip\r\n",
    "the first line goes on": b" Content-Encoding: gzip\r\nContent-Length: 4\r\n",
    "a field within a field": b"Content-Length: 4\r\nX-A: b\rContent-Encoding: gzip\r\n",
}


@pytest.mark.parametrize("fields", UNCLEAR.values(), ids=UNCLEAR)
def test_a_head_that_can_be_read_in_two_ways_is_no_answer(peer: Peer, connections: Connections, fields: bytes) -> None:
    """Whoever reads it otherwise sees another body: one that is longer, packed or in another framing."""
    peer.scripts[:] = [Script((b"HTTP/1.1 200 OK\r\n" + fields + b"\r\ngood",), closes=True)]
    assert asked(connections, peer.url) is None


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 4\r\nContent-Length: 4\r\n",
        b"Content-Length:  4 \r\n",
        b"Content-Length: 4\r\nTransfer-Encoding: identity\r\n",
        b"Content-Length: 4\r\nX-A: b\r\n c\r\n",
        b"Content-Length: 4\nX-A: b\n",
        b"Content-Length: 4\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n",
        b"Content-Length: 4\r\nX-A: b\r\nX-A: c\r\n",
    ],
)
def test_a_head_that_is_only_odd_is_read(peer: Peer, connections: Connections, fields: bytes) -> None:
    """What has one meaning is no reason to leave a recording to expire."""
    peer.scripts[:] = [Script((b"HTTP/1.1 200 OK\r\n" + fields + b"\r\ngood",), closes=False)]
    assert asked(connections, peer.url) == (200, b"good")


@pytest.mark.parametrize(
    "kind",
    [
        b'boundary*="a"; boundary*0="b"',
        b"boundary*" + b"9" * 5000 + b"=x",
        b"boundary*=\"idna''%FF\"",
        b"boundary*=punycode''%FF%80",
        b"boundary*=undefined''zz",
        b"boundary*=nothing''%FF",
    ],
)
def test_a_field_that_confuses_the_parser_is_a_failure_like_others(
    peer: Peer, connections: Connections, kind: bytes
) -> None:
    """Its errors are of every type; one that nobody expects would end the worker instead of the try."""
    fields = b"Content-Length: 4\r\nContent-Type: multipart/x; %s\r\n\r\n" % kind
    peer.scripts[:] = [Script((b"HTTP/1.1 200 OK\r\n" + fields + b"good",), closes=True)]
    assert asked(connections, peer.url) in (None, (200, b"good"))


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


@pytest.mark.parametrize(
    "declared", [OK + b"good", b"HTTP/1.1 204 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]
)
@pytest.mark.parametrize("trailing", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"y" * 20_000])
@pytest.mark.parametrize("is_later", [False, True], ids=["with the answer", "afterwards"])
def test_bytes_after_an_answer_never_become_the_next_one(
    peer: Peer, connections: Connections, trailing: bytes, is_later: bool, declared: bytes
) -> None:
    """A peer that sends more than it declared could else answer the next request with what it likes."""
    pieces = (declared, trailing) if is_later else (declared + trailing,)
    peer.scripts[:] = [Script(pieces, closes=False)]
    before = peer.connections
    assert asked(connections, peer.url) in [(200, b"good"), (204, b""), (200, b"")]
    none_is_quiet(connections)
    peer.scripts[:] = [Script((OK + b"next",), closes=False)]
    assert asked(connections, peer.url) == (200, b"next")
    assert peer.connections == before + 2


def test_an_idle_connection_that_the_peer_dropped_is_replaced(peer: Peer, connections: Connections) -> None:
    """Servers end idle connections; that is no failure of the next request."""
    peer.scripts[:] = [Script((OK + b"good",), closes=True)]
    assert asked(connections, peer.url) == (200, b"good")
    none_is_quiet(connections)
    assert asked(connections, peer.url) == (200, b"good")


def test_a_connection_serves_many_requests(peer: Peer, connections: Connections) -> None:
    """A handshake for each range would cost more than the range."""
    peer.scripts[:] = [Script((OK + b"good",), closes=False)] * 5
    before = peer.connections
    for _ in range(5):
        assert asked(connections, peer.url) == (200, b"good")
    assert peer.connections == before + 1


def test_a_request_whose_connection_breaks_is_not_sent_again(peer: Peer, connections: Connections) -> None:
    """Whether to try again is the caller's decision: he knows the deadline, and the signature would be old."""
    peer.scripts[:] = [Script((), closes=True)]
    before = peer.connections
    assert asked(connections, peer.url) is None
    assert peer.connections == before + 1


def test_an_interim_answer_that_was_not_asked_for_is_no_answer(peer: Peer, connections: Connections) -> None:
    """Its successor would be taken for the answer to the next request."""
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    peer.scripts[:] = [Script((early + OK + b"good",), closes=False)]
    assert asked(connections, peer.url) is None


def test_an_answer_that_is_not_read_to_its_end_costs_its_connection(peer: Peer, connections: Connections) -> None:
    """The rest of it would be the beginning of the next answer."""
    peer.scripts[:] = [Script((OK + b"good",), closes=False)]
    before = peer.connections
    with limited(5) as limit:
        answer = connections.request("GET", peer.url, {}, limit)
        assert answer.fill(memoryview(bytearray(2))) == 2
        answer.close()
    assert asked(connections, peer.url) == (200, b"good")
    assert peer.connections == before + 2


def test_a_handshake_that_does_not_end_is_ended_by_the_limit(connections: Connections) -> None:
    """A peer that accepts and says nothing must not hold a worker for longer than its request may take."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        with limited(0.2) as limit, pytest.raises(ConnectionFailedError):
            connections.request("GET", url, {}, limit)
        assert limit.is_over


def test_a_proxy_that_refuses_is_an_error_and_nothing_is_sent(peer: Peer) -> None:
    """What a proxy says instead of the source is never taken for the source's word."""
    peer.scripts[:] = [Script((b"HTTP/1.1 407 No\r\nContent-Length: 4\r\n\r\nevil",), closes=True)]
    through = Connections(TLS, peer.url)
    assert asked(through, "https://storage.asm.skype.com/v1/objects/a") is None
    through.close()


def test_another_authority_is_not_trusted(world: World) -> None:
    """The certificate is checked against the bundle that was configured, and only that."""
    through = Connections(TLS, world.proxy.url)
    assert asked(through, "https://storage.asm.skype.com/v1/objects/a") is None
    assert world.script.seen == []
    through.close()
