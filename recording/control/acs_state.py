"""Ask ACS for the state of a recording now: it records, it is paused, or ACS does not know it any more."""

from recording.control.notes import acs_id_of
from recording.domain.state.recording import RecordingRecord
from recording.ports import Ports


def acs_state(recording_id: str, known: RecordingRecord | None, ports: Ports) -> str | None:
    """Return ACS's word for the state, in lower case; None when ACS does not know the recording any more.

    Raises:
        ControlError: ACS refused, or does not answer.
    """
    state = ports.control.state(acs_id_of(recording_id, known))
    return state.lower() if state is not None else None


def is_recording(state: str | None) -> bool:
    """Return whether ACS records."""
    return state == "active"


def is_paused(state: str | None) -> bool:
    """Return whether ACS says that the recording is paused, or has not begun: it has one word for both."""
    return state == "inactive"


def may_be_paused(state: str | None) -> bool:
    """Return whether ACS pauses the recording, or uses a word of a later version that may mean it.

    A guard asks this before it leaves a pause alone: to end a pause twice is harmless, to leave one open is not.
    """
    return state is not None and not is_recording(state)
