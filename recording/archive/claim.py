"""The right to work on one chunk: a claim with an expiry, renewed while the work goes on, fenced by the record's ETag.

A worker that lost its claim can save nothing, and so deletes nothing: each save is conditional on the record being
the one it last wrote.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Unpack
from uuid import uuid4

from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask
from recording.domain.state.quarantine import Origin
from recording.domain.state.records import ChunkChanges, changed
from recording.domain.state.transitions import FORGOTTEN, is_finished, is_held, is_new_evidence, moved, reopened
from recording.domain.times import later
from recording.errors import ClaimHeldError, ClaimLostError, RecordingError, SourceSlowError
from recording.errors.codes import Code
from recording.ports import Ports, QuarantineEntry
from recording.ports.clock import LARGEST_SKEW
from recording.settings import Settings
from recording.telemetry import Event, emit

_RIVAL_WAIT = timedelta(minutes=1)


class Claim(Protocol):
    """What a piece of work may save, and how it keeps the right to go on."""

    def save(self, record: ChunkRecord) -> ChunkRecord:
        """Return the record as saved, with the claim it carries. Raises ClaimLostError when the claim has ended."""
        ...

    def keep(self, work: "Work") -> None:
        """Renew the claim in good time. Raises ClaimLostError when it has ended."""
        ...


@dataclass(frozen=True)
class OwnClaim:
    """The claim that the chunk's row in the catalog carries."""

    ports: Ports

    def save(self, record: ChunkRecord) -> ChunkRecord:
        """Save the row, on condition that it is the one last saved."""
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
    """The claim of other work on the same chunk: what is learned here is kept in memory, and only the claim is kept."""

    holder: "Work"

    def save(self, record: ChunkRecord) -> ChunkRecord:
        """Save nothing; the holder's claim must still stand."""
        self.holder.keep_claim()
        return record

    def keep(self, _work: "Work") -> None:
        """Renew the holder's claim."""
        self.holder.keep_claim()


class NoClaim:
    """For an object that conflicts with a finished chunk: all it may do is add a blob of its own."""

    def save(self, _record: ChunkRecord) -> ChunkRecord:
        """Refuse: the finished chunk's row is not this object's."""
        raise ClaimLostError("a conflicting object may save nothing about the chunk")

    def keep(self, work: "Work") -> None:
        """Do nothing: this work has no claim to keep."""


@dataclass
class Work:
    """A chunk in work: its record as last saved, and what the steps need."""

    record: ChunkRecord
    ports: Ports
    settings: Settings
    started_at: datetime
    metadata: bytes | None = None  # the document as served, once this run has fetched it
    metadata_slow: SourceSlowError | None = None  # it dripped in this run: asking again would hold the worker
    metadata_refused: bytes | None = None  # what was served but is no readable document about this chunk
    skew: timedelta = timedelta()  # by how much this instance's clock is ahead of the catalog's
    claim: Claim | None = None  # None: the chunk's own
    found: ChunkRecord | None = None  # as this turn found it; None on the chunk's first turn
    is_borrowed: bool = False  # the turn is another chunk's; this one has a message of its own, which will come

    @property
    def task(self) -> ChunkTask:
        """Return what is known of the chunk from its event."""
        return self.record.task

    def now(self) -> datetime:
        """Return the time by the clock that all instances share, as far as this one is known to differ."""
        return self.ports.clock.now() - self.skew

    def is_past_deadline(self) -> bool:
        """Return whether ACS has had the right to forget the media."""
        return self.now() >= self.task.expires_at

    def save(self, **changes: Unpack[ChunkChanges]) -> None:
        """Save facts and renew the claim. Raises ClaimLostError when the record is not the one last saved."""
        now = self.now()
        record = changed(self.record, changed_at=now, claim_expires_at=now + self.settings.claim_length)
        self._store(changed(record, **changes))

    def move(self, state: ChunkState, **changes: Unpack[ChunkChanges]) -> None:
        """Save the next state with what was learned; give the claim back when that ends the work."""
        self.record = moved(self.record, state, **changes)
        if is_finished(self.record):
            self.release()
        else:
            self.save()

    def release(self, **changes: Unpack[ChunkChanges]) -> None:
        """Save facts and give the claim back."""
        record = changed(self.record, changed_at=self.now(), claim_owner=None, claim_expires_at=None)
        self._store(changed(record, **changes))

    def _store(self, record: ChunkRecord) -> None:
        """Save the record, and learn from the answer how wrong this instance's clock is."""
        before = self.record.etag
        self.record = self._claim.save(record)
        if self.record.saved_at is not None and self.record.etag != before:  # else nothing was saved
            skew = self.ports.clock.now() - self.record.saved_at
            self.skew = skew if abs(skew) >= LARGEST_SKEW else timedelta()

    def keep_claim(self) -> None:
        """Renew the claim in good time. Raises ClaimLostError when it has ended meanwhile."""
        self._claim.keep(self)

    def put_back(self, task: ChunkTask, delay: timedelta) -> None:
        """Send the task again for later, unless the chunk's own message remains on the queue.

        On a borrowed turn each message would be one more. If the chunk's own is lost, reconcile redrives the chunk.
        """
        if not self.is_borrowed:
            self.ports.queue.send(task, delay)

    @property
    def _claim(self) -> Claim:
        return self.claim or OwnClaim(self.ports)


