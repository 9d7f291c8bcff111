"""Bodies to TLS sockets that never block: every byte leaves once and in order, however slowly the peer takes them."""

import socket
import ssl
import threading

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recording.adapters.http1.socket_writer import send_all
from tests.contract.pairs import PATIENCE, tls_pair

BODY = bytes(range(251)) * 4_200  # many records, without a period that a record has
BROKEN = (ConnectionError, ssl.SSLError)


class Taker(threading.Thread):
    """Takes bytes in steps from another end, as many as it is told."""

    def __init__(self, end: socket.socket, step: int, most: int, *, closes: bool = False) -> None:
        super().__init__()
        self.taken = b""
        self._end, self._step, self._most, self._closes = end, step, most, closes
        self.start()

    def run(self) -> None:
        while len(self.taken) < self._most and (came := self._end.recv(self._step)):
            self.taken += came
        if self._closes:
            self._end.close()


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(length=st.integers(0, len(BODY)), step=st.integers(1_000, 300_000))
def test_every_byte_leaves_in_order(length: int, step: int) -> None:
    """The body is larger than what the system keeps of it, so that the peer takes no more for a time."""
    with tls_pair() as (mine, theirs):
        taker = Taker(theirs, step, length)
        send_all(mine, memoryview(BODY)[:length], PATIENCE)
        taker.join()
        assert taker.taken == BODY[:length]
        assert mine.gettimeout() == PATIENCE


def test_a_peer_that_takes_nothing_is_given_up() -> None:
    """It holds the worker no longer than a peer that sends nothing."""
    with tls_pair() as (mine, _theirs):
        with pytest.raises(TimeoutError):
            send_all(mine, memoryview(BODY), 0.05)
        assert mine.gettimeout() == PATIENCE


def test_a_peer_that_ends_in_the_middle_is_an_error() -> None:
    """Never taken for sent."""
    with tls_pair() as (mine, theirs):
        taker = Taker(theirs, 1_000, 10_000, closes=True)
        with pytest.raises(BROKEN):
            send_all(mine, memoryview(BODY), PATIENCE)
        taker.join()
        assert mine.gettimeout() == PATIENCE


def test_a_connection_that_a_limit_shuts_down_is_an_error_at_once() -> None:
    """The limit of a whole request ends it from another thread while it waits for the peer."""
    with tls_pair() as (mine, _theirs):
        ending = threading.Timer(0.1, lambda: mine.shutdown(socket.SHUT_RDWR))
        ending.start()
        with pytest.raises(BROKEN):
            send_all(mine, memoryview(BODY), PATIENCE)
        ending.join()
