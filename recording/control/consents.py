"""Consent, told while a recording runs or after it: given, amended, withdrawn; what the policy asks is done at once.

The guard of a withdrawal is enqueued before it is noted, and ACS is asked last: what is noted is carried out, whoever
dies meanwhile. A guard that finds nothing noted does nothing.
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from recording.control.notes import check_recording_id, note, without_alarm
from recording.control.pauses import begin_pause, policy_of, resume_recording, stop_recording
from recording.domain.calls.consent import (
    ConsentEntry,
    ConsentState,
    ConsentStep,
    as_shown,
    consent_state,
    is_step_possible,
)
from recording.domain.calls.guards import GuardKind, GuardTask
from recording.domain.calls.pauses import CommandedPause
from recording.domain.calls.policy import ConsentRule, Withdrawal
from recording.domain.ids import canonical_id, without_numbers
from recording.domain.incoming.requests import ConsentRequest
from recording.domain.state.recording import LastAction, RecordingRecord, merged_state
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError, RequestError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.library.follow_ups import request_follow_up
from recording.settings import Settings
from recording.telemetry import Event, emit

CARRIED_OUT_WITHIN = timedelta(seconds=30)  # a withdrawal whose worker died is carried out by its guard then
WITHDRAWN = "consent withdrawn"


def tell_consent(
    recording_id: str, asked: ConsentRequest, caller: str | None, ports: Ports, settings: Settings
) -> dict[str, Any]:
    """Note a step of consent, then do what the policy asks: resume, pause or stop.

    Raises:
        RequestError: `recording_not_found`, or `consent_not_given`: nothing to amend or withdraw.
        ControlError: ACS refused; the step is noted, and a withdrawal is tried again by its guard.
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
        return {"consents": (*row.consents, entry), **(without_alarm(row, Code.CONSENT_MISSING) if is_told else {})}

    if asked.step is ConsentStep.WITHDRAWN and ports.guards is not None:
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
    is_waiting = policy.consent is ConsentRule.FIRST and record.last_action is LastAction.STARTED_PAUSED
    try:
        if state is ConsentState.GIVEN and is_waiting:
            resume_recording(record.recording_id, ports)
        elif state is ConsentState.WITHDRAWN and record.last_action is not LastAction.STOPPED:
            if policy.on_withdrawal is Withdrawal.STOP:
                stop_recording(record.recording_id, ports)
            else:
                _pause_for_good(record, ports)
    except ControlError as error:
        if error.code not in (Code.RECORDING_NOT_FOUND, Code.PAUSE_RESUME_NOT_ALLOWED):
            raise
    return ports.catalog.get_recording(record.recording_id) or record


def _pause_for_good(record: RecordingRecord, ports: Ports) -> None:
    """Pause without an end: a guard that is on its way for an earlier pause finds another one open, and leaves it."""
    now = ports.clock.now()
    pause = CommandedPause(id=uuid4().hex, at=now, reason=WITHDRAWN)

    def decide(row: RecordingRecord) -> RecordingChanges:
        kept = tuple(
            one.model_copy(update={"ends_by": None, "id": pause.id, "reason": WITHDRAWN}) if one.how is None else one
            for one in row.pauses
        )
        return {"pauses": kept}

    if any(one.how is None for one in record.pauses):
        record = note(record.recording_id, ports, decide)
    begin_pause(record.recording_id, record, pause, None, ports)


def _check_known(recording_id: str, ports: Ports) -> None:
    if ports.catalog.get_recording(canonical_id(recording_id)) is None and ports.control.state(recording_id) is None:
        raise RequestError("neither ACS nor the catalog knows this recording", code=Code.RECORDING_NOT_FOUND)


def _acs_word(record: RecordingRecord) -> str | None:
    """Return what ACS would say of the recording after what was done last."""
    if record.last_action is LastAction.STOPPED:
        return None
    return "inactive" if record.last_action in (LastAction.PAUSED, LastAction.STARTED_PAUSED) else "active"
