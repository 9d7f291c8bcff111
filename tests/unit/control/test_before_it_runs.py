"""What is asked for before the start of a recording is noted: nothing of it is lost."""

from collections.abc import Callable

import pytest

from dev.in_memory.world import World, intercept, leave_alone
from recording.control.pauses import stop_recording
from recording.domain.calls.consent import ConsentState, consent_state
from recording.domain.calls.policy import Withdrawal
from recording.domain.state.recording import LastAction
from recording.errors import RequestError
from recording.errors.codes import Code
from tests.unit.control.calls import EVIDENCE, WITHDRAWN, passes, pauses, starts, tells, told, under, watched


def meanwhile(here: World, act: Callable[[str], object]) -> str:
    """Start a recording while a caller acts who knows its id from ACS's callback, before the start is noted."""
    is_done = False

    def decide(_port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal is_done
        if method == "add_recording" and not is_done:
            is_done = True
            act(list(here.fakes.control.started)[-1])
        return None, False

    intercept(here, decide)
    starts(here, consent=EVIDENCE)
    leave_alone(here)
    return list(here.fakes.control.started)[-1]


@pytest.mark.parametrize("on_withdrawal", list(Withdrawal))
def test_consent_that_is_withdrawn_before_the_start_is_noted_stays_withdrawn(on_withdrawal: Withdrawal) -> None:
    """The note brings the consent that was given before the start; what was said after it counts."""
    here = under(on_withdrawal=on_withdrawal)
    recording = meanwhile(here, lambda name: tells(here, name, WITHDRAWN))
    passes(here, 120)
    row = here.fakes.catalog.recordings[recording]
    assert consent_state(row.consent, row.consents) is ConsentState.WITHDRAWN
    assert here.fakes.control.states.get(recording) != "active"


def test_consent_that_nobody_gave_is_not_withdrawn_once_the_start_is_noted() -> None:
    """As ever: there is nothing to withdraw."""
    here = under()
    recording = starts(here)
    with pytest.raises(RequestError) as refused:
        tells(here, recording, WITHDRAWN)
    assert refused.value.code is Code.CONSENT_NOT_GIVEN


def test_a_pause_before_the_start_is_noted_stands() -> None:
    """And is over in its time."""
    here = under(longest_pause_seconds=60)
    recording = meanwhile(here, lambda name: pauses(here, name))
    row = here.fakes.catalog.recordings[recording]
    assert (here.fakes.control.states[recording], row.last_action) == ("inactive", LastAction.PAUSED)
    passes(here, 320)
    assert here.fakes.control.states[recording] == "active"


def test_a_stop_before_the_start_is_noted_is_told_where_the_call_must_be_recorded() -> None:
    """Nobody knew its policy at the stop; the start does."""
    here = watched(callers=("ada",))
    recording = meanwhile(here, lambda name: stop_recording(name, here.ports, here.settings))
    assert here.fakes.catalog.recordings[recording].last_action is LastAction.STOPPED
    passes(here, 600)
    assert told(here) == [(recording, "stopped")]
