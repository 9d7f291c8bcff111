"""Guards fire: a pause ends, a recording without consent stops, and one that may last no longer.

Each guard looks at the recording as it is now and does only what is still to be done, so a message may come twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from recording.control.audit import audited
from recording.control.consents import carry_out, is_waiting
from recording.control.notes import acs_id_of, note, policy_of
from recording.control.pauses import end_pause, resume_recording, stop_recording
from recording.control.unrecorded import note_end_told, tell_stopped, tell_unrecorded
from recording.control.watching import look, watch_later
from recording.domain.calls import watch
from recording.domain.calls.consent import ConsentState, consent_state
from recording.domain.calls.guards import VERSION, GuardKind, GuardTask, read_guard, wait_before
from recording.domain.calls.pauses import CommandedPause, PauseEnd, guarded_pause, with_time_up
from recording.domain.calls.policy import CallPolicy, ConsentRule, TimeIsUp
from recording.domain.calls.watch import CALL_STOPPED
from recording.domain.incoming.roles import Operation
from recording.domain.outgoing.derived import ends_soon
from recording.domain.schema import is_newer_message
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError, RecordingError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.guards import Guards
from recording.ports.outgoing.announce import announce, announce_event
from recording.settings import Settings
from recording.telemetry import Event, emit

NEWER_AFTER = timedelta(minutes=1)  # a message of a newer version, until another worker is offered it


@dataclass(frozen=True)
class _Fired:
    """A guard that fires, and the recording as it is now."""

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
        _again(task, record, error, ports)


def guards_of_start(name: str, policy: CallPolicy, ports: Ports, *, has_consent: bool) -> None:
    """Enqueue what watches over a recording from its start, before it is noted: no note is left without its guards.

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
    """Enqueue the warning before a recording is stopped; at once, where its time has come already."""
    if 0 < policy.warn_before_seconds < longest:
        at = max(longest - policy.warn_before_seconds, lasted)
        task = GuardTask(recording_id=name, kind=GuardKind.WARNING, seconds=at)
        guards.send(task, timedelta(seconds=at - lasted))


def _stop_later(name: str, longest: int, lasted: int, guards: Guards) -> None:
    at = max(longest, lasted)
    task = GuardTask(recording_id=name, kind=GuardKind.LONGEST, seconds=at)
    guards.send(task, timedelta(seconds=at - lasted))


def guards_again(record: RecordingRecord, ports: Ports) -> None:
    """Enqueue anew the guard of a pause that should be over: its message may have been lost with a worker.

    It waits as long as the pause was asked for, counted from now: so this instance's clock, fast as it may be, ends no
    pause early.
    """
    pause = guarded_pause(record.pauses)
    if pause is None or pause.length is None or pause.at + pause.length > ports.clock.now() or ports.guards is None:
        return
    task = GuardTask(recording_id=record.recording_id, kind=GuardKind.PAUSE, mark=pause.id)
    ports.guards.send(task, pause.length)


def without_consent(record: RecordingRecord, now: datetime, settings: Settings) -> RecordingChanges:
    """Return the alarm about a recording that was started elsewhere without the consent that its policy asks for."""
    if record.started_here or record.call_alarm is not None:
        return {}
    if policy_of(record, settings).consent is ConsentRule.NOT_REQUIRED:
        return {}
    if consent_state(record.consent, record.consents) is ConsentState.GIVEN:
        return {}
    return {"call_alarm": Code.CONSENT_MISSING.value, "call_alarm_since": now}


