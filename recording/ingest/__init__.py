"""Ingest: turn an event into one task per chunk; quarantine what cannot be trusted, and accept the rest.

Ingest sends no requests to announced locations, so a forged event has no effect outside (I6). The order matters: a
chunk is in the catalog before its task is queued, so `reconcile` finds a lost message, and a lost answer only causes
another delivery.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recording.domain.foreign_json import shallow
from recording.domain.incoming.delivery import as_kept, events_in, has_data
from recording.domain.incoming.events import (
    OddChunk,
    RecordingFileStatusUpdated,
    is_from_the_future,
    names_resource,
    read_event,
)
from recording.domain.incoming.probe_event import WAITING, nonce_of, note_of
from recording.domain.state.quarantine import Origin
from recording.domain.state.records import required
from recording.errors import EventRejectedError, UnsafeLocationError
from recording.errors.codes import Code
from recording.ingest.hold import hold_chunk, payload_of, quarantine
from recording.ingest.queue_tasks import enqueue
from recording.ingest.recording import note_announced, note_recording, report_end
from recording.ingest.tasks import tasks_of
from recording.ingest.twins import ask_metadata, one_of_each_object
from recording.ports import Ports
from recording.ports.bulkhead import EachOnItsOwn
from recording.ports.clock import by_the_shared_clock
from recording.settings import Settings
from recording.telemetry import Event, emit, span

_MOST_ODD = 20  # things of one text without data, so not events, kept one by one; the others are kept together


def ingest_text(text: str, came_from: Origin, ports: Ports, settings: Settings) -> None:
    """Ingest the content of a queue message or dead letter: one or more events, or arrays of them, each on its own.

    Raises:
        StorageError: when something could not be stored, after all else was; the message must be delivered again.
    """
    events, rest = events_in(text)
    odd = [at for at, one in enumerate(events) if not has_data(one)][_MOST_ODD:]
    crowd = frozenset(odd)
    each = EachOnItsOwn()
    for at, envelope in enumerate(events):
        if at not in crowd:
            with each.attempt():
                ingest_event(envelope, came_from, ports, settings)
    if odd:
        error = EventRejectedError(f"{len(odd)} more things in the message are not events", code=Code.UNREADABLE_EVENT)
        with each.attempt():
            quarantine(error, as_kept(json.dumps([events[at] for at in odd])), came_from, ports)
    if rest is not None:
        error = EventRejectedError("the message is not JSON", code=Code.UNREADABLE_EVENT)
        with each.attempt():
            quarantine(error, as_kept(rest), came_from, ports)
    each.raise_first()


def why_of_others(text: str, now: datetime, settings: Settings) -> Code | None:
    """Return why all events in a text are for another reader: of another type, or about another resource."""
    events, rest = events_in(text)
    reasons = {_why_of_others(shallow(one), now, settings) for one in events}
    if rest is not None or not reasons or None in reasons:
        return None
    return Code.OTHER_RESOURCE if Code.OTHER_RESOURCE in reasons else Code.OTHER_EVENT_TYPE


def _why_of_others(envelope: Any, now: datetime, settings: Settings) -> Code | None:
    try:
        _trusted_event(envelope, now, settings)
    except EventRejectedError as error:
        is_named = error.code == Code.OTHER_RESOURCE and names_resource(envelope)
        return error.code if is_named or error.code == Code.OTHER_EVENT_TYPE else None
    return None


def ingest_event(envelope: Any, came_from: Origin, ports: Ports, settings: Settings) -> None:
    """Ingest one event in its envelope (Event Grid schema or CloudEvents).

    Raises:
        StorageError: when something could not be kept; the event must be delivered again.
    """
    envelope = shallow(envelope)
    if (nonce := nonce_of(envelope)) is not None:
        _answer_probe(nonce, came_from, ports)
        return
    with span("ingest_event", came_from=came_from):
        try:
            event, odd = _take(envelope, came_from, ports, settings)
        except (EventRejectedError, UnsafeLocationError) as error:
            if error.code == Code.OTHER_EVENT_TYPE:  # counted, not stored: it is not ours, and may name people
                emit(Event.EVENT_IGNORED, reason=error.code, detail=str(error), came_from=came_from)
            else:
                quarantine(error, payload_of(envelope), came_from, ports)
            return
        for chunk in odd:
            hold_chunk(chunk, event, envelope, came_from, ports)


def _answer_probe(nonce: str, came_from: Origin, ports: Ports) -> None:
    """Record on which path the doctor's event arrived, if the doctor is waiting for it; ignore any other."""
    if ports.catalog.cursor(note_of(nonce)) == WAITING:
        ports.catalog.save_cursor(note_of(nonce), came_from)
    else:
        emit(Event.EVENT_IGNORED, reason="probe_not_awaited", came_from=came_from)


def take_event(envelope: Any, came_from: Origin, ports: Ports, settings: Settings) -> None:
    """Ingest one event for a caller that still has it if it is refused as a whole.

    An event with at least one good chunk is accepted; its odd chunks are quarantined one by one.

    Raises:
        EventRejectedError: it cannot be read or trusted; nothing was changed.
        StorageError: when something could not be kept; the event must be delivered again.
    """
    envelope = shallow(envelope)
    event, odd = _take(envelope, came_from, ports, settings)
    if len(odd) == len(event.chunks) + len(event.odd_chunks):
        raise EventRejectedError(odd[0].detail, code=odd[0].reason)
    for chunk in odd:
        hold_chunk(chunk, event, envelope, came_from, ports)


def _take(
    envelope: Any, came_from: Origin, ports: Ports, settings: Settings
) -> tuple[RecordingFileStatusUpdated, list[OddChunk]]:
    """Enqueue the good chunks of an event; the caller quarantines the odd ones."""
    now = ports.clock.now()
    event = _trusted_event(envelope, now, settings)
    # When a timeless event arrived must not be told by the wrong clock of one instance; or is that clock behind?
    if event.is_timeless or is_from_the_future(envelope, now):
        ports = by_the_shared_clock(ports)
        event = _trusted_event(envelope, ports.clock.now(), settings)
    tasks, odd = tasks_of(event, ports.clock.now(), settings)
    recording = note_recording(event, odd, ports, settings) if tasks else note_announced(event, odd, ports)
    if tasks and recording is not None:
        tasks, twins = one_of_each_object(tasks, recording, ports)
        odd += [twin.odd for twin in twins]
        folder = required(recording.folder, "folder")
        enqueue([task.in_folder(folder) for task in tasks], event, came_from, ports)
        ask_metadata(twins, folder, ports)
    if recording is not None:
        report_end(recording, event, ports, settings)
    return event, odd


def _trusted_event(envelope: Any, arrived_at: datetime, settings: Settings) -> RecordingFileStatusUpdated:
    """Return the event if it is of our type and resource; its chunks are judged one by one."""
    if not isinstance(envelope, Mapping):
        raise EventRejectedError("the event is not a JSON object", code=Code.UNREADABLE_EVENT)
    event = read_event(envelope, arrived_at)
    expected = settings.acs.resource_id
    if expected is not None and (event.resource or "").lower() != expected:
        raise EventRejectedError("the event names another resource, or none", code=Code.OTHER_RESOURCE)
    return event
