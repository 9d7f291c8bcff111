"""Failures of calls and recordings that are made to happen: each is a stage after its bad hours."""

from contextlib import suppress
from dataclasses import replace

from dev.in_memory.builders import chunk, event, task
from dev.in_memory.fakes.log import FakeLog
from dev.in_memory.world import world
from dev.prove.stage import ALWAYS, CALL, HOUR, Stage, lived
from recording.control.pauses import pause_recording
from recording.control.recordings import start_recording
from recording.control.resumes import stop_recording
from recording.domain.calls.policy import CallPolicy, TimeIsUp
from recording.domain.formats import MORE_TO_COME
from recording.errors import (
    ControlError,
    LogUnavailableError,
)
from recording.errors.codes import Code
from recording.ports import RecordingSummary
from recording.telemetry import Event, emit


def file_overdue() -> Stage:
    """Play it: stopped, and an hour later there is no file."""

    def act(stage: Stage) -> None:
        asked = {"serverCallId": "aHR0cHM6Ly9jb252LXdlZXU"}
        started = start_recording(asked, None, None, stage.here.ports, stage.here.settings)
        stop_recording(str(started["recordingId"]), stage.here.ports)
        stage.goes_by(stage.here.settings.expected_after)
        stage.fails_now()
        stage.goes_by(HOUR)

    return lived(world(), act)


def chunk_absent() -> Stage:
    """Play it: chunks 0 and 2 came; 1 must exist, and is overdue."""

    def act(stage: Stage) -> None:
        for index in (0, 2):
            stage.here.holds(task(index))
        stage.here.announces(event(chunk(0, endReason=MORE_TO_COME), chunk(2)))
        stage.goes_by(stage.here.settings.expected_after)
        stage.fails_now()
        stage.goes_by(HOUR)

    return lived(world(), act)


def never_announced() -> Stage:
    """Play it: nobody here started it, and its event was never emitted. ACS's own log has it an hour later."""

    def act(stage: Stage) -> None:
        made_at = stage.here.now
        stage.goes_by(HOUR)
        assert isinstance(stage.here.fakes.log, FakeLog)
        stage.here.fakes.log.rows.append(RecordingSummary("started-elsewhere", 1, made_at, stage.here.now))
        stage.failed_at = made_at
        stage.goes_by(5 * HOUR)

    here = world()
    here.fakes = replace(here.fakes, log=FakeLog())
    return lived(here, act)


def log_unavailable() -> Stage:
    """Play it: a role on the workspace is missing."""

    def act(stage: Stage) -> None:
        assert isinstance(stage.here.fakes.log, FakeLog)
        stage.here.fakes.log.fail_next("summaries", LogUnavailableError("403"), times=ALWAYS)
        stage.goes_by(6 * HOUR)

    here = world()
    here.fakes = replace(here.fakes, log=FakeLog())
    return lived(here, act)


def starts_refused() -> Stage:
    """Play it: ACS refuses every start, since the role of the app was taken away.

    The caller gets the code, the log its line.
    """

    def act(stage: Stage) -> None:
        stage.goes_by(HOUR)
        stage.fails_now()
        emit(Event.CONTROL_REFUSED, code="acs_forbidden", fault="operator")
        stage.goes_by(HOUR)

    return lived(world(), act)


def pause_stands() -> Stage:
    """Play it: a pause reaches its end, and its policy leaves it to an operator."""
    policy = CallPolicy(name="desk", on_pause_timeout=TimeIsUp.ALARM, longest_pause_seconds=60)

    def act(stage: Stage) -> None:
        here = stage.here
        started = start_recording(CALL, None, None, here.ports, here.settings)
        pause_recording(str(started["recordingId"]), here.ports, here.settings)
        here.fakes.clock.advance(seconds=61)
        stage.fails_now()
        here.guards()
        stage.goes_by(HOUR)

    return lived(world(call_policies=(policy,)), act)


def must_be_recorded() -> Stage:
    """Play it: ACS refuses the start of a call that must be recorded."""

    def act(stage: Stage) -> None:
        here = stage.here
        stage.goes_by(HOUR)
        stage.fails_now()
        here.fakes.control.fail_next("start", ControlError("no", code=Code.ACS_UNAVAILABLE))
        with suppress(ControlError):
            start_recording(CALL, None, None, here.ports, here.settings)
        stage.goes_by(HOUR)

    return lived(world(call_policies=(CallPolicy(name="desk", must_be_recorded=True),)), act)
