"""The port RecordingControl: the same promises from the fake and from the SDK against the ACS simulator."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

import pytest

from dev.in_memory.fakes.control import FakeControl
from recording.adapters.acs.control import AcsControl
from recording.domain.formats import LEGAL_COMBINATIONS, Combination
from recording.domain.incoming.requests import CallLocator, StartOptions
from recording.errors import ControlError
from recording.ports import RecordingControl

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class Subject:
    """A control plane under test, a way to make calls, and a way to let ACS catch up."""

    control: RecordingControl
    new_call: Callable[[], CallLocator]
    settle: Callable[[], object]

    def start(
        self, locator: CallLocator | None = None, *, repeatability_id: str | None = None, paused: bool = False
    ) -> str:
        options = StartOptions(locator or self.new_call(), LEGAL_COMBINATIONS[0], pause_on_start=paused)
        recording_id, _ = self.control.start(options, repeatability_id or str(uuid4()), NOW)
        self.settle()
        return recording_id


@pytest.fixture(params=["fake", "simulator"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "fake":
        numbers = count()
        fake = FakeControl()
        fake.is_slow = True
        yield Subject(fake, lambda: CallLocator("serverCallId", f"call-{next(numbers)}"), fake.settle)
        return
    client = request.getfixturevalue("simulator").client
    control = AcsControl(request.getfixturevalue("simulated_acs"))
    yield Subject(
        control,
        lambda: CallLocator("serverCallId", client.create_call()["serverCallId"]),
        lambda: client.advance(2),
    )
    control.close()


def refused(call: Callable[[], object]) -> ControlError:
    with pytest.raises(ControlError) as caught:
        call()
    return caught.value


def test_a_started_recording_becomes_active(subject: Subject) -> None:
    """Its id is what everything else is asked by."""
    recording_id = subject.start()
    assert recording_id
    assert subject.control.state(recording_id) == "active"


def test_a_start_answers_with_the_state_as_acs_says_it(subject: Subject) -> None:
    """ACS says inactive for what has just begun; that is no failure."""
    options = StartOptions(subject.new_call(), LEGAL_COMBINATIONS[0], pause_on_start=True)
    assert subject.control.start(options, str(uuid4()), NOW)[1] == "inactive"


def test_the_same_repeatability_id_starts_one_recording(subject: Subject) -> None:
    """A start whose answer was lost may be sent again."""
    locator, repeatability_id = subject.new_call(), str(uuid4())
    first = subject.start(locator, repeatability_id=repeatability_id)
    assert subject.start(locator, repeatability_id=repeatability_id) == first


def test_a_call_is_recorded_once_at_a_time(subject: Subject) -> None:
    """ACS refuses a second recording; the caller is told why."""
    locator = subject.new_call()
    first = subject.start(locator)
    error = refused(lambda: subject.start(locator))
    assert (error.code, error.status) == ("already_recording", 409)
    subject.control.stop(first)
    assert subject.start(locator) != first


@pytest.mark.parametrize("combination", LEGAL_COMBINATIONS, ids=str)
def test_every_legal_combination_is_accepted(subject: Subject, combination: Combination) -> None:
    """Our table of what is legal must not promise what ACS refuses."""
    recording_id, _ = subject.control.start(StartOptions(subject.new_call(), combination), str(uuid4()), NOW)
    assert recording_id


def test_pause_and_resume_change_the_state(subject: Subject) -> None:
    """ACS says inactive for a pause."""
    recording_id = subject.start()
    subject.control.pause(recording_id)
    subject.settle()
    assert subject.control.state(recording_id) == "inactive"
    subject.control.resume(recording_id)
    subject.settle()
    assert subject.control.state(recording_id) == "active"


def test_a_recording_started_paused_can_be_resumed(subject: Subject) -> None:
    """Consent may come after the start."""
    recording_id = subject.start(paused=True)
    assert subject.control.state(recording_id) == "inactive"
    subject.control.resume(recording_id)
    subject.settle()
    assert subject.control.state(recording_id) == "active"


def test_pausing_twice_is_refused_as_acs_refuses_it(subject: Subject) -> None:
    """The caller hears that it is so already, not that something broke."""
    recording_id = subject.start()
    subject.control.pause(recording_id)
    error = refused(lambda: subject.control.pause(recording_id))
    assert (error.code, error.status) == ("pause_resume_not_allowed", 409)


def test_what_does_not_show_yet_is_refused_like_what_is_so_already(subject: Subject) -> None:
    """A caller who is told that it is paused already would speak, and be recorded a moment later."""
    options = StartOptions(subject.new_call(), LEGAL_COMBINATIONS[0])
    recording_id, state = subject.control.start(options, str(uuid4()), NOW)
    error = refused(lambda: subject.control.pause(recording_id))
    assert (state, error.code) == ("inactive", "pause_resume_not_allowed")
    subject.settle()
    assert subject.control.state(recording_id) == "active"
    subject.control.pause(recording_id)
    assert refused(lambda: subject.control.resume(recording_id)).code == "pause_resume_not_allowed"
    subject.settle()
    subject.control.resume(recording_id)


def test_a_stopped_recording_is_forgotten(subject: Subject) -> None:
    """ACS answers 404 for ended and unknown alike."""
    recording_id = subject.start()
    subject.control.stop(recording_id)
    assert subject.control.state(recording_id) is None
    for operation in (subject.control.stop, subject.control.pause, subject.control.resume):
        error = refused(lambda operation=operation: operation(recording_id))  # type: ignore[misc]
        assert (error.code, error.status) == ("recording_not_found", 404)
