"""Expecting: files that never come are raised once, in time for somebody to ask for them (I4)."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, event, task
from dev.in_memory.world import World, world
from recording.control.pauses import pause_recording
from recording.control.recordings import get_recording, start_recording
from recording.control.resumes import resume_recording, stop_recording
from recording.domain.formats import MORE_TO_COME
from recording.domain.state.recording import RecordingRecord
from recording.errors import ClaimLostError, ControlError, StorageBusyError
from recording.errors.codes import Code
from recording.reconcile import missing_files as expecting

CALL = {"serverCallId": "aHR0cHM6Ly9jb252LXdlZXU"}


@pytest.fixture
def here() -> World:
    """A world with nothing in it."""
    return world()


def _starts(here: World, **options: object) -> str:
    started = start_recording({**CALL, **options}, None, None, here.ports, here.settings)
    return str(started["recordingId"])


def _ends_by_itself(here: World, recording_id: str) -> None:
    del here.fakes.control.states[recording_id]


def _told(here: World, recording_id: str) -> dict[str, object]:
    return get_recording(recording_id, here.ports, here.settings)


def _raised(caplog: pytest.LogCaptureFixture, name: str = "recording.missing") -> int:
    return sum(entry.getMessage().split()[0] == name for entry in caplog.records)


def _goes_by(here: World, hours: float) -> None:
    for _ in range(round(hours * 12)):
        here.fakes.clock.advance(minutes=5)
        here.follows_up()
        here.reconciles()


def _announces(here: World, recording_id: str, *indexes: int, last: str = "SessionEnded") -> None:
    ends = {index: last if index == max(indexes) else MORE_TO_COME for index in indexes}
    subject = f"/recording/call/call-1/serverCallId/x/recordingId/{recording_id}"
    here.announces(event(*[chunk(index, endReason=ends[index]) for index in indexes], subject=subject))


def test_a_stopped_recording_without_a_file_is_raised_once(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """The event may be lost, and ACS has no list of recordings."""
    started = _starts(here)
    stop_recording(started, here.ports)
    _goes_by(here, 0.9)
    assert (_raised(caplog), _told(here, started)["expectation"]) == (0, "awaited")
    _goes_by(here, 5)
    assert (_raised(caplog), here.reconciles().missing) == (1, 1)
    told = _told(here, started)
    assert (told["expectation"], told["missingSince"]) == ("missing", "2026-11-23T10:00:00+00:00")


def test_the_alarm_says_how_much_time_is_left(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """ACS's clock cannot have begun before the recording ended."""
    stop_recording(_starts(here), here.ports)
    _goes_by(here, 2)
    (alarm,) = [entry for entry in caplog.records if entry.getMessage().startswith("recording.missing")]
    assert vars(alarm)["time_left_seconds"] == timedelta(hours=23).total_seconds()
    assert alarm.levelname == "ERROR"


