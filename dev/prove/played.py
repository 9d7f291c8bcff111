"""Stories of bad days, played with the clock moved: what was lost, what was reported when, and when it was over.

Each story runs the real use cases over the ports in memory. Times are counted from the beginning of the trouble.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dev.in_memory.builders import CALL_ID, chunk, document_id, event, metadata, task, wav
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.hand import keep_as_written
from dev.in_memory.pools import one_thread_pool
from dev.in_memory.world import World, world
from dev.prove.drips import PLACES, Drips, Workers
from dev.prove.outages import Outage, listening, refused_by
from recording.adapters.blob.quarantine import read_entry
from recording.control.recordings import start_recording
from recording.domain.state.chunk import ChunkTask
from recording.domain.state.records import stored_name
from recording.domain.state.transitions import is_archived
from recording.errors import RecordingError, SourceThrottledError
from recording.errors.codes import Code
from recording.operate.attention import needs_attention
from recording.operate.verify_recording import verify
from recording.ports import DeadLetter

DRIPPING = 14
MOST_DELAY = timedelta(minutes=1)  # one limit on a whole request, and the turns before it
ALARMS = {
    "recording.chunk.at_risk": "at risk",
    "recording.chunk.expired": "lost",
    "recording.missing": "missing",
    "recording.manifest_behind": "manifest behind",
    "recording.chunk.past_deadline": "past the deadline",
    "recording.chunk.attempt_failed": "attempt failed",
    "recording.needs_attention": "an item needs attention",
}


@dataclass
class Ending:
    """How a story went. `faults` names what must not have happened."""

    name: str
    chunks: int
    archived: int
    lost: int
    alarms: dict[str, timedelta] = field(default_factory=dict)  # the first of each kind
    over_after: timedelta = timedelta()  # the last chunk that could be saved was archived
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        alarms = ", ".join(f"{name} {_hours(at)}" for name, at in self.alarms.items()) or "none"
        facts = (
            f"{self.chunks} chunks, {self.archived} archived, {self.lost} lost; over after {_hours(self.over_after)}"
        )
        return "; ".join([f"{self.name}: {facts}; first alarms: {alarms}", *self.notes])


class BadDay(Outage):
    """Some parts are down for some hours; then, if asked for, ACS throttles every second download for two hours."""

    def __init__(self, name: str, parts: frozenset[str], hours: float, *, throttled_hours: float = 0) -> None:
        self.parts, self.name = parts, name
        self.throttled = timedelta(hours=throttled_hours)
        self.downloads = 0
        self.first: dict[str, datetime] = {}
        self.archived_at: list[datetime] = []
        super().__init__("blob", hours, 1)

    def _decide(self, port: str, method: str) -> tuple[Exception | None, bool]:
        if self._is_down() and ("everything" in self.parts or port in self.parts):
            return refused_by(port), False
        if self.ends <= self.here.now < self.ends + self.throttled and method == "open_content":
            self.downloads += 1
            return (SourceThrottledError("slow down") if self.downloads % 2 else None), False
        return None, False

    def _is_part_down(self, part: str) -> bool:
        return self._is_down() and "everything" in self.parts

    def hears(self, name: str, recording_id: str | None) -> None:
        """Note the first alarm of each kind, and when each chunk was archived."""
        super().hears(name, recording_id)
        if name in ALARMS:
            self.first.setdefault(ALARMS[name], self.here.now)
        if name == "recording.chunk.archived":
            self.archived_at.append(self.here.now)

    def end(self) -> Ending:
        """Play it, and draw the sum: only what ACS forgot before everything was back may be lost."""
        lived = self.run()
        unsaved = [made for made in self.tasks if not is_saved(self.here, made)]
        ending = Ending(
            self.name,
            len(self.tasks),
            len(self.tasks) - len(unsaved),
            len(unsaved),
            {name: at - self.begins for name, at in self.first.items()},
            max(self.archived_at, default=self.begins) - self.begins,
        )
        if self.silent_since:
            ending.notes.append(f"the alert app-silent stood from {_hours(self.silent_since[0][0] - self.begins)}")
        late = timedelta(minutes=30)
        ending.faults += [f"{one.recording_id} could be saved" for one in unsaved if one.expires_at > self.ends + late]
        ending.faults += [f"{who} was lost, and nothing was reported" for who in lived.untold]
        return ending


def archive_is_down() -> Ending:
    """Play it: blob storage refuses everything for two hours."""
    return BadDay("archive down for 2 h", frozenset({"FakeArchive", "FakeQuarantine"}), 2).end()


def everything_is_down() -> Ending:
    """Play it: ACS, Event Grid and all storage are down for 30 hours; then ACS throttles."""
    return BadDay("everything down for 30 h, then throttled", frozenset({"everything"}), 30, throttled_hours=2).end()


def container_with_retention() -> Ending:
    """Play it: nothing that was written may be written again.

    Three chunks of each of four recordings, one after the other.
    """
    stage = Stage("container with a retention policy")
    keep_as_written(stage.here.fakes.archive)
    with stage.heard():
        for index in range(3):
            for recording in range(4):
                stage.arrives(recording, index)
            stage.here.runs(hours=1)
    archive = stage.here.fakes.archive
    writes = sum(archive.calls.count(name) for name in ("put_once", "put_if_unchanged", "put_media", "commit"))
    stage.notes.append(f"{writes} writes for {len(stage.tasks)} chunks")
    for recording_id in {made.recording_id for made in stage.tasks}:
        checked = verify(recording_id, stage.here.ports, stage.here.settings)
        if checked is None or checked.differences:
            stage.faults.append(f"{recording_id} does not verify")
    return stage.end()


def unreadable_rows() -> Ending:
    """Play it: one row of chunks and one of recordings cannot be read for eight hours.

    Then an operator repairs them.
    """
    stage = Stage("one unreadable row of each table for 8 h")
    here = stage.here
    with stage.heard():
        for recording in range(12):
            stage.arrives(recording)
        here.fakes.catalog.unreadable |= {next(iter(here.fakes.catalog.chunks)), stage.tasks[5].recording_id}
        here.runs(hours=8, until_quiet=False)
        others = [made for made in stage.tasks if is_saved(here, made)]
        reported = {item.kind for item in needs_attention(here.ports, here.settings).items}
        stage.notes.append(f"{len(others)} of 12 archived meanwhile, the rows reported: {'unreadable' in reported}")
        if len(others) < 10 or "unreadable" not in reported:
            stage.faults.append("an unreadable row stopped another recording, or was not reported")
        here.fakes.catalog.unreadable.clear()
        here.runs(hours=8)
    return stage.end()


def unreadable_documents() -> Ending:
    """Play it: a blob in quarantine, a dead letter and a reservation cannot be read.

    Beside each lies one that can be.
    """
    stage = Stage("an unreadable quarantine entry, dead letter and reservation for 8 h")
    here, letters = stage.here, FakeDeadLetters()
    object.__setattr__(here.fakes, "dead_letters", letters)
    with stage.heard():
        for recording in range(3):
            stage.arrives(recording)
            stage.is_dead_lettered(recording + 10, letters)
        here.announces(event(topic="/another/resource", id="refused"))
        odd = here.fakes.quarantine.put(read_entry(b"{", "2026/11/23"))
        letters.unreadable = {"letter-10"}
        here.fakes.catalog.unreadable = {hashlib.sha256(b"damaged").hexdigest()}
        starts = [_start(here, key) for key in ("damaged", "whole")]
        here.runs(hours=8, until_quiet=False)
        others = [made for made in stage.tasks if is_saved(here, made)]
        held = {(item.kind.value, item.reason) for item in needs_attention(here.ports, here.settings).items}
        stage.notes.append(f"{len(others)} of {len(stage.tasks)} archived meanwhile, listed: {sorted(held)}")
        wanted = {("unreadable", "storage_busy"), ("held", "unreadable_entry"), ("held", "other_resource")}
        if len(others) != len(stage.tasks) - 1 or held != wanted:
            stage.faults.append("an unreadable document stopped another one, or was not listed")
        if starts != [Code.UNREADABLE_RECORD, None]:
            stage.faults.append(f"starts ended with {starts}")
        letters.unreadable.clear()
        here.fakes.catalog.unreadable.clear()
        for name in (odd, *(name for name, entry in here.fakes.quarantine.kept.items() if entry.is_open)):
            here.fakes.quarantine.mark_dismissed(name, here.now, "seen")
        here.runs(hours=8)
    return stage.end()


def _start(here: World, key: str) -> str | None:
    body = {"serverCallId": "aHR0cHM6Ly9hLmIvYw"}
    try:
        answer = start_recording(body, key, None, here.ports, here.settings)
    except RecordingError as error:
        return error.code
    here.fakes.control.states.clear()
    here.fakes.catalog.recordings.pop(answer["recordingId"])  # the story is about the others
    return None


def dripping_chunks() -> Ending:
    """Play it: answers about fourteen chunks drip for 20 minutes, in one place after the other.

    A healthy chunk comes behind.
    """
    stage = Stage(f"{DRIPPING} dripping chunks before a healthy one")
    workers = Workers(stage.here)
    drips = Drips(workers)
    with stage.heard():
        for number, place in enumerate(PLACES):
            begun = stage.here.now
            for recording in range(DRIPPING):
                stage.arrives(100 * number + recording)
            drips.begin(place, stage.tasks[-DRIPPING:])
            workers.run(begun + timedelta(seconds=1))
            stage.arrives(100 * number + DRIPPING)
            healthy = stage.tasks[-1]
            workers.run(begun + timedelta(minutes=20))
            waited = stage.archived.get(healthy.recording_id, stage.here.now) - begun
            stage.notes.append(f"{place}: the healthy one archived {waited.total_seconds():.0f} s after they came")
            if waited > MOST_DELAY:
                stage.faults.append(f"{place} of {DRIPPING} chunks kept a healthy one waiting for {waited}")
            drips.end()
            workers.run(begun + timedelta(hours=2))
    return stage.end()


def one_wrong_clock() -> Ending:
    """Play it: one of two hosts has a clock that is 25 hours ahead; each message goes to either, for six hours."""
    stage = Stage("one of two hosts 25 h ahead")
    here, dice = stage.here, random.Random(25)
    with stage.heard():
        for minute in range(6 * 60):
            here.skew = timedelta(hours=25) if dice.random() < 0.5 else timedelta()
            if minute % 20 == 0:
                stage.arrives(minute // 20)
            with suppress(RecordingError):
                here.runs_due()
                if minute % 5 == 0:
                    here.reconciles()
            here.fakes.clock.advance(minutes=1)
        here.skew = timedelta()
        here.runs(hours=17)
    return stage.end()


Story = Callable[[], Ending]
STORIES: tuple[Story, ...] = (
    archive_is_down,
    everything_is_down,
    container_with_retention,
    unreadable_rows,
    unreadable_documents,
    dripping_chunks,
    one_wrong_clock,
)


def print_played() -> int:
    """Play all stories, print how each went, and return 1 when one of them ended as it must not."""
    faults = 0
    for story in STORIES:
        ending = story()
        print(ending, flush=True)
        for fault in ending.faults:
            print(f"  VIOLATION: {fault}")
        faults += len(ending.faults)
    return min(faults, 1)


# --- a stage for stories with chunks of one's own --------------------------------------------------------------------


class Stage:
    """A world with recordings that arrive one by one, and an ear at its log."""

    def __init__(self, name: str) -> None:
        self.name, self.here = name, world(pool=one_thread_pool())
        self.begins = self.here.now
        self.tasks: list[ChunkTask] = []
        self.first: dict[str, datetime] = {}
        self.archived_at: list[datetime] = []
        self.archived: dict[str, datetime] = {}
        self.notes: list[str] = []
        self.faults: list[str] = []

    def arrives(self, recording: int, index: int = 0) -> None:
        """Let ACS record a chunk of 20 ms, and Event Grid deliver its event."""
        self.here.announces(self._recorded(recording, index))

    def is_dead_lettered(self, recording: int, letters: FakeDeadLetters) -> None:
        """Let ACS record a chunk, and Event Grid give up on its event."""
        name = f"letter-{recording}"
        letters.kept[name] = DeadLetter(name, json.dumps([self._recorded(recording)]), self.here.now)

    def _recorded(self, recording: int, index: int = 0) -> dict[str, Any]:
        document = document_id(100 * recording + index)
        made = task(
            index,
            document,
            recording_id=f"rec-{recording}",
            recording_duration_ms=20,
            event_time=self.here.now,
            expires_at=self.here.now + timedelta(hours=24),
        )
        self.tasks.append(made)
        self.here.holds(made, wav(20, sample=bytes([recording + 1, index])), metadata(made, chunkDuration=20))
        subject = f"/recording/call/{CALL_ID}/recordingId/{made.recording_id}"
        facts = {"recordingDurationMs": 20}
        return event(
            chunk(index, document), subject=subject, eventTime=self.here.now.isoformat(), id=document, data=facts
        )

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Note what the app logs meanwhile."""
        with listening(self.hears):
            yield

    def hears(self, name: str, recording_id: str | None) -> None:
        """Note the first alarm of each kind, and when each chunk was archived."""
        if name in ALARMS:
            self.first.setdefault(ALARMS[name], self.here.now)
        if name == "recording.chunk.archived":
            self.archived_at.append(self.here.now)
            self.archived.setdefault(recording_id or "", self.here.now)

    def end(self) -> Ending:
        """Play it: draw the sum: here everything could be saved, and nothing may need attention at the end."""
        unsaved = [made for made in self.tasks if not is_saved(self.here, made)]
        left = needs_attention(self.here.ports, self.here.settings).items
        return Ending(
            self.name,
            len(self.tasks),
            len(self.tasks) - len(unsaved),
            len(unsaved),
            {name: at - self.begins for name, at in self.first.items()},
            max(self.archived_at, default=self.begins) - self.begins,
            self.notes,
            [*self.faults, *(f"{made.key} is lost" for made in unsaved), *(f"{item.kind} at the end" for item in left)],
        )


def is_saved(here: World, made: ChunkTask) -> bool:
    """Return whether the archive has the chunk, as the catalog says and as its bytes say."""
    records = [record for record in here.fakes.catalog.chunks.values() if record.key == made.key]
    media, _ = here.truth[made.document_id]
    blobs = here.fakes.archive.blobs
    return any(is_archived(one) and blobs[stored_name(one)].data == media for one in records)


def _hours(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
