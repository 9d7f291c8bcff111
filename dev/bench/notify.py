"""`python -m dev bench notify`: how soon an event arrives under load, and whether the line notices."""

import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from operator import truediv
from pathlib import Path
from typing import Any

from dev.bench.follow_ups import forget_follow_ups
from dev.bench.goals import Goal
from dev.bench.notify_load import SECRET, run_load
from dev.bench.notify_sink import Arrival, Sink, running_sink
from dev.bench.report import PAGE, cells, load_since, machine, put_block, save
from dev.bench.small_chunks import Burst, _archived, _tasks, calls_of_a_chunk
from dev.world import LocalWorld, WorldOptions
from recording.domain.outgoing.events import EventType

RATE, SECONDS = 1000, 15.0
CHUNKS, ROUNDS = 150, 8  # an even number: each of the two begins as often
PATIENCE_SECONDS = 300.0  # until every event of a round must be there
Say = Callable[[str], None]


def main(target: Path, *, quick: bool, write_docs: bool = False) -> int:
    """Measure, print and write the figures; 0 when what must be reached is reached, or in a quick run."""
    before, begun = os.getloadavg()[0], time.monotonic()
    with running_sink() as sink:
        lag = lag_under(50 if quick else RATE, 2.0 if quick else SECONDS, sink, print)
        line = line_with_and_without(sink, print, count=5 if quick else CHUNKS, rounds=1 if quick else ROUNDS)
    load = load_since(before)
    goals = goals_of(lag, line)
    for goal in goals:
        print(" | ".join(cells(goal)))
    print(load)
    save({"machine": machine(), "load": load, "quick": quick, "lag": lag, "line": line}, target)
    if write_docs:
        command = "python -m dev bench notify --write-docs" + (" --quick" if quick else "")
        put_block(PAGE, "notify figures", text_of(goals, lag, line, f"`{command}`", load, time.monotonic() - begun))
    return 0 if quick or all(goal.is_reached for goal in goals) else 1


def lag_under(rate: float, seconds: float, sink: Sink, say: Say) -> dict[str, Any]:
    """Return how long after the state change each event was there, at this rate."""
    sink.forget()
    say(f"{rate:g} state changes a second for {seconds:g} s")
    begun = time.monotonic()
    changes = run_load(rate, seconds, sink.settings(SECRET))
    arrivals = sink.arrivals()
    if len(arrivals) != changes:
        raise RuntimeError(f"{len(arrivals)} of {changes} events arrived")
    return {
        "rate": rate,
        "seconds": seconds,
        "took": round(time.monotonic() - begun, 1),
        "events": changes,
    } | _quantiles(arrivals)


def line_with_and_without(sink: Sink, say: Say, *, count: int, rounds: int) -> dict[str, Any]:
    """Return the line's rate with events going out and without, in turn, and how late they were in the whole app."""
    say("what the line asks for one chunk")
    calls = {name: len(calls_of_a_chunk(one)) for name, one in (("with", sink.settings(SECRET)), ("without", {}))}
    bursts: dict[str, list[Burst]] = {"with": [], "without": []}
    arrivals: list[Arrival] = []
    with LocalWorld(WorldOptions(host="builtin")) as world:
        world._stop_host()
        for number in range(rounds):
            for name in ("without", "with") if number % 2 == 0 else ("with", "without"):
                say(f"round {number + 1}: the line {name} events")
                sink.forget()
                tasks, is_on = _tasks(world, count + 1), name == "with"
                settings = sink.settings(SECRET) if is_on else {}
                then = _waiter(sink) if is_on and not arrivals else None  # how late they are is measured once
                bursts[name].append(_archived(world, tasks, settings, then))
                forget_follow_ups(world)
                arrivals = arrivals or _archivals(sink)
    rates = {name: [burst.rate for burst in rounds] for name, rounds in bursts.items()}
    cpu = {name: statistics.median(burst.cpu / burst.chunks for burst in rounds) for name, rounds in bursts.items()}
    return {
        "calls": calls,
        "chunks": count,
        "rounds": rates,
        "cpu_seconds": {name: round(used, 4) for name, used in cpu.items()},
        "ratio": round(statistics.median(map(truediv, rates["with"], rates["without"])), 4),  # of each round's two
    } | _quantiles(arrivals)


def _waiter(sink: Sink) -> Callable[[LocalWorld, list[str]], None]:
    """Return what waits until each archived chunk was told, so that no round works for another one."""

    def wait(_world: LocalWorld, tasks: list[str]) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while len(_archivals(sink)) < len(tasks):
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"not every event was there after {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.5)

    return wait


def _archivals(sink: Sink) -> list[Arrival]:
    return [one for one in sink.arrivals() if one.type == EventType.ARCHIVED.wire_name]


def _quantiles(arrivals: list[Arrival]) -> dict[str, float]:
    lags = sorted(one.lag for one in arrivals)
    places = {"p50_s": 0.50, "p99_s": 0.99}
    found = {name: round(lags[min(len(lags) - 1, round(len(lags) * share))], 4) for name, share in places.items()}
    return found | {"most_s": round(lags[-1], 4)}


def goals_of(lag: dict[str, Any], line: dict[str, Any]) -> list[Goal]:
    """Return what must be reached, beside what was measured."""
    lost = (1 - line["ratio"]) * 100
    more_cpu = (line["cpu_seconds"]["with"] / line["cpu_seconds"]["without"] - 1) * 100
    more_calls = line["calls"]["with"] - line["calls"]["without"]
    rate = f"{lag['rate']:,.0f} events a second"
    return [
        Goal(f"from the state change to the receiver under {rate}, p50", 1, 0.05, lag["p50_s"], "s", True),
        Goal(f"from the state change to the receiver under {rate}, p99", 5, 0.5, lag["p99_s"], "s", True),
        Goal("calls to storage and ACS that events add to a chunk in the line", 0, 0, more_calls, at_most=True),
        Goal("CPU seconds of the app that events add to a chunk in the line", 3, 1, more_cpu, "%", True),
        Goal(f"what events take from the line's small chunks ({line['chunks']} in a burst)", 3, 1, lost, "%", True),
    ]


def text_of(  # noqa: PLR0917 - what a block says
    goals: list[Goal], lag: dict[str, Any], line: dict[str, Any], command: str, load: str, took: float
) -> str:
    """Return the block of docs/performance.md."""
    lines = [
        f"{command} on {datetime.now(UTC):%Y-%m-%d}, in {took / 60:.0f} minutes: {machine()}; {load}.",
        "",
        "| figure | must reach | aim | measured | |",
        "|---|---|---|---|---|",
        *("| " + " | ".join(cells(goal)) + " |" for goal in goals),
        "",
        f"{lag['events']:,} events, the slowest after {lag['most_s']:.2f} s. The line, in rounds: with events "
        f"{_told(line['rounds']['with'])}, without {_told(line['rounds']['without'])} chunks a second. In the "
        f"whole app after a burst of {line['chunks']} chunks, an event was there {line['p50_s']:.1f} s (p50) and "
        f"{line['p99_s']:.1f} s (p99) after its chunk was archived: what follows the line waits for it. A chunk is "
        f"{line['calls']['without']} calls of the line without events, and {line['calls']['with']} with them.",
    ]
    return "\n".join(lines) + "\n"


def _told(rates: list[float]) -> str:
    return ", ".join(f"{rate:.1f}" for rate in rates)
