"""Look at a recording that ACS refused to pause or resume because its state was about to change; repeat the command.

A recording begins, and pauses or resumes, moments after ACS has accepted it, and ACS refuses other changes until then.
Each look is a message of its own, due at a time of the queue's clock, and does only what is still to be done.
"""

from typing import Any

from recording.control.acs_state import acs_state, is_paused, is_recording
from recording.control.audit import act_by_policy
from recording.control.notes import acs_id_of, note
from recording.control.pause_notes import end_pause, note_paused
from recording.control.resumes import lacks_consent, resume_recording
from recording.domain.calls.guards import LOOKS, LOOKS_AT_RESUME, RESUME_MARK, GuardTask
from recording.domain.calls.pauses import CommandedPause, PauseEnd, guarded_pause, open_pause, with_pause_changes
from recording.domain.incoming.roles import Operation
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.domain.state.records import RecordingChanges
from recording.errors import ControlError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.settings import Settings


def look_again(task: GuardTask, record: RecordingRecord, ports: Ports, settings: Settings) -> None:
    """Look once, and do what is still to be done; where ACS refuses again, the next look is due soon.

    Raises:
        ControlError: this was the last look, and ACS does not answer or refuses; the look is repeated. A pause that is
            refused then as well is over.
        StorageError: the catalog does not answer; the host delivers the message again.
    """
    if record.last_action is LastAction.STOPPED:
        return
    is_resume = task.mark == RESUME_MARK
    try:
        if is_resume:
            _look_for_resume(record, ports, settings)
        else:
            _look_for_pause(task, record, ports)
    except ControlError as error:
        if task.seconds != (LOOKS_AT_RESUME if is_resume else LOOKS)[-1]:
            return
        if is_resume or error.code != Code.PAUSE_RESUME_NOT_ALLOWED or task.attempt == 0:
            raise  # at the first refusal, another look's pause may only not show yet
        end_pause(record.recording_id, PauseEnd.REFUSED, ports, task.mark)  # it records, and ACS does not pause it


def _look_for_resume(record: RecordingRecord, ports: Ports, settings: Settings) -> None:
    """Resume a recording that rests although a caller has ended its pause: the pause showed only afterwards.

    The row is read after ACS has answered, which may take long; what is paused even later is paused again.
    """
    name = record.recording_id
    if not _is_resumed(record, settings) or not is_paused(acs_state(name, record, ports)):
        return
    if _is_resumed(ports.catalog.get_recording(name) or record, settings):
        reason = "it rests, and its pause was ended"
        act_by_policy(Operation.RESUME, name, reason, ports, lambda: resume_recording(name, ports, only=()))


def _is_resumed(record: RecordingRecord, settings: Settings) -> bool:
    """Return whether the last action was a resume, and nothing has paused it or forbids to record since."""
    is_last = record.last_action is LastAction.RESUMED and open_pause(record.pauses) is None
    return is_last and not lacks_consent(record, settings)


def _look_for_pause(task: GuardTask, record: RecordingRecord, ports: Ports) -> None:
    """Pause a recording that has begun although a pause is open; after a minute of rest it counts as paused."""
    name, pause = record.recording_id, guarded_pause(record.pauses)
    if pause is None or pause.id != task.mark or pause.time_up:
        return
    state = acs_state(name, record, ports)

    def act() -> dict[str, Any]:
        ports.control.pause(acs_id_of(name, record))
        note_paused(name, pause, ports)
        return {}

    if is_recording(state):
        act_by_policy(Operation.PAUSE, name, "it records, and a pause of it was asked for", ports, act)
    elif task.seconds == LOOKS[-1]:
        settle(pause, record, ports)


def settle(pause: CommandedPause, record: RecordingRecord, ports: Ports) -> RecordingRecord:
    """Note that a recording that rests after a minute of looks is paused, and return the row.

    Raises:
        ControlError: ACS does not answer.
        StorageError: the catalog does not answer.
    """
    name = record.recording_id
    if pause.settled or not is_paused(acs_state(name, record, ports)):
        return record
    return note(
        name, ports, lambda row: RecordingChanges(pauses=with_pause_changes(row.pauses, pause.id, {"settled": True}))
    )
