"""Request a follow-up: what is derived from a recording is never in the way of the recording itself (I14)."""

from recording.bulkhead import ODD_CONTENT
from recording.codes import Code
from recording.errors import RecordingError
from recording.ports import Ports
from recording.telemetry import Event, emit


def request_follow_up(recording_id: str, ports: Ports) -> None:
    """Ask that the directory be brought up to date; a queue that fails is reported, and reconcile asks again."""
    if ports.follow_ups is None:
        return
    try:
        ports.follow_ups.send(recording_id)
    except (RecordingError, OSError, *ODD_CONTENT) as error:
        code = error.code if isinstance(error, RecordingError) else Code.INTERNAL_ERROR
        emit(Event.FOLLOW_UP_FAILED, code=code, reason="not_sent", recording_id=recording_id)
