"""The proofs as commands: each runs over all processors, tells how far it is, and ends with one line of figures."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from dev.prove import crashes, orders, outages
from dev.prove.simulation import CHUNKS, live, silent_log
from dev.prove.wrong_ends import CAUGHT_BY
from dev.prove.wrong_variants import VARIANTS, caught_at

# Those that use one processor, the longest first; `all` runs them side by side.
OF_ONE_PROCESS = (
    "years",
    "hostile",
    "played",
    "controls",
    "workflows",
    "visibility",
    "erased",
    "guards",
    "events",
    "tenants",
)
MOST_SEEDS_FOR_A_CONTROL = 1000
TOLD_EVERY = 10.0  # seconds
MOST_PAIRS = 1_200  # of one plan: of more, every n-th is run, spread over the whole life; all with --long
_ANEW = multiprocessing.get_context("spawn")  # a fork of a process with threads may inherit a lock that is taken
Job = TypeVar("Job")
Crash = tuple[int, tuple[crashes.Point, ...]]  # the plan's place in the list, and where the trouble is


@dataclass
class Sum:
    """What many lives add up to. A violation is what to run to see it again, and what was wrong."""

    lives: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: "Sum") -> None:
        """Add another sum."""
        self.lives += other.lives
        self.counts += other.counts
        self.violations += other.violations


@dataclass(frozen=True)
class Choice:
    """How much of the proofs to run.

    `one_in` leaves out all but one in so many of the crashes, orders, outages and lives, spread over all of them.
    """

    first: int = 0
    seeds: int | None = None
    is_long: bool = False
    one_in: int = 1

    def few(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Return one in so many of these, or all."""
        return jobs[:: self.one_in]

    def words(self) -> list[str]:
        """Return it as options of the command."""
        seeds = ["--seeds", str(self.seeds)] if self.seeds else []
        long = ["--long"] if self.is_long else []
        return ["--first", str(self.first), *seeds, *long, "--one-in", str(self.one_in)]


def main(what: str, choice: Choice, *, only: Sequence[str] = (), without: Sequence[str] = ()) -> int:
    """Run one proof by its name, or all; `without` leaves some of all out.

    0 when the promise held. Those that take longer are in `all` with `--long`.
    """
    first, seeds, is_long = choice.first, choice.seeds, choice.is_long
    proofs: dict[str, Callable[[], int]] = {
        "controls": prove_controls,
        "crashes": lambda: prove_crashes(choice),
        "erased": prove_erased,
        "events": prove_events,
        "guards": lambda: prove_guards(first, seeds or (3000 if is_long else 300)),
        "hostile": lambda: prove_hostile(first, seeds or (1_000_000 if is_long else 100_000)),
        "orders": lambda: prove_orders(choice),
        "played": prove_played,
        "outages": lambda: prove_outages(choice),
        "templates": prove_templates,
        "tenants": lambda: prove_tenants(first, seeds or (2000 if is_long else 80)),
        "visibility": prove_visibility,
        "workflows": prove_workflows,
        "years": lambda: prove_years(first, seeds or (20 if is_long else 1), is_long=is_long),
        "simulation": lambda: prove_simulation(choice),
    }
    longer: dict[str, Callable[[], int]] = {
        "compatibility": lambda: prove_compatibility(is_long=is_long),
        "mutants": lambda: prove_mutants(only),
        "faults": lambda: prove_faults(only),
        "kills": lambda: prove_kills(first, is_long=is_long),
        "chaos": lambda: prove_chaos(first, is_long=is_long),
    }
    for name in (what, *without):
        if name not in (*proofs, *longer, "all"):
            known = ", ".join((*proofs, *longer))
            print(f"There is no proof named {name!r}; the proofs are {known}, all.", file=sys.stderr)
            return 2
    if what != "all":
        return {**proofs, **longer}[what]()
    chosen = {**proofs, **longer} if is_long else proofs
    chosen = {name: proof for name, proof in chosen.items() if name not in without}
    ended = _side_by_side([name for name in OF_ONE_PROCESS if name in chosen], choice.words())
    return max([ended, *(proof() for name, proof in chosen.items() if name not in OF_ONE_PROCESS)])


def _side_by_side(names: Sequence[str], options: Sequence[str]) -> int:
    """Run proofs that keep one processor busy, as many at once as there are; print what each said when it has ended."""

    def proved(name: str) -> int:
        print(f"  {name} begins\n", end="", flush=True)  # in one piece, beside those of others
        command = [sys.executable, "-m", "dev", "prove", name, *options]
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        print(ran.stdout, end="", flush=True)
        return ran.returncode

    with ThreadPoolExecutor(os.cpu_count()) as at_once:
        return max(at_once.map(proved, names), default=0)


def prove_mutants(only: Sequence[str]) -> int:
    """Run faults planted into the rules that guard a recording; 0 when tests kill them, or a reason is on the list."""
    from dev.prove.mutation import print_mutants

    return print_mutants(only)


def prove_templates() -> int:
    """Check the templates as they are, every planted fault, every alert; 0 when all is as it must be."""
    from dev.prove.templates import print_templates  # reads the templates, which no other proof needs

    return print_templates()


