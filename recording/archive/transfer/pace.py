"""Pace: how many ranges of one host are in flight at once, and how large they are. Pure: time is an argument.

What counts is the combined rate of all connections. The speed of one connection is only a first guess: for a source
that throttles connections, many are opened at once, and the guess is then judged like every other change. An increase
is kept if it gains 15 %, a decrease unless it costs more than 5 %.
"""

from collections import deque
from dataclasses import dataclass, replace

MIB = 1 << 20
FIRST_AT_ONCE = 4  # the best number on a fast source with two cores
BUFFERED_BYTES = 64 * 1024  # of a range; they may have waited in a buffer, and say nothing about the connection
TELLING_BYTES = 256 * 1024  # after so many more, a connection's speed is estimated
SMALLEST_BLOCK = 1 * MIB
FIRST_BLOCK = 1 * MIB  # of a file: hashing goes in order, so all other blocks wait for this one in their buffers
_LARGEST_BLOCK = 8 * MIB  # fewer requests from a fast source
_MANY_BLOCK = 2 * MIB  # the largest block size at which one block per thread fits into the budget
_STAGGER = 4  # the first blocks have this many different sizes, so that they do not end at the same moment
_ENOUGH = 600e6  # bytes a second of all connections together; a guess aims no higher
_PLENTY = 350e6  # the same; beyond it no more connections are tried, because hashing is the bottleneck
_LEAP = 50e6  # bytes a second of one connection; above it one connection is enough
_GAIN = 1.15  # of the combined rate; with less, more connections are not worth it
_LOSS = 0.95  # of the combined rate; with less, there are too few connections
_COLLAPSE = 0.5  # of the earlier rate: the host has changed, so the measurements no longer hold
_FAR = 1.5  # times the present number; a smaller step is not made as a leap
_STEP = 1.25  # times the present number; a smaller step could not gain 15 %
_WINDOW = 0.5  # seconds over which a rate is measured
_SETTLE = 0.2  # seconds after a change that are not measured: new connections are only starting
_HOLD = 10.0  # seconds until a change that was reverted is tried again
_RECOVERY = 10.0  # seconds until one more connection is tried after a refusal; doubled after each refusal
_LONGEST_RECOVERY = 160.0
_FULL = 0.85  # share of the permitted ranges that must have been in use for a window to be a measure
_OCCUPIED = 0.7  # share of the CPU; above it the process itself may slow its connections down, and no leap is made
_BUSY, _SATURATED = 0.90, 0.97  # the same: no more connections, fewer connections


@dataclass(frozen=True)
class _Trial:
    """A change that has to prove itself against the rate before it."""

    at_once_before: int
    rate_before: float
    is_up: bool
    is_guess: bool = False  # made from first bytes; whole ranges may raise it before it is judged


