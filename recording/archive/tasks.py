"""Tasks: messages on the chunk queue are checked like events, since anyone with the queue's key may send one."""

from datetime import datetime, timedelta

from pydantic import ValidationError

from recording.archive.claim import unreadable_task
from recording.domain.archived.layout import LONGEST_FOLDER
from recording.domain.ids import is_opaque_id
from recording.domain.incoming.events import HIGHEST_INDEX
from recording.domain.model import with_changes
from recording.domain.schema import is_newer, is_newer_message
from recording.domain.state.chunk import VERSION, ChunkRecord, ChunkTask
from recording.domain.state.quarantine import Origin
from recording.domain.times import is_within_reason
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.clock import by_the_shared_clock
from recording.settings import Settings
from recording.telemetry import Event, emit

NEWER_AFTER = timedelta(minutes=1)  # delay until a message of a newer version is offered to another worker


class UnreadableTaskError(ValueError):
    """A message is not a task that this version may work on. The text repeats nothing of it."""


class NewerTaskError(UnreadableTaskError):
    """A message was written by a newer version, for a worker that knows how to read it."""


def take_task(text: str, ports: Ports, settings: Settings) -> ChunkTask | None:
    """Return the task in a message; quarantine anything else, and leave a newer version's on the queue.

    Raises:
        StorageError: when it could not be quarantined; the host delivers the message again.
    """
    try:
        return _with_believable_times(_task_in(text), ports, settings.retention)
    except NewerTaskError:
        ports.queue.send_again(text, NEWER_AFTER)
        emit(Event.CHUNK_WAITING, code="newer_version", delay_seconds=NEWER_AFTER)
    except UnreadableTaskError:
        name = ports.quarantine.put(unreadable_task(text, ports.clock.now()))
        emit(Event.EVENT_REJECTED, reason=Code.UNREADABLE_TASK, came_from=Origin.CHUNK_QUEUE, entry=name)
    return None


def read_task(text: str, now: datetime, retention: timedelta, known: ChunkRecord | None = None) -> ChunkTask:
    """Return the task in a message, with plausible times; its locations pass the guard before each request.

    Args:
        text: the message.
        now: for times that were never meant.
        retention: for how long ACS keeps media.
        known: the chunk's record, whose times count before those.

    Raises:
        UnreadableTaskError: it is not a task. NewerTaskError: it is a newer version's.
    """
    return _with_times_within_reason(_task_in(text), now, retention, known)


def _task_in(text: str) -> ChunkTask:
    try:
        task = ChunkTask.model_validate_json(text)
    except ValidationError:
        raise _newer_or_not(text) from None
    if is_newer(task.version, VERSION):
        raise NewerTaskError("a newer version of the app wrote the task")
    if task.version > VERSION or not is_safe(task):
        raise UnreadableTaskError("the task has an id, index, folder or version of an unknown form")
    return task


def _newer_or_not(text: str) -> UnreadableTaskError:
    if is_newer_message(text, VERSION):
        return NewerTaskError("a newer version of the app wrote the task")
    return UnreadableTaskError("not a task")


def is_safe(task: ChunkTask) -> bool:
    """Return whether ids, index and folder have the forms that this app produces."""
    ids = (task.recording_id, task.document_id, task.call_id)
    return all(map(is_opaque_id, ids)) and 0 <= task.index <= HIGHEST_INDEX and is_folder(task.folder)


def is_folder(folder: str) -> bool:
    """Return whether a text names a folder inside the archive.

    It has no dot segments, no empty ones and no unprintable characters.
    """
    parts = folder.split("/")
    is_plain = folder.isprintable() and "\\" not in folder and len(folder) <= LONGEST_FOLDER
    return is_plain and all(part.strip(". ") for part in parts)


def _with_believable_times(task: ChunkTask, ports: Ports, retention: timedelta) -> ChunkTask:
    """Replace implausible times; a chunk without a record arrives now, by the clock that all instances share."""
    now = ports.clock.now()
    if is_within_reason(task.event_time, now) and is_within_reason(task.expires_at, now):
        return task
    known = ports.catalog.get_chunk(task.key)
    return _with_times_within_reason(task, by_the_shared_clock(ports).clock.now(), retention, known)


def _with_times_within_reason(
    task: ChunkTask, now: datetime, retention: timedelta, known: ChunkRecord | None
) -> ChunkTask:
    """Replace implausible times by those of the chunk's record, which they must not put off.

    Without them ACS counts as keeping the media for one retention from now.
    """
    event_time, expires_at = task.event_time, task.expires_at
    if is_within_reason(event_time, now) and is_within_reason(expires_at, now):
        return task
    better = known.task if known is not None and is_within_reason(known.task.expires_at, now) else None
    if not is_within_reason(event_time, now):
        event_time = better.event_time if better else now
    if not is_within_reason(expires_at, now):
        expires_at = better.expires_at if better else event_time + retention
    return with_changes(task, {"event_time": event_time, "expires_at": expires_at})
