"""End a pause that is too long, as the policy says: resume, stop, or raise an alarm."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from recording.control.acs_state import acs_state, is_paused, is_recording, may_be_paused
from recording.control.audit import act_by_policy
from recording.control.consents import carry_out_for_good, is_waiting
from recording.control.guards.fired import Fired, report_unrecorded_call, stop_by_policy
from recording.control.notes import note
from recording.control.pause_notes import end_pause, open_ids
from recording.control.resumes import lacks_consent, resume_recording
from recording.domain.calls.guards import GuardTask
from recording.domain.calls.pauses import CommandedPause, PauseEnd, guarded_pause, with_pause_changes
from recording.domain.calls.policy import TimeIsUp
from recording.domain.calls.watch import PAUSED_TOO_LONG
from recording.domain.incoming.roles import Operation
from recording.domain.outgoing.from_records import overdue
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.outgoing.announce import announce_event
from recording.telemetry import Event, emit


def end_long_pause(fired: Fired) -> None:
    """End the guard's pause as the policy says: resume, stop, or raise an alarm; leave any other pause alone."""
    if fired.task.seconds is not None:
        fired = replace(fired, record=_note_late(fired.task, timedelta(seconds=fired.task.seconds), fired))
    pause, record, ports = guarded_pause(fired.record.pauses), fired.record, fired.ports
    if pause is None or pause.id != fired.task.mark:
        return
    if lacks_consent(record, fired.settings):
        _leave_to_consent(pause, fired)
        return
    then = fired.policy.on_pause_timeout
    was_known = report_unrecorded_call(fired, PAUSED_TOO_LONG, fired.task.mark)
    ended = _note_end_at_acs(pause, record, ports) if then is not TimeIsUp.RESUME else None
    if ended in (PauseEnd.ELSEWHERE, PauseEnd.REFUSED):  # it records again: nothing to stop, and nothing to decide
        return
    if then is TimeIsUp.ALARM:
        if ended is None:
            raise_overdue(record, pause.id, ports)
        return
    if ended is None and (then is TimeIsUp.STOP or _is_still_paused(fired)):
        row = _note_time_up(pause, record, ports)
        if pause.id not in open_ids(row):  # it was resumed at this moment
            return
        if lacks_consent(row, fired.settings):
            _leave_to_consent(pause, replace(fired, record=row))
            return
    seconds = round((pause.length or timedelta()).total_seconds())
    reason = f"the pause has lasted {seconds} s, as long as it was asked for; policy {fired.policy.name}"
    if then is TimeIsUp.STOP:
        stop_by_policy(record, reason, ports, was_known=was_known)
    else:
        _resume(pause, record, reason, ports)


def _note_late(task: GuardTask, length: timedelta, fired: Fired) -> RecordingRecord:
    """Note a pause whose own note failed, if ACS pauses the recording and no other pause explains it."""
    record, now = fired.record, fired.ports.clock.now()
    is_explained = record.last_action in (LastAction.STARTED_PAUSED, LastAction.STOPPED)
    if is_explained or not is_paused(acs_state(record.recording_id, record, fired.ports)):
        return record
    wanted = CommandedPause(id=task.mark, at=now - length, ends_by=now, settled=True)

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        others = [one for one in row.pauses if one.ended_at is None or one.ended_at > wanted.at]
        return None if others else {"pauses": (*row.pauses, wanted)}

    return note(record.recording_id, fired.ports, decide)


def _leave_to_consent(pause: CommandedPause, fired: Fired) -> None:
    """Carry out what consent asks for instead: no end of a pause records without consent."""
    record = carry_out_for_good(fired.record, fired.ports, fired.settings)
    if record.is_withdrawn:
        # It is paused by the withdrawal now, and goes on when consent is given.
        record = end_pause(record.recording_id, PauseEnd.TIME_UP, fired.ports, pause_id=pause.id)
    if lacks_consent(record, fired.settings):
        if pause.id in open_ids(record) and not is_waiting(record, fired.policy):
            raise_overdue(record, pause.id, fired.ports)  # new tags require consent, and nothing else would end it
        return
    if pause.id in open_ids(record):  # consent was given at this moment
        end_long_pause(replace(fired, record=record))
    elif not open_ids(record):
        _resume(pause, record, "consent was given while its pause was being ended", fired.ports)


def _note_time_up(pause: CommandedPause, record: RecordingRecord, ports: Ports) -> RecordingRecord:
    """Note that a pause is too long before it is ended: the event and the report about it follow from the note."""

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        is_open = pause.id in open_ids(row)
        return {"pauses": with_pause_changes(row.pauses, pause.id, {"time_up": True})} if is_open else None

    return note(record.recording_id, ports, decide)


def _is_still_paused(fired: Fired) -> bool:
    """Return whether ACS may still pause the recording; without an answer, it may."""
    try:
        return may_be_paused(acs_state(fired.record.recording_id, fired.record, fired.ports))
    except ControlError:
        return True


def _note_end_at_acs(pause: CommandedPause, record: RecordingRecord, ports: Ports) -> PauseEnd | None:
    """Note the end of a pause that is over at ACS, and return how it ended; None while ACS may pause."""
    state = acs_state(record.recording_id, record, ports)
    if may_be_paused(state):
        return None
    how = PauseEnd.OVER
    if is_recording(state):  # and if no pause was noted, ACS's answer to it was lost, or it never paused
        how = PauseEnd.ELSEWHERE if record.last_action is LastAction.PAUSED else PauseEnd.REFUSED
    end_pause(record.recording_id, how, ports, pause_id=pause.id)
    return how


def _resume(pause: CommandedPause, record: RecordingRecord, reason: str, ports: Ports) -> None:
    """Resume; where ACS refuses because the pause is over already, note its end instead."""
    name, ids = record.recording_id, open_ids(record)

    def act() -> dict[str, Any]:
        return resume_recording(name, ports, PauseEnd.TIME_UP, only=ids)

    try:
        act_by_policy(Operation.RESUME, name, reason, ports, act)
    except ControlError as error:
        is_refused = error.code in (Code.RECORDING_NOT_FOUND, Code.PAUSE_RESUME_NOT_ALLOWED)
        if not is_refused or _note_end_at_acs(pause, record, ports) is None:
            raise


def raise_overdue(record: RecordingRecord, pause_id: str, ports: Ports) -> None:
    """Raise the alarm about a pause, once; the row shows it until the pause is over, and its event goes out after that.

    A pause that has ended meanwhile raises none, for nothing would end that alarm.

    Raises:
        StorageError: it could not be noted, or its event is safe nowhere but on the row; the same again completes it.
    """
    now, is_new = ports.clock.now(), False

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        nonlocal is_new
        pause = guarded_pause(row.pauses)
        is_new = row.call_alarm != Code.PAUSE_OVERDUE and pause is not None and pause.id == pause_id
        if not is_new:
            return None
        return {
            "call_alarm": Code.PAUSE_OVERDUE.value,
            "call_alarm_since": now,
            "stands": row.stands or Code.PAUSE_OVERDUE.value,
            "settled_at": None,
            "pauses": with_pause_changes(row.pauses, pause_id, {"overdue_since": now}),
        }

    record = note(record.recording_id, ports, decide)
    if is_new:
        emit(Event.PAUSE_OVERDUE, recording_id=record.recording_id, code=Code.PAUSE_OVERDUE)
    if record.call_alarm == Code.PAUSE_OVERDUE and record.call_alarm_since is not None:
        announce_event(overdue(record.recording_id, record.call_alarm_since).of_tenant(record.tenant), ports)