def prove_workflows() -> int:
    """Check the workflows as they are and every planted fault; 0 when all is as it must be."""
    from dev.prove.workflows import print_workflows  # reads the workflows, which no other proof needs

    return print_workflows()


def prove_visibility() -> int:
    """Prove that every failure is reported within its minutes by the alert deployed for it; 0 when none is late."""
    from dev.prove.visibility import print_visibility  # reads the templates, which no other proof needs

    return print_visibility()


def prove_years(first: int, seeds: int, *, is_long: bool) -> int:
    """Run seven years of rules, holds, erasures and deaths; 0 when nothing went too early or stayed too long."""
    from dev.prove.years.proof import print_years

    with silent_log():
        return print_years(first, seeds, is_long=is_long)


def prove_erased() -> int:
    """Run a person in every store of an account, erased and looked for in all bytes; 0 when nothing is left."""
    from dev.prove.erased import print_erased

    with silent_log():
        return print_erased()


def prove_events() -> int:
    """Run a day with every declared event over both ways, and a contact centre's; 0 when each occurred and is valid."""
    from dev.prove.told import print_told
    from dev.prove.told_centre import print_centre

    with silent_log():
        return print_told() or print_centre()


def prove_guards(first: int, seeds: int) -> int:
    """Run calls under each policy through deaths, duplicates and wrong clocks; 0 when every policy held."""
    from dev.prove.guarded import print_guarded

    with silent_log():
        return print_guarded(first, seeds)


def prove_tenants(first: int, seeds: int) -> int:
    """Run three tenants through deaths, duplicates and differing clocks; 0 when nobody saw what is another's."""
    from dev.prove.tenants import print_tenants

    with silent_log():
        return print_tenants(first, seeds)


def prove_played() -> int:
    """Play stories of bad days with their times; 0 when each ended as it must."""
    from dev.prove.played import print_played

    return print_played()


def prove_hostile(first: int, cases: int) -> int:
    """Send forged events, locations, ids and answers; 0 when none got through."""
    from dev.prove.hostile import print_hostile  # parsers and a TLS server, which no other proof needs

    return print_hostile(first, cases)


def prove_faults(only: Sequence[str]) -> int:
    """Run each fault on each operation of the real adapters.

    0 when the line went on from every one and kept its word.
    """
    from dev.prove.faults import print_faults  # the SDKs, which no other proof needs

    return print_faults(only)


def prove_kills(first: int, *, is_long: bool) -> int:
    """Kill the host of the whole local world, again and again; 0 when the archive ended as it should."""
    from dev.prove.kills import KillPlan, print_kills

    return print_kills(KillPlan(recordings=1000, kills=200 if is_long else 50, seed=first))


def prove_compatibility(*, is_long: bool) -> int:
    """Run a rolling upgrade and a rollback under load; 0 when the two versions lost and delayed nothing."""
    from dev.prove.compatibility import print_compatibility

    return print_compatibility(60.0 if is_long else 12.0)


def prove_chaos(first: int, *, is_long: bool) -> int:
    """Spoil connections before Azurite and ACS; 0 when the archive ended as it should at every share of them."""
    from dev.prove.chaos import print_chaos

    return print_chaos(400 if is_long else 100, first)


def over_all_processors(work: Callable[[Sequence[Job]], Sum], jobs: Sequence[Job], batch: int = 100) -> Sum:
    """Do the jobs in fresh processes, tell how far it is, and stop at the first violation."""
    total, begun = Sum(), time.monotonic()
    told = begun
    with ProcessPoolExecutor(os.cpu_count(), mp_context=_ANEW) as workers:
        for done in workers.map(work, [jobs[at : at + batch] for at in range(0, len(jobs), batch)]):
            total.add(done)
            if total.violations:
                workers.shutdown(cancel_futures=True)
                break
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                left = (told - begun) / total.lives * (len(jobs) - total.lives)
                print(f"  {total.lives:,} of {len(jobs):,}, no violation, about {left:.0f} s left", flush=True)
    total.seconds = time.monotonic() - begun
    return total


def _told(name: str, total: Sum, facts: str) -> int:
    for again, what in total.violations[:1]:
        print(f"{name}: VIOLATION: {what}\nreplay: {again}")
    if not total.violations:
        print(f"{name}: {facts}; in {total.seconds:.0f} s, 0 violations", flush=True)
    return min(len(total.violations), 1)


def prove_simulation(choice: Choice) -> int:
    """Simulate lives; 0 when the promise held in every seed."""
    seeds = choice.seeds or (100_000 if choice.is_long else 500)
    total = over_all_processors(_simulated, choice.few(range(choice.first, choice.first + seeds)))
    facts = ", ".join(f"{total.counts[name]:,} {name}" for name in sorted(total.counts))
    return _told("simulation", total, f"{total.lives:,} lives of {CHUNKS} chunks; {facts}")


