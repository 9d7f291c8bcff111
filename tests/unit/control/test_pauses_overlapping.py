"""Two requests about one recording at the same moment, or a request and a guard: the pause that is asked for wins.

Whichever call to a port the second one comes before, what callers were told is what ACS does, and every pause ends.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from dev.in_memory.world import World, interrupted
from recording.control.resumes import resume_recording, stop_recording
from recording.domain.calls.consent import ConsentState, consent_state
from recording.domain.calls.pauses import open_pause
from recording.domain.calls.policy import Withdrawal
from recording.domain.state.recording import KnownState, LastAction, merged_state
from recording.errors import RecordingError, StorageBusyError
from recording.errors.codes import Code
from tests.unit.control.calls import EVIDENCE, GIVEN, WITHDRAWN, pauses, starts, state, tells, under

MOST_CALLS = 24  # to ports, of a request or a guard
NAME = "recording-1"
Act = Callable[[World], Any]


def resumes(here: World) -> dict[str, Any]:
    """Resume as a caller."""
    return resume_recording(NAME, here.ports, settings=here.settings)


ACTS: dict[str, Act] = {
    "pause": lambda here: pauses(here, NAME),
    "resume": resumes,
    "withdraw": lambda here: tells(here, NAME, WITHDRAWN),
    "give": lambda here: tells(here, NAME, GIVEN),
    "stop": lambda here: stop_recording(NAME, here.ports, here.settings),
    "guards": lambda here: here.guards(),
}
BEFORE: dict[str, tuple[str, ...]] = {
    "it records": (),
    "it is paused": ("pause",),
    "it was resumed": ("pause", "resume"),
    "consent is withdrawn": ("withdraw",),
    "its pause is over in a moment": ("pause", "wait"),
    "its pause is over in a moment, and consent withdrawn": ("pause", "withdraw", "wait"),
    "a resume is looked after": ("pause", "resume", "resume", "look"),
    "a pause is looked after": ("pause", "pause", "look"),
}


def seconds(here: World, count: int) -> None:
    """Let so many seconds go by; what ACS has accepted shows, and guards that are due fire."""
    for _ in range(count):
        here.fakes.clock.advance(seconds=1)
        here.fakes.control.settle()
        here.guards()


def after(*acts: str, is_slow: bool, on_withdrawal: Withdrawal) -> World:
    """Return a world with a recording about which this was asked before."""
    here = under(longest_pause_seconds=60, on_withdrawal=on_withdrawal)
    assert starts(here, consent=EVIDENCE) == NAME
    here.fakes.control.is_slow = is_slow
    for act in acts:
        if act in ACTS:
            ACTS[act](here)
            here.fakes.control.settle()
        here.fakes.clock.advance(seconds={"wait": 60, "look": 1}.get(act, 0))
    return here


@pytest.mark.parametrize("is_slow", [False, True])
@pytest.mark.parametrize("on_withdrawal", list(Withdrawal))
@pytest.mark.parametrize("rival", ["pause", "resume", "withdraw", "give", "stop", "guards"])
@pytest.mark.parametrize("work", list(ACTS))
@pytest.mark.parametrize("before", list(BEFORE))
def test_whatever_overlaps_ends_as_the_callers_were_told(
    before: str, work: str, rival: str, on_withdrawal: Withdrawal, is_slow: bool
) -> None:
    """At every call to a port: silence within seconds for a pause and a withdrawal, and nothing rests for good."""
    for at in range(1, MOST_CALLS):
        here, told = after(*BEFORE[before], is_slow=is_slow, on_withdrawal=on_withdrawal), list[bool]()

        def acts(here: World, told: list[bool] = told) -> None:
            known = {pause.id for pause in here.fakes.catalog.recordings[NAME].pauses}
            with suppress(RecordingError):
                answer = ACTS[rival](here)
                told.append(rival == "pause" and answer["pause"]["pauseId"] not in known)

        def works(here: World = here) -> None:
            with suppress(RecordingError):
                ACTS[work](here)

        if interrupted(here, works, (at, acts)) < at:
            break
        here.fakes.control.is_slow = False
        seconds(here, 4)
        is_told = any(told) and "stop" not in (work, rival) and "wait" not in BEFORE[before]
        is_told = is_told and (work, at) != ("resume", 1)  # nothing of it has happened yet: it follows the pause
        _agrees(here, f"before call {at}, seconds later", is_paused=is_told)
        seconds(here, 600)
        _agrees(here, f"before call {at}, at the end", is_over=True)


def _agrees(here: World, when: str, *, is_paused: bool = False, is_over: bool = False) -> None:
    row, now = here.fakes.catalog.recordings[NAME], state(here, NAME)
    is_withdrawn = consent_state(row.consent, row.consents) is ConsentState.WITHDRAWN
    if is_paused or is_withdrawn:
        assert now != "active", f"{when}: it records"
    if now is None:
        assert row.last_action is LastAction.STOPPED, f"{when}: it was stopped"
        return
    if not is_over:
        return
    assert row.call_alarm != Code.PAUSE_OVERDUE, when
    assert now == ("inactive" if is_withdrawn else "active"), f"{when}: it is {now}"
    assert (open_pause(row.pauses) is not None) == is_withdrawn, f"{when}: of its pauses"
    wanted = KnownState.PAUSED if is_withdrawn else KnownState.RECORDING
    assert merged_state(now, row) is wanted, f"{when}: it is shown as {merged_state(now, row)}"


@pytest.mark.parametrize("at", range(1, MOST_CALLS))
def test_a_pause_whose_row_could_not_be_read_is_seen_to(at: int) -> None:
    """A look after a resume finds no note of it, and resumes: it is paused again within seconds."""
    here = after("pause", "resume", "pause", is_slow=False, on_withdrawal=Withdrawal.PAUSE)
    here.fakes.control.is_slow = True
    resumes(here)
    here.fakes.control.settle()
    resumes(here)
    here.fakes.clock.advance(seconds=1)
    here.fakes.control.is_slow = False
    here.fakes.catalog.fail_next("get_recording", StorageBusyError("503"))
    answers: list[dict[str, Any]] = []

    def asks() -> None:
        with suppress(RecordingError):
            answers.append(pauses(here, NAME))

    interrupted(here, asks, (at, lambda here: here.guards()))
    seconds(here, 4)
    if answers:
        assert state(here, NAME) == "inactive"
    seconds(here, 600)
    assert state(here, NAME) == "active"
