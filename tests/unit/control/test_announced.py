"""What happens to a call that must be recorded is reported to other systems within seconds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from dev.in_memory.builders import settings as built
from dev.in_memory.fakes.outgoing import FakeOutgoing, FakeWay
from dev.in_memory.world import World, dies_at, intercept, leave_alone, world
from recording.control.recordings import start_recording
from recording.control.resumes import resume_recording, stop_recording
from recording.domain.calls.policy import CallPolicy, TimeIsUp
from recording.domain.incoming.requests import StartOptions
from recording.domain.outgoing.events import EventType
from recording.domain.state.records import changed
from recording.errors import ControlError, StorageBusyError
from recording.errors.codes import Code
from recording.library.notify.catch_up import catch_up
from recording.ports import RecordingControl
from tests.unit.control.calls import EVIDENCE, WITHDRAWN, ends, passes, pauses, starts, tells, under

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


def test_a_start_of_a_call_that_is_recorded_already_is_no_alarm_that_it_is_not() -> None:
    """A caller without a key sends the same again, and somebody is called at night."""
    here, outgoing = must_be_recorded()
    start_recording(BODY, None, "alice", here.ports, here.settings)
    with pytest.raises(ControlError) as refused:
        start_recording(BODY, None, "alice", here.ports, here.settings)
    here.notifies()
    assert refused.value.code is Code.ALREADY_RECORDING
    assert outgoing.ways[0].got == []


@dataclass
class WhileItWaits:
    """ACS, as a request that was sent again meets it: the first one is done in between, and this one is refused."""

    control: RecordingControl
    first: Callable[[], object]
    refusal: ControlError

    def start(self, options: StartOptions, repeatability_id: str, first_sent: datetime) -> tuple[str, str]:
        """Refuse, once the first request has been answered."""
        self.first()
        raise self.refusal

    def __getattr__(self, name: str) -> Any:
        return getattr(self.control, name)


@pytest.mark.parametrize("code", [Code.ALREADY_RECORDING, Code.CONFLICTING_OPERATION, Code.ACS_UNREACHABLE])
def test_a_start_sent_again_while_the_first_is_under_way_gives_its_recording(code: Code) -> None:
    """A caller's patience ends before ACS answers: the call is recorded, and nothing says that it is not."""
    here, outgoing = must_be_recorded()
    here.settings = built(call_policies=(POLICY,), running_per_caller=2)
    told: list[dict[str, Any]] = []

    def first() -> None:
        told.append(start_recording(BODY, "key-1", "alice", here.ports, here.settings))

    refused = ControlError("refused", code=code)
    ports = replace(here.ports, control=WhileItWaits(here.ports.control, first, refused))
    again = start_recording(BODY, "key-1", "alice", ports, here.settings)
    here.notifies()
    assert again == told[0]
    assert outgoing.ways[0].got == []
    counted = here.fakes.running.get("alice")
    assert counted is not None
    assert len(counted.places) == 1


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


def raises(here: World, what: str) -> None:
    """Let what no record keeps happen, and be over at once."""
    if what == "start_refused":
        here.fakes.control.fail_next("start", ControlError("no", code=Code.ACS_UNAVAILABLE))
        with pytest.raises(ControlError):
            starts(here)
        return
    recording = starts(here)
    if what == "overdue":
        pauses(here, recording)
        passes(here, 65)
    else:
        passes(here, 605)
    stop_recording(recording, here.ports, here.settings)


def told_later(here: World, outgoing: FakeOutgoing) -> list[str]:
    """Return what arrives when the queue answers again, each event once; each says why, or of which type it is."""
    outgoing.queue.fails_no_more("send")
    for _ in range(5):
        passes(here, 300)
        catch_up(here.ports)
        here.notifies()
    found = {event.id: str(event.data.get("reason", event.type.value)) for event in outgoing.ways[0].got}
    return sorted(found.values())


@pytest.mark.parametrize("what", ["start_refused", "ends_soon", "overdue"])
def test_what_no_record_keeps_is_told_though_the_queue_fails_at_that_moment(what: str) -> None:
    """It is over before the queue answers again, so nothing of it can be read from the records: the outbox has it."""
    here = under(
        longest_pause_seconds=60,
        on_pause_timeout=TimeIsUp.ALARM,
        longest_recording_seconds=1200,
        must_be_recorded=True,
    )
    outgoing = here.reports_to()
    outgoing.queue.fail_next("send", StorageBusyError("503"), times=1000)
    raises(here, what)
    assert what in told_later(here, outgoing)


