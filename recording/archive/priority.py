"""Priority: when there is more work than workers, the most urgent chunk goes first; the queue only knows its own order.

A message on the queue is a turn to work. A worker that gets its turn late, which means that many tasks are waiting,
looks for a waiting chunk at risk, works on that one, and then queues its own task again. A turn that fails is delivered
again by the host, so it must leave no message behind.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from recording.archive.claim import ids_of
from recording.domain.state.chunk import ChunkRecord, ChunkTask
from recording.domain.watched import deadline
from recording.domain.watched.deadline import Urgency
from recording.errors import StorageError
from recording.ports import Ports, Unreadable
from recording.ports.clock import shared_now
from recording.settings import Settings
from recording.telemetry import Event, emit

LATE_AFTER = timedelta(minutes=2)  # an earlier turn means that no tasks are waiting; then nothing is looked up
MOST_LOOKED_AT = 50  # the first ones may be claimed by other workers; no deployment has more workers than this


@dataclass(frozen=True)
class Turn:
    """What to work on now.

    Attributes:
        task: the chunk's task.
        known: its record, where it was read a moment ago.
        is_borrowed: the message that gave the turn is another chunk's.
    """

    task: ChunkTask
    known: ChunkRecord | None = None
    is_borrowed: bool = False


def whose_turn(task: ChunkTask, ports: Ports, settings: Settings) -> Turn:
    """Return the task to work on now: this one, or a more urgent chunk's.

    Raises:
        StorageError: the catalog does not answer; the host delivers the message again.
    """
    now = ports.clock.now()
    known = ports.catalog.get_chunk(task.key)
    if known is None or not is_late(known, now):
        return Turn(task, known)
    now = shared_now(ports)  # to an instance that is ahead each turn looks late, and each claim over
    if not is_late(known, now):
        return Turn(task, known)
    other = _more_urgent(task, now, ports, settings)  # which takes a while: what is known may be old by then
    return Turn(task) if other is None else Turn(other, is_borrowed=True)


def queue_again(task: ChunkTask, ports: Ports) -> None:
    """Queue again the task whose turn was lent to another chunk.

    Raises:
        StorageError: the queue does not answer; the host delivers the message again.
    """
    ports.queue.send(task)
    emit(Event.CHUNK_WAITING, reason="gave_way", **ids_of(task))


def _more_urgent(task: ChunkTask, now: datetime, ports: Ports, settings: Settings) -> ChunkTask | None:
    try:
        for other in islice(ports.catalog.open_chunks(expiring_after=now), MOST_LOOKED_AT):
            if isinstance(other, Unreadable):  # reconcile reports it
                continue
            stands = deadline.urgency(other.task.expires_at, now, settings.at_risk_below)
            if other.task.expires_at >= task.expires_at or stands is Urgency.SAFE:
                return None  # and so is every one after it: they are sorted by expiry
            if is_waiting(other, now) and stands is Urgency.AT_RISK:
                return other.task
    except StorageError:  # a courtesy to others must not fail a turn; the line itself will notice
        return None
    return None


def is_late(record: ChunkRecord, now: datetime) -> bool:
    """Return whether a chunk has waited so long for its turn that there must be a backlog."""
    return is_waiting(record, now) and now - _due(record) >= LATE_AFTER


def is_waiting(record: ChunkRecord, now: datetime) -> bool:
    """Return whether a chunk is due at this time and no worker has claimed it."""
    return record.is_unsaved and not record.is_claimed(now) and _due(record) <= now


def _due(record: ChunkRecord) -> datetime:
    return record.next_attempt_at or record.first_seen_at
