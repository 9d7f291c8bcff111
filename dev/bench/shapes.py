"""Throttles of several shapes over real sockets: what the pace makes of them, beside the floor with all connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from dev.bench import servers
from dev.bench.goals import MB, Figure, Goal, Say
from dev.bench.runs import FLOOR, OURS, Bench, Contest, Proof, Results

_FLOOR = {"connections": 32, "block_bytes": 2 << 20}  # all that 64 MiB of buffers allow


@dataclass(frozen=True)
class Throttle:
    """One shape: of the source for each connection, and of the sink."""

    name: str
    megabytes: float
    burst_megabytes: float = 0.0
    sink_milliseconds: float = 0.0
    sink_megabytes: float = 0.0


SHAPES = (
    Throttle("6 MB/s a connection", 6),
    Throttle("24 MB/s a connection", 24),
    Throttle("80 MB/s a connection", 80),
    Throttle("12 MB/s a connection after a burst of 1 MB", 12, burst_megabytes=1),
    Throttle("12 MB/s a connection, and a sink of 15 ms and 60 MB/s", 12, sink_milliseconds=15, sink_megabytes=60),
)


def shapes(say: Say, *, quick: bool) -> Figure:
    """Return five shapes of throttled sources and sinks, beside the native floor with 32 connections."""
    length, rounds = (16 * MB, 1) if quick else (256 * MB, 3)
    found = {}
    with servers.certificate() as tls:
        for shape in SHAPES[:2] if quick else SHAPES:
            with _served(tls, shape) as bench:
                contest = Contest(bench, Results(length), Proof.DIGEST, partial(_say, say, shape.name), _FLOOR)
                found[shape.name] = contest.run((OURS, FLOOR), rounds)
    shares = {name: results.ratio(OURS, FLOOR) or 0.0 for name, results in found.items()}
    worst = min(shares, key=lambda name: shares[name])
    goal = Goal("worst of the throttle shapes: this app / native floor", 0.6, 0.8, shares[worst], note=worst)
    return Figure([goal], {name: results.as_json() for name, results in found.items()})


def _say(say: Say, shape: str, who: str) -> None:
    say(f"{shape}: {who}")


@contextmanager
def _served(tls: servers.Certificate, shape: Throttle) -> Iterator[Bench]:
    with (
        servers.python_server("source", tls, 40, shape.megabytes, shape.burst_megabytes) as source,
        servers.python_server("sink", tls, shape.sink_milliseconds, shape.sink_megabytes) as sink,
    ):
        yield Bench(tls, source, sink)
