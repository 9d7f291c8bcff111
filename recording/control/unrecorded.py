"""Raise the alarm about a call that must be recorded and is not: once for each end, in doubt twice under one id."""

from datetime import datetime

from recording.control.notes import note, policy_of
from recording.domain.outgoing.derived import unrecorded
from recording.domain.outgoing.events import mark_text
from recording.domain.state.recording import RecordingRecord, Unrecorded
from recording.domain.state.records import RecordingChanges
from recording.ports import Ports
from recording.ports.outgoing.announce import announce_event
from recording.settings import Settings
from recording.telemetry import Event, emit

MOST_ALARMS = 50  # of one recording that its row keeps, the newest


def tell_stopped(record: RecordingRecord, reason: str, ports: Ports, settings: Settings) -> None:
    """Raise the alarm about the end of what must be recorded, then note it: in doubt twice, with one id."""
    if record.stopped_alarm_at is None and policy_of(record, settings).must_be_recorded:
        tell_unrecorded(record, reason, ports.clock.now(), ports, settings)
        note_end_told(record.recording_id, ports)


def note_end_told(recording_id: str, ports: Ports) -> None:
    """Note that the end of what must be recorded is reported, so that no other alarm about it follows."""
    now = ports.clock.now()
    note(recording_id, ports, lambda row: RecordingChanges(stopped_alarm_at=row.stopped_alarm_at or now))


def tell_unrecorded(
    record: RecordingRecord, reason: str, at: datetime, ports: Ports, settings: Settings, *marks: object
) -> None:
    """Raise the alarm about a call that is not recorded any more, where its policy says that it must be.

    It is announced at once, and then noted where events go out: what a queue that fails has lost is found there.

    Raises:
        StorageError: it could not be noted; the same again completes it.
    """
    if not policy_of(record, settings).must_be_recorded:
        return
    emit(Event.UNRECORDED, recording_id=record.recording_id, reason=reason)
    raised = Unrecorded(reason=reason, at=at, marks=tuple(map(mark_text, marks)))
    announce_event(unrecorded(record.recording_id, raised), ports)
    if ports.outgoing is not None:
        note(record.recording_id, ports, lambda row: _with_alarm(row, raised))


def _with_alarm(row: RecordingRecord, raised: Unrecorded) -> RecordingChanges | None:
    """Return an alarm beside those before it; nothing for one that is there, or another about the same end."""
    if unrecorded(row.recording_id, raised).id in {unrecorded(row.recording_id, one).id for one in row.unrecorded}:
        return None
    return {"unrecorded": (*row.unrecorded[1 - MOST_ALARMS :], raised)}
