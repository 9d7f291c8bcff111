"""Watching a call: what one look means after the looks before it."""

import pytest

from recording.domain.calls.watch import Seen, ended_with_its_call, seen

LONGEST = 120


def looks(*states: str, is_paused_here: bool = False) -> list[Seen]:
    """Return what looks of every 30 seconds mean, each with the mark of the one before."""
    found, mark = [], ""
    for number, state in enumerate(states):
        found.append(seen(state, mark, 30 * number, LONGEST, is_paused_here=is_paused_here))
        mark = found[-1].mark
    return found


def test_a_pause_of_another_application_is_reported_once_when_it_becomes_too_long() -> None:
    """ACS sends no event about it, and one alarm a pause is enough."""
    reported = [one.rested_since for one in looks("active", *["inactive"] * 8)]
    assert reported == [None, None, None, None, None, 30, None, None, None]


def test_a_pause_that_ended_in_time_counts_for_nothing() -> None:
    """Two short pauses are no long one."""
    states = ["inactive"] * 4 + ["active"] + ["inactive"] * 4
    assert all(one.rested_since is None for one in looks(*states))


def test_after_a_reported_pause_the_next_one_is_reported_too() -> None:
    """It is another one."""
    states = ["inactive"] * 6 + ["active"] + ["inactive"] * 6
    assert [one.rested_since for one in looks(*states) if one.rested_since is not None] == [0, 210]


def test_a_pause_of_this_app_is_left_to_its_guard() -> None:
    """Its guard knows the end that was asked for."""
    assert looks(*["inactive"] * 9, is_paused_here=True) == [Seen()] * 9


@pytest.mark.parametrize("state", ["INACTIVE", "Inactive"])
def test_the_state_is_read_in_any_case(state: str) -> None:
    """The reference and the service write it differently."""
    assert seen(state, "", 60, LONGEST, is_paused_here=False).mark


@pytest.mark.parametrize("mark", ["rests ", "rests x", "rests -1", "rests ²", "something of a newer version"])
def test_a_mark_that_cannot_be_read_begins_anew(mark: str) -> None:
    """At worst the alarm is a pause later; an error would end the watch."""
    assert seen("inactive", mark, 600, LONGEST, is_paused_here=False) == Seen("rests 600")


@pytest.mark.parametrize("reason", ["callEnded", "CallEnded", "call_ended", "call ended"])
def test_an_end_with_the_call_raises_no_alarm(reason: str) -> None:
    """The reason has several spellings."""
    assert ended_with_its_call(reason)


@pytest.mark.parametrize("reason", [None, "", "initiatorLeft", "callEndedOrNot"])
def test_any_other_end_leaves_a_doubt(reason: str | None) -> None:
    """A call may go on without its recording."""
    assert not ended_with_its_call(reason)
