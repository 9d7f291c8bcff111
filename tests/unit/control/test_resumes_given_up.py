"""A caller asks once, gets an error or no answer at all, and gives up: nothing rests for good because of that."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone
from recording.domain.calls.pauses import open_pause
from recording.domain.calls.policy import TimeIsUp
from recording.errors import ControlError, RecordingError, StorageBusyError
from recording.errors.codes import Code
from tests.unit.control.calls import pauses, starts, state, under

MOST_CALLS = 16  # to ports, of a pause
Failing = Callable[[str, str, int], Exception | None]  # port, method and number of the call


def _down(port: str, *methods: str) -> Failing:
    def fails(at: str, method: str, _: int) -> Exception | None:
        is_down = at == port and (not methods or method in methods)
        return StorageBusyError("503", code=Code.STORAGE_BUSY) if is_down else None

    return fails


def _once(number: int, *, dies: bool) -> Failing:
    def fails(port: str, _: str, call: int) -> Exception | None:
        if call != number:
            return None
        if dies:
            return WorkerDiedError("gone")
        return ControlError("busy", code=Code.ACS_UNAVAILABLE) if port == "FakeControl" else StorageBusyError("503")

    return fails


FAULTS: dict[str, Failing] = {
    "the queue of guards is down": _down("FakeGuards"),
    "the catalog takes no write": _down("FakeCatalog", "save_recording", "add_recording"),
    "the catalog is down": _down("FakeCatalog"),
    **{f"call {number} fails": _once(number, dies=False) for number in range(1, MOST_CALLS)},
    **{f"the worker dies at call {number}": _once(number, dies=True) for number in range(1, MOST_CALLS)},
}


def asks_once(here: World, recording: str, fails: Failing, *, after: bool) -> RecordingError | None:
    """Ask for a pause under a fault, and return how it was refused."""
    calls = 0

    def decide(port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal calls
        calls += 1
        return fails(port, method, calls), after

    intercept(here, decide)
    try:
        with suppress(WorkerDiedError):
            pauses(here, recording)
    except RecordingError as error:
        return error
    finally:
        leave_alone(here)
    return None


def seconds(here: World, count: int) -> None:
    """Let so many seconds go by; guards that are due fire, and the timer every five minutes."""
    for second in range(1, count + 1):
        here.fakes.clock.advance(seconds=1)
        here.guards()
        if second % 300 == 0:
            here.reconciles()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("then", [TimeIsUp.RESUME, TimeIsUp.ALARM])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_pause_whose_caller_gives_up_ends(fault: str, then: TimeIsUp, after: bool) -> None:
    """Whichever call fails, before or after its effect: by its own end, or with an alarm where the policy says so."""
    here = under(longest_pause_seconds=60, on_pause_timeout=then)
    recording = starts(here)
    asks_once(here, recording, FAULTS[fault], after=after)
    seconds(here, 1200)
    row = here.fakes.catalog.recordings[recording]
    is_alarm = then is TimeIsUp.ALARM and state(here, recording) == "inactive"
    assert state(here, recording) == ("inactive" if is_alarm else "active")
    assert (row.call_alarm == Code.PAUSE_OVERDUE) == is_alarm
    assert (open_pause(row.pauses) is not None) == is_alarm


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_promise_to_pause_what_has_not_begun_is_kept(fault: str, after: bool) -> None:
    """Who is told `not_yet_paused` and does not ask again is paused within seconds of its beginning."""
    here = under(longest_pause_seconds=60)
    here.fakes.control.is_slow = True
    recording = starts(here)
    error = asks_once(here, recording, FAULTS[fault], after=after)
    here.fakes.control.settle()
    here.fakes.control.is_slow = False
    seconds(here, 3)
    if error is not None and error.code == Code.NOT_YET_PAUSED:
        assert state(here, recording) == "inactive"
    seconds(here, 1200)
    assert state(here, recording) == "active"
