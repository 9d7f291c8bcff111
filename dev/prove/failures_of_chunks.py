"""Failures that are made to happen in a world whose log has times: each is a stage after its bad hours."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from dev.in_memory.builders import chunk, event, task, wav
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.log import FakeLog
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.world import World, intercept, leave_alone, world
from dev.policies.infra.alarms import Line
from recording.control.audit import audited
from recording.control.pauses import pause_recording, stop_recording
from recording.control.recordings import start_recording
from recording.domain.archived.drift import SCRUB_DUE_AFTER
from recording.domain.calls.policy import CallPolicy, TimeIsUp
from recording.domain.formats import MORE_TO_COME
from recording.domain.incoming.roles import Operation
from recording.domain.state import patience
from recording.domain.state.records import changed, stored_name
from recording.errors import (
    ControlError,
    LogUnavailableError,
    RecordingError,
    SourceBusyError,
    SourceRefusedError,
    StorageRefusedError,
)
from recording.errors.codes import Code
from recording.library.seal.compare import NIGHT_HOUR, compare_if_due
from recording.library.seal.turn import seal
from recording.operate.scrub import scrub_if_due
from recording.ports import AuditEntry, RecordingSummary
from recording.settings.values import MediaCheck
from recording.telemetry import Event, emit

BROKEN = wav()[:36] + b"junk" + wav()[40:]  # a WAV file whose data chunk has no name
CALL = {"serverCallId": "aHR0cHM6Ly9jb252LXdlZXU"}
ALWAYS = 10_000
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Stage:
    """A world whose log has times, and a host that runs what is due: messages, reconcile, the nightly share."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.lines: list[Line] = []
        self.is_running = True
        self.begun_at = here.now
        self.failed_at = here.now
        self.source_ends = False

    def fails_now(self) -> None:
        """Count the minutes from here."""
        self.failed_at = self.here.now

    def goes_by(self, time: timedelta) -> None:
        """Let time go by minute by minute; a host that does not run leaves everything where it is."""
        end = self.here.now + time
        while self.here.now < end:
            self.here.fakes.clock.advance(seconds=60)
            if self.is_running:
                self._runs()

    def _runs(self) -> None:
        self.here.runs_due()
        now = self.here.now
        if now.minute % 5 == 0:
            with suppress(RecordingError):  # the host notes it, and fires again in five minutes
                self.here.reconciles()
        if now.minute % 5 == 0:
            seal(self.here.ports)
        if now.minute == 15:
            with suppress(RecordingError):  # the host notes it, and fires again in an hour
                compare_if_due(self.here.ports)
        if now.minute == 30:
            with suppress(RecordingError):  # the host notes it, and fires again in an hour
                scrub_if_due(self.here.ports, self.here.settings)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Collect the log with the world's time."""
        log, ear = logging.getLogger("recording"), _Ear(self)
        kept = log.propagate, log.level
        log.addHandler(ear)
        log.propagate, level = False, logging.INFO
        log.setLevel(level)
        try:
            yield
        finally:
            log.removeHandler(ear)
            log.propagate, level = kept
            log.setLevel(level)


class _Ear(logging.Handler):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def emit(self, record: logging.LogRecord) -> None:
        """Note a line."""
        self._stage.lines.append(Line(self._stage.here.now, record.getMessage()))


def staged(here: World) -> Stage:
    return Stage(here)


def lived(here: World, act: Callable[[Stage], None]) -> Stage:
    stage = staged(here)
    with stage.listening():
        act(stage)
    return stage


def _announced(here: World, media: bytes | None = None) -> None:
    here.holds(task(0), media)
    here.announces(event(chunk(0)))


def _fails(stage: Stage, port: str, error: Exception) -> None:
    """From now on every call of a port fails."""
    intercept(stage.here, lambda called, _method: (error if called == port else None, False))


def _acs_down(stage: Stage) -> None:
    _announced(stage.here)
    _fails(stage, "WitnessedSource", SourceBusyError("503"))


def at_risk() -> Stage:
    """Play it: ACS does not give the media, and six hours are left."""

    def act(stage: Stage) -> None:
        _acs_down(stage)
        left = task(0).expires_at - stage.here.now - stage.here.settings.at_risk_below
        stage.goes_by(left)
        stage.fails_now()
        stage.goes_by(HOUR)

    return lived(world(), act)


def expired() -> Stage:
    """Play it: it never gave it."""

    def act(stage: Stage) -> None:
        _acs_down(stage)
        stage.goes_by(task(0).expires_at - stage.here.now)
        leave_alone(stage.here)  # ACS answers again
        stage.here.forgets(task(0))
        stage.goes_by(patience.GONE_FOR + 3 * HOUR)  # two answers "not found", apart, prove that it is lost
        stage.failed_at = next(record.changed_at for record in stage.here.fakes.catalog.chunks.values())
        stage.goes_by(HOUR)

    return lived(world(), act)


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
        _fails(stage, "FakeCatalog", StorageRefusedError("403"))
        stage.goes_by(HOUR)

    return lived(world(), act)


