"""Hash and probe a file's blocks in order, whatever order they arrive in."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from recording.archive.transfer.buffers import LEAD_BYTES
from recording.domain.archived.blocks import Block
from recording.domain.archived.integrity import Digest, Hasher
from recording.domain.media import MediaFacts, MediaProbe
from recording.errors import SourceBrokenError
from recording.errors.codes import Code


@dataclass(frozen=True)
class Arrival:
    """A block whose bytes have arrived. `done` is called once they are hashed."""

    block: Block
    content: bytes | memoryview
    done: Callable[[], None] = lambda: None


class OrderedPass:
    """One pass over a file in order, in its own thread, so that neither source nor archive waits for the hashing.

    The first pass over a file computes SHA-512 too; passes that only compare leave it out.
    """

    def __init__(self, hashers: Executor, probe: MediaProbe | None, *, with_sha512: bool = False) -> None:
        self._hashers = hashers
        self._probe = probe
        self._digest = Hasher(with_sha512=with_sha512)
        self._next = 0
        self._waiting: dict[int, Arrival] = {}
        self._is_busy = False
        self._last: Future[None] | None = None
        self._lock = threading.Lock()

    def deliver(self, arrival: Arrival) -> None:
        """Take a block, in any order."""
        with self._lock:
            self._waiting[arrival.block.offset] = arrival
            if not self._is_busy and self._next in self._waiting:
                self._is_busy = True
                self._last = self._hashers.submit(self._go_on)

    def take(self, content: bytes | memoryview) -> None:
        """Take the next bytes at once, in the caller's thread."""
        self._digest.update(content)
        if self._probe is not None:
            self._probe.feed(content)
        self._next += len(content)

    def finish(self) -> tuple[Digest, MediaFacts]:
        """Return length, digests and media facts of everything delivered; call it after the last delivery."""
        if self._last is not None:
            self._last.result()
        media = self._probe.finish() if self._probe is not None else MediaFacts(None)
        return self._digest.digest(), media

    def _go_on(self) -> None:
        while (due := self._due()) is not None:
            self.take(due.content)
            due.done()

    def _due(self) -> Arrival | None:
        """Return the next block, if it has arrived.

        The decision to stop is made under the lock, so no block is left behind.
        """
        with self._lock:
            due = self._waiting.pop(self._next, None)
            self._is_busy = due is not None
            return due


class Seams:
    """Compares the bytes that two ranges share: each range begins a little before its block.

    Together with equal totals and versions this shows that all ranges are from one and the same object.
    """

    def __init__(self) -> None:
        self._ends: dict[int, bytes] = {}  # the last bytes of a block, by where it ends
        self._leads: dict[int, bytes] = {}  # the bytes before a block as its own range gave them, by where it begins
        self._lock = threading.Lock()

    def note(self, block: Block, lead: bytes | memoryview, content: memoryview) -> None:
        """Register a range.

        Raises:
            SourceBrokenError: `source_changed` when a neighbouring range disagrees.
        """
        with self._lock:
            self._ends[block.end] = bytes(content[-LEAD_BYTES:])
            self._leads[block.offset] = bytes(lead)
            for seam in (block.offset, block.end):
                if seam in self._ends and seam in self._leads:
                    _compare(self._ends.pop(seam), self._leads.pop(seam))


def _compare(end: bytes, lead: bytes) -> None:
    common = min(len(end), len(lead))
    if common and end[-common:] != lead[-common:]:
        raise SourceBrokenError("the object changed while it was read", code=Code.SOURCE_CHANGED)
