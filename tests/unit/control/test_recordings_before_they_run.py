"""What is asked for before the start of a recording is noted: nothing of it is lost."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from dev.in_memory.world import WorkerDiedError, World, dies_at, intercept, interrupted, leave_alone
from recording.control.resumes import stop_recording
from recording.domain.calls.consent import ConsentState, consent_state
from recording.domain.calls.policy import CallPolicy, Withdrawal
from recording.domain.state.recording import LastAction
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.library.tags import change_tags
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


@pytest.mark.parametrize("stops", range(3, 6))  # ACS has started by then; the note is the fifth call
@pytest.mark.parametrize("later", range(8))
def test_a_stop_before_the_start_is_noted_is_told_whenever_the_worker_of_the_start_dies(stops: int, later: int) -> None:
    """The caller of the start is gone with it; only a start that was not noted is sent again."""
    here = watched(callers=("ada",))
    with suppress(WorkerDiedError):
        interrupted(here, lambda: starts(here), (stops, stops_it), (stops + later, dies_here))
    (recording,) = here.fakes.control.started
    passes(here, 600)
    if not here.fakes.catalog.recordings[recording].started_here:
        assert told(here) == []
        starts(here)
    assert set(told(here)) == {(recording, "stopped")}
    assert len(event_ids(here)) == 1, "a worker that died after its alarm leaves the same event twice"


@pytest.mark.parametrize("call", range(1, 8))
def test_a_stop_is_told_at_whichever_of_its_calls_the_start_is_noted(call: int) -> None:
    """The stop reads the row before there is one, and notes itself in the row that the start has made."""
    here = watched(callers=("ada",))
    dies_at(here, 2, lambda: starts(here), after=True)  # its worker, once ACS has started
    (recording,) = here.fakes.control.started
    calls = interrupted(
        here, lambda: stop_recording(recording, here.ports, here.settings), (call, lambda _: starts(here))
    )
    if call > calls:
        starts(here)
    passes(here, 600)
    assert told(here) == [(recording, "stopped")]


@pytest.mark.parametrize("on_withdrawal", list(Withdrawal))
def test_a_withdrawal_before_the_start_is_noted_is_told_where_the_call_must_be_recorded(
    on_withdrawal: Withdrawal,
) -> None:
    """Nobody knew its policy when consent was withdrawn; the start does, whenever its worker dies."""
    here = watched(callers=("ada",), on_withdrawal=on_withdrawal)
    recording = meanwhile(here, lambda name: tells(here, name, WITHDRAWN))
    passes(here, 600)
    assert told(here) == [(recording, "consent_withdrawn")]


@pytest.mark.parametrize("withdraws", range(3, 6))
@pytest.mark.parametrize("later", range(8))
def test_a_withdrawal_before_the_start_is_noted_is_told_whenever_the_worker_of_the_start_dies(
    withdraws: int, later: int
) -> None:
    """As a stop is."""
    here = watched(callers=("ada",))
    with suppress(WorkerDiedError):
        interrupted(
            here, lambda: starts(here, consent=EVIDENCE), (withdraws, withdraws_it), (withdraws + later, dies_here)
        )
    (recording,) = here.fakes.control.started
    passes(here, 600)
    if not here.fakes.catalog.recordings[recording].started_here:
        starts(here, consent=EVIDENCE)
        passes(here, 60)
    assert set(told(here)) == {(recording, "consent_withdrawn")}
    assert len(event_ids(here)) == 1, "a worker that died after its alarm leaves the same event twice"


def test_a_start_that_is_sent_again_after_a_tag_does_not_report_a_stop_before_the_tag() -> None:
    """The stop was allowed when it was done; that the call must be recorded was said later."""
    here = under(CallPolicy(name="desk", tags={"desk": "fx"}, must_be_recorded=True))
    here.reports_to()
    recording = starts(here)
    stop_recording(recording, here.ports, here.settings)
    change_tags(recording, {"tags": {"desk": "fx"}}, "*", here.ports, here.settings)
    starts(here)
    here.runs(hours=1, until_quiet=False)
    assert told(here) == []


def stops_it(here: World) -> None:
    """Let a caller stop it, who knows its id from ACS's callback."""
    stop_recording(list(here.fakes.control.started)[-1], here.ports, here.settings)


def withdraws_it(here: World) -> None:
    """Let a caller withdraw consent to it, who knows its id from ACS's callback."""
    tells(here, list(here.fakes.control.started)[-1], WITHDRAWN)


def event_ids(here: World) -> set[str]:
    """Return the ids of all events, as receivers see them."""
    outgoing = here.fakes.outgoing
    assert outgoing is not None
    return {event.id for event in outgoing.ways[0].got}


def dies_here(_here: World) -> None:
    """Let the worker die."""
    raise WorkerDiedError("gone")
