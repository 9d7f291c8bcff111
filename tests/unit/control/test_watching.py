"""What must be recorded and is stopped or paused by others: reported once, soon, and not when just its call ends."""

from datetime import timedelta
from typing import Any

import pytest

from dev.in_memory.builders import RECORDING_ID, event
from dev.in_memory.world import dies_at
from recording.control.guards.fire import guard_message
from recording.control.resumes import resume_recording, stop_recording
from recording.control.watching import watch_later
from recording.domain.calls.guards import MOST_SECONDS, read_guard
from recording.domain.calls.policy import CallPolicy, ConsentRule, TimeIsUp
from recording.domain.calls.watch import ended_with_its_call
from recording.domain.state.records import changed
from recording.errors import ControlError, StorageBusyError
from recording.errors.codes import Code
from recording.library.tags import change_tags
from tests.unit.control import calls
from tests.unit.control.calls import (
    CALL_ENDED,
    STOPPED,
    announced,
    ends,
    passes,
    pauses,
    starts,
    told,
    watched,
)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.reason for one in caplog.records if getattr(one, "event", "") == "recording.unrecorded"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("reason", [STOPPED, "SomethingNew", "initiator_left"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_stop_by_another_application_is_reported_once_with_acs_own_event(
    reason: str, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Within seconds of the event that says why it ended, and never again, however often that is delivered."""
    here = watched()
    recording = starts(here)
    passes(here, 120)
    ends(here, recording)
    for _ in range(times):
        announced(here, recording, reason)
        here.guards()
    assert told(here) == [(recording, "stopped_elsewhere")]
    here.runs(hours=2, until_quiet=False)
    assert told(here) == [(recording, "stopped_elsewhere")]
    assert said(caplog) == ["stopped_elsewhere"]


@pytest.mark.parametrize("late", [0, 30, 200])
@pytest.mark.parametrize("reason", [CALL_ENDED, "callEnded", "call_ended"])
def test_the_end_of_a_call_alarms_nobody(late: int, reason: str) -> None:
    """Each call ends: an alarm for each would hide the one that counts."""
    here = watched()
    recording = starts(here)
    passes(here, 65)
    ends(here, recording)
    passes(here, late)
    announced(here, recording, reason)
    here.runs(hours=3, until_quiet=False)
    assert told(here) == []
    assert here.fakes.guards.sent == []


def test_an_end_without_any_event_is_reported_in_doubt() -> None:
    """Events may be lost: some minutes after ACS forgot the recording nobody knows that its call was over."""
    here = watched()
    recording = starts(here)
    passes(here, 65)
    ends(here, recording)
    passes(here, 5 * 60)
    assert told(here) == []
    passes(here, 40)
    assert told(here) == [(recording, "stopped_elsewhere")]
    announced(here, recording, STOPPED)
    here.runs(hours=2, until_quiet=False)
    assert told(here) == [(recording, "stopped_elsewhere")]


def test_a_file_that_is_followed_by_others_says_nothing_of_an_end() -> None:
    """A long recording is exported in parts while it runs."""
    here = watched()
    recording = starts(here)
    announced(here, recording, STOPPED, "ChunkMaximumSizeExceeded")
    passes(here, 600)
    assert told(here) == []


def test_a_stop_by_a_caller_is_reported_as_that_alone() -> None:
    """ACS's event about it says the same as one about a stop by others."""
    here = watched()
    recording = starts(here)
    stop_recording(recording, here.ports, here.settings)
    announced(here, recording, STOPPED)
    here.runs(hours=2, until_quiet=False)
    assert told(here) == [(recording, "stopped")]


def test_a_recording_that_was_started_elsewhere_is_reported_with_its_event() -> None:
    """Its policy says that it must be there, whichever application began it."""
    here = watched()
    here.announces(event(data={"sessionEndReason": STOPPED}))
    passes(here, 5)
    assert told(here) == [(RECORDING_ID, "stopped_elsewhere")]


def test_where_nothing_must_be_recorded_nobody_looks() -> None:
    """The watch costs a question to ACS every half minute."""
    here = calls.under()
    here.reports_to()
    recording = starts(here)
    assert here.fakes.guards.sent == []
    ends(here, recording)
    announced(here, recording, STOPPED)
    here.runs(hours=2, until_quiet=False)
    assert told(here) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(1, 9))
def test_a_stop_is_reported_whoever_dies(call: int, after: bool) -> None:
    """In doubt the same event twice, never none."""
    here = watched()
    recording = starts(here)
    for _ in range(3):
        here.fakes.clock.advance(seconds=35)
        dies_at(here, call, here.guards, after=after)
        here.fakes.clock.advance(seconds=65)
        here.guards()
    ends(here, recording)
    here.fakes.clock.advance(seconds=35)
    dies_at(here, call, here.guards, after=after)
    here.runs(hours=0.5, until_quiet=False)
    assert told(here) == [(recording, "stopped_elsewhere")]


def test_messages_that_come_twice_do_not_multiply() -> None:
    """Each delivery goes on once; else an hour of duplicates would be a flood of questions."""
    here = watched()
    starts(here)
    for _ in range(60):
        here.fakes.guards.sent += here.fakes.guards.sent
        here.fakes.clock.advance(seconds=30)
        here.guards()
        assert len(here.fakes.guards.sent) <= 2


def test_acs_that_does_not_answer_is_no_reason_for_an_alarm() -> None:
    """It may record all the time; the watch goes on when it answers again."""
    here = watched()
    recording = starts(here)
    here.fakes.control.fail_next("state", ControlError("503", code=Code.ACS_UNAVAILABLE), times=50)
    passes(here, 1500)
    assert told(here) == []
    here.fakes.control.fails_no_more("state")
    ends(here, recording)
    passes(here, 400)
    assert told(here) == [(recording, "stopped_elsewhere")]


def test_a_queue_that_fails_holds_up_no_file() -> None:
    """The event is taken all the same, and the watch reads in the row what it said."""
    here = watched()
    recording = starts(here)
    here.fakes.guards.fail_next("send", StorageBusyError("503"))
    ends(here, recording)
    announced(here, recording, STOPPED)
    assert len(here.fakes.queue.tasks) == 1
    passes(here, 35)
    assert told(here) == [(recording, "stopped_elsewhere")]


@pytest.mark.parametrize(("seconds", "expected"), [(60, []), (200, ["paused_too_long"])])
def test_a_pause_by_another_application_is_reported_when_it_is_too_long(seconds: int, expected: list[str]) -> None:
    """No guard of ours ends it, and the policy's limit counts all the same; once."""
    here = watched(longest_pause_seconds=90)
    recording = starts(here)
    passes(here, 60)
    here.fakes.control.states[recording] = "inactive"
    passes(here, seconds)
    here.fakes.control.states[recording] = "active"
    passes(here, 300)
    assert [reason for _, reason in told(here)] == expected


def test_a_second_pause_by_another_application_is_reported_anew() -> None:
    """Each one is a gap of its own."""
    here = watched(longest_pause_seconds=90)
    recording = starts(here)
    for _ in range(2):
        here.fakes.control.states[recording] = "inactive"
        passes(here, 200)
        here.fakes.control.states[recording] = "active"
        passes(here, 60)
    assert told(here) == [(recording, "paused_too_long")] * 2


def test_a_pause_of_ours_has_its_own_guard_alone() -> None:
    """It is reported by the guard that ends it, and not a second time."""
    here = watched(longest_pause_seconds=90)
    recording = starts(here)
    pauses(here, recording, 30)
    passes(here, 20)
    resume_recording(recording, here.ports, settings=here.settings)
    passes(here, 300)
    assert told(here) == []


def test_a_policy_that_covers_it_no_more_ends_the_watch() -> None:
    """Tags and settings change while a call runs."""
    here = calls.under(CallPolicy(name="desk", tags={"desk": "fx"}, must_be_recorded=True))
    here.reports_to()
    recording = starts(here, tags={"desk": "fx"})
    change_tags(recording, {"tags": {"desk": "mail"}}, "*", here.ports, here.settings)
    passes(here, 35)
    assert here.fakes.guards.sent == []
    ends(here, recording)
    passes(here, 600)
    assert told(here) == []


def test_clocks_of_instances_decide_nothing() -> None:
    """Each look is by another instance, some a day ahead or behind."""
    here = watched(longest_pause_seconds=90)
    recording = starts(here)
    for hours in (25, -25, 0, 25, -25):
        here.skew = hours * (here.settings.expected_after)
        passes(here, 30)
    here.skew = here.settings.expected_after * 0
    assert told(here) == []
    ends(here, recording)
    passes(here, 340)
    assert told(here) == [(recording, "stopped_elsewhere")]


def test_a_message_without_a_recording_does_nothing() -> None:
    """Its row may have been erased meanwhile."""
    here = watched()
    starts(here)
    (body, _), *_ = here.fakes.guards.sent
    here.fakes.catalog.recordings.clear()
    guard_message(body, here.ports, here.settings)
    assert len(here.fakes.guards.sent) == 1


def test_only_one_word_of_acs_says_that_the_call_is_over() -> None:
    """Every other one leaves a doubt."""
    assert [ended_with_its_call(word) for word in (None, "", "SessionEnded", "InitiatorLeft", "CallEnded")] == [
        False,
        False,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "policy",
    [
        {"longest_recording_seconds": 120, "warn_before_seconds": 0},
        {"longest_pause_seconds": 60, "on_pause_timeout": TimeIsUp.STOP},
    ],
)
def test_a_guard_that_finds_nothing_to_stop_hides_no_stop_by_others(policy: dict[str, Any]) -> None:
    """It notes that the recording is over, and who ended it is still to be found out."""
    here = watched(**policy)
    recording = starts(here)
    if "longest_pause_seconds" in policy:
        pauses(here, recording)
    passes(here, 20)
    ends(here, recording)
    passes(here, 900)
    assert told(here) == [(recording, "stopped_elsewhere")]


def test_a_stop_by_a_guard_is_reported_as_that_alone() -> None:
    """The event about it says the same as one about a stop by others."""
    here = watched(longest_recording_seconds=120, warn_before_seconds=0)
    recording = starts(here)
    passes(here, 125)
    announced(here, recording, STOPPED)
    here.runs(hours=2, until_quiet=False)
    assert told(here) == [(recording, "stopped")]


@pytest.mark.parametrize(("seconds", "expected"), [(60, []), (200, ["paused_too_long"])])
def test_a_call_that_was_started_paused_and_is_not_resumed_is_reported(seconds: int, expected: list[str]) -> None:
    """Nothing of it is recorded, and no guard of a pause is there to say so."""
    here = watched(longest_pause_seconds=90)
    recording = starts(here, pauseOnStart=True)
    passes(here, seconds)
    resume_recording(recording, here.ports, settings=here.settings)
    passes(here, 300)
    assert [reason for _, reason in told(here)] == expected


def test_what_waits_for_consent_is_reported_when_it_is_stopped_for_want_of_it() -> None:
    """It has a guard of its own, and one alarm."""
    here = watched(consent=ConsentRule.FIRST, consent_within_seconds=200, longest_pause_seconds=90)
    recording = starts(here)
    passes(here, 600)
    assert told(here) == [(recording, "stopped")]


def test_a_start_that_acs_took_and_never_carried_out_is_reported() -> None:
    """ACS answers 202 and fails later, which it tells the caller's callback alone."""
    here = watched()
    recording = starts(here)
    ends(here, recording)
    passes(here, 340)
    assert told(here) == [(recording, "stopped_elsewhere")]


def test_a_timer_whose_clock_is_ahead_hides_no_stop() -> None:
    """It takes the recording for missing a day too early; who stopped it is still to be found out."""
    here = watched()
    recording = starts(here)
    passes(here, 65)
    ends(here, recording)
    passes(here, 60)
    row = here.fakes.catalog.recordings[recording]
    here.fakes.catalog.save_recording(changed(row, missing_since=here.now + timedelta(hours=25)))
    passes(here, 400)
    assert told(here) == [(recording, "stopped_elsewhere")]


def test_a_look_beyond_the_last_second_is_one_at_the_last_second() -> None:
    """A row may say that a recording was watched to the end; a message with a greater number could not be read."""
    here = watched()
    guards = here.ports.guards
    guards.sent.clear()
    watch_later(RECORDING_ID, MOST_SECONDS + 30, "", timedelta(), guards)
    ((body, _),) = guards.sent
    task = read_guard(body)
    assert task is not None
    assert task.seconds == MOST_SECONDS
