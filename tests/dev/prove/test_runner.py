"""The proofs side by side: each says its own, and one that fails is not hidden by those that hold."""

import inspect
import re
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from dev import __main__ as commands
from dev.prove import runner


def test_those_that_run_side_by_side_are_proofs() -> None:
    """A name that is none would be left out without a word."""
    text = Path(str(runner.__file__)).read_text(encoding="utf-8")
    known = re.findall(r'^        "(\w+)":', text.partition("proofs: dict")[2].partition("}")[0], re.MULTILINE)
    assert set(runner.OF_ONE_PROCESS) < set(known)


def test_the_help_names_every_proof(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not listed is run by nobody."""
    assert runner.main("nothing-of-this-name", runner.Choice()) == 2
    known = capsys.readouterr().err.partition("the proofs are ")[2].rstrip(".\n").split(", ")
    listed = inspect.signature(commands.prove).parameters["what"].annotation.__metadata__[0].help
    assert sorted(re.split("[,;] ", listed)) == sorted(known)


def test_a_proof_that_is_left_out_must_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt name would leave nothing out, and say nothing."""
    assert runner.main("all", runner.Choice(), without=["nothing-of-this-name"]) == 2
    assert "There is no proof named 'nothing-of-this-name'" in capsys.readouterr().err


def test_what_each_said_is_printed_and_the_worst_end_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """`make prove` must not be green because the last one was."""
    assert runner._side_by_side(["nothing-of-this-name", "events"], ["--seeds", "1"]) == 2
    said = capsys.readouterr().out
    assert "There is no proof named 'nothing-of-this-name'" in said
    assert re.search(r"^events: a day of \d+ deliveries", said, re.MULTILINE)


def test_nothing_to_run_is_no_failure() -> None:
    """With other names chosen."""
    assert runner._side_by_side([], []) == 0


taken = threading.Lock()


def is_taken(jobs: Sequence[int]) -> runner.Sum:
    """Count the jobs that find the lock taken, which only its holder's process may have seen."""
    return runner.Sum(lives=len(jobs), counts=Counter(taken=len(jobs) * taken.locked()))


def test_a_proof_over_all_processors_inherits_no_lock() -> None:
    """A lock that a thread holds at the time of a fork is held for good in the child, and the proof hangs."""
    with taken:
        done = runner.over_all_processors(is_taken, range(4), batch=2)
    assert (done.lives, done.counts["taken"]) == (4, 0)
