"""Resume and stop a recording, as a caller, a guard or consent asks."""

from collections.abc import Collection
from typing import Any

from recording.control.acs_state import acs_state, is_recording
from recording.control.looks import look_later
from recording.control.notes import acs_id_of, check_recording_id, known_recording, policy_of
from recording.control.pause_notes import look_at_pauses, note_action, note_paused, open_ids
from recording.control.unrecorded import report_stopped
from recording.domain.calls.consent import ConsentState, consent_state
from recording.domain.calls.guards import LOOKS_AT_RESUME, RESUME_MARK
from recording.domain.calls.pauses import PauseEnd, guarded_pause, open_pause
from recording.domain.calls.policy import ConsentRule
from recording.domain.calls.watch import CALL_STOPPED
from recording.domain.ids import canonical_id
from recording.domain.state.recording import LastAction, RecordingRecord, merged_state
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError, RequestError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.settings import Settings
from recording.telemetry import Event


def resume_recording(
    recording_id: str,
    ports: Ports,
    how: PauseEnd = PauseEnd.RESUMED,
    settings: Settings | None = None,
    only: Collection[str] | None = None,
) -> dict[str, Any]:
    """Resume a recording; a caller's second resume succeeds as well, since the first answer may have been lost.

    It ends the pauses that were open when it began. What a caller or a withdrawal of consent has paused meanwhile is
    paused again: of two requests at the same moment, the pause wins.

    Args:
        recording_id: as ACS or as this app spells it.
        ports: catalog and ACS.
        how: what ends the pause.
        settings: for the consent that a caller needs; None for the app's own resumes, which a policy asks for.
        only: the ids of the pauses that end; None for every one that is open now.

    Raises:
        RequestError: `consent_required`: consent is required first and missing, or was withdrawn.
        ControlError: ACS refused.
        StorageError: whether there is consent could not be read, or the note failed.
    """
    check_recording_id(recording_id)
    if settings is None:
        known = known_recording(recording_id, ports)
    else:
        known = ports.catalog.get_recording(canonical_id(recording_id))
        if lacks_consent(known, settings):
            message = "there is no consent to this recording; send the step `given` once there is"
            raise RequestError(message, code=Code.CONSENT_REQUIRED)
    name = canonical_id(recording_id)
    if only is None and known is not None:
        only = open_ids(known)
    try:
        ports.control.resume(acs_id_of(recording_id, known))
    except ControlError as error:
        is_by_caller = how is PauseEnd.RESUMED  # a guard notes instead that the pause was over
        is_refused = error.code == Code.PAUSE_RESUME_NOT_ALLOWED
        if not (is_refused and is_by_caller and _goes_on(recording_id, known, ports)):
            raise
        look_later(name, RESUME_MARK, LOOKS_AT_RESUME, ports)  # the pause to end may not show yet

    def looked_after(row: RecordingRecord) -> RecordingChanges:
        if known is not None and row.last_action_at != known.last_action_at and row.last_action is LastAction.PAUSED:
            look_later(name, RESUME_MARK, LOOKS_AT_RESUME, ports)  # a look at its pause may have paused it again
        return {}

    record = note_action(name, LastAction.RESUMED, Event.RESUMED, ports, how, only, also=looked_after)
    if record.last_action is LastAction.RESUMED and _must_rest(record):
        record = _pause_again(record, ports)
    rests = record.last_action is LastAction.PAUSED
    return {"recordingId": name, "state": merged_state("inactive" if rests else "active", record)}


def _must_rest(record: RecordingRecord) -> bool:
    """Return whether a caller's pause is open, or consent is withdrawn."""
    return record.is_withdrawn or guarded_pause(record.pauses) is not None


def _pause_again(record: RecordingRecord, ports: Ports) -> RecordingRecord:
    """Pause a recording that a caller or a withdrawal paused while it was being resumed; guards repeat it.

    Raises:
        StorageError: nothing was enqueued, or the note failed.
    """
    name = record.recording_id
    look_at_pauses(record, ports)
    try:
        ports.control.pause(acs_id_of(name, record))
    except ControlError:  # the resume does not show yet, or ACS does not answer
        return record
    pause = open_pause(record.pauses)
    if pause is None:  # the withdrawal is noted, and its pause will be
        return note_action(name, LastAction.PAUSED, Event.PAUSED, ports)
    return note_paused(name, pause, ports)[0]


def lacks_consent(known: RecordingRecord | None, settings: Settings) -> bool:
    """Return whether nothing may be recorded now: consent is withdrawn, or required first and missing."""
    state = consent_state(known.consent, known.consents) if known else ConsentState.NONE
    is_first = policy_of(known, settings).consent is ConsentRule.FIRST or (
        known is not None and known.waits_for_consent
    )
    return state is ConsentState.WITHDRAWN or (is_first and state is not ConsentState.GIVEN)


def _goes_on(recording_id: str, known: RecordingRecord | None, ports: Ports) -> bool:
    """Return whether ACS records after a pause made here, so that this resume, or an earlier one, succeeded."""
    if known is None or not (known.pauses or known.last_action is LastAction.RESUMED):
        return False
    return is_recording(acs_state(recording_id, known, ports))


def stop_recording(
    recording_id: str, ports: Ports, settings: Settings | None = None, *, was_known: bool = False
) -> dict[str, Any]:
    """Stop a recording; one that is in the catalog and that ACS does not know any more counts as stopped.

    ACS may answer 404 to a stop although the files will follow (known issues of the service). What ended the recording
    is not known then; the watch finds it out.

    The alarm about a call that must be recorded is raised before the stop is noted: when a worker dies in between,
    the watch raises the same one.

    Args:
        recording_id: as ACS or as this app spells it.
        ports: catalog and ACS.
        settings: for the alarm about a caller's stop; None for the app's own stops, which a policy asks for.
        was_known: ACS knew it just now, so that a 404 means that this very stop ended it.

    Raises:
        ControlError: ACS refused.
        StorageError: ACS has stopped, and alarm or note failed; sending the same again completes them.
    """
    check_recording_id(recording_id)
    name, is_gone, known = canonical_id(recording_id), False, known_recording(recording_id, ports)
    try:
        ports.control.stop(acs_id_of(recording_id, known))
    except ControlError as error:
        if error.code != Code.RECORDING_NOT_FOUND or ports.catalog.get_recording(name) is None:
            raise
        is_gone = not was_known
    if settings is not None and not is_gone:
        known = known or ports.catalog.get_recording(name) or RecordingRecord(recording_id=name)
        report_stopped(known, CALL_STOPPED, ports, settings)
    record = note_action(name, LastAction.STOPPED, Event.STOPPED, ports, PauseEnd.STOPPED, is_gone=is_gone)
    return {"recordingId": name, "state": merged_state(None, record)}
