"""Ingest: one event becomes one task per chunk, or one quarantine entry; it answers only when all are kept.

Nothing is requested from anywhere here: a forged event costs nobody anything (I6). Order within a chunk matters: the
catalog knows a chunk before the queue does, so a lost message is found by `reconcile`, and a lost answer is only
another delivery.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from recording.domain import retention
from recording.domain.chunk import LARGEST_TASK, ChunkRecord, ChunkTask, Home
from recording.domain.events import RecordingChunk, RecordingFileStatusUpdated, read_event
from recording.domain.layout import folder_of
from recording.domain.locations import checked_external_blob, checked_location
from recording.domain.recording import RecordingRecord
from recording.domain.records import changed
from recording.domain.transitions import is_reopened_by, is_settled_for, reopened
from recording.errors import ClaimLostError, EventRejectedError, UnsafeLocationError
from recording.ports import Ports, QuarantineEntry
from recording.settings import Settings
from recording.telemetry import Event, emit, span

LONGEST_PAYLOAD = 256 * 1024  # characters kept of what cannot be read; queue messages are far smaller


def ingest_text(text: str, came_from: str, ports: Ports, settings: Settings) -> None:
    """Ingests what a queue message holds: one event, or an array of them.

    Raises:
        StorageError: when something could not be kept; the message must be delivered again.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        _quarantine(EventRejectedError("the message is not JSON", code="unreadable_event"), text, came_from, ports)
        return
    for envelope in content if isinstance(content, list) and content else [content]:
        ingest_event(envelope, came_from, ports, settings)


def ingest_event(envelope: Any, came_from: str, ports: Ports, settings: Settings) -> None:
    """Ingests one event in its envelope (Event Grid schema or CloudEvents).

    Raises:
        StorageError: when something could not be kept; the event must be delivered again.
    """
    with span("ingest_event", came_from=came_from):
        try:
            take_event(envelope, came_from, ports, settings)
        except (EventRejectedError, UnsafeLocationError) as error:
            _quarantine(error, json.dumps(envelope, default=str), came_from, ports)


def take_event(envelope: Any, came_from: str, ports: Ports, settings: Settings) -> None:
    """The same, for a caller who has kept what may be refused.

    Raises:
        EventRejectedError: it cannot be read or trusted; nothing was changed.
        UnsafeLocationError: it names a location that nothing may be fetched from; nothing was changed.
        StorageError: when something could not be kept; the event must be delivered again.
    """
    event = _trusted_event(envelope, settings)
    tasks = _tasks(event, _recording_of(event, ports, settings), ports.clock.now(), settings)
    _enqueue(tasks, event, came_from, ports)


def _trusted_event(envelope: Any, settings: Settings) -> RecordingFileStatusUpdated:
    """The event, when it is of our type and resource and all its locations pass the guard."""
    if not isinstance(envelope, Mapping):
        raise EventRejectedError("the event is not a JSON object", code="unreadable_event")
    event = read_event(envelope)
    _check_resource(event, settings)
    for chunk in event.chunks:
        _check_locations(chunk, event, settings)
    return event


def _check_resource(event: RecordingFileStatusUpdated, settings: Settings) -> None:
    expected = None if event.is_stripped else settings.acs.resource_id  # what is not told cannot contradict
    if expected is not None and (event.resource or "").lower() != expected:
        raise EventRejectedError("the event names another resource, or none", code="other_resource")


def _check_locations(chunk: RecordingChunk, event: RecordingFileStatusUpdated, settings: Settings) -> None:
    for location in (chunk.content_location, chunk.metadata_location):
        if location and event.is_external and _is_external(location, settings):
            continue
        if location:
            checked_location(location, settings.acs.content_hosts)
    if chunk.delete_location and not event.is_external:
        checked_location(chunk.delete_location, settings.acs.content_hosts)


def _is_external(location: str, settings: Settings) -> bool:
    """Whether ACS wrote to one of our containers; an export that failed names ACS's own storage instead."""
    try:
        checked_external_blob(location, settings.external_containers)
    except UnsafeLocationError:
        return False
    return True


