"""Ingest: one event becomes one task per chunk; what cannot be trusted is kept alone, and the rest goes its way.

Nothing is requested from anywhere here: a forged event costs nobody anything (I6). Order within a chunk matters: the
catalog knows a chunk before the queue does, so a lost message is found by `reconcile`, and a lost answer is only
another delivery.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from recording.domain.archived.layout import folder_of
from recording.domain.ids import are_same_id, without_numbers
from recording.domain.incoming.delivery import events_in
from recording.domain.incoming.events import (
    OddChunk,
    RecordingChunk,
    RecordingFileStatusUpdated,
    read_event,
    text_of_location,
    with_only_chunk,
    without_personal_data,
)
from recording.domain.incoming.locations import checked_location, is_external
from recording.domain.incoming.probe_event import WAITING, nonce_of, note_of
from recording.domain.state.chunk import LARGEST_TASK, ChunkRecord, ChunkTask, Home
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_reopened_by, is_settled_for, reopened
from recording.domain.watched import deadline
from recording.errors import ClaimLostError, EventRejectedError, StorageBusyError, StorageError, UnsafeLocationError
from recording.errors.codes import Code
from recording.ports import Ports, QuarantineEntry
from recording.settings import Settings
from recording.telemetry import Event, emit, span

LONGEST_PAYLOAD = 256 * 1024  # characters kept of what cannot be read; queue messages are far smaller
_SAVE_TRIES = 5  # events and control calls of one recording rarely meet; five lost races in a row never happen
LONGEST_FOLDER = 1024  # bytes; a blob name has no more characters, and they are ASCII
Refusal = EventRejectedError | UnsafeLocationError


def ingest_text(text: str, came_from: str, ports: Ports, settings: Settings) -> None:
    """Ingest what a queue message or a dead letter holds: events one after the other, or arrays of them.

    Raises:
        StorageError: when something could not be kept; the message must be delivered again.
    """
    events, rest = events_in(text)
    for envelope in events:
        ingest_event(envelope, came_from, ports, settings)
    if rest is not None:
        error = EventRejectedError("the message is not JSON", code=Code.UNREADABLE_EVENT)
        _quarantine(error, without_numbers(rest), came_from, ports)


def ingest_event(envelope: Any, came_from: str, ports: Ports, settings: Settings) -> None:
    """Ingest one event in its envelope (Event Grid schema or CloudEvents).

    Raises:
        StorageError: when something could not be kept; the event must be delivered again.
    """
    if (nonce := nonce_of(envelope)) is not None:
        _answer_probe(nonce, came_from, ports)
        return
    with span("ingest_event", came_from=came_from):
        try:
            event, odd = _taken(envelope, came_from, ports, settings)
        except (EventRejectedError, UnsafeLocationError) as error:
            if error.code == Code.OTHER_EVENT_TYPE:  # counted, not kept: it is none of ours, and may name people
                emit(Event.EVENT_IGNORED, reason=error.code, detail=str(error), came_from=came_from)
            else:
                _quarantine(error, _payload_of(envelope), came_from, ports)
            return
        for chunk in odd:
            _hold(chunk, event, envelope, came_from, ports)


def _answer_probe(nonce: str, came_from: str, ports: Ports) -> None:
    """Note which way the doctor's event arrived, if the doctor waits for it; any other one is ignored."""
    if ports.catalog.cursor(note_of(nonce)) == WAITING:
        ports.catalog.save_cursor(note_of(nonce), came_from)
    else:
        emit(Event.EVENT_IGNORED, reason="probe_not_awaited", came_from=came_from)


def take_event(envelope: Any, came_from: str, ports: Ports, settings: Settings) -> None:
    """Ingest one event for a caller who has kept what may be refused as a whole.

    An event with one good chunk is taken; its odd chunks are kept, each on its own.

    Raises:
        EventRejectedError: it cannot be read or trusted; nothing was changed.
        StorageError: when something could not be kept; the event must be delivered again.
    """
    event, odd = _taken(envelope, came_from, ports, settings)
    if len(odd) == len(event.chunks) + len(event.odd_chunks):
        raise EventRejectedError(odd[0].detail, code=odd[0].reason)
    for chunk in odd:
        _hold(chunk, event, envelope, came_from, ports)


