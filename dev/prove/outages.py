"""Outages for hours, with the clock moved: what is lost, and whether somebody was told before it was.

Each part that can be down is down alone: ACS, the archive's blobs, queues, tables, or Event Grid. Events go on
happening before and during the outage. Event Grid tries again by its published schedule for a day, by both doors.
"""

import json
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dev.in_memory.builders import CALL_ID, chunk, document_id, event, metadata, task, wav
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import POISONED_AFTER, WorkerDiedError, intercept, world
from recording.domain.state.chunk import ChunkTask
from recording.domain.state.quarantine import Origin
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_archived
from recording.errors import ControlError, RecordingError, SourceBusyError, StorageBusyError
from recording.errors.codes import Code
from recording.ingest import ingest_event

PARTS = {
    "ACS": ("WitnessedSource", "FakeControl"),
    "blob": ("FakeArchive", "FakeQuarantine"),
    "queue": ("FakeQueue",),
    "table": ("FakeCatalog", "FakeAudit", "FakeStartCounts"),
    "Event Grid": (),
}
HOURS = (1, 6, 12, 20, 26)
DAY = 24  # what ACS keeps a recording for
RECORDINGS = 8
EVENT_GRID_TRIES = [10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, *[43200] * 3]  # seconds, as published
EVENT_GRID_PATIENCE = timedelta(hours=24)
SILENT_AFTER = timedelta(minutes=15)  # the alert `app-silent`
STEP = timedelta(minutes=1)
_TOLD = ("recording.chunk.at_risk", "recording.chunk.expired", "recording.missing")


@dataclass
class Delivery:
    """An event on its way by one door."""

    envelope: dict[str, Any]
    by_queue: bool
    published_at: datetime
    due: datetime
    tries: int = 0


@dataclass
class Lived:
    """How one outage went."""

    lost: int = 0
    told_in_time: int = 0
    untold: list[str] = field(default_factory=list)


def refused_by(port: str) -> Exception:
    """Return what a port raises while its service is down."""
    if port == "FakeControl":
        return ControlError("down", code=Code.ACS_UNAVAILABLE)
    return (SourceBusyError if port == "WitnessedSource" else StorageBusyError)("down")


