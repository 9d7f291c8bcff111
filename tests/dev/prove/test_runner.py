"""The proofs side by side: each says its own, and one that fails is not hidden by those that hold."""

import inspect
import re
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
    assert runner.main("nothing-of-this-name", first=0, seeds=None, is_long=False) == 2
    known = capsys.readouterr().err.partition("the proofs are ")[2].rstrip(".\n").split(", ")
    listed = inspect.signature(commands.prove).parameters["what"].annotation.__metadata__[0].help
    assert sorted(re.split("[,;] ", listed)) == sorted(known)


def test_what_each_said_is_printed_and_the_worst_end_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """`make prove` must not be green because the last one was."""
    assert runner._side_by_side(["nothing-of-this-name", "guards"], ["--seeds", "1"]) == 2
    said = capsys.readouterr().out
    assert "There is no proof named 'nothing-of-this-name'" in said
    assert re.search(r"^guards: 1 lives under \d+ policies", said, re.MULTILINE)


def test_nothing_to_run_is_no_failure() -> None:
    """With other names chosen."""
    assert runner._side_by_side([], []) == 0
