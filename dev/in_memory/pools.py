"""Buffers and threads for worlds in memory: those that all of them share, or none but the caller's own thread."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import cache
from typing import Any

from recording.archive.transfer.buffers import SlotPool
from recording.archive.transfer.pace import MIB


class AtOnce(Executor):
    """Runs what is submitted before it answers."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return the finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - an executor hands on whatever its job raised
            future.set_exception(error)
        return future


@cache
def shared_pool() -> SlotPool:
    """Return the pool of this process, as the app has one."""
    return SlotPool(64 * MIB, threads=32)


def one_thread_pool(budget_bytes: int = 64 * MIB) -> SlotPool:
    """Return a pool whose copies make all port calls in the caller's thread, in the same order each time."""
    pool = SlotPool(budget_bytes, threads=1)
    pool.threads = AtOnce()
    return pool
