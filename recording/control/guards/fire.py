"""Guards fire: they end pauses, stop recordings that lack consent or last too long, and watch what must be recorded.

Each guard reads the recording's row and does only what is still to be done, so a message may be delivered twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from recording.control.acs_state import acs_state, is_paused, is_recording, may_be_paused
from recording.control.audit import act_by_policy
from recording.control.consents import carry_out, carry_out_for_good, is_waiting
from recording.control.notes import note, policy_of
from recording.control.pause_notes import end_pause, open_ids
from recording.control.resumes import lacks_consent, resume_recording, stop_recording
from recording.control.settling import look_again, settle
from recording.control.unrecorded import note_end_reported, report_stopped, report_unrecorded
from recording.control.watching import look, watch_later, watch_withdrawn
from recording.domain.calls import watch
from recording.domain.calls.consent import ConsentState, consent_state
from recording.domain.calls.guards import LOOKS, VERSION, GuardKind, GuardTask, read_guard, wait_before
from recording.domain.calls.pauses import CommandedPause, PauseEnd, guarded_pause, open_withdrawal, with_facts
from recording.domain.calls.policy import CallPolicy, ConsentRule, TimeIsUp
from recording.domain.calls.watch import CALL_STOPPED, PAUSED_TOO_LONG
from recording.domain.incoming.roles import Operation
from recording.domain.outgoing.derived import ends_soon, overdue
from recording.domain.schema import is_newer_message
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError, RecordingError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.guards import Guards
from recording.ports.outgoing.announce import announce_event
from recording.settings import Settings
from recording.telemetry import Event, emit

NEWER_AFTER = timedelta(minutes=1)  # a message of a newer version, until another worker is offered it


@dataclass(frozen=True)
class _Fired:
    """A guard that fires, with the recording's row as it is now."""

    task: GuardTask
    record: RecordingRecord
    ports: Ports
    settings: Settings

    @property
    def policy(self) -> CallPolicy:
        return policy_of(self.record, self.settings)


def guard_message(text: str, ports: Ports, settings: Settings) -> None:
    """Carry out one message of `recording-guards`.

    Raises:
        StorageError: the catalog does not answer; the host delivers the message again.
    """
    if is_newer_message(text, VERSION) and ports.guards is not None:
        ports.guards.send_again(text, NEWER_AFTER)
        return
    task = read_guard(text)
    if task is None:
        emit(Event.GUARD_FAILED, code=Code.UNREADABLE_TASK)
        return
    record = ports.catalog.get_recording(task.recording_id)
    if record is None:
        return
    try:
        _ACTS[task.kind](_Fired(task, record, ports, settings))
    except ControlError as error:
        _try_again(task, record, error, ports)


# --- what is enqueued ------------------------------------------------------------------------------------------------


def send_guards_of_start(name: str, policy: CallPolicy, ports: Ports, *, has_consent: bool) -> None:
    """Enqueue the guards of a recording that starts, before its start is noted: no note is left without its guards.

    Raises:
        StorageError: nothing is noted yet, and the same start completes it.
    """
    if ports.guards is None:
        return
    if policy.consent is ConsentRule.FIRST and not has_consent:
        within = policy.consent_within_seconds
        task = GuardTask(recording_id=name, kind=GuardKind.CONSENT, seconds=within)
        ports.guards.send(task, timedelta(seconds=within))
    if policy.must_be_recorded:
        watch_later(name, round(watch.EVERY.total_seconds()), "", watch.EVERY, ports.guards)
    if policy.longest_recording_seconds is not None:
        _warn_later(name, policy.longest_recording_seconds, policy, 0, ports.guards)
        _stop_later(name, policy.longest_recording_seconds, 0, ports.guards)


def _warn_later(name: str, longest: int, policy: CallPolicy, lasted: int, guards: Guards) -> None:
    """Enqueue the warning before a recording is stopped; visible at once where its time has passed already.

    Args:
        name: the recording's id.
        longest: seconds that it may last.
        policy: says how many seconds before that the warning is due.
        lasted: seconds that it has lasted.
        guards: the queue.
    """
    if 0 < policy.warn_before_seconds < longest:
        at = max(longest - policy.warn_before_seconds, lasted)
        task = GuardTask(recording_id=name, kind=GuardKind.WARNING, seconds=at)
        guards.send(task, timedelta(seconds=at - lasted))


def _stop_later(name: str, longest: int, lasted: int, guards: Guards) -> None:
    at = max(longest, lasted)
    task = GuardTask(recording_id=name, kind=GuardKind.LONGEST, seconds=at)
    guards.send(task, timedelta(seconds=at - lasted))


