"""The script of faults: which one strikes which request, and how often."""

from datetime import UTC, datetime, timedelta

import pytest

from dev.acs_simulator.faults.kinds import FaultKind, Operation
from dev.acs_simulator.faults.rules import RULES
from dev.acs_simulator.faults.script import Fault, FaultScript


def cut(**options: object) -> Fault:
    return Fault(FaultKind.CUT, Operation.CONTENT, **options)  # type: ignore[arg-type]


def test_every_kind_has_a_rule_that_says_what_it_does() -> None:
    """The table is the documentation; a kind without a row could not be used."""
    assert set(RULES) == set(FaultKind)
    assert all(rule.meaning and rule.operations for rule in RULES.values())


def test_a_fault_strikes_as_often_as_it_was_told() -> None:
    """Counted faults end by themselves; others go on until they are cleared."""
    script = FaultScript()
    script.add(cut(count=2))
    assert [script.take(Operation.CONTENT) is not None for _ in range(3)] == [True, True, False]
    script.add(cut(count=None))
    assert all(script.take(Operation.CONTENT) for _ in range(50))
    script.clear()
    assert script.take(Operation.CONTENT) is None


def test_faults_strike_in_the_order_they_were_added() -> None:
    """A scenario is written from top to bottom: first a cut, then no bytes, then all is well."""
    script = FaultScript()
    for kind in (FaultKind.CUT, FaultKind.ZERO_BYTES):
        script.add(Fault(kind, Operation.CONTENT))
    struck = [script.take(Operation.CONTENT) for _ in range(3)]
    assert [fault and fault.kind for fault in struck] == [FaultKind.CUT, FaultKind.ZERO_BYTES, None]


def test_a_fault_strikes_only_what_it_is_meant_for() -> None:
    """Several recordings go on at once; a fault for one must leave the others alone."""
    script = FaultScript()
    scripted = script.add(cut(recording_id="r", document_id="d", index=1, count=None))
    assert script.take(Operation.METADATA, "r", "d", 1) is None
    for other in (("x", "d", 1), ("r", "x", 1), ("r", "d", 2), (None, None, None)):
        assert script.take(Operation.CONTENT, *other) is None
    assert script.take(Operation.CONTENT, "r", "d", 1) == scripted.fault
    assert scripted.struck == 1


def test_requests_may_pass_before_a_fault_strikes() -> None:
    """The second read of a range is where some errors show."""
    script = FaultScript()
    script.add(cut(skip=2))
    assert [script.take(Operation.CONTENT) is not None for _ in range(4)] == [False, False, True, False]


def test_several_faults_strike_one_event_together() -> None:
    """An event may be late and doubled; each fault is used up once."""
    script = FaultScript()
    for kind in (FaultKind.LATE, FaultKind.DUPLICATE):
        script.add(Fault(kind, Operation.EVENT))
    assert [fault.kind for fault in script.take_all(Operation.EVENT)] == [FaultKind.LATE, FaultKind.DUPLICATE]
    assert script.take_all(Operation.EVENT) == []


def test_arguments_have_defaults_and_unknown_ones_are_refused() -> None:
    """A misspelt argument would otherwise be a fault that does something else."""
    assert cut().number("fraction") == 0.5
    assert cut(arguments={"fraction": 0.1}).number("fraction") == 0.1
    assert cut().optional_number("sent_bytes") is None
    with pytest.raises(ValueError, match="takes"):
        cut(arguments={"fractoin": 0.1})
    with pytest.raises(ValueError, match="cannot strike delete"):
        Fault(FaultKind.CUT, Operation.DELETE)


def test_a_fault_that_lasts_begins_with_its_first_strike_and_says_how_long_it_has() -> None:
    """`For a minute` is counted from when the app meets it, not from when it was scripted."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    script = FaultScript(lambda: now)
    script.add(cut(count=None, for_seconds=60))
    now += timedelta(hours=1)
    first = script.take(Operation.CONTENT)
    now += timedelta(seconds=59)
    second = script.take(Operation.CONTENT)
    assert [fault and fault.struck_for.total_seconds() for fault in (first, second)] == [0, 59]
    now += timedelta(seconds=1)
    assert script.take(Operation.CONTENT) is None


def test_a_fault_for_what_has_expired_lets_everything_else_pass() -> None:
    """It is not used up by requests that come in time."""
    script = FaultScript()
    script.add(cut(only_expired=True))
    assert script.take(Operation.CONTENT) is None
    assert script.take(Operation.CONTENT, is_expired=True) is not None


def test_an_argument_outside_of_its_choices_is_refused() -> None:
    """A misspelt form would otherwise be served as some other one."""
    with pytest.raises(ValueError, match="block_page"):
        Fault(FaultKind.WRONG_BODY, Operation.CONTENT, arguments={"body": "blockpage"})
