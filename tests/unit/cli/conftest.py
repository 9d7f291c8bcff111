"""A world with one archived recording, and the program run on it."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, event, task
from dev.in_memory.world import World, world
from recording.cli.__main__ import main
from recording.domain.find.short_ids import short_id
from recording.domain.state.chunk import ChunkState

SHORT = short_id(RECORDING_ID)
Run = Callable[..., tuple[int, str]]
Hold = Callable[[], None]
FilesOfAtMost = Callable[[int], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def local_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal of this test stands in a pipe, wherever the tests run."""
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def here() -> World:
    """A world with one archived recording."""
    made = world()
    made.holds(task())
    made.announces(event())
    made.runs()
    return made


@pytest.fixture
def run(here: World) -> Run:
    """Run the program; returns its exit code and all that it printed."""

    def call(*arguments: str, **session: Any) -> tuple[int, str]:
        told: list[str] = []
        code = main(arguments, lambda: (here.ports, here.settings), told.append, **session)
        return code, "".join(told)

    return call


@pytest.fixture
def hold(here: World) -> Callable[[], None]:
    """Hold the recording's only chunk."""

    def change() -> None:
        held = {"state": ChunkState.QUARANTINED, "quarantine_reason": "source_forbidden"}
        here.fakes.catalog.save_chunk(here.record().model_copy(update=held))

    return change


@pytest.fixture
def files_of_at_most() -> FilesOfAtMost:
    """Have the system refuse to write beyond a length, as a full disk does."""

    @contextmanager
    def limit(length_bytes: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (length_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit
