"""What happens to a call that must be recorded is reported to other systems within seconds."""

import pytest

from dev.in_memory.builders import settings as built
from dev.in_memory.fakes.outgoing import FakeOutgoing
from dev.in_memory.world import World, world
from recording.control.pauses import stop_recording
from recording.control.recordings import start_recording
from recording.domain.calls.policy import CallPolicy, TimeIsUp
from recording.domain.outgoing.events import EventType
from recording.errors import ControlError, StorageBusyError
from recording.errors.codes import Code
from recording.library.notify.catch_up import catch_up
from tests.unit.control.calls import (
    EVIDENCE,
    WITHDRAWN,
    dies_at,
    ends,
    passes,
    pauses,
    starts,
    tells,
    under,
)

POLICY = CallPolicy.model_validate({"name": "must", "mustBeRecorded": True, "longestRecordingSeconds": 1200})
BODY = {"serverCallId": "aHR0cHM6Ly9jb250b3NvLmV4YW1wbGUvY2FsbC8x"}


def must_be_recorded() -> tuple[World, FakeOutgoing]:
    """A world whose policy asks for every call to be recorded, for twenty minutes at most."""
    here = world()
    here.settings = built(call_policies=(POLICY,))
    return here, here.reports_to()


def test_a_start_that_is_refused_is_reported_once_however_often_it_is_asked_for() -> None:
    """So that the call can be ended; the same request under its key is the same event."""
    here, outgoing = must_be_recorded()
    here.fakes.control.fail_next("start", ControlError("refused", code=Code.ACS_ERROR), times=2)
    for _ in range(2):
        with pytest.raises(ControlError):
            start_recording(BODY, "key-1", "alice", here.ports, here.settings)
    here.notifies()
    (got,) = outgoing.ways[0].got
    assert got.type is EventType.UNRECORDED
    assert got.data == {"reason": "start_refused", "code": "acs_error"}


@pytest.mark.parametrize("deaths", [0, *range(1, 12)])
@pytest.mark.parametrize(("rule", "reason"), [("resume", "time_up"), ("stop", "time_up"), ("alarm", "overdue")])
def test_a_pause_that_is_too_long_is_told_once_whatever_its_policy_does(rule: str, reason: str, deaths: int) -> None:
    """Whether it resumes, stops or waits for an operator, receivers hear of it; a worker may die on the way."""
    here = under(longest_pause_seconds=60, on_pause_timeout=TimeIsUp(rule))
    outgoing = here.reports_to()
    recording = starts(here)
    pauses(here, recording)
    here.fakes.clock.advance(seconds=61)
    if deaths:
        dies_at(here, deaths, here.guards)
    here.runs(hours=0.5, until_quiet=False)
    told = {event.id: event.data["reason"] for event in outgoing.ways[0].got if event.type is EventType.PAUSED_TOO_LONG}
    assert list(told.values()) == [reason]


def test_a_stop_and_the_warning_before_the_end_are_reported() -> None:
    """The longest duration is near; then somebody stops what must be recorded."""
    here, outgoing = must_be_recorded()
    started = start_recording(BODY, "key-1", "alice", here.ports, here.settings)
    here.fakes.clock.advance(seconds=601)
    here.guards()
    here.notifies()
    stop_recording(started["recordingId"], here.ports, here.settings)
    here.notifies()
    assert outgoing.ways[0].types_got == ["ends_soon", "unrecorded"]
    assert outgoing.ways[0].got[1].data["reason"] == "stopped"


@pytest.mark.parametrize("reason", ["stopped", "stopped_elsewhere", "paused_too_long", "consent_withdrawn"])
def test_an_alarm_outlives_a_queue_that_fails_when_it_is_raised(reason: str) -> None:
    """The queue of the outbox is down for minutes: the alarm is on the recording's row, and goes out once."""
    here = under(longest_pause_seconds=60, must_be_recorded=True)
    outgoing = here.reports_to()
    recording = starts(here, consent=EVIDENCE)
    here.guards()
    outgoing.queue.fail_next("send", StorageBusyError("503"), times=1000)
    if reason == "stopped":
        stop_recording(recording, here.ports, here.settings)
    elif reason == "stopped_elsewhere":
        passes(here, 65)
        ends(here, recording)
    elif reason == "paused_too_long":
        pauses(here, recording)
    else:
        tells(here, recording, WITHDRAWN)
    passes(here, 400)
    outgoing.queue.fails_no_more("send")
    assert outgoing.ways[0].got == []
    for _ in range(4):
        passes(here, 300)
        catch_up(here.ports)
        here.notifies()
    found = [event.data["reason"] for event in outgoing.ways[0].got if event.type is EventType.UNRECORDED]
    assert found == [reason]
