"""The workflows of GitHub, proved without GitHub: right as they are, and every planted fault is named."""

import time
from collections import Counter
from collections.abc import Iterator

from dev.policies.pipelines.planted_workflows import PLANTED
from dev.policies.pipelines.workflow_mutants import is_harmless, mutants
from dev.policies.pipelines.workflow_texts import TEXTS, changed, faults


def print_workflows() -> int:
    """Run the proof and print its figures; 0 when nothing was wrong."""
    began, seen = time.monotonic(), Counter[str]()
    wrong = [*_as_they_are(), *_planted(seen), *_by_rule(seen)]
    for fault in wrong:
        print(f"  VIOLATION  {fault}")
    print(f"{len(TEXTS)} workflows; {seen['planted']} planted faults, each found under its name")
    print(f"{seen['by rule']} lines left out, choices turned round; {seen['harmless']} are on a list with a reason")
    print(f"workflows: {len(wrong)} violations, {time.monotonic() - began:.0f} s")
    return int(bool(wrong))


def _as_they_are() -> Iterator[str]:
    yield from (f"{name}: {fault}" for name, text in TEXTS.items() for fault in sorted(faults(name, text)))


def _planted(seen: Counter[str]) -> Iterator[str]:
    for name, old, new, fault in PLANTED:
        seen["planted"] += 1
        if fault not in faults(name, changed(name, old, new)):
            yield f"not caught as {fault!r}: {name}: {old!r} → {new!r}"


def _by_rule(seen: Counter[str]) -> Iterator[str]:
    for mutant in mutants():
        seen["by rule"] += 1
        if is_harmless(mutant):
            seen["harmless"] += 1
        elif not faults(mutant.name, mutant.text):
            yield f"not caught: {mutant}"
