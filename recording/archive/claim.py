"""Claim: the right to work on one chunk, with an expiry, renewed during the work and fenced by the record's ETag.

A worker that has lost its claim can save nothing, and so deletes nothing: each save is conditional on the record being
the one that it last wrote.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Unpack
from uuid import uuid4

from recording.domain.incoming.delivery import as_kept
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, MetadataOutcome
from recording.domain.state.quarantine import Origin
from recording.domain.state.records import ChunkChanges, changed
from recording.domain.state.transitions import (
    FORGOTTEN,
    OF_ONE_LOCATION,
    is_finished,
    is_held,
    is_new_evidence,
    moved,
    reopened,
)
from recording.domain.times import later
from recording.errors import ClaimHeldError, ClaimLostError, RecordingError, SourceSlowError
from recording.errors.codes import Code
from recording.ports import Ports, QuarantineEntry
from recording.ports.clock import LARGEST_SKEW, shared_now
from recording.settings import Settings
from recording.telemetry import Event, emit

_RIVAL_WAIT = timedelta(minutes=1)
_PROVED = (ChunkState.VERIFIED, ChunkState.CATALOGED)  # it may wait for metadata for a day, and another must not


class Claim(Protocol):
    """The right to save a chunk's record, and to keep that right."""

    def save(self, record: ChunkRecord) -> ChunkRecord:
        """Return the record as saved, with the claim it carries. Raises ClaimLostError when the claim has ended."""
        ...

    def keep(self, work: "Work") -> None:
        """Renew the claim before it expires. Raises ClaimLostError when it has ended."""
        ...


@dataclass(frozen=True)
class OwnClaim:
    """The claim stored in the chunk's row of the catalog."""

    ports: Ports

    def save(self, record: ChunkRecord) -> ChunkRecord:
        """Save the row, provided that it is still the one last saved."""
        return self.ports.catalog.save_chunk(record)

    def keep(self, work: "Work") -> None:
        """Renew the claim when half of it is used up."""
        left = work.record.claim_left(work.now())
        if not left:
            raise ClaimLostError("the claim ended while the work went on")
        if left < work.settings.claim_length / 2:
            work.save()


@dataclass(frozen=True)
class HeldClaim:
    """A claim that other work on the same chunk holds: changes stay in memory, and only the claim is renewed."""

    holder: "Work"

    def save(self, record: ChunkRecord) -> ChunkRecord:
        """Save nothing; check that the holder's claim still stands."""
        self.holder.keep_claim()
        return record

    def keep(self, _work: "Work") -> None:
        """Renew the holder's claim."""
        self.holder.keep_claim()


class NoClaim:
    """No claim, for an object that conflicts with a finished chunk: it may only add a blob of its own."""

    def save(self, _record: ChunkRecord) -> ChunkRecord:
        """Refuse: the row belongs to the finished chunk."""
        raise ClaimLostError("a conflicting object may save nothing about the chunk")

    def keep(self, work: "Work") -> None:
        """Do nothing: there is no claim to keep."""


@dataclass
class Work:
    """A chunk in progress: its record as last saved, and what the steps need."""

    record: ChunkRecord
    ports: Ports
    settings: Settings
    started_at: datetime
    metadata: bytes | None = None  # the document as served, once this run has fetched it
    metadata_slow: SourceSlowError | None = None  # it trickled in this run: asking again would block the worker
    metadata_refused: bytes | None = None  # what was served, but is not a readable document about this chunk
    skew: timedelta = timedelta()  # by how much this instance's clock is ahead of the catalog's
    claim: Claim | None = None  # None: the chunk's own
    found: ChunkRecord | None = None  # as this turn found it; None on the chunk's first turn
    taken_from: str | None = None  # the chunk whose archived bytes are taken in this turn, instead of fetching them
    is_borrowed: bool = False  # the turn is another chunk's; this one has its own message, which will be delivered

    @property
    def task(self) -> ChunkTask:
        """Return the chunk's task, made from its event."""
        return self.record.task

    def now(self) -> datetime:
        """Return the time, corrected by the known skew to the clock that all instances share."""
        return self.ports.clock.now() - self.skew

    def is_past_deadline(self) -> bool:
        """Return whether ACS may have forgotten the media by now."""
        return self.now() >= self.task.expires_at

    def save(self, **changes: Unpack[ChunkChanges]) -> None:
        """Save changes and renew the claim. Raises ClaimLostError when the record is not the one last saved."""
        now = self.now()
        record = changed(self.record, changed_at=now, claim_expires_at=now + self.settings.claim_length)
        self._store(changed(record, **changes))

    def move(self, state: ChunkState, **changes: Unpack[ChunkChanges]) -> None:
        """Save the next state with its changes; release the claim when that ends the work."""
        self.record = moved(self.record, state, **changes)
        if is_finished(self.record):
            self.release()
        else:
            self.save()

    def release(self, **changes: Unpack[ChunkChanges]) -> None:
        """Save changes and release the claim."""
        record = changed(self.record, changed_at=self.now(), claim_owner=None, claim_expires_at=None)
        self._store(changed(record, **changes))

    def _store(self, record: ChunkRecord) -> None:
        """Save the record, and measure from the answer how far off this instance's clock is."""
        before = self.record.etag
        self.record = self._claim.save(record)
        if self.record.saved_at is not None and self.record.etag != before:  # else nothing was saved
            skew = self.ports.clock.now() - self.record.saved_at
            self.skew = skew if abs(skew) >= LARGEST_SKEW else timedelta()

    def keep_claim(self) -> None:
        """Renew the claim before it expires. Raises ClaimLostError when it has ended meanwhile."""
        self._claim.keep(self)

    def put_back(self, task: ChunkTask, delay: timedelta) -> None:
        """Send the task again with a delay, unless the chunk's own message is still on the queue.

        On a borrowed turn each would be an extra message. If the chunk's own is lost, reconcile redrives the chunk.
        """
        if not self.is_borrowed:
            self.ports.queue.send(task, delay)

    @property
    def _claim(self) -> Claim:
        return self.claim or OwnClaim(self.ports)


