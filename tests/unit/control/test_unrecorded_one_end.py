"""A recording ends once: one alarm about it, whoever stops it, dies meanwhile, repeats it or is told of it later."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from dev.in_memory.world import World, dies_at
from recording.control.resumes import resume_recording, stop_recording
from recording.domain.calls.policy import ConsentRule, TimeIsUp, Withdrawal
from recording.errors import ControlError, RecordingError
from recording.errors.codes import Code
from tests.unit.control.calls import (
    CALL_ENDED,
    EVIDENCE,
    GIVEN,
    STOPPED,
    WITHDRAWN,
    announced,
    ends,
    passes,
    pauses,
    starts,
    tells,
    told,
    watched,
)


def stops(here: World, recording: str) -> None:
    """A caller stops it; what ACS or storage refuse, the caller leaves at that."""
    with suppress(RecordingError):
        stop_recording(recording, here.ports, here.settings)


@pytest.mark.parametrize("word", [STOPPED, None])
@pytest.mark.parametrize("repeats", [0, 1, 2])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(1, 9))
def test_a_callers_stop_raises_one_alarm_whoever_dies(call: int, after: bool, repeats: int, word: str | None) -> None:
    """The worker dies between ACS's stop and its note: the watch sees the end, and the caller may ask again."""
    here = watched()
    recording = starts(here)
    passes(here, 65)
    dies_at(here, call, lambda: stop_recording(recording, here.ports, here.settings), after=after)
    if recording in here.fakes.control.states:  # it died before it asked ACS: nothing has happened
        stops(here, recording)
    if word is not None:
        announced(here, recording, word)
        here.guards()
    for _ in range(repeats):
        passes(here, 20)
        stops(here, recording)
    here.runs(hours=1, until_quiet=False)
    assert [name for name, _ in told(here)] == [recording]
    assert here.fakes.guards.sent == []


def paused(here: World, recording: str) -> None:
    pauses(here, recording)


def withdrawn(here: World, recording: str) -> None:
    with suppress(RecordingError):
        tells(here, recording, WITHDRAWN)


def nothing(_here: World, _recording: str) -> None:
    pass


@pytest.mark.parametrize("word", [STOPPED, None])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(1, 14))
@pytest.mark.parametrize(
    ("policy", "act", "reason"),
    [
        ({"longest_recording_seconds": 60, "warn_before_seconds": 0}, nothing, "stopped"),
        ({"longest_pause_seconds": 60, "on_pause_timeout": TimeIsUp.STOP}, paused, "paused_too_long"),
        ({"consent": ConsentRule.FIRST, "consent_within_seconds": 60}, nothing, "stopped"),
        ({"on_withdrawal": Withdrawal.STOP}, withdrawn, "consent_withdrawn"),
    ],
)
def test_a_stop_by_the_policy_raises_one_alarm_whoever_dies(  # noqa: PLR0917 - one argument for each dimension
    policy: dict[str, Any],
    act: Callable[[World, str], None],
    reason: str,
    call: int,
    after: bool,
    word: str | None,
) -> None:
    """ACS has stopped, the worker is gone, and the next one finds nothing to stop; ACS's event may come meanwhile."""
    here = watched(**policy)
    recording = starts(here, **({} if policy.get("consent") else {"consent": EVIDENCE}))
    passes(here, 20)
    dies_at(here, call if act is withdrawn else 99, lambda: act(here, recording), after=after)
    here.fakes.clock.advance(seconds=61)
    dies_at(here, 99 if act is withdrawn else call, here.guards, after=after)
    if recording not in here.fakes.control.states and word is not None:
        announced(here, recording, word)
    here.runs(hours=1, until_quiet=False)
    if act is withdrawn and recording in here.fakes.control.states:
        assert here.fakes.catalog.recordings[recording].consents == ()  # it died before anything was noted
        return
    assert told(here) == [(recording, reason)]
    assert here.fakes.guards.sent == []


