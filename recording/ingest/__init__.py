"""Ingest: one event becomes one task per chunk; what cannot be trusted is kept alone, and the rest goes its way.

Nothing is requested from anywhere here: a forged event costs nobody anything (I6). Order within a chunk matters: the
catalog knows a chunk before the queue does, so a lost message is found by `reconcile`, and a lost answer is only
another delivery.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recording.domain.ids import without_numbers
from recording.domain.incoming.delivery import events_in
from recording.domain.incoming.events import (
    OddChunk,
    RecordingFileStatusUpdated,
    is_from_the_future,
    read_event,
)
from recording.domain.incoming.probe_event import WAITING, nonce_of, note_of
from recording.domain.state.quarantine import Origin
from recording.errors import EventRejectedError, UnsafeLocationError
from recording.errors.codes import Code
from recording.ingest.hold import hold_chunk, payload_of, quarantine
from recording.ingest.queue_tasks import enqueue
from recording.ingest.recording import announced_more, recording_of, report_end
from recording.ingest.tasks import tasks_of
from recording.ingest.twins import ask_metadata, one_of_each_object
from recording.ports import Ports
from recording.ports.clock import by_the_shared_clock
from recording.settings import Settings
from recording.telemetry import Event, emit, span


def ingest_text(text: str, came_from: Origin, ports: Ports, settings: Settings) -> None:
    """Ingest what a queue message or a dead letter holds: events one after the other, or arrays of them.

    Raises:
        StorageError: when something could not be kept; the message must be delivered again.
    """
    events, rest = events_in(text)
    for envelope in events:
        ingest_event(envelope, came_from, ports, settings)
    if rest is not None:
        error = EventRejectedError("the message is not JSON", code=Code.UNREADABLE_EVENT)
        quarantine(error, without_numbers(rest), came_from, ports)


def ingest_event(envelope: Any, came_from: Origin, ports: Ports, settings: Settings) -> None:
    """Ingest one event in its envelope (Event Grid schema or CloudEvents).

    Raises:
        StorageError: when something could not be kept; the event must be delivered again.
    """
    if (nonce := nonce_of(envelope)) is not None:
        _answer_probe(nonce, came_from, ports)
        return
    with span("ingest_event", came_from=came_from):
        try:
            event, odd = _take(envelope, came_from, ports, settings)
        except (EventRejectedError, UnsafeLocationError) as error:
            if error.code == Code.OTHER_EVENT_TYPE:  # counted, not kept: it is not ours, and may name people
                emit(Event.EVENT_IGNORED, reason=error.code, detail=str(error), came_from=came_from)
            else:
                quarantine(error, payload_of(envelope), came_from, ports)
            return
        for chunk in odd:
            hold_chunk(chunk, event, envelope, came_from, ports)


def _answer_probe(nonce: str, came_from: Origin, ports: Ports) -> None:
    """Note which way the doctor's event arrived, if the doctor waits for it; any other one is ignored."""
    if ports.catalog.cursor(note_of(nonce)) == WAITING:
        ports.catalog.save_cursor(note_of(nonce), came_from)
    else:
        emit(Event.EVENT_IGNORED, reason="probe_not_awaited", came_from=came_from)


def take_event(envelope: Any, came_from: Origin, ports: Ports, settings: Settings) -> None:
    """Ingest one event for a caller who has kept what may be refused as a whole.

    An event with one good chunk is taken; its odd chunks are kept, each on its own.

    Raises:
        EventRejectedError: it cannot be read or trusted; nothing was changed.
        StorageError: when something could not be kept; the event must be delivered again.
    """
    event, odd = _take(envelope, came_from, ports, settings)
    if len(odd) == len(event.chunks) + len(event.odd_chunks):
        raise EventRejectedError(odd[0].detail, code=odd[0].reason)
    for chunk in odd:
        hold_chunk(chunk, event, envelope, came_from, ports)


def _take(
    envelope: Any, came_from: Origin, ports: Ports, settings: Settings
) -> tuple[RecordingFileStatusUpdated, list[OddChunk]]:
    """Enqueue the good chunks of an event; the odd ones are the caller's to keep."""
    event = _trusted_event(envelope, ports.clock.now(), settings)
    if is_from_the_future(envelope, ports.clock.now()):  # or is it this instance's clock that is behind?
        ports = by_the_shared_clock(ports)
        event = _trusted_event(envelope, ports.clock.now(), settings)
    tasks, odd = tasks_of(event, ports.clock.now(), settings)
    recording = recording_of(event, odd, ports, settings) if tasks else announced_more(event, odd, ports)
    if tasks and recording is not None:
        tasks, twins = one_of_each_object(tasks, recording, ports)
        odd += [twin.odd for twin in twins]
        enqueue([task.in_folder(recording.folder or "") for task in tasks], event, came_from, ports)
        ask_metadata(twins, recording.folder or "", ports)
    if recording is not None:
        report_end(recording, event, ports, settings)
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
