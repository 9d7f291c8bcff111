"""Seven simulated years of keeping, several times, and the wrong variants that must be caught.

Rules, holds, releases, erasures of recordings and of one voice, bundles, entries of the quarantine, late chunks;
workers
that die at any call, a second worker there, and rows and rules of older and newer versions.
"""

import time

from dev.prove.daily_run import figures
from dev.prove.years.life import DENSE_DAYS, Life, Years
from dev.prove.years.variants import VARIANTS

DAYS = 7 * 365
MOST_LIVES = 20  # of a variant


def live(seed: int, days: int = DAYS) -> Years:
    """Return what seven years, or so many days, with this seed came to."""
    return Life(seed, days).run()


def caught_at(name: str, most: int, days: int = DENSE_DAYS) -> tuple[int, str] | None:
    """Return the first seed at which a wrong variant is caught, and what the witness said."""
    with VARIANTS[name]():
        lives = ((seed, live(seed, days).violations) for seed in range(most))
        return next(((seed, said[0]) for seed, said in lives if said), None)


def print_years(first: int, seeds: int, *, is_long: bool) -> int:
    """Live so many lives, let the wrong variants be caught, and measure a day of many recordings."""
    whole, began = Years(), time.perf_counter()
    for seed in range(first, first + seeds):
        life = live(seed)
        whole.counts += life.counts
        whole.violations += [f"seed {seed}: {said}" for said in life.violations]
    for said in whole.violations[:20]:
        print(said)
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(whole.counts.items()))
    print(f"years: {seeds} lives of seven years in {time.perf_counter() - began:.0f} s: {told}")
    print(f"years: {len(whole.violations)} destroyed under hold or before their time, or kept past time and delay")
    missed = sum(_is_missed(name) for name in VARIANTS)
    count = 1_000_000 if is_long else 100_000
    seconds, requests = figures(count)
    monthly = requests * 30 * 0.00036 / 10_000
    cost = f"{seconds:.1f} s of one core, {requests:,} requests, ${monthly:.4f} a month"
    print(f"years: a day of {count:,} recordings: {cost}")
    return 1 if whole.violations or missed else 0


def _is_missed(name: str) -> bool:
    caught = caught_at(name, MOST_LIVES)
    print(f"years: wrong variant {name!r}: {f'caught at seed {caught[0]}' if caught else 'NOT CAUGHT'}", flush=True)
    return caught is None
