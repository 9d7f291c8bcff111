"""Held: what waits for a person, the most urgent first, and the way back to work for the chunks among it.

Two places hold things: the catalog holds chunks that ended QUARANTINED or EXPIRED, the quarantine container holds
events and messages that were refused. Nothing here redrives by itself; a person asks, and each redrive is counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from recording.domain import retention
from recording.domain.chunk import ChunkRecord
from recording.domain.transitions import is_held, redriven
from recording.errors import ClaimLostError
from recording.ports import Ports, QuarantineEntry
from recording.settings import Settings
from recording.telemetry import Event, emit
from recording.work import ids_of

FROM_A_CHUNK = "archive"  # such an entry tells of a chunk that the catalog holds; it is not listed twice


class Kind(StrEnum):
    """What kind of thing is held."""

    CHUNK = "chunk"
    REFUSED = "refused"  # an event or a message in the quarantine container


@dataclass(frozen=True)
class Held:
    """One thing that waits for a person. `time_left` is None where nothing tells when ACS forgets the media."""

    id: str
    kind: Kind
    reason: str
    at: datetime
    recording_id: str | None = None
    document_id: str | None = None
    index: int | None = None
    attempts: int = 0
    redrives: int = 0
    event_time: datetime | None = None
    time_left: timedelta | None = None


@dataclass(frozen=True)
class Chosen:
    """Which of the held things are meant; what is None does not matter. `before` and `after` are times of events."""

    id: str | None = None
    reason: str | None = None
    recording_id: str | None = None
    before: datetime | None = None
    after: datetime | None = None

    def has(self, held: Held) -> bool:
        """Whether this one is meant."""
        equal = {"id": held.id, "reason": held.reason, "recording_id": held.recording_id}
        if any(getattr(self, name) not in (None, value) for name, value in equal.items()):
            return False
        happened = held.event_time or held.at
        return (self.before is None or happened < self.before) and (self.after is None or happened >= self.after)


@dataclass(frozen=True)
class Redriven:
    """What a redrive did: `sent` are back at work, `skipped` were changed by somebody else at this very moment."""

    sent: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def held(ports: Ports, settings: Settings, chosen: Chosen | None = None) -> list[Held]:
    """All that is held and meant: first what can still be saved, the least time left first; then what tells no time.

    Raises:
        StorageError: when catalog or quarantine do not answer.
    """
    now, chosen = ports.clock.now(), chosen or Chosen()
    found = [_of_chunk(record, now) for record in ports.catalog.all_chunks() if is_held(record)]
    found += [
        _of_entry(name, entry, settings, now)
        for name, entry in ports.quarantine.entries()
        if entry.came_from != FROM_A_CHUNK
    ]
    return sorted((one for one in found if chosen.has(one)), key=_by_urgency)


def redrive(ports: Ports, settings: Settings, chosen: Chosen, *, dry_run: bool = False) -> Redriven:
    """Puts the held chunks that are meant back to work, under their own identity; a dry run only tells which.

    A chunk is PENDING before its task is sent: if that never happens, reconcile finds it overdue and sends it.

    Raises:
        StorageError: when storage does not answer; what was sent until then stays sent, the rest is held as before.
    """
    sent: list[str] = []
    skipped: list[str] = []
    for one, record in _held_chunks(ports, settings, chosen):
        done = dry_run or _put_back(record, ports)
        (sent if done else skipped).append(one.id)
    return Redriven(tuple(sent), tuple(skipped))


def chunk_id(record: ChunkRecord) -> str:
    """The id under which a held chunk is listed."""
    return f"{record.task.recording_id}/{record.key}"


def _held_chunks(ports: Ports, settings: Settings, chosen: Chosen) -> Iterator[tuple[Held, ChunkRecord]]:
    records = {chunk_id(record): record for record in ports.catalog.all_chunks() if is_held(record)}
    for one in held(ports, settings, chosen):
        if one.kind is Kind.CHUNK and one.id in records:
            yield one, records[one.id]


def _put_back(record: ChunkRecord, ports: Ports) -> bool:
    try:
        ports.catalog.save_chunk(redriven(record, ports.clock.now()))
    except ClaimLostError:
        return False
    ports.queue.send(record.task)
    emit(Event.REDRIVEN, reason="asked_for", state=record.state, **ids_of(record.task))
    return True


def _of_chunk(record: ChunkRecord, now: datetime) -> Held:
    task = record.task
    return Held(
        id=chunk_id(record),
        kind=Kind.CHUNK,
        reason=record.quarantine_reason or record.last_error or record.state.lower(),
        at=record.changed_at,
        recording_id=task.recording_id,
        document_id=task.document_id,
        index=task.index,
        attempts=record.attempts,
        redrives=record.redrives,
        event_time=task.event_time,
        time_left=retention.time_left(task.expires_at, now),
    )


def _of_entry(name: str, entry: QuarantineEntry, settings: Settings, now: datetime) -> Held:
    """Its event came no later than it was kept; so much is known even of what cannot be read."""
    return Held(
        id=name,
        kind=Kind.REFUSED,
        reason=entry.reason,
        at=entry.at,
        recording_id=entry.recording_id,
        document_id=entry.document_id,
        time_left=retention.time_left(retention.expires_at(entry.at, settings.retention), now),
    )


def _by_urgency(one: Held) -> tuple[bool, timedelta, str]:
    left = one.time_left if one.time_left is not None else timedelta.max
    return left <= timedelta(), left, one.id
