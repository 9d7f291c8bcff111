"""Failure: the only place that puts a chunk back, gives it up with an alarm, or keeps it for manual review."""

from datetime import timedelta
from typing import Unpack

from recording.archive.claim import Work, entry_for, expired_entry, ids_of
from recording.archive.fallback import is_fallback_due, keep_in_fallback, refusal_changes
from recording.archive.manifest import keep_manifest
from recording.domain.state import patience
from recording.domain.state.chunk import ChunkState, ChunkTask, SourceOutcome
from recording.domain.state.records import ChunkChanges
from recording.domain.state.transitions import is_archived, is_disowned, moved
from recording.domain.watched import deadline, retry
from recording.errors import (
    ClaimHeldError,
    ClaimLostError,
    ContentConflictError,
    CopyPausedError,
    RecordingError,
    SourceBrokenError,
    SourceGoneError,
    StorageError,
)
from recording.errors.codes import Code
from recording.ports import Ports
from recording.telemetry import Event, emit

_A_MOMENT = timedelta(seconds=1)  # a message that returns at once is a busy loop


def wait_for_other(
    task: ChunkTask, error: ClaimHeldError | ClaimLostError, ports: Ports, *, is_borrowed: bool = False
) -> None:
    """Send the task again for when the other worker's claim ends, to check that it finished.

    On a borrowed turn the chunk's own message does that.
    """
    delay = (error.retry_after or timedelta()) + _A_MOMENT
    if not is_borrowed:
        ports.queue.send(task, delay)
    emit(Event.CHUNK_WAITING, code=error.code, delay_seconds=delay, **ids_of(task))


def after_failure(work: Work, task: ChunkTask, error: RecordingError) -> None:
    """Decide what happens to a chunk whose step failed; its source is never deleted here.

    Raises:
        RecordingError: not even that could be arranged; the host delivers the message again.
    """
    if is_fallback_due(work.record, error, work.now(), work.settings):
        keep_in_fallback(work)
    if not error.retryable:
        _quarantine(work, error)
    elif _is_forgotten(work, error):
        _end_forgotten(work, error)
    elif patience.is_given_up(work.record, work.now()):
        _quarantine(work, error)
    elif isinstance(error, CopyPausedError):
        _go_on_later(work, task, error)
    else:
        _put_back(work, task, error)


def keep_entry(task: ChunkTask, error: RecordingError, work: Work) -> None:
    """Quarantine a task with its reason, and raise the alarm."""
    entry = work.ports.quarantine.put(entry_for(task, error, work.now()))
    emit(Event.CHUNK_QUARANTINED, reason=error.code, detail=str(error), entry=entry, **ids_of(task))


def _is_forgotten(work: Work, error: RecordingError) -> bool:
    """Return whether ACS has proved that it no longer has media that is stored nowhere else (I9)."""
    is_gone = isinstance(error, SourceGoneError)
    return work.record.is_unsaved and is_gone and patience.is_forgotten(work.record, work.now())


def _end_forgotten(work: Work, error: RecordingError) -> None:
    """Record the end: suspect bytes are kept for a decision, or the recording is lost."""
    if work.record.suspects:
        reason = work.record.suspects[-1].reason
        _quarantine(work, ContentConflictError(reason, code=Code.MEDIA_SUSPECT))
    else:
        _expire(work, error)


def _put_back(work: Work, task: ChunkTask, error: RecordingError) -> None:
    """Save why it failed, release the claim and send the task again, later each time but before the deadline."""
    now = work.now()
    left = deadline.time_left(work.task.expires_at, now)
    delay = retry.retry_delay(task.attempt + 1, left, work.ports.jitter(), error.retry_after)
    changes = refusal_changes(work.record, error, now)
    changes.update({"last_error": error.code, "next_attempt_at": now + delay})
    changes.update(_past_deadline(work, error))
    _give_back(work, **changes)
    work.put_back(task.again(), delay)
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


def _past_deadline(work: Work, error: RecordingError) -> ChunkChanges:
    """Record the result of an attempt past the deadline, and raise the alarm: ACS may delete the media at any time."""
    record, now = work.record, work.now()
    changes = ChunkChanges()
    if now < record.task.expires_at or is_archived(record):
        return changes
    if isinstance(error, SourceGoneError):
        changes["gone_since"] = record.gone_since or now
    elif isinstance(error, SourceBrokenError):  # bytes arrived, so it is there after all
        changes["gone_since"] = None
    if record.past_deadline_since is None and record.is_unsaved:
        changes["past_deadline_since"] = now
        emit(Event.CHUNK_PAST_DEADLINE, code=error.code, **ids_of(record.task))
    return changes


def _go_on_later(work: Work, task: ChunkTask, error: CopyPausedError) -> None:
    """Continue in the next run: only this run's time budget is spent, so no attempt is counted."""
    delay = max(error.retry_after or timedelta(), _A_MOMENT)
    _give_back(work, last_error=error.code, next_attempt_at=work.now() + delay)
    work.put_back(task, delay)
    emit(Event.CHUNK_WAITING, code=error.code, delay_seconds=delay, **ids_of(task))


def _give_back(work: Work, **changes: Unpack[ChunkChanges]) -> None:
    """Release the claim if the catalog answers; if not, the claim expires."""
    try:
        work.release(**changes)
    except (ClaimLostError, StorageError) as error:
        emit(Event.ATTEMPT_FAILED, code=error.code, fault=error.fault, **ids_of(work.task))


def _expire(work: Work, error: RecordingError) -> None:
    """Record that ACS no longer has media that was never archived: the alarm state for a lost recording."""
    work.ports.quarantine.put(expired_entry(work.task, work.now()))
    work.record = moved(work.record, ChunkState.EXPIRED, last_error=error.code)
    work.release()
    emit(Event.CHUNK_EXPIRED, code=error.code, **ids_of(work.task))


def _quarantine(work: Work, error: RecordingError) -> None:
    """Quarantine the task with its reason; an archived chunk stays archived, and only its source is left in place."""
    entry = work.ports.quarantine.put(entry_for(work.task, error, work.now()))
    if work.record.state is ChunkState.CATALOGED:
        work.release(source=SourceOutcome.LEFT_TO_EXPIRE, source_reason=error.code)
    else:
        work.record = moved(work.record, ChunkState.QUARANTINED, last_error=error.code, quarantine_reason=error.code)
        work.release()
    emit(Event.CHUNK_QUARANTINED, reason=error.code, detail=str(error), entry=entry, **ids_of(work.task))
    if work.record.suspects or is_disowned(work.record):
        _tell_in_manifest(work)


def _tell_in_manifest(work: Work) -> None:
    """Add the suspect bytes to the manifest, or remove a gap that was closed; the catalog already shows it."""
    try:
        keep_manifest(work)
    except (StorageError, ClaimLostError) as error:
        emit(Event.MANIFEST_BEHIND, code=error.code, **ids_of(work.task))