class Pace:
    """The pace for one host, shared by every file that is read from it.

    Args:
        most: connections that the process can serve.
        budget_bytes: the budget of buffers, which bounds the size of blocks.
        pinned_bytes: a block size that a setting prescribes.
    """

    def __init__(self, most: int, budget_bytes: int, pinned_bytes: int | None = None) -> None:
        self.at_once = min(FIRST_AT_ONCE, most)
        self._most = self._ceiling = most
        self._budget = budget_bytes
        self._pinned = pinned_bytes
        self._early: deque[float] = deque(maxlen=4)  # guesses: bytes a second of one connection
        self._whole: deque[float] = deque(maxlen=8)  # the same over whole ranges
        self._running = 0
        self._cpu = 0.0
        self._trial: _Trial | None = None
        self._hold_until = 0.0
        self._more_from = 0.0  # fewer were enough: no more are tried before this time
        self._refused_at: float | None = None  # when the last cut was made or partly reverted
        self._recovery = _RECOVERY
        self._is_leapt = False  # whether the number is from a leap, so that fewer may be enough
        self._rate = 0.0  # combined, in the last window that was judged
        self._cut = 0  # blocks that were cut since the last change
        self._window_from: float | None = None
        self._seen_at = 0.0
        self._bytes = 0
        self._in_use = 0.0  # ranges in flight times seconds

    @property
    def is_known(self) -> bool:
        """Return whether anything is known about the host yet."""
        return bool(self._early or self._whole)

    @property
    def is_process_busy(self) -> bool:
        """Return whether this process may be slower than the host, so that more connections would gain nothing."""
        return self._cpu >= _OCCUPIED

    def block_bytes(self, bytes_left: int) -> int:
        """Return the size of the next block of a file with this many bytes left.

        Blocks become smaller towards the end of a file, so that all connections end together.
        """
        if self._pinned is not None:
            return self._pinned
        fair = self._budget // (2 * self.at_once)
        size = max(min(_MANY_BLOCK, self._budget // self._most), min(_LARGEST_BLOCK, fair))
        if not self.is_known:
            size = min(size, _MANY_BLOCK)
        if self._cut < max(self.at_once, FIRST_AT_ONCE):
            size = size * (_STAGGER + self._cut % (_STAGGER + 1)) // (2 * _STAGGER)
        self._cut += 1
        return max(SMALLEST_BLOCK, min(size, bytes_left // self.at_once))

    # --- what happens -------------------------------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """Count one more range in flight."""
        self._pass(now)
        self._running += 1

    def end(self, now: float) -> None:
        """Count one range fewer."""
        self._pass(now)
        self._running -= 1

    def arrived(self, count: int, now: float) -> None:
        """Count bytes received over any connection."""
        self._bytes += count
        self._pass(now)

    def guess(self, rate: float, now: float) -> None:
        """Take an early speed of one connection, in bytes a second; it counts only until whole ranges are measured.

        A fast one shows that the host does not throttle: the others waited for this process. So the fastest counts.
        """
        self._early.append(rate)
        if len(self._whole) < 2:  # one alone may be the first of a process, which waits for imports
            self._leap(max(self._early), now, is_guess=True)

    def whole(self, length: int, seconds: float, now: float) -> None:
        """Take the duration of a whole range; it overrules the guesses."""
        self._whole.append(length / max(seconds, 1e-6))
        self._leap(max(self._whole), now)

    def refused(self, begun: float, now: float) -> None:
        """Halve the connections, unless the request that was answered 429 was sent before the last cut."""
        self._pass(now)
        if self._refused_at is not None:
            if begun < self._refused_at:
                return
            self._recovery = min(_LONGEST_RECOVERY, 2 * self._recovery)
        self._refused_at = now
        self._trial = None
        self._ceiling = max(1, self.at_once // 2)
        self._change(self._ceiling, now)

    def cpu_used(self, share: float) -> None:
        """Take the share of the CPU that is in use, from 0 to 1."""
        self._cpu = share

    # --- what is concluded --------------------------------------------------------------------------------------------

    def _leap(self, rate: float, now: float, *, is_guess: bool = False) -> None:
        """Jump to as many connections as a slow one suggests, instead of doubling."""
        wanted = min(self._ceiling, round(_ENOUGH / max(rate, 1.0)))
        is_far = wanted >= _FAR * self.at_once  # a smaller step is left to doubling, which is measured
        is_early = now < max(self._hold_until, self._more_from)
        if not is_far or rate > _LEAP or is_early or self.is_process_busy:
            return
        if self._trial is None:
            self._try(wanted, max(self._rate, rate * self.at_once), now, is_guess=is_guess)
        elif self._trial.is_guess and not is_guess and len(self._whole) > 1:
            self._trial = replace(self._trial, is_guess=False)
            self._change(wanted, now)

    def _pass(self, now: float) -> None:
        """Account for the time up to now, and judge a full window."""
        if self._window_from is None:
            self._seen_at = now
            self._open_window(now + _SETTLE)
            return
        begun = max(self._seen_at, self._window_from)
        self._in_use += self._running * max(0.0, now - begun)
        self._seen_at = max(self._seen_at, now)
        length = now - self._window_from
        if length < 0:  # still settling
            self._bytes = 0
            return
        if length >= _WINDOW:
            rate, in_use = self._bytes / length, self._in_use / length
            self._open_window(now)
            if in_use >= _FULL * self.at_once:
                self._judge(rate, now)

    def _judge(self, rate: float, now: float) -> None:
        trial, self._trial = self._trial, None
        before, self._rate = self._rate, rate
        if trial is None:
            if rate < _COLLAPSE * before:
                self._forget()
            else:
                self._consider(rate, now)
        elif rate >= trial.rate_before * (_GAIN if trial.is_up else _LOSS):
            if trial.is_up:
                self._is_leapt = self.at_once > 2 * trial.at_once_before
            else:
                self._more_from = now + _HOLD
            self._consider(rate, now)
        else:
            self._rate = trial.rate_before
            self._hold_until = now + _HOLD
            may_be_fewer = trial.is_up and self._is_leapt and trial.at_once_before > FIRST_AT_ONCE
            self._is_leapt = False
            self._change(trial.at_once_before, now)
            if may_be_fewer:
                self._try(max(FIRST_AT_ONCE, self.at_once // 2), trial.rate_before, now)

    def _consider(self, rate: float, now: float) -> None:
        if self._refused_at is not None and now - self._refused_at >= self._recovery:
            self._recover(now)
        elif now >= self._hold_until:
            too_busy = _BUSY if self._is_leapt else _SATURATED
            if self._cpu >= too_busy and self.at_once > FIRST_AT_ONCE:
                self._try(max(FIRST_AT_ONCE, self.at_once // 2), rate, now)
            elif self._may_be_more(rate, now):
                self._try(min(self._ceiling, 2 * self.at_once), rate, now)

    def _may_be_more(self, rate: float, now: float) -> bool:
        is_room = self._ceiling >= _STEP * self.at_once
        return is_room and rate < _PLENTY and self._cpu < _BUSY and now >= self._more_from

    def _recover(self, now: float) -> None:
        """Try one more connection to a host that refused."""
        is_at_ceiling = self.at_once == self._ceiling
        self._ceiling, self._refused_at = min(self._most, self._ceiling + 1), now
        if is_at_ceiling:
            self._change(self._ceiling, now)

    def _forget(self) -> None:
        """Forget the measurements of a host that has changed."""
        self._hold_until = self._more_from = 0.0
        self._early.clear()
        self._whole.clear()

    def _try(self, at_once: int, rate_before: float, now: float, *, is_guess: bool = False) -> None:
        self._trial = _Trial(self.at_once, rate_before, at_once > self.at_once, is_guess)
        self._change(at_once, now)

    def _change(self, at_once: int, now: float) -> None:
        self.at_once = at_once
        self._cut = 0
        slowest = _MANY_BLOCK / max(min(self._whole or self._early or (1e9,)), 1.0)
        self._open_window(now + min(2.0, max(_SETTLE, slowest)))

    def _open_window(self, at: float) -> None:
        self._window_from = at
        self._bytes = 0
        self._in_use = 0.0


class Meter:
    """Measures one range for the pace: its early speed without buffered bytes, and its whole duration."""

    def __init__(self, pace: Pace, now: float) -> None:
        self._pace = pace
        self._begun = now
        self._counted_from: tuple[int, float] | None = None
        self._filled = 0
        self.rate: float | None = None  # bytes a second, once it is known

    def arrived(self, count: int, now: float) -> None:
        """Count the bytes of one read."""
        self._filled += count
        self._pace.arrived(count, now)
        if self._counted_from is None:
            if self._filled >= BUFFERED_BYTES:
                self._counted_from = self._filled, now
            return
        counted = self._filled - self._counted_from[0]
        if self.rate is None and counted >= TELLING_BYTES:
            self.rate = counted / max(now - self._counted_from[1], 1e-6)
            waited = self._counted_from[1] - self._begun  # for the first bytes; a whole range waits for them too
            self._pace.guess(_MANY_BLOCK / (waited + _MANY_BLOCK / self.rate), now)

    def end(self, now: float) -> None:
        """Report the range if it was long enough to measure."""
        if self._filled >= SMALLEST_BLOCK // 2:
            self._pace.whole(self._filled, now - self._begun, now)