def send_guard_again(record: RecordingRecord, ports: Ports) -> None:
    """Enqueue another guard of a pause that should be over; the first message may have been lost with a worker.

    It waits as long as the pause was requested for, counted from now: even a fast clock of this instance ends no pause
    early.
    """
    pause = guarded_pause(record.pauses)
    if pause is None or pause.length is None or pause.at + pause.length > ports.clock.now() or ports.guards is None:
        return
    task = GuardTask(recording_id=record.recording_id, kind=GuardKind.PAUSE, mark=pause.id)
    ports.guards.send(task, pause.length)


def alarm_without_consent(record: RecordingRecord, now: datetime, settings: Settings) -> RecordingChanges:
    """Return the alarm about a recording that was started elsewhere without the consent that its policy requires."""
    if record.started_here or record.call_alarm is not None:
        return {}
    if policy_of(record, settings).consent is ConsentRule.NOT_REQUIRED:
        return {}
    if consent_state(record.consent, record.consents) is ConsentState.GIVEN:
        return {}
    return {"call_alarm": Code.CONSENT_MISSING.value, "call_alarm_since": now}


# --- what a guard does -----------------------------------------------------------------------------------------------


def _end_pause(fired: _Fired) -> None:
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
    was_known = _report_unrecorded(fired, PAUSED_TOO_LONG, fired.task.mark)
    ended = _note_end_at_acs(pause, record, ports) if then is not TimeIsUp.RESUME else None
    if ended in (PauseEnd.ELSEWHERE, PauseEnd.REFUSED):  # it records again: nothing to stop, and nothing to decide
        return
    if then is TimeIsUp.ALARM:
        if ended is None:
            _raise_overdue(record, pause.id, ports)
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
        _stop(record, reason, ports, was_known=was_known)
    else:
        _resume(pause, record, reason, ports)


def _note_late(task: GuardTask, length: timedelta, fired: _Fired) -> RecordingRecord:
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


def _leave_to_consent(pause: CommandedPause, fired: _Fired) -> None:
    """Carry out what consent asks for instead: no end of a pause records without consent."""
    record = carry_out_for_good(fired.record, fired.ports, fired.settings)
    if record.is_withdrawn:
        # It is paused by the withdrawal now, and goes on when consent is given.
        record = end_pause(record.recording_id, PauseEnd.TIME_UP, fired.ports, pause_id=pause.id)
    if lacks_consent(record, fired.settings):
        if pause.id in open_ids(record) and not is_waiting(record, fired.policy):
            _raise_overdue(record, pause.id, fired.ports)  # new tags require consent, and nothing else would end it
        return
    if pause.id in open_ids(record):  # consent was given at this moment
        _end_pause(replace(fired, record=record))
    elif not open_ids(record):
        _resume(pause, record, "consent was given while its pause was being ended", fired.ports)


def _report_unrecorded(fired: _Fired, reason: str, *marks: object) -> bool:
    """Raise the alarm about a call that must be recorded and is not; before all else, so that no death loses it.

    A recording that goes on although it should be paused raises none, and neither does one that ACS does not know.

    Returns:
        Whether ACS knows the recording; False where it was not asked.
    """
    if not fired.policy.must_be_recorded:
        return False
    record, ports = fired.record, fired.ports
    state = acs_state(record.recording_id, record, ports)
    if state is not None and reason == CALL_STOPPED:
        report_stopped(record, reason, ports, fired.settings)
    elif is_paused(state):
        report_unrecorded(record, reason, ports.clock.now(), ports, fired.settings, *marks)
        if fired.policy.on_pause_timeout is TimeIsUp.STOP:  # the stop that follows is not another alarm
            note_end_reported(record.recording_id, ports)
    return state is not None


def _note_time_up(pause: CommandedPause, record: RecordingRecord, ports: Ports) -> RecordingRecord:
    """Note that a pause is too long before it is ended: the event and the report about it follow from the note."""

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        is_open = pause.id in open_ids(row)
        return {"pauses": with_facts(row.pauses, pause.id, {"time_up": True})} if is_open else None

    return note(record.recording_id, ports, decide)


def _is_still_paused(fired: _Fired) -> bool:
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


def _stop_without_consent(fired: _Fired) -> None:
    """Stop a recording that has waited for consent since its start; carry out any step that was noted meanwhile."""
    policy, record = fired.policy, fired.record
    state = consent_state(record.consent, record.consents)
    if state is ConsentState.GIVEN or not is_waiting(record, policy):
        carry_out_for_good(record, fired.ports, fired.settings)
        return
    seconds = policy.consent_within_seconds if fired.task.seconds is None else fired.task.seconds
    was_known = _report_unrecorded(fired, CALL_STOPPED)
    _stop(record, f"no consent within {seconds} s; policy {policy.name}", fired.ports, was_known=was_known)


