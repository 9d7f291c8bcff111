"""Run the jobs of one file, as many at once as its host's traffic allows, while claim and time budget last."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import timedelta
from typing import Self

from recording.archive.claim import Work
from recording.archive.transfer.small_first import SmallFirst
from recording.archive.transfer.traffic import Share, Traffic
from recording.errors import CopyPausedError
from recording.ports.buffers import Buffer

Job = Callable[[], None]
_LOOK_UP_SECONDS = 1.0  # how often the claim is checked while blocks are in flight


class Flow:
    """The jobs of one file; a context manager that waits for running jobs and takes all slots back."""

    def __init__(self, work: Work, traffic: Traffic) -> None:
        self.pool = work.ports.pool
        self.traffic = traffic
        self.share = Share()
        self.is_stopped = False  # a job that sees this may end early
        self._work = work
        self._running: set[Future[None]] = set()
        self._ended: deque[Future[None]] = deque()  # not processed yet
        self._slots: list[Buffer] = []
        self._small = self.pool.shared(SmallFirst, SmallFirst)
        self._precedence = ExitStack()

    def __enter__(self) -> Self:
        """Join the traffic; nothing is running yet."""
        self.traffic.join(self.share)
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for running jobs; the first failure is already being raised."""
        self.is_stopped = True
        for future in self._running:
            if not future.cancel():
                future.exception()
        self.traffic.leave(self.share)
        self._precedence.close()
        for slot in self._slots:
            slot.give_back()

    def slot(self, size: int, *, is_first: bool = False) -> Buffer:
        """Take the next free buffer; it is returned when the flow ends, so no job can leak it."""
        slot = self.pool.take(size, self.look, is_first=is_first)
        self._slots = [kept for kept in self._slots if kept.is_out]
        self._slots.append(slot)
        return slot

    def go_first(self) -> None:
        """Let this file, which is one of a single block, go before the pieces of larger ones until the flow ends."""
        self._precedence.enter_context(self._small.going())

    def give_way(self) -> None:
        """Wait for small files, for a moment, if the process itself is what they would wait for."""
        if self.traffic.is_process_busy:
            self._small.give_way()

    def run(self, jobs: Iterator[Job]) -> None:
        """Return when every job is done; they start in order, and making the next one may wait for a slot.

        Raises:
            RecordingError: what the first failed job raised.
        """
        self._wait_until(lambda: self.traffic.may_begin(self.share))
        for job in jobs:
            self._wait_until(lambda: self.traffic.begin(self.share))
            self._running.add(future := self.pool.threads.submit(job))
            future.add_done_callback(self._note_end)
            self._wait_until(lambda: self.traffic.may_begin(self.share))  # before a slot is taken for the next one
        self.traffic.wake_next()  # an unused turn goes to the next file
        self._wait_until(lambda: not self._running)

    def _note_end(self, future: Future[None]) -> None:
        self._ended.append(future)
        self.traffic.end(self.share)

    def _wait_until(self, is_fine: Callable[[], bool]) -> None:
        while True:
            self.share.changed.clear()
            self.look()
            if is_fine():
                return
            self.share.changed.wait(_LOOK_UP_SECONDS)

    def look(self) -> None:
        """Process the jobs that ended, keep the claim and check the time.

        Raises:
            CopyPausedError: COPY_TIME_BUDGET is used up; the next worker continues from the staged blocks.
            ClaimLostError: the claim has ended.
            RecordingError: what a job raised.
        """
        while self._ended:
            future = self._ended.popleft()
            self._running.discard(future)
            future.result()
        self._work.keep_claim()
        if self._work.now() - self._work.started_at > self._work.settings.copy_time_budget:
            raise CopyPausedError("COPY_TIME_BUDGET is used up", retry_after=timedelta(seconds=1))
