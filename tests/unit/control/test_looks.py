"""Looks before a pause: a pause that ACS has ended already is not joined, and one that may last is."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import FAKE_CLOCK_START
from recording.control.looks import pause_left_behind
from recording.domain.calls.pauses import CommandedPause
from recording.domain.state.recording import LastAction, RecordingRecord

AT = FAKE_CLOCK_START
OPEN = CommandedPause(id="open", at=AT, ends_by=AT + timedelta(minutes=5))
WANTED = CommandedPause(id="wanted", at=AT + timedelta(minutes=1), ends_by=AT + timedelta(minutes=6))
KNOWN = RecordingRecord(recording_id="r", pauses=(OPEN,), last_action=LastAction.RESUMED)


def test_a_pause_that_acs_has_ended_is_left_behind() -> None:
    """A resume arrived and its note was lost: the new pause must not end with the old one."""
    assert pause_left_behind(KNOWN, WANTED, "active") == "open"


@pytest.mark.parametrize("before", ["inactive", "a word of a later version", None])
def test_while_acs_may_pause_it_is_joined(before: str | None) -> None:
    """Only ACS's own word that it records ends a pause that is noted."""
    assert pause_left_behind(KNOWN, WANTED, before) == ""


def test_a_pause_that_was_just_accepted_may_not_show_yet() -> None:
    """ACS still says that it records, for a moment."""
    assert pause_left_behind(KNOWN.model_copy(update={"last_action": LastAction.PAUSED}), WANTED, "active") == ""


def test_a_pause_without_an_end_leaves_others_alone() -> None:
    """A withdrawal of consent stands beside any pause of a caller."""
    assert pause_left_behind(KNOWN, WANTED.model_copy(update={"ends_by": None}), "active") == ""


def test_without_a_row_or_an_open_pause_there_is_none() -> None:
    """Nothing is known, or nothing is open."""
    assert pause_left_behind(None, WANTED, "active") == ""
    assert pause_left_behind(RecordingRecord(recording_id="r"), WANTED, "active") == ""