def _simulated(seeds: Sequence[int]) -> Sum:
    done = Sum(lives=len(seeds))
    with silent_log():
        for life in map(live, seeds):
            done.counts += life.counts
            again = f"python -m dev prove simulation --first {life.seed} --seeds 1"
            done.violations += [(again, what) for what in life.violations]
    return done


def prove_controls() -> int:
    """Print which seed catches each wrong variant; 0 when all are caught."""
    missed = 0
    for variant in VARIANTS:
        caught = caught_at(variant, MOST_SEEDS_FOR_A_CONTROL)
        missed += caught is None
        said = f"caught by seed {caught[0]}: {caught[1]}" if caught else "NOT CAUGHT"
        print(f"control {variant.__name__}: {said}", flush=True)
    for wrong, catch in CAUGHT_BY.items():
        found = catch(wrong)
        missed += found is None
        print(f"control {wrong.__name__}: {f'caught by {found}' if found else 'NOT CAUGHT'}", flush=True)
    return min(missed, 1)


def prove_crashes(choice: Choice) -> int:
    """Run every crash point, and pairs of them; 0 when every end was that of the calm run."""
    singles: list[Crash] = []
    pairs: list[Crash] = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=_ANEW) as workers:
        for some_singles, some_pairs in workers.map(_found, ((at, choice) for at in range(len(crashes.PLANS)))):
            singles += some_singles
            pairs += some_pairs
    points = choice.few(singles)
    total = over_all_processors(_crashed, [*points, *pairs])
    which = "all there are" if choice.one_in == 1 else f"of {len(singles):,}"
    facts = f"{len(points):,} points in {len(crashes.PLANS)} plans ({which}), {len(pairs):,} pairs of deaths"
    return _told("crashes", total, facts)


def _found(job: tuple[int, Choice]) -> tuple[list[Crash], list[Crash]]:
    """Return the points of a plan, and pairs of them."""
    at, choice = job
    with silent_log():
        plan = crashes.PLANS[at]
        pairs = list(crashes.pairs(plan, choice.one_in))
        step = 1 if choice.is_long else max(1, -(-len(pairs) * choice.one_in // MOST_PAIRS))
        return [(at, (point,)) for point in crashes.single_points(plan)], [(at, pair) for pair in pairs[::step]]


def _crashed(jobs: Sequence[Crash]) -> Sum:
    done = Sum(lives=len(jobs))
    with silent_log():
        calm = {at: crashes.live(crashes.PLANS[at]).picture for at in {at for at, _ in jobs}}
        for at, points in jobs:
            plan = crashes.PLANS[at]
            again = f"dev.prove.crashes.live(PLANS[{at}], {', '.join(map(repr, points))})"
            done.violations += [(again, what) for what in crashes.differences(plan, calm[at], *points)]
    return done


def prove_orders(choice: Choice) -> int:
    """Run all orders of deliveries by both doors; 0 when the end was always the same."""
    numbers = choice.few(range(len(orders.ORDERS)))
    total = over_all_processors(_ordered, [(number, way) for number in numbers for way in orders.WAYS])
    which = "" if choice.one_in == 1 else f"of {len(orders.ORDERS):,} "
    facts = f"{len(numbers):,} {which}orders of {len(orders.DELIVERIES)} deliveries, each by both doors"
    return _told("orders", total, facts)


def _ordered(jobs: Sequence[tuple[int, str]]) -> Sum:
    done = Sum(lives=len(jobs))
    with silent_log():
        calm = orders.live(orders.ORDERS[0], orders.WAYS[0], 0)
        for number, way in jobs:
            if orders.live(orders.ORDERS[number], way, number) != calm:
                again = f"dev.prove.orders.live(ORDERS[{number}], {way!r}, {number})"
                done.violations.append((again, f"another end than the first order's: {orders.ORDERS[number]}"))
    return done


def prove_outages(choice: Choice) -> int:
    """Take each part down for hours; 0 when nothing was lost within a day, and no loss beyond it was unreported."""
    seeds = choice.few(range(choice.seeds or (200 if choice.is_long else 20)))
    jobs = [(part, hours, seed) for part in outages.PARTS for hours in outages.HOURS for seed in seeds]
    total = over_all_processors(_out, jobs, batch=10)
    for part in outages.PARTS:
        lost = ", ".join(f"{hours} h: {total.counts[f'{part} {hours}']}" for hours in outages.HOURS)
        print(f"  {part} down, lost of {len(seeds) * outages.RECORDINGS} recordings after {lost}")
    return _told("outages", total, f"{total.lives:,} outages; all {total.counts['told']} losses were told in time")


def _out(jobs: Sequence[tuple[str, float, int]]) -> Sum:
    done = Sum(lives=len(jobs))
    for part, hours, seed in jobs:
        lived = outages.Outage(part, hours, seed).run()
        done.counts += Counter({f"{part} {hours}": lived.lost, "told": lived.told_in_time})
        again = f"dev.prove.outages.Outage({part!r}, {hours}, {seed}).run()"
        done.violations += [(again, f"{who} was lost and nobody was told") for who in lived.untold]
        if lived.lost and hours < outages.DAY:
            done.violations.append((again, f"{lived.lost} lost in an outage of {hours} hours"))
    return done
