"""Runs the jobs of one file, several at once, while the claim is kept and time is left; few for a fast source."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from typing import Self

from recording.archive.claim import Work
from recording.archive.transfer.buffers import MIB, Slot, SlotPool
from recording.errors import CopyPausedError

Job = Callable[[], None]
_LOOK_UP_SECONDS = 1.0  # how often the claim is looked at while blocks are on their way
_FIRST_AT_ONCE = 4  # the best number on a fast source with two cores
_ENOUGH = 400e6  # bytes a second of all connections together; more of them would only cost more CPU
_THROTTLED = 25e6  # bytes a second of one connection; below it, small blocks on many connections win
_FIRST_BLOCK = 4 * MIB
_SMALL_BLOCK = 2 * MIB  # a request costs about a millisecond of CPU, so not below
_LARGE_BLOCK = 8 * MIB  # a fast source: fewer requests, a sixth less CPU
_RESUMED_BLOCK = 1 * MIB  # who was interrupted once may be again: little is lost then


class Pace:
    """How many blocks are on their way at once, and how large they are; learns from how the source answers.

    A source that throttles each connection is answered with more of them, one that answers 429 with fewer. Where the
    connections only share what there is (this machine's CPU, its network), the number goes down again.
    """

    def __init__(self, pool: SlotPool, pinned_bytes: int | None, *, resumed: bool = False) -> None:
        self.at_once = min(_FIRST_AT_ONCE, pool.most_at_once)
        self.block_bytes = pinned_bytes or (_RESUMED_BLOCK if resumed else _FIRST_BLOCK)
        self.changed = threading.Event()
        self._is_pinned = pinned_bytes is not None or resumed
        self._most = pool.most_at_once
        self._large = min(_LARGE_BLOCK, pool.budget_bytes // 8)
        self._heard: deque[float] = deque(maxlen=8)  # bytes a second of a connection, while there are few
        self._alone = 0.0  # their mean when it was decided to take more
        self._recent = 0.0  # of one connection since then
        self._lock = threading.Lock()

    def begun(self, length: int, seconds: float) -> None:
        """The first bytes of a range came this fast: decides early how many connections it needs."""
        with self._lock:
            self._heard.append(length / max(seconds, 1e-6))
            self._decide()
        self.changed.set()

    def done(self, length: int, seconds: float) -> None:
        """A whole range took so long: takes back what more connections did not gain."""
        rate = length / max(seconds, 1e-6)
        with self._lock:
            if self.at_once <= _FIRST_AT_ONCE:
                self._heard.append(rate)
                self._decide()
                return
            self._recent = 0.8 * self._recent + 0.2 * rate
            if self._recent < self._alone / 2:
                self.at_once = max(_FIRST_AT_ONCE, self.at_once // 2)
                self._alone = self._recent = self._recent * 2
                self.block_bytes = self.block_bytes if self._is_pinned else _FIRST_BLOCK

    def _decide(self) -> None:
        """One sample may mislead (what a busy thread finds in its buffer came at no speed), so their mean counts."""
        if self.at_once > _FIRST_AT_ONCE:
            return
        rate = sum(self._heard) / len(self._heard)
        self._alone = self._recent = rate
        if rate < _THROTTLED:
            self.at_once = max(self.at_once, min(self._most, round(_ENOUGH / rate)))
        if not self._is_pinned:
            self.block_bytes = _SMALL_BLOCK if rate < _THROTTLED else self._large

    def slow_down(self) -> None:
        """The source asks for less: half as many from now on."""
        with self._lock:
            self.at_once = self._most = max(1, self.at_once // 2)


class Flow:
    """The jobs of one file; a context manager, which waits for what still runs and takes all slots back."""

    def __init__(self, work: Work, pool: SlotPool, pace: Pace) -> None:
        self.pool = pool
        self.pace = pace
        self.is_stopped = False  # a job that sees this may end early
        self._work = work
        self._running: set[Future[None]] = set()
        self._slots: list[Slot] = []

    def __enter__(self) -> Self:
        """Nothing is running yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for what still runs; what failed first is on its way already."""
        self.is_stopped = True
        for future in self._running:
            if not future.cancel():
                future.exception()
        for slot in self._slots:
            slot.give_back()

    def slot(self, size: int, *, buffered: bool = True) -> Slot:
        """The next free slot. It is taken back when the flow ends, so nobody can forget it."""
        slot = self.pool.take(size, self.look, buffered=buffered)
        self._slots = [kept for kept in self._slots if kept.is_out]
        self._slots.append(slot)
        return slot

    def run(self, jobs: Iterator[Job]) -> None:
        """Returns when every job is done; they start in order, and making the next one may wait for a slot.

        Raises:
            RecordingError: what the first failed job raised.
        """
        self._wait_until(self._has_room)
        for job in jobs:
            future = self.pool.threads.submit(job)
            self._running.add(future)
            future.add_done_callback(lambda _: self.pace.changed.set())
            self._wait_until(self._has_room)
        self._wait_until(lambda: not self._running)

    def _has_room(self) -> bool:
        return len(self._running) < self.pace.at_once

    def _wait_until(self, is_fine: Callable[[], bool]) -> None:
        while True:
            self.pace.changed.clear()
            self.look()
            if is_fine():
                return
            self.pace.changed.wait(_LOOK_UP_SECONDS)

    def look(self) -> None:
        """Takes note of jobs that ended, keeps the claim and minds the time.

        Raises:
            CopyPausedError: COPY_TIME_BUDGET is used up; what is staged stays, and the next worker goes on from it.
            ClaimLostError: the claim has ended.
            RecordingError: what a job raised.
        """
        done = {future for future in self._running if future.done()}
        self._running -= done
        for future in done:
            future.result()
        self._work.keep_claim()
        if self._work.now() - self._work.started_at > self._work.settings.copy_time_budget:
            raise CopyPausedError("COPY_TIME_BUDGET is used up", retry_after=timedelta(seconds=1))
