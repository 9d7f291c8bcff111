"""Consent, reported during a recording or after it: given, amended, withdrawn; the policy is applied at once.

The guard of a step is enqueued before the step is noted, and ACS is asked last: what is noted is carried out,
whichever worker dies meanwhile. A guard that finds nothing noted does nothing.

A withdrawal makes a pause of its own. One that a caller asked for stays beside it, with its own end: consent given
again ends what the withdrawal has paused, and never a pause during which a card number is said.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

from recording.control.notes import acs_id_of, check_recording_id, note, policy_of, without_alarm
from recording.control.pauses import begin_pause, end_pause, resume_recording, stop_recording
from recording.control.unrecorded import note_end_told, tell_unrecorded
from recording.domain.calls.consent import (
    ConsentEntry,
    ConsentState,
    ConsentStep,
    as_shown,
    consent_state,
    is_step_possible,
)
from recording.domain.calls.guards import GuardKind, GuardTask
from recording.domain.calls.pauses import CommandedPause, PauseEnd, guarded_pause, open_withdrawal
from recording.domain.calls.policy import CallPolicy, ConsentRule, Withdrawal
from recording.domain.ids import canonical_id, without_numbers
from recording.domain.incoming.requests import ConsentRequest
from recording.domain.state.recording import WAITS_FOR_CONSENT, LastAction, RecordingRecord, merged_state
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError, RequestError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.library.follow_ups import request_follow_up
from recording.settings import Settings
from recording.telemetry import Event, emit

CARRIED_OUT_WITHIN = timedelta(seconds=30)  # a step whose worker died is carried out by its guard then
WITHDRAWN = "consent withdrawn"


def tell_consent(
    recording_id: str, asked: ConsentRequest, caller: str | None, ports: Ports, settings: Settings
) -> dict[str, Any]:
    """Note a step of consent, then do what the policy asks: resume, pause or stop.

    Raises:
        RequestError: `recording_not_found`, or `consent_not_given`: nothing to amend or withdraw.
        ControlError: ACS refused; the step is noted, and its guard tries again.
        StorageError: the step could not be noted; nothing was done.
    """
    now = ports.clock.now()
    entry = ConsentEntry(
        step=asked.step,
        at=now,
        by=caller,
        basis=asked.basis,
        reference=asked.reference,
        captured_at=asked.captured_at,
        captured_by=without_numbers(asked.captured_by) if asked.captured_by else None,
    )
    check_recording_id(recording_id)
    _check_known(recording_id, ports)
    recording_id = canonical_id(recording_id)

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        if not is_step_possible(consent_state(row.consent, row.consents), asked.step):
            raise RequestError("no consent was given that could be changed", code=Code.CONSENT_NOT_GIVEN)
        is_told = asked.step is not ConsentStep.WITHDRAWN
        told: RecordingChanges = without_alarm(row, Code.CONSENT_MISSING) if is_told else {}
        if asked.step is ConsentStep.GIVEN and row.last_action is not LastAction.STOPPED:
            told["stopped_alarm_at"] = None  # a stop that was reported beforehand need not come about
        # open again, so that reconcile sees the manifest follow: a catalog that is rebuilt knows consent from there
        return {**told, "consents": (*row.consents, entry), "settled_at": None, "look_at": None}

    if asked.step is not ConsentStep.AMENDED and ports.guards is not None:
        guard = GuardTask(recording_id=recording_id, kind=GuardKind.WITHDRAWAL, mark=now.isoformat())
        ports.guards.send(guard, CARRIED_OUT_WITHIN)
    record = note(recording_id, ports, decide)
    emit(Event.CONSENT, recording_id=recording_id, action=asked.step)
    record = carry_out(record, ports, settings)
    request_follow_up(recording_id, ports)
    return {
        "recordingId": recording_id,
        "state": merged_state(_acs_word(record), record),
        "consent": as_shown(record.consent, record.consents),
    }


def carry_out(record: RecordingRecord, ports: Ports, settings: Settings) -> RecordingRecord:
    """Do what the recording's consent asks for, unless it is done; a recording that is over needs nothing.

    Raises:
        ControlError: ACS refused.
    """
    policy, state = policy_of(record, settings), consent_state(record.consent, record.consents)
    if record.last_action is LastAction.STOPPED:
        return record
    try:
        if state is ConsentState.GIVEN:
            _go_on(record, policy, ports)
        elif state is ConsentState.WITHDRAWN:
            _tell_withdrawn(record, policy, ports, settings)
            if policy.on_withdrawal is Withdrawal.STOP:
                stop_recording(record.recording_id, ports)
            else:
                _pause_for_good(record, ports)
    except ControlError as error:
        if error.code not in (Code.RECORDING_NOT_FOUND, Code.PAUSE_RESUME_NOT_ALLOWED):
            raise
    return ports.catalog.get_recording(record.recording_id) or record


def is_waiting(record: RecordingRecord, policy: CallPolicy) -> bool:
    """Return whether a recording rests since its start until there is consent, as its start has noted."""
    if WAITS_FOR_CONSENT not in record.request:  # an older version noted the start
        return policy.consent is ConsentRule.FIRST and record.last_action is LastAction.STARTED_PAUSED
    return record.waits_for_consent and record.last_action is not LastAction.STOPPED


def _go_on(record: RecordingRecord, policy: CallPolicy, ports: Ports) -> None:
    """Resume what rests for want of consent; while another pause runs, only what the withdrawal asked for is over."""
    name, withdrawal = record.recording_id, open_withdrawal(record.pauses)
    if withdrawal is None:
        if is_waiting(record, policy):
            resume_recording(name, ports)
        return
    if guarded_pause(record.pauses) is not None:
        end_pause(name, PauseEnd.RESUMED, ports, withdrawal.id)
        return
    resume_recording(name, ports, pause_id=withdrawal.id)
    row = ports.catalog.get_recording(name)
    if row is not None and guarded_pause(row.pauses) is not None:  # a caller has paused at this very moment
        ports.control.pause(acs_id_of(name, row))
        note(name, ports, lambda _: RecordingChanges(last_action=LastAction.PAUSED, last_action_at=ports.clock.now()))


def _tell_withdrawn(record: RecordingRecord, policy: CallPolicy, ports: Ports, settings: Settings) -> None:
    """Raise the alarm about a call that must be recorded; first of all, so that no death swallows it, and once."""
    since, pause = record.consents[-1].at, open_withdrawal(record.pauses)
    if not policy.must_be_recorded or (pause is not None and pause.at >= since):
        return
    with suppress(ControlError):  # in doubt it is told
        if ports.control.state(acs_id_of(record.recording_id, record)) is None:
            return
    tell_unrecorded(record, "consent_withdrawn", since, ports, settings, since)
    if policy.on_withdrawal is Withdrawal.STOP:  # the stop that follows is no other alarm
        note_end_told(record.recording_id, ports)


def _pause_for_good(record: RecordingRecord, ports: Ports) -> None:
    """Pause without an end, beside a pause that has one."""
    pause = CommandedPause(id=uuid4().hex, at=ports.clock.now(), reason=WITHDRAWN)
    begin_pause(record.recording_id, record, pause, ports)


def _check_known(recording_id: str, ports: Ports) -> None:
    if ports.catalog.get_recording(canonical_id(recording_id)) is None and ports.control.state(recording_id) is None:
        raise RequestError("neither ACS nor the catalog knows this recording", code=Code.RECORDING_NOT_FOUND)


def _acs_word(record: RecordingRecord) -> str | None:
    """Return what ACS would say of the recording after what was done last."""
    if record.last_action is LastAction.STOPPED:
        return None
    return "inactive" if record.last_action in (LastAction.PAUSED, LastAction.STARTED_PAUSED) else "active"
