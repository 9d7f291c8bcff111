"""The line with two sets of settings, chunk by chunk in turn: what a setting takes from it, on a busy machine too."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from dev.bench.small_chunks import _tasks
from dev.world import LocalWorld, WorldOptions

_PATIENCE_SECONDS = 120.0  # for one turn; the first of a process loads what it needs
Say = Callable[[str], None]


@dataclass(frozen=True)
class Turn:
    """What the line needed for one chunk: seconds, and CPU seconds of its process."""

    seconds: float
    cpu: float


def in_turn(variants: Mapping[str, Mapping[str, str]], count: int, say: Say) -> dict[str, list[Turn]]:
    """Archive so many small chunks with each of two settings, one with the one, one with the other, and so on.

    Each has a process of its own, and they share the storage and the simulator of one world. The two turns of a pair
    are a moment apart, so that a machine whose speed drifts is the same machine for both.

    Args:
        variants: settings of the app, beside the world's, by a name.
        count: chunks for each.
        say: is told what is under way.
    """
    turns: dict[str, list[Turn]] = {name: [] for name in variants}
    names = list(variants)
    with LocalWorld(WorldOptions(host="builtin")) as world, ExitStack() as stack:
        world._stop_host()
        say(f"{count} pairs of chunks")
        tasks = _tasks(world, (count + 1) * len(names))
        lines = {
            name: stack.enter_context(_line_process({**world.settings(), **settings}))
            for name, settings in variants.items()
        }
        for name in names:
            _archived(lines[name], tasks.pop())
        for number in range(count):
            for name in names if number % 2 == 0 else reversed(names):
                turns[name].append(_archived(lines[name], tasks.pop()))
    return turns


def _archived(line: Connection, task: str) -> Turn:
    line.send(task)
    if not line.poll(_PATIENCE_SECONDS):
        raise RuntimeError(f"a chunk was not archived in {_PATIENCE_SECONDS:.0f} s")
    return Turn(*line.recv())


@contextmanager
def _line_process(settings: Mapping[str, str]) -> Iterator[Connection]:
    """Yield the connection to a process that archives each task that it is sent."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, dict(settings)), daemon=True)
    process.start()
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.join(10)
        if process.is_alive():
            process.terminate()


def _serve(orders: Connection, settings: dict[str, str]) -> None:
    os.environ.update(settings)
    from recording import wiring
    from recording.archive.line import archive_message

    while True:
        try:
            task = orders.recv()
        except EOFError:
            return
        begun, used = time.perf_counter(), time.process_time()
        archive_message(task, wiring.ports(), wiring.settings())
        orders.send((time.perf_counter() - begun, time.process_time() - used))
