"""A name may have several addresses, most of them dead: a request reaches the living one within its time."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from dev.loopback import Answer, World
from recording.adapters.acs import control as acs_control
from recording.adapters.acs.control import AcsControl
from recording.adapters.acs.source import AcsSource
from recording.adapters.http1.addresses import seconds_each
from recording.adapters.http1.connections import ConnectionFailedError, Connections
from recording.adapters.http1.time_limit import Limit, limited
from recording.settings import AcsConnection

SECONDS = 1.5  # of a request
Found = list[tuple[Any, ...]]


@pytest.fixture
def dead() -> Iterator[int]:
    """The port of a host that answers no connection, as one that was switched off: its queue is full."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        while True:
            client = opened.enter_context(socket.socket())
            client.settimeout(0.2)
            try:
                client.connect(listener.getsockname())
            except TimeoutError:
                break
        yield listener.getsockname()[1]


@pytest.fixture
def names(dead: int, acs: AcsConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first hop has eight dead addresses before the living one."""
    plain = socket.getaddrinfo
    first_hop = urlsplit(acs.proxy_url or "").port

    def found(host: Any, port: Any, *args: Any, **kwargs: Any) -> Found:
        living: Found = list(plain(host, port, *args, **kwargs))
        return [(*living[0][:4], ("127.0.0.1", dead))] * 8 + living if port == first_hop else living

    monkeypatch.setattr(socket, "getaddrinfo", found)


def test_media_is_asked_for_at_the_living_one(
    acs: AcsConnection, world: World, names: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten seconds were waited for each, of the thirty that a request has."""
    del names
    monkeypatch.setattr("recording.adapters.acs.source.WHOLE_SECONDS", SECONDS)
    source = AcsSource(acs)
    world.script.on("DELETE", "/v1/objects/a", Answer(200))
    began = time.monotonic()
    source.delete("https://storage.asm.skype.com/v1/objects/a")
    source.close()
    assert time.monotonic() - began < SECONDS + 0.5


def test_acs_is_asked_at_the_living_one(
    acs: AcsConnection, world: World, names: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start has a time limit, too, and the caller waits."""
    del names
    monkeypatch.setattr(acs_control, "WHOLE_SECONDS", SECONDS)
    world.script.anything(Answer(404))
    control = AcsControl(acs)
    began = time.monotonic()
    assert control.state("rec-1") is None
    control.close()
    assert time.monotonic() - began < SECONDS + 0.5


def test_where_all_are_dead_the_request_ends_in_time(dead: int) -> None:
    """As with one."""
    connections = Connections(ssl.create_default_context())
    began = time.monotonic()
    with limited(0.5) as limit, pytest.raises(ConnectionFailedError) as failed:
        connections.request("GET", f"http://127.0.0.1:{dead}/x", {}, limit)
    assert failed.value.is_slow
    assert time.monotonic() - began < 1


def test_a_name_is_resolved_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that does not answer takes seconds, each time that it is asked."""
    asked = []
    plain = socket.getaddrinfo

    def found(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        return plain("127.0.0.1", port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    world.script.anything(Answer(404))
    connections = Connections(ssl.create_default_context(cafile=world.ca_bundle))
    with limited(5) as limit, suppress(ConnectionFailedError):  # its certificate is for other names
        connections.request("GET", f"https://any.example:{world.proxy.target[1]}/x", {}, limit)
    assert asked == ["any.example"]


@pytest.mark.parametrize(
    ("host", "most", "left", "seconds"),
    [("127.0.0.1", 10, 30, 10), ("127.0.0.1", 10, 4, 2), ("no.such.host.invalid", 10, 30, 10), ("a" * 70, 10, 30, 10)],
)
def test_a_share_is_never_more_than_is_left(host: str, most: float, left: float, seconds: float) -> None:
    """A name that does not resolve, or is none, is told by the connection itself."""
    assert seconds_each(host, 443, most, Limit(left)) == pytest.approx(seconds, abs=0.1)
