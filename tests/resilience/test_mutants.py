"""Mutants: no fault in the guard before the delete gets past a table of all that must be so.

`python -m dev prove mutants` plants faults in everything else that guards a recording.
"""

import ast
import subprocess
import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from dev.in_memory.builders import EVENT_TIME, STORED_ETAG, document_id, location, record, stored, task
from dev.prove.mutants import Mutant, mutants_of
from dev.prove.mutation import ROOT, TARGETS, Target, jobs
from dev.prove.survivors import SURVIVORS
from recording.domain.incoming.locations import DEFAULT_CONTENT_HOSTS, checked_location
from recording.domain.state.chunk import Acceptance, ChunkState, Home, MetadataOutcome, SourceOutcome
from recording.domain.state.stored import StoredBlob

RULES = TARGETS[0]
GUARD = [mutant for mutant in mutants_of(RULES.source) if mutant.function in RULES.guard]
PROVED = record(
    ChunkState.CATALOGED,
    verified_at=EVENT_TIME,
    cataloged_at=EVENT_TIME,
    blob_name="a.wav",
    sha256="ab",
    length_bytes=5,
    metadata=MetadataOutcome.ARCHIVED,
)
UNPROVED: tuple[dict[str, Any], ...] = (
    *({"state": state} for state in ChunkState if state is not ChunkState.CATALOGED),
    *({"source": outcome} for outcome in SourceOutcome),
    {"task": task().model_copy(update={"home": Home.EXTERNAL})},
    {"verified_at": None},
    {"cataloged_at": None},
    {"blob_name": None},
    {"blob_name": ""},
    {"sha256": None},
    {"length_bytes": None},
    {"length_bytes": 0},
    {"media_fault": "does not open"},
    {"accepted": Acceptance(by=None, note="heard it", at=PROVED.changed_at)},
    {"taken_from": "another/000000-a"},
    {"metadata": None},
    {"metadata": None, "metadata_reason": "late"},
    {"metadata": MetadataOutcome.NOT_ANNOUNCED},
)
WITHOUT_METADATA = {"metadata": MetadataOutcome.NOT_ANNOUNCED, "metadata_reason": "the event names none"}
BARE = PROVED.model_copy(update=WITHOUT_METADATA)
GOOD = stored(PROVED)
SPOILT = (
    replace(GOOD, media=None),
    replace(GOOD, media=StoredBlob(0, {}, STORED_ETAG)),
    replace(GOOD, media=StoredBlob(PROVED.length_bytes or 0, {"sha256": PROVED.sha256 or ""}, "other")),
    replace(GOOD, receipt=None),
    replace(GOOD, metadata=b"{}"),
)
FOLDER = checked_location(location(document_id(0), "") + "/", DEFAULT_CONTENT_HOSTS)  # a folder, to some servers
ONE, OTHER = (checked_location(location(document_id(at)), DEFAULT_CONTENT_HOSTS) for at in (0, 1))


def holds(module: ModuleType) -> bool:
    """Whether the guard of this module lets through what is proved, and nothing else."""
    may, same = module.may_delete_source, module.names_the_same_object
    return (
        not any(may(PROVED, spoilt) for spoilt in SPOILT)
        and [may(PROVED, stored(PROVED)), may(BARE, stored(BARE))] == [True, True]
        and [may(bad := PROVED.model_copy(update=facts), stored(bad)) for facts in UNPROVED] == [False] * len(UNPROVED)
        and same(ONE, ONE, document_id(0)) is True
        and [same(OTHER, ONE, document_id(0)), same(ONE, OTHER, document_id(0))] == [False] * 2
        and same(ONE, ONE, document_id(1)) is False
        and same(FOLDER, ONE, document_id(0)) is False
    )


def made_of(source: str) -> ModuleType:
    """The rules, from this text."""
    made = ModuleType("mutated")
    exec(compile(source, "mutated", "exec"), made.__dict__)  # noqa: S102 - our own rules with one fault
    return made