def _taken(
    envelope: Any, came_from: str, ports: Ports, settings: Settings
) -> tuple[RecordingFileStatusUpdated, list[OddChunk]]:
    """Enqueue the good chunks of an event; the odd ones are the caller's to keep."""
    event = _trusted_event(envelope, ports.clock.now(), settings)
    tasks, odd = _tasks(event, ports.clock.now(), settings)
    recording = _recording_of(event, odd, ports, settings) if tasks else _announced_more(event, odd, ports)
    if tasks and recording is not None:
        tasks, twins = _one_of_each_object(tasks, recording, ports)
        odd += twins
        _enqueue([task.in_folder(recording.folder or "") for task in tasks], event, came_from, ports)
    return event, odd


def _trusted_event(envelope: Any, arrived_at: datetime, settings: Settings) -> RecordingFileStatusUpdated:
    """Return the event when it is of our type and resource; its chunks are judged one by one."""
    if not isinstance(envelope, Mapping):
        raise EventRejectedError("the event is not a JSON object", code=Code.UNREADABLE_EVENT)
    event = read_event(envelope, arrived_at)
    expected = settings.acs.resource_id
    if expected is not None and (event.resource or "").lower() != expected:
        raise EventRejectedError("the event names another resource, or none", code=Code.OTHER_RESOURCE)
    return event


# --- one task per chunk ----------------------------------------------------------------------------------------------


def _tasks(
    event: RecordingFileStatusUpdated, now: datetime, settings: Settings
) -> tuple[list[ChunkTask], list[OddChunk]]:
    """Return a task for each good chunk, still without its folder, and the chunks that must wait for an operator."""
    tasks: list[ChunkTask] = []
    odd = list(event.odd_chunks)
    for chunk in event.chunks:
        try:
            tasks.append(_task(chunk, event, now, settings))
        except (EventRejectedError, UnsafeLocationError) as error:
            odd.append(_odd(chunk.model_dump(by_alias=True), chunk.index, error))
    return tasks, odd


def _odd(raw: Any, index: int, error: Refusal) -> OddChunk:
    return OddChunk(raw, index, error.code, f"chunk {index}: {error}")


def _task(chunk: RecordingChunk, event: RecordingFileStatusUpdated, now: datetime, settings: Settings) -> ChunkTask:
    content, home = _checked(chunk.content_location, event, settings)
    metadata, metadata_refused = _metadata_of(chunk, event, settings)
    delete, delete_refused = _delete_of(chunk, home, settings)
    if delete is not None and metadata_refused:  # its metadata goes with the source, and may still be fetched by hand
        delete, delete_refused = None, "metadata_refused"
    try:
        task = ChunkTask(
            recording_id=event.recording_id,
            call_id=event.call_id,
            server_call_id=event.server_call_id,
            document_id=chunk.document_id,
            index=chunk.index,
            content_location=content,
            metadata_location=metadata,
            delete_location=delete,
            home=home,
            metadata_refused=metadata_refused,
            delete_refused=delete_refused,
            content=event.content,
            channel=event.channel,
            format=event.format,
            end_reason=chunk.end_reason,
            session_end_reason=event.data.session_end_reason,
            chunks_in_event=len(event.chunks) + len(event.odd_chunks),
            recording_start_time=event.recording_start_time,
            recording_duration_ms=event.data.recording_duration_ms,
            event_id=event.event_id,
            event_time=event.event_time,
            expires_at=deadline.expires_at(min(event.event_time, now), settings.retention),  # a clock may be ahead
            folder="",
        )
    except ValidationError as error:
        raise EventRejectedError("a chunk cannot be read", code=Code.UNREADABLE_CHUNK) from error
    if len(task.model_dump_json().encode()) > LARGEST_TASK - LONGEST_FOLDER:
        raise EventRejectedError("a chunk's facts do not fit a queue message", code=Code.EVENT_TOO_LARGE)
    return task


def _checked(location: str, event: RecordingFileStatusUpdated, settings: Settings) -> tuple[str, Home]:
    """Return a location that may be asked, and whose storage it is in; each location has a home of its own.

    An export to the customer's container may fail for one of media and metadata; that one then stays in ACS's storage.

    Raises:
        UnsafeLocationError: it is in neither.
    """
    if event.is_external and is_external(location, settings.external_containers):
        return location, Home.EXTERNAL
    return checked_location(location, settings.acs.content_hosts).url, Home.ACS


def _metadata_of(
    chunk: RecordingChunk, event: RecordingFileStatusUpdated, settings: Settings
) -> tuple[str | None, str | None]:
    """Return where the metadata is, or why the location that was told is not asked."""
    try:
        told = text_of_location(chunk.metadata_location)
        return (None, None) if told is None else (_checked(told, event, settings)[0], None)
    except ValueError:
        return None, Code.UNSAFE_LOCATION
    except UnsafeLocationError as error:
        return None, error.code


