"""Enqueue tasks, once the catalog knows their chunks."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from recording.domain.incoming.events import RecordingFileStatusUpdated
from recording.domain.state.chunk import ANOTHER_OBJECT, ChunkRecord, ChunkTask
from recording.domain.state.quarantine import Origin
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_new_evidence, is_reopened_by, is_settled_for, reopened
from recording.errors import ClaimLostError, StorageError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.bulkhead import EachOnItsOwn
from recording.telemetry import Event, emit

# Within this time an event arrives on its second path: a worker may be about to claim the chunk, and needs its row.
BOTH_PATHS = timedelta(seconds=10)


def enqueue(tasks: Iterable[ChunkTask], event: RecordingFileStatusUpdated, came_from: Origin, ports: Ports) -> None:
    """Enqueue the tasks whose chunks are not settled, each on its own, and report the event once.

    A chunk whose row cannot be read is reported and skipped: reconcile enqueues it once its row is restored.

    Raises:
        StorageError: for one or more of them, after the others; the event must be delivered again.
    """
    enqueued = 0
    each = EachOnItsOwn()
    for task in tasks:
        with each.attempt():
            enqueued += _enqueue_if_readable(task, ports, is_timeless=event.is_timeless)
            _report_refused_locations(task)
    each.raise_first()
    emit(
        Event.EVENT_ACCEPTED if enqueued else Event.EVENT_DUPLICATE,
        event_id=event.event_id,
        recording_id=event.recording_id,
        came_from=came_from,
        chunks=len(event.chunks) + len(event.odd_chunks),
        count=enqueued,
        reason="ids_differ" if event.ids_differ else None,  # the subject was used
    )


def _enqueue_if_readable(task: ChunkTask, ports: Ports, *, is_timeless: bool) -> bool:
    try:
        return _enqueue_unless_finished(task, ports, is_timeless=is_timeless)
    except StorageError as error:
        if error.code != Code.UNREADABLE_RECORD:
            raise
        emit(Event.NEEDS_ATTENTION, reason="open_chunks", entry=f"{task.recording_id}/{task.key}", code=error.code)
        return False


def _enqueue_unless_finished(task: ChunkTask, ports: Ports, *, is_timeless: bool) -> bool:
    now = ports.clock.now()
    record = ChunkRecord(task=task, first_seen_at=now, changed_at=now)
    if not ports.catalog.add_chunk(record) and (known := ports.catalog.get_chunk(task.key)) is not None:
        told = _without_arrival(task, known) if is_timeless else task
        if is_reopened_by(known, told, now):
            _reopen(known, task, now, ports)
        elif is_settled_for(known, task):
            return False
        elif _is_known(known, told):
            if known.attempts > 0 or known.sent_again:
                return False
            if now - known.first_seen_at >= BOTH_PATHS:
                return _send_again(known, told, ports)
        else:
            task = told
    ports.queue.send(task)
    return True


def _without_arrival(task: ChunkTask, known: ChunkRecord) -> ChunkTask:
    """Return a task whose deadline is at most the known one: each delivery of its event arrives later."""
    return task.expiring_at(min(task.expires_at, known.task.expires_at))


def _is_known(known: ChunkRecord, task: ChunkTask) -> bool:
    """Return whether a chunk's row knows all that an announcement says, in whichever event it came before.

    Another place of the metadata is news: the known one may be wrong.
    """
    is_same_place = task.metadata_location in (None, known.task.metadata_location)
    return is_same_place and known.task.completed_by(task) == known.task and not is_new_evidence(known, task)


def _send_again(known: ChunkRecord, task: ChunkTask, ports: Ports) -> bool:
    """Send the message of a chunk once more, as the first one may never have been sent; once and not again.

    An event is delivered again as long as one of its chunks fails, and each delivery would leave a message of each of
    the others. If a message is lost after that, or by a worker, reconcile finds the chunk overdue.
    """
    try:
        noted = ports.catalog.save_chunk(changed(known, sent_again=True))
    except ClaimLostError:
        return False  # a worker has it, or another delivery sends it
    try:
        ports.queue.send(task)
    except StorageError:
        with suppress(ClaimLostError, StorageError):
            ports.catalog.save_chunk(changed(noted, sent_again=False))
        raise
    return True


def _reopen(known: ChunkRecord, task: ChunkTask, now: datetime, ports: Ports) -> None:
    """Reopen a chunk that was given up; it is PENDING before its task is sent, so that none is lost."""
    try:
        ports.catalog.save_chunk(reopened(known, task, now))
    except ClaimLostError:
        return  # another delivery or an operator did so at the same moment
    emit(
        Event.CHUNK_REOPENED,
        state=known.state,
        recording_id=task.recording_id,
        document_id=task.document_id,
        index=task.index,
    )


def _report_refused_locations(task: ChunkTask) -> None:
    """Report the locations that will not be called; the media is archived nevertheless."""
    for place, reason in (("metadata", task.metadata_refused), ("delete", task.delete_refused)):
        if reason is not None and reason != "metadata_refused":
            emit(
                Event.LOCATION_REFUSED,
                recording_id=task.recording_id,
                document_id=task.document_id,
                index=task.index,
                reason=reason,
                detail="the content location" if reason == ANOTHER_OBJECT else f"the {place} location",
            )
