"""The buffer pool of a process: it bounds the memory of all copies together, however many run at once (I8)."""

import ctypes
import mmap
import os
import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from recording.archive.transfer.pace import MIB

LEAD_BYTES = 64  # each range begins a little early, to check that the object is still the same
_SPARE = LEAD_BYTES + 1  # one byte more than announced reveals a body that is too long
_SMALL_INSTANCE = 1024 * MIB
_M_ARENA_MAX = -8  # <malloc.h>
_MOST_SHARED = 64  # hosts whose pace is remembered
_WAIT_SECONDS = 1.0  # how long to wait for a buffer before checking the claim again

T = TypeVar("T")


class Slot:
    """A buffer on loan; it returns to its pool when its last user drops it."""

    def __init__(self, pool: "SlotPool", size: int, buffer: mmap.mmap) -> None:
        self.size = size
        self._pool = pool
        self._buffer = buffer
        self._users = 1
        self._is_out = True
        self._lock = threading.Lock()

    @property
    def view(self) -> memoryview:
        """Return the memory: room for a block, its lead and one extra byte."""
        return memoryview(self._buffer)

    @property
    def is_out(self) -> bool:
        """Return whether it is still on loan."""
        return self._is_out

    def hold(self) -> None:
        """Count one more user."""
        with self._lock:
            self._users += 1

    def drop(self) -> None:
        """Count one user fewer."""
        with self._lock:
            self._users -= 1
            is_free = self._users == 0
        if is_free:
            self.give_back()

    def give_back(self) -> None:
        """Return it to the pool, even if it is still in use; doing so twice is harmless."""
        with self._lock:
            was_out, self._is_out = self._is_out, False
        if was_out:
            self._pool.release(self.size, self._buffer)


class SlotPool:
    """A budget of buffers, allocated on first use, and the threads that fill, empty and hash them.

    The copy that has waited longest is served first, so that a file with small blocks does not starve one with large
    blocks; but a file's first block goes before all others, because most files have only one.
    """

    def __init__(self, budget_bytes: int, threads: int) -> None:
        self.budget_bytes = budget_bytes
        self.threads: Executor = ThreadPoolExecutor(threads, thread_name_prefix="copy")
        self.hashers: Executor = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="hash")
        self.most_at_once = threads
        self._free: dict[int, list[mmap.mmap]] = {}
        self._used = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()
        self._shared: dict[Hashable, Any] = {}

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the object that all copies share under a key; of too many, the one unused for longest is dropped."""
        with self._changed:
            if key in self._shared:
                found = self._shared.pop(key)
            else:
                if len(self._shared) >= _MOST_SHARED:
                    del self._shared[next(iter(self._shared))]
                found = make()
            self._shared[key] = found
            return cast("T", found)

    def close(self) -> None:
        """End the threads; a copy that is still running fails."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.hashers.shutdown(wait=False, cancel_futures=True)

    def take(self, size: int, look: Callable[[], None], *, is_first: bool = False) -> Slot:
        """Lend a buffer for one block of at most `size` bytes; wait while other copies hold all of them.

        Args:
            size: bytes; a size above the pool's budget counts as the whole budget.
            look: called about once a second while waiting; whatever it raises ends the waiting.
            is_first: for a file's first block, which is served before all others.
        """
        ticket = object()
        with self._changed:
            if is_first:
                self._waiting.appendleft(ticket)
            else:
                self._waiting.append(ticket)
        try:
            while (slot := self._take(ticket, size)) is None:
                look()  # possibly a call to storage; the other copies must not wait for it
            return slot
        finally:
            with self._changed:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _take(self, ticket: object, size: int) -> Slot | None:
        """Return a slot when it is the ticket's turn and there is room, or None after a while without."""
        counted = self._counted(size)
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._waiting[0] is ticket and self._used + counted <= self.budget_bytes, _WAIT_SECONDS
            ):
                return None
            buffer = self._buffer(size, counted)
            self._used += counted
            return Slot(self, size, buffer)

    def release(self, size: int, buffer: mmap.mmap) -> None:
        """Take a buffer back."""
        with self._changed:
            self._free.setdefault(_class_of(size), []).append(buffer)
            self._used -= self._counted(size)
            self._changed.notify_all()

    def _counted(self, size: int) -> int:
        """Return what a block counts against the budget: the whole buffer that it may occupy."""
        return min(_class_of(size), self.budget_bytes)

    def _make_room(self, counted: int) -> None:
        """Free idle buffers, the largest first, until a new one fits into the budget."""
        free = sum(kept * len(buffers) for kept, buffers in self._free.items())
        for kept in sorted(self._free, reverse=True):
            while self._free[kept] and free + self._used + counted > self.budget_bytes:
                self._free[kept].pop()
                free -= kept

    def _buffer(self, size: int, counted: int) -> mmap.mmap:
        """Return a free buffer, or a new one.

        Anonymous memory instead of `bytearray`: freed memory returns to the system at once, and untouched pages cost
        nothing. Private, because the first touch of each page costs more in shared memory.
        """
        if ready := self._free.get(_class_of(size)):
            return ready.pop()
        self._make_room(counted)
        return mmap.mmap(-1, _class_of(size) + _SPARE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def _class_of(size: int) -> int:
    """Return the size of the buffer for a block: few sizes, so that a returned buffer fits the next block.

    Powers of two of a MiB up to 8 MiB; smaller or larger blocks (sizes that a setting prescribes) get their own.
    """
    if not MIB // 2 < size <= 8 * MIB:
        return size
    return MIB << max(0, (size - 1).bit_length() - MIB.bit_length() + 1)


def process_pool(slots: int | None, block_bytes: int | None) -> SlotPool:
    """Make the pool of this process, sized by settings or by the instance's memory.

    Args:
        slots: blocks at once, by COPY_SLOTS.
        block_bytes: their size, by COPY_BLOCK_MIB.
    """
    _share_arenas()
    budget = budget_for(memory_bytes())
    if slots is None and block_bytes is None:
        return SlotPool(budget, threads=budget // (2 * MIB))
    size = block_bytes or 4 * MIB
    count = slots or max(1, budget // size)
    return SlotPool(count * size, threads=min(count, 64))


def _share_arenas() -> None:
    """Make glibc keep two heaps instead of one per thread, which would hold on to freed memory.

    Measured on a gigabyte from a throttled source, with read-back: 137 MB above idle before, 65 MB after. Where there
    is no such function (musl, macOS), nothing is done.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def budget_for(memory: int) -> int:
    """Return the bytes of buffers for an instance of this memory: 64 MiB, or 32 MiB where memory is short."""
    return 32 * MIB if memory <= _SMALL_INSTANCE else 64 * MIB


def memory_bytes() -> int:
    """Return the memory that this process may use: the container's limit if there is one, else the machine's."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = Path(limit).read_text(encoding="ascii").strip() if Path(limit).is_file() else ""
        if text.isdigit():
            memory = min(memory, int(text))
    return memory
