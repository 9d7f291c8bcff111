"""A stage: a world whose log has times, and a host that runs what is due."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from dev.in_memory.builders import chunk, event, task, wav
from dev.in_memory.world import World, intercept
from dev.policies.infra.alarms import Line
from recording.errors import (
    RecordingError,
    SourceBusyError,
)
from recording.library.seal.compare import compare_if_due
from recording.library.seal.turn import seal
from recording.operate.scrub import scrub_if_due

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


def announced(here: World, media: bytes | None = None) -> None:
    here.holds(task(0), media)
    here.announces(event(chunk(0)))


def fails(stage: Stage, port: str, error: Exception) -> None:
    """Let every call of a port fail from now on."""
    intercept(stage.here, lambda called, _method: (error if called == port else None, False))


def acs_down(stage: Stage) -> None:
    announced(stage.here)
    fails(stage, "WitnessedSource", SourceBusyError("503"))
