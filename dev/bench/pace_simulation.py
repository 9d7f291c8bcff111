"""Simulates hosts of many shapes, to judge the pace without sockets: the same numbers on every machine.

The share of the ideal is the best time of any fixed number of connections over the pace's own time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from recording.archive.transfer.pace import MIB, Meter, Pace

STEP = 0.005  # seconds
MB = 1_000_000
MOST, BUDGET = 32, 64 * MIB
_TRANSFER = 400 * MB  # bytes a second that the machine itself can move


@dataclass(frozen=True)
class Shape:
    """A host and the archive behind it; rates in bytes a second, delays in seconds, each by the time of day."""

    name: str
    per_connection: Callable[[float], float] = lambda _: 1e12
    shared: Callable[[float], float] = lambda _: 1e12
    burst_bytes: int = 0  # of a range, which come at full speed
    first_byte: float = 0.04
    refuses_above: int = 10_000  # connections at once; the next one is answered 429
    sink_delay: float = 0.0
    sink_rate: float = 1e12  # of a connection
    cpu_for_connection: float = 0.0  # share of the machine that each open connection costs
    length: int = 1024 * MB


class Control(Protocol):
    """What the simulation asks of a pace."""

    at_once: int

    def block_bytes(self, bytes_left: int) -> int:
        """Return the size of the next block."""
        ...


@dataclass
class Fixed(Pace):
    """A number of connections that never changes: the rod to measure with."""

    count: int

    def __post_init__(self) -> None:
        """Fix the number."""
        super().__init__(MOST, BUDGET)
        self.at_once = self.count

    def _pass(self, now: float) -> None:
        """Learn nothing."""

    def _leap(self, rate: float, now: float, *, is_guess: bool = False) -> None:
        """Change nothing."""

    def refused(self, begun: float, now: float) -> None:
        """Change nothing."""


@dataclass
class _Range:
    length: int
    begun: float
    meter: Meter
    done: float = 0.0
    staged: float = 0.0
    stage_from: float | None = None


@dataclass
class Run:
    """What a simulated copy took, and what the pace did meanwhile."""

    seconds: float = 0.0
    refusals: int = 0
    history: list[tuple[float, int]] = field(default_factory=list)  # when the number changed, and to what
    moved: list[tuple[float, int]] = field(default_factory=list)  # bytes that had arrived by when

    def rate(self, begun: float, ended: float) -> float:
        """Return the bytes a second between two moments."""
        inside = [count for at, count in self.moved if begun <= at <= ended]
        return (inside[-1] - inside[0]) / (ended - begun)


def simulated(shape: Shape, pace: Pace, *, begins_at: float = 0.0) -> Run:
    """Copy one file of the shape's length, step by step."""
    run, left, now, total = Run(), shape.length, begins_at, 0
    ranges: list[_Range] = []
    retries: list[tuple[float, int]] = []  # when a refused range is asked for again, and its length
    while left or ranges or retries:
        allowed = pace.at_once if now - begins_at >= shape.first_byte else 1
        if not run.history or run.history[-1][1] != pace.at_once:
            run.history.append((now, pace.at_once))
        in_use = sum(one.length for one in ranges)
        while (left or (retries and retries[0][0] <= now)) and len(ranges) < allowed:
            length = retries[0][1] if retries and retries[0][0] <= now else min(left, pace.block_bytes(left))
            if not length or in_use + length > BUDGET:
                break
            if retries and retries[0][0] <= now:
                retries.pop(0)
            else:
                left -= length
            if sum(one.stage_from is None for one in ranges) >= shape.refuses_above:
                run.refusals += 1
                pace.refused(now, now)
                retries.append((now + 0.2, length))
                break
            ranges.append(_Range(length, now, Meter(pace, now)))
            in_use += length
            pace.begin(now)
        now += STEP
        total += _fetch(shape, ranges, now)
        run.moved.append((now, total))
        _stage(shape, ranges, now)
        pace.cpu_used(min(1.0, len(ranges) * shape.cpu_for_connection))
        for one in [one for one in ranges if one.staged >= one.length]:
            ranges.remove(one)
            pace.end(now)
    run.seconds = now - begins_at
    return run


