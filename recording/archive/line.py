"""Archive: the line of one chunk. claim ▸ copy ▸ verify ▸ catalog ▸ delete source; saved after each step.

A step is repeated from its beginning when a worker dies in it, so each is written to find its own earlier result.
Retryable failures put the task back with a growing delay while ACS still has the media; what cannot be mended by
trying goes to quarantine; anything unexpected is left to the host, which delivers the message again.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Unpack

from pydantic import ValidationError

from recording.archive.catalog import catalog, write_manifest
from recording.archive.claim import Work, claimed, entry_for, expired_entry, ids_of, unreadable_task
from recording.archive.conflicts import look_at_rival
from recording.archive.fallback import copy_or_heal, is_fallback_due, keep_in_fallback, refusal_facts
from recording.archive.priority import whose_turn
from recording.archive.verify import verify
from recording.domain import retention
from recording.domain.chunk import ChunkState, ChunkTask, Home, SourceOutcome
from recording.domain.locations import checked_location
from recording.domain.records import ChunkChanges
from recording.domain.transitions import is_finished, may_delete_source, moved, names_the_same_object
from recording.errors import (
    ClaimHeldError,
    ClaimLostError,
    CopyPausedError,
    RecordingError,
    StorageError,
    UnsafeLocationError,
)
from recording.ports import Ports
from recording.settings import Settings
from recording.telemetry import Event, emit, span

_A_MOMENT = timedelta(seconds=1)


def archive_message(text: str, ports: Ports, settings: Settings) -> None:
    """Archives the chunk that a queue message asks for; a message that is no task is kept for a person.

    Raises:
        RecordingError: as `archive_chunk`.
    """
    try:
        task = ChunkTask.model_validate_json(text)
    except ValidationError:
        name = ports.quarantine.put(unreadable_task(text, ports.clock.now()))
        emit(Event.EVENT_REJECTED, reason="unreadable_task", came_from="chunk_queue", entry=name)
        return
    chosen, whose = whose_turn(task, ports, settings)
    with span("archive_chunk", attempt=chosen.attempt, **ids_of(chosen)):
        archive_chunk(chosen, whose, settings)


def archive_chunk(task: ChunkTask, ports: Ports, settings: Settings) -> None:
    """Archives one chunk, or arranges that it is tried again, or keeps it for a person.

    Returning means the queue message may go: the chunk is finished, or another message carries the task on.

    Raises:
        RecordingError: only when not even that could be arranged; the host delivers the message again.
    """
    work = None
    try:
        work = claimed(task, ports, settings)
        if work is None:
            look_at_rival(task, ports, settings)
        else:
            _go_on(work)
    except (ClaimHeldError, ClaimLostError) as error:
        _wait_for_other(task, error, ports)
    except RecordingError as error:
        if work is None:
            raise
        _after_failure(work, task, error)


def _go_on(work: Work) -> None:
    """Takes each step that is left, from whatever state an earlier worker saved last."""
    steps: dict[ChunkState, Callable[[Work], None]] = {
        ChunkState.PENDING: copy_or_heal,
        ChunkState.COPIED: verify,
        ChunkState.VERIFIED: catalog,
        ChunkState.CATALOGED: settle_source,
    }
    while not is_finished(work.record):
        steps[work.record.state](work)


def settle_source(work: Work) -> None:
    """Writes the manifest, then deletes the source if the guard allows it, or records why it is left to expire.

    Raises:
        SourceError: ACS did not delete; there is time to ask again.
    """
    write_manifest(work)
    outcome, reason = _source_outcome(work)
    if outcome in (SourceOutcome.DELETED, SourceOutcome.ALREADY_GONE):
        work.move(ChunkState.SOURCE_DELETED, source=outcome, source_deleted_at=work.now())
        emit(Event.SOURCE_DELETED, reason=outcome, **ids_of(work.task))
    else:
        work.release(source=outcome, source_reason=reason)
        emit(Event.SOURCE_LEFT, reason=reason, **ids_of(work.task))


def _source_outcome(work: Work) -> tuple[SourceOutcome, str | None]:
    task, hosts = work.task, work.settings.acs.content_hosts
    if task.home is Home.EXTERNAL:
        return SourceOutcome.NOT_OURS, "the media lies in the customer's own storage"
    if task.delete_location is None:
        return SourceOutcome.LEFT_TO_EXPIRE, "the event names no delete location"
    if work.is_past_deadline():
        return SourceOutcome.LEFT_TO_EXPIRE, "the deadline has passed"
    try:
        delete = checked_location(task.delete_location, hosts)
        if not names_the_same_object(delete, checked_location(task.content_location, hosts), task.document_id):
            return SourceOutcome.LEFT_TO_EXPIRE, "the delete location names another object"
        return _deleted(work, task.delete_location), None
    except UnsafeLocationError as error:
        return SourceOutcome.LEFT_TO_EXPIRE, f"the delete location was refused: {error.code}"


def _deleted(work: Work, location: str) -> SourceOutcome:
    """The one place where a source is deleted, behind the one guard (I1), by the holder of a living claim only."""
    work.keep_claim()
    if not may_delete_source(work.record):
        raise RecordingError("the guard refused to delete the source", code="delete_refused")
    was_there = work.ports.source.delete(location)
    return SourceOutcome.DELETED if was_there else SourceOutcome.ALREADY_GONE


def _wait_for_other(task: ChunkTask, error: ClaimHeldError | ClaimLostError, ports: Ports) -> None:
    """Somebody else is at it: the task comes back when their claim has ended, to see that they finished."""
    delay = (error.retry_after or timedelta()) + _A_MOMENT
    ports.queue.send(task, delay)
    emit(Event.CHUNK_WAITING, code=error.code, delay_seconds=delay, **ids_of(task))


def _after_failure(work: Work, task: ChunkTask, error: RecordingError) -> None:
    if is_fallback_due(work.record, error, work.now(), work.settings):
        keep_in_fallback(work)
    if error.retryable and not _is_over(work, error):
        _put_back(work, task, error)
    elif error.retryable:
        _expire(work, error)
    else:
        _quarantine(work, error)


def _is_over(work: Work, error: RecordingError) -> bool:
    """Whether trying ends (I9): the media is not archived and ACS has had the right to forget it.

    A failure of our own storage is no reason to give up as soon: ACS may keep media longer than promised.
    """
    if work.record.state is not ChunkState.PENDING or work.record.fallback is not None:
        return False
    grace = work.settings.retention if isinstance(error, StorageError) else timedelta()
    return work.now() >= work.task.expires_at + grace


def _put_back(work: Work, task: ChunkTask, error: RecordingError) -> None:
    """Saves why it failed, gives the claim back and sends the task again, later each time but before the deadline."""
    left = retention.time_left(work.task.expires_at, work.now())
    if isinstance(error, CopyPausedError):
        _go_on_later(work, task, error)
        return
    jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
    delay = retention.retry_delay(task.attempt + 1, left, jitter, error.retry_after)
    changes = refusal_facts(work.record, error, work.now())
    changes.update({"last_error": error.code, "next_attempt_at": work.now() + delay})
    _give_back(work, **changes)
    work.ports.queue.send(task.again(), delay)
    emit(
        Event.ATTEMPT_FAILED,
        code=error.code,
        fault=error.fault,
        detail=str(error),
        state=work.record.state,
        attempt=task.attempt + 1,
        delay_seconds=delay,
        time_left_seconds=left,
        **ids_of(task),
    )


def _go_on_later(work: Work, task: ChunkTask, error: CopyPausedError) -> None:
    """The time of one run is over, not the chunk's luck: the next run starts at once, and no try is counted."""
    delay = error.retry_after or timedelta()
    _give_back(work, last_error=error.code, next_attempt_at=work.now() + delay)
    work.ports.queue.send(task, delay)
    emit(Event.CHUNK_WAITING, code=error.code, delay_seconds=delay, **ids_of(task))


