"""Failures of the app, its storage and its receivers that are made to happen: each is a stage after its bad hours."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from dev.in_memory.builders import chunk, event
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.world import world
from dev.prove.stage import HOUR, MINUTE, Stage, fails, lived
from recording.control.audit import run_audited
from recording.control.resumes import stop_recording
from recording.domain.incoming.roles import Operation
from recording.errors import (
    RecordingError,
    StorageRefusedError,
)
from recording.errors.codes import Code
from recording.library.seal.compare import NIGHT_HOUR
from recording.ports import AuditEntry
from recording.telemetry import Event, emit


def host_dead() -> Stage:
    """Play it: no worker runs any more."""

    def act(stage: Stage) -> None:
        stage.goes_by(HOUR + 4 * MINUTE)
        stage.fails_now()
        stage.is_running = False
        stage.goes_by(HOUR)

    return lived(world(), act)


def tables_down() -> Stage:
    """Play it: the catalog does not answer: workers run, and can do nothing."""

    def act(stage: Stage) -> None:
        stage.goes_by(HOUR)
        stage.fails_now()
        fails(stage, "FakeCatalog", StorageRefusedError("403"))
        stage.goes_by(HOUR)

    return lived(world(), act)


def dead_letters_refused() -> Stage:
    """Play it: the role on the dead letters' account is missing."""

    def act(stage: Stage) -> None:
        fails(stage, "FakeDeadLetters", StorageRefusedError("403"))
        stage.goes_by(HOUR)

    here = world()
    here.fakes = replace(here.fakes, dead_letters=FakeDeadLetters())
    return lived(here, act)


def audit_refused() -> Stage:
    """Play it: a recording is stopped, and no row of it can be written."""

    def act(stage: Stage) -> None:
        fails(stage, "FakeAudit", StorageRefusedError("403"))
        with suppress(RecordingError):
            run_audited(
                Operation.STOP, "rec-1", None, stage.here.ports, lambda: stop_recording("rec-1", stage.here.ports)
            )
        stage.goes_by(HOUR)

    return lived(world(), act)


def forged_event() -> Stage:
    """Play it: somebody sends an event of another resource."""

    def act(stage: Stage) -> None:
        stage.here.announces(event(chunk(0), topic="/subscriptions/0/resourceGroups/x/providers/y/z"))
        stage.goes_by(HOUR)

    return lived(world(), act)


def no_seal() -> Stage:
    """Play it: the key of the seal is out of reach for more than an hour; the timer says so."""

    def act(stage: Stage) -> None:
        stage.goes_by(HOUR)
        stage.fails_now()
        emit(Event.SEAL_BEHIND, code=Code.SEAL_KEY_UNAVAILABLE)
        stage.goes_by(2 * HOUR)

    return lived(world(), act)


def trail_changed() -> Stage:
    """Play it: a row of the audit trail is sealed and then changed, right after the night's comparison."""

    def act(stage: Stage) -> None:
        stage.goes_by(timedelta(hours=26))
        while stage.here.now.hour != NIGHT_HOUR + 1:
            stage.goes_by(MINUTE)
        stage.here.ports.audit.add(AuditEntry(stage.here.now, "stop_recording", "rec-1", "a caller", "done"))
        stage.goes_by(10 * MINUTE)
        stage.fails_now()
        rows = stage.here.fakes.audit.written
        rows[:] = [replace(row, caller="another caller") for row in rows]
        stage.goes_by(timedelta(hours=26))

    here = world()
    here.fakes = replace(here.fakes, seal=FakeSeal())
    return lived(here, act)


def receiver_down() -> Stage:
    """Play it: a receiver of events has taken nothing for an hour; the timer says so in every run."""

    def act(stage: Stage) -> None:
        stage.goes_by(HOUR)
        stage.fails_now()
        for _ in range(24):
            emit(Event.ENDPOINT_FAILING, entry="webhook-1", code=Code.ENDPOINT_DISABLED, age_seconds=HOUR)
            stage.goes_by(5 * MINUTE)

    return lived(world(), act)


def no_scrub() -> Stage:
    """Play it: the nightly comparison stops coming; the day after, it is owed."""

    def act(stage: Stage) -> None:
        stage.goes_by(timedelta(hours=26))
        stage.fails_now()
        end = stage.here.now + timedelta(hours=36)
        while stage.here.now < end:
            stage.here.fakes.clock.advance(seconds=300)
            stage.here.reconciles()

    return lived(world(), act)