def _carry_out_consent(fired: _Fired) -> None:
    """Carry out a noted step; even if the row says paused, since a resume whose worker died may have reached ACS."""
    if fired.task.seconds is None:
        watch_withdrawn(carry_out_for_good(fired.record, fired.ports, fired.settings), fired.ports, fired.settings)
        return
    pause, record = open_withdrawal(fired.record.pauses), fired.record
    if pause is not None and fired.task.seconds == LOOKS[-1]:
        record = settle(pause, record, fired.ports)
    carry_out(record, fired.ports, fired.settings)


def _warn_of_end(fired: _Fired) -> None:
    """Warn that the recording will be stopped, by the policy that covers it now.

    Where that policy lets it last longer than the one at its start, the warning is put off; where shorter, the policy
    applies at once.
    """
    policy, record, guards = fired.policy, fired.record, fired.ports.guards
    longest = policy.longest_recording_seconds
    if record.last_action is LastAction.STOPPED or longest is None or guards is None:
        return
    lasted = longest - policy.warn_before_seconds if fired.task.seconds is None else fired.task.seconds
    if lasted < longest - policy.warn_before_seconds:
        _warn_later(record.recording_id, longest, policy, lasted, guards)
        return
    left = max(longest - lasted, 0)
    if left < policy.warn_before_seconds:  # the stop that is enqueued already may be for a later time
        _stop_later(record.recording_id, longest, lasted, guards)
    emit(Event.ENDS_SOON, recording_id=record.recording_id, time_left_seconds=timedelta(seconds=left))
    event = ends_soon(record.recording_id, left, fired.ports.clock.now(), lasted + left)
    announce_event(event.of_tenant(record.tenant), fired.ports)  # until it is safe, this message comes again


def _stop_at_longest(fired: _Fired) -> None:
    """Stop the recording, unless the policy that covers it now lets it last longer than it has."""
    policy, record, guards = fired.policy, fired.record, fired.ports.guards
    longest = policy.longest_recording_seconds
    if record.last_action is LastAction.STOPPED or longest is None or guards is None:
        return
    lasted = longest if fired.task.seconds is None else fired.task.seconds
    if lasted < longest:
        _warn_later(record.recording_id, longest, policy, lasted, guards)
        _stop_later(record.recording_id, longest, lasted, guards)
        return
    was_known = _report_unrecorded(fired, CALL_STOPPED)
    reason = f"it has lasted {lasted} s, as long as it may; policy {policy.name}"
    _stop(record, reason, fired.ports, was_known=was_known)


def _settle(fired: _Fired) -> None:
    look_again(fired.task, fired.record, fired.ports, fired.settings)


def _watch(fired: _Fired) -> None:
    look(fired.task, fired.record, fired.ports, fired.settings)


def _stop(record: RecordingRecord, reason: str, ports: Ports, *, was_known: bool) -> None:
    name = record.recording_id
    act_by_policy(Operation.STOP, name, reason, ports, lambda: stop_recording(name, ports, was_known=was_known))


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


# --- what fails ------------------------------------------------------------------------------------------------------


def _try_again(task: GuardTask, record: RecordingRecord, error: ControlError, ports: Ports) -> None:
    """Report a refusal of ACS, and enqueue the guard again while ACS may know the recording.

    The alarm about a pause is raised at the first refusal.
    """
    emit(
        Event.GUARD_FAILED,
        recording_id=task.recording_id,
        action=task.kind,
        code=error.code,
        fault=error.fault,
        attempt=task.attempt,
    )
    if task.kind is GuardKind.PAUSE:
        _raise_overdue(record, task.mark, ports)
    if ports.guards is not None and _may_be_known(record, ports):
        ports.guards.send(task.again(), wait_before(task.attempt))


def _may_be_known(record: RecordingRecord, ports: Ports) -> bool:
    """Return whether ACS may still know the recording; without an answer, it may."""
    try:
        return acs_state(record.recording_id, record, ports) is not None
    except RecordingError:
        return True


def _raise_overdue(record: RecordingRecord, pause_id: str, ports: Ports) -> None:
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
            "pauses": with_facts(row.pauses, pause_id, {"overdue_since": now}),
        }

    record = note(record.recording_id, ports, decide)
    if is_new:
        emit(Event.PAUSE_OVERDUE, recording_id=record.recording_id, code=Code.PAUSE_OVERDUE)
    if record.call_alarm == Code.PAUSE_OVERDUE and record.call_alarm_since is not None:
        announce_event(overdue(record.recording_id, record.call_alarm_since).of_tenant(record.tenant), ports)


_ACTS: dict[GuardKind, Callable[[_Fired], None]] = {
    GuardKind.PAUSE: _end_pause,
    GuardKind.CONSENT: _stop_without_consent,
    GuardKind.WITHDRAWAL: _carry_out_consent,
    GuardKind.WARNING: _warn_of_end,
    GuardKind.LONGEST: _stop_at_longest,
    GuardKind.SETTLE: _settle,
    GuardKind.WATCH: _watch,
}