def _recording_of(event: RecordingFileStatusUpdated, ports: Ports, settings: Settings) -> RecordingRecord:
    """The recording's record with its folder fixed: the first event decides, later ones follow."""
    now = ports.clock.now()
    known = ports.catalog.get_recording(event.recording_id)
    if known is None:
        fresh = _with_folder(RecordingRecord(recording_id=event.recording_id), event, settings)
        fresh = changed(fresh, first_event_at=now)
        if ports.catalog.add_recording(fresh):
            return fresh
        known = ports.catalog.get_recording(event.recording_id) or fresh
    if known.folder is not None and known.settled_at is None:
        return known
    try:
        if known.folder is not None:  # there may be more to come of it after all
            return ports.catalog.save_recording(changed(known, settled_at=None))
        completed = changed(_with_folder(known, event, settings), first_event_at=now, settled_at=None)
        return ports.catalog.save_recording(completed)
    except ClaimLostError:  # control or another event wrote it meanwhile: look again
        return _recording_of(event, ports, settings)


def _with_folder(record: RecordingRecord, event: RecordingFileStatusUpdated, settings: Settings) -> RecordingRecord:
    started_at = event.data.recording_start_time or record.started_at or event.event_time
    return changed(
        record,
        folder=folder_of(settings.archive_path_template, event.recording_id, event.call_id, started_at),
        call_id=event.call_id,
        server_call_id=event.server_call_id or record.server_call_id,
        started_at=record.started_at or event.data.recording_start_time,
    )


def _tasks(
    event: RecordingFileStatusUpdated, recording: RecordingRecord, now: datetime, settings: Settings
) -> list[ChunkTask]:
    expiry = retention.expires_at(min(event.event_time, now), settings.retention)  # a clock ahead puts nothing off
    try:
        tasks = [_task(chunk, event, recording, expiry, settings) for chunk in event.chunks]
    except ValidationError as error:
        raise EventRejectedError("the event's chunks cannot be read", code="unreadable_event") from error
    if any(len(task.model_dump_json().encode()) > LARGEST_TASK for task in tasks):
        raise EventRejectedError("a chunk's facts do not fit a queue message", code="event_too_large")
    return tasks


def _task(
    chunk: RecordingChunk,
    event: RecordingFileStatusUpdated,
    recording: RecordingRecord,
    expiry: datetime,
    settings: Settings,
) -> ChunkTask:
    external = event.is_external and _is_external(chunk.content_location, settings)
    return ChunkTask(
        recording_id=event.recording_id,
        call_id=event.call_id,
        server_call_id=event.server_call_id,
        document_id=chunk.document_id,
        index=chunk.index,
        content_location=chunk.content_location,
        metadata_location=chunk.metadata_location,
        delete_location=chunk.delete_location,
        home=Home.EXTERNAL if external else Home.ACS,
        content=event.content,
        channel=event.channel,
        format=event.format,
        end_reason=chunk.end_reason,
        session_end_reason=event.data.session_end_reason,
        chunks_in_event=len(event.chunks),
        recording_start_time=event.data.recording_start_time,
        recording_duration_ms=event.data.recording_duration_ms,
        event_id=event.event_id,
        event_time=event.event_time,
        expires_at=expiry,
        folder=recording.folder or "",
    )


def _enqueue(tasks: Iterable[ChunkTask], event: RecordingFileStatusUpdated, came_from: str, ports: Ports) -> None:
    enqueued = 0
    for task in tasks:
        enqueued += _enqueue_unless_finished(task, ports)
    emit(
        Event.EVENT_ACCEPTED if enqueued else Event.EVENT_DUPLICATE,
        event_id=event.event_id,
        recording_id=event.recording_id,
        came_from=came_from,
        chunks=len(event.chunks),
        count=enqueued,
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


def _quarantine(error: EventRejectedError | UnsafeLocationError, payload: str, came_from: str, ports: Ports) -> None:
    entry = QuarantineEntry(
        reason=error.code,
        detail=str(error),
        payload=payload[:LONGEST_PAYLOAD],
        came_from=came_from,
        at=ports.clock.now(),
    )
    name = ports.quarantine.put(entry)
    emit(Event.EVENT_REJECTED, reason=error.code, detail=str(error), came_from=came_from, entry=name)
