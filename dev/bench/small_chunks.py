"""Many small chunks through the whole line, beside its floor: the same calls to storage and ACS, without the app.

Both run on Azurite and the simulator with the app's own adapters. The floor gets its calls from a recording of the
line at work, and makes them again, in the same number and order, from as many threads as the host uses.
"""

import base64
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, cast

import psutil
from azure.storage.queue import QueueClient

from dev.azurite import Azurite
from dev.functions_host.process import HostProcess
from dev.world import REPOSITORY, LocalWorld, WorldOptions
from recording.domain.names import CHUNKS_QUEUE, EVENTS_QUEUE
from recording.domain.state.quarantine import Origin
from recording.domain.state.stored import StoredBlob
from recording.ports import ChunkQueue

CHUNK_BYTES = 200_000
_THREADS = 16
_READY_SECONDS = 60.0
_PORTS = ("source", "archive", "catalog", "quarantine", "follow_ups")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Burst:
    """How long the line took for many chunks that came at one moment, and the CPU seconds of its process."""

    chunks: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Return chunks a second."""
        return self.chunks / self.seconds


@dataclass(frozen=True)
class Call:
    """One call of a port."""

    port: str
    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]


def chunks_per_second(count: int, say: Say) -> tuple[float, float]:
    """Return the line's rate and its floor's, in chunks a second, over `count` chunks each."""
    with LocalWorld(WorldOptions(host="builtin")) as world:
        world._stop_host()
        say("recording what the line does")
        plans = _recorded(world, _tasks(world, count))
        say(f"the floor: {sum(map(len, plans)) / count:.0f} calls a chunk")
        floor = count / _replayed(world, plans)
        say("the line")
        line = _archived(world, _tasks(world, count + 1)).rate
    return line, floor


def calls_of_a_chunk(settings: Mapping[str, str] = MappingProxyType({})) -> list[tuple[str, str]]:
    """Return what the line asks of its ports for one small chunk: port and method of each call.

    Args:
        settings: of the app, beside the world's; with a receiver of events, the calls of what sends them count too.
    """
    with LocalWorld(WorldOptions(host="builtin")) as world:
        world._stop_host()
        (plan,) = _recorded(world, _tasks(world, 1), settings)
    return [(call.port, call.method) for call in plan]


def _tasks(world: LocalWorld, count: int) -> list[str]:
    """Fresh chunks at the simulator, as the messages that ingest would have made of their events."""
    from recording import wiring
    from recording.ingest import ingest_event

    known = len(world.simulator.events())
    for _ in range(count):
        world.simulator.create_objects(wav_bytes=CHUNK_BYTES)
    sent: list[str] = []
    with _app(world):
        kept = replace(wiring.ports(), queue=cast("ChunkQueue", _Sent(sent)))
        for event in world.simulator.events()[known:]:
            if str(event.get("eventType", event.get("type"))).endswith("RecordingFileStatusUpdated"):
                ingest_event(event, Origin.EVENT_QUEUE, kept, wiring.settings())
    return sent


class _Sent:
    """A chunk queue that only remembers."""

    def __init__(self, sent: list[str]) -> None:
        self._sent = sent

    def send(self, task: Any, delay: Any = None) -> None:  # noqa: ARG002 - the port's form
        self._sent.append(task.model_dump_json())


@contextmanager
def _app(world: LocalWorld, storage: str | None = None, more: Mapping[str, str] = MappingProxyType({})) -> Any:
    """The app's adapters in this process, with the world's settings and more."""
    from recording import wiring

    before = dict(os.environ)
    settings = {**world.settings(), **more}
    if storage is not None:
        settings |= {"AzureWebJobsStorage": storage, "ARCHIVE_STORAGE": storage}
    os.environ.update(settings)
    wiring.reset()
    try:
        yield
    finally:
        wiring.reset()
        os.environ.clear()
        os.environ.update(before)


# --- the floor -------------------------------------------------------------------------------------------------------


def _recorded(
    world: LocalWorld, tasks: list[str], settings: Mapping[str, str] = MappingProxyType({})
) -> list[list[Call]]:
    """Return what the line asks of each port, chunk by chunk; the sources are not deleted yet."""
    from recording import wiring
    from recording.archive import line as archive

    plans: list[list[Call]] = []
    with _app(world, more=settings):
        for task in tasks:
            calls: list[Call] = []
            ports = wiring.ports()
            watched = {field.name: getattr(ports, field.name) for field in fields(ports)}
            watched |= {name: _Watched(name, watched[name], calls) for name in _PORTS}
            if ports.outgoing is not None:
                parts = {name: _Watched(name, getattr(ports.outgoing, name), calls) for name in ("queue", "outbox")}
                watched["outgoing"] = replace(ports.outgoing, **cast("dict[str, Any]", parts))
            archive.archive_message(task, type(ports)(**watched), wiring.settings())
            plans.append(calls)
    return plans


class _Watched:
    """A port that notes each call; a delete is noted and not made."""

    def __init__(self, name: str, port: Any, calls: list[Call]) -> None:
        self._name, self._port, self._calls = name, port, calls

    def __getattr__(self, method: str) -> Any:
        plain = getattr(self._port, method)

        def call(*arguments: Any, **options: Any) -> Any:
            kept = tuple(bytes(one) if isinstance(one, memoryview) else one for one in arguments)
            self._calls.append(Call(self._name, method, kept, options))
            if method == "delete":
                return True
            return plain(*arguments, **options)

        return call


def _replayed(world: LocalWorld, plans: list[list[Call]]) -> float:
    """Return seconds for the same calls on an empty storage, with the queue's part of each message."""
    from recording import wiring

    with Azurite() as storage, _app(world, storage.connection_string), ExitStack() as stack:
        queue = stack.enter_context(QueueClient.from_connection_string(storage.connection_string, CHUNKS_QUEUE))
        queue.create_queue()
        for _ in plans:
            queue.send_message("x" * 1000)
        ports = wiring.ports()
        _made_ready(ports, plans)
        begun = time.perf_counter()
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda calls: _replay(ports, queue, calls), plans))
        return time.perf_counter() - begun


