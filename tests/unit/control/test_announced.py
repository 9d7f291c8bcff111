"""What happens to a call that must be recorded is reported to other systems within seconds."""

import pytest

from dev.in_memory.builders import settings as built
from dev.in_memory.fakes.outgoing import FakeOutgoing
from dev.in_memory.world import World, world
from recording.control.pauses import stop_recording
from recording.control.recordings import start_recording
from recording.domain.calls.policy import CallPolicy
from recording.domain.outgoing.events import EventType
from recording.errors import ControlError
from recording.errors.codes import Code

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
