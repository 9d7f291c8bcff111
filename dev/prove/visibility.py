"""Every failure is seen within its minutes (I4): it is made to happen, and the deployed alert is played over the log.

What only Azure can see (its metrics, its logs of storage) cannot be made to happen here. For those, the deployed rule
is held against the longest time that its source takes, as Microsoft documents it.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from dev.in_memory.builders import chunk, event, task, wav
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.log import FakeLog
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.world import World, intercept, leave_alone, world
from dev.prove.alarms import INGESTION, Line, deployed, workspace_of
from recording.control.audit import audited
from recording.control.pauses import pause_recording, stop_recording
from recording.control.recordings import start_recording
from recording.domain.archived.drift import SCRUB_DUE_AFTER
from recording.domain.archived.receipt import MORE_TO_COME
from recording.domain.calls.policy import CallPolicy, TimeIsUp
from recording.domain.incoming.roles import Operation
from recording.domain.state import patience
from recording.domain.state.records import changed
from recording.errors import (
    ControlError,
    LogUnavailableError,
    RecordingError,
    SourceBusyError,
    SourceRefusedError,
    StorageRefusedError,
)
from recording.errors.codes import Code
from recording.operate.scrub import scrub_if_due
from recording.ports import RecordingSummary
from recording.settings.values import MediaCheck
from recording.telemetry import Event, emit

BROKEN = wav()[:36] + b"junk" + wav()[40:]  # a WAV file whose data chunk has no name
CALL = {"serverCallId": "aHR0cHM6Ly9jb252LXdlZXU"}
ALWAYS = 10_000
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


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


@dataclass(frozen=True)
class Row:
    """A failure, the alert that tells it, and how soon."""

    failure: str
    alert: str
    within: timedelta
    happens: Callable[[], Stage] | None = None  # in this world; None: only Azure can see it
    source_delay: timedelta = timedelta()  # how long Azure's own source takes, where only Azure sees it


def seen_after(row: Row) -> timedelta | None:
    """Return how long the failure stayed unseen, at most; None: nobody was ever told."""
    alert = deployed()[row.alert]
    if row.happens is None:
        return alert.slowest(row.source_delay)
    stage = row.happens()
    workspace = workspace_of(stage.lines)
    late = 0 * _MINUTE
    for phase in range(int(alert.every / _MINUTE)):  # the rule's own clock is not ours: the worst phase counts
        begin = stage.failed_at + phase * _MINUTE
        told = alert.fires(workspace, begin, stage.here.now + INGESTION + alert.every)
        if told is None:
            return None
        late = max(late, told - stage.failed_at)
    return late


def a_calm_day() -> list[str]:
    """Return the alerts that a day without a failure sets off; there must be none."""
    stage = _staged(world())
    with stage.listening():
        stage.here.announces(event(chunk(0)))
        stage.here.holds(task(0))
        stage.goes_by(timedelta(hours=26))
    begin = stage.begun_at + timedelta(hours=1)
    workspace = workspace_of(stage.lines)
    rules = [replace(rule, every=max(rule.every, _HOUR / 2)) for rule in deployed().values() if rule.is_about_lines]
    return [rule.name for rule in rules if rule.fires(workspace, begin, stage.here.now) is not None]


# --- what happens ----------------------------------------------------------------------------------------------------


def _staged(here: World) -> Stage:
    return Stage(here)


def _lived(here: World, act: Callable[[Stage], None]) -> Stage:
    stage = _staged(here)
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
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def expired() -> Stage:
    """Play it: it never gave it."""

    def act(stage: Stage) -> None:
        _acs_down(stage)
        stage.goes_by(task(0).expires_at - stage.here.now)
        leave_alone(stage.here)  # ACS answers again
        stage.here.forgets(task(0))
        stage.goes_by(patience.GONE_FOR + 3 * _HOUR)  # two answers "not found", apart, prove that it is lost
        stage.failed_at = next(record.changed_at for record in stage.here.fakes.catalog.chunks.values())
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def host_dead() -> Stage:
    """Play it: no worker runs any more."""

    def act(stage: Stage) -> None:
        stage.goes_by(_HOUR + 4 * _MINUTE)
        stage.fails_now()
        stage.is_running = False
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def tables_down() -> Stage:
    """Play it: the catalog does not answer: workers run, and can do nothing."""

    def act(stage: Stage) -> None:
        stage.goes_by(_HOUR)
        stage.fails_now()
        _fails(stage, "FakeCatalog", StorageRefusedError("403"))
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def refused_by_acs() -> Stage:
    """Play it: a role was taken away, or a key rotated."""

    def act(stage: Stage) -> None:
        _announced(stage.here)
        _fails(stage, "WitnessedSource", SourceRefusedError("403"))
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def dead_letters_refused() -> Stage:
    """Play it: the role on the dead letters' account is missing."""

    def act(stage: Stage) -> None:
        _fails(stage, "FakeDeadLetters", StorageRefusedError("403"))
        stage.goes_by(_HOUR)

    here = world()
    here.fakes = replace(here.fakes, dead_letters=FakeDeadLetters())
    return _lived(here, act)


