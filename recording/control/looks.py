"""Look at what ACS does before it is asked to pause, and have a guard look again while a state is about to change."""

from collections.abc import Sequence
from datetime import timedelta

from recording.control.acs_state import acs_state, is_recording
from recording.domain.calls.guards import LOOKS, SETTLE_VERSION, GuardKind, GuardTask
from recording.domain.calls.pauses import CommandedPause, guarded_pause
from recording.domain.model import with_changes
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.errors import ControlError
from recording.ports import Ports


def look_later(recording_id: str, mark: str, after: Sequence[int], ports: Ports) -> None:
    """Enqueue looks at a recording whose state is about to change at ACS; each stands alone, so that none multiplies.

    Args:
        recording_id: the recording's id.
        mark: what was asked for: a pause's id, or `RESUME_MARK`.
        after: so many seconds from now.
        ports: the queue of guards.

    Raises:
        StorageError: the queue does not answer.
    """
    look = GuardTask(version=SETTLE_VERSION, recording_id=recording_id, kind=GuardKind.SETTLE, mark=mark)
    _send_each(look, after, ports)


def carry_out_later(recording_id: str, mark: str, ports: Ports) -> None:
    """Enqueue looks at a recording that does not run or rest yet as its consent asks.

    Args:
        recording_id: the recording's id.
        mark: the time of the step of consent.
        ports: the queue of guards.

    Raises:
        StorageError: the queue does not answer.
    """
    _send_each(GuardTask(recording_id=recording_id, kind=GuardKind.WITHDRAWAL, mark=mark), LOOKS, ports)


def _send_each(look: GuardTask, after: Sequence[int], ports: Ports) -> None:
    if ports.guards is None:
        return
    for seconds in after:
        ports.guards.send(with_changes(look, {"seconds": seconds}), timedelta(seconds=seconds))


def state_before(recording_id: str, known: RecordingRecord | None, wanted: CommandedPause, ports: Ports) -> str | None:
    """Return ACS's word for the state before it is asked to pause; None where it does not know, or is not asked.

    Raises:
        ControlError: ACS does not answer, and whether an open pause can be joined is not known without it.
    """
    if known is None:
        return None
    try:
        return acs_state(recording_id, known, ports)
    except ControlError:
        if wanted.length is not None and guarded_pause(known.pauses) is not None:
            raise
        return None


def pause_left_behind(known: RecordingRecord | None, wanted: CommandedPause, before: str | None) -> str:
    """Return the id of a pause that the row has open and ACS has ended: a resume arrived there, and its note was lost.

    A pause that joined it would end with it, too early. One that ACS has accepted may not show yet: if ACS accepts the
    next as well, it was over. Return "" when there is none.
    """
    if known is None or wanted.length is None or not is_recording(before) or known.last_action is LastAction.PAUSED:
        return ""
    pause = guarded_pause(known.pauses)
    return pause.id if pause is not None else ""
