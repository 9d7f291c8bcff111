"""Conflicts: handle a chunk whose bytes are proved, and that is announced again at another location.

A later announcement at the same location may say where the metadata is of a chunk that was finished without it.

One session may produce several files with the same ids (a known issue of the service), so different bytes are never
taken for a duplicate: they are stored beside the chunk, with an entry in quarantine (I3).
"""

from urllib.parse import urlsplit

from recording.archive.claim import NoClaim, Work, ids_of
from recording.archive.copy import keep_conflict
from recording.archive.failure import keep_entry
from recording.archive.metadata import fetch_metadata
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord, ChunkState, ChunkTask, Home
from recording.domain.state.records import changed
from recording.domain.state.transitions import brings_metadata, reopened_for_metadata
from recording.domain.watched import deadline, retry
from recording.errors import ContentConflictError, RecordingError, SourceError, SourceGoneError, UnsafeLocationError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.clock import by_the_shared_clock
from recording.settings import Settings
from recording.telemetry import Event, emit


def check_conflict(task: ChunkTask, ports: Ports, settings: Settings, *, is_borrowed: bool = False) -> bool:
    """Compare the object that a task names with the chunk in the archive; a plain duplicate costs no request.

    Returns:
        Whether the chunk is open again, because the task brought its metadata.

    Raises:
        ClaimLostError: another worker was a moment faster.
        StorageError: when the other bytes could not be stored; the message must be delivered again.
    """
    known = ports.catalog.get_chunk(task.key)
    if known is not None and brings_metadata(known, task):
        return _reopen_for_metadata(known, task, by_the_shared_clock(ports), settings, is_borrowed=is_borrowed)
    if known is None or known.task.content_location == task.content_location or task.home is Home.EXTERNAL:
        emit(Event.EVENT_DUPLICATE, event_id=task.event_id, **ids_of(task))
    elif _is_same_file(known, task, ports, settings, is_borrowed=is_borrowed):
        same = with_changes(task, {"content_location": known.task.content_location})
        if brings_metadata(known, same):
            return _reopen_for_metadata(known, same, by_the_shared_clock(ports), settings, is_borrowed=is_borrowed)
    return False


def _reopen_for_metadata(
    known: ChunkRecord, task: ChunkTask, ports: Ports, settings: Settings, *, is_borrowed: bool
) -> bool:
    """Reopen a chunk once its document is there and about it: until then it stays archived as it is.

    Past the deadline of media at ACS it is not asked for: if it contradicted the media, nothing could be copied again.
    """
    now = ports.clock.now()
    fresh = reopened_for_metadata(known, task, now)
    asking = Work(fresh, ports, settings, now, claim=NoClaim(), is_borrowed=is_borrowed)
    if task.home is Home.ACS and asking.is_past_deadline():
        emit(Event.EVENT_DUPLICATE, event_id=task.event_id, **ids_of(task))
        return False
    try:
        fetch_metadata(asking)
    except SourceError as error:
        if asking.is_past_deadline():
            emit(Event.CHUNK_METADATA_MISSING, code=error.code, **ids_of(task))
        else:
            _ask_later(asking, task, error)
        return False
    except (ContentConflictError, UnsafeLocationError) as error:
        emit(Event.CHUNK_METADATA_MISSING, code=error.code, **ids_of(task))
        return False
    ports.catalog.save_chunk(fresh)
    emit(Event.CHUNK_REOPENED, state=known.state, **ids_of(task))
    return True


def _is_same_file(known: ChunkRecord, task: ChunkTask, ports: Ports, settings: Settings, *, is_borrowed: bool) -> bool:
    """Return whether the object at another location has the archived bytes; other bytes are kept beside them."""
    ports = by_the_shared_clock(ports)  # it has no claim whose answers would tell how far off the own clock is
    record = changed(known, task=task, etag=None)
    rival = Work(record, ports, settings, ports.clock.now(), claim=NoClaim(), is_borrowed=is_borrowed)
    try:
        return not _keep_other_bytes(rival, known)
    except SourceError as error:
        is_same_object = _path_of(known.task) == _path_of(task)
        if isinstance(error, SourceGoneError) and known.state is ChunkState.SOURCE_DELETED and is_same_object:
            emit(Event.EVENT_DUPLICATE, event_id=task.event_id, **ids_of(task))  # one object, deleted under both names
        else:
            _try_later(rival, error)
        return False


def _path_of(task: ChunkTask) -> str:
    """Return the path of a task's media; the digits of an object's id have no case."""
    return urlsplit(task.content_location).path.lower()


def _keep_other_bytes(rival: Work, known: ChunkRecord) -> bool:
    if known.blob_name is None or not keep_conflict(rival, known.blob_name, unless_sha256=known.sha256):
        return False
    error = RecordingError("another object claims to be this chunk; both are kept", code=Code.CONTENT_CONFLICT)
    keep_entry(rival.task, error, rival)
    return True


def _try_later(rival: Work, error: SourceError) -> None:
    if rival.is_past_deadline():
        keep_entry(rival.task, error, rival)
        return
    _ask_later(rival, rival.task, error)


def _ask_later(work: Work, task: ChunkTask, error: SourceError) -> None:
    left = deadline.time_left(task.expires_at, work.now())
    delay = retry.retry_delay(task.attempt + 1, left, work.ports.jitter(), error.retry_after)
    work.put_back(task.again(), delay)
