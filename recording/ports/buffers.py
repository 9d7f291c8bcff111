"""The buffers and threads that all copies of a process share: they bound its memory, however many copies run (I8)."""

from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Buffer(Protocol):
    """A buffer on loan; it returns to its pool when the last of its users drops it.

    Attributes:
        size: bytes of the block it was taken for.
    """

    size: int

    @property
    def view(self) -> memoryview:
        """Return the memory: room for a block, its lead and one byte more."""
        ...

    @property
    def is_out(self) -> bool:
        """Return whether it is still on loan."""
        ...

    def hold(self) -> None:
        """Count one more user."""
        ...

    def drop(self) -> None:
        """Count one user less."""
        ...

    def give_back(self) -> None:
        """Return it to the pool, even if it is still in use; doing so twice is harmless."""
        ...


class BufferPool(Protocol):
    """A pool of buffers, with the threads that fill, empty and hash them.

    Attributes:
        budget_bytes: of buffers, all copies together.
        most_at_once: blocks that can be on their way at once.
        threads: fill and empty buffers.
        hashers: hash what is in them.
    """

    budget_bytes: int
    most_at_once: int
    threads: Executor
    hashers: Executor

    def take(self, size: int, look: Callable[[], None], *, is_first: bool = False) -> Buffer:
        """Lend a buffer for one block of at most `size` bytes; wait for it as long as other copies keep theirs.

        Args:
            size: bytes; more than the pool has counts as all it has.
            look: called about once a second while waiting; whatever it raises ends the waiting.
            is_first: for a file's first block, which is served before all others.
        """
        ...

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what all copies share under a key; it is made when it is first asked for, or was forgotten."""
        ...
