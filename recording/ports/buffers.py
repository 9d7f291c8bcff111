"""The buffers and threads that all copies of a process share, which bounds its memory (I8)."""

from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Buffer(Protocol):
    """A buffer on loan; it returns to its pool when its last user drops it.

    Attributes:
        size: bytes of the block it was taken for.
    """

    size: int

    @property
    def view(self) -> memoryview:
        """Return the memory: room for a block, its lead and one extra byte."""
        ...

    @property
    def is_out(self) -> bool:
        """Return whether it is still on loan."""
        ...

    def hold(self) -> None:
        """Count one more user."""
        ...

    def drop(self) -> None:
        """Count one user fewer."""
        ...

    def give_back(self) -> None:
        """Return it to the pool, even if it is still in use; doing so twice is harmless."""
        ...


class BufferPool(Protocol):
    """A pool of buffers, with the threads that fill, empty and hash them.

    Attributes:
        budget_bytes: of buffers, for all copies together.
        most_at_once: blocks that can be in flight at once.
        threads: fill and empty buffers.
        hashers: hash their contents.
    """

    budget_bytes: int
    most_at_once: int
    threads: Executor
    hashers: Executor

    def take(self, size: int, look: Callable[[], None], *, is_first: bool = False) -> Buffer:
        """Lend a buffer for one block of at most `size` bytes; wait while other copies hold all of them.

        Args:
            size: bytes; a size above the pool's budget counts as the whole budget.
            look: called about once a second while waiting; whatever it raises ends the waiting.
            is_first: for a file's first block, which is served before all others.
        """
        ...

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the object that all copies share under a key; it is made on first use, or after it was dropped."""
        ...
