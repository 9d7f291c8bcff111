"""The audit trail on the command line: one row for each action, and why it was done."""

import json
from datetime import timedelta

from dev.in_memory.builders import RECORDING_ID
from dev.in_memory.world import World
from dev.terminal_screens import terminal
from recording.cli.trail import settled
from recording.ports import AuditEntry
from tests.unit.cli.conftest import SHORT, Run


def test_a_trail_of_a_recording_that_nobody_knows_is_an_error(here: World, run: Run) -> None:
    """One that is known, and about which nothing was asked today, is none."""
    assert run("trail", "--recording", "tpyo")[1].startswith("unknown_recording")
    assert run("trail", "--recording", SHORT)[0] == 0
    here.fakes.audit.add(AuditEntry(here.now - timedelta(days=9), "stop_recording", "long-gone", None, "done"))
    assert run("trail", "--recording", "long-gone")[0] == 0


def test_the_trail_shows_one_row_for_each_action(here: World, run: Run) -> None:
    """Who stopped the recording is a question that is asked months later."""
    code, shown = run("trail")
    assert (code, shown.partition(" since ")[0]) == (0, "no entries")
    assert "--since looks further back" in shown
    old, two = here.now - timedelta(days=3), "object-2"
    for at, recording, caller, outcome in (
        (old, "one", None, "done"),
        (here.now, "two", two, "asked"),
        (here.now, "two", two, "done"),
        (here.now, "three", two, "asked"),
    ):
        here.fakes.audit.add(AuditEntry(at, "stop_recording", recording, caller, outcome))
    rows = [line.split()[1:] for line in run("trail")[1].splitlines()[1:]]
    assert rows == [["stop_recording", "done", "two", two], ["stop_recording", "asked", "three", two]]
    assert len(run("trail", "-o", "wide")[1].splitlines()) == 4
    assert "key holder" in run("trail", "--since", "4d", "--recording", "one")[1]
    assert "three" in run("trail", "--failed")[1]
    entries = json.loads(run("trail", "--since", "4d", "--caller", two, "--json")[1])["entries"]
    assert [entry["recordingId"] for entry in entries] == ["two", "two", "three"]


def test_the_trail_shows_why(here: World, run: Run) -> None:
    """The page says that each decision is there with its note; and what was heard says which part of it."""
    for note, part in (("forged; reported to security", None), (None, "chunk 0, 60-120 s"), ("\x1b[2Jwiped", None)):
        here.fakes.audit.add(AuditEntry(here.now, "dismiss_held", "one", "alice", "done", note=note, part=part))
    with terminal(80):
        shown = run("trail")[1]
    assert [line[line.index("alice") + 7 :].strip() for line in shown.splitlines()[1:]] == [
        "forged; reported to security",
        "chunk 0, 60-120 s",
        r"\x1b[2Jwiped",
    ]


def test_the_trail_knows_a_recording_by_every_name(here: World, run: Run) -> None:
    """By the id of its call it said that nothing had been done; by the beginning of two ids it mixed both."""
    here.fakes.audit.add(AuditEntry(here.now, "stop_recording", RECORDING_ID, "alice", "done"))
    for typed in (RECORDING_ID, SHORT, SHORT[:4], here.record().task.call_id, here.record().task.document_id):
        code, shown = run("trail", "--recording", typed)
        assert (code, "stop_recording" in shown) == (0, True), typed
    for name in ("twin-of-one", "twin-of-two"):
        here.fakes.audit.add(AuditEntry(here.now, "stop_recording", name, "alice", "done"))
    code, shown = run("trail", "--recording", "twin-of")
    assert (code, "names 2 recordings" in shown) == (2, True)
    assert "twin-of-" in run("trail", "--recording", "twin-of-o")[1]


def test_a_trail_of_years_is_settled_row_by_row(here: World) -> None:
    """Each outcome was compared with every row before it: twenty thousand rows of listening took minutes."""
    compared = 0

    class Word(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    rows = [AuditEntry(here.now, Word("hear"), f"recording-{number}", "alice", "done") for number in range(500)]
    rows += [AuditEntry(here.now, Word("stop"), "one", None, outcome) for outcome in ("asked", "done", "done")]
    assert [(one.operation, one.outcome) for one in settled(rows)][-2:] == [("stop", "done"), ("stop", "done")]
    assert compared < 3 * len(rows)
