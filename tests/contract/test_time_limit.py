"""A limit is a limit on the whole: an answer that drips ends in time, wherever it drips."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.pipeline.transport import RequestsTransport

from dev.loopback import Answer, World
from recording.adapters.acs import control as acs_control
from recording.adapters.acs import source as acs_source
from recording.adapters.acs.control import AcsControl
from recording.adapters.acs.source import AcsSource
from recording.adapters.azure_sdk.clients import credential
from recording.adapters.http1.connections import ConnectionFailedError, Connections
from recording.adapters.http1.time_limit import Limit, limited
from recording.domain.formats import LEGAL_COMBINATIONS
from recording.domain.incoming.requests import CallLocator, StartOptions
from recording.errors import ControlError, SourceSlowError
from recording.settings import AcsConnection

FIRST_SENT = datetime(2026, 11, 3, 9, 5, 7, tzinfo=UTC)
OBJECT = "https://storage.asm.skype.com/v1/objects/a"


def _content(source: AcsSource) -> object:
    with source.open_content(f"{OBJECT}/content/audio", 0, 1000) as content:
        return b"".join(content.pieces())


def _filled(source: AcsSource) -> object:
    with source.open_content(f"{OBJECT}/content/audio", 0, 1000) as content:
        return content.fill(memoryview(bytearray(1000)))


CALLS: dict[str, Callable[[AcsSource], object]] = {
    "content": _content,
    "content into a buffer": _filled,
    "metadata": lambda source: source.read_metadata(f"{OBJECT}/content/acsmetadata"),
    "delete": lambda source: source.delete(OBJECT),
}


@pytest.fixture
def source(acs: AcsConnection, monkeypatch: pytest.MonkeyPatch) -> Iterator[AcsSource]:
    monkeypatch.setattr(acs_source, "WHOLE_SECONDS", 0.5)
    monkeypatch.setattr(acs_source, "SLOWEST", 10_000)
    made = AcsSource(acs)
    yield made
    made.close()


CONTROL: dict[str, Callable[[AcsControl], object]] = {
    "start": lambda control: control.start(
        StartOptions(CallLocator("serverCallId", "aHR0cHM6Ly9hLmIvYw"), LEGAL_COMBINATIONS[0]), "repeat-1", FIRST_SENT
    ),
    "state": lambda control: control.state("rec-1"),
    "pause": lambda control: control.pause("rec-1"),
    "resume": lambda control: control.resume("rec-1"),
    "stop": lambda control: control.stop("rec-1"),
}


@pytest.fixture
def control(acs: AcsConnection, monkeypatch: pytest.MonkeyPatch, no_pauses: None) -> Iterator[AcsControl]:
    monkeypatch.setattr(acs_control, "WHOLE_SECONDS", 0.5)
    made = AcsControl(acs)
    yield made
    made.close()


@pytest.mark.parametrize("declared", [None, -1], ids=["with a length", "without one"])
@pytest.mark.parametrize("where", ["head", "body"])
@pytest.mark.parametrize("call", CONTROL)
def test_a_control_call_that_drips_ends_in_time(
    control: AcsControl, world: World, call: str, where: str, declared: int | None
) -> None:
    """Somebody waits for the answer, and reconcile asks for two hundred states a run; retries are within the limit."""
    done = threading.Event()
    world.script.anything(Answer(200, b"x" * 1000, drips=where, length=declared, stall=done))
    begun = time.monotonic()
    error: ControlError | None = None
    try:
        CONTROL[call](control)
    except ControlError as failed:
        error = failed
    assert time.monotonic() - begun < 5, "the drip ended by itself, and nobody ended it"
    assert error is None or error.retryable
    is_done = where == "body" and call in {"pause", "resume", "stop"}  # the status says so, and the body says nothing
    assert error is not None or is_done
    done.set()


def test_the_next_control_call_has_a_time_of_its_own(control: AcsControl, world: World) -> None:
    """The connection is used again, and the limit of the last call must not follow it."""
    world.script.anything(Answer(404))
    assert control.state("rec-1") is None
    threading.Event().wait(0.7)  # longer than the limit of the first call
    assert control.state("rec-1") is None


@pytest.mark.parametrize("client_id", [None, "11111111-2222-3333-4444-555555555555"])
def test_no_token_is_fetched_by_the_rules_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, client_id: str | None
) -> None:
    """A proxy or a .netrc for the token service alone would make half an outage, too."""
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.setenv(name, "11111111-2222-3333-4444-555555555555")
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/msi/token")
    made = credential.__wrapped__(client_id)
    found = list(_transports(made))
    assert len(found) >= (1 if client_id else 2), "the credential has no transport that this test sees"
    assert [one for one in found if one._use_env_settings] == []


def _transports(of: Any, seen: set[int] | None = None) -> Iterator[RequestsTransport]:
    """Find the transports within a credential, however deep they are."""
    seen = set() if seen is None else seen
    if id(of) in seen or isinstance(of, str | bytes | int | float | type(None) | type):
        return
    seen.add(id(of))
    if isinstance(of, RequestsTransport):
        yield of
        return
    inside = vars(of) if hasattr(of, "__dict__") else of
    parts = inside.values() if isinstance(inside, dict) else inside if isinstance(inside, list | tuple) else ()
    for one in parts:
        yield from _transports(one, seen)


# The body of an answer to a delete is not read.
PLACES = [(name, where) for name in CALLS for where in ("head", "body") if (name, where) != ("delete", "body")]


@pytest.mark.parametrize("declared", [None, -1], ids=["with a length", "without one"])
@pytest.mark.parametrize(("call", "where"), PLACES)
def test_an_answer_that_drips_ends_in_time(
    source: AcsSource, world: World, call: str, where: str, declared: int | None
) -> None:
    """A byte within each read time-out would hold a worker for days; fourteen of them would hold the app."""
    done = threading.Event()
    world.script.anything(Answer(200, b"x" * 1000, drips=where, length=declared, stall=done))
    begun = time.monotonic()
    with pytest.raises(SourceSlowError):
        CALLS[call](source)
    assert time.monotonic() - begun < 5, "the drip ended by itself, and nobody ended it"
    done.set()


def test_the_next_request_is_not_ended_by_the_limit_of_the_last(source: AcsSource, world: World) -> None:
    """A connection goes back to the pool; its old limit must not follow it there."""
    world.script.anything(Answer(200, b"{}"))
    assert source.read_metadata(f"{OBJECT}/content/acsmetadata") == b"{}"
    threading.Event().wait(0.7)  # longer than the limit of the first request
    assert source.read_metadata(f"{OBJECT}/content/acsmetadata") == b"{}"


def test_a_longer_body_has_more_time(source: AcsSource, world: World) -> None:
    """The limit is about an answer that makes no way, not about a long one."""
    with limited(0.05) as limit:
        ours, theirs = socket.socketpair()
        limit.watch(type("Connection", (), {"sock": ours})())
        limit.slowest = 1000
        limit.arrived(30_000)
        threading.Event().wait(0.2)
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"
        limit.check()
    ours.close()
    theirs.close()


@pytest.mark.parametrize("moment", ["before the handshake", "behind it"])
def test_a_time_that_ends_between_two_sockets_ends_the_request(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """At that moment there is nothing to shut down: the plain socket is gone, and that of TLS is not known yet."""
    context = ssl.create_default_context(cafile=world.ca_bundle)
    wrap, connections = context.wrap_socket, Connections(context, world.proxy.url)
    with limited(30) as limit:

        def wrapped(sock: socket.socket, **options: Any) -> ssl.SSLSocket:
            made = wrap(sock, **options)
            if moment == "before the handshake":
                limit.shut_down()
            return made

        context.wrap_socket = wrapped  # type: ignore[method-assign, assignment]

        def held(sock: socket.socket) -> None:
            limit.shut_down()
            Limit.hold(limit, sock)

        if moment == "behind it":
            monkeypatch.setattr(limit, "hold", held)
        world.script.anything(Answer(200, b"{}"))
        with pytest.raises(ConnectionFailedError) as failed:
            connections.request("GET", OBJECT, {}, limit)
    assert failed.value.is_slow
    connections.close()


def test_no_client_takes_a_proxy_or_a_login_from_the_environment(acs: AcsConnection) -> None:
    """Else the control plane and the downloads would go different ways, and .netrc would replace the signature."""
    from recording.adapters.acs.control import AcsControl
    from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS
    from recording.adapters.blob.transport import shared_transport

    control = AcsControl(acs)
    transport: Any = control._client._client._client._pipeline._transport
    transport.open()
    assert transport.session.trust_env is False
    own: Any = shared_transport()
    assert own.session.trust_env is False
    assert CLIENT_OPTIONS["use_env_settings"] is False
    control.close()


def test_a_short_body_has_no_more_time() -> None:
    """Metadata and answers to a delete are read within the limit of the request alone."""
    limit = Limit(30)
    ends_at = limit.ends_at
    limit.arrived(1 << 20)
    assert limit.ends_at == ends_at
