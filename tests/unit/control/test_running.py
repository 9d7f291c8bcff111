"""How many recordings of a caller run at once: one row a start, and no count that is wrong for ever."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import chunk, document_id, event
from dev.in_memory.fakes.scripted import Scripted
from dev.in_memory.world import WorkerDiedError, World, world
from recording.control.recordings import start_recording
from recording.control.resumes import stop_recording
from recording.domain.incoming.running import UNTOLD
from recording.errors import ControlError, RequestError, StorageBusyError
from recording.errors.codes import Code

CALLER = "11111111-2222-3333-4444-555555555555"


def start(here: World, number: int, caller: str | None = CALLER) -> str:
    """Start a recording of a call of its own, with a key of its own."""
    body = {"serverCallId": f"Y2FsbA{number:04d}"}
    answer = start_recording(body, f"key-{number}", caller, here.ports, here.settings)
    return str(answer["recordingId"])


def refused(here: World, number: int, caller: str | None = CALLER) -> RequestError:
    with pytest.raises(RequestError) as error:
        start(here, number, caller)
    return error.value


def test_as_many_run_as_may_and_the_next_one_waits() -> None:
    """The refusal says what to do, and ACS is not asked to start."""
    here = world(running_per_caller=2)
    start(here, 1)
    start(here, 2)
    error = refused(here, 3)
    assert (error.code, error.status, error.retryable) == (Code.TOO_MANY_RUNNING, 429, True)
    assert error.retry_after is not None
    assert here.fakes.control.calls.count("start") == 2
    start(here, 3, None)
    assert len(here.fakes.control.started) == 3


def test_without_the_setting_nothing_is_counted() -> None:
    """It costs nothing."""
    here = world()
    start(here, 1)
    assert here.fakes.running.calls == []


def test_a_start_reads_and_writes_one_row_whatever_runs() -> None:
    """The cost does not grow with what was started before."""
    here = world(running_per_caller=200)
    for number in range(150):
        start(here, number)
    here.fakes.running.calls.clear()
    here.fakes.catalog.calls.clear()
    start(here, 500)
    assert here.fakes.running.calls == ["get", "save"]
    assert "get_recordings" not in here.fakes.catalog.calls


@pytest.mark.parametrize("how", ["stopped", "hung_up", "reconciled"])
def test_what_is_over_gives_its_place_to_the_next(how: str) -> None:
    """Stopped here, ended with its call, or seen to be gone by reconcile."""
    here = world(running_per_caller=1)
    first = start(here, 1)
    refused(here, 2)
    if how == "stopped":
        stop_recording(first, here.ports)
    else:
        del here.fakes.control.states[first]
    if how == "reconciled":
        here.fakes.clock.advance(hours=2)
        here.reconciles()
    assert start(here, 2) != first


def test_what_acs_says_has_ended_is_over_before_its_files_are_settled() -> None:
    """Calls end by themselves, and their event comes within minutes; ACS need not be asked about any of them."""
    here = world(running_per_caller=8)
    names = [start(here, number) for number in range(8)]
    for number, name in enumerate(names[5:]):
        del here.fakes.control.states[name]
        part = chunk(0, document_id(number))
        here.announces(event(part, subject=f"/recording/call/c-{number}/serverCallId/x/recordingId/{name}"))
    here.fakes.control.calls.clear()
    start(here, 100)
    assert "state" not in here.fakes.control.calls


@pytest.mark.parametrize("seed", range(5))
def test_long_recordings_hide_none_that_is_over(seed: int) -> None:
    """The earliest ones may run for hours; those behind them are asked about as well, a few at each refused start."""
    here = world(running_per_caller=30, seed=seed)
    names = [start(here, number) for number in range(30)]
    for name in names[20:]:
        del here.fakes.control.states[name]
    for number in range(100, 130):
        here.fakes.clock.advance(seconds=30)
        here.fakes.control.calls.clear()
        try:
            start(here, number)
        except RequestError:
            assert here.fakes.control.calls.count("state") <= 5
        else:
            return
    raise AssertionError("places of what is over are never found")


def test_the_same_request_again_takes_no_second_place() -> None:
    """A caller that repeats a start whose answer was lost."""
    here = world(running_per_caller=1)
    here.fakes.catalog.fail_next("save_reservation", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        start(here, 1)
    first = start(here, 1)
    assert start(here, 1) == first
    assert len(here.fakes.running.rows[CALLER].places) == 1


def test_a_start_that_acs_refuses_gives_its_place_back_at_once() -> None:
    """And where that fails, after some minutes."""
    here = world(running_per_caller=1)
    gone = ControlError("no such call", code=Code.CALL_NOT_FOUND)
    here.fakes.control.fail_next("start", gone)
    with pytest.raises(ControlError):
        start(here, 1)
    assert here.fakes.running.rows[CALLER].places == ()
    here.fakes.control.fail_next("start", gone)
    real = here.fakes.running.save
    saves = iter([True, False])

    def save(counted: Any) -> bool:
        if not next(saves):
            raise StorageBusyError("down")
        return bool(real(counted))

    here.fakes.running.save = save  # type: ignore[method-assign]
    with pytest.raises(ControlError):
        start(here, 2)
    here.fakes.running.save = real  # type: ignore[method-assign]
    refused(here, 3)
    here.fakes.clock.advance(seconds=UNTOLD.total_seconds())
    start(here, 3)


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(hours=26), timedelta(days=200)], ids=str)
def test_a_place_that_was_taken_by_a_clock_that_is_ahead_is_free_in_some_minutes(ahead: timedelta) -> None:
    """Its start came to nothing, and the caller was refused for as long as that clock was wrong."""
    here = world(running_per_caller=1)
    here.fakes.control.fail_next("start", ControlError("no answer", code=Code.ACS_UNREACHABLE))
    here.skew = ahead
    with pytest.raises(ControlError):
        start(here, 1)
    here.skew = timedelta()
    here.fakes.clock.advance(seconds=UNTOLD.total_seconds())
    assert start(here, 2)


def test_acs_that_does_not_answer_frees_nothing() -> None:
    """What may run counts."""
    here = world(running_per_caller=1)
    first = start(here, 1)
    del here.fakes.control.states[first]
    here.fakes.control.fail_next("state", ControlError("no answer", code=Code.ACS_UNREACHABLE))
    refused(here, 2)
    start(here, 2)


METHODS = ("add_reservation", "save_reservation", "add_recording", "start", "save")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["start", "start", "start", "again", "stop", "hang_up", "wait", "reconcile"]), st.integers(0, 9)
    ),
    max_size=40,
)
DEATHS = st.lists(
    st.tuples(
        st.sampled_from(["add_reservation", "save_reservation", "add_recording", "start", "save"]), st.booleans()
    ),
    max_size=6,
)


def fake_of(here: World, method: str) -> Scripted:
    """The fake that has this method."""
    fakes: dict[str, Scripted] = {"start": here.fakes.control, "save": here.fakes.running}
    return fakes.get(method, here.fakes.catalog)


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(STEPS, DEATHS, st.integers(1, 3), st.integers(-120, 120))
def test_no_death_and_no_clock_leaves_a_count_that_is_wrong_for_ever(
    steps: list[tuple[str, int]], deaths: list[tuple[str, bool]], limit: int, skew: int
) -> None:
    """Workers die before and after every write; in the end the caller may start as many as ever."""
    here = world(running_per_caller=limit)
    tried, waiting = 0, list(deaths)

    def attempt(number: int) -> None:
        if waiting:
            method, after = waiting.pop()
            fake_of(here, method).fail_next(method, WorkerDiedError(), after=after)
        here.skew = timedelta(seconds=skew if number % 2 else 0)
        with suppress(WorkerDiedError, RequestError, ControlError, StorageBusyError):
            start(here, number)
        here.skew = timedelta()
        for method in METHODS:
            fake_of(here, method).fails_no_more(method)

    for step, number in steps:
        running = sorted(here.fakes.control.states)
        if step == "start":
            tried += 1
            attempt(tried)
        elif step == "again" and tried:
            attempt(1 + number % tried)
        elif step == "stop" and running:
            here.fakes.control.states.pop(running[number % len(running)])
        elif step == "hang_up" and running:
            del here.fakes.control.states[running[number % len(running)]]
        elif step == "wait":
            here.fakes.clock.advance(minutes=number)
        elif step == "reconcile":
            here.reconciles()
        noted = [one for one in here.fakes.control.states if one in here.fakes.catalog.recordings]
        assert len(noted) <= limit + len(deaths), "more run than may"
    here.fakes.control.states.clear()
    here.fakes.clock.advance(minutes=10)
    for number in range(limit):
        start(here, 1000 + number)
    assert refused(here, 2000).code is Code.TOO_MANY_RUNNING
