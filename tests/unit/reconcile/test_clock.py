"""One instance whose clock is wrong runs the timer for a while: no alarm is lost by it, and none is false."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import chunk, event, task
from dev.in_memory.world import World, world
from recording.control.recordings import start_recording
from recording.control.resumes import stop_recording
from recording.domain.formats import MORE_TO_COME
from recording.errors import StorageBusyError
from recording.ports.clock import LARGEST_SKEW, by_the_shared_clock

SKEWS = [timedelta(hours=25), timedelta(hours=-25), timedelta(days=400), timedelta(minutes=90), timedelta(days=-3000)]


@pytest.fixture
def here() -> World:
    return world()


def goes_by(here: World, hours: float) -> None:
    """The timer fires every five minutes."""
    for _ in range(round(hours * 12)):
        here.fakes.clock.advance(minutes=5)
        here.follows_up()
        here.reconciles()


def raised(caplog: pytest.LogCaptureFixture, name: str) -> int:
    return sum(entry.getMessage().split()[0] == name for entry in caplog.records)


def starts(here: World) -> str:
    told = start_recording({"serverCallId": "aHR0cHM6Ly9jb252LXdlZXU"}, None, None, here.ports, here.settings)
    return str(told["recordingId"])


@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_a_wrong_clock_puts_no_look_off(here: World, skew: timedelta, caplog: pytest.LogCaptureFixture) -> None:
    """What the timer notes as the time of its next look is a day away otherwise, and ACS has forgotten by then."""
    running = starts(here)
    goes_by(here, 2)
    here.skew = skew
    goes_by(here, 0.5)
    here.skew = timedelta()
    assert raised(caplog, "recording.missing") == 0
    stop_recording(running, here.ports)
    goes_by(here, 1.5)
    assert raised(caplog, "recording.missing") == 1


@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_a_wrong_clock_raises_no_false_alarm(here: World, skew: timedelta, caplog: pytest.LogCaptureFixture) -> None:
    """A chunk with a day left is not at risk, and a recording that has just ended is not missing."""
    stop_recording(starts(here), here.ports)
    here.announces(event(chunk(0, endReason=MORE_TO_COME)))
    here.skew = skew
    here.fakes.clock.advance(minutes=1)
    found = here.reconciles()
    assert (found.at_risk, found.missing, found.incomplete, found.expired) == (0, 0, 0, 0)
    assert found.least_time_left is not None
    assert timedelta(hours=23) < found.least_time_left < timedelta(hours=24)
    names = {entry.getMessage().split()[0] for entry in caplog.records}
    assert not names & {
        "recording.chunk.at_risk",
        "recording.missing",
        "recording.incomplete",
        "recording.chunk.expired",
    }


def test_a_wrong_clock_hides_no_overdue_chunk(here: World) -> None:
    """Behind by a day, it would wait a day to send a lost message again."""
    here.announces()
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(minutes=11)
    here.skew = timedelta(hours=-25)
    assert here.reconciles().redriven == 1
    assert [one.key for one in here.fakes.queue.tasks] == [task().key]


@pytest.mark.parametrize("seconds", [0, 30, -59])
def test_a_small_difference_is_none(here: World, seconds: float) -> None:
    """Answers take their time."""
    here.skew = timedelta(seconds=seconds)
    ports = here.ports
    assert by_the_shared_clock(ports) is ports
    assert abs(here.skew) < LARGEST_SKEW


def test_a_catalog_that_does_not_tell_the_time_corrects_nothing(here: World) -> None:
    """The run itself will notice what is wrong with it."""
    here.skew = timedelta(hours=25)
    here.fakes.catalog.fail_next("time", StorageBusyError("down"))
    ports = here.ports
    assert by_the_shared_clock(ports) is ports
