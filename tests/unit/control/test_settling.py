"""ACS has accepted a start, a pause or a resume, and it does not show yet: nobody is told that nothing is recorded."""

import pytest

from dev.in_memory.world import World, dies_at
from recording.control.guards.fire import guard_message
from recording.control.resumes import resume_recording
from recording.domain.calls.guards import LOOKS, GuardKind, GuardTask
from recording.domain.calls.pauses import open_pause
from recording.domain.calls.policy import ConsentRule, Withdrawal
from recording.domain.state.recording import LastAction
from recording.errors import ControlError
from recording.errors.codes import Code
from tests.unit.control.calls import EVIDENCE, GIVEN, WITHDRAWN, pauses, starts, state, tells, under


def slow(**policy: object) -> World:
    """Return a world in which what ACS accepts shows at `settle` only."""
    here = under(**policy)
    here.fakes.control.is_slow = True
    return here


def seconds(here: World, count: int) -> None:
    """Let so many seconds go by; guards that are due fire."""
    for _ in range(count):
        here.fakes.clock.advance(seconds=1)
        here.guards()


def settles(here: World) -> None:
    """Let what ACS has accepted show."""
    here.fakes.control.settle()


def refused(here: World, recording: str) -> ControlError:
    """Ask for a pause that is not to be had yet."""
    with pytest.raises(ControlError) as caught:
        pauses(here, recording)
    return caught.value


def test_a_recording_that_has_not_begun_is_not_told_to_be_paused() -> None:
    """ACS refuses, and begins to record a moment later: the caller waits before the card number is spoken."""
    here = slow(longest_pause_seconds=60)
    recording = starts(here)
    error = refused(here, recording)
    assert (error.code, error.retryable, error.status) == (Code.NOT_YET_PAUSED, True, 409)
    assert error.retry_after is not None
    settles(here)
    here.fakes.control.is_slow = False
    assert pauses(here, recording)["state"] == "paused"
    assert state(here, recording) == "inactive"
    seconds(here, 70)
    assert state(here, recording) == "active"


def test_it_is_paused_as_soon_as_it_records_though_nobody_asks_again() -> None:
    """Within a second or two; and its time counts from the request."""
    here = slow(longest_pause_seconds=60)
    recording = starts(here)
    refused(here, recording)
    seconds(here, 10)
    settles(here)
    here.fakes.control.is_slow = False
    seconds(here, 2)
    assert state(here, recording) == "inactive"
    assert here.fakes.catalog.recordings[recording].last_action is LastAction.PAUSED
    assert pauses(here, recording)["state"] == "paused"
    seconds(here, 50)
    assert state(here, recording) == "active"


def test_a_pause_whose_time_was_up_before_it_began_is_not_begun() -> None:
    """Its guard goes on alone."""
    here = slow(longest_pause_seconds=20)
    recording = starts(here)
    refused(here, recording)
    seconds(here, 30)
    settles(here)
    here.fakes.control.is_slow = False
    seconds(here, 90)
    assert state(here, recording) == "active"


def test_what_another_application_paused_counts_as_paused_after_a_minute() -> None:
    """Until then it might begin."""
    here = slow(longest_pause_seconds=300)
    recording = starts(here)
    settles(here)
    here.fakes.control.is_slow = False
    here.fakes.control.pause(recording)
    assert refused(here, recording).code is Code.NOT_YET_PAUSED
    seconds(here, 65)
    assert pauses(here, recording)["state"] == "paused"
    due = len(here.fakes.guards.sent)
    seconds(here, 10)
    assert len(here.fakes.guards.sent) <= due  # nothing looks at it any more, but for the end of the pause
    seconds(here, 300)
    assert state(here, recording) == "active"


def test_a_pause_while_a_resume_does_not_show_yet_is_made_afterwards() -> None:
    """ACS says inactive and refuses, and records a moment later."""
    here = slow(longest_pause_seconds=60)
    recording = starts(here)
    settles(here)
    pauses(here, recording)
    settles(here)
    resume_recording(recording, here.ports, settings=here.settings)
    assert refused(here, recording).code is Code.NOT_YET_PAUSED
    settles(here)
    here.fakes.control.is_slow = False
    seconds(here, 2)
    assert state(here, recording) == "inactive"
    seconds(here, 70)
    assert state(here, recording) == "active"


def test_a_resume_while_the_pause_does_not_show_yet_resumes_within_seconds() -> None:
    """ACS says active and refuses, and rests a moment later: nothing but this look would ever resume it."""
    here = slow(longest_pause_seconds=60)
    recording = starts(here)
    settles(here)
    pauses(here, recording)
    assert resume_recording(recording, here.ports, settings=here.settings)["state"] == "recording"
    settles(here)
    here.fakes.control.is_slow = False
    seconds(here, 3)
    assert state(here, recording) == "active"
    due = len(here.fakes.guards.sent)
    seconds(here, 10)
    assert len(here.fakes.guards.sent) <= due


