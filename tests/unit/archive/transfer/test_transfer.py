"""The copy engine: whatever sizes, interleaving, failures and restarts, the archive gets the source's bytes."""

import hashlib
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dev.in_memory.builders import metadata, mp3, task, wav
from dev.in_memory.fakes.source import FakeContent
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.archive.transfer.buffers import SlotPool, budget_for
from recording.archive.transfer.pace import MIB
from recording.archive.transfer.readback import _RANGE as RANGE
from recording.archive.transfer.readback import ARCHIVE
from recording.archive.transfer.traffic import Share, traffic_to
from recording.domain.archived.blocks import Block, block_id, crc64_of, plan, staged_block, usable
from recording.domain.state.chunk import ChunkState
from recording.errors import SourceBusyError, SourceSlowError, SourceThrottledError, StorageBusyError
from recording.ports import BufferPool
from recording.settings.values import MediaCheck

BLOCK = 1000


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


def blocks_world(
    length: int, block_bytes: int = BLOCK, pool: BufferPool | None = None, **changes: Any
) -> tuple[World, bytes]:
    """ACS holds a file of this length; what is in it does not matter."""
    here = world(pool=pool, copy_block_bytes=block_bytes, media_check=MediaCheck.OFF, **changes)
    media = random.Random(length).randbytes(length)
    here.holds(task(), media)
    return here, media


# --- any interleaving ------------------------------------------------------------------------------------------------


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


# --- a source that is not what it was --------------------------------------------------------------------------------


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


# --- going on where another worker ended ------------------------------------------------------------------------------


