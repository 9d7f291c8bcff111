"""Many seeds over all processors, with one line of figures; a violation prints the command that replays it."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.proofs.simulation import CHUNKS, live, one_thread
from tests.proofs.wrong_variants import VARIANTS, caught_at

_BATCH = 100
MOST_SEEDS_FOR_A_CONTROL = 1000


@dataclass
class Sum:
    """What many seeds add up to."""

    seeds: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[int, str]] = field(default_factory=list)


def simulate(first: int, seeds: int) -> Iterator[Sum]:
    """Runs seeds in processes; yields the sum so far after each batch."""
    total = Sum()
    batches = [range(at, min(at + _BATCH, first + seeds)) for at in range(first, first + seeds, _BATCH)]
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        for done in workers.map(_batch, batches):
            total.seeds += done.seeds
            total.counts += done.counts
            total.violations += done.violations
            yield total


def _batch(seeds: range) -> Sum:
    done = Sum(seeds=len(seeds))
    with one_thread():
        for life in map(live, seeds):
            done.counts += life.counts
            done.violations += [(life.seed, what) for what in life.violations]
    return done


def print_simulation(first: int, seeds: int) -> int:
    """Prints progress and figures; 0 when the promise held in every seed."""
    begun = time.monotonic()
    for total in simulate(first, seeds):
        spent = time.monotonic() - begun
        left = spent / total.seeds * (seeds - total.seeds)
        if total.seeds % (_BATCH * 10) == 0 and total.seeds < seeds:
            print(
                f"  {total.seeds:,} seeds, {len(total.violations)} violations, about {left / 60:.0f} min left",
                flush=True,
            )
        if total.violations:
            seed, what = total.violations[0]
            print(f"VIOLATION in seed {seed}: {what}\nreplay: python -m dev prove simulation --first {seed} --seeds 1")
            return 1
    facts = ", ".join(f"{total.counts[name]:,} {name}" for name in sorted(total.counts))
    print(f"simulation: {seeds:,} seeds x {CHUNKS} chunks in {spent:.0f} s, 0 violations; {facts}")
    return 0


def print_controls() -> int:
    """Prints which seed catches each wrong variant; 0 when all are caught."""
    missed = 0
    for variant in VARIANTS:
        caught = caught_at(variant, MOST_SEEDS_FOR_A_CONTROL)
        missed += caught is None
        print(
            f"control {variant.__name__}: " + (f"caught by seed {caught[0]}: {caught[1]}" if caught else "NOT CAUGHT")
        )
    return min(missed, 1)