def claim_chunk(task: ChunkTask, ports: Ports, settings: Settings, *, is_borrowed: bool = False) -> Work | None:
    """Claim the task's chunk by one conditional write; None when nothing is left to do for it.

    Raises:
        ClaimHeldError: another worker has it; come back when its claim ends.
        ClaimLostError: another worker was faster by a moment.
    """
    now = ports.clock.now()
    known = _known(task, now, ports)
    record = _turned_to(task, known, now)
    if is_finished(record):
        return None
    if record.task.content_location != task.content_location:
        raise ClaimHeldError("another object of the same name is being archived first", retry_after=_RIVAL_WAIT)
    if left := _claim_left(record, now, settings.claim_length):
        raise ClaimHeldError("another worker has the chunk", retry_after=left)
    found = known if known.attempts else None
    work = Work(record, ports, settings, started_at=now, is_borrowed=is_borrowed, found=found)
    work.save(
        claim_owner=uuid4().hex,
        attempts=record.attempts + 1,
        next_attempt_at=None,
        task=record.task.completed_by(task).expiring_at(later(record.task.expires_at, task.expires_at, now)),
    )
    if work.skew:
        work.save()  # the claim, by the clock that the others share
    work.started_at = work.now()
    return work


def _claim_left(record: ChunkRecord, now: datetime, length: timedelta) -> timedelta:
    """Return how long the present claim is honoured: never longer than one claim after the row was last written.

    The instance that wrote it may have a wrong clock, and so may this one.
    """
    ends = record.claim_expires_at or now
    if record.saved_at is not None:
        ends = min(ends, record.saved_at + length)
    return min(max(timedelta(), ends - now), length)


def _turned_to(task: ChunkTask, record: ChunkRecord, now: datetime) -> ChunkRecord:
    """Return the record as it is, or about this task's location when the one announced before has given nothing so far.

    Waiting for an object that never comes would lose the one that is there. The two take turns.
    """
    if record.task.content_location == task.content_location and is_held(record) and is_new_evidence(record, task):
        emit(Event.CHUNK_REOPENED, state=record.state, **ids_of(task))
        return reopened(record, task, now)
    has_failed = record.last_error is not None and record.blob_name is None and record.fallback is None
    if record.task.content_location == task.content_location or not has_failed or record.is_claimed(now):
        return record
    if record.state is not ChunkState.PENDING:
        record = moved(record, ChunkState.PENDING, quarantine_reason=None)
    changes = ChunkChanges(**FORGOTTEN)
    changes.update({"task": task, "last_error": None})
    return changed(record, **changes)


def _known(task: ChunkTask, now: datetime, ports: Ports) -> ChunkRecord:
    record = ports.catalog.get_chunk(task.key)
    if record is None:
        ports.catalog.add_chunk(ChunkRecord(task=task, first_seen_at=now, changed_at=now))
        record = ports.catalog.get_chunk(task.key)
    if record is None:
        raise ClaimLostError("the chunk's record vanished")
    return record


def entry_for(task: ChunkTask, error: RecordingError, now: datetime) -> QuarantineEntry:
    """Return the quarantine entry for a task that retrying cannot fix."""
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
    return QuarantineEntry(Code.UNREADABLE_TASK, detail, payload=text, came_from=Origin.CHUNK_QUEUE, at=now)


def ids_of(task: ChunkTask) -> dict[str, str | int]:
    """Return a chunk's ids as log fields."""
    return {"recording_id": task.recording_id, "document_id": task.document_id, "index": task.index}