def interrupted(here: World, after_stages: int) -> None:
    """A worker dies after it has staged so many blocks."""
    staged = 0

    def die(port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal staged
        staged += method == "stage_block"
        return (WorkerDiedError() if method == "stage_block" and staged > after_stages else None), False

    intercept(here, die)
    with pytest.raises(WorkerDiedError):
        here.works(task())
    leave_alone(here)
    here.fakes.clock.advance(minutes=5)


def fetched_bytes(here: World) -> Callable[[], int]:
    """Counts what the source gives from now on."""
    given = 0
    plain = here.source.open

    def counting(location: str, first: int = 0, length: int | None = None) -> FakeContent:
        nonlocal given
        content = plain(location, first, length)
        if location == task().content_location:
            given += min(length or len(here.source.objects[location]), len(here.source.objects[location]) - first)
        return content

    here.source.open = counting  # type: ignore[method-assign]  # listens and passes on
    return lambda: given


def test_the_next_worker_stages_only_what_is_missing() -> None:
    """A kill costs a block for each slot, not the file."""
    here, media = blocks_world(50 * BLOCK)
    interrupted(here, after_stages=40)
    given = fetched_bytes(here)
    here.works(task())
    assert list(here.media_blobs().values()) == [media]
    assert given() <= 12 * BLOCK + 12 * 64
    assert here.record().sha256 == hashlib.sha256(media).hexdigest()
    assert "copied in several runs; read back whole: each block is the source's" in here.record().verified_how


def test_a_resumed_file_that_does_not_open_is_not_the_recording() -> None:
    """It was seen whole for the first time when it was read back: no proof, no delete."""
    here = world(copy_block_bytes=BLOCK)
    here.holds(task(), b"no media at all" * 1000)
    interrupted(here, after_stages=5)
    here.works(task())
    record = here.record()
    assert (record.state, record.blob_name, len(record.suspects)) == (ChunkState.PENDING, None, 1)
    assert "delete" not in here.source.calls


def test_a_copy_goes_on_although_the_bytes_are_of_another_format_than_announced() -> None:
    """The blocks are staged under the name that the bytes told, and only there they can be found."""
    here = world(copy_block_bytes=BLOCK)
    media = mp3(20 * BLOCK // 216)
    here.holds(task(), media, metadata(chunkDuration=20 * BLOCK // 216 * 36))
    interrupted(here, after_stages=12)
    before = here.fakes.archive.calls.count("stage_block")
    here.works(task())
    assert list(here.media_blobs().values()) == [media]
    assert (here.record().blob_name or "").endswith(".mp3")
    assert here.fakes.archive.calls.count("stage_block") - before < 12


def test_staged_blocks_of_another_version_are_not_used() -> None:
    """The object was replaced while nobody looked."""
    here, _ = blocks_world(20 * BLOCK)
    interrupted(here, after_stages=10)
    other = random.Random(9).randbytes(20 * BLOCK)
    here.holds(task(), other)
    here.works(task())
    assert list(here.media_blobs().values()) == [other]


def test_blocks_that_somebody_else_staged_do_not_get_into_the_file() -> None:
    """Only ids made from this object's place, length and checksum count."""
    here, media = blocks_world(5 * BLOCK)
    interrupted(here, after_stages=2)
    (name,) = here.fakes.archive.staged
    mark = next(iter(here.fakes.archive.staged[name]))[18:34]
    here.fakes.archive.staged[name]["x" * 50] = b"foreign"
    forged = block_id(Block(4000, 500), mark, crc64_of(b"y" * 500))
    here.fakes.archive.staged[name][forged] = b"y" * 400  # another length than its id says
    here.works(task())
    assert list(here.media_blobs().values()) == [media]


def test_a_copy_whose_time_is_used_up_goes_on_in_the_next_run() -> None:
    """No run may outlive the host's limit, and a file may need several."""
    here, media = blocks_world(60 * BLOCK, copy_time_budget=timedelta(minutes=1), claim_length=timedelta(hours=1))
    plain = FakeContent.fill

    def slowly(self: FakeContent, view: memoryview) -> int:
        here.fakes.clock.advance(seconds=5)
        return plain(self, view)

    here.fakes.queue.send(task())
    FakeContent.fill = slowly  # type: ignore[method-assign]  # put back below
    try:
        here.runs(hours=3)
    finally:
        FakeContent.fill = plain  # type: ignore[method-assign]
    assert list(here.media_blobs().values()) == [media]
    assert here.record().attempts > 2
    assert here.record().task.attempt == 0, "a pause is no failed try"


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


# --- blocks and slots ------------------------------------------------------------------------------------------------


@given(st.integers(1, 10_000), st.integers(1, 500), st.lists(st.tuples(st.integers(0, 9_999), st.integers(1, 400))))
def test_what_is_kept_and_what_is_planned_is_the_file(total: int, size: int, staged: list[tuple[int, int]]) -> None:
    """No byte twice, none missing, whatever an earlier worker left."""
    ids = {block_id(Block(offset, length), "a" * 32, offset): length for offset, length in staged}
    kept = list(usable(ids, "a" * 32, total))
    ranges = sorted([*kept, *plan(total, lambda: size, kept)], key=lambda block: block.offset)
    assert [block.offset for block in ranges] == [0, *(block.end for block in ranges)][:-1]
    assert ranges[-1].end == total


def test_an_id_says_what_it_was_made_from() -> None:
    """The next worker has nothing else to go by."""
    text = block_id(Block(5 << 30, 8 << 20), "0123456789abcdef99", crc64_of(b"x"))
    assert len(text) == 50
    found = staged_block(text, "0123456789abcdef99")
    assert found is not None
    assert (found.offset, found.length, found.crc64) == (5 << 30, 8 << 20, f"{crc64_of(b'x'):016x}")
    assert staged_block(text, "f" * 32) is None
    assert staged_block("0001-abc", "0123456789abcdef99") is None


def test_the_checksum_is_the_one_that_storage_computes() -> None:
    """CRC-64/NVME, whose check value is published: 0xae8b14860a799888."""
    assert crc64_of(b"123456789") == 0xAE8B14860A799888


def test_the_pool_never_gives_more_than_its_budget() -> None:
    """I8: memory is bounded for the process, not for a copy."""
    pool = SlotPool(1000, 2)
    held = [pool.take(400, lambda: None), pool.take(600, lambda: None)]

    class NoneFreeError(Exception):
        pass

    def give_up() -> None:
        raise NoneFreeError

    with pytest.raises(NoneFreeError):
        pool.take(1, give_up)
    held[0].give_back()
    held[0].give_back()  # twice is harmless
    assert pool.take(400, give_up).view.nbytes >= 400
    with pytest.raises(NoneFreeError):
        pool.take(1, give_up)


@pytest.mark.parametrize(("memory", "budget"), [(512 * MIB, 32 * MIB), (2048 * MIB, 64 * MIB), (4096 * MIB, 64 * MIB)])
def test_the_budget_follows_the_instance(memory: int, budget: int) -> None:
    """A small instance must not be killed for memory in the middle of a copy."""
    assert budget_for(memory) == budget


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


def test_a_first_block_is_served_before_the_blocks_that_wait() -> None:
    """Most files have no other: they must not wait behind a gigabyte."""
    pool, served = SlotPool(100, 1), []
    held = pool.take(100, lambda: None)

    def wait_for(name: str, *, is_first: bool) -> None:
        slot = pool.take(100, lambda: None, is_first=is_first)
        served.append(name)
        slot.give_back()

    waiting = []
    for name, is_first in (("large", False), ("small", True)):
        thread = threading.Thread(target=wait_for, args=(name,), kwargs={"is_first": is_first})
        thread.start()
        waiting.append(thread)
        while len(pool._waiting) < len(waiting):
            threading.Event().wait(0.001)
    held.give_back()
    for thread in waiting:
        thread.join()
    assert served == ["small", "large"]


def test_a_buffer_fits_the_next_block_of_about_its_size() -> None:
    """Mixed sizes would else throw buffers away and touch new memory for each block."""
    pool = SlotPool(64 * MIB, 1)
    first = pool.take(MIB + 1, lambda: None)
    view = first.view
    first.give_back()
    again = pool.take(2 * MIB, lambda: None)
    assert again.view.obj is view.obj
    assert len(again.view) >= 2 * MIB + 65


@pytest.mark.parametrize("death", [KeyboardInterrupt, SystemExit, MemoryError, WorkerDiedError])
@pytest.mark.parametrize("method", ["stage_block", "open_content", "fill"])
@pytest.mark.parametrize("call", [1, 2, 4])
def test_whatever_is_killed_in_the_middle_gives_back_what_it_held(
    death: type[BaseException], method: str, call: int
) -> None:
    """Buffers and connections are the process's: what one copy keeps is missing to all others until it is restarted."""
    pool = one_thread_pool(4 * BLOCK)
    here, media = blocks_world(9 * BLOCK, pool=pool)
    calls = 0

    def die(_port: str, called: str) -> tuple[Exception | None, bool]:
        nonlocal calls
        calls += called == method
        if calls == call:
            raise death
        return None, False

    intercept(here, die)
    with suppress(death):
        here.works(task())
    leave_alone(here)
    assert calls >= call
    with pool._changed:  # a thread that hashes may be giving its block back at this moment
        assert pool._changed.wait_for(lambda: pool._used == 0, timeout=60)
    assert [traffic.running for traffic in pool._shared.values() if traffic.running] == []
    here.fakes.clock.advance(minutes=10)
    here.works(task())
    assert list(here.media_blobs().values()) == [media]


def test_a_small_blob_is_read_back_past_the_ranges_of_large_ones() -> None:
    """It would else wait for a turn behind files that take minutes, and for their hashing."""
    pool = SlotPool(64 * MIB, threads=1)
    here, media = blocks_world(BLOCK, pool=pool)
    traffic = traffic_to(ARCHIVE, pool, RANGE)
    large = Share()
    large.thread = -1
    traffic.join(large)
    while traffic.begin(large):
        pass
    pool.hashers.submit(threading.Event().wait, 0)  # what is there does not matter: none is asked
    before = traffic.running
    here.works(task())
    assert list(here.media_blobs().values()) == [media]
    assert "fill" in here.fakes.archive.calls
    assert traffic.running == before
