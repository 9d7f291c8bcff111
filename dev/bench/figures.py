"""The figures: each one sets up its servers, runs everybody in turn and says what must be reached."""

from collections.abc import Callable, Sequence

from dev.bench import (
    cold,
    find,
    follow_ups,
    handover,
    instances,
    interrupted,
    latency,
    many,
    pace_simulation,
    servers,
    shapes,
    small_chunks,
)
from dev.bench.contests import content_kinds, fast, throttled
from dev.bench.goals import MB, Figure, Goal, Say
from dev.bench.runs import Bench

__all__ = ["FIGURES", "NEEDING_NGINX", "TABLE", "WITHOUT_PEERS", "Figure", "Goal", "chosen"]


def memory(say: Say, *, quick: bool) -> Figure:
    """Measure peak memory above idle by the size of the file, and on the profile of a small instance."""
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
            small = instances.on_instance(bench, sizes[1], memory_mb=512, cores=2).rss_mb
    large = [rss for kind in found.values() for rss in kind[1:]] or [0.0]
    flat = max(max(kind[1:]) / min(kind[1:]) - 1 for kind in found.values()) * 50
    return Figure(
        [
            Goal("peak memory above idle, 64 MB to 4 GB", 90, 70, max(large), unit="MB", at_most=True),
            Goal("the same, how flat from 256 MB on", 10, None, flat, unit="± %", at_most=True),
            Goal("the same with the buffers of a 512 MB instance", 48, 40, small, unit="MB", at_most=True),
        ],
        {"sizes_mb": [size // MB for size in sizes], "rss_mb": found, "small_instance_mb": small},
    )


def killed(say: Say, *, quick: bool) -> Figure:
    """Kill the process whenever the source has given 50 MB more, until the file is there."""
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
                1.1,
                1.05,
                ratio,
                at_most=True,
                note=f"{kills} kills",
            )
        ],
        {"kills": kills, "ratio": ratio},
    )


def small(say: Say, *, quick: bool) -> Figure:
    """Return many small chunks through the whole line, beside the same calls without the app."""
    count = 10 if quick else 500
    line, floor = small_chunks.chunks_per_second(count, say)
    goal = Goal(f"{count} chunks of 200 KB: this app / the line's floor", 0.9, 0.97, line / floor)
    return Figure([goal], {"chunks": count, "line_per_second": line, "floor_per_second": floor})


def cold_start(say: Say, *, quick: bool) -> Figure:
    """Return a fresh process: listing the triggers, and its first chunk."""
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
            Goal("cold start: index with no settings", 0.4, 0.25, index, unit="s", at_most=True),
            Goal("cold start: first archived chunk of 1 MB", 1, 0.6, first, unit="s", at_most=True),
        ],
        {"index_seconds": index, "first_chunk_seconds": first},
    )


def slots(say: Say, *, quick: bool) -> Figure:
    """Return throughput from a throttled source by slots and block size: why the defaults are what they are."""
    length = 8 * MB if quick else 128 * MB
    grid: dict[str, dict[str, float]] = {}
    with servers.certificate() as tls, servers.throttled(tls) as (source, sink):
        bench = Bench(tls, source, sink)
        for count in (4, 8) if quick else (4, 8, 16, 32):
            for block in (1, 2) if quick else (1, 2, 4, 8):
                say(f"{count} slots of {block} MiB")
                run = bench.ours(length, COPY_SLOTS=str(count), COPY_BLOCK_MIB=str(block))
                grid.setdefault(str(count), {})[str(block)] = length / run.seconds / 1e6
    return Figure([], {"length": length, "mb_per_second_by_slots_and_block_mib": grid})


def pace(say: Say, *, quick: bool) -> Figure:
    """Return the pace against simulated hosts of many shapes, without sockets: the same on every machine."""
    shapes = pace_simulation.SHAPES[::4] if quick else pace_simulation.SHAPES
    shares: dict[str, float] = {}
    for shape in shapes:
        say(shape.name)
        shares[shape.name] = round(pace_simulation.share_of_ideal(shape), 3)
    worst = min(shares, key=lambda name: shares[name])
    goal = Goal("pace: share of the best fixed number, worst of the shapes", 0.6, 0.8, shares[worst], note=worst)
    return Figure([goal], {"share_of_ideal": shares})


def find_pages(say: Say, *, quick: bool) -> Figure:
    """Return a page of 50 recordings by each key: in memory and on Azurite, and how it grows.

    What it costs the line.
    """
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


def exports(say: Say, *, quick: bool) -> Figure:
    """Return an export of 1 and 10 GiB, made from a source without a disk; and the requests of the seal."""
    found = handover.measure(say, quick=quick)
    sizes = [each for name, each in found.items() if name.startswith("export")]
    return Figure(
        [
            Goal("an export: hashing and packing", 100, 300, min(each["mb_s"] for each in sizes), "MB/s"),
            Goal("an export: memory that it needs more", 96, 48, max(each["grown_mib"] for each in sizes), "MiB", True),
            Goal("requests of a turn of the seal with nothing new", 12, 8, found["seal"]["quiet_requests"], "", True),
            Goal("requests to seal a recording", 16, 8, found["seal"]["requests_a_recording"], "", True),
        ],
        found,
    )


FIGURES: dict[str, Callable[..., Figure]] = {
    "throttled": throttled,
    "shapes": shapes.shapes,
    "fast": fast,
    "kinds": content_kinds,
    "many": many.many,
    "one-core": instances.one_core,
    "latency": latency.latency,
    "memory": memory,
    "killed": killed,
    "small-chunks": small,
    "cold-start": cold_start,
    "cost": instances.cost,
    "pace": pace,
    "slots": slots,
    "concurrency": many.concurrency,
    "find": find_pages,
    "export": exports,
}
TABLE = tuple(
    name for name in FIGURES if name not in ("slots", "concurrency", "find", "export")
)  # what the copy is judged by
NEEDING_NGINX = frozenset({"fast", "kinds", "many", "one-core", "cost", "concurrency"})
WITHOUT_PEERS = frozenset(FIGURES) - {"throttled", "fast"}


def chosen(names: Sequence[str]) -> dict[str, Callable[..., Figure]]:
    """Return the figures of these names, in the order of the table; all when none is named.

    Raises:
        KeyError: there is no such figure.
    """
    wanted = {name: FIGURES[name] for name in names}
    return {name: figure for name, figure in FIGURES.items() if name in wanted} if wanted else dict(FIGURES)
