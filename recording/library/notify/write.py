"""Write: turn what a subject's records say has happened into rows of the outbox, each event once.

The order of writes makes the death of a worker harmless at any point:

1. An entry is added to the events to be sent.
2. The event is added to the history, from which it can be replayed.
3. The event is added to the subject's list of marks.

Without the mark of the last step the same event is written again, under the same id.
"""

from collections.abc import Iterable, Sequence

from recording.domain.incoming.tenants import only_one
from recording.domain.outgoing.events import EventType, OutgoingEvent, SealedData, Subject, SubjectKind, event_of
from recording.domain.outgoing.from_records import is_recent, of_export, of_recording
from recording.domain.state.recording import RecordingRecord
from recording.errors import ClaimLostError, RequestError, StorageBusyError
from recording.library.handover.export import export_record
from recording.library.seal.log import head_of
from recording.ports import Ports
from recording.ports.clock import shared_now
from recording.ports.outgoing import OutgoingPorts
from recording.ports.outgoing.announce import put_into_outbox
from recording.ports.stored import all_chunks_of
from recording.telemetry import Event, emit

TRIES = 5  # others may write the same list of marks meanwhile
MARK = 16  # characters of an id: 64 bits, among the few events of one subject


def write_events(subject: Subject, ports: Ports, outgoing: OutgoingPorts, more: Sequence[OutgoingEvent] = ()) -> int:
    """Write a subject's unwritten events; return how many.

    Args:
        subject: whose records are read.
        ports: where they are.
        outgoing: with the outbox.
        more: events that no record keeps.

    Raises:
        StorageError: records or outbox do not answer; the same call again completes it.
    """
    now = ports.clock.now()
    if not all(is_recent(event, now) for event in more):  # no record keeps them: a clock that is ahead must not decide
        now = shared_now(ports)
    recent = [event for event in more if is_recent(event, now)]
    happened = [*happened_to(subject, ports), *_with_tenant(recent, subject, ports)]
    if not happened:
        return 0
    for _ in range(TRIES):
        marks, etag = outgoing.outbox.marks(subject)
        fresh = [event for event in happened if mark_of(event) not in marks]
        if not fresh:
            return 0
        put_into_outbox(fresh, ports.clock.now(), outgoing)
        try:
            outgoing.outbox.save_marks(subject, marks | {mark_of(event) for event in fresh}, etag)
        except ClaimLostError:
            continue
        for event in fresh:
            emit(Event.NOTIFY_WRITTEN, event_id=event.id, reason=event.type, recording_id=event.data.get("recordingId"))
        return len(fresh)
    raise StorageBusyError("the list of a subject's events keeps changing")


def unwritten(
    subject: Subject, ports: Ports, outgoing: OutgoingPorts, record: RecordingRecord | None = None
) -> list[OutgoingEvent]:
    """Return a subject's events without a mark; empty when the outbox has them all.

    Args:
        subject: whose records are read.
        ports: where they are.
        outgoing: with the outbox.
        record: the row of a recording, where it was read just now.

    Raises:
        StorageError: records or outbox do not answer.
    """
    happened = happened_to(subject, ports, record)
    if not happened:
        return []
    marks, _ = outgoing.outbox.marks(subject)
    return [event for event in happened if mark_of(event) not in marks]


def mark_of(event: OutgoingEvent) -> str:
    """Return the mark of an event."""
    return event.id[:MARK]


def happened_to(subject: Subject, ports: Ports, record: RecordingRecord | None = None) -> list[OutgoingEvent]:
    """Return the events of the last days according to a subject's records; `record`, if it was just read.

    Raises:
        StorageError: the records do not answer.
    """
    now = ports.clock.now()
    if subject.kind is SubjectKind.RECORDING:
        custody = ports.keeping.custody(subject.id) if ports.keeping is not None else None
        record = record or ports.catalog.get_recording(subject.id)
        chunks, unread = all_chunks_of(subject.id, ports.catalog)
        found = of_recording(record, chunks, custody, now, unread)
        return [event.of_tenant(record.tenant if record is not None else None) for event in found]
    if subject.kind is SubjectKind.EXPORT:
        return [event for event in _of_export(subject.id, ports) if is_recent(event, now)]
    if subject.kind is SubjectKind.SEAL:
        return [event for event in _of_seal(subject, ports) if is_recent(event, now)]
    return []


def _of_export(export_id: str, ports: Ports) -> list[OutgoingEvent]:
    try:
        export = export_record(export_id, ports)
    except RequestError:
        return []
    return [event.of_tenant(only_one(export.tenants)) for event in of_export(export)]


def _of_seal(subject: Subject, ports: Ports) -> Iterable[OutgoingEvent]:
    """Yield the newest checkpoint; it contains all earlier ones."""
    if ports.seal is None:
        return
    head = head_of(ports, ports.seal)
    if head.at is not None:
        data = SealedData(checkpoint=head.number, leaves=head.tree.size)
        yield event_of(EventType.SEALED, subject, head.at, data, head.number)


def _with_tenant(events: Sequence[OutgoingEvent], subject: Subject, ports: Ports) -> list[OutgoingEvent]:
    """Return events that no record stores, marked with the recording's tenant where the sender does not know it."""
    if not events or subject.kind is not SubjectKind.RECORDING:
        return list(events)
    record = ports.catalog.get_recording(subject.id)
    return [event.of_tenant(record.tenant if record is not None else event.tenant) for event in events]