def _delete_of(chunk: RecordingChunk, home: Home, settings: Settings) -> tuple[str | None, str | None]:
    """Return where the source may be deleted, or why the location that was told is not called.

    A file in the customer's own storage is never deleted, whatever its event says.
    """
    if home is Home.EXTERNAL:
        return None, None
    try:
        told = text_of_location(chunk.delete_location)
        return (None, None) if told is None else (checked_location(told, settings.acs.content_hosts).url, None)
    except ValueError:
        return None, Code.UNSAFE_LOCATION
    except UnsafeLocationError as error:
        return None, error.code


def _one_of_each_object(
    tasks: Sequence[ChunkTask], recording: RecordingRecord, ports: Ports
) -> tuple[list[ChunkTask], list[OddChunk]]:
    """Return the tasks without those for an object that has another index already: one file under two names.

    Whoever came second would find the object deleted, and be raised as lost although its bytes are archived.
    """
    known = {(task.document_id, task.content_location): task.index for task in _known_tasks(recording, ports)}
    kept: list[ChunkTask] = []
    twins: list[OddChunk] = []
    for task in tasks:
        first = known.setdefault((task.document_id, task.content_location), task.index)
        if first == task.index:
            kept.append(task)
        else:
            twins.append(_twin(task, first))
    return kept, twins


def _known_tasks(recording: RecordingRecord, ports: Ports) -> list[ChunkTask]:
    """Return what was announced of this recording before; nothing can have been when its row is new."""
    if recording.etag is None:
        return []
    try:
        return [record.task for record in ports.catalog.chunks_of(recording.recording_id)]
    except StorageError:  # an unreadable row of one chunk must not keep the others waiting
        return []


def _twin(task: ChunkTask, first: int) -> OddChunk:
    raw = {
        "documentId": task.document_id,
        "index": task.index,
        "contentLocation": task.content_location,
        "metadataLocation": task.metadata_location,
        "deleteLocation": task.delete_location,
        "endReason": task.end_reason,
    }
    detail = f"chunk {task.index} is the same object as chunk {first}"
    return OddChunk(raw, task.index, Code.DUPLICATE_DOCUMENT, detail)


# --- the recording ---------------------------------------------------------------------------------------------------


def _recording_of(
    event: RecordingFileStatusUpdated, odd: Sequence[OddChunk], ports: Ports, settings: Settings
) -> RecordingRecord:
    """Return the recording's record with its folder fixed; an event adds to what is known and changes nothing of it."""
    for _ in range(_SAVE_TRIES):
        known = ports.catalog.get_recording(event.recording_id)
        before = known or RecordingRecord(recording_id=event.recording_id)
        wanted = _completed(before, event, odd, ports.clock.now(), settings)
        if known is None:
            if ports.catalog.add_recording(wanted):
                return wanted
            continue
        try:
            return known if wanted == known else ports.catalog.save_recording(wanted)
        except ClaimLostError:  # control or another event wrote it meanwhile: look again
            continue
    raise StorageBusyError("the recording's record keeps changing")


def _completed(
    known: RecordingRecord,
    event: RecordingFileStatusUpdated,
    odd: Sequence[OddChunk],
    now: datetime,
    settings: Settings,
) -> RecordingRecord:
    call_id = known.call_id or (event.call_id if _agrees(event, known) else None)
    started_at = known.started_at or event.recording_start_time
    return changed(
        known,
        folder=known.folder
        or folder_of(
            settings.archive_path_template,
            event.recording_id,
            call_id or known.server_call_id or event.call_id,
            started_at or min(event.event_time, now),
        ),
        acs_id=known.acs_id or event.acs_id,
        call_id=call_id,
        server_call_id=known.server_call_id or event.server_call_id,
        started_at=started_at,
        first_event_at=known.first_event_at or now,
        settled_at=None,
        look_at=None,  # there may be more to come of it after all
        announced_count=_announced_count(known, event, odd),
    )


def _agrees(event: RecordingFileStatusUpdated, known: RecordingRecord) -> bool:
    """Return whether the event's call may be the one that was recorded here, by the server call id of the start."""
    if not (known.started_here and known.server_call_id):
        return True
    return event.server_call_id is not None and are_same_id(event.server_call_id, known.server_call_id)


