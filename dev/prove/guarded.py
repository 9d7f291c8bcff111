"""Policies of calls, proved: lives under each of them, the forgotten pause, and wrong guards that must be caught."""

import time
from collections import Counter

from dev.prove.forgotten_pause import forgotten_pause
from dev.prove.guarded_lives import live
from dev.prove.guarded_policies import POLICIES
from dev.prove.wrong_guards import MOST_SEEDS, VARIANTS, caught_at


def print_guarded(first: int, seeds: int) -> int:
    """Live so many lives, spread over the policies, play the forgotten pause, and let the wrong variants be caught."""
    began, violations, counts = time.perf_counter(), list[str](), Counter[str]()
    names = list(POLICIES)
    for seed in range(first, first + seeds):
        name = names[seed % len(names)]
        found = live(seed, name)
        counts += found.counts
        violations += [f"{name}, seed {seed}: {said}" for said in found.violations]
    for said in violations[:20]:
        print(f"guards: {said}")
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    print(f"guards: {seeds} lives under {len(names)} policies: {told}; {len(violations)} violations")
    late = forgotten_pause()
    print(f"guards: the forgotten pause of 60 restarts ended {late.total_seconds() / 60:.0f} minutes after its time")
    missed = 0
    for name in VARIANTS:
        caught = caught_at(name, MOST_SEEDS)
        missed += caught is None
        print(f"guards: wrong variant {name!r}: {'NOT CAUGHT' if caught is None else f'caught at seed {caught}'}")
    print(f"guards: in {time.perf_counter() - began:.0f} s")
    return 1 if violations or missed else 0
