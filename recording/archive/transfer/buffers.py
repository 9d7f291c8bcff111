"""The buffers of a process: one pool bounds the memory of all copies together, however many run at once (I8)."""

import ctypes
import mmap
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path

MIB = 1 << 20
LEAD_BYTES = 64  # each range begins a little early, to see that the object is still the same
_SPARE = LEAD_BYTES + 1  # one byte more than announced shows a body that is too long
_SMALL_INSTANCE = 1024 * MIB
_M_ARENA_MAX = -8  # <malloc.h>
_WAIT_SECONDS = 1.0  # how long to wait for a buffer before looking at the claim again


class Slot:
    """A buffer on loan; it goes back to the pool when the last of its users drops it."""

    def __init__(self, pool: "SlotPool", size: int, buffer: mmap.mmap | None) -> None:
        self.size = size
        self._pool = pool
        self._buffer = buffer
        self._users = 1
        self._is_out = True
        self._lock = threading.Lock()

    @property
    def view(self) -> memoryview:
        """Room for a block, its lead and one byte more."""
        return memoryview(self._buffer or b"")

    @property
    def is_out(self) -> bool:
        """Whether somebody uses it."""
        return self._is_out

    def hold(self) -> None:
        """One more user."""
        with self._lock:
            self._users += 1

    def drop(self) -> None:
        """One user less."""
        with self._lock:
            self._users -= 1
            is_free = self._users == 0
        if is_free:
            self.give_back()

    def give_back(self) -> None:
        """Back to the pool, whoever still thinks to use it; doing it twice is harmless."""
        with self._lock:
            was_out, self._is_out = self._is_out, False
        if was_out:
            self._pool.release(self.size, self._buffer)


class SlotPool:
    """So many bytes of buffers, made on first use, and the threads that fill, empty and hash them.

    Whoever waits longest is served first: a file with large blocks is not starved by one with small ones.
    """

    def __init__(self, budget_bytes: int, threads: int) -> None:
        self.budget_bytes = budget_bytes
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="copy")
        self.hashers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="hash")
        self.most_at_once = threads
        self._free: dict[int, list[mmap.mmap]] = {}
        self._used = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    def take(self, size: int, look: Callable[[], None], *, buffered: bool = True) -> Slot:
        """A buffer for one block of at most `size` bytes, however long other copies keep theirs.

        Args:
            size: bytes; more than the pool has counts as all it has.
            look: called about once a second while waiting; whatever it raises ends the waiting.
            buffered: False counts the bytes against the budget without giving a buffer for them.
        """
        ticket = object()
        counted = min(size, self.budget_bytes)
        with self._changed:
            self._waiting.append(ticket)
            try:
                while self._waiting[0] is not ticket or self._used + counted > self.budget_bytes:
                    if not self._changed.wait(_WAIT_SECONDS):
                        look()
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
            self._used += counted
            if not buffered:
                self._make_room()
            return Slot(self, size, self._buffer(size) if buffered else None)

    def release(self, size: int, buffer: mmap.mmap | None) -> None:
        """Takes a buffer back."""
        with self._changed:
            if buffer is not None:
                self._free.setdefault(size, []).append(buffer)
            self._used -= min(size, self.budget_bytes)
            self._changed.notify_all()

    def _make_room(self) -> None:
        """Lets buffers go that lie ready, when they and what is used are more than the budget."""
        lying = sum(kept * len(buffers) for kept, buffers in self._free.items())
        if lying + self._used > self.budget_bytes:
            self._free.clear()

    def _buffer(self, size: int) -> mmap.mmap:
        """One that lies ready, or a new one.

        Anonymous memory instead of `bytearray`: what is let go is back with the system at once, and what is never
        written costs nothing.
        """
        if ready := self._free.get(size):
            return ready.pop()
        self._make_room()
        return mmap.mmap(-1, size + _SPARE)


@cache
def process_pool(slots: int | None, block_bytes: int | None) -> SlotPool:
    """The pool of this process; pinned by settings, or chosen by the instance's memory.

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
    """Has glibc keep two heaps instead of one for each of many threads, which hold on to what was freed in them.

    Measured on a gigabyte from a throttled source, with read-back: 137 MB above idle before, 65 MB after. Elsewhere
    (musl, macOS) there is no such function, and nothing is done.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def budget_for(memory: int) -> int:
    """Bytes of buffers for an instance of this memory: 64 MiB, or 32 MiB where memory is short."""
    return 32 * MIB if memory <= _SMALL_INSTANCE else 64 * MIB


def memory_bytes() -> int:
    """The memory this process may use: the container's limit if there is one, else the machine's."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = Path(limit).read_text(encoding="ascii").strip() if Path(limit).is_file() else ""
        if text.isdigit():
            memory = min(memory, int(text))
    return memory