def test_the_table_passes_the_guard_as_it_is() -> None:
    """Without this, a table that refuses everything would kill every mutant."""
    assert holds(made_of(RULES.source))


@pytest.mark.parametrize("mutant", GUARD, ids=lambda mutant: mutant.name)
def test_a_fault_in_the_guard_is_noticed(mutant: Mutant) -> None:
    """One condition less is one way to lose a recording (I1)."""
    assert not holds(made_of(mutant.source))


def test_there_are_faults_to_notice() -> None:
    """A mutator that plants nothing proves everything."""
    assert len(GUARD) >= 30
    assert all(mutant.source != RULES.source for mutant in GUARD)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.module)
def test_the_tests_that_must_notice_exist(target: Target) -> None:
    """A run of pytest is refused where a file was moved, and the whole proof with it."""
    assert [name for name in target.tests if not (ROOT / "tests" / name).is_file()] == []


AS_IT_IS = """
import dev.prove.runner  # which loads the world in memory, and the rules with it
from dev.prove.mutation import Job, Target, failed_test, fresh_processes

job = Job(Target("recording.domain.state.patience", ("unit/domain/state/test_patience.py",)), None)
with fresh_processes() as pool:
    print(pool.apply(failed_test, (job,)))
"""


def test_without_a_fault_the_tests_pass_in_the_process_of_a_mutant() -> None:
    """The helpers of tests that were loaded before have other classes than the rules that are loaded anew."""
    done = subprocess.run([sys.executable, "-c", AS_IT_IS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("None\n", 0), done.stderr


TAKEN = """
from dev.prove.mutation import fresh_processes
from tests.dev.prove.test_runner import is_taken, taken

with taken, fresh_processes() as pool:
    print([one.counts["taken"] for one in pool.map(is_taken, [[1], [2]], chunksize=1)])
"""


def test_the_process_of_a_mutant_inherits_no_lock() -> None:
    """A lock that a thread of the command holds would be held for good in a fork of it."""
    done = subprocess.run([sys.executable, "-c", TAKEN], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("[0, 0]\n", 0), done.stderr


def test_every_survivor_is_a_mutant_outside_of_the_guard() -> None:
    """A name that fits nothing hides nothing, but it misleads."""
    planted = {job.name: job for job in jobs(sorted(SURVIVORS))}
    assert SURVIVORS.keys() <= planted.keys()
    assert not [name for name in SURVIVORS if planted[name].is_in_guard]


def test_what_is_asked_for_by_its_name_is_planted_and_no_other() -> None:
    """The names are those of the list of survivors."""
    asked = [job.name for job in jobs(["blocks.regrouped", "twins.as it is"])]
    assert asked[0] == "twins.as it is"
    assert len(asked) > 5
    assert all(name.startswith("blocks.regrouped: ") for name in asked[1:])


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.module)
def test_the_tests_of_a_target_and_the_functions_of_its_guard_exist(target: Target) -> None:
    """What was moved or renamed would be left out without a word."""
    assert [name for name in target.tests if not (ROOT / "tests" / name).is_file()] == []
    written = {node.name for node in ast.walk(ast.parse(target.source)) if isinstance(node, ast.FunctionDef)}
    assert set(target.guard) <= written


def test_a_module_as_it_is_passes_and_a_fault_in_it_is_killed() -> None:
    """Tests that fail without a fault kill every mutant, and tests of another copy of the module kill none."""
    quick = replace(RULES, tests=("unit/domain/state/test_transitions.py",))
    ran = subprocess.run(
        [sys.executable, "-c", RUN, repr(quick), GUARD[0].name], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
    assert "1 planted, 100.0% killed" in ran.stdout


RUN = """
import sys

import dev.prove.runner  # as the command does: it loads the app before any fault is planted
from dev.prove import mutation
from dev.prove.mutation import Target

mutation.TARGETS = (eval(sys.argv[1]),)
sys.exit(mutation.print_mutants(["transitions.as it is", sys.argv[2]]))
"""
