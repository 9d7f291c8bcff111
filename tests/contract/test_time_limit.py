"""A limit is a limit on the whole: an answer that drips ends in time, wherever it drips."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from recording.adapters.acs import source as acs_source
from recording.adapters.acs.source import AcsSource
from recording.adapters.http1.time_limit import limited
from recording.errors import SourceBusyError
from recording.settings import AcsConnection
from tests.contract.loopback import Answer, World

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
    with pytest.raises(SourceBusyError):
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
        limit.allow(30)
        threading.Event().wait(0.2)
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"
        limit.check()
    ours.close()
    theirs.close()


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
