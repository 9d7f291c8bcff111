"""Tags may say during a call that it must be recorded: it is watched from then on, whichever application began it."""

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, event
from dev.in_memory.world import World, dies_at
from recording.control.resumes import stop_recording
from recording.domain.calls.policy import CallPolicy
from recording.errors import StorageBusyError
from recording.library.tags import change_tags
from tests.unit.control import calls
from tests.unit.control.calls import CALL_ENDED, STOPPED, announced, ends, passes, starts, told

MUST = CallPolicy(name="desk", tags={"desk": "fx"}, must_be_recorded=True, longest_pause_seconds=90)


def desk() -> World:
    here = calls.under(MUST)
    here.reports_to()
    return here


def tags(here: World, recording: str, value: str | None = "fx") -> None:
    change_tags(recording, {"tags": {"desk": value}}, "*", here.ports, here.settings)


def test_a_stop_by_another_application_after_the_tag_is_reported_without_any_event() -> None:
    """The call was tagged when the customer asked for a deal; ACS tells nobody here of the stop."""
    here = desk()
    recording = starts(here)
    passes(here, 300)
    tags(here, recording)
    passes(here, 60)
    ends(here, recording)
    passes(here, 6 * 60)
    assert told(here) == [(recording, "stopped_elsewhere")]


def test_a_pause_by_another_application_after_the_tag_is_reported_when_it_is_too_long() -> None:
    """As with a tag of the start."""
    here = desk()
    recording = starts(here)
    tags(here, recording)
    passes(here, 60)
    here.fakes.control.states[recording] = "inactive"
    passes(here, 130)
    assert told(here) == [(recording, "paused_too_long")]


def test_a_recording_that_was_started_elsewhere_is_watched_from_its_tag_on() -> None:
    """Its first file came while it ran, and the catalog has known it since."""
    here = desk()
    here.fakes.control.states[RECORDING_ID] = "active"
    here.announces(event(chunk(endReason="ChunkMaximumSizeExceeded")))
    tags(here, RECORDING_ID)
    passes(here, 60)
    ends(here, RECORDING_ID)
    passes(here, 6 * 60)
    assert told(here) == [(RECORDING_ID, "stopped_elsewhere")]


@pytest.mark.parametrize("word", [CALL_ENDED, None])
def test_what_was_over_before_its_tag_alarms_nobody(word: str | None) -> None:
    """People tag recordings for years after the call."""
    here = desk()
    recording = starts(here)
    passes(here, 60)
    ends(here, recording)
    if word is not None:
        announced(here, recording, word)
    tags(here, recording)
    here.runs(hours=1, until_quiet=False)
    assert told(here) == []
    assert here.fakes.guards.sent == []


@pytest.mark.parametrize("field", ["settled_at", "missing_since", "disposed_at", "ended_seen_at"])
def test_what_is_known_to_be_over_is_not_asked_about(field: str) -> None:
    """Not one question to ACS for a recording of last year."""
    here = desk()
    recording = starts(here)
    row = here.fakes.catalog.recordings[recording]
    here.fakes.catalog.save_recording(row.model_copy(update={field: here.now}))
    tags(here, recording)
    assert here.fakes.guards.sent == []


def test_a_stop_by_a_caller_before_the_tag_is_no_alarm_of_the_tag() -> None:
    """It was allowed when it was done."""
    here = desk()
    recording = starts(here)
    stop_recording(recording, here.ports, here.settings)
    tags(here, recording)
    announced(here, recording, STOPPED)
    here.runs(hours=1, until_quiet=False)
    assert told(here) == []


def test_a_tag_that_comes_goes_and_comes_again_leaves_one_watch() -> None:
    """Two messages that go on from the same look are one."""
    here = desk()
    recording = starts(here)
    for _ in range(5):
        tags(here, recording)
        tags(here, recording, None)
    tags(here, recording)
    tags(here, recording)
    for _ in range(20):
        passes(here, 30)
        assert len(here.fakes.guards.sent) == 1
    ends(here, recording)
    passes(here, 400)
    assert told(here) == [(recording, "stopped_elsewhere")]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(1, 6))
def test_no_tag_is_noted_without_its_watch(call: int, after: bool) -> None:
    """The worker dies while it tags; what is noted is watched, and what is not is tagged again."""
    here = desk()
    recording = starts(here)
    dies_at(here, call, lambda: tags(here, recording), after=after)
    if here.fakes.catalog.recordings[recording].current_tags != {"desk": "fx"}:
        tags(here, recording)
    passes(here, 60)
    ends(here, recording)
    passes(here, 6 * 60)
    assert told(here) == [(recording, "stopped_elsewhere")]


def test_a_queue_that_fails_leaves_the_tags_as_they_are() -> None:
    """Nobody is told that a recording is watched when it is not; the same request completes it."""
    here = desk()
    recording = starts(here)
    here.fakes.guards.fail_next("send", StorageBusyError("503"))
    with pytest.raises(StorageBusyError):
        tags(here, recording)
    assert here.fakes.catalog.recordings[recording].current_tags == {}
    tags(here, recording)
    assert len(here.fakes.guards.sent) == 1


def test_other_tags_cost_nothing() -> None:
    """The watch costs a question to ACS every half minute."""
    here = desk()
    recording = starts(here)
    change_tags(recording, {"tags": {"order": "1042"}}, "*", here.ports, here.settings)
    assert here.fakes.guards.sent == []


@pytest.mark.parametrize("wait", [0, 10, 29, 40])
def test_a_stop_while_the_tag_was_away_is_no_alarm_when_it_is_given_back(wait: float) -> None:
    """The stop was allowed when it was requested; people who correct a tag must not be called for it."""
    here = desk()
    recording = starts(here, tags={"desk": "fx"})
    passes(here, wait)
    tags(here, recording, None)
    stop_recording(recording, here.ports, here.settings)
    tags(here, recording)
    here.runs(hours=1, until_quiet=False)
    assert told(here) == []


@pytest.mark.parametrize("wait", [0, 10, 29, 40])
def test_a_stop_after_the_tag_was_given_back_is_an_alarm(wait: float) -> None:
    """A tag that was away for a moment is no way to stop a call that must be recorded in silence."""
    here = desk()
    recording = starts(here, tags={"desk": "fx"})
    tags(here, recording, None)
    passes(here, wait)
    tags(here, recording)
    stop_recording(recording, here.ports, here.settings)
    here.runs(hours=1, until_quiet=False)
    assert told(here) == [(recording, "stopped")]


@pytest.mark.parametrize("wait", [0, 10, 29, 40])
def test_a_stop_by_another_application_after_the_tag_was_given_back_is_an_alarm(wait: float) -> None:
    """The watch that began with the start goes on."""
    here = desk()
    recording = starts(here, tags={"desk": "fx"})
    tags(here, recording, None)
    passes(here, wait)
    tags(here, recording)
    passes(here, 65)
    ends(here, recording)
    here.runs(hours=1, until_quiet=False)
    assert told(here) == [(recording, "stopped_elsewhere")]
