"""Fetching: whatever sizes, interleaving and failures, the archive gets the source's bytes."""

import hashlib
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dev.in_memory.builders import task, wav
from dev.in_memory.fakes.source import FakeContent
from dev.in_memory.world import WorkerDiedError, intercept, leave_alone, world
from recording.archive.transfer.buffers import SlotPool
from recording.archive.transfer.pace import MIB
from recording.domain.state.chunk import ChunkState
from recording.errors import SourceBusyError, SourceSlowError, SourceThrottledError, StorageBusyError
from recording.settings.values import MediaCheck
from tests.unit.archive.transfer.blocks import BLOCK, blocks_world
from tests.unit.archive.transfer.test_resume import fetched_bytes

pytestmark = pytest.mark.slow


class AnyOrder(ThreadPoolExecutor):
    """Threads that take the waiting jobs in an order of their own."""

    def __init__(self, threads: int, seed: int) -> None:
        super().__init__(threads)
        self._random = random.Random(seed)
        self._jobs: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._guard = threading.Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._guard:
            self._jobs.append((future, lambda: fn(*args, **kwargs)))
        super().submit(self._next)
        return future

    def _next(self) -> None:
        with self._guard:
            future, job = self._jobs.pop(self._random.randrange(len(self._jobs)))
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(job())
        except BaseException as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    length=st.integers(1, 12_000),
    block_bytes=st.integers(16, 4000),
    slots=st.integers(1, 8),
    seed=st.integers(0, 1 << 30),
    faults=st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["busy", "dies", "after"])), max_size=6),
    ranges=st.booleans(),
)
def test_any_interleaving_gives_the_same_bytes(  # noqa: PLR0917 - hypothesis gives each by name
    length: int, block_bytes: int, slots: int, seed: int, faults: list[tuple[int, str]], ranges: bool
) -> None:
    """Completion order, failures, deaths, resumes and sizes change how long it takes, never what arrives."""
    pool = SlotPool(slots * block_bytes, slots)
    pool.threads = AnyOrder(slots, seed)
    here, media = blocks_world(length, block_bytes, pool)
    here.source.ignores_ranges = not ranges
    calls, guard, planned = 0, threading.Lock(), dict(faults)

    def decide(port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal calls
        if port not in ("FakeArchive", "WitnessedSource"):
            return None, False
        with guard:
            calls += 1
            fault = planned.pop(calls, None)
        if fault is None:
            return None, False
        busy = StorageBusyError("busy") if port == "FakeArchive" else SourceBusyError("busy")
        return (WorkerDiedError() if fault == "dies" else busy), fault == "after"

    intercept(here, decide)
    here.fakes.queue.send(task())
    with pool.threads, pool.hashers:
        here.runs(hours=12)
        leave_alone(here)
        here.runs(hours=12)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert list(here.media_blobs().values()) == [media]
    assert here.record().sha256 == hashlib.sha256(media).hexdigest()


@pytest.mark.parametrize("length", [1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK, 5 * BLOCK + 1])
@pytest.mark.parametrize("ignores_ranges", [False, True])
def test_every_length_around_the_size_of_a_block_arrives(length: int, ignores_ranges: bool) -> None:
    """Off by one is where copies break."""
    here, media = blocks_world(length)
    here.source.ignores_ranges = ignores_ranges
    here.works(task())
    assert list(here.media_blobs().values()) == [media]


def test_a_file_of_one_block_is_one_get_and_one_put() -> None:
    """Most recordings of a contact centre are small: each request counts."""
    here, _ = blocks_world(BLOCK)
    here.works(task())
    assert here.source.calls.count("open_content") == 1
    assert [call for call in here.fakes.archive.calls if call in ("put_media", "stage_block", "commit")] == [
        "put_media"
    ]


def test_a_source_that_ignores_ranges_is_read_once() -> None:
    """Asking for every block would fetch the file once for each."""
    here, _ = blocks_world(7 * BLOCK + 3)
    here.source.ignores_ranges = True
    here.works(task())
    assert here.source.calls.count("open_content") == 1
    assert here.state() is ChunkState.SOURCE_DELETED


@pytest.mark.parametrize("change", ["swapped", "shortened", "lengthened", "new version", "same length, new version"])
def test_an_object_that_changes_between_ranges_is_not_archived(change: str) -> None:
    """Half of one file and half of another would have the right length and open all right."""
    here, media = blocks_world(10 * BLOCK)
    place = task().content_location
    other = random.Random(1).randbytes(len(media))
    becomes = {"shortened": media[:-1], "lengthened": media + b"x", "same length, new version": media}.get(
        change, other
    )
    opened = 0
    plain = here.source.open

    def open_changing(location: str, first: int = 0, length: int | None = None) -> FakeContent:
        nonlocal opened
        if location == place:
            opened += 1
            if opened == 4:
                here.source.objects[place] = becomes
                here.truth[task().document_id] = becomes, here.truth[task().document_id][1]
                if "version" in change:
                    here.source.versions[place] = '"2"'
        return plain(location, first, length)

    here.source.open = open_changing  # type: ignore[method-assign]  # the same, with a change on the way
    if "version" in change:
        here.source.versions[place] = '"1"'
    here.works(task())
    assert (here.record().last_error, here.media_blobs()) == ("source_changed", {})
    here.fakes.clock.advance(hours=1)
    here.works(task())
    assert list(here.media_blobs().values()) == [becomes]


@pytest.mark.parametrize("beyond", [1, BLOCK])
def test_a_longer_body_than_was_declared_is_noticed(beyond: int) -> None:
    """Whatever the source says, what it gives must agree with it."""
    here, media = blocks_world(BLOCK - 10)
    here.source.declared[task().content_location] = len(media) - beyond if beyond < len(media) else 5
    here.works(task())
    assert (here.record().last_error, here.media_blobs()) == ("source_short", {})


def test_one_range_that_fails_for_a_moment_does_not_end_the_copy() -> None:
    """A broken connection costs one range."""
    here, media = blocks_world(20 * BLOCK)
    opened = failures = 0
    guard = threading.Lock()

    def sometimes(port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal opened, failures
        with guard:
            opened += method == "open_content"
            if method == "open_content" and opened in (5, 9):
                failures += 1
                return SourceThrottledError("429") if failures == 1 else SourceBusyError("reset"), False
        return None, False

    intercept(here, sometimes)
    here.works(task())
    assert list(here.media_blobs().values()) == [media]
    assert (failures, here.record().attempts) == (2, 1)


def test_a_range_that_drips_is_not_asked_for_again_in_the_same_turn() -> None:
    """Three limits on a whole request would hold the worker for minutes; what is staged stays for the next turn."""
    here, _ = blocks_world(6 * BLOCK)
    here.source.fail_next("open_content", SourceBusyError("no"))
    plain, asked = here.source.open, list[int]()

    def open_slowly(location: str, first: int = 0, length: int | None = None) -> FakeContent:
        if location == task().content_location and first > 0:
            asked.append(first)
            raise SourceSlowError("too slow")
        return plain(location, first, length)

    here.source.open = open_slowly  # type: ignore[method-assign]  # stands between the app and the fake
    for _ in range(2):
        here.works(task())
    assert here.state() is ChunkState.PENDING
    assert len(asked) == len(set(asked)) > 0
    here.source.open = plain  # type: ignore[method-assign]
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED


def test_media_of_a_real_format_is_looked_at_in_blocks_too() -> None:
    """The probe sees the file in its order, whichever block came first."""
    here = world(copy_block_bytes=BLOCK)
    here.holds(task())
    here.works(task())
    assert here.state() is ChunkState.SOURCE_DELETED
    assert list(here.media_blobs().values()) == [wav()]


def test_the_work_grows_no_faster_than_the_file() -> None:
    """The SDK's own way of streaming into a blob is quadratic: 64 MiB take not 8 but 64 times as long as 8 MiB."""

    def cpu_seconds(length: int) -> float:
        here = world(copy_block_bytes=MIB, media_check=MediaCheck.OFF)
        here.holds(task(), bytes(length))
        begun = time.process_time()
        here.works(task())
        assert here.state() is ChunkState.SOURCE_DELETED
        return time.process_time() - begun

    cpu_seconds(MIB)  # imports and threads
    large, small = (min(cpu_seconds(length) for _ in range(3)) for length in (64 * MIB, 8 * MIB))  # without its noise
    assert large < 32 * small


def test_every_range_is_asked_for_once() -> None:
    """Twice as many requests would be half the speed where each has to wait its turn."""
    here, media = blocks_world(40 * BLOCK)
    given = fetched_bytes(here)
    here.works(task())
    assert given() <= len(media) + 41 * 64
    assert here.source.calls.count("open_content") == 40


@pytest.mark.parametrize("blocks", [3, 20])
def test_a_source_that_names_another_version_in_each_answer_is_read_in_one(blocks: int) -> None:
    """Machines that do not agree on a version would be asked in parts until ACS has forgotten the recording."""
    here, media = blocks_world(blocks * BLOCK)
    here.source.names_a_version_each_time = True
    here.fakes.queue.send(task())
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert list(here.media_blobs().values()) == [media]
