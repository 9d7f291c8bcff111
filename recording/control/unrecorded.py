"""Raise the alarm about a call that must be recorded and is not.

Each end is reported once. A worker that dies between alarm and note leaves a second report of the same end; both have
one id, so that a receiver can tell.
"""

from contextlib import suppress
from datetime import datetime

from recording.control.acs_state import acs_state
from recording.control.notes import note, policy_of
from recording.domain.calls.policy import Withdrawal
from recording.domain.calls.watch import CALL_STOPPED, CONSENT_WITHDRAWN
from recording.domain.outgoing.events import mark_text
from recording.domain.outgoing.from_records import unrecorded
from recording.domain.state.recording import LastAction, RecordingRecord, Unrecorded
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError, StorageError
from recording.ports import Ports
from recording.ports.outgoing.announce import announce_event
from recording.settings import Settings
from recording.telemetry import Event, emit

MOST_ALARMS = 50  # the newest that a recording's row keeps


def report_stopped(record: RecordingRecord, reason: str, ports: Ports, settings: Settings) -> None:
    """Raise the alarm about the end of what must be recorded, then note that it is reported.

    Raises:
        StorageError: it could not be noted; the same again completes it, under the same id.
    """
    if record.stopped_alarm_at is None and policy_of(record, settings).must_be_recorded:
        report_unrecorded(record, reason, ports.clock.now(), ports, settings)
        note_end_reported(record.recording_id, ports)


def is_stopped_here(record: RecordingRecord) -> bool:
    """Return whether it was stopped through this app, and not found to be over before."""
    return record.last_action is LastAction.STOPPED and record.ended_seen_at is None


def report_before_start(record: RecordingRecord, ports: Ports, settings: Settings) -> None:
    """Raise the alarm about a stop, or a withdrawal of consent, that was faster than the note of the start.

    The row did not show its policy then; now it does. What is reported already is not reported again.

    Raises:
        StorageError: as `report_stopped`.
    """
    if is_stopped_here(record):
        report_stopped(record, CALL_STOPPED, ports, settings)
    elif record.is_withdrawn:
        since = record.consents[-1].at
        if not any((one.reason, one.at) == (CONSENT_WITHDRAWN, since) for one in record.unrecorded):
            report_withdrawn(record, ports, settings)


def report_withdrawn(record: RecordingRecord, ports: Ports, settings: Settings) -> None:
    """Raise the alarm about a call that must be recorded, and whose consent is withdrawn; none where it is over at ACS.

    Raises:
        StorageError: as `report_unrecorded`.
    """
    with suppress(ControlError):  # without an answer it is reported, too
        if acs_state(record.recording_id, record, ports) is None:
            return
    since = record.consents[-1].at
    report_unrecorded(record, CONSENT_WITHDRAWN, since, ports, settings, since)
    if policy_of(record, settings).on_withdrawal is Withdrawal.STOP:  # the stop that follows is not another alarm
        note_end_reported(record.recording_id, ports)


def note_end_reported(recording_id: str, ports: Ports) -> None:
    """Note that the end of what must be recorded is reported, so that no other alarm about it follows."""
    now = ports.clock.now()
    note(recording_id, ports, lambda row: RecordingChanges(stopped_alarm_at=row.stopped_alarm_at or now))


def report_unrecorded(
    record: RecordingRecord, reason: str, at: datetime, ports: Ports, settings: Settings, *marks: object
) -> None:
    """Raise the alarm about a call that is not recorded any more, where its policy says that it must be.

    The event is announced at once, and noted on the row: what neither queue nor outbox takes is sent from there.

    Args:
        record: the recording's row.
        reason: why the call is not recorded, as the event says it.
        at: when that began, or was found out.
        ports: the queue of events, and the catalog.
        settings: for the policy.
        marks: what tells this alarm from others with the same reason; a part of the event's id.

    Raises:
        StorageError: it could not be noted; the same again completes it.
    """
    if not policy_of(record, settings).must_be_recorded:
        return
    emit(Event.UNRECORDED, recording_id=record.recording_id, reason=reason)
    raised = Unrecorded(reason=reason, at=at, marks=tuple(map(mark_text, marks)))
    with suppress(StorageError):
        announce_event(unrecorded(record.recording_id, raised).of_tenant(record.tenant), ports)
    if ports.outgoing is not None:
        note(record.recording_id, ports, lambda row: _with_alarm(row, raised))


def _with_alarm(row: RecordingRecord, raised: Unrecorded) -> RecordingChanges | None:
    """Return the row's alarms with this one; None when one of the same id is there."""
    if unrecorded(row.recording_id, raised).id in {unrecorded(row.recording_id, one).id for one in row.unrecorded}:
        return None
    return {"unrecorded": (*row.unrecorded[1 - MOST_ALARMS :], raised)}
