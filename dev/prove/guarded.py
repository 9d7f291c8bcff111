"""Policies of calls, proved: lives under each of them, the forgotten pause, and wrong guards that must be caught."""

import time
from collections import Counter

from dev.prove.forgotten_pause import forgotten_pause
from dev.prove.guarded_lives import live
from dev.prove.guarded_policies import POLICIES
from dev.prove.tags_and_ends import judged
from dev.prove.wrong_guards import MOST_SEEDS, OF_TAGS, VARIANTS, caught_at, order_that_catches

STEPS = 5  # of tags, looks and an end


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
    orders, wrong = judged(STEPS)
    for said in wrong[:20]:
        print(f"guards: {said}")
    print(f"guards: {orders:,} orders of {STEPS} steps of tags and an end; {len(wrong)} with a wrong alarm")
    missed = 0
    for name in VARIANTS:
        caught = caught_at(name, MOST_SEEDS)
        missed += caught is None
        print(f"guards: wrong variant {name!r}: {'NOT CAUGHT' if caught is None else f'caught at seed {caught}'}")
    for name in OF_TAGS:
        order = order_that_catches(name, STEPS)
        missed += order is None
        print(f"guards: wrong variant {name!r}: {order or 'NOT CAUGHT'}")
    print(f"guards: in {time.perf_counter() - began:.0f} s")
    return 1 if violations or wrong or missed else 0
