"""Mutation testing: a fault in the rules that guard a recording must make a test fail.

Each mutant lives in a process of its own, forked from a fresh one that has loaded the libraries and has no thread, so
no lock is inherited. A finder gives Python the changed source instead of the file's; nothing is ever written. The tests
of the module run until the first failure; those that failed last run first, because they often see the next fault, too.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import multiprocessing
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.pool import Pool
from pathlib import Path
from types import ModuleType
from typing import Any

from dev.prove.mutants import Mutant, mutants_of
from dev.prove.survivors import SURVIVORS

ROOT = Path(__file__).resolve().parents[2]
LONGEST_CPU_SECONDS = 45  # a mutant that never ends is noticed, too; without a fault the tests take ten
LONGEST_SECONDS = 300  # and one that waits forever
NEEDED = 0.9  # killed, outside the guard; in it, all
TOLD_EVERY = 15.0
MOST_FIRST = 8  # tests that run before the others
NO_TEST = "no test"  # failed: a fault that breaks the import, or never ends
LIBRARIES = ("pytest", "hypothesis.strategies", "schemathesis.pytest.plugin", "pydantic", "requests")  # loaded once
OURS = ("recording", "tests", "dev")  # packages that a mutant's tests import anew
_LINE = (
    "unit/archive/test_line.py",
    "unit/archive/test_claim.py",
    "unit/archive/test_conflicts.py",
    "unit/archive/transfer/test_fetch.py",
    "unit/archive/transfer/test_resume.py",
)


_WALKERS = ("wav", "mp3", "mp4", "mp4_tracks", "mp4_fragments")
_MEDIA = ("unit/domain/media/test_media_kinds.py", "unit/domain/media/test_walkers.py")


@dataclass(frozen=True)
class Target:
    """A module, the tests that must notice faults in it, and which of its functions are the guard before the delete."""

    module: str
    tests: tuple[str, ...]
    guard: tuple[str, ...] = ()
    is_asked_for: bool = False  # planted only when its name is asked for: the walkers' 1,700 mutants take hours

    @property
    def source(self) -> str:
        """Return what it is without a fault."""
        return (ROOT / f"{self.module.replace('.', '/')}.py").read_text(encoding="utf-8")


TARGETS = (
    Target(
        "recording.domain.state.transitions",
        (
            "unit/domain/state/test_transitions.py",
            *_LINE,
            "unit/reconcile/test_overdue.py",
            "unit/operate/test_held.py",
        ),
        ("may_delete_source", "metadata_is_settled", "names_the_same_object"),
    ),
    Target(
        "recording.domain.archived.integrity",
        ("unit/domain/archived/test_integrity.py", "unit/domain/archived/test_integrity_remarks.py", *_LINE),
    ),
    Target(
        "recording.domain.archived.blocks",
        ("unit/domain/archived/test_blocks.py", *_LINE[:1], *_LINE[3:]),
    ),
    Target(
        "recording.archive.verify",
        ("unit/archive/test_verify.py", *_LINE, "unit/archive/test_fallback.py", "unit/archive/test_media_remarks.py"),
    ),
    Target(
        "recording.archive.delete_source",
        (
            "unit/archive/test_length_proved.py",
            "unit/archive/test_delete_source.py",
            "unit/archive/test_hands.py",
            "unit/archive/test_external.py",
            "unit/archive/test_line_events.py",
            *_LINE,
            "unit/reconcile/test_overdue.py",
            "unit/archive/test_priority.py",
            "unit/archive/test_fallback.py",
            "unit/archive/test_growing.py",
        ),
        (
            "_source_outcome",
            "_why_left",
            "_delete_source",
            "is_length_proved",
            "_plays_as_told",
            "_told_ms",
            "_check_has_not_grown",
        ),
    ),
    Target(
        "recording.domain.state.stored",
        (
            "unit/domain/state/test_stored.py",
            "unit/archive/test_delete_source.py",
            "unit/archive/test_sha512.py",
            *_LINE,
            "unit/archive/test_hands.py",
        ),
        ("media_standing", "standing", "is_receipt_of", "is_same_sha512"),
    ),
    Target(
        "recording.domain.state.patience",
        (
            "unit/domain/state/test_patience.py",
            "unit/archive/test_growing.py",
            "unit/archive/test_bad_bodies.py",
            "unit/archive/test_events_and_clocks.py",
            "unit/archive/test_locations.py",
        ),
    ),
    Target("recording.archive.suspects", ("unit/archive/test_suspects.py", "unit/archive/test_verify.py")),
    Target("recording.archive.recopy", ("unit/archive/test_recopy.py", "unit/archive/test_verify.py")),
    Target(
        "recording.ingest.twins",
        (
            "unit/ingest/test_twins.py",
            "unit/ingest/test_tasks.py",
            "unit/archive/test_contested_index.py",
            "unit/archive/test_twins.py",
        ),
    ),
    *(
        Target(f"recording.domain.media.{walker}", _MEDIA, is_asked_for=True)
        for walker in ("wav", "mp3", "mp4", "mp4_tracks", "mp4_fragments")
    ),
)


@dataclass(frozen=True)
class Job:
    """One mutant of a target; None is the module as it is, which must pass."""

    target: Target
    mutant: Mutant | None

    @property
    def name(self) -> str:
        """Return its name for the list of survivors."""
        return f"{self.target.module.rpartition('.')[2]}.{self.mutant.name if self.mutant else 'as it is'}"

    @property
    def is_in_guard(self) -> bool:
        """Return whether the fault is in the guard before the delete."""
        return self.mutant is not None and self.mutant.function in self.target.guard


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Gives one module another source."""

    def __init__(self, module: str, source: str) -> None:
        self._module, self._source = module, source

    def find_spec(
        self, name: str, path: object, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self._module else None

    def get_source(self, fullname: str) -> str:
        """Return the other source."""
        return self._source


class _Failed:
    """Notes the first test that fails, by a name that pytest takes: of all its parameters, whose names may be odd."""

    name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note it."""
        if report.failed and not self.name:
            self.name = report.nodeid.partition("[")[0]


def failed_test(job: Job, first: Sequence[str] = ()) -> str | None:
    """Run the tests with the fault, those named in `first` alone before all; in a process that ends afterwards.

    Returns:
        The name of the test that failed, NO_TEST when the tests could not even begin or did not end, None when all
        passed. (Plain values: the classes of this module are loaded anew here, so their instances reach nobody.)

    Raises:
        RuntimeError: pytest could not run at all, which proves nothing.
    """
    import pytest

    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]  # the fakes of `dev` hold classes of the module as it is
    if job.mutant is not None:
        sys.meta_path.insert(0, _Instead(job.target.module, job.mutant.source))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    signal.signal(signal.SIGPROF, _too_long)
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_PROF, LONGEST_CPU_SECONDS)
    signal.alarm(LONGEST_SECONDS)
    quiet = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]
    options = [*quiet, "--assert=plain", f"--rootdir={ROOT}"]  # no test asks how an assertion is worded
    failed, code = _Failed(), pytest.ExitCode.OK
    for wanted in filter(None, (first, [f"tests/{name}" for name in job.target.tests])):
        code = pytest.ExitCode(pytest.main([*options, *[str(ROOT / name) for name in wanted]], plugins=[failed]))
        if code is not pytest.ExitCode.OK:
            break
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.alarm(0)
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED):
        raise RuntimeError(f"{job.name}: pytest ended with {code}")
    return None if code is pytest.ExitCode.OK else failed.name or NO_TEST


def _too_long(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt  # which no test and no search for a smaller example catches


def jobs(only: Sequence[str] = ()) -> Iterator[Job]:
    """Yield the modules as they are, then every mutant; or those whose names hold one of these texts."""
    planted = [target for target in TARGETS if only or not target.is_asked_for]
    every = [Job(target, None) for target in planted]
    every += [Job(target, mutant) for target in planted for mutant in mutants_of(target.source)]
    yield from (job for job in every if not only or any(text in job.name for text in only))


class Runs:
    """Runs of mutants, each in a fresh process, as many at once as there are processors."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._failed: dict[Target, list[str]] = defaultdict(list)  # the latest first

    def is_killed(self, job: Job) -> bool:
        """Return whether a test failed with this fault."""
        last = self._failed[job.target]
        failed: str | None = self._pool.apply(failed_test, (job, tuple(last[:MOST_FIRST])))
        if failed is not None and failed != NO_TEST and job.mutant is not None:
            last[:] = [failed, *(name for name in last if name != failed)]
        return failed is not None


def fresh_processes() -> Pool:
    """Return processes that inherit no lock and end after one mutant.

    This process may have threads, so it is not forked: a lock that one of them holds would stay taken for good.
    """
    anew = multiprocessing.get_context("forkserver")
    anew.set_forkserver_preload([*LIBRARIES])
    return anew.Pool(os.cpu_count(), maxtasksperchild=1)


def print_mutants(only: Sequence[str] = ()) -> int:
    """Run all mutants (or those whose names hold one of these texts); 1 when one lives that should not."""
    chosen = list(jobs(only))
    begun = told = time.monotonic()
    lived: list[Job] = []
    with fresh_processes() as pool, ThreadPoolExecutor(os.cpu_count()) as at_once:
        for done, (job, killed) in enumerate(zip(chosen, at_once.map(Runs(pool).is_killed, chosen), strict=True), 1):
            if job.mutant is None and killed:
                at_once.shutdown(wait=False, cancel_futures=True)
                print(f"mutants: the tests of {job.target.module} fail without any fault; nothing can be proved")
                return 1
            if job.mutant is not None and not killed:
                lived.append(job)
                if job.name not in SURVIVORS:
                    print(f"  lived: {job.name}", flush=True)
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                print(f"  {done} of {len(chosen)}, {len(lived)} lived", flush=True)
    return _judged([job for job in chosen if job.mutant is not None], lived, time.monotonic() - begun, is_all=not only)


def _judged(planted: Sequence[Job], lived: Sequence[Job], seconds: float, *, is_all: bool) -> int:
    names = {job.name for job in lived}
    faults = [f"in the guard, and no test saw it: {job.name}" for job in lived if job.is_in_guard]
    faults += [f"not in the list of survivors: {name}" for name in sorted(names - SURVIVORS.keys())]
    if is_all:
        killed = {job.name for job in planted} - names
        faults += [f"in the list of survivors, and killed: {name}" for name in sorted(SURVIVORS.keys() & killed)]
    for target in TARGETS:
        mine = [job for job in planted if job.target == target]
        alive = [job for job in mine if job.name in names]
        if len(alive) > (1 - NEEDED) * len(mine):
            faults.append(f"{target.module}: {len(alive)} of {len(mine)} lived")
        if not mine:
            continue
        in_guard = sum(job.is_in_guard for job in mine)
        guard = f"; in the guard {in_guard - sum(job.is_in_guard for job in alive)} of {in_guard}" if in_guard else ""
        print(f"  {target.module}: {len(mine) - len(alive)} of {len(mine)} killed{guard}")
    for fault in faults:
        print(f"mutants: VIOLATION: {fault}")
    if not faults:
        share = (len(planted) - len(lived)) / max(len(planted), 1)
        told = f"{len(planted)} planted, {share:.1%} killed, {len(lived)} lived, each with a reason"
        print(f"mutants: {told}; in {seconds:.0f} s")
    return min(len(faults), 1)