def _pause_is_over(fired: _Fired) -> None:
    pause = guarded_pause(fired.record.pauses)
    if pause is None or pause.id != fired.task.mark:
        return
    policy = fired.policy
    state = consent_state(fired.record.consent, fired.record.consents)
    is_first = policy.consent is ConsentRule.FIRST or fired.record.waits_for_consent
    if state is ConsentState.WITHDRAWN or (is_first and state is not ConsentState.GIVEN):
        carry_out(fired.record, fired.ports, fired.settings)  # no end of a pause records without consent
        if state is ConsentState.WITHDRAWN:  # it rests for that now, and goes on when consent is given
            end_pause(fired.record.recording_id, PauseEnd.TIME_UP, fired.ports, pause_id=pause.id)
        return
    was_there = _tell_unrecorded(fired, "paused_too_long", fired.task.mark)
    ended = _ended_at_acs(pause, fired.record, fired.ports) if policy.on_pause_timeout is not TimeIsUp.RESUME else None
    if ended is PauseEnd.ELSEWHERE:  # what records again is not stopped, and nobody has to decide about it
        return
    if policy.on_pause_timeout is TimeIsUp.ALARM:
        if ended is None:
            _raise(fired.record, Code.PAUSE_OVERDUE, fired.ports)
        return
    seconds = round((pause.length or timedelta()).total_seconds())
    why = f"the pause has lasted {seconds} s, as long as it was asked for; policy {policy.name}"
    if ended is None and (policy.on_pause_timeout is TimeIsUp.STOP or _may_be_paused(fired)):
        _note_time_up(pause, fired.record, fired.ports)
    if policy.on_pause_timeout is TimeIsUp.STOP:
        _stop(fired.record, why, fired.ports, was_there=was_there)
        return
    name, ports = fired.record.recording_id, fired.ports
    try:
        _by_the_guard(
            Operation.RESUME, fired.record, why, ports, lambda: resume_recording(name, ports, PauseEnd.TIME_UP)
        )
    except ControlError as error:
        is_refused = error.code in (Code.RECORDING_NOT_FOUND, Code.PAUSE_RESUME_NOT_ALLOWED)
        if not is_refused or _ended_at_acs(pause, fired.record, ports) is None:
            raise


def _tell_unrecorded(fired: _Fired, reason: str, *marks: object) -> bool:
    """Raise the alarm about a call that must be recorded and is not; first of all, so that no death swallows it.

    One that ACS records although it should be paused, or knows no more, is no such call.

    Returns:
        Whether ACS knows the recording, where that was asked.
    """
    if not fired.policy.must_be_recorded:
        return False
    record, ports = fired.record, fired.ports
    state = ports.control.state(acs_id_of(record.recording_id, record))
    if state is not None and reason == CALL_STOPPED:
        tell_stopped(record, reason, ports, fired.settings)
    elif state is not None and state.lower() == "inactive":
        tell_unrecorded(record, reason, ports.clock.now(), ports, fired.settings, *marks)
        if fired.policy.on_pause_timeout is TimeIsUp.STOP:  # the stop that follows is no other alarm
            note_end_told(record.recording_id, ports)
    return state is not None


def _note_time_up(pause: CommandedPause, record: RecordingRecord, ports: Ports) -> None:
    """Note that a pause is too long before it is ended: the event and the report about it follow from that."""
    note(record.recording_id, ports, lambda row: RecordingChanges(pauses=with_time_up(row.pauses, pause.id)))


def _may_be_paused(fired: _Fired) -> bool:
    """Return whether ACS pauses still; where it does not answer, it may."""
    try:
        state = fired.ports.control.state(acs_id_of(fired.record.recording_id, fired.record))
    except ControlError:
        return True
    return state is not None and state.lower() != "active"


def _ended_at_acs(pause: CommandedPause, record: RecordingRecord, ports: Ports) -> PauseEnd | None:
    """Return how a pause has ended if nothing is paused any more, which is noted; None while ACS pauses."""
    state = ports.control.state(acs_id_of(record.recording_id, record))
    if state is not None and state.lower() != "active":
        return None
    how = PauseEnd.OVER if state is None else PauseEnd.ELSEWHERE
    end_pause(record.recording_id, how, ports, pause_id=pause.id)
    return how


def _consent_is_late(fired: _Fired) -> None:
    """Stop what waits for consent since its start; what was given, or withdrawn after that, is carried out."""
    policy, record = fired.policy, fired.record
    state = consent_state(record.consent, record.consents)
    if state is ConsentState.GIVEN or not is_waiting(record, policy):
        carry_out(record, fired.ports, fired.settings)
        return
    seconds = policy.consent_within_seconds if fired.task.seconds is None else fired.task.seconds
    was_there = _tell_unrecorded(fired, CALL_STOPPED)
    _stop(record, f"no consent within {seconds} s; policy {policy.name}", fired.ports, was_there=was_there)


def _consent_stands(fired: _Fired) -> None:
    """Carry a step out, also where the note says paused: ACS may record all the same after a resume that died."""
    carry_out(fired.record, fired.ports, fired.settings)


