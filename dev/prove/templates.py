"""Templates and alerts, proved without Azure: green as they are, and each planted fault is caught by its check."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from dev.policies.infra.alarms import deployed
from dev.policies.infra.alert_cases import CASES
from dev.policies.infra.alert_cases.case import workspace_after
from dev.policies.infra.alert_lines import NOW
from dev.policies.infra.checks import CHECKS
from dev.policies.infra.planted import FAULTS
from dev.policies.infra.template_mutants import PLAYED, Mutant, finder, is_harmless, mutants
from dev.policies.infra.templates import Check, Templates, load
from recording.telemetry import Event

TOLD_EVERY = 500  # changes by rule


@dataclass
class Proof:
    """What was looked at, and what was wrong."""

    files: int
    checks: int
    planted: Counter[str] = field(default_factory=Counter)  # by what kind of file they are in
    by_rule: int = 0  # properties left out, literals, operators, references and types changed
    harmless: int = 0  # of them, those on a list with a reason
    fired: Counter[str] = field(default_factory=Counter)  # how many things that happen set off each alert
    quiet: int = 0  # things that must set off no alert, and did not
    faults: list[str] = field(default_factory=list)

    @property
    def figures(self) -> str:
        """Return three lines."""
        kinds = ", ".join(f"{count} in {kind}" for kind, count in self.planted.most_common())
        return (
            f"{self.checks} checks over {self.files} files; {self.planted.total()} planted faults ({kinds})\n"
            f"{self.by_rule} properties left out, literals, operators, references and types changed; "
            f"{self.harmless} are on a list with a reason\n"
            f"{len(self.fired)} log alerts executed over {len(CASES)} things that happen, "
            f"written by the app's own emit; {self.quiet} of them set off none"
        )


def proof_of(templates: Templates) -> Proof:
    """Look at the templates as they are, plant every fault, and execute every alert."""
    proof = Proof(len(templates.texts), len(CHECKS))
    proof.faults += [f"{check.__name__}: {fault}" for check in CHECKS for fault in check(templates)]
    proof.faults += list(survivors(templates, proof))
    proof.faults += list(left_by_rule(templates, proof))
    proof.faults += list(wrong_alerts(proof))
    return proof


def survivors(templates: Templates, proof: Proof) -> Iterator[str]:
    """Yield each planted fault that its check does not find."""
    for check, path, old, new in FAULTS:
        proof.planted[_kind_of(path)] += 1
        if not any(True for _ in check(templates.with_change(path, old, new))):
            yield f"not caught by {check.__name__}: {path}: {old!r} → {new!r}"


def left_by_rule(templates: Templates, proof: Proof) -> Iterator[str]:
    """Yield each change of a Bicep file that no check finds and no reason excuses; on all processors."""
    wanted: list[Mutant] = []
    for mutant in mutants(templates):
        proof.by_rule += 1
        if is_harmless(mutant):
            proof.harmless += 1
        else:
            wanted.append(mutant)
    anew = multiprocessing.get_context("spawn")  # a fork of a process with threads may inherit a lock that is taken
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=anew, initializer=_remember, initargs=(dict(templates.texts),)
    ) as workers:
        for number, left in enumerate(workers.map(_left, wanted, chunksize=20), 1):
            if left:
                yield left
            if number % TOLD_EVERY == 0:
                print(f"  {number:,} of {len(wanted):,} changes by rule", flush=True)


_templates = Templates({})
_order: list[Check] = []  # in which a worker process tries the checks


def _remember(texts: Mapping[str, str]) -> None:
    """Keep the templates in a worker process, and the checks with the quickest first."""
    global _templates  # noqa: PLW0603 - what a worker process is given, once
    _templates = Templates(texts)
    _order[:] = [*sorted((check for check in CHECKS if check not in PLAYED), key=_seconds), *PLAYED]


def _seconds(check: Check) -> float:
    began = time.perf_counter()
    list(check(_templates))
    return time.perf_counter() - began


def _left(mutant: Mutant) -> str | None:
    found_by = finder(mutant, _templates, _order)
    if found_by is None:
        return f"not caught: {mutant}"
    if found_by not in PLAYED:  # what has found a fault is tried first at the next one, which is often nearby
        _order.remove(found_by)
        _order.insert(0, found_by)
    return None


def wrong_alerts(proof: Proof) -> Iterator[str]:
    """Yield each thing that sets off other alerts than it must; and each alert that nothing sets off."""
    alerts = {name: alert for name, alert in deployed().items() if alert.query}
    for case in CASES:
        workspace = workspace_after(case)
        fired = {name for name, alert in alerts.items() if alert.keys(workspace, NOW)}
        proof.fired.update(fired)
        proof.quiet += not case.alerts
        if fired != case.alerts:
            yield f"{case.what}: fires {sorted(fired)}, not {sorted(case.alerts)}"
    yield from (f"nothing sets off {name}" for name in alerts if name not in proof.fired)
    played = {event for case in CASES for _, event, _ in case.lines}
    yield from (f"{event.value} is never played" for event in Event if event not in played)


def _kind_of(path: str) -> str:
    if "observability" in path:
        return "queries"
    return {"bicep": "templates", "sh": "hooks", "ps1": "hooks"}.get(path.rpartition(".")[2], "parameters and settings")


def print_templates() -> int:
    """Run the proof and print its figures; 0 when nothing was wrong."""
    began, proof = time.monotonic(), proof_of(load())
    for fault in proof.faults:
        print(f"  VIOLATION  {fault}")
    print(proof.figures)
    print(f"templates: {len(proof.faults)} violations, {time.monotonic() - began:.0f} s")
    return int(bool(proof.faults))