def _fetch(shape: Shape, ranges: list[_Range], now: float) -> int:
    """Let bytes come for one step; what all share is divided evenly."""
    open_now = [one for one in ranges if one.stage_from is None and now - one.begun >= shape.first_byte]
    if not open_now:
        return 0
    overhead = max(0.1, 1.0 - len(ranges) * shape.cpu_for_connection / 2)
    share = min(shape.shared(now), _TRANSFER * overhead) / len(open_now) * STEP
    came = 0
    for one in open_now:
        rate = shape.per_connection(now) * STEP + max(0.0, shape.burst_bytes - one.done)
        count = min(rate, share, one.length - one.done)
        one.done += count
        came += int(count)
        one.meter.arrived(int(count), now)
        if one.done >= one.length - 1:
            one.stage_from = now
            one.meter.end(now)
    return came


def _stage(shape: Shape, ranges: list[_Range], now: float) -> None:
    for one in ranges:
        if one.stage_from is not None and now - one.stage_from >= shape.sink_delay:
            one.staged += shape.sink_rate * STEP


def ideal_seconds(shape: Shape, *, begins_at: float = 0.0) -> float:
    """Return the best time of any fixed number of connections that the host never refuses."""
    counts = {count for count in (1, 2, 4, 6, 8, 12, 16, 24, 32) if count <= shape.refuses_above}
    counts |= {shape.refuses_above} if shape.refuses_above <= MOST else set()
    return min(simulated(shape, Fixed(count), begins_at=begins_at).seconds for count in counts)


def share_of_ideal(shape: Shape) -> float:
    """Return how near the pace comes to the best fixed number, which it has to find first."""
    return ideal_seconds(shape) / simulated(shape, Pace(MOST, BUDGET)).seconds


def _flat(rate: float) -> Callable[[float], float]:
    return lambda _: rate


def _steps(at: float, before: float, after: float) -> Callable[[float], float]:
    return lambda now: before if now < at else after


_FLAT = [
    Shape(f"flat {rate} MB/s a connection, {length} MB", _flat(rate * MB), length=length * MB)
    for rate in (6, 12, 24, 80)
    for length in (64, 256, 1024)
]
SHAPES = (
    *_FLAT,
    Shape("token bucket: 1 MiB at once, then 12 MB/s", _flat(12 * MB), burst_bytes=MIB),
    Shape("token bucket: 4 MiB at once, then 6 MB/s", _flat(6 * MB), burst_bytes=4 * MIB),
    Shape("100 MB/s shared by all", shared=_flat(100 * MB)),
    Shape("12 MB/s a connection, 150 MB/s in all", _flat(12 * MB), _flat(150 * MB)),
    Shape("slow sink: 15 ms and 60 MB/s a connection", _flat(12 * MB), sink_delay=0.015, sink_rate=60 * MB),
    Shape("fast source, slow sink: 40 ms and 20 MB/s", sink_delay=0.04, sink_rate=20 * MB),
    Shape("429 above 10 connections", _flat(12 * MB), refuses_above=10),
    Shape("429 above 3 connections", _flat(12 * MB), refuses_above=3),
    Shape("80 MB/s a connection, then 12", _steps(1.5, 80 * MB, 12 * MB), length=2048 * MB),
    Shape("12 MB/s a connection, then 80", _steps(1.5, 12 * MB, 80 * MB), length=2048 * MB),
    Shape("no limit but the machine", cpu_for_connection=0.04),
    Shape("no limit, and each connection is dear", cpu_for_connection=0.2),
)


def after_a_copy(shape: Shape) -> float:
    """Return the share of the ideal of a second file, for which the pace has been learnt."""
    pace = Pace(MOST, BUDGET)
    begins_at = simulated(shape, pace).seconds + 1.0
    later = replace(shape, length=64 * MB)
    return ideal_seconds(later, begins_at=begins_at) / simulated(later, pace, begins_at=begins_at).seconds