@pytest.mark.parametrize("what", ["ends_soon", "overdue"])
@pytest.mark.parametrize("failures", [1, 2, 7])
def test_what_a_guard_tells_waits_for_its_message_where_neither_queue_nor_outbox_answers(
    what: str, failures: int
) -> None:
    """All of the host's storage is down for minutes: the guard comes again until what it tells is safe."""
    here = under(longest_pause_seconds=60, on_pause_timeout=TimeIsUp.ALARM, longest_recording_seconds=3000)
    outgoing = here.reports_to()
    recording = starts(here)
    if what == "overdue":
        pauses(here, recording)
    else:
        passes(here, 2395)
    outgoing.queue.fail_next("send", StorageBusyError("503"), times=1000)
    outgoing.outbox.fail_next("add", StorageBusyError("503"), times=failures)
    passes(here, 30 + 60 * (failures + 1))
    assert told_later(here, outgoing) == [what]


def test_a_refused_start_is_answered_as_ever_where_nothing_takes_its_event() -> None:
    """The caller learns why the start was refused, and not that an event could not be stored; the log has it."""
    here, outgoing = must_be_recorded()
    here.fakes.control.fail_next("start", ControlError("refused", code=Code.ACS_ERROR))
    outgoing.queue.fail_next("send", StorageBusyError("503"))
    outgoing.outbox.fail_next("add", OSError("no route"))
    with pytest.raises(ControlError) as refused:
        start_recording(BODY, "key-1", "alice", here.ports, here.settings)
    assert refused.value.code is Code.ACS_ERROR


def test_an_alarm_that_only_its_row_keeps_is_told_after_it_is_over() -> None:
    """Neither queue nor outbox takes the event, and the pause ends before they do: the pause itself remembers it."""
    here = under(longest_pause_seconds=60, on_pause_timeout=TimeIsUp.ALARM)
    outgoing = here.reports_to()
    recording = starts(here)
    pauses(here, recording)
    outgoing.queue.fail_next("send", StorageBusyError("503"), times=1000)
    outgoing.outbox.fail_next("add", StorageBusyError("503"), times=1000)
    passes(here, 65)
    resume_recording(recording, here.ports, settings=here.settings)
    assert here.fakes.catalog.recordings[recording].call_alarm is None
    outgoing.outbox.fails_no_more("add")
    assert told_later(here, outgoing) == ["overdue"]


def test_an_event_goes_to_its_tenant_also_where_its_queue_fails() -> None:
    """A receiver of one tenant hears of its own calls only, whichever way an event has taken."""
    here = under(longest_recording_seconds=1200, warn_before_seconds=600)
    ours, theirs = FakeWay("ours", tenant="sales"), FakeWay("theirs", tenant="help")
    outgoing = here.reports_to(ours, theirs)
    recording = starts(here)
    row = here.fakes.catalog.recordings[recording]
    here.fakes.catalog.save_recording(changed(row, tenant="sales"))
    outgoing.queue.fail_next("send", StorageBusyError("503"), times=1000)
    passes(here, 605)
    assert told_later(here, outgoing) == ["ends_soon"]
    assert theirs.got == []


def test_no_alarm_is_raised_about_a_pause_that_has_ended_meanwhile() -> None:
    """A guard whose resume failed has read the row before the caller resumed: nothing would ever end that alarm."""
    here = under(longest_pause_seconds=60)
    recording = starts(here)
    pauses(here, recording)
    here.fakes.clock.advance(seconds=61)

    def decide(port: str, method: str) -> tuple[Exception | None, bool]:
        if (port, method) != ("FakeControl", "resume"):
            return None, False
        leave_alone(here)
        resume_recording(recording, here.ports, settings=here.settings)
        return ControlError("busy", code=Code.ACS_UNAVAILABLE), False

    intercept(here, decide)
    here.guards()
    leave_alone(here)
    passes(here, 600)
    assert here.fakes.catalog.recordings[recording].call_alarm is None
