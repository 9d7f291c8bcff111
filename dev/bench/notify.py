"""`python -m dev bench notify`: how soon an event arrives under load, and whether the line notices."""

import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from dev.bench.follow_ups import forget_follow_ups
from dev.bench.goals import Goal
from dev.bench.notify_load import SECRET, run_load
from dev.bench.notify_sink import Arrival, Sink, running_sink
from dev.bench.report import PAGE, cells, load_since, machine, put_block, save
from dev.bench.small_chunks import Burst, _tasks, calls_of_a_chunk, warm_line
from dev.bench.turns import in_turn
from dev.world import LocalWorld, WorldOptions
from recording.domain.outgoing.events import EventType

RATE, SECONDS = 1000, 15.0
FULL = {"count": 40, "pairs": 6, "late": 100, "turns_of_each": 300}
PATIENCE_SECONDS = 300.0  # until every event of a burst must be there
Say = Callable[[str], None]
T = TypeVar("T")


def main(target: Path, *, quick: bool, write_docs: bool = False) -> int:
    """Measure, print and write the figures; 0 when what must be reached is reached, or in a quick run."""
    before, begun = os.getloadavg()[0], time.monotonic()
    with running_sink() as sink:
        lag = lag_under(50 if quick else RATE, 2.0 if quick else SECONDS, sink, print)
        counts = {"count": 3, "pairs": 2, "late": 3, "turns_of_each": 4} if quick else FULL
        line = line_with_and_without(sink, print, **counts)
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


def line_with_and_without(
    sink: Sink, say: Say, *, count: int, pairs: int, late: int, turns_of_each: int
) -> dict[str, Any]:
    """Return what the line takes with events going out and without, and how late events are in the whole app.

    Two whole local worlds, whose hosts stay alive, archive short bursts in turn, a few seconds apart: the speed of a
    shared machine drifts by more than what is looked for, and the median of many pairs does not.

    Args:
        sink: receives the events.
        say: is told what is under way.
        count: chunks in a burst.
        pairs: bursts of each; an even number, so that each of the two begins as often.
        late: chunks in the one burst whose events are waited for.
        turns_of_each: chunks that the line alone archives with each, one by one.
    """
    say("what the line asks for one chunk")
    calls = {name: len(calls_of_a_chunk(one)) for name, one in (("with", sink.settings(SECRET)), ("without", {}))}
    bursts: dict[str, list[Burst]] = {"with": [], "without": []}
    turns = in_turn({"without": {}, "with": sink.settings(SECRET)}, turns_of_each, say)
    with ExitStack() as stack:
        worlds = {name: stack.enter_context(LocalWorld(WorldOptions(host="builtin"))) for name in bursts}
        tasks, lines = {}, {}
        for name, world in worlds.items():
            world._stop_host()
            say(f"chunks for the line {name} events")
            tasks[name] = _tasks(world, 1 + late + pairs * count)  # all before the host is there, which would take them
            settings = sink.settings(SECRET) if name == "with" else {}
            lines[name] = stack.enter_context(warm_line(world, tasks[name].pop(), settings))
        say(f"{late} chunks at once, and their events")
        sink.forget()
        for name, line in lines.items():
            line.burst([tasks[name].pop() for _ in range(late)])
        arrivals = _waited_for(sink, late)
        for number in range(pairs):
            for name in ("without", "with") if number % 2 == 0 else ("with", "without"):
                bursts[name].append(lines[name].burst([tasks[name].pop() for _ in range(count)]))
                forget_follow_ups(worlds[name])  # how late these are was measured above
            one, other = bursts["with"][-1], bursts["without"][-1]
            say(f"pair {number + 1} of {pairs}: {one.rate:.1f} chunks a second with events, {other.rate:.1f} without")
    return {
        "calls": calls,
        "chunks": count,
        "late": late,
        "rounds": {name: [burst.rate for burst in ones] for name, ones in bursts.items()},
        "cpu": {name: [round(burst.cpu, 2) for burst in ones] for name, ones in bursts.items()},
        "burst_ratios": sorted(round(ratio, 3) for ratio in _paired(bursts, lambda burst: burst.seconds)),
        "turns": turns_of_each,
        "ratio": round(statistics.median(_paired(turns, lambda turn: turn.seconds)), 4),
        "cpu_ratio": round(statistics.median(_paired(turns, lambda turn: turn.cpu)), 4),
    } | _quantiles(arrivals)