def _announced_more(event: RecordingFileStatusUpdated, odd: Sequence[OddChunk], ports: Ports) -> RecordingRecord | None:
    """Note in a known recording that files of it are held, so that it counts as incomplete; others get no row."""
    for _ in range(_SAVE_TRIES):
        known = ports.catalog.get_recording(event.recording_id)
        count = _announced_count(known, event, odd) if known is not None else None
        if known is None or count == known.announced_count:
            return known
        try:
            return ports.catalog.save_recording(changed(known, announced_count=count, settled_at=None, look_at=None))
        except ClaimLostError:
            continue
    raise StorageBusyError("the recording's record keeps changing")


def _announced_count(known: RecordingRecord, event: RecordingFileStatusUpdated, odd: Sequence[OddChunk]) -> int | None:
    """Return how many files there are at least, once one is held; one without a readable index counts as the last."""
    if not odd:
        return known.announced_count
    indexes = [chunk.index for chunk in event.chunks]
    indexes += [chunk.index for chunk in event.odd_chunks if chunk.index is not None]
    told = len(event.chunks) + len(event.odd_chunks)
    is_open = any(chunk.index is None for chunk in odd)
    least = max([index + 1 for index in indexes] + [min(indexes, default=0) + told if is_open else 0])
    return max(least, known.announced_count or 0)


# --- into the queue --------------------------------------------------------------------------------------------------


def _enqueue(tasks: Iterable[ChunkTask], event: RecordingFileStatusUpdated, came_from: str, ports: Ports) -> None:
    enqueued = 0
    for task in tasks:
        enqueued += _enqueue_unless_finished(task, ports)
        _report_refused_locations(task)
    emit(
        Event.EVENT_ACCEPTED if enqueued else Event.EVENT_DUPLICATE,
        event_id=event.event_id,
        recording_id=event.recording_id,
        came_from=came_from,
        chunks=len(event.chunks) + len(event.odd_chunks),
        count=enqueued,
        reason="ids_differ" if event.ids_differ else None,  # the subject counted
    )


def _enqueue_unless_finished(task: ChunkTask, ports: Ports) -> bool:
    now = ports.clock.now()
    record = ChunkRecord(task=task, first_seen_at=now, changed_at=now)
    if not ports.catalog.add_chunk(record):
        known = ports.catalog.get_chunk(task.key)
        if known is not None and is_reopened_by(known, task, now):
            _reopen(known, task, now, ports)
        elif known is not None and is_settled_for(known, task):
            return False
    ports.queue.send(task)
    return True


def _reopen(known: ChunkRecord, task: ChunkTask, now: datetime, ports: Ports) -> None:
    """Put a chunk that was given up back to work; it is PENDING before its task is sent, so that none is lost."""
    try:
        ports.catalog.save_chunk(reopened(known, task, now))
    except ClaimLostError:
        return  # another delivery or an operator did so at this moment
    emit(
        Event.CHUNK_REOPENED,
        state=known.state,
        recording_id=task.recording_id,
        document_id=task.document_id,
        index=task.index,
    )


def _report_refused_locations(task: ChunkTask) -> None:
    """Report the locations that will not be called; the media is archived all the same."""
    for place, reason in (("metadata", task.metadata_refused), ("delete", task.delete_refused)):
        if reason is not None and reason != "metadata_refused":
            emit(
                Event.LOCATION_REFUSED,
                recording_id=task.recording_id,
                document_id=task.document_id,
                index=task.index,
                reason=reason,
                detail=f"the {place} location",
            )


# --- kept for an operator --------------------------------------------------------------------------------------------


def _hold(
    chunk: OddChunk, event: RecordingFileStatusUpdated, envelope: Mapping[str, Any], came_from: str, ports: Ports
) -> None:
    """Keep one chunk as an event of its own, which can be redriven."""
    payload = _payload_of(with_only_chunk(envelope, event.data, chunk.raw))
    error = EventRejectedError(chunk.detail, code=chunk.reason)
    _quarantine(error, payload, came_from, ports, recording_id=event.recording_id, index=chunk.index)


def _payload_of(envelope: Any) -> str:
    if isinstance(envelope, Mapping):
        envelope = without_personal_data(envelope)
    return without_numbers(json.dumps(envelope, default=str))


def _quarantine(error: Refusal, payload: str, came_from: str, ports: Ports, **ids: Any) -> None:
    """Keep what was refused and report it; `ids` say which recording and which index, where that is known."""
    entry = QuarantineEntry(
        reason=error.code,
        detail=str(error),
        payload=payload[:LONGEST_PAYLOAD],
        came_from=came_from,
        at=ports.clock.now(),
        **ids,
    )
    name = ports.quarantine.put(entry)
    emit(Event.EVENT_REJECTED, reason=error.code, detail=str(error), came_from=came_from, entry=name, **ids)