def _made_ready(ports: Any, plans: list[list[Call]]) -> None:
    """Make what ingest has written before, and tables and containers, which are made on first use."""
    ports.archive.put_once("ready.txt", b"ready", "text/plain")
    for calls in plans:
        for kind in ("chunk", "recording"):
            saved = [call.arguments[0] for call in calls if call.method == f"save_{kind}"]
            if saved and not any(call.method == f"add_{kind}" for call in calls):
                getattr(ports.catalog, f"add_{kind}")(saved[0].model_copy(update={"etag": None}))


def _replay(ports: Any, queue: QueueClient, calls: list[Call]) -> None:
    message = next(iter(queue.receive_messages(max_messages=1, visibility_timeout=60)), None)
    etags: dict[tuple[str, ...], str | None] = {}
    for call in calls:
        _again(getattr(ports, call.port), call, etags)
    if message is not None:
        queue.delete_message(message)


def _again(port: Any, call: Call, etags: dict[tuple[str, ...], str | None]) -> None:
    """Make a call again, with the ETags of this storage."""
    arguments = list(call.arguments)
    kind = call.method.partition("_")[2]
    if call.method == "open_content":
        with port.open_content(*arguments, **call.options) as content:
            for _ in content.pieces():
                pass
        return
    if call.method.startswith(("save_", "add_")) and hasattr(arguments[0], "etag"):
        place = (kind, _key_of(arguments[0]))
        arguments[0] = arguments[0].model_copy(update={"etag": etags.get(place)})
    if call.method == "put_media":
        arguments[1] = memoryview(arguments[1])
    if call.method == "fill":
        arguments[2:] = [memoryview(bytearray(len(arguments[2])))]  # and no ETag: it is another one here
    if call.method == "put_if_unchanged":
        arguments[3] = etags.get(("get", arguments[0]))
    result = getattr(port, call.method)(*arguments, **call.options)
    if call.method == "get":
        etags["get", arguments[0]] = result[1] if result else None
    elif getattr(result, "etag", None) and not isinstance(result, StoredBlob):
        etags[kind, _key_of(result)] = result.etag


