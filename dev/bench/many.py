"""Many chunks at once in one process: what host.json's concurrency makes of a mixed load."""

import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dev.bench import servers
from dev.bench.goals import MB, Figure, Goal, Say
from dev.bench.runs import Bench, Run
from dev.bench.servers import REPOSITORY

SMALL = [200_000 + 33_000 * number for number in range(24)]
MIXED = [*SMALL, *[10 * MB] * 16, *[40 * MB] * 6, *[256 * MB] * 2]
QUICK = [*SMALL[:4], MB, MB, 4 * MB]


def many(say: Say, *, quick: bool) -> Figure:
    """Copy 48 chunks from 0.2 to 256 MB with read-back, at host.json's concurrency and one at a time."""
    lengths, rounds, at_once = QUICK if quick else MIXED, 1 if quick else 3, host_concurrency()
    serial, parallel, alone = [], [], []
    with _fast(lengths) as bench:
        for _ in range(rounds):
            say("one at a time")
            serial.append(bench.many(1, lengths))
            say(f"{at_once} at once")
            parallel.append(bench.many(at_once, lengths))
            say("small ones alone")
            alone.append(bench.many(1, SMALL[:4] if quick else SMALL))
    rate = _seconds(serial) / _seconds(parallel)
    mixed_p99, alone_p99 = (_p99([took for run in runs for took in run.took_below(MB)]) for runs in (parallel, alone))
    return Figure(
        [
            Goal(f"48 mixed chunks, {at_once} at once: rate / one at a time", 1.0, 1.2, rate),
            Goal("the same: peak memory above idle", 120, 100, max(run.rss_mb for run in parallel), "MB", at_most=True),
            Goal("mixed load: p99 of chunks of 0.2 to 1 MB / alone", 3, 2, mixed_p99 / alone_p99, at_most=True),
        ],
        {
            "at_once": at_once,
            "serial": [vars(run) for run in serial],
            "parallel": [vars(run) for run in parallel],
            "small_p99_seconds": {"mixed": mixed_p99, "alone": alone_p99},
        },
    )


def concurrency(say: Say, *, quick: bool) -> Figure:
    """Return the same load by concurrency, instance and source: why host.json says what it says."""
    lengths = QUICK if quick else MIXED
    grid: dict[str, dict[str, Any]] = {}
    for source, opened in (("fast", _fast), ("throttled", _throttled)):
        with opened(lengths) as bench:
            for cores, memory_mb in ((1, 512), (2, 2048)):
                for at_once in (1, 12) if quick else (1, 2, 4, 6, 8, 12, 16):
                    say(f"{source} source, {cores} cores, {memory_mb} MB, {at_once} at once")
                    run = bench.many(at_once, lengths, cores=cores, memory_mb=memory_mb)
                    small = _p99(run.took_below(MB))
                    grid.setdefault(f"{source}, {cores} cores, {memory_mb} MB", {})[str(at_once)] = {
                        "mb_per_second": round(sum(lengths) / run.seconds / 1e6, 1),
                        "cpu_seconds_per_gb": round(run.cpu / sum(lengths) * 1e9, 2),
                        "rss_mb": round(run.rss_mb, 1),
                        "small_p99_seconds": round(small, 3),
                        "disturbed": run.disturbed,
                    }
    return Figure([], {"lengths": lengths, "by_concurrency": grid})


def host_concurrency() -> int:
    """Return how many chunks of one process host.json lets run at once."""
    queues = json.loads((REPOSITORY / "host.json").read_text(encoding="utf-8"))["extensions"]["queues"]
    return int(queues["batchSize"]) + int(queues["newBatchThreshold"])


@contextmanager
def _fast(lengths: list[int]) -> Iterator[Bench]:
    with servers.certificate() as tls, servers.nginx(tls, sorted(set(lengths))) as server:
        yield Bench(tls, server, server)


@contextmanager
def _throttled(_lengths: list[int]) -> Iterator[Bench]:
    with servers.certificate() as tls, servers.throttled(tls) as (source, sink):
        yield Bench(tls, source, sink)


def _seconds(runs: list[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def _p99(took: list[float]) -> float:
    """Return the longest but the last hundredth; of fewer than a hundred, the longest."""
    ordered = sorted(took)
    return ordered[max(0, -(-len(ordered) * 99 // 100) - 1)]
