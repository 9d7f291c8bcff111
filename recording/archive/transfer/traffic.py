"""Traffic: the ranges in flight to one host, over all files of the process, at the pace that suits the host."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from recording.archive.transfer.pace import Meter, Pace
from recording.ports.buffers import BufferPool

PATIENCE_SECONDS = 5.0  # a file without a connection waits this long: a trickling source must not hold up others
_CPU_SECONDS = 0.25  # between two looks at how much of the CPU is used
_FIRST_CPU_SECONDS = 0.03  # until the first of them, when files come after none; then twice as long each time
_LOCK_CORES = 1.2  # of the CPU; more is hardly ever used, because Python runs one thread at a time


class Share:
    """One file's ranges in flight; `changed` is set when one of them has ended, or it may be the file's turn."""

    def __init__(self) -> None:
        self.bytes_left = 0
        self.running = 0
        self.is_waiting = False
        self.waits_since: float | None = None  # with nothing in flight
        self.thread = threading.get_ident()  # the waiting thread; ranges it holds elsewhere cannot end meanwhile
        self.changed = threading.Event()

    @property
    def rank(self) -> tuple[bool, int]:
        """Return the order of service: a file with nothing in flight first, then the one with the least left."""
        return self.running > 0, self.bytes_left


class Traffic:
    """All ranges to one host; it supplies the pace with a clock, a lock and the CPU load."""

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._clock = clock
        self._shares: set[Share] = set()
        self._running = 0
        self._cpu = _Cpu()
        pace.cpu_used(1.0)  # until it is measured, the process may be the limit
        self._lock = threading.Lock()

    @property
    def running(self) -> int:
        """Return how many ranges are in flight."""
        return self._running

    @property
    def is_process_busy(self) -> bool:
        """Return whether this process may be slower than the host."""
        return self._pace.is_process_busy

    def join(self, share: Share) -> None:
        """Serve one more file."""
        with self._lock:
            if not self._shares:
                self._cpu.restart()
            self._shares.add(share)

    def leave(self, share: Share) -> None:
        """Stop serving a file; ranges that it still counts as in flight are released, however it ended."""
        with self._lock:
            self._shares.discard(share)
            while share.running:
                self._count_out(share)
        self.wake_next()

    def block_bytes(self, bytes_left: int) -> int:
        """Return the size of a file's next block."""
        with self._lock:
            return self._pace.block_bytes(bytes_left)

    def may_begin(self, share: Share) -> bool:
        """Return whether a file may begin a range; if not, its `changed` is set once it may."""
        with self._lock:
            return self._may_begin(share)

    def begin(self, share: Share) -> bool:
        """Count one more range of a file, if it is its turn."""
        with self._lock:
            if not self._may_begin(share):
                return False
            share.running += 1
            share.waits_since = None
            self._running += 1
            self._pace.begin(self._clock())
            is_room = self._running < self._pace.at_once
        if is_room:
            self.wake_next()
        return True

    def _may_begin(self, share: Share) -> bool:
        share.is_waiting = self._is_others_turn(share) and not self._has_waited(share)
        return not share.is_waiting

    def _is_others_turn(self, share: Share) -> bool:
        """Return whether a file must wait for another; never for one that waits for it (a flow inside a flow)."""
        outer = [other for other in self._shares if other.thread == share.thread and other is not share]
        running = self._running - sum(other.running for other in outer)
        return running >= self._pace.at_once or any(
            other.is_waiting and other is not share and other not in outer and other.rank < share.rank
            for other in self._shares
        )

    def _has_waited(self, share: Share) -> bool:
        """Return whether a file without a connection has waited long enough to get one beyond the pace."""
        if share.running:
            return False
        if share.waits_since is None:
            share.waits_since = self._clock()
        return self._clock() - share.waits_since >= PATIENCE_SECONDS

    def end(self, share: Share) -> None:
        """Count one range fewer, unless its file has already released it."""
        with self._lock:
            if share not in self._shares:
                return
            self._count_out(share)
            share.changed.set()
        self.wake_next()

    def _count_out(self, share: Share) -> None:
        share.running -= 1
        self._running -= 1
        self._pace.end(self._clock())

    def refused(self, begun: float) -> None:
        """Register that a request sent at this time (`time.monotonic`) was answered 429."""
        with self._lock:
            self._pace.refused(begun, self._clock())

    def meter(self) -> "RangeMeter":
        """Return a meter for one range, started now."""
        return RangeMeter(self, Meter(self._pace, self._clock()))

    def record(self, meter: Meter, count: int | None) -> None:
        """Take the bytes of one read of a range, or its end when there is no count."""
        with self._lock:
            before = self._pace.at_once
            if (used := self._cpu.share()) is not None:
                self._pace.cpu_used(used)
            if count is None:
                meter.end(self._clock())
            else:
                meter.arrived(count, self._clock())
            is_more = self._pace.at_once > before
        if is_more:
            self.wake_next()

    def wake_next(self) -> None:
        """Wake only the file whose turn it is; all others would find that it is not theirs."""
        with self._lock:
            waiting = [share for share in self._shares if share.is_waiting]
            if waiting and self._running < self._pace.at_once:
                min(waiting, key=lambda share: share.rank).changed.set()


def traffic_to(host: str, pool: BufferPool, pinned_bytes: int | None) -> Traffic:
    """Return the traffic to a host, shared by all files; blocks have the pinned size if there is one."""
    make = lambda: Traffic(Pace(pool.most_at_once, pool.budget_bytes, pinned_bytes))  # noqa: E731
    return pool.shared((host, pinned_bytes), make)


class RangeMeter:
    """A range's meter, under the lock of its traffic."""

    def __init__(self, traffic: Traffic, meter: Meter) -> None:
        self._traffic = traffic
        self._meter = meter

    @property
    def rate(self) -> float | None:
        """Return the bytes a second of this connection, once they are known."""
        return self._meter.rate

    def arrived(self, count: int) -> None:
        """Count the bytes of one read."""
        self._traffic.record(self._meter, count)

    def end(self) -> None:
        """Report the whole range."""
        self._traffic.record(self._meter, None)


class _Cpu:
    """The process's share of the CPU time that it may, and can, use."""

    def __init__(self) -> None:
        self._cores = min(_cores(), _LOCK_CORES)
        self.restart()

    def restart(self) -> None:
        """Measure from now on; what the process did before the first file says nothing."""
        self._seen_at, self._used = time.monotonic(), time.process_time()
        self._due = _FIRST_CPU_SECONDS

    def share(self) -> float | None:
        """Return the share since the last measurement, or None when that was too recent."""
        now = time.monotonic()
        seconds = now - self._seen_at
        if seconds < self._due:
            return None
        used = time.process_time()
        share = (used - self._used) / seconds / self._cores
        self._seen_at, self._used = now, used
        self._due = min(2 * self._due, _CPU_SECONDS)
        return share


def _cores() -> float:
    """Return the cores that this process may use, by its affinity and its container's quota."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    limit = Path("/sys/fs/cgroup/cpu.max")
    quota, _, period = (limit.read_text(encoding="ascii").strip() if limit.is_file() else "").partition(" ")
    if quota.isdigit() and period.isdigit():
        cores = min(cores, int(quota) / int(period))
    return max(cores, 0.1)