def test_a_resume_that_does_not_show_is_made_though_acs_does_not_answer_at_first() -> None:
    """The last look is repeated until ACS answers: nothing else would ever resume it."""
    here = slow(longest_pause_seconds=60)
    recording = starts(here)
    settles(here)
    pauses(here, recording)
    resume_recording(recording, here.ports, settings=here.settings)
    settles(here)
    here.fakes.control.is_slow = False
    here.fakes.control.fail_next("state", ControlError("busy", code=Code.ACS_UNAVAILABLE), times=6)
    seconds(here, 40)
    assert state(here, recording) == "active"


def test_a_pause_that_another_look_has_just_made_is_not_taken_for_refused() -> None:
    """Two last looks meet: the second sees a recording that runs, and ACS refuses because it is about to rest."""
    here = slow(longest_pause_seconds=60)
    recording = starts(here)
    settles(here)
    pause_id = pauses(here, recording)["pause"]["pauseId"]
    settles(here)
    here.fakes.control.states[recording] = "active"  # by another application
    look = GuardTask(recording_id=recording, kind=GuardKind.SETTLE, mark=pause_id, seconds=LOOKS[-1]).as_message()
    guard_message(look, here.ports, here.settings)
    guard_message(look, here.ports, here.settings)
    settles(here)
    here.fakes.control.is_slow = False
    seconds(here, 30)
    assert state(here, recording) == "inactive"
    assert open_pause(here.fakes.catalog.recordings[recording].pauses) is not None
    seconds(here, 60)
    assert state(here, recording) == "active"


def test_a_second_pause_while_the_first_does_not_show_yet_joins_it() -> None:
    """It is no pause that ACS has ended."""
    here = slow(longest_pause_seconds=60)
    recording = starts(here)
    settles(here)
    first = pauses(here, recording)["pause"]
    assert pauses(here, recording)["pause"] == first
    settles(here)
    here.fakes.control.is_slow = False
    seconds(here, 70)
    assert state(here, recording) == "active"


def test_a_pause_whose_answer_was_lost_counts_at_once() -> None:
    """ACS recorded before, refuses now and does not record: it is paused."""
    here = slow(longest_pause_seconds=60)
    here.fakes.control.is_slow = False
    recording = starts(here)
    here.fakes.control.fail_next("pause", ControlError("lost", code=Code.ACS_UNAVAILABLE), after=True)
    with pytest.raises(ControlError):
        pauses(here, recording)
    assert pauses(here, recording)["state"] == "paused"


@pytest.mark.parametrize("rule", list(ConsentRule))
def test_consent_that_is_withdrawn_before_the_recording_begins_is_obeyed_as_soon_as_it_does(rule: ConsentRule) -> None:
    """Nothing is recorded for more than a second or two."""
    here = slow(consent=rule, on_withdrawal=Withdrawal.PAUSE)
    recording = starts(here, consent=EVIDENCE)
    assert tells(here, recording, WITHDRAWN)["state"] == "starting"
    seconds(here, 10)
    settles(here)
    here.fakes.control.is_slow = False
    seconds(here, 2)
    assert state(here, recording) == "inactive"
    seconds(here, 120)
    assert state(here, recording) == "inactive"
    tells(here, recording, GIVEN)
    assert state(here, recording) == "active"


def test_consent_that_is_given_while_a_pause_does_not_show_yet_resumes_within_seconds() -> None:
    """ACS refuses to resume what it does not pause yet."""
    here = slow(consent=ConsentRule.NOT_REQUIRED)
    recording = starts(here, consent=EVIDENCE)
    settles(here)
    tells(here, recording, WITHDRAWN)
    tells(here, recording, GIVEN)
    settles(here)
    here.fakes.control.is_slow = False
    seconds(here, 3)
    assert state(here, recording) == "active"


@pytest.mark.parametrize("at", range(1, 12))
def test_a_worker_that_dies_leaves_nobody_told_and_nothing_forgotten(at: int) -> None:
    """Whichever call is its last: the caller has no answer, asks again, and gets what is so."""
    here = slow(longest_pause_seconds=60)
    recording = starts(here)
    dies_at(here, at, lambda: refused(here, recording))
    settles(here)
    here.fakes.control.is_slow = False
    assert pauses(here, recording)["state"] == "paused"
    assert state(here, recording) == "inactive"
    seconds(here, 200)
    assert state(here, recording) == "active"
