"""The pool of buffers: within its budget, in turn, and given back whatever is killed."""

import threading
from contextlib import suppress

import pytest

from dev.in_memory.builders import task
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import WorkerDiedError, intercept, leave_alone
from recording.archive.transfer.buffers import SlotPool, budget_for
from recording.archive.transfer.pace import MIB
from tests.unit.archive.transfer.blocks import BLOCK, blocks_world

pytestmark = pytest.mark.slow


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


def test_what_is_shared_and_used_again_and_again_is_not_dropped() -> None:
    """Small files go before large ones of whatever host; many hosts must not make two orders of that."""
    pool = SlotPool(4 * MIB, threads=1)
    always = pool.shared("always", object)
    for number in range(200):
        pool.shared(number, object)
        assert pool.shared("always", object) is always
    assert len(pool._shared) <= 64
    pool.close()


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
    assert [shared.running for shared in pool._shared.values() if shared.running] == []
    here.fakes.clock.advance(minutes=10)
    here.works(task())
    assert list(here.media_blobs().values()) == [media]
