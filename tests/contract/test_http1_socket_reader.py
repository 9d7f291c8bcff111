"""Bodies from sockets that never block: every byte arrives once and in order, however it comes."""

import socket
import threading
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recording.adapters.http1 import socket_reader
from recording.adapters.http1.socket_reader import SocketReader
from tests.contract.pairs import PATIENCE, pair

BODY = bytes(range(251)) * 4_200  # above a MiB, so that it is no short one; without a period that a record has


def sent_by(sender: socket.socket, pieces: Sequence[bytes]) -> threading.Thread:
    """Send the pieces from a thread of its own."""

    def send() -> None:
        for piece in pieces:
            sender.sendall(piece)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def cut(body: bytes, lengths: Sequence[int]) -> list[bytes]:
    """Return the body in pieces of these lengths, and the rest."""
    pieces, at = [], 0
    for length in lengths:
        pieces.append(body[at : at + length])
        at += length
    return [piece for piece in (*pieces, body[at:]) if piece]


@pytest.mark.parametrize("is_tls", [False, True])
@pytest.mark.parametrize("is_slow", [False, True])
@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lengths=st.lists(st.integers(1, 70_000), max_size=12), step=st.integers(1_000, 300_000))
def test_every_byte_arrives_in_order(is_tls: bool, is_slow: bool, lengths: list[int], step: int) -> None:
    """Slow connections sleep and take turns, fast ones do not; what arrives is the same."""
    with pair(is_tls=is_tls) as (mine, theirs):
        reader = SocketReader(mine, PATIENCE, len(BODY))
        sending = sent_by(theirs, cut(BODY, lengths))
        came = b""
        view = memoryview(bytearray(step))
        while len(came) < len(BODY):
            count = reader.fill(view)
            assert count
            came += view[:count]
            if is_slow and reader._begun is not None:
                reader._begun -= 1.0  # as if all of it had taken that much longer
        sending.join()
        assert came == BODY


def test_a_short_body_waits_for_no_turn_of_the_long_ones() -> None:
    """A file of 200 KB between files of 256 MB would wait for dozens of them."""
    with pair(is_tls=False) as (mine, theirs), socket_reader._TURN:
        reader, came = SocketReader(mine, PATIENCE, 300_000), 0
        sending = sent_by(theirs, cut(BODY[:300_000], [100_000, 100_000]))
        while came < 300_000:
            came += reader.fill(memoryview(bytearray(100_000)))
            reader._begun = (reader._begun or 0.0) - 1.0
        sending.join()


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_peer_that_falls_silent_is_given_up(is_tls: bool) -> None:
    """It may have sent something before."""
    with pair(is_tls=is_tls) as (mine, theirs):
        reader = SocketReader(mine, 0.05, 100)
        theirs.sendall(b"some")
        view = memoryview(bytearray(100))
        assert reader.fill(view) == 4
        with pytest.raises(TimeoutError):
            reader.fill(view)


def test_the_end_of_the_connection_is_no_byte() -> None:
    """Whether it came too early is for the caller to say, who knows the declared length."""
    with pair(is_tls=False) as (mine, theirs):
        reader = SocketReader(mine, PATIENCE, 100)
        theirs.sendall(b"some")
        theirs.close()
        view = memoryview(bytearray(100))
        assert reader.fill(view) == 4
        assert reader.fill(view) == 0


@pytest.mark.parametrize("is_used", [False, True])
def test_the_socket_gets_its_timeout_back(is_used: bool) -> None:
    """The next answer's head is read by the standard library, which would take a socket without bytes for an end."""
    with pair(is_tls=False) as (mine, theirs):
        reader = SocketReader(mine, PATIENCE, 4)
        if is_used:
            theirs.sendall(b"some")
            reader.fill(memoryview(bytearray(4)))
        reader.release()
        assert mine.gettimeout() == PATIENCE