@pytest.mark.parametrize("late", [0, 40, 400])
def test_a_caller_who_stops_what_ended_with_its_call_alarms_nobody(late: int) -> None:
    """Clients stop at the end of each call, and ACS answers 404 when its own end was quicker."""
    here = watched()
    recording = starts(here)
    passes(here, 65)
    ends(here, recording)
    stop_recording(recording, here.ports, here.settings)
    passes(here, min(late, 200))
    announced(here, recording, CALL_ENDED)
    passes(here, late)
    stop_recording(recording, here.ports, here.settings)
    here.runs(hours=1, until_quiet=False)
    assert told(here) == []


def test_a_caller_whose_answer_was_lost_is_told_of_all_the_same() -> None:
    """ACS has stopped, and answers 404 to the second try: who it was the event or the watch says."""
    here = watched()
    recording = starts(here)
    passes(here, 65)
    here.fakes.control.fail_next("stop", ControlError("503", code=Code.ACS_UNAVAILABLE), after=True)
    stops(here, recording)
    stop_recording(recording, here.ports, here.settings)
    passes(here, 400)
    assert told(here) == [(recording, "stopped_elsewhere")]


@pytest.mark.parametrize("rule", [TimeIsUp.STOP, TimeIsUp.ALARM])
def test_what_was_resumed_elsewhere_is_neither_stopped_nor_alarmed(rule: TimeIsUp) -> None:
    """A resume reached ACS, and its note was lost: the guard of the pause must not end a call that is recorded."""
    here = watched(longest_pause_seconds=60, on_pause_timeout=rule)
    recording = starts(here)
    pauses(here, recording)
    passes(here, 30)
    here.fakes.control.states[recording] = "active"
    passes(here, 120)
    row = here.fakes.catalog.recordings[recording]
    assert here.fakes.control.states[recording] == "active"
    assert [pause.how for pause in row.pauses] == ["resumed_elsewhere"]
    assert row.call_alarm is None
    assert told(here) == []
    ends(here, recording)
    passes(here, 400)
    assert told(here) == [(recording, "stopped_elsewhere")]


def test_a_pause_of_what_is_over_alarms_nobody_to_decide() -> None:
    """The call has ended while it was paused: there is nothing to resume."""
    here = watched(longest_pause_seconds=60, on_pause_timeout=TimeIsUp.ALARM)
    recording = starts(here)
    pauses(here, recording)
    ends(here, recording)
    announced(here, recording, CALL_ENDED)
    passes(here, 120)
    row = here.fakes.catalog.recordings[recording]
    assert (row.call_alarm, [pause.how for pause in row.pauses]) == (None, ["over"])
    assert told(here) == []


def test_a_stop_that_acs_refused_until_consent_was_given_again_hides_no_later_one() -> None:
    """What was reported beforehand did not come about; the recording is watched as before."""
    here = watched(on_withdrawal=Withdrawal.STOP)
    recording = starts(here, consent=EVIDENCE)
    here.fakes.control.fail_next("stop", ControlError("503", code=Code.ACS_UNAVAILABLE), times=50)
    with suppress(ControlError):
        tells(here, recording, WITHDRAWN)
    passes(here, 60)
    here.fakes.control.fails_no_more("stop")
    tells(here, recording, GIVEN)
    passes(here, 120)
    ends(here, recording)
    passes(here, 400)
    assert told(here) == [(recording, "consent_withdrawn"), (recording, "stopped_elsewhere")]


def test_a_pause_whose_stop_acs_refused_until_it_was_resumed_hides_no_later_stop() -> None:
    """The caller was quicker than the guard's next try."""
    here = watched(longest_pause_seconds=60, on_pause_timeout=TimeIsUp.STOP)
    recording = starts(here)
    pauses(here, recording)
    here.fakes.control.fail_next("stop", ControlError("503", code=Code.ACS_UNAVAILABLE), times=50)
    passes(here, 65)
    resume_recording(recording, here.ports, settings=here.settings)
    here.fakes.control.fails_no_more("stop")
    passes(here, 120)
    ends(here, recording)
    passes(here, 400)
    assert told(here) == [(recording, "paused_too_long"), (recording, "stopped_elsewhere")]