def _key_of(record: Any) -> str:
    return str(record.key if hasattr(record, "key") else record.recording_id)


# --- the line --------------------------------------------------------------------------------------------------------


def _archived(
    world: LocalWorld,
    tasks: list[str],
    settings: Mapping[str, str] = MappingProxyType({}),
    then: Callable[[LocalWorld, list[str]], None] | None = None,
) -> Burst:
    """Return what it took until the host has archived all but the first of them and deleted their sources.

    From the moment they are visible. The first is archived before: with it a process loads what it needs, as the
    floor has done too, and a cold start is a figure of its own.

    Args:
        world: whose storage and simulator are used.
        tasks: the messages, at least two.
        settings: of the app, beside the world's.
        then: is called with the tasks while the host still runs.
    """
    with warm_line(world, tasks[0], settings) as line:
        took = line.burst(tasks[1:])
        if then is not None:
            then(world, tasks)
        return took


class Line:
    """A warm host on a world of its own, which archives one burst after the other."""

    def __init__(self, world: LocalWorld, host: HostProcess, queue: QueueClient) -> None:
        self._world, self._host, self._queue = world, host, queue

    def burst(self, tasks: list[str]) -> Burst:
        """Return what it took until all of them are archived and their sources deleted, from when they are visible."""
        visible_at = time.time() + 4 + len(tasks) // 100  # time to send them all
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda task: _send(self._queue, task, visible_at), tasks))
        time.sleep(max(0.0, visible_at - time.time()))
        begun, used = time.perf_counter(), _cpu_of(self._host)
        _wait_until_done(self._world, self._queue, tasks)
        return Burst(len(tasks), time.perf_counter() - begun, _cpu_of(self._host) - used)


@contextmanager
def warm_line(world: LocalWorld, first: str, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Line]:
    """Start the host, let it archive the first task, and yield it: a process loads with it what it needs.

    What the simulator announced until now is forgotten, because the tasks are sent at one moment; so make them before.
    """
    with QueueClient.from_connection_string(world.storage, EVENTS_QUEUE) as announced:
        announced.clear_messages()
    with HostProcess(REPOSITORY, {**world.settings(), **settings}, world.folder / "bench-host") as host:
        host.wait_ready(_READY_SECONDS)
        with QueueClient.from_connection_string(world.storage, CHUNKS_QUEUE) as queue:
            _send(queue, first, time.time())
            _wait_until_done(world, queue, [first])
            yield Line(world, host, queue)


def _wait_until_done(world: LocalWorld, queue: QueueClient, tasks: list[str]) -> None:
    """Wait until the queue has none of these messages any more, which costs little to ask; then all are archived."""
    while queue.get_queue_properties().approximate_message_count:
        time.sleep(0.1)
    wanted = {json.loads(task)["recording_id"] for task in tasks}
    left = [one for one in world.simulator.objects() if one["recordingId"] in wanted and not one["deletedAt"]]
    if left:
        raise RuntimeError(f"{len(left)} of {len(tasks)} chunks were not archived")


def _cpu_of(host: HostProcess) -> float:
    times = psutil.Process(host.pid).cpu_times()
    return times.user + times.system


def _send(queue: QueueClient, task: str, visible_at: float) -> None:
    body = base64.b64encode(task.encode()).decode()
    queue.send_message(body, visibility_timeout=max(1, math.ceil(visible_at - time.time())), time_to_live=-1)