def audit_refused() -> Stage:
    """Play it: a recording is stopped, and no row of it can be written."""

    def act(stage: Stage) -> None:
        _fails(stage, "FakeAudit", StorageRefusedError("403"))
        with suppress(RecordingError):
            audited(Operation.STOP, "rec-1", None, stage.here.ports, lambda: stop_recording("rec-1", stage.here.ports))
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def broken_media() -> Stage:
    """Play it: what ACS gives does not open, however often it is asked."""

    def act(stage: Stage) -> None:
        _announced(stage.here, BROKEN)
        stage.goes_by(patience.STEADY_FOR + 2 * _HOUR)  # only then is it final
        stage.failed_at = next(record.changed_at for record in stage.here.fakes.catalog.chunks.values())
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def warned_media() -> Stage:
    """Play it: the same, and the operator chose to be warned only."""

    def act(stage: Stage) -> None:
        _announced(stage.here, BROKEN)
        stage.goes_by(_HOUR)

    return _lived(world(media_check=MediaCheck.WARN), act)


def no_metadata() -> Stage:
    """Play it: the media is archived; the metadata never comes, and now nothing can come any more."""

    def act(stage: Stage) -> None:
        stage.here.holds(task(0), document=None)
        stage.here.source.objects.pop(task(0).metadata_location or "")
        stage.here.announces(event(chunk(0)))
        stage.goes_by(task(0).expires_at - stage.here.now)
        stage.fails_now()
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def forged_event() -> Stage:
    """Play it: somebody sends an event of another resource."""

    def act(stage: Stage) -> None:
        stage.here.announces(event(chunk(0), topic="/subscriptions/0/resourceGroups/x/providers/y/z"))
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def file_overdue() -> Stage:
    """Play it: stopped, and an hour later there is no file."""

    def act(stage: Stage) -> None:
        asked = {"serverCallId": "aHR0cHM6Ly9jb252LXdlZXU"}
        started = start_recording(asked, None, None, stage.here.ports, stage.here.settings)
        stop_recording(str(started["recordingId"]), stage.here.ports)
        stage.goes_by(stage.here.settings.expected_after)
        stage.fails_now()
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def chunk_absent() -> Stage:
    """Play it: chunks 0 and 2 came; 1 must exist, and is overdue."""

    def act(stage: Stage) -> None:
        for index in (0, 2):
            stage.here.holds(task(index))
        stage.here.announces(event(chunk(0, endReason=MORE_TO_COME), chunk(2)))
        stage.goes_by(stage.here.settings.expected_after)
        stage.fails_now()
        stage.goes_by(_HOUR)

    return _lived(world(), act)


def never_announced() -> Stage:
    """Play it: nobody here started it, and its event was never emitted. ACS's own log has it an hour later."""

    def act(stage: Stage) -> None:
        made_at = stage.here.now
        stage.goes_by(_HOUR)
        assert isinstance(stage.here.fakes.log, FakeLog)
        stage.here.fakes.log.rows.append(RecordingSummary("started-elsewhere", 1, made_at, stage.here.now))
        stage.failed_at = made_at
        stage.goes_by(5 * _HOUR)

    here = world()
    here.fakes = replace(here.fakes, log=FakeLog())
    return _lived(here, act)


def log_unavailable() -> Stage:
    """Play it: a role on the workspace is missing."""

    def act(stage: Stage) -> None:
        assert isinstance(stage.here.fakes.log, FakeLog)
        stage.here.fakes.log.fail_next("summaries", LogUnavailableError("403"), times=ALWAYS)
        stage.goes_by(6 * _HOUR)

    here = world()
    here.fakes = replace(here.fakes, log=FakeLog())
    return _lived(here, act)


