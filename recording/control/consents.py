"""Record consent that is given, amended or withdrawn after the start, and apply the policy at once.

The order matters: the guard of a step is enqueued, then the step is noted, then ACS is asked. Whichever worker dies in
between, a step that is noted is carried out; a guard that finds no step does nothing.

A withdrawal makes a pause of its own, beside any pause that a caller asked for: consent that is given again ends the
withdrawal's pause, and never the one during which a card number is spoken.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from recording.control.acs_state import acs_state
from recording.control.looks import carry_out_later
from recording.control.notes import check_recording_id, note, policy_of, without_alarm
from recording.control.pause_notes import end_pause
from recording.control.pauses import begin_pause
from recording.control.resumes import resume_recording, stop_recording
from recording.control.unrecorded import report_withdrawn
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
from recording.domain.state.recording import MOST_CONSENTS, WAITS_FOR_CONSENT, LastAction, RecordingRecord, merged_state
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError, RequestError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.library.follow_ups import request_follow_up
from recording.settings import Settings
from recording.telemetry import Event, emit

CARRIED_OUT_WITHIN = timedelta(seconds=30)  # then the guard carries out a step whose worker died
WITHDRAWN = "consent withdrawn"  # the reason of the pause


def tell_consent(
    recording_id: str, asked: ConsentRequest, caller: str | None, ports: Ports, settings: Settings
) -> dict[str, Any]:
    """Note a step of consent, then do what the policy asks: resume, pause or stop.

    Args:
        recording_id: as ACS or as this app spells it.
        asked: the step with its evidence.
        caller: the object id of the caller; None for a key holder.
        ports: catalog, ACS, and the queue of guards.
        settings: for the policy.

    Raises:
        RequestError: `recording_not_found`, or `consent_not_given` (there is none to amend or withdraw).
        ControlError: ACS refused; the step is noted, and its guard tries again.
        StorageError: the step could not be noted; nothing was done.
    """
    now = ports.clock.now()
    entry = ConsentEntry(
        step=asked.step,
        at=now,
        by=caller,
        basis=_kept(asked.basis),
        reference=_kept(asked.reference),
        captured_at=asked.captured_at,
        captured_by=_kept(asked.captured_by),
    )
    check_recording_id(recording_id)
    _check_known(recording_id, ports)
    recording_id = canonical_id(recording_id)

    def decide(row: RecordingRecord) -> RecordingChanges | None:
        is_first_word = asked.step is ConsentStep.WITHDRAWN and _is_nothing_noted(row)
        if not is_first_word and not is_step_possible(consent_state(row.consent, row.consents), asked.step):
            message = "there is no consent that could be amended or withdrawn"
            raise RequestError(message, code=Code.CONSENT_NOT_GIVEN)
        has_consent = asked.step is not ConsentStep.WITHDRAWN
        changes: RecordingChanges = without_alarm(row, Code.CONSENT_MISSING) if has_consent else {}
        if asked.step is ConsentStep.GIVEN and row.last_action is not LastAction.STOPPED:
            changes["stopped_alarm_at"] = None  # a stop that was reported beforehand may not happen
        # Not settled any more, so that reconcile has the manifest written again: a rebuilt catalog reads consent there.
        kept = (*row.consents, entry)[-MOST_CONSENTS:]
        more = row.more_consents + len(row.consents) + 1 - len(kept)
        return {**changes, "consents": kept, "more_consents": more, "settled_at": None, "look_at": None}

    guard = GuardTask(recording_id=recording_id, kind=GuardKind.WITHDRAWAL, mark=now.isoformat())
    if asked.step is not ConsentStep.AMENDED and ports.guards is not None:
        ports.guards.send(guard, CARRIED_OUT_WITHIN)
    record = note(recording_id, ports, decide)
    emit(Event.CONSENT, recording_id=recording_id, action=asked.step)
    is_amended = asked.step is ConsentStep.AMENDED
    record = (carry_out if is_amended else carry_out_for_good)(record, ports, settings)
    request_follow_up(recording_id, ports)
    return {
        "recordingId": recording_id,
        "state": merged_state(_state_after(record), record),
        "consent": as_shown(record.consent, record.consents),
    }


def _kept(text: str | None) -> str | None:
    """Return evidence as the catalog stores it, without numbers and ids of people."""
    return without_numbers(text) if text is not None else None


def carry_out_for_good(record: RecordingRecord, ports: Ports, settings: Settings) -> RecordingRecord:
    """Carry out what consent asks for; while the state is about to change, and ACS refuses, guards repeat it.

    Returns:
        The row as it is afterwards.

    Raises:
        ControlError: ACS refused for another reason.
        StorageError: queue or catalog do not answer.
    """
    record = carry_out(record, ports, settings)
    if record.consents and not _is_carried_out(record, settings):
        carry_out_later(record.recording_id, record.consents[-1].at.isoformat(), ports)
    return record


def carry_out(record: RecordingRecord, ports: Ports, settings: Settings) -> RecordingRecord:
    """Make the recording run, rest or stop as its consent and policy ask; repeating it changes nothing.

    A recording that was stopped here needs nothing. That ACS does not know a recording, or that it is paused or running
    already, is not a failure.

    Returns:
        The row as it is afterwards.

    Raises:
        ControlError: ACS refused for another reason.
    """
    policy, state = policy_of(record, settings), consent_state(record.consent, record.consents)
    if record.last_action is LastAction.STOPPED:
        return record
    try:
        if state is ConsentState.GIVEN:
            _go_on(record, policy, ports)
        elif state is ConsentState.WITHDRAWN:
            _report_withdrawn(record, policy, ports, settings)
            if policy.on_withdrawal is Withdrawal.STOP:
                stop_recording(record.recording_id, ports)
            else:
                _pause_without_end(record, ports)
    except ControlError as error:
        if error.code not in (Code.RECORDING_NOT_FOUND, Code.PAUSE_RESUME_NOT_ALLOWED, Code.NOT_YET_PAUSED):
            raise
    return ports.catalog.get_recording(record.recording_id) or record


def alarm_without_consent(record: RecordingRecord, now: datetime, settings: Settings) -> RecordingChanges:
    """Return the alarm about a recording that was started elsewhere without the consent that its policy requires."""
    if record.started_here or record.call_alarm is not None:
        return {}
    if policy_of(record, settings).consent is ConsentRule.NOT_REQUIRED:
        return {}
    if consent_state(record.consent, record.consents) is ConsentState.GIVEN:
        return {}
    return {"call_alarm": Code.CONSENT_MISSING.value, "call_alarm_since": now}


def _is_carried_out(record: RecordingRecord, settings: Settings) -> bool:
    """Return whether the row says that the recording runs, rests or is over, as its consent asks."""
    if record.is_withdrawn:
        return record.last_action in (LastAction.PAUSED, LastAction.STARTED_PAUSED, LastAction.STOPPED)
    return open_withdrawal(record.pauses) is None and not is_waiting(record, policy_of(record, settings))


def is_waiting(record: RecordingRecord, policy: CallPolicy) -> bool:
    """Return whether a recording has been paused since its start because consent is required first and missing."""
    if WAITS_FOR_CONSENT not in record.request:  # an older version noted the start
        return policy.consent is ConsentRule.FIRST and record.last_action is LastAction.STARTED_PAUSED
    return record.waits_for_consent and record.last_action is not LastAction.STOPPED


def _go_on(record: RecordingRecord, policy: CallPolicy, ports: Ports) -> None:
    """Resume what is paused for lack of consent; while a caller's pause lasts, end the withdrawal's pause alone."""
    name, withdrawal = record.recording_id, open_withdrawal(record.pauses)
    if withdrawal is None:
        if is_waiting(record, policy):
            resume_recording(name, ports)
        return
    if guarded_pause(record.pauses) is not None:
        record = end_pause(name, PauseEnd.RESUMED, ports, withdrawal.id)
        if guarded_pause(record.pauses) is not None:
            return  # else its guard has left the end of the rest to consent
    resume_recording(name, ports, only={withdrawal.id})


def _report_withdrawn(record: RecordingRecord, policy: CallPolicy, ports: Ports, settings: Settings) -> None:
    """Raise the alarm about a call that must be recorded, once; before all else, so that no death loses it."""
    since, pause = record.consents[-1].at, open_withdrawal(record.pauses)
    if not policy.must_be_recorded or (pause is not None and pause.at >= since):
        return
    report_withdrawn(record, ports, settings)


def _pause_without_end(record: RecordingRecord, ports: Ports) -> None:
    """Pause until consent is given again, beside any pause of a caller."""
    pause = CommandedPause(id=uuid4().hex, at=ports.clock.now(), reason=WITHDRAWN)
    begin_pause(record.recording_id, record, pause, ports)


def _is_nothing_noted(row: RecordingRecord) -> bool:
    """Return whether nothing is known of a recording yet: the note of its start may be on its way."""
    return not row.started_here and row.first_event_at is None and row.last_action is None and not row.consents


def _check_known(recording_id: str, ports: Ports) -> None:
    is_in_catalog = ports.catalog.get_recording(canonical_id(recording_id)) is not None
    if not is_in_catalog and acs_state(recording_id, None, ports) is None:
        raise RequestError("neither ACS nor the catalog knows this recording", code=Code.RECORDING_NOT_FOUND)


def _state_after(record: RecordingRecord) -> str | None:
    """Return the state that ACS has after the last action, in its own words, without asking it."""
    if record.last_action is LastAction.STOPPED:
        return None
    rests = record.last_action in (LastAction.PAUSED, LastAction.STARTED_PAUSED) or open_withdrawal(record.pauses)
    return "inactive" if rests else "active"
