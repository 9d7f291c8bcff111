"""Announce: ask that what happened be reported. Whatever changes a state calls this, and knows no receivers (I14)."""

from datetime import timedelta

from recording.domain.incoming.tenants import only_one
from recording.domain.outgoing.events import OutgoingEvent, Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask
from recording.errors import RecordingError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.outgoing import OutgoingPorts
from recording.telemetry import Event, emit

IN_CASE = timedelta(minutes=1)  # after an act that is announced beforehand; none takes so long


def announce(recording_id: str, ports: Ports, delay: timedelta = timedelta()) -> None:
    """Ask that what happened to a recording be reported; a queue that fails is logged, and the timer catches up."""
    announce_subject(SubjectKind.RECORDING, recording_id, ports, delay)


def announce_subject(kind: SubjectKind, subject_id: str, ports: Ports, delay: timedelta = timedelta()) -> None:
    """Ask that what happened to a subject be reported. Costs nothing where no events go out."""
    if ports.outgoing is not None and subject_id:
        _send(NotifyTask(subject=Subject(kind=kind, id=subject_id)), ports.outgoing, delay)


def announce_event(event: OutgoingEvent, ports: Ports) -> None:
    """Report an event that no record keeps; the message itself is its row in the outbox."""
    if ports.outgoing is not None:
        told = event.of_tenant(only_one(ports.scope.tenants)) if ports.scope is not None else event
        _send(NotifyTask(subject=told.subject, event=told), ports.outgoing, timedelta())


def _send(task: NotifyTask, outgoing: OutgoingPorts, delay: timedelta) -> None:
    try:
        outgoing.queue.send(task, delay)
    except (RecordingError, OSError) as error:
        code = error.code if isinstance(error, RecordingError) else Code.INTERNAL_ERROR
        emit(Event.NOTIFY_FAILED, code=code, reason="not_sent", entry=task.subject.name)