def archive_refuses() -> Stage:
    """Play it: the primary archive answers 403; the second destination takes the chunk."""

    def act(stage: Stage) -> None:
        refused = StorageRefusedError("403")
        primary = stage.here.fakes.archive
        for method in ("put_media", "stage_block", "commit", "look_up", "put_once", "staged_blocks"):
            primary.fail_next(method, refused, times=ALWAYS)
        _announced(stage.here)
        stage.goes_by(2 * _HOUR)

    here = world()
    here.fakes = replace(here.fakes, fallback=FakeArchive())
    return _lived(here, act)


def altered_blob() -> Stage:
    """Play it: somebody changes a blob of the archive whose turn it is in the coming night."""

    def act(stage: Stage) -> None:
        _announced(stage.here)
        stage.goes_by(_HOUR)
        known = stage.here.record(task(0))
        due = changed(known, read_whole_at=stage.here.now - SCRUB_DUE_AFTER)
        stage.here.fakes.catalog.save_chunk(due)
        name = known.blob_name or ""
        blob = stage.here.fakes.archive.blobs[name]
        stage.here.fakes.archive.blobs[name] = replace(blob, data=bytes(reversed(blob.data)))
        stage.fails_now()
        stage.goes_by(timedelta(days=1, hours=1))

    return _lived(world(), act)


def starts_refused() -> Stage:
    """Play it: ACS refuses every start, since the role of the app was taken away.

    The caller gets the code, the log its line.
    """

    def act(stage: Stage) -> None:
        stage.goes_by(_HOUR)
        stage.fails_now()
        emit(Event.CONTROL_REFUSED, code="acs_forbidden", fault="operator")
        stage.goes_by(_HOUR)

    return _lived(world(), act)


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
        stage.goes_by(_HOUR)

    return _lived(world(call_policies=(policy,)), act)


def must_be_recorded() -> Stage:
    """Play it: ACS refuses the start of a call that must be recorded."""

    def act(stage: Stage) -> None:
        here = stage.here
        stage.goes_by(_HOUR)
        stage.fails_now()
        here.fakes.control.fail_next("start", ControlError("no", code=Code.ACS_UNAVAILABLE))
        with suppress(ControlError):
            start_recording(CALL, None, None, here.ports, here.settings)
        stage.goes_by(_HOUR)

    return _lived(world(call_policies=(CallPolicy(name="desk", must_be_recorded=True),)), act)


def no_seal() -> Stage:
    """Play it: the key of the seal is out of reach for more than an hour; the timer says so."""

    def act(stage: Stage) -> None:
        stage.goes_by(_HOUR)
        stage.fails_now()
        emit(Event.SEAL_BEHIND, code=Code.SEAL_KEY_UNAVAILABLE)
        stage.goes_by(2 * _HOUR)

    return _lived(world(), act)


def nobody_works(hours: float) -> Callable[[], Stage]:
    """Play it: tasks wait and no worker takes them, while the timer still runs."""

    def act(stage: Stage) -> None:
        _announced(stage.here)
        end = stage.here.now + hours * _HOUR
        stage.failed_at = end
        while stage.here.now < end + _HOUR:
            stage.here.fakes.clock.advance(seconds=60)
            if stage.here.now.minute % 5 == 0:
                stage.here.reconciles()

    return lambda: _lived(world(), act)


def no_scrub() -> Stage:
    """Play it: the nightly comparison stops coming; the day after, it is owed."""

    def act(stage: Stage) -> None:
        stage.goes_by(timedelta(hours=26))
        stage.fails_now()
        end = stage.here.now + timedelta(hours=36)
        while stage.here.now < end:
            stage.here.fakes.clock.advance(seconds=300)
            stage.here.reconciles()

    return _lived(world(), act)


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


_EVENT_GRID_WRITES = _minutes(5)  # Event Grid waits so long before it writes a dead letter
_ACTIVITY_LOG = _minutes(10)
_ACS_LOG = _minutes(60)  # the query looks at what is an hour old: ACS's log comes in parts

