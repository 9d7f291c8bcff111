"""ACS below the level of HTTP: what drips, never ends or ends oddly costs one time limit, and passes for nothing else.

`dev/wires.py` has the answers. All of one kind are asked for side by side, as the workers of a host would.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import pytest

from dev import wires
from dev.loopback import Answer, Wire, World
from recording.adapters.acs import control as acs_control
from recording.adapters.acs import source as acs_source
from recording.adapters.acs.control import AcsControl
from recording.adapters.acs.source import AcsSource
from recording.domain.archived.integrity import check_length
from recording.domain.formats import LEGAL_COMBINATIONS
from recording.domain.incoming.requests import CallLocator, StartOptions
from recording.errors import RecordingError
from recording.settings import AcsConnection

HOST = "https://storage.asm.skype.com"
DATA = bytes(range(250)) * 4
RANGE = f"Content-Range: bytes 0-{len(DATA) - 1}/{len(DATA)}\r\nContent-Type: audio/wav\r\n"
JSON = "Content-Type: application/json\r\n"
LIMIT = 0.5  # seconds, where production has 45
LATE = 15.0  # seconds more that a busy machine may take; what has no limit of its own takes forever
MANY = 1 << 31  # bytes; at the slowest speed that is waited for they take more than a day


@dataclass(frozen=True)
class Outcome:
    """What a call gave, and how long it took."""

    gave: object
    seconds: float

    @property
    def is_retryable_failure(self) -> bool:
        """Return whether the chunk or the caller may try again."""
        return isinstance(self.gave, RecordingError) and self.gave.retryable


@pytest.fixture
def source(acs: AcsConnection, monkeypatch: pytest.MonkeyPatch) -> Iterator[AcsSource]:
    monkeypatch.setattr(acs_source, "WHOLE_SECONDS", LIMIT)
    made = AcsSource(acs)
    yield made
    made.close()


@pytest.fixture
def control(acs: AcsConnection, monkeypatch: pytest.MonkeyPatch, no_pauses: None) -> Iterator[AcsControl]:
    monkeypatch.setattr(acs_control, "WHOLE_SECONDS", LIMIT)
    made = AcsControl(acs)
    yield made
    made.close()


def media(source: AcsSource, path: str) -> bytes:
    """Download a range, as the copy does: a byte more than is declared shows a body that is too long."""
    with source.open_content(f"{HOST}{path}/content/audio", 0, len(DATA)) as content:
        assert content.declared_total == len(DATA)
        view = memoryview(bytearray(len(DATA) + 1))
        filled = content.fill(view)
    check_length(filled, len(DATA))
    return bytes(view[:filled])


CALLS: Mapping[str, Callable[[AcsSource, str], object]] = {
    "media": media,
    "metadata": lambda source, path: source.read_metadata(f"{HOST}{path}/content/acsmetadata"),
    "delete": lambda source, path: source.delete(f"{HOST}{path}"),
}
PLACES = {
    "media": ("GET", "/content/audio", RANGE),
    "metadata": ("GET", "/content/acsmetadata", JSON),
    "delete": ("DELETE", "", ""),
}
CONTROL: Mapping[str, Callable[[AcsControl, str], object]] = {
    "start": lambda control, name: control.start(
        StartOptions(CallLocator("serverCallId", "aHR0cHM6Ly9hLmIvYw"), LEGAL_COMBINATIONS[0]),
        name,
        datetime(2026, 11, 3, 9, 5, 7, tzinfo=UTC),
    ),
    "state": lambda control, name: control.state(name),
    "pause": lambda control, name: control.pause(name),
    "resume": lambda control, name: control.resume(name),
    "stop": lambda control, name: control.stop(name),
}


DONE = {"pause", "resume", "stop"}  # what ACS has said by its status alone


def outcome_of(call: Callable[[], object]) -> Outcome:
    """Call, and note the end."""
    begun = time.monotonic()
    gave: object
    try:
        gave = call()
    except RecordingError as error:
        gave = error
    return Outcome(gave, time.monotonic() - begun)


def side_by_side(calls: Mapping[str, Callable[[], object]]) -> dict[str, Outcome]:
    """Make all calls at once."""
    with ThreadPoolExecutor(len(calls)) as at_once:
        return dict(zip(calls, at_once.map(outcome_of, calls.values()), strict=True))


def asked(source: AcsSource, world: World, call: str, answers: Mapping[str, Wire]) -> dict[str, Outcome]:
    """Ask for an object of its own for each wire."""
    method, view, _ = PLACES[call]
    paths = {name: f"/v1/objects/object-{number}" for number, name in enumerate(answers)}
    for name, wire in answers.items():
        world.script.on(method, paths[name] + view, Answer(wire=wire))
    return side_by_side({name: partial(CALLS[call], source, path) for name, path in paths.items()})


@pytest.mark.parametrize("call", CALLS)
def test_a_head_that_never_ends_costs_one_limit(source: AcsSource, world: World, call: str) -> None:
    """Slow or fast, in lines or within one, final or interim: a worker is free again, and the chunk is tried later."""
    ended = asked(source, world, call, wires.never_ending(PLACES[call][2]))
    assert {name: one for name, one in ended.items() if not one.is_retryable_failure} == {}
    assert {name: one for name, one in ended.items() if one.seconds > LIMIT + LATE} == {}


@pytest.mark.parametrize("call", ["media", "metadata"])
def test_a_body_that_never_ends_costs_one_limit(source: AcsSource, world: World, call: str) -> None:
    """Within the body, the framing of its chunks or behind it: nothing of it is taken for a whole answer."""
    ended = asked(source, world, call, wires.never_ending_bodies(DATA, PLACES[call][2]))
    assert {name: one for name, one in ended.items() if not one.is_retryable_failure} == {}
    assert {name: one for name, one in ended.items() if one.seconds > LIMIT + LATE} == {}


def test_a_delete_waits_for_no_body(source: AcsSource, world: World) -> None:
    """Its status says all; a body without an end holds no worker and no connection."""
    ended = asked(source, world, "delete", wires.never_ending_bodies(DATA, ""))
    assert {name: one.gave for name, one in ended.items() if one.gave is not True} == {}
    assert {name: one for name, one in ended.items() if one.seconds > LIMIT + LATE} == {}


@pytest.mark.parametrize("declared", ["whole", "part"])
def test_a_long_file_that_drips_costs_one_limit(source: AcsSource, world: World, declared: str) -> None:
    """A length that an answer only declares gives it no time: two GiB at the slowest speed would be 36 hours."""
    path = "/v1/objects/long/content/audio"
    said = f"Content-Length: {MANY}\r\n"
    if declared == "part":
        said += f"Content-Range: bytes 0-{MANY - 1}/{2 * MANY}\r\n"
    drip = Wire(lambda: iter([wires.OK + f"{said}\r\n".encode(), *(b"x" for _ in range(3000))]), wires.PAUSE)
    world.script.on("GET", path, Answer(wire=drip))

    def read() -> object:
        with source.open_content(HOST + path, 0, MANY) as content:
            return content.fill(memoryview(bytearray(1 << 16)))

    ended = outcome_of(read)
    assert ended.is_retryable_failure
    assert ended.seconds < LIMIT + LATE


@pytest.mark.parametrize("call", ["media", "metadata"])
@pytest.mark.parametrize("end", wires.odd_ends(DATA, RANGE))
def test_an_odd_end_gives_the_bytes_or_nothing(source: AcsSource, world: World, call: str, end: str) -> None:
    """What comes behind an answer is no part of it, and no part of the next one on the same connection."""
    method, view, headers = PLACES[call]
    right = Answer(200, DATA, {line.partition(": ")[0]: line.partition(": ")[2] for line in headers.split("\r\n")[:-1]})
    wire = wires.odd_ends(DATA, headers)[end]
    world.script.on(method, f"/v1/objects/odd{view}", Answer(wire=wire), right)
    first = outcome_of(lambda: CALLS[call](source, "/v1/objects/odd"))
    assert first.gave == DATA or first.is_retryable_failure
    assert CALLS[call](source, "/v1/objects/odd") == DATA
    assert first.seconds < LIMIT + LATE


@pytest.mark.parametrize("end", wires.odd_ends(DATA, ""))
def test_what_comes_behind_the_answer_to_a_delete_says_nothing_of_the_next(
    source: AcsSource, world: World, end: str
) -> None:
    """A 200 that nobody asked for must not say that another object is gone."""
    world.script.on("DELETE", "/v1/objects/odd", Answer(wire=wires.odd_ends(DATA, "")[end]))
    assert source.delete(f"{HOST}/v1/objects/odd") is True
    assert source.delete(f"{HOST}/v1/objects/absent") is False


@pytest.mark.parametrize("call", ["media", "metadata"])
def test_chunks_that_break_off_are_no_whole(source: AcsSource, world: World, call: str) -> None:
    """Only the last chunk says that a body without a length is over."""
    ended = asked(source, world, call, wires.cut_chunks(DATA, PLACES[call][2]))
    assert {name: one for name, one in ended.items() if not one.is_retryable_failure} == {}


@pytest.mark.parametrize("call", CALLS)
def test_a_connection_that_is_closed_at_its_reuse_costs_one_try(source: AcsSource, world: World, call: str) -> None:
    """The client does not send it again by itself; the next try has a connection of its own."""
    method, view, headers = PLACES[call]
    right = Answer(200, DATA, {line.partition(": ")[0]: line.partition(": ")[2] for line in headers.split("\r\n")[:-1]})
    world.script.on(method, f"/v1/objects/kept{view}", right, Answer(wire=wires.CLOSED_AT_REUSE), right)
    first, second, third = (outcome_of(lambda: CALLS[call](source, "/v1/objects/kept")) for _ in range(3))
    assert second.is_retryable_failure
    assert first.gave == third.gave == (True if call == "delete" else DATA)
    assert second.seconds < LIMIT + LATE


def requested(control: AcsControl, world: World, call: str, answers: Mapping[str, Wire]) -> dict[str, Outcome]:
    """Make the same request of ACS once for each wire, one after the other: a start has one path."""
    ended = {}
    for name, wire in answers.items():
        world.script.anything(Answer(wire=wire))
        ended[name] = outcome_of(lambda: CONTROL[call](control, "recording-1"))
    return ended


@pytest.mark.parametrize("call", CONTROL)
def test_a_control_call_whose_head_never_ends_costs_one_limit(control: AcsControl, world: World, call: str) -> None:
    """A caller waits for it; retries are within the limit."""
    ended = requested(control, world, call, wires.never_ending(JSON))
    has_status = {"the status line drips", "a header line drips", "header lines drip"} if call in DONE else set()
    assert {name for name, one in ended.items() if not one.is_retryable_failure} == has_status
    assert {name: one for name, one in ended.items() if one.seconds > LIMIT + LATE} == {}


@pytest.mark.parametrize("call", ["start", "state", "pause", "stop"])
def test_a_control_call_whose_body_never_ends_costs_one_limit(control: AcsControl, world: World, call: str) -> None:
    """Where the status says all, it is done; elsewhere a body is believed that is whole, whatever its trailers are."""
    body = json.dumps({"recordingId": "r", "recordingState": "active", "more": "x" * 1000}).encode()
    answers = wires.never_ending_bodies(body, JSON)
    ended = requested(control, world, call, answers)
    is_believed = set(answers) if call in DONE else {name for name in answers if "trailer" in name}
    believed = {"start": ("r", "active"), "state": "active"}.get(call)
    assert {name for name, one in ended.items() if one.gave == believed} <= is_believed
    assert {name: one for name, one in ended.items() if not one.is_retryable_failure and one.gave != believed} == {}
    assert {name: one for name, one in ended.items() if one.seconds > LIMIT + LATE} == {}


def test_a_control_connection_that_is_closed_at_its_reuse_is_asked_again(control: AcsControl, world: World) -> None:
    """The caller does not notice."""
    world.script.anything(Answer(404), Answer(wire=wires.CLOSED_AT_REUSE), Answer(404))
    assert [control.state("recording-1"), control.state("recording-1")] == [None, None]