def _paired(ones: dict[str, list[T]], figure: Callable[[T], float]) -> list[float]:
    """Return each pair's ratio, with events to without."""
    return [figure(one) / figure(other) for one, other in zip(ones["with"], ones["without"], strict=True)]


def _waited_for(sink: Sink, count: int) -> list[Arrival]:
    """Return what tells of archived chunks, once as many have arrived."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while len(found := _archivals(sink)) < count:
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"{len(found)} of {count} events were there after {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.5)
    return found


def _archivals(sink: Sink) -> list[Arrival]:
    return [one for one in sink.arrivals() if one.type == EventType.ARCHIVED.wire_name]


def _quantiles(arrivals: list[Arrival]) -> dict[str, float]:
    lags = sorted(one.lag for one in arrivals)
    places = {"p50_s": 0.50, "p99_s": 0.99}
    found = {name: round(lags[min(len(lags) - 1, round(len(lags) * share))], 4) for name, share in places.items()}
    return found | {"most_s": round(lags[-1], 4)}


def goals_of(lag: dict[str, Any], line: dict[str, Any]) -> list[Goal]:
    """Return what must be reached, beside what was measured."""
    more_time = (line["ratio"] - 1) * 100
    more_cpu = (line["cpu_ratio"] - 1) * 100
    more_calls = line["calls"]["with"] - line["calls"]["without"]
    rate = f"{lag['rate']:,.0f} events a second"
    return [
        Goal(f"from the state change to the receiver under {rate}, p50", 1, 0.05, lag["p50_s"], "s", True),
        Goal(f"from the state change to the receiver under {rate}, p99", 5, 0.5, lag["p99_s"], "s", True),
        Goal("calls to storage and ACS that events add to a chunk in the line", 0, 0, more_calls, at_most=True),
        Goal("CPU seconds that events add to a chunk in the line", 3, 1, more_cpu, "%", True),
        Goal("time that events add to a chunk in the line", 3, 1, more_time, "%", True),
    ]


def text_of(  # noqa: PLR0917 - what a block says
    goals: list[Goal], lag: dict[str, Any], line: dict[str, Any], command: str, load: str, took: float
) -> str:
    """Return the block of docs/performance.md."""
    ratios = line["burst_ratios"]
    lines = [
        f"{command} on {datetime.now(UTC):%Y-%m-%d}, in {took / 60:.0f} minutes: {machine()}; {load}.",
        "",
        "| figure | must reach | aim | measured | |",
        "|---|---|---|---|---|",
        *("| " + " | ".join(cells(goal)) + " |" for goal in goals),
        "",
        f"{lag['events']:,} events, the slowest after {lag['most_s']:.2f} s. A chunk is {line['calls']['without']} "
        f"calls of the line without events, and {line['calls']['with']} with them; time and CPU are medians of "
        f"{line['turns']} pairs of chunks, one by one. The whole app, in pairs of bursts of {line['chunks']} chunks: "
        f"with events {_told(line['rounds']['with'])}, without {_told(line['rounds']['without'])} chunks a second; "
        f"a burst with events took {_percent(ratios, 0.5)} in the middle, {_percent(ratios, 0.25)} to "
        f"{_percent(ratios, 0.75)} in the middle half of the pairs. After a burst of {line['late']} chunks, an event "
        f"was there {line['p50_s']:.1f} s (p50) and {line['p99_s']:.1f} s (p99) after its chunk was archived: what "
        f"follows the line waits for it.",
    ]
    return "\n".join(lines) + "\n"


def _percent(ordered: list[float], share: float) -> str:
    return f"{(ordered[round((len(ordered) - 1) * share)] - 1) * 100:+.0f} %"


def _told(rates: list[float]) -> str:
    return ", ".join(f"{rate:.1f}" for rate in rates)