ROWS = (
    Row("an event cannot be delivered", "event-delivery-failing", _minutes(6), source_delay=_minutes(5)),
    Row("an event is dead-lettered", "event-dead-lettered", _minutes(11), source_delay=_EVENT_GRID_WRITES),
    Row("an event is dropped", "event-dropped", _minutes(11), source_delay=_EVENT_GRID_WRITES),
    Row("a message is poisoned", "message-poisoned", _minutes(10), source_delay=INGESTION),
    Row("nothing runs any more", "app-silent", _minutes(20), host_dead),
    Row("the catalog does not answer", "app-silent", _minutes(20), tables_down),
    Row("a chunk is open and less than 6 h are left", "chunk-at-risk", _minutes(15), at_risk),
    Row("a chunk was not archived in time", "chunk-expired", _minutes(15), expired),
    Row("ACS refuses this app", "operator-fault", _minutes(15), refused_by_acs),
    Row("dead letters cannot be read", "operator-fault", _minutes(20), dead_letters_refused),
    Row("the audit trail cannot be written", "operator-fault", _minutes(15), audit_refused),
    Row("media does not open", "chunk-quarantined", _minutes(30), broken_media),
    Row("media does not open, and passes", "media-suspect", _minutes(25), warned_media),
    Row("metadata never came", "metadata-missing", _minutes(25), no_metadata),
    Row("a forged event", "event-rejected", _minutes(15), forged_event),
    Row("a recording ended an hour ago, no file", "recording-missing", _minutes(60), file_overdue),
    Row("a chunk between others is overdue", "recording-incomplete", _minutes(60), chunk_absent),
    Row("an event was never emitted (log read by the app)", "recording-missing", _minutes(240), never_announced),
    Row(
        "an event was never emitted (log read by Azure)",
        "recording-never-announced",
        _minutes(240),
        source_delay=_ACS_LOG + INGESTION,
    ),
    Row("ACS's log cannot be read", "acs-log-unavailable", _minutes(300), log_unavailable),
    Row("the archive refuses", "chunk-in-fallback", _minutes(75), archive_refuses),
    Row("an archived blob is altered", "archive-drift", _minutes(24 * 60), altered_blob),
    Row("somebody deletes from the archive", "archive-delete", _minutes(30), source_delay=INGESTION),
    Row("recordings cannot be started", "control-refused", _minutes(15), starts_refused),
    Row("work waits for half an hour", "queue-waiting", _minutes(30), nobody_works(0.5)),
    Row("work waits for four hours", "queue-stuck", _minutes(20), nobody_works(4)),
    Row("the nightly comparison does not come", "scrub-behind", _minutes(36 * 60), no_scrub),
    Row("a pause is not over", "pause-overdue", _minutes(15), pause_stands),
    Row("what must be recorded is not", "unrecorded", _minutes(15), must_be_recorded),
    Row("nothing can be sealed", "seal-behind", _minutes(25), no_seal),
    Row("the log takes nothing more", "log-cap-reached", _minutes(30), source_delay=INGESTION),
    Row("a stranger reads recordings", "archive-read", _minutes(70), source_delay=INGESTION),
    Row("protection is changed", "protection-changed", _minutes(15), source_delay=_ACTIVITY_LOG),
    Row("a resource is unhealthy", "resource-unhealthy", _minutes(15), source_delay=_ACTIVITY_LOG),
    Row("Azure has an incident", "service-unhealthy", _minutes(15), source_delay=_ACTIVITY_LOG),
    Row("the dead letters' account does not answer", "dead-letters-unavailable", _minutes(6), source_delay=_minutes(5)),
    Row("the archive does not answer", "archive-unavailable", _minutes(6), source_delay=_minutes(5)),
    Row("the host's storage does not answer", "host-storage-unavailable", _minutes(6), source_delay=_minutes(5)),
)


def faults_of(row: Row) -> list[str]:
    """Return what is wrong with a row: nobody is told, too late, or a line can fall between two looks of the rule."""
    alert, seen = deployed()[row.alert], seen_after(row)
    found = [] if seen is not None and seen <= row.within else [f"{row.failure}: seen after {seen}, not {row.within}"]
    if alert.window < alert.every + (INGESTION if alert.query else timedelta()):
        found.append(f"{row.alert} looks back {alert.window} every {alert.every}: what comes late is never seen")
    return found


def print_visibility() -> int:
    """Print each row with what was measured; 1 when one of them is late."""
    bad = [f"{name} on a calm day" for name in a_calm_day()]
    print(f"{'failure':<50} {'alert':<26} {'min':>5} {'most':>5}  how")
    for row in ROWS:
        seen = seen_after(row)
        bad += faults_of(row)
        told = "never" if seen is None else f"{seen / _MINUTE:.0f}"
        how = "played" if row.happens else "Azure's own times"
        print(f"{row.failure:<50} {row.alert:<26} {told:>5} {row.within / _MINUTE:>5.0f}  {how}", flush=True)
    for what in bad:
        print(f"visibility: VIOLATION: {what}")
    if not bad:
        played = sum(row.happens is not None for row in ROWS)
        print(f"visibility: {len(ROWS)} failures, {played} of them made to happen: 0 late; a calm day: no alert")
    return min(len(bad), 1)