class Outage:
    """One part of the world is down for some hours; the seed decides when the events are."""

    def __init__(self, part: str, hours: float, seed: int) -> None:
        self.part, self.dice = part, random.Random(f"{part} {hours} {seed}")
        self.here = world(seed=seed, pool=one_thread_pool())
        self.begins = self.here.now + timedelta(hours=1)
        self.ends = self.begins + timedelta(hours=hours)
        self.tasks: list[ChunkTask] = []
        self.stopped: list[tuple[datetime, RecordingRecord]] = []  # here, at which time
        self.waiting: list[Delivery] = []
        self.messages: list[tuple[dict[str, Any], datetime, int]] = []  # in recording-events: event, visible, tries
        self.heard: dict[str, datetime] = {}  # recording id → the first time that somebody was told
        self.last_reconciled = self.here.now
        self.silent_since: list[tuple[datetime, datetime]] = []
        intercept(self.here, self._decide)
        for number in range(RECORDINGS):
            self._records(number, hours)

    def run(self) -> Lived:
        """Return the whole story; a day after everything is back, the sum is drawn."""
        with listening(self.hears):
            end = max(self.ends, *(made.expires_at for made in self.tasks)) + timedelta(hours=30)
            timer = self.here.now
            while self.here.now < end and not (self.here.now > self.ends and self._is_settled()):
                self._forget()
                self._stop_recordings()
                self._deliver_events()
                self._work()
                if self.here.now >= timer:
                    timer = self.here.now + timedelta(minutes=5)
                    self._reconcile()
                self.here.fakes.clock.advance(seconds=STEP.total_seconds())
        return self._sum()

    def _records(self, number: int, hours: float) -> None:
        """A recording of one chunk that ends before or during the outage; it was started here an hour before."""
        latest = hours if number % 2 else 1  # half of them at the beginning, where an outage hurts most
        at = self.begins + timedelta(hours=self.dice.uniform(-1, latest))
        recording_id, document = f"rec-{number}", document_id(number)
        made = task(
            number,
            document,
            recording_id=recording_id,
            recording_duration_ms=20,
            event_time=at,
            expires_at=at + timedelta(hours=24),
        ).model_copy(update={"index": 0})
        self.tasks.append(made)
        self.here.holds(made, wav(20, sample=bytes([number + 1, 7])), metadata(made, chunkDuration=20))
        subject = f"/recording/call/{CALL_ID}/recordingId/{recording_id}"
        facts = chunk(0, document)
        told = event(facts, subject=subject, eventTime=at.isoformat(), id=document, data={"recordingDurationMs": 20})
        for by_queue in (False, True):
            self.waiting.append(Delivery(told, by_queue, at, at))
        begun: dict[str, Any] = {"started_at": at - timedelta(hours=1), "last_action": "stopped", "last_action_at": at}
        self.stopped.append((at, RecordingRecord(recording_id=recording_id, **begun)))

    def _stop_recordings(self) -> None:
        """Write the rows of what has been stopped by now."""
        catalog, now = self.here.fakes.catalog, self.here.now
        for at, record in [one for one in self.stopped if one[0] <= now]:
            catalog.recordings[record.recording_id] = catalog._stamped(record)
            self.stopped.remove((at, record))

    def _forget(self) -> None:
        """ACS keeps to its limit, to the minute."""
        for made in self.tasks:
            if self.here.now >= made.expires_at:
                self.here.forgets(made)

    def _is_down(self) -> bool:
        return self.begins <= self.here.now < self.ends

    def _is_part_down(self, part: str) -> bool:
        return self._is_down() and self.part == part

    def _decide(self, port: str, _method: str) -> tuple[Exception | None, bool]:
        is_hit = self._is_down() and port in PARTS[self.part]
        return (refused_by(port) if is_hit else None), False

    def _deliver_events(self) -> None:
        now = self.here.now
        if self._is_part_down("Event Grid"):
            return
        for delivery in [each for each in self.waiting if each.due <= now]:
            if now - delivery.published_at > EVENT_GRID_PATIENCE or self._is_taken(delivery):
                self.waiting.remove(delivery)
                continue
            wait = EVENT_GRID_TRIES[min(delivery.tries, len(EVENT_GRID_TRIES) - 1)]
            delivery.tries += 1
            delivery.due = now + timedelta(seconds=wait * self.dice.uniform(1, 1.1))

    def _is_taken(self, delivery: Delivery) -> bool:
        if delivery.by_queue:
            if self._is_part_down("queue"):
                return False
            self.messages.append((delivery.envelope, self.here.now, 0))
            return True
        try:
            ingest_event(delivery.envelope, Origin.EVENT_GRID, self.here.ports, self.here.settings)
        except (RecordingError, WorkerDiedError):
            return False
        return True

    def _work(self) -> None:
        """The host hands out what is visible, unless the queues are down."""
        if self._is_part_down("queue"):
            return
        now = self.here.now
        due = [each for each in self.messages if each[1] <= now]
        self.messages = [each for each in self.messages if each[1] > now]
        for envelope, _, tries in due:
            try:
                self.here.announces(envelope)
            except RecordingError:
                if tries + 1 >= POISONED_AFTER:
                    self.here.fakes.queue.poison_event(json.dumps(envelope))
                else:
                    self.messages.append((envelope, now + timedelta(minutes=1), tries + 1))
        self.here.runs_due()

    def _reconcile(self) -> None:
        try:
            self.here.reconciles()
        except RecordingError:
            return

    def _is_settled(self) -> bool:
        known = {record.task.document_id: record for record in self.here.fakes.catalog.chunks.values()}
        return all(made.document_id in known and is_archived(known[made.document_id]) for made in self.tasks)

    def hears(self, name: str, recording_id: str | None) -> None:
        """Receive a line of the log."""
        now = self.here.now
        if name == "recording.reconciled":
            if now - self.last_reconciled > SILENT_AFTER:
                self.silent_since.append((self.last_reconciled + SILENT_AFTER, now))
            self.last_reconciled = now
        elif name in _TOLD and recording_id:
            self.heard.setdefault(recording_id, now)

    def _sum(self) -> Lived:
        found = Lived()
        known = {record.task.document_id: record for record in self.here.fakes.catalog.chunks.values()}
        for made in self.tasks:
            record = known.get(made.document_id)
            if record is not None and is_archived(record):
                continue
            found.lost += 1
            silences = [begin for begin, end in self.silent_since if begin < made.expires_at and end > made.event_time]
            told = self.heard.get(made.recording_id)
            if (told is not None and told < made.expires_at) or silences:
                found.told_in_time += 1
            else:
                found.untold.append(made.recording_id)
        return found


class _Ear(logging.Handler):
    def __init__(self, hears: Callable[[str, str | None], None]) -> None:
        super().__init__()
        self._hears = hears

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on what was logged."""
        self._hears(getattr(record, "event", ""), getattr(record, "recording_id", None))


@contextmanager
def listening(hears: Callable[[str, str | None], None]) -> Iterator[None]:
    """Hand each event of the app's log on, with the recording's id, and keep the log from the terminal."""
    log, ear = logging.getLogger("recording"), _Ear(hears)
    kept, level = log.propagate, log.level
    log.addHandler(ear)
    log.propagate = False
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(ear)
        log.propagate = kept
        log.setLevel(level)
