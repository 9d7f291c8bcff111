"""`python -m dev bench keep`: what keeping, sealing and handing over cost: seconds, requests, dollars, memory."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dev.bench.bundles import growth, measured_export
from dev.bench.goals import Goal
from dev.bench.handover import seal_turns, with_recordings
from dev.bench.report import PAGE, cells, load_since, machine, put_block, save
from dev.in_memory.builders import task
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.keep_world import attached
from dev.in_memory.world import World, intercept, leave_alone, world
from dev.prove.daily_run import figures
from recording.library.seal.compare import compare
from recording.library.seal.turn import seal
from recording.ports import AuditEntry

Say = Callable[[str], None]
RECORDINGS, SEALED = 1_000_000, 100
SIZES_GIB, QUICK_GIB = (1.0, 10.0), (0.03, 0.1)
TABLE_USD, BLOB_USD = 0.000000036, 0.00001  # a request: the prices `row` and `write` of docs/cost.md
TURNS_A_MONTH = 12 * 24 * 30
BLOCK = "keep figures"


def main(target: Path, *, quick: bool, write_docs: bool = False) -> int:
    """Measure, print and write the figures; 0 when what must be reached is reached, or in a quick run."""
    logging.getLogger("recording").setLevel(logging.CRITICAL)
    before, begun = os.getloadavg()[0], time.monotonic()
    found = measure(print, quick=quick)
    load = load_since(before)
    goals = goals_of(found)
    for goal in goals:
        print(" | ".join(cells(goal)))
    print(load)
    save({"machine": machine(), "load": load, "quick": quick, **found}, target)
    if write_docs:
        put_block(PAGE, BLOCK, text_of(goals, found, load, time.monotonic() - begun, quick=quick))
    return 0 if quick or all(goal.is_reached for goal in goals) else 1


def measure(say: Say, *, quick: bool) -> dict[str, Any]:
    """Return all figures; a quick run takes few recordings and a small bundle."""
    count, sealed = (5_000, 5) if quick else (RECORDINGS, SEALED)
    say(f"the daily run over {count:,} recordings")
    seconds, requests = figures(count)
    found: dict[str, Any] = {"daily": {"recordings": count, "seconds": seconds, "requests": requests}}
    say("turns of the seal, and the nightly comparison")
    found["seal"] = {**seal_turns(sealed), "recordings": sealed}
    found["compared"] = comparison(sealed)
    say("the calls of the line")
    found["line"] = {"without": calls_of_the_line(with_all=False), "with": calls_of_the_line(with_all=True)}
    found["exports"] = {}
    for gib in QUICK_GIB if quick else SIZES_GIB:
        say(f"a bundle of {gib:g} GiB")
        found["exports"][f"{gib:g}"] = measured_export(gib)
    return found


def comparison(recordings: int) -> dict[str, float]:
    """Return what comparing one checkpoint with the trail takes."""
    here = with_recordings(recordings)
    for _ in range(20):
        seal(here.ports)
        here.fakes.clock.advance(minutes=5)
        here.ports.audit.add(AuditEntry(here.now, "stop_recording", task().recording_id, None, "done"))
    sealing = here.fakes.seal or FakeSeal()
    watched = (sealing.store, here.fakes.audit)
    before, begun = sum(len(one.calls) for one in watched), time.perf_counter()
    look = compare(here.ports, sealing.ports)
    seconds, calls = time.perf_counter() - begun, sum(len(one.calls) for one in watched) - before
    return {"checkpoints": look.number, "ms": 1000 * seconds / look.number, "requests": calls / look.number}


def calls_of_the_line(*, with_all: bool) -> int:
    """Return how many calls to storage and ACS the line makes for one chunk, with the seal and the custodian or not."""
    here, count = world(), 0
    if with_all:
        object.__setattr__(here.fakes, "seal", FakeSeal())
        attached(here.fakes)

    def counted(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal count
        count += 1
        return None, False

    _archives_one(here, counted)
    return count


def _archives_one(here: World, counted: Callable[[str, str], tuple[Exception | None, bool]]) -> None:
    here.holds(task())
    intercept(here, counted)
    here.announces()
    here.runs_due()
    leave_alone(here)


def goals_of(found: dict[str, Any]) -> list[Goal]:
    """Return the lines of the table."""
    daily, sealed, exports = found["daily"], found["seal"], list(found["exports"].values())
    month = daily["requests"] * 30 * TABLE_USD
    turns = sealed["quiet_requests"] * TURNS_A_MONTH * BLOB_USD
    more = found["line"]["with"] - found["line"]["without"]
    largest = max(exports, key=lambda one: one["length_bytes"])
    return [
        Goal(f"the daily run over {daily['recordings']:,} recordings", 600, 120, daily["seconds"], "s", at_most=True),
        Goal("its requests", 10_000, 5_000, daily["requests"], "", at_most=True),
        Goal("its requests, a month", 1, 0.1, month, "USD", at_most=True),
        Goal("requests of a turn of the seal with nothing new", 12, 8, sealed["quiet_requests"], "", at_most=True),
        Goal("requests to seal a recording", 16, 8, sealed["requests_a_recording"], "", at_most=True),
        Goal("a quiet seal each five minutes, a month", 5, 1, turns, "USD", at_most=True),
        Goal("comparing a checkpoint with the trail", 50, 10, found["compared"]["ms"], "ms", at_most=True),
        Goal("its requests", 10, 5, found["compared"]["requests"], "", at_most=True),
        Goal("calls that all of this adds to the line for a chunk", 0, 0, more, "", at_most=True),
        Goal("a bundle: hashing and packing", 100, 300, min(one["mb_s"] for one in exports), "MB/s"),
        Goal("a bundle: memory that it needs more", 96, 48, max(one["grown_mib"] for one in exports), "MiB", True),
        Goal("the largest bundle needs more than the smallest", 16, 4, growth(exports), "MiB", at_most=True),
        Goal("the largest bundle", 10, 10, largest["length_bytes"] / 1e9, "GB"),
        Goal("its entries of a size or a place beyond 32 bits", 1, 1, largest["zip64_entries"], ""),
    ]


def text_of(goals: list[Goal], found: dict[str, Any], load: str, took: float, *, quick: bool) -> str:
    """Return the block of the page."""
    command = "python -m dev bench keep --write-docs" + (" --quick" if quick else "")
    rows = [f"| {name} | {measured} | {must} |" for name, must, _, measured, _ in map(cells, goals)]
    bundles = "; ".join(
        f"{size} GiB in {one['seconds']:.0f} s at {one['mb_s']:.0f} MB/s, with {one['grown_mib']:.0f} MiB more "
        f"than idle and {one['peak_mib']:.0f} MiB at most (VmHWM); {one['entries']} entries read back"
        for size, one in found["exports"].items()
    )
    sealed, line = found["seal"], found["line"]
    seals = (
        f"A turn of the seal over {sealed['recordings']} new recordings: {sealed['busy_requests']:.0f} requests. "
        f"The line for one chunk: {line['without']} calls without seal and custodian, {line['with']} with them."
    )
    lines = [
        f"`{command}`, in {took:.0f} s: {machine()}; {load}.",
        "",
        "| figure | measured | goal |",
        "|---|---|---|",
        *rows,
        "",
        f"Bundles: {bundles}. {seals}",
        "",
    ]
    return "\n".join(lines)
