"""The figures: each one sets up its servers, runs everybody in turn and says what must be reached."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dev.bench import cold, find, follow_ups, interrupted, pace_simulation, servers, small_chunks
from dev.bench.runs import OURS, Bench, Results, interleaved

Say = Callable[[str], None]
MB = 1_000_000
SINGLE = ("SDK stream", "rclone copyurl", "azcopy pipe", "adlfs", "smart_open", "obstore stream")


@dataclass(frozen=True)
class Goal:
    """One line of the table. `at_most` turns the comparison round; None was not measured, and `note` says why."""

    name: str
    must: float
    aim: float | None
    measured: float | None
    unit: str = "×"
    at_most: bool = False
    note: str = ""

    @property
    def is_reached(self) -> bool | None:
        """Whether what must be reached is reached."""
        if self.measured is None:
            return None
        return self.measured <= self.must if self.at_most else self.measured >= self.must


@dataclass
class Figure:
    """What one figure gave: lines for the table, and everything for the file."""

    goals: list[Goal] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


def throttled(say: Say, *, quick: bool) -> Figure:
    """40 ms to the first byte and 12 MB/s for each connection: what ACS is taken to be like."""
    length = 8 * MB if quick else 256 * MB
    with servers.certificate() as tls, _throttled(tls) as (source, sink):
        bench, results = Bench(tls, source, sink), Results(length)
        interleaved(results, bench, ("SDK sample", "obstore ranges"), 1 if quick else 3, proof=False, say=say)
        interleaved(results, bench, () if quick else SINGLE, 1, proof=False, say=say)
    return Figure(
        [
            Goal(
                "throttled source: this app, with proof on the way / SDK sample",
                12,
                18,
                results.ratio(OURS, "SDK sample"),
            ),
            Goal(
                "throttled source: this app / obstore ranges without proof",
                1.5,
                2.5,
                results.ratio(OURS, "obstore ranges"),
            ),
        ],
        results.as_json(),
    )


def fast(say: Say, *, quick: bool) -> Figure:
    """As fast as this machine allows, over TLS on both sides: a contest for the CPU."""
    length = 16 * MB if quick else 1 << 30
    peers = ("SDK sample", "rclone copyurl", "obstore ranges") if quick else ("SDK sample", *SINGLE, "obstore ranges")
    plain, proved, rounds = Results(length), Results(length), 1 if quick else 3
    with servers.certificate() as tls, servers.nginx(tls, (length,)) as server:
        bench = Bench(tls, server, server)
        interleaved(plain, bench, peers, rounds, proof=False, say=say)
        interleaved(proved, bench, peers, rounds, proof=True, say=lambda who: say(f"{who}, with proof"))
    best = max((who for who in proved.runs if who != OURS), key=lambda who: proved.rate(who) or 0, default="")
    return Figure(
        [
            Goal("fast source: this app / rclone copyurl without proof", 0.7, 1.0, plain.ratio(OURS, "rclone copyurl")),
            Goal("fast source: this app / obstore ranges without proof", 0.5, 0.8, plain.ratio(OURS, "obstore ranges")),
            Goal(
                "fast source, full proof on both sides: this app / best peer",
                1.0,
                1.4,
                proved.ratio(OURS, best),
                note=best,
            ),
            Goal("fast source: this app / SDK sample", 2, 3, plain.ratio(OURS, "SDK sample")),
            Goal("CPU seconds for a GB over TLS", 3.5, 2.5, plain.cpu_per_gb(OURS), unit="s", at_most=True),
        ],
        {"without proof": plain.as_json(), "with proof": proved.as_json()},
    )


def memory(say: Say, *, quick: bool) -> Figure:
    """Peak memory above idle by the size of the file, and on the profile of a small instance."""
    sizes = [8 * MB, 16 * MB] if quick else [64 * MB, 256 * MB, 1024 * MB, 4096 * MB]
    found: dict[str, list[float]] = {}
    with servers.certificate() as tls, servers.python_server("sink", tls) as sink:
        with servers.python_server("source", tls) as source:
            bench = Bench(tls, source, sink)
            for size in sizes:
                say(f"{size // MB} MB")
                found.setdefault("fast", []).append(bench.ours(size, "--readback").rss_mb)
        with servers.python_server("source", tls, 40, 12) as source:
            bench = Bench(tls, source, sink)
            for size in sizes[:3]:
                say(f"{size // MB} MB from a throttled source")
                found.setdefault("throttled", []).append(bench.ours(size, "--readback").rss_mb)
            small = bench.ours(sizes[1], "--readback", COPY_SLOTS="8", COPY_BLOCK_MIB="4").rss_mb
    large = [rss for kind in found.values() for rss in kind[1:]] or [0.0]
    flat = max(max(kind[1:]) / min(kind[1:]) - 1 for kind in found.values()) * 50
    return Figure(
        [
            Goal("peak memory above idle, 64 MB to 4 GB", 120, None, max(large), unit="MB", at_most=True),
            Goal("the same, how flat from 256 MB on", 10, None, flat, unit="± %", at_most=True),
            Goal("the same with the buffers of a 512 MB instance", 120, 64, small, unit="MB", at_most=True),
        ],
        {"sizes_mb": [size // MB for size in sizes], "rss_mb": found, "small_instance_mb": small},
    )


def killed(say: Say, *, quick: bool) -> Figure:
    """SIGKILL whenever the source has given 50 MB more, until the file is there."""
    length, every = (20 * MB, 8 * MB) if quick else (2000 * MB, 50 * MB)
    with (
        servers.certificate() as tls,
        servers.python_server("source", tls) as source,
        servers.python_server("sink", tls) as sink,
    ):
        ratio, kills = interrupted.fetched_over_size(Bench(tls, source, sink), length, every, say)
    return Figure(
        [
            Goal(
                "bytes fetched / file size with a kill every 50 MB of 2 GB",
                1.15,
                1.05,
                ratio,
                at_most=True,
                note=f"{kills} kills",
            )
        ],
        {"kills": kills, "ratio": ratio},
    )


def small(say: Say, *, quick: bool) -> Figure:
    """Many small chunks through the whole line, beside the same calls without the app."""
    count = 10 if quick else 500
    line, floor = small_chunks.chunks_per_second(count, say)
    goal = Goal(f"{count} chunks of 200 KB: this app / the line's floor", 0.7, 0.9, line / floor)
    return Figure([goal], {"chunks": count, "line_per_second": line, "floor_per_second": floor})


def cold_start(say: Say, *, quick: bool) -> Figure:
    """A fresh process: listing the triggers, and its first chunk."""
    times = 1 if quick else 7
    say("listing the triggers")
    index = cold.index_seconds(times)
    with (
        servers.certificate() as tls,
        servers.python_server("source", tls) as source,
        servers.python_server("sink", tls) as sink,
    ):
        say("the first chunk")
        first = cold.first_chunk_seconds(Bench(tls, source, sink), times)
    return Figure(
        [
            Goal("cold start: index with no settings", 0.6, None, index, unit="s", at_most=True),
            Goal("cold start: first archived chunk of 1 MB", 2, None, first, unit="s", at_most=True),
        ],
        {"index_seconds": index, "first_chunk_seconds": first},
    )


def slots(say: Say, *, quick: bool) -> Figure:
    """Throughput from a throttled source by slots and block size: why the defaults are what they are."""
    length = 8 * MB if quick else 128 * MB
    grid: dict[str, dict[str, float]] = {}
    with servers.certificate() as tls, _throttled(tls) as (source, sink):
        bench = Bench(tls, source, sink)
        for count in (4, 8) if quick else (4, 8, 16, 32):
            for block in (1, 2) if quick else (1, 2, 4, 8):
                say(f"{count} slots of {block} MiB")
                run = bench.ours(length, COPY_SLOTS=str(count), COPY_BLOCK_MIB=str(block))
                grid.setdefault(str(count), {})[str(block)] = length / run.seconds / 1e6
    return Figure([], {"length": length, "mb_per_second_by_slots_and_block_mib": grid})


def pace(say: Say, *, quick: bool) -> Figure:
    """The pace against simulated hosts of many shapes, without sockets: the same on every machine."""
    shapes = pace_simulation.SHAPES[::4] if quick else pace_simulation.SHAPES
    shares: dict[str, float] = {}
    for shape in shapes:
        say(shape.name)
        shares[shape.name] = round(pace_simulation.share_of_ideal(shape), 3)
    worst = min(shares, key=lambda name: shares[name])
    goal = Goal("pace: share of the best fixed number, worst of the shapes", 0.6, 0.8, shares[worst], note=worst)
    return Figure([goal], {"share_of_ideal": shares})


@contextmanager
def _throttled(tls: servers.Certificate) -> Iterator[tuple[servers.Served, servers.Served]]:
    """A throttled source and a sink."""
    with servers.python_server("source", tls, 40, 12) as source, servers.python_server("sink", tls) as sink:
        yield source, sink


def find_pages(say: Say, *, quick: bool) -> Figure:
    """A page of 50 recordings by each key: in memory and on Azurite, and how it grows; what it costs the line."""
    found = find.measure(say, quick=quick)
    line = follow_ups.measure(say, count=10 if quick else 150, rounds=1 if quick else 3)
    lost = (1 - line["with_per_second"] / line["without_per_second"]) * 100
    return Figure(
        [
            Goal(
                "a page of 50 by the slowest key, on Azurite, p95", 300, 150, find.worst(found, "Azurite"), "ms", True
            ),
            Goal(
                "a page by a selective key in memory, from 10,000 to 1,000,000 recordings",
                2,
                1.2,
                find.growth(found, "in memory"),
                "×",
                True,
            ),
            Goal("what the directory takes from the line's small chunks", 3, 1, lost, "%", True),
            Goal("a recording is found after its last step, p95", 60, 10, line["lag_p95_s"], "s", True),
        ],
        {"pages": found, "line": line},
    )


FIGURES: dict[str, Callable[..., Figure]] = {
    "throttled": throttled,
    "fast": fast,
    "memory": memory,
    "killed": killed,
    "small-chunks": small,
    "cold-start": cold_start,
    "slots": slots,
    "find": find_pages,
    "pace": pace,
}
WITHOUT_PEERS = frozenset({"find", "cold-start", "pace"})


def chosen(names: Sequence[str]) -> dict[str, Callable[..., Figure]]:
    """The figures of these names, in the order of the table; all when none is named.

    Raises:
        KeyError: there is no such figure.
    """
    wanted = {name: FIGURES[name] for name in names}
    return {name: figure for name, figure in FIGURES.items() if name in wanted} if wanted else dict(FIGURES)