def _ends_soon(fired: _Fired) -> None:
    """Warn, unless the policy that covers the recording now lets it last longer; one that is shorter counts at once."""
    policy, record, guards = fired.policy, fired.record, fired.ports.guards
    longest = policy.longest_recording_seconds
    if record.last_action is LastAction.STOPPED or longest is None or guards is None:
        return
    lasted = longest - policy.warn_before_seconds if fired.task.seconds is None else fired.task.seconds
    if lasted < longest - policy.warn_before_seconds:
        _warn_later(record.recording_id, longest, policy, lasted, guards)
        return
    left = max(longest - lasted, 0)
    if left < policy.warn_before_seconds:  # its stop may be on its way for later
        _stop_later(record.recording_id, longest, lasted, guards)
    emit(Event.ENDS_SOON, recording_id=record.recording_id, time_left_seconds=timedelta(seconds=left))
    announce_event(ends_soon(record.recording_id, left, fired.ports.clock.now(), lasted + left), fired.ports)


def _lasts_too_long(fired: _Fired) -> None:
    """Stop, unless the policy that covers the recording now lets it last longer than it has."""
    policy, record, guards = fired.policy, fired.record, fired.ports.guards
    longest = policy.longest_recording_seconds
    if record.last_action is LastAction.STOPPED or longest is None or guards is None:
        return
    lasted = longest if fired.task.seconds is None else fired.task.seconds
    if lasted < longest:
        _warn_later(record.recording_id, longest, policy, lasted, guards)
        _stop_later(record.recording_id, longest, lasted, guards)
        return
    was_there = _tell_unrecorded(fired, CALL_STOPPED)
    why = f"it has lasted {lasted} s, as long as it may; policy {policy.name}"
    _stop(record, why, fired.ports, was_there=was_there)


def _is_watched(fired: _Fired) -> None:
    look(fired.task, fired.record, fired.ports, fired.settings)


def _stop(record: RecordingRecord, why: str, ports: Ports, *, was_there: bool) -> None:
    name = record.recording_id
    _by_the_guard(Operation.STOP, record, why, ports, lambda: stop_recording(name, ports, was_there=was_there))


def _by_the_guard(
    operation: Operation, record: RecordingRecord, why: str, ports: Ports, act: Callable[[], dict[str, Any]]
) -> None:
    """Act with rows in the audit trail that name no caller, and say why."""
    audited(operation, record.recording_id, None, ports, act, note=why)
    emit(Event.GUARD_ACTED, recording_id=record.recording_id, action=operation)


def _again(task: GuardTask, record: RecordingRecord, error: ControlError, ports: Ports) -> None:
    """Raise the alarm at the first refusal, and try again as long as the recording lasts."""
    emit(
        Event.GUARD_FAILED,
        recording_id=task.recording_id,
        action=task.kind,
        code=error.code,
        fault=error.fault,
        attempt=task.attempt,
    )
    if task.kind is GuardKind.PAUSE:
        _raise(record, Code.PAUSE_OVERDUE, ports)
    if ports.guards is not None and _is_there(record, ports):
        ports.guards.send(task.again(), wait_before(task.attempt))


def _is_there(record: RecordingRecord, ports: Ports) -> bool:
    """Return whether ACS may still know the recording; it does not when it says so."""
    try:
        return ports.control.state(acs_id_of(record.recording_id, record)) is not None
    except RecordingError:
        return True


def _raise(record: RecordingRecord, code: Code, ports: Ports) -> None:
    """Raise an alarm about a call, once; the row shows it until it is over."""
    now = ports.clock.now()
    if record.call_alarm == code:
        return
    emit(Event.PAUSE_OVERDUE, recording_id=record.recording_id, code=code)
    note(
        record.recording_id,
        ports,
        lambda row: RecordingChanges(
            call_alarm=code.value, call_alarm_since=now, stands=row.stands or code.value, settled_at=None
        ),
    )
    announce(record.recording_id, ports)


_ACTS: dict[GuardKind, Callable[[_Fired], None]] = {
    GuardKind.PAUSE: _pause_is_over,
    GuardKind.CONSENT: _consent_is_late,
    GuardKind.WITHDRAWAL: _consent_stands,
    GuardKind.WARNING: _ends_soon,
    GuardKind.LONGEST: _lasts_too_long,
    GuardKind.WATCH: _is_watched,
}