def refused_by_acs() -> Stage:
    """Play it: a role was taken away, or a key rotated."""

    def act(stage: Stage) -> None:
        _announced(stage.here)
        _fails(stage, "WitnessedSource", SourceRefusedError("403"))
        stage.goes_by(HOUR)

    return lived(world(), act)


def dead_letters_refused() -> Stage:
    """Play it: the role on the dead letters' account is missing."""

    def act(stage: Stage) -> None:
        _fails(stage, "FakeDeadLetters", StorageRefusedError("403"))
        stage.goes_by(HOUR)

    here = world()
    here.fakes = replace(here.fakes, dead_letters=FakeDeadLetters())
    return lived(here, act)


def audit_refused() -> Stage:
    """Play it: a recording is stopped, and no row of it can be written."""

    def act(stage: Stage) -> None:
        _fails(stage, "FakeAudit", StorageRefusedError("403"))
        with suppress(RecordingError):
            audited(Operation.STOP, "rec-1", None, stage.here.ports, lambda: stop_recording("rec-1", stage.here.ports))
        stage.goes_by(HOUR)

    return lived(world(), act)


def broken_media() -> Stage:
    """Play it: what ACS gives does not open, however often it is asked."""

    def act(stage: Stage) -> None:
        _announced(stage.here, BROKEN)
        stage.goes_by(patience.STEADY_FOR + 2 * HOUR)  # only then is it final
        stage.failed_at = next(record.changed_at for record in stage.here.fakes.catalog.chunks.values())
        stage.goes_by(HOUR)

    return lived(world(), act)


def warned_media() -> Stage:
    """Play it: the same, and the operator chose to be warned only."""

    def act(stage: Stage) -> None:
        _announced(stage.here, BROKEN)
        stage.goes_by(HOUR)

    return lived(world(media_check=MediaCheck.WARN), act)


def no_metadata() -> Stage:
    """Play it: the media is archived; the metadata never comes, and now nothing can come any more."""

    def act(stage: Stage) -> None:
        stage.here.holds(task(0), document=None)
        stage.here.source.objects.pop(task(0).metadata_location or "")
        stage.here.announces(event(chunk(0)))
        stage.goes_by(task(0).expires_at - stage.here.now)
        stage.fails_now()
        stage.goes_by(HOUR)

    return lived(world(), act)


def forged_event() -> Stage:
    """Play it: somebody sends an event of another resource."""

    def act(stage: Stage) -> None:
        stage.here.announces(event(chunk(0), topic="/subscriptions/0/resourceGroups/x/providers/y/z"))
        stage.goes_by(HOUR)

    return lived(world(), act)


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


def archive_refuses() -> Stage:
    """Play it: the primary archive answers 403; the second destination takes the chunk."""

    def act(stage: Stage) -> None:
        refused = StorageRefusedError("403")
        primary = stage.here.fakes.archive
        for method in ("put_media", "stage_block", "commit", "look_up", "put_once", "staged_blocks"):
            primary.fail_next(method, refused, times=ALWAYS)
        _announced(stage.here)
        stage.goes_by(2 * HOUR)

    here = world()
    here.fakes = replace(here.fakes, fallback=FakeArchive())
    return lived(here, act)


def altered_blob() -> Stage:
    """Play it: somebody changes a blob of the archive whose turn it is in the coming night."""

    def act(stage: Stage) -> None:
        _announced(stage.here)
        stage.goes_by(HOUR)
        known = stage.here.record(task(0))
        due = changed(known, read_whole_at=stage.here.now - SCRUB_DUE_AFTER)
        stage.here.fakes.catalog.save_chunk(due)
        name = stored_name(known)
        blob = stage.here.fakes.archive.blobs[name]
        stage.here.fakes.archive.blobs[name] = replace(blob, data=bytes(reversed(blob.data)))
        stage.fails_now()
        stage.goes_by(timedelta(days=1, hours=1))

    return lived(world(), act)


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


def keeps_failing() -> Stage:
    """Play it: ACS does not give the media, and the fifth try fails."""

    def act(stage: Stage) -> None:
        _acs_down(stage)
        while not any(" attempt=5" in line.text for line in stage.lines):
            stage.goes_by(MINUTE)
        stage.fails_now()
        stage.goes_by(HOUR)

    return lived(world(), act)


def receiver_down() -> Stage:
    """Play it: a receiver of events has taken nothing for an hour; the timer says so in every run."""

    def act(stage: Stage) -> None:
        stage.goes_by(HOUR)
        stage.fails_now()
        for _ in range(24):
            emit(Event.ENDPOINT_FAILING, entry="webhook-1", code=Code.ENDPOINT_DISABLED, age_seconds=HOUR)
            stage.goes_by(5 * MINUTE)

    return lived(world(), act)


def nobody_works(hours: float) -> Callable[[], Stage]:
    """Play it: tasks wait and no worker takes them, while the timer still runs."""

    def act(stage: Stage) -> None:
        _announced(stage.here)
        end = stage.here.now + hours * HOUR
        stage.failed_at = end
        while stage.here.now < end + HOUR:
            stage.here.fakes.clock.advance(seconds=60)
            if stage.here.now.minute % 5 == 0:
                stage.here.reconciles()

    return lambda: lived(world(), act)


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
