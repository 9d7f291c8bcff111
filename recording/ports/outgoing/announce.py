"""Announce: ask that what happened be reported. Whatever changes a state calls this, and knows no receivers (I14)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from recording.domain.incoming.tenants import only_one
from recording.domain.outgoing.delivery import Entry
from recording.domain.outgoing.events import OutgoingEvent, Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask
from recording.errors import RecordingError, StorageBusyError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.outgoing import OutgoingPorts, is_for
from recording.telemetry import Event, emit

IN_CASE = timedelta(minutes=1)  # after an act that is announced beforehand; none takes so long


def announce(recording_id: str, ports: Ports, delay: timedelta = timedelta()) -> None:
    """Ask that what happened to a recording be reported; a queue that fails is logged, and the timer catches up."""
    announce_subject(SubjectKind.RECORDING, recording_id, ports, delay)


def announce_subject(kind: SubjectKind, subject_id: str, ports: Ports, delay: timedelta = timedelta()) -> None:
    """Ask that what happened to a subject be reported. Costs nothing where no events go out."""
    if ports.outgoing is not None and subject_id:
        _is_sent(NotifyTask(subject=Subject(kind=kind, id=subject_id)), ports.outgoing, delay)


def announce_event(event: OutgoingEvent, ports: Ports) -> None:
    """Report an event that no record keeps: by a message that carries it, else by its row in the outbox.

    Raises:
        StorageError: neither queue nor outbox takes it; the same again reports it under the same id.
    """
    if ports.outgoing is None:
        return
    if event.tenant is None and ports.scope is not None:
        event = event.of_tenant(only_one(ports.scope.tenants))
    if _is_sent(NotifyTask(subject=event.subject, event=event), ports.outgoing, timedelta()):
        return
    try:
        put_into_outbox([event], ports.clock.now(), ports.outgoing)  # the timer finds it there
    except OSError as error:
        raise StorageBusyError("neither the outbox nor its queue accepts an event") from error


def put_into_outbox(events: Sequence[OutgoingEvent], now: datetime, outgoing: OutgoingPorts) -> None:
    """Add events to those that wait, where a receiver wants them, and to the history.

    Raises:
        StorageError: the outbox does not answer; the same again completes it.
    """
    for event in events:
        if any(is_for(way, event) for way in outgoing.ways):
            outgoing.outbox.add(Entry(event=event, added_at=now))
        outgoing.outbox.keep(event)


def _is_sent(task: NotifyTask, outgoing: OutgoingPorts, delay: timedelta) -> bool:
    try:
        outgoing.queue.send(task, delay)
    except (RecordingError, OSError) as error:
        code = error.code if isinstance(error, RecordingError) else Code.INTERNAL_ERROR
        emit(Event.NOTIFY_FAILED, code=code, reason="not_sent", entry=task.subject.name)
        return False
    return True