def _give_back(work: Work, **changes: Unpack[ChunkChanges]) -> None:
    """Gives the claim back if the catalog answers; if not, the claim ends by itself."""
    try:
        work.release(**changes)
    except (ClaimLostError, StorageError) as error:
        emit(Event.ATTEMPT_FAILED, code=error.code, fault=error.fault, **ids_of(work.task))


def _expire(work: Work, error: RecordingError) -> None:
    """ACS no longer has what was never archived: the alarm state for a lost recording."""
    work.ports.quarantine.put(expired_entry(work.task, work.now()))
    work.record = moved(work.record, ChunkState.EXPIRED, last_error=error.code)
    work.release()
    emit(Event.CHUNK_EXPIRED, code=error.code, **ids_of(work.task))


def _quarantine(work: Work, error: RecordingError) -> None:
    """Keeps the task with its reason for a person; an archived chunk stays archived and only its source is left."""
    entry = work.ports.quarantine.put(entry_for(work.task, error, work.now()))
    if work.record.state is ChunkState.CATALOGED:
        work.release(source=SourceOutcome.LEFT_TO_EXPIRE, source_reason=error.code)
    else:
        work.record = moved(work.record, ChunkState.QUARANTINED, last_error=error.code, quarantine_reason=error.code)
        work.release()
    emit(Event.CHUNK_QUARANTINED, reason=error.code, detail=str(error), entry=entry, **ids_of(work.task))