def claim_chunk(
    task: ChunkTask, ports: Ports, settings: Settings, known: ChunkRecord | None = None, *, is_borrowed: bool = False
) -> Work | None:
    """Claim the task's chunk by one conditional write; return None when nothing is left to do for it.

    Nor is there for a task of another object of the same name, once the first one's bytes are proved.

    Args:
        task: names the chunk.
        ports: the catalog.
        settings: how long a claim lasts.
        known: the chunk's record, if it was read a moment ago; else it is read, or made.
        is_borrowed: the turn is another chunk's.

    Raises:
        ClaimHeldError: another worker has it; try again when its claim ends.
        ClaimLostError: another worker was a moment faster.
    """
    now = ports.clock.now()
    known = known or _find_or_add(task, now, ports)
    if known.claim_expires_at is not None:  # another's work must not be taken, or left, by this instance's own clock
        now = shared_now(ports)
    record = _turned_to(task, known, now)
    is_another = record.task.content_location != task.content_location
    if is_finished(record) or (is_another and record.state in _PROVED):
        return None
    if is_another:
        raise ClaimHeldError("another object of the same name is being archived first", retry_after=_RIVAL_WAIT)
    if left := _claim_left(record, now, settings.claim_length):
        raise ClaimHeldError("another worker has the chunk", retry_after=left)
    found = known if known.attempts else None
    work = Work(record, ports, settings, started_at=now, is_borrowed=is_borrowed, found=found)
    work.save(
        claim_owner=uuid4().hex,
        attempts=record.attempts + 1,
        next_attempt_at=None,
        task=_completed_task(task, record, now),
    )
    if work.skew:
        work.save()  # renews the claim by the shared clock
    work.started_at = work.now()
    return work


def _claim_left(record: ChunkRecord, now: datetime, length: timedelta) -> timedelta:
    """Return how long the present claim is honoured: one period at most, for this clock may be wrong, too."""
    return min(max(timedelta(), (record.claimed_until(length) or now) - now), length)


def _turned_to(task: ChunkTask, record: ChunkRecord, now: datetime) -> ChunkRecord:
    """Return the record, pointed at this task's location when the one announced before has delivered nothing so far.

    Waiting for an object that never appears would lose the one that exists. The two take turns; a location that was
    tried before is not new evidence, so how long the chunk has been overdue is not forgotten.
    """
    if record.task.content_location == task.content_location and is_held(record) and is_new_evidence(record, task):
        emit(Event.CHUNK_REOPENED, state=record.state, **ids_of(task))
        return reopened(record, task, now)
    has_failed = record.last_error is not None and record.blob_name is None and record.fallback is None
    if record.task.content_location == task.content_location or not has_failed or record.is_claimed(now):
        return record
    if record.state is not ChunkState.PENDING:
        record = moved(record, ChunkState.PENDING, quarantine_reason=None)
    changes = ChunkChanges(**(OF_ONE_LOCATION if task.attempt else FORGOTTEN))
    changes.update({"task": task, "last_error": None})
    return changed(record, **changes)


def _completed_task(task: ChunkTask, record: ChunkRecord, now: datetime) -> ChunkTask:
    """Return the record's task with what this one adds; its metadata location, when the known one failed so far."""
    known = record.task.completed_by(task).expiring_at(later(record.task.expires_at, task.expires_at, now))
    has_failed = record.last_error is not None and record.state is ChunkState.VERIFIED
    if has_failed and task.metadata_location is not None and record.metadata is MetadataOutcome.PENDING:
        return with_changes(known, {"metadata_location": task.metadata_location})
    return known


def _find_or_add(task: ChunkTask, now: datetime, ports: Ports) -> ChunkRecord:
    record = ports.catalog.get_chunk(task.key)
    if record is None:
        ports.catalog.add_chunk(ChunkRecord(task=task, first_seen_at=now, changed_at=now))
        record = ports.catalog.get_chunk(task.key)
    if record is None:
        raise ClaimLostError("the chunk's record vanished")
    return record


def entry_for(task: ChunkTask, error: RecordingError, now: datetime) -> QuarantineEntry:
    """Return the quarantine entry for a task that no retry can fix."""
    return QuarantineEntry(
        reason=error.code,
        detail=str(error),
        payload=task.model_dump_json(),
        came_from=Origin.CHUNK,
        at=now,
        recording_id=task.recording_id,
        document_id=task.document_id,
    )


def expired_entry(task: ChunkTask, now: datetime) -> QuarantineEntry:
    """Return the quarantine entry for a chunk that ACS forgot before it was archived."""
    return entry_for(task, RecordingError("expired before it was archived", code=Code.EXPIRED), now)


def unreadable_task(text: str, now: datetime) -> QuarantineEntry:
    """Return the quarantine entry for a message on the chunk queue that is not a task."""
    detail = "a message on the chunk queue is not a chunk task"
    return QuarantineEntry(Code.UNREADABLE_TASK, detail, payload=as_kept(text), came_from=Origin.CHUNK_QUEUE, at=now)


def ids_of(task: ChunkTask) -> dict[str, str | int]:
    """Return a chunk's ids as log fields."""
    return {"recording_id": task.recording_id, "document_id": task.document_id, "index": task.index}
