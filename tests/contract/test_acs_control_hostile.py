"""The control adapter against answers made to harm: they cost little memory and leave nothing behind."""

import gzip
import json
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from dev.loopback import Answer, Wire, World
from recording.adapters.acs.control import AcsControl
from recording.errors import ControlError
from recording.settings import AcsConnection
from tests.contract.test_acs_control import CALLS, ONE, START, as_json, refusal, start, state

MOST_BYTES = 8 << 20
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def control(acs: AcsConnection, no_pauses: None) -> Iterator[AcsControl]:
    adapter = AcsControl(acs)
    yield adapter
    adapter.close()


def endless(head: bytes, piece: bytes) -> Answer:
    """An answer of 64 MiB, as fast as the network: it is as good as endless."""

    def pieces() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + head + b"\r\n"
        yield from (piece for _ in range(64))

    return Answer(wire=Wire(pieces))


PACKED = gzip.compress(bytes(64 << 20), 1)
LARGE = {
    "chunks": endless(b"Transfer-Encoding: chunked\r\n", b"100000\r\n" + b" " * (1 << 20) + b"\r\n"),
    "a length": endless(b"Content-Length: 67108864\r\n", b" " * (1 << 20)),
    "to the end": endless(b"Connection: close\r\n", b" " * (1 << 20)),
    "packed": Answer(200, PACKED, JSON | {"Content-Encoding": "gzip"}),
    "packed, with an error": Answer(400, PACKED, JSON | {"Content-Encoding": "gzip"}),
    "packed twice": Answer(200, gzip.compress(PACKED), JSON | {"Content-Encoding": "gzip, gzip"}),
}


@pytest.mark.parametrize("answer", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("operation", CALLS)
def test_an_answer_of_any_size_takes_little_memory(
    control: AcsControl, world: World, operation: str, answer: Answer
) -> None:
    """The whole app shares it; a packed answer of one megabyte could take all that there is."""
    method, path, call = CALLS[operation]
    world.script.on(method, path, answer)
    tracemalloc.start()
    try:
        with pytest.raises(ControlError) as failed:
            call(control)
        assert failed.value.retryable
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES + len(PACKED)
    finally:
        tracemalloc.stop()


def test_nothing_packed_is_asked_for(control: AcsControl, world: World) -> None:
    """A service that packs what it was asked not to is not read, as in downloads."""
    world.script.on("GET", ONE, state())
    assert control.state("rec-1") == "inactive"
    assert world.script.seen[-1].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"recordingId":' * 100_000], ids=["lists", "objects"])
@pytest.mark.parametrize("status", [200, 400, 404, 503])
@pytest.mark.parametrize("operation", ["start", "state"])
def test_deep_answers_are_told_as_acss_failure(
    control: AcsControl, world: World, operation: str, status: int, deep: bytes
) -> None:
    """The parser gives up with an error of its own, which no caller expects."""
    method, path, call = CALLS[operation]
    world.script.on(method, path, Answer(status, deep, JSON))
    with pytest.raises(ControlError):
        call(control)


def test_no_answer_leaves_a_cookie_for_the_next_request(control: AcsControl, world: World) -> None:
    """A large one would have every request of this process refused until it ends."""
    cookie = {"Set-Cookie": f"a={'x' * 60_000}; Domain=communication.azure.com; Path=/"}
    world.script.on("GET", ONE, Answer(200, state().body, JSON | cookie))
    for _ in range(2):
        control.state("rec-1")
    assert "Cookie" not in world.script.seen[-1].headers


@pytest.mark.parametrize(
    "code", ["\x1b[2J", "8522\r\nX: y", "https://a.example/?sig=secret", {"a": 1}, ["8522"], "é", "", None]
)
def test_a_code_that_is_none_is_not_repeated(control: AcsControl, world: World, code: Any) -> None:
    """It goes to logs, callers and terminals."""
    world.script.on("POST", START, as_json(400, {"error": {"code": code}}))
    with pytest.raises(ControlError) as failed:
        start(control)
    assert (failed.value.code, failed.value.acs_code) == ("invalid_argument", None)


@pytest.mark.parametrize("word", ["\x1b[2J", "active\r\nX", {"a": 1}, ["active"], "x" * 10_000])
def test_a_state_that_is_no_word_is_not_repeated(control: AcsControl, world: World, word: Any) -> None:
    """The same, for what a start or a look gives."""
    body = json.dumps({"recordingId": "rec-1", "recordingState": word}).encode()
    world.script.anything(Answer(200, body, JSON))
    assert control.state("rec-1") == ""
    assert start(control) == ("rec-1", "")


def test_a_large_refusal_is_still_its_own(control: AcsControl, world: World) -> None:
    """What is below the limit is read whole."""
    told = json.loads(refusal(409, "8553").body)
    told["more"] = "x" * 500_000
    world.script.on("POST", START, as_json(409, told))
    begun = time.monotonic()
    with pytest.raises(ControlError) as failed:
        start(control)
    assert (failed.value.code, failed.value.acs_code) == ("already_recording", "8553")
    assert time.monotonic() - begun < 10