def test_a_recording_that_ended_by_itself_is_noticed_by_asking_acs(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Most calls end without anybody calling stop."""
    started = _starts(here)
    _goes_by(here, 5)
    _ends_by_itself(here, started)
    _goes_by(here, 1)
    assert (_raised(caplog), _told(here, started)["expectation"]) == (0, "awaited")
    _goes_by(here, 0.5)
    assert _raised(caplog) == 1


def test_a_call_of_many_hours_raises_nothing_while_it_lasts(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """An alarm that rings for every long call is none."""
    started = _starts(here)
    _goes_by(here, 30)
    assert (_raised(caplog), _told(here, started)["expectation"]) == (0, "running")


def test_a_recording_that_was_started_paused_and_never_resumed_has_no_file(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody was to be heard, and nobody was."""
    started = _starts(here, pauseOnStart=True)
    stop_recording(started, here.ports)
    _goes_by(here, 30)
    assert (_raised(caplog), _told(here, started)["expectation"]) == (0, "nothing")
    assert list(here.fakes.catalog.open_recordings()) == []


def test_one_that_was_resumed_must_have_a_file(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Even if it was paused again before the end."""
    started = _starts(here, pauseOnStart=True)
    resume_recording(started, here.ports)
    pause_recording(started, here.ports, here.settings)
    stop_recording(started, here.ports)
    _goes_by(here, 2)
    assert _raised(caplog) == 1


def test_a_file_that_comes_after_the_alarm_ends_it(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Event Grid tries for a day; the mark stays as a fact."""
    started = _starts(here)
    stop_recording(started, here.ports)
    _goes_by(here, 2)
    _announces(here, started, 0)
    assert here.reconciles().missing == 0
    told = _told(here, started)
    assert (told["expectation"], told["missingSince"] is not None) == ("met", True)


def test_acs_that_does_not_answer_is_not_taken_for_an_end(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Its state call is known to fail with 500; half an hour of it proves nothing."""
    started = _starts(here)
    _goes_by(here, 0.9)
    down = ControlError("down", code=Code.ACS_UNAVAILABLE)
    here.fakes.control.fail_next("state", down, times=1000)
    _goes_by(here, 0.5)
    here.fakes.control.fails_no_more("state")
    _goes_by(here, 30)
    assert _raised(caplog) == 0
    record = here.fakes.catalog.recordings[started]
    assert (record.unanswered_since, record.ended_seen_at) == (None, None)


def test_acs_that_never_answers_does_not_silence_the_alarm(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Then nobody knows, and a person should."""
    _starts(here)
    here.fakes.control.fail_next("state", ControlError("down", code=Code.ACS_ERROR), times=1000)
    _goes_by(here, 3)
    assert _raised(caplog) == 1


def test_a_gap_is_raised_once_and_stands_in_the_manifest(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Indexes 0 and 2 came: 1 was finished before 2, and where is it?"""
    for index in (0, 2):
        here.holds(task(index))
    here.announces(event(chunk(0, endReason=MORE_TO_COME), chunk(2)))
    here.runs_due()
    _goes_by(here, 5)
    assert (_raised(caplog, "recording.incomplete"), here.reconciles().incomplete) == (1, 1)
    assert here.manifest()["missingIndexes"] == [1]
    told = _told(here, RECORDING_ID)
    assert (told["expectation"], told["missingIndexes"], told["startedHere"]) == ("incomplete", [1], False)


def test_a_chunk_that_ended_for_its_size_promises_another(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Its successor takes hours to be recorded, and minutes to arrive."""
    started = _starts(here)
    _goes_by(here, 4)
    _announces(here, started, 0, last=MORE_TO_COME)
    _goes_by(here, 4)
    assert (_raised(caplog, "recording.incomplete"), _told(here, started)["expectation"]) == (0, "running")
    _ends_by_itself(here, started)
    _goes_by(here, 2)
    assert _raised(caplog, "recording.incomplete") == 1
    assert _told(here, started)["missingIndexes"] == [1]


def test_a_recording_started_elsewhere_is_accepted(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Its event is all there is, and it is enough."""
    here.announces()
    _goes_by(here, 3)
    assert _raised(caplog) + _raised(caplog, "recording.incomplete") == 0
    assert here.fakes.catalog.recordings[RECORDING_ID].settled_at is not None


def test_an_event_for_a_settled_recording_opens_it_again(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """A gap that shows late is a gap all the same."""
    here.announces()
    _goes_by(here, 3)
    here.announces(event(chunk(5)))
    _goes_by(here, 3)
    assert _raised(caplog, "recording.incomplete") == 1


@pytest.mark.slow
def test_what_was_raised_is_counted_until_it_is_over(here: World) -> None:
    """After three days neither ACS nor Event Grid has anything to give; the recording is missing all the same (I4)."""
    started = _starts(here)
    stop_recording(started, here.ports)
    _goes_by(here, 73)
    assert here.reconciles().missing == 1
    assert _told(here, started)["expectation"] == "missing"


def test_acs_is_asked_about_the_longest_unasked_first(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many recordings run, each one is asked about in its turn."""
    monkeypatch.setattr(expecting, "MOST_ASKED", 2)
    for number in range(5):
        here.fakes.catalog.add_recording(RecordingRecord(recording_id=f"r{number}", started_at=here.now))
        here.fakes.control.states[f"r{number}"] = "active"
    here.fakes.clock.advance(hours=2)
    for _ in range(3):
        here.reconciles()
    assert here.fakes.control.calls == ["state"] * 5
    assert all(record.asked_at for record in here.fakes.catalog.recordings.values())


def test_a_writer_at_the_same_moment_wins_and_the_alarm_still_comes(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    """In doubt an alarm is raised twice."""
    stop_recording(_starts(here), here.ports)
    here.fakes.clock.advance(hours=2)
    here.fakes.catalog.fail_next("save_recording", ClaimLostError("changed"))
    here.reconciles()
    here.reconciles()
    here.reconciles()
    assert _raised(caplog) == 2


def test_when_the_catalog_does_not_answer_the_next_run_tries_again(here: World) -> None:
    """The host sees the failure; nothing is marked that was not raised."""
    here.fakes.catalog.fail_next("due_recordings", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        here.reconciles()


def test_the_summary_counts_both_alarms(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """Metrics are made from it."""
    caplog.set_level("INFO")
    stop_recording(_starts(here), here.ports)
    here.announces(event(chunk(1)))
    here.fakes.clock.advance(hours=2)
    here.reconciles()
    summary = [entry for entry in caplog.records if entry.getMessage().startswith("recording.reconciled")][-1]
    assert (vars(summary)["missing"], vars(summary)["incomplete"]) == (1, 1)


@pytest.mark.parametrize("hours", [1.5, 25, 400 * 24])
@pytest.mark.parametrize("who", ["starts", "stops"])
def test_an_instance_that_is_ahead_delays_no_alarm(
    here: World, who: str, hours: float, caplog: pytest.LogCaptureFixture
) -> None:
    """ACS forgets the files after a day; the alarm came as much too late as that clock was wrong."""
    here.skew = timedelta(hours=hours) if who == "starts" else timedelta()
    recording_id = _starts(here)
    here.skew = timedelta()
    if who == "starts":
        _ends_by_itself(here, recording_id)
    else:
        here.skew = timedelta(hours=hours)
        stop_recording(recording_id, here.ports)
        here.skew = timedelta()
    _goes_by(here, 4)
    assert _raised(caplog) == 1


def test_an_event_taken_in_by_an_instance_that_is_ahead_delays_no_alarm_about_a_gap(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Of three files the middle one is not announced."""
    here.skew = timedelta(hours=25)
    _announces(here, RECORDING_ID, 0, 2)
    here.skew = timedelta()
    _goes_by(here, 4)
    assert _raised(caplog, "recording.incomplete") == 1
